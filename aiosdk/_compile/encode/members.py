"""What is compiled, kept: by member of a structure, made when a caller first gives that member, and by shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Members(dict[str, T]):
    """What to do with the members of a structure, by name.

    The largest inputs have hundreds of members of which a program gives a few, and a structure may contain itself: so
    a member is compiled when it is first there. An unknown name raises `KeyError`.
    """

    def __init__(self, shape: Any, make: Callable[[str, Any], T]) -> None:
        super().__init__()
        self._shape = shape
        self._make = make

    def __missing__(self, name: str) -> T:
        made = self[name] = self._make(name, self._shape.members[name])
        return made


class Memo(dict[object, T]):
    """What has been compiled from shapes: a structure that contains itself is compiled once."""

    def of(self, shape: Any, make: Callable[[], T], *more: object) -> T:
        """Give what `make` makes of the shape, made once for all references with the same traits."""
        key = (shape.name, shape.type_name, repr(shape.serialization), repr(shape.metadata), *more)
        made = self.get(key)
        if made is None:
            made = self[key] = make()
        return made
