"""Decoders for bodies in JSON: of the json and rest-json protocols.

They take what `json.loads` gives, and may keep parts of it. What is unusual raises `UnusualError`, and botocore's own
parser does the work; so what they take must not be changed.
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
    """Compiles the shapes of one service. None as a decoder stands for values that stay as they are.

    `instead` gives decoders of others' for some shapes.
    """

    def __init__(
        self,
        parse_timestamp: Callable[[Any], Any],
        *,
        rest: bool,
        instead: Callable[[Any], Decode | None] = lambda shape: None,
    ) -> None:
        self._compiled = Compiled()
        self._instead = instead
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
        if (other := self._instead(shape)) is not None:
            return other
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
        unchanged = frozenset(name for name, (member, decode) in by_name.items() if decode is None and member == name)
        is_simple = len(by_name) == len(plan)

        def decode(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise UnusualError
            if len(value) == 1 and is_simple:  # as are the attribute values of DynamoDB
                for name in value:
                    if (raw := value[name]) is None or name not in by_name:
                        return {}
                    if name in unchanged:
                        return value
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
                return value
            return [None if item is None else decode(item) for item in value]

        return decode_list

    def _map(self, shape: Any) -> Decode:
        decode_key, decode_value = self.decoder(shape.key), self.decoder(shape.value)
        # Of the others it is known that they raise for a value that is null.
        looks_for_null = shape.value.type_name == "timestamp"

        def decode(value: Any) -> dict[Any, Any]:
            if type(value) is not dict or (looks_for_null and None in value.values()):
                raise UnusualError
            found = value
            if decode_value is not None:
                for key, each in value.items():
                    decoded = decode_value(each)
                    if decoded is not each:
                        if found is value:
                            found = value.copy()
                        found[key] = decoded
            return found if decode_key is None else {decode_key(key): each for key, each in found.items()}

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
