"""Encoders for bodies in XML, of rest-xml: the text that ElementTree would write, without the tree."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What parameters hold is known when they are there.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
from aiosdk._compile.encode.members import Members, Memo

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk._compile.encode.moments import Moments

    Encode = Callable[[Any], Any]

_SCALARS: Final[dict[str, Callable[[Any], Encode]]] = {
    "string": compile_string,
    "integer": compile_integer,
    "long": compile_integer,
    "boolean": lambda _: encode_boolean,
    "blob": lambda _: encode_blob,
    "float": compile_float,
    "double": compile_float,
}


class XmlEncoders:
    """Compiles the shapes of one service to functions that give the text of elements."""

    empty_body = b""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._compiled: Memo[Encode] = Memo()

    def body(self, shape: Any) -> Encode:
        """Give the function from a structure to the bytes of a body."""
        traits = shape.serialization
        if shape.type_name != "structure" or "name" not in traits or traits.get("eventstream"):
            return unusual
        return _to_bytes(self.encoder(shape, traits["name"]))

    def rest_body(self, shape: Any) -> Encode:
        """Do the same for those members of an input that have no other place."""
        traits = shape.serialization
        return _to_bytes(self._structure(shape, traits["name"], ())) if "name" in traits else unusual

    def encoder(self, shape: Any, name: str) -> Encode:
        """Give the encoder of a shape, as an element of this name."""
        kind = shape.type_name
        if kind == "timestamp":
            return _element(self._moments.encoder(shape, "iso8601"), name, shape)
        if kind in _SCALARS:
            return _element(_SCALARS[kind](shape), name, shape)
        return self._compiled.of(shape, lambda: self._compile(shape, name), name)

    def _compile(self, shape: Any, name: str) -> Encode:
        kind, traits = shape.type_name, shape.serialization
        if kind == "structure" and not shape.is_document_type:
            return self._structure(shape, name, tuple(shape.metadata.get("required", ())))
        if traits.get("flattened") and "xmlNamespace" in traits:  # which botocore writes into the element around it
            return unusual
        if kind == "list":
            return self._list(shape, name)
        if kind == "map" and shape.key.type_name == "string":
            return self._map(shape, name)
        return unusual

    def _structure(self, shape: Any, name: str, required: tuple[str, ...]) -> Encode:
        def make(member_name: str, member: Any) -> tuple[str | None, Encode]:
            traits = member.serialization
            if not traits.get("xmlAttribute"):
                return None, self.encoder(member, traits.get("name", member_name))
            return traits["name"], compile_string(member) if member.type_name == "string" else unusual

        members, is_union = Members(shape, make), shape.is_tagged_union
        start, end = f"<{name}{_namespace(shape)}", f"</{name}>"

        def encode(value: Any) -> str:
            if not isinstance(value, dict) or (is_union and len(value) != 1):
                raise UnusualInputError
            for member in required:
                if member not in value:
                    raise UnusualInputError
            opened, inside = start, ""
            for member, each in value.items():
                attribute, encode = members[member]
                if attribute is None:
                    inside += encode(each)
                else:
                    opened += f' {attribute}="{_escape_attribute(encode(each))}"'
            return f"{opened}>{inside}{end}" if inside else opened + " />"

        return encode

    def _list(self, shape: Any, name: str) -> Encode:
        flat, least = shape.serialization.get("flattened"), least_of(shape)
        encode = self.encoder(shape.member, name if flat else shape.member.serialization.get("name", "member"))
        around = _as_it_is if flat else _around(name, shape)

        def encode_list(value: Any) -> str:
            if not isinstance(value, LISTS) or len(value) < least:
                raise UnusualInputError
            return around("".join([encode(each) for each in value]))

        return encode_list

    def _map(self, shape: Any, name: str) -> Encode:
        flat = shape.serialization.get("flattened")
        encode_key = self.encoder(shape.key, shape.key.serialization.get("name", "key"))
        encode_value = self.encoder(shape.value, shape.value.serialization.get("name", "value"))
        entry = name if flat else "entry"
        around = _as_it_is if flat else _around(name, shape)

        def encode_map(value: Any) -> str:
            if not isinstance(value, dict):
                raise UnusualInputError
            entries = [f"<{entry}>{encode_key(key)}{encode_value(each)}</{entry}>" for key, each in value.items()]
            return around("".join(entries))

        return encode_map


def _to_bytes(encode: Encode) -> Encode:
    return lambda value: encode(value).encode("utf-8", "xmlcharrefreplace")


def _around(name: str, shape: Any) -> Callable[[str], str]:
    """Make the function that puts an element around texts of elements."""
    start, end = f"<{name}{_namespace(shape)}", f"</{name}>"
    return lambda text: f"{start}>{text}{end}" if text else start + " />"


def _as_it_is(text: str) -> str:
    return text


def _element(encode: Encode, name: str, shape: Any) -> Encode:
    """Make the encoder of a scalar, as an element."""
    start, end = f"<{name}{_namespace(shape)}", f"</{name}>"

    def encode_element(value: Any) -> str:
        text = _escape(str(encode(value)))
        return f"{start}>{text}{end}" if text else start + " />"

    return encode_element


def _namespace(shape: Any) -> str:
    """Give the attribute that declares the namespace of a shape."""
    namespace: Any = shape.serialization.get("xmlNamespace")
    if isinstance(namespace, dict):
        prefix = namespace.get("prefix")
        return f' xmlns{":" + prefix if prefix else ""}="{_escape_attribute(namespace["uri"])}"'
    return f' xmlns="{_escape_attribute(namespace)}"' if isinstance(namespace, str) else ""


def _escape(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text


def _escape_attribute(text: str) -> str:
    text = _escape(text).replace('"', "&quot;")
    return text.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")
