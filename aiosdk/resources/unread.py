"""Stands for a resource that was unpickled before the classes of its service were read."""
# pyright: reportPrivateUsage=false, reportIncompatibleMethodOverride=false
# A resource and what stands for one are one thing in several files.

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aiosdk.resources.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASS: Final[Any] = object.__dict__["__class__"]


class Unread(Resource):
    """A resource that knows who it is, and becomes one of its class when more is asked of it."""

    __slots__ = ()

    _find: ClassVar[Any]
    _restored: ClassVar[tuple[Any, ...]]

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return self._identifiers[self._names.index(name)]
        if name.startswith("__"):
            raise AttributeError(name)
        self._become()
        return getattr(self, name)

    @property
    def __class__(self) -> Any:
        """What it becomes, for `isinstance`."""
        return type(self)._find()  # but becomes nothing yet: `isinstance` looks again at what there was before

    def __dir__(self) -> list[str]:
        return dir(self._become())

    def __reduce__(self) -> tuple[Any, ...]:
        restore, *what = self._restored
        return restore, (*what, self._identifiers, self._data)

    def _become(self) -> type[Resource]:
        kind: type[Resource] = type(self)._find()
        _CLASS.__set__(self, kind)
        return kind


@cache
def unread_class(
    find: Callable[[], type[Resource]],
    restore: Callable[..., Any],
    family: str,
    kind: str,
    names: tuple[str, ...],
    secret: tuple[str, ...],
) -> type[Resource]:
    """Make the class that stands for a resource's.

    Args:
        find: Gives the class that it stands for.
        restore: What restores a pickled resource, from the following and its identifiers and data.
        family: The name of the classes of the service.
        kind: The name of the class among them.
        names: The names of its identifiers.
        secret: Those of them that are not to be shown.
    """
    attributes: dict[str, Any] = {
        "__slots__": (),
        "__module__": __name__,
        "_find": staticmethod(find),
        "_restored": (restore, family, kind, names, secret),
        "_names": names,
        "_secret": frozenset(secret),
    }
    made: Any = type(f"{family.partition('@')[0]}.{kind}", (Unread,), attributes)
    return made
