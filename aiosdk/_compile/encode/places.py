"""Values of parameters in paths, query strings and headers, of the REST protocols."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What parameters hold is known when they are there.

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiosdk._compile.encode.checks import (
    LISTS,
    UnusualInputError,
    compile_float,
    compile_integer,
    compile_string,
    encode_blob,
    encode_boolean,
    least_of,
    unusual,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk._compile.encode.moments import Moments

    Encode = Callable[[Any], Any]

_SAFE: Final = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII).fullmatch
_dump: Final = json.JSONEncoder(separators=(",", ":")).encode
_SAFE_PATH: Final = re.compile(r"[A-Za-z0-9_.~/-]*", re.ASCII).fullmatch


def compile_label(shape: Any, moments: Moments) -> Encode:
    """Make the encoder of a value for a path; `compile_path` escapes it."""
    return unusual if shape.type_name == "list" else compile_query(shape, moments)


def compile_query(shape: Any, moments: Moments) -> Encode:
    """Make the encoder of a value for a query string; botocore escapes it later."""
    kind = shape.type_name
    if kind == "string":
        return compile_string(shape)
    if kind in ("integer", "long"):
        return compile_integer(shape)
    if kind == "boolean":
        return encode_boolean
    if kind in ("float", "double"):
        return _then_str(compile_float(shape))
    if kind == "timestamp":
        return moments.encoder(shape, "iso8601")
    return _items(shape, compile_query(shape.member, moments)) if kind == "list" else unusual


def compile_query_map(shape: Any) -> Encode:
    """Make the check of a map whose entries go to the query string as they are."""
    if shape.key.type_name != "string":
        return unusual
    value = shape.value
    if value.type_name == "list":
        check = _check_texts(value) if value.member.type_name == "string" else unusual
    else:
        check = compile_string(value) if value.type_name == "string" else unusual
    return _map(compile_string(shape.key), check)


def compile_header_map(shape: Any) -> Encode:
    """Make the check of a map whose entries become headers."""
    if shape.key.type_name != "string" or shape.value.type_name != "string":
        return unusual
    return _map(compile_string(shape.key), compile_string(shape.value))


def compile_header(shape: Any, moments: Moments) -> Encode:
    """Make the encoder of a value for a header; None stands for no header."""
    kind = shape.type_name
    if kind == "string":
        return _encode_json if shape.serialization.get("jsonvalue") else _then_str(compile_string(shape))
    if kind in ("integer", "long"):
        return _then_str(compile_integer(shape))
    if kind == "boolean":
        return encode_boolean
    if kind in ("float", "double"):
        return _then_str(compile_float(shape))
    if kind == "timestamp":
        return moments.header_encoder(shape, "rfc822")
    if kind != "list" or shape.member.type_name == "list":
        return unusual
    plain = shape.member.type_name == "string"
    join = _items(shape, _then_quote(compile_string(shape.member)) if plain else compile_header(shape.member, moments))
    return lambda value: ",".join(join(value)) or (None if not value else "")


def compile_path(template: str) -> Callable[[dict[str, Any]], str]:
    """Make the function from labels to a path: `/{Bucket}/{Key+}`, where `+` says that slashes stay."""
    parts = re.split(r"{(.*?)}", template)
    texts, names = parts[::2], parts[1::2]
    if any("{" in text or "}" in text for text in texts):
        return unusual
    if not names:
        return lambda _: template
    first = texts[0]
    rest = [
        (name.removesuffix("+"), *((_SAFE_PATH, "/~") if name.endswith("+") else (_SAFE, "-._~")), text)
        for name, text in zip(names, texts[1:], strict=True)
    ]

    def encode(labels: dict[str, Any]) -> str:
        path = first
        for name, is_safe, safe, text in rest:
            value = labels[name]
            if not isinstance(value, str):
                value = str(value)
            path += (value if is_safe(value) else quote(value, safe=safe)) + text
        return path

    return encode


def _encode_json(value: Any) -> str:
    return encode_blob(_dump(value))


def _then_str(encode: Encode) -> Encode:
    return lambda value: str(encode(value))


def _then_quote(encode: Encode) -> Encode:
    """Make the encoder of a text in a header that is a list: quoted where it has commas or quotes."""

    def encode_item(value: Any) -> str:
        text = encode(value)
        return '"' + text.replace('"', '\\"') + '"' if '"' in text or "," in text else text

    return encode_item


def _items(shape: Any, encode: Encode) -> Encode:
    least = least_of(shape)

    def encode_items(value: Any) -> list[Any]:
        if isinstance(value, LISTS) and len(value) >= least:
            return [encode(each) for each in value]
        raise UnusualInputError

    return encode_items


def _check_texts(shape: Any) -> Encode:
    """Make the check of a list of texts, which it gives back."""
    read = _items(shape, compile_string(shape.member))

    def check(value: Any) -> Any:
        read(value)
        return value

    return check


def _map(check_key: Encode, check_value: Encode) -> Encode:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise UnusualInputError
        for key, each in value.items():
            check_key(key)
            check_value(each)
        return value

    return check
