"""Tells whether methods of other libraries are theirs still, or somebody has put something in their place.

Tracing libraries wrap methods, test suites mock them, and both take it back. So nothing is decided when we are
imported: a method is judged by where its code comes from, and judged anew whenever it is another object than last time.
It is compared by identity, for a proxy (wrapt's, say) equals what it wraps.
"""

from __future__ import annotations

from operator import attrgetter, is_
from types import FunctionType
from typing import Any, Final


class Seams:
    """Methods that are looked at together.

    Args:
        names: Their names.
        packages: The packages that they may come from.
    """

    __slots__ = ("_get", "_names", "_own", "_packages", "names")

    def __init__(self, names: tuple[str, ...], packages: tuple[str, ...]) -> None:
        self.names: Final = frozenset(names)
        self._names, self._packages = names, packages
        # `attrgetter` gives no tuple for one name alone.
        self._get = attrgetter(*names, *names[-1:])
        self._own: tuple[Any, ...] = (None,) * (len(names) + 1)

    def are_own(self, owner: type) -> bool:
        """Whether a class has all of them from its library. Takes a check of identity for each unless one is new."""
        parts = self._get(owner)
        return all(map(is_, parts, self._own)) or self._judge(parts)

    def changed(self, owner: type) -> str:
        """Give the name of one that is not the library's; empty when all are."""
        for name, part in zip(self._names, self._get(owner), strict=False):
            if not is_own(part, name, self._packages):
                return name
        return ""

    def _judge(self, parts: tuple[Any, ...]) -> bool:
        if all(is_own(part, name, self._packages) for name, part in zip(self._names, parts, strict=False)):
            self._own = parts
            return True
        return False


def is_own(part: object, name: str, packages: tuple[str, ...]) -> bool:
    """Whether a function is one of these packages, whatever wraps it being of them too.

    It is known by its globals: `functools.wraps` copies the name of the module, and proxies copy everything.
    """
    while True:
        if type(part) is not FunctionType or package_of(part) not in packages:
            return False
        wrapped = vars(part).get("__wrapped__")
        if wrapped is None:
            return part.__code__.co_name == name
        part = wrapped


def package_of(function: FunctionType) -> str:
    """The package whose code a function is."""
    return str(function.__globals__.get("__name__")).partition(".")[0]
