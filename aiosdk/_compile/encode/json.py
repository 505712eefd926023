"""Encoders for bodies in JSON: of the json and rest-json protocols."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What parameters hold is known when they are there.

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from aiosdk._compile.encode.checks import (
    LISTS,
    UnusualInputError,
    check_boolean,
    check_document,
    compile_float,
    compile_integer,
    compile_string,
    encode_blob,
    least_of,
    unusual,
)
from aiosdk._compile.encode.members import Members, Memo

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk._compile.encode.moments import Moments

    Encode = Callable[[Any], Any]
    Member = tuple[str, Any, Encode | None]

# The text of `json.dumps`. What is encoded has been walked, so that it cannot contain itself.
_dump: Final = json.JSONEncoder(check_circular=False).encode

_SCALARS: Final[dict[str, Callable[[Any], Encode]]] = {
    "string": compile_string,
    "integer": compile_integer,
    "long": compile_integer,
    "boolean": lambda _: check_boolean,
    "blob": lambda _: encode_blob,
    "float": lambda shape: _compile_float(shape),
    "double": lambda shape: _compile_float(shape),
}


class JsonEncoders:
    """Compiles the shapes of one service to functions that give what `json.dumps` is to write."""

    empty_body = b"{}"

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._compiled: Memo[Encode] = Memo()

    def body(self, shape: Any) -> Encode:
        """Give the function from a structure to the bytes of a body."""
        if shape.type_name != "structure" or shape.is_document_type or shape.serialization.get("eventstream"):
            return unusual
        encode = self.encoder(shape)
        return lambda value: _dump(encode(value)).encode()

    def rest_body(self, shape: Any) -> Encode:
        """Do the same for those members of an input that have no other place."""
        encode = self._structure(shape, ())
        return lambda value: _dump(encode(value)).encode()

    def encoder(self, shape: Any) -> Encode:
        """Give the encoder of a shape."""
        kind = shape.type_name
        if kind == "timestamp":
            return self._moments.encoder(shape, "unixtimestamp")
        if kind in _SCALARS:
            return _SCALARS[kind](shape)
        return self._compiled.of(shape, lambda: self._compile(shape))

    def _compile(self, shape: Any) -> Encode:
        kind = shape.type_name
        if kind == "structure":
            if shape.is_document_type:
                return check_document
            return self._structure(shape, tuple(shape.metadata.get("required", ())))
        if kind == "list":
            return self._list(shape)
        if kind == "map" and shape.key.type_name == "string":
            return self._map(shape)
        return unusual

    def _unless_plain(self, shape: Any) -> Encode | None:
        """Give the encoder of a shape; None for texts, which are so many that they are checked on the spot."""
        return None if shape.type_name == "string" else self.encoder(shape)

    def _structure(self, shape: Any, required: tuple[str, ...]) -> Encode:
        def make(name: str, member: Any) -> Member:
            return member.serialization.get("name", name), least_of(member), self._unless_plain(member)

        members, is_union = Members(shape, make), shape.is_tagged_union

        def encode(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict) or (is_union and len(value) != 1):
                raise UnusualInputError
            for name in required:
                if name not in value:
                    raise UnusualInputError
            encoded: dict[str, Any] = {}
            for name, each in value.items():
                key, least, encode = members[name]
                if encode is not None:
                    encoded[key] = encode(each)
                elif isinstance(each, str) and len(each) >= least:
                    encoded[key] = each
                else:
                    raise UnusualInputError
            return encoded

        return encode

    def _list(self, shape: Any) -> Encode:
        least, least_text = least_of(shape), least_of(shape.member)
        encode = self._unless_plain(shape.member)

        def encode_list(value: Any) -> Any:
            if not isinstance(value, LISTS) or len(value) < least:
                raise UnusualInputError
            if encode is not None:
                return [encode(each) for each in value]
            for each in value:
                if not isinstance(each, str) or len(each) < least_text:
                    raise UnusualInputError
            return value

        return encode_list

    def _map(self, shape: Any) -> Encode:
        least, encode = least_of(shape.key), self.encoder(shape.value)

        def encode_map(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise UnusualInputError
            encoded: dict[str, Any] = {}
            for key, each in value.items():
                if not isinstance(key, str) or len(key) < least:
                    raise UnusualInputError
                encoded[key] = encode(each)
            return encoded

        return encode_map


def _compile_float(shape: Any) -> Encode:
    check = compile_float(shape)

    def encode(value: Any) -> Any:
        value = check(value)
        return float(value) if isinstance(value, Decimal) else value

    return encode
