"""A dictionary that forgets: what is remembered by names that others make up has a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(OrderedDict[K, V]):
    """Keeps the last entries that were added.

    Args:
        most: How many; the oldest goes when there is one more.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self.most:
            self.popitem(last=False)

    def __reduce__(self) -> Any:
        return _rebuilt, (self.most, list(self.items()))


def _rebuilt(most: int, entries: list[tuple[Any, Any]]) -> Bounded[Any, Any]:
    made = Bounded[Any, Any](most)
    made.update(entries)
    return made
