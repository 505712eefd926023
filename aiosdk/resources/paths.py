"""Compiles the paths of resource definitions to closures: reading them from a document, writing them to a request.

Nearly all are plain: `User.Arn`, `Contents[]`, `Reservations[].Instances[]`, `Vpcs[0]`. What else JMESPath can say goes
to jmespath itself.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from aiosdk.exceptions import ResourceDefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable


_STEP: Final = re.compile(r"([A-Za-z_]\w*)(?:\[(\d*)\])?")
_MERGED: Final = re.compile(r"\[(\w+(?:,\w+)*)\]\|\[\]")
_TARGET: Final = re.compile(r"(\w+)(?:\[(\d*|\*)\])?")


@cache
def compile_path(path: str | None) -> Callable[[Any], Any]:
    """Compile a path to a function from a document to what is there; None where there is nothing.

    A path ending in `[]` gives a list. No path, `@` and `$` give the document itself.
    """
    if path in (None, "", "@", "$"):
        return lambda document: document
    assert path is not None
    head, separator, last = path.rpartition(".")
    if merged := _MERGED.fullmatch(path):
        return _merge(tuple(merged[1].split(",")))
    step = _STEP.fullmatch(last)
    if step is None or (separator and not _is_plain(head)):
        import jmespath

        return cast("Callable[[Any], Any]", jmespath.compile(path).search)
    name, index = step[1], step[2]
    read = _field(name) if index is None else _items(name) if index == "" else _item(name, int(index))
    if not separator:
        return read
    above = compile_path(head)
    return _each(above, read, flat=index == "") if "[]" in head else _then(above, read)


def _is_plain(path: str) -> bool:
    return all(_STEP.fullmatch(step) for step in path.split("."))


def _member(document: Any, name: str) -> Any:
    return cast("dict[str, Any]", document).get(name) if isinstance(document, dict) else None


def _field(name: str) -> Callable[[Any], Any]:
    return lambda document: _member(document, name)


def _items(name: str) -> Callable[[Any], Any]:
    def read(document: Any) -> Any:
        value = _member(document, name)
        return cast("list[Any]", value) if isinstance(value, list) else None

    return read


def _item(name: str, index: int) -> Callable[[Any], Any]:
    read_items = _items(name)

    def read(document: Any) -> Any:
        items = read_items(document) or ()
        return items[index] if len(items) > index else None

    return read


def _then(above: Callable[[Any], Any], read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda document: read(above(document))


def _each(above: Callable[[Any], Any], read: Callable[[Any], Any], *, flat: bool) -> Callable[[Any], Any]:
    """Read from each of a list, leaving out what is not there; one list of them all if lists are read."""

    def each(document: Any) -> Any:
        items = above(document)
        if items is None:
            return None
        found = [value for value in map(read, items) if value is not None]
        return [value for values in found for value in values] if flat else found

    return each


def _merge(names: tuple[str, ...]) -> Callable[[Any], Any]:
    return lambda document: [item for name in names for item in document.get(name) or ()]


def split_items(path: str) -> tuple[str, str]:
    """Split a path at its last list: that of the items, and what is read from each of them (which may be nothing)."""
    items, bracket, rest = path.rpartition("[]")
    return items + bracket, rest.lstrip(".")


class Step(NamedTuple):
    """One step of a target: a member, and where it is a list, the place in it."""

    name: str
    place: int | str | None
    """A number, `*` for the number of the item of a batch, an empty string to append; None for no list."""


@cache
def compile_target(target: str) -> tuple[Step, ...]:
    """Read a target such as `Delete.Objects[*].Key`."""
    steps: list[Step] = []
    for part in target.split("."):
        step = _TARGET.fullmatch(part)
        if step is None:
            raise ResourceDefinitionError(what=target, problem="it is no path")
        steps.append(Step(step[1], int(step[2]) if (step[2] or "").isdecimal() else step[2]))
    return tuple(steps)


def write(params: dict[str, Any], target: tuple[Step, ...], value: Any, number: int) -> None:
    """Put a value where a target says, making the dictionaries and lists on the way."""
    here: Any = params
    for position, step in enumerate(target):
        last = position == len(target) - 1
        if step.place is None:
            if last:
                here[step.name] = value
            else:
                here = here.setdefault(step.name, {})
            continue
        items: list[Any] = here.setdefault(step.name, [])
        place = len(items) if step.place == "" else number if step.place == "*" else int(step.place)
        while len(items) <= place:
            items.append({})
        if last:
            items[place] = value
        else:
            here = items[place]
