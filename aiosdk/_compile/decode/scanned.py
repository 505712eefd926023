"""Decoders of whole bodies in XML that are plain enough to be read from their tokens: of rest-xml, query and ec2.

They read what `XmlDecoders` and botocore's parsers read in a tree, in a fraction of the time. A body that is not plain,
an error in it (a root named `Error` among them), and a shape that cannot be compiled raise an exception, of whatever
kind. What is returned was read from a body that is well-formed from its first byte to its last.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from aiosdk._compile.decode.columns import timestamps
from aiosdk._compile.decode.readers import Member, Scalar, Structure, forms_of
from aiosdk._compile.decode.repeated import List, Map
from aiosdk._compile.decode.tokens import closing_of, cut
from aiosdk._compile.decode.xml import UnusualError, is_flat, members_of, tags_of_entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aiosdk._compile.decode.readers import Reader

    DecodeBody = Callable[[bytes], dict[str, Any]]

_RESULT: Final = 0  # names that no member of a model has
_METADATA: Final = 1


class ScanDecoders:
    """Compiles the shapes of one service, each once."""

    def __init__(self, parse_timestamp: Callable[[str], datetime]) -> None:
        self._readers: dict[object, Reader] = {}
        integer, real = Scalar(int), Scalar(float)
        text = Scalar()
        self._scalars: dict[str, Scalar] = {
            "string": text,
            "character": text,
            "boolean": Scalar(_boolean, lambda texts: [each == "true" for each in texts]),
            "integer": integer,
            "long": integer,
            "float": real,
            "double": real,
            "blob": Scalar(base64.b64decode),
            "timestamp": Scalar(parse_timestamp, timestamps(parse_timestamp)),
        }

    def body_decoder(self, shape: Any, protocol: str) -> DecodeBody:
        """Give the decoder of the answers of an operation.

        With `rest-xml` it gives the members that stand in the body: all of a shape's, or its payload. With `query` and
        `ec2` it gives all members, and what the body says in `ResponseMetadata`.

        Args:
            shape: The output shape of an operation, or None.
            protocol: `rest-xml`, `query` or `ec2`.

        Raises:
            UnusualError: The body is not in XML, or botocore's parser must read it.
        """
        if protocol == "rest-xml":
            return self._rest_body(shape)
        if protocol == "query":
            return self._query_body(shape)
        if protocol == "ec2":
            return self._ec2_body(shape)
        raise UnusualError

    def reader(self, shape: Any) -> Reader:
        """Give the reader of a shape."""
        kind = shape.type_name
        if kind in self._scalars:
            return self._scalars[kind]
        key = shape.name, kind, tuple(sorted(map(repr, shape.serialization.items())))
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = self._compile(shape)
        return reader

    def _compile(self, shape: Any) -> Reader:
        kind = shape.type_name
        if kind == "structure":
            return Structure(lambda: self._members(shape))
        if kind == "list":
            return List(self.reader(shape.member), flat=is_flat(shape))
        if kind == "map":
            key_tag, value_tag = tags_of_entry(shape)
            return Map(key_tag, self.reader(shape.key), value_tag, self.reader(shape.value), flat=is_flat(shape))
        raise UnusualError

    def _compiled(self, shape: Any) -> Reader:
        """The reader of a shape, whose flaws are found now."""
        reader = self.reader(shape)
        if isinstance(reader, Structure):
            reader.members()
        return reader

    def _members(self, shape: Any) -> dict[str, Member]:
        members = members_of(shape)
        if members is None:
            raise UnusualError
        found: dict[str, Member] = {}
        for place, (tag, (name, member)) in enumerate(members.items()):
            found |= forms_of(place, name, tag, self.reader(member), flat=is_flat(member))
        return found

    def _rest_body(self, shape: Any) -> DecodeBody:
        if shape is None:
            return lambda _: {}
        payload = shape.serialization.get("payload")
        if payload is None:
            reader = self._compiled(shape)
            return lambda body: _read(reader, body) if body else reader.empty()
        member = shape.members[payload]
        if member.type_name not in ("structure", "list", "map") or member.serialization.get("eventstream"):
            raise UnusualError
        reader = self._compiled(member)
        return lambda body: {payload: _read(reader, body) if body else reader.empty()}

    def _query_body(self, shape: Any) -> DecodeBody:
        wrapper = None if shape is None else shape.serialization.get("resultWrapper")
        if wrapper is None:
            return _with_metadata(self._extended(shape, "ResponseMetadata", _Texts()))
        result = forms_of(0, _RESULT, wrapper, self._compiled(shape))
        envelope = Structure(lambda: result | forms_of(1, _METADATA, "ResponseMetadata", _Texts()))

        def decode(body: bytes) -> dict[str, Any]:
            read: dict[int, dict[str, Any]] = _read(envelope, body)
            found = read[_RESULT]
            if _METADATA in read:
                found["ResponseMetadata"] = read[_METADATA]
            return found

        return decode

    def _ec2_body(self, shape: Any) -> DecodeBody:
        return _with_metadata(self._extended(shape, "requestId", Scalar(lambda text: {"RequestId": text or None})))

    def _extended(self, shape: Any, tag: str, metadata: Reader) -> Structure:
        """A structure whose element also contains what is said of the answer."""

        def members() -> dict[str, Member]:
            found: dict[str, Member] = {} if shape is None else self._members(shape)
            if tag in found:
                raise UnusualError
            return found | forms_of(len(found), _METADATA, tag, metadata)

        reader = Structure(members)
        reader.members()
        return reader


class _Texts:
    """Elements that contain nothing but a text, by their tags."""

    def read(self, tags: list[str], texts: list[str], at: int, closing: str) -> tuple[dict[str, str | None], int]:
        found: dict[str, str | None] = {}
        at += 1
        while (tag := tags[at]) != closing:
            end = closing_of(tag)
            if end is None or tag in found or tags[at + 1] != end:
                raise UnusualError
            found[tag] = texts[at] or None
            at += 2
        return found, at + 1

    def learn(self, tags: list[str], at: int, closing: str, start: int) -> Any:
        raise UnusualError  # it stands alone

    def empty(self) -> dict[str, str | None]:
        return {}


def _read(reader: Reader, body: bytes) -> Any:
    """Read a body that consists of one element."""
    tags, texts = cut(body)
    if tags[0] == "Error":
        raise UnusualError
    value, behind = reader.read(tags, texts, 0, "/" + tags[0])
    if behind != len(tags):
        raise UnusualError
    return value


def _with_metadata(reader: Structure) -> DecodeBody:
    def decode(body: bytes) -> dict[str, Any]:
        found = _read(reader, body)
        if _METADATA in found:
            found["ResponseMetadata"] = found.pop(_METADATA)
        return found

    return decode


def _boolean(text: str) -> bool:
    return text == "true"
