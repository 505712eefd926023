"""Decoders for bodies in JSON: of the json and rest-json protocols.

They take what `json.loads` gives. What is unusual raises `UnusualError`, and botocore's own parser does the work.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What a body holds is known when it is there.

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from aiosdk._compile.decode.lazy import Compiled
from aiosdk._compile.decode.xml import UnusualError

if TYPE_CHECKING:
    from collections.abc import Callable

    Decode = Callable[[Any], Any]


class JsonDecoders:
    """Compiles the shapes of one service. None as a decoder stands for values that stay as they are."""

    def __init__(self, parse_timestamp: Callable[[Any], Any], *, rest: bool) -> None:
        self._compiled = Compiled()
        self._scalars: dict[str, Decode | None] = {
            "string": None,
            "character": None,
            "blob": base64.b64decode,
            "timestamp": parse_timestamp,
            "boolean": _boolean if rest else None,
            "integer": int if rest else None,
            "long": int if rest else None,
            "float": float if rest else None,
            "double": float if rest else None,
        }

    def decoder(self, shape: Any) -> Decode | None:
        """Give the decoder of a shape."""
        kind = shape.type_name
        if kind in self._scalars:
            traits = shape.serialization
            return _unusual if "jsonvalue" in traits and traits.get("location") == "header" else self._scalars[kind]
        if kind == "structure" and shape.is_document_type:
            return None
        if kind not in ("structure", "list", "map") or shape.serialization.get("location"):
            return _unusual
        key = shape.name, tuple(sorted(map(repr, shape.serialization.items())))
        return self._compiled.get(key, lambda: self._compile(shape))

    def _compile(self, shape: Any) -> Decode:
        if shape.type_name == "structure":
            return self._structure(shape)
        return self._list(shape) if shape.type_name == "list" else self._map(shape)

    def _structure(self, shape: Any) -> Decode:
        plan = [
            (name, member.serialization.get("name", name), self.decoder(member))
            for name, member in shape.members.items()
        ]

        by_name = {name: (member, decode) for member, name, decode in plan}

        def decode(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise UnusualError
            if len(value) == 1 and len(by_name) == len(plan):  # as are the attribute values of DynamoDB
                ((name, raw),) = value.items()
                if raw is None or name not in by_name:
                    return {}
                member, decode = by_name[name]
                return {member: raw if decode is None else decode(raw)}
            found: dict[str, Any] = {}
            for member, name, decode in plan:
                raw = value.get(name)
                if raw is not None:
                    found[member] = raw if decode is None else decode(raw)
            return found

        return _union(plan) if shape.is_tagged_union else decode

    def _list(self, shape: Any) -> Decode:
        decode = self.decoder(shape.member)

        def decode_list(value: Any) -> list[Any]:
            if type(value) is not list:
                raise UnusualError
            if decode is None:
                return list(value)
            return [None if item is None else decode(item) for item in value]

        return decode_list

    def _map(self, shape: Any) -> Decode:
        decode_key, decode_value = self.decoder(shape.key), self.decoder(shape.value)

        def decode(value: Any) -> dict[Any, Any]:
            if type(value) is not dict or (decode_value is not None and None in value.values()):
                raise UnusualError
            return {
                (key if decode_key is None else decode_key(key)): (each if decode_value is None else decode_value(each))
                for key, each in value.items()
            }

        return decode


def _union(plan: list[tuple[str, str, Decode | None]]) -> Decode:
    """A structure of which exactly one member is set."""
    by_name = {name: (member, decode) for member, name, decode in plan}

    def decode(value: Any) -> dict[str, Any]:
        if type(value) is not dict or len(value) != 1:
            raise UnusualError
        ((name, raw),) = value.items()
        if raw is None or name not in by_name:
            raise UnusualError
        member, decode = by_name[name]
        return {member: raw if decode is None else decode(raw)}

    return decode


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise UnusualError


def _unusual(_: Any) -> Any:
    raise UnusualError
