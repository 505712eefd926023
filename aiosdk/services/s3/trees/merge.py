"""Reads two sorted sequences side by side and pairs what has the same place in both."""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar


class Placed(Protocol):
    """Something with a place in a tree; a tree is in the order of the places' characters, which is UTF-8's and S3's."""

    @property
    def relative(self) -> str:
        """The path relative to the root, with `/`."""
        ...


L = TypeVar("L", bound=Placed)
R = TypeVar("R", bound=Placed)
T = TypeVar("T")


class Batches(Protocol[T]):
    """A sequence that comes in batches."""

    async def next_batch(self) -> list[T] | None:
        """Give the next items, perhaps none; None at the end."""
        ...


class Nothing:
    """A sequence of nothing."""

    async def next_batch(self) -> None:
        """Give None: it is at its end."""
        return


class Merged(Generic[L, R]):
    """Pairs of two sorted sequences, in batches. It holds a batch of each and no more."""

    def __init__(self, left: Batches[L], right: Batches[R]) -> None:
        self._left: Batches[L] | None = left
        self._right: Batches[R] | None = right
        self._lefts = deque[L]()
        self._rights = deque[R]()

    async def next_batch(self) -> list[tuple[L | None, R | None]] | None:
        """Give the next pairs, in order; one side of a pair is None where only the other has it. None at the end."""
        while self._left is not None and not self._lefts:
            batch = await self._left.next_batch()
            if batch is None:
                self._left = None
            else:
                self._lefts.extend(batch)
        while self._right is not None and not self._rights:
            batch = await self._right.next_batch()
            if batch is None:
                self._right = None
            else:
                self._rights.extend(batch)
        return pair_up(self._lefts, self._rights) or None


def pair_up(lefts: deque[L], rights: deque[R]) -> list[tuple[L | None, R | None]]:
    """Take pairs from the fronts of two queues until one is empty; from one alone, if the other is empty at first."""
    pairs: list[tuple[L | None, R | None]] = []
    while lefts and rights:
        left, right = lefts[0].relative, rights[0].relative
        pairs.append((lefts.popleft() if left <= right else None, rights.popleft() if right <= left else None))
    if not pairs:
        pairs += [(each, None) for each in lefts]
        pairs += [(None, each) for each in rights]
        lefts.clear()
        rights.clear()
    return pairs
