"""Fills in the parameters of requests, and puts the user's beside them."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiosdk.exceptions import ResourceDefinitionError
from aiosdk.resources.names import snake_case
from aiosdk.resources.paths import compile_path, compile_target, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiosdk.resources.definition import Parameter
    from aiosdk.resources.resource import Resource

_CONSTANTS: Final = ("string", "integer", "boolean")


class Filled:
    """The parameters that a resource fills into a request by itself."""

    __slots__ = ("_sources", "from_data", "names")

    def __init__(self, parameters: tuple[Parameter, ...]) -> None:
        given = [each for each in parameters if each.source != "input"]
        self._sources = [(compile_target(each.target), _value_of(each)) for each in given]
        self.names = frozenset(compile_target(each.target)[0].name for each in given)
        """The top-level parameters."""
        self.from_data = any(each.source == "data" for each in given)
        """Whether the resource must be loaded for it."""

    async def build(self, resource: Resource) -> dict[str, Any]:
        """Give the parameters for one resource, loading it first where they come from its data."""
        if self.from_data:
            await resource._loaded()
        params: dict[str, Any] = {}
        self.add(params, resource, 0)
        return params

    def add(self, params: dict[str, Any], resource: Resource, number: int) -> None:
        """Add the parameters for the resource that has this number in a batch."""
        for target, value in self._sources:
            write(params, target, value(resource), number)


def _value_of(parameter: Parameter) -> Callable[[Resource], Any]:
    if parameter.source == "identifier":
        name = snake_case(parameter.name or "")
        return lambda resource: getattr(resource, name)
    if parameter.source == "data":
        read = compile_path(parameter.path)
        return lambda resource: read(resource.meta.data)
    if parameter.source in _CONSTANTS:
        return lambda _: parameter.value
    raise ResourceDefinitionError(what=parameter.target, problem=f"there is no source {parameter.source!r}")


def overlay(params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the user's parameters over those filled in: in dictionaries key by key, everything else as a whole."""
    return {**params, **{name: _laid(params.get(name), value) for name, value in given.items()}}


def extend(params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Put more filters beside those there are, as boto3 does: lists grow, dictionaries merge, the rest is replaced."""
    return {**params, **{name: _added(params.get(name), value) for name, value in given.items()}}


def _laid(below: Any, value: Any) -> Any:
    return overlay(below, value) if isinstance(value, dict) and isinstance(below, dict) else value  # pyright: ignore


def _added(below: Any, value: Any) -> Any:
    return [*below, *value] if isinstance(value, list) and isinstance(below, list) else _laid(below, value)  # pyright: ignore
