"""Encoders for the parameters of a form: of the query and ec2 protocols."""
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
    Put = Callable[[dict[str, Any], Any, str], None]

_SCALARS: Final[dict[str, Callable[[Any], Encode]]] = {
    "string": compile_string,
    "integer": compile_integer,
    "long": compile_integer,
    "boolean": lambda _: encode_boolean,
    "blob": lambda _: encode_blob,
    "float": compile_float,
    "double": compile_float,
}


class QueryEncoders:
    """Compiles the shapes of one service to functions that put values into a form, under a name."""

    def __init__(self, moments: Moments, *, ec2: bool = False) -> None:
        self._moments = moments
        self._ec2 = ec2
        self._compiled: Memo[Put] = Memo()

    def encoder(self, shape: Any) -> Put:
        """Give the function that puts a value into a form."""
        kind = shape.type_name
        if kind == "timestamp" or kind in _SCALARS:
            encode = self._scalar(shape)

            def put(form: dict[str, Any], value: Any, name: str) -> None:
                form[name] = encode(value)

            return put
        return self._compiled.of(shape, lambda: self._compile(shape))

    def _scalar(self, shape: Any) -> Encode:
        if shape.type_name == "timestamp":
            return self._moments.encoder(shape, "iso8601")
        return _SCALARS[shape.type_name](shape)

    def _compile(self, shape: Any) -> Put:
        kind = shape.type_name
        if kind == "structure" and not shape.is_document_type:
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map" and shape.key.type_name == "string":
            return self._map(shape)
        return unusual

    def _name(self, shape: Any, default: str) -> str:
        traits = shape.serialization
        if not self._ec2:
            return traits.get("name", default)
        if "queryName" in traits:
            return traits["queryName"]
        return traits["name"][0].upper() + traits["name"][1:] if "name" in traits else default

    def _structure(self, shape: Any) -> Put:
        def make(name: str, member: Any) -> tuple[str, Encode | None, Put]:
            scalar = member.type_name == "timestamp" or member.type_name in _SCALARS
            return self._name(member, name), self._scalar(member) if scalar else None, self.encoder(member)

        members, is_union = Members(shape, make), shape.is_tagged_union
        required = tuple(shape.metadata.get("required", ()))

        def put(form: dict[str, Any], value: Any, prefix: str) -> None:
            if not isinstance(value, dict) or (is_union and len(value) != 1):
                raise UnusualInputError
            for member in required:
                if member not in value:
                    raise UnusualInputError
            stem = prefix + "." if prefix else ""
            for member, each in value.items():
                name, encode, put = members[member]
                if encode is not None:
                    form[stem + name] = encode(each)
                else:
                    put(form, each, stem + name)

        return put

    def _list(self, shape: Any) -> Put:
        put, least, empty = self.encoder(shape.member), least_of(shape), not self._ec2
        member_name = shape.member.serialization.get("name")
        flat = shape.serialization.get("flattened")

        def prefix_of(prefix: str) -> str:
            if self._ec2 or (flat and not member_name):
                return prefix
            if flat:  # the name of the items stands for that of the list
                before, dot, _ = prefix.rpartition(".")
                return before + dot + member_name
            return f"{prefix}.{'member' if member_name is None else member_name}"

        def put_list(form: dict[str, Any], value: Any, prefix: str) -> None:
            if not isinstance(value, LISTS) or len(value) < least:
                raise UnusualInputError
            if not value and empty:
                form[prefix] = ""
            else:
                stem = prefix_of(prefix)
                for number, each in enumerate(value, 1):
                    put(form, each, f"{stem}.{number}")

        return put_list

    def _map(self, shape: Any) -> Put:
        put_key, put_value = self.encoder(shape.key), self.encoder(shape.value)
        key_name, value_name = self._name(shape.key, "key"), self._name(shape.value, "value")
        entry = "" if shape.serialization.get("flattened") else ".entry"

        def put_map(form: dict[str, Any], value: Any, prefix: str) -> None:
            if not isinstance(value, dict):
                raise UnusualInputError
            for number, (key, each) in enumerate(value.items(), 1):
                stem = f"{prefix}{entry}.{number}"
                put_key(form, key, f"{stem}.{key_name}")
                put_value(form, each, f"{stem}.{value_name}")

        return put_map
