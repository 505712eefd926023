"""Decoders for bodies in XML: of rest-xml, query and ec2.

They take the nodes of an ElementTree. A decoder knows nothing of what is unusual (a field that repeats where one is
expected, an entry of a map with a strange tag): it raises, or answers `None` when asked to be compiled, and botocore's
own parser does the work and words the error.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from aiosdk._compile.decode.lazy import Compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    Decode = Callable[[Any], Any]

LOCATED: Final = ("header", "headers", "statusCode")


class UnusualError(Exception):
    """Raised for what only botocore's parser knows to read."""


class XmlDecoders:
    """Compiles the shapes of one service. A shape that refers to itself is compiled once."""

    def __init__(self, parse_timestamp: Callable[[Any], Any]) -> None:
        self._compiled = Compiled()
        self._scalars: dict[str, Decode] = {
            "string": _string,
            "character": _string,
            "boolean": _boolean,
            "integer": _integer,
            "long": _integer,
            "float": _float,
            "double": _float,
            "blob": _blob,
            "timestamp": lambda node: parse_timestamp(_text(node)),
        }

    def decoder(self, shape: Any) -> Decode:
        """Give the decoder of a shape."""
        scalar = self._scalars.get(shape.type_name)
        if scalar is not None:
            return scalar
        key = shape.name, shape.type_name, tuple(sorted(map(repr, shape.serialization.items())))
        return self._compiled.get(key, lambda: self._compile(shape))

    def _compile(self, shape: Any) -> Decode:
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return _unusual

    def _structure(self, shape: Any) -> Decode:
        members = members_of(shape)
        if members is None:
            return _unusual
        found: dict[str, _Member] = {}
        for tag, (name, member) in members.items():
            decode = self.decoder(member)
            found[tag] = _Member(len(found), name, None if decode is _string else decode, is_flat(member))
        return _structure(found)

    def _list(self, shape: Any) -> Decode:
        decode = self.decoder(shape.member)
        if is_flat(shape):
            return lambda nodes: [decode(node) for node in _several(nodes)]
        return lambda nodes: [decode(node) for node in nodes]

    def _map(self, shape: Any) -> Decode:
        key_tag, value_tag = tags_of_entry(shape)
        tags = frozenset((key_tag, value_tag))
        flat = is_flat(shape)
        decode_key, decode_value = self.decoder(shape.key), self.decoder(shape.value)

        def decode(entries: Any) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            for entry in _several(entries) if flat else entries:
                pair = {_name_of(child.tag, tags): child for child in entry}
                if len(pair) != 2 or len(entry) != 2 or None in pair:
                    raise UnusualError
                found[decode_key(pair[key_tag])] = decode_value(pair[value_tag])
            return found

        return decode


def members_of(shape: Any) -> dict[str, tuple[str, Any]] | None:
    """Give the members of a structure that stand in the body, by their tags: names and shapes.

    Gives None for a structure that only botocore's parser knows to read.
    """
    members = shape.members
    if (
        shape.metadata.get("exception")
        or shape.is_tagged_union
        or any(each.serialization.get("xmlAttribute") for each in members.values())
    ):
        return None
    found: dict[str, tuple[str, Any]] = {}
    for name, member in members.items():
        traits = member.serialization
        if traits.get("location") not in LOCATED and not traits.get("eventheader"):
            tag = _tag_of(member, name)
            if tag in found:  # two members would be read from one field
                return None
            found[tag] = name, member
    return found


def is_flat(shape: Any) -> bool:
    """Whether the items of a shape stand among the members of the structure that it belongs to, one field each."""
    return shape.type_name in ("list", "map") and bool(shape.serialization.get("flattened"))


def tags_of_entry(shape: Any) -> tuple[str, str]:
    """Give the tags of the keys and of the values of a map."""
    return shape.key.serialization.get("name") or "key", shape.value.serialization.get("name") or "value"


class _Member(NamedTuple):
    """A member of a structure."""

    place: int
    name: str
    decode: Decode | None
    """None for a text, of which there are most."""
    flat: bool
    """Whether its items stand among the members, one field each."""


def _structure(members: dict[str, _Member]) -> Decode:
    """A structure whose members have these tags. They come out in the order of the model."""
    names = [each.name for each in members.values()]
    lists = {each.name: each.decode for each in members.values() if each.flat and each.decode is not None}
    most = 4 * len(members)
    tags: dict[str, _Member] = {}  # with their namespaces, as they were met

    def member_of(tag: str) -> _Member | None:
        member = members.get(tag.rpartition("}")[2])
        if member is not None and len(tags) < most:  # each answer of a hostile server could have new ones
            tags[tag] = member
        return member

    def decode(node: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        flat: dict[str, list[Element]] = {}
        before, in_order = -1, True
        if type(node) is list:  # where one was expected
            raise UnusualError
        for child in node:
            member = tags.get(child.tag) or member_of(child.tag)
            if member is None:
                continue
            place, name, read, is_flat = member
            if is_flat:
                if name in flat:
                    flat[name].append(child)
                    continue
                flat[name] = found[name] = [child]
            elif name in found:
                raise UnusualError
            else:
                found[name] = (child.text or "") if read is None else read(child)
            if place < before:
                in_order = False
            before = place
        for name, nodes in flat.items():
            found[name] = lists[name](nodes)
        return found if in_order else {name: found[name] for name in names if name in found}

    return decode


def _several(nodes: Any) -> list[Any]:
    """The items of a flattened list; one that stands in another list comes alone."""
    return cast("list[Any]", nodes) if type(nodes) is list else [nodes]


def _tag_of(shape: Any, name: str) -> str:
    """The tag of a member of a structure."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        of_item = shape.member.serialization.get("name")
        if of_item is not None:
            return of_item
    tag = shape.serialization.get("name")
    return name if tag is None else tag


def _name_of(tag: str, known: frozenset[str]) -> str | None:
    """A tag without its namespace, if it is one of those known."""
    name = tag.rpartition("}")[2]
    return name if name in known else None


def _unusual(_: Any) -> Any:
    raise UnusualError


def _text(node: Element) -> str:
    return node.text or ""


def _string(node: Element) -> str:
    return node.text or ""


def _boolean(node: Element) -> bool:
    return node.text == "true"


def _integer(node: Element) -> int:
    return int(node.text or "")


def _float(node: Element) -> float:
    return float(node.text or "")


def _blob(node: Element) -> bytes:
    return base64.b64decode(node.text or "")
