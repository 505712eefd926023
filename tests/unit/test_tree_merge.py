"""Two sorted sequences read side by side."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk.services.s3.trees.merge import Merged, Nothing

PATHS = st.sets(st.text("ab-./é😀\ue000", max_size=4), max_size=12)
CUTS = st.lists(st.integers(0, 4), max_size=12)


class Item(NamedTuple):
    relative: str


class InBatches:
    def __init__(self, paths: set[str], cuts: list[int]) -> None:
        items = [Item(each) for each in sorted(paths, key=str.encode)]
        self.batches: list[list[Item]] = []
        for cut in [*cuts, len(items)]:
            self.batches.append(items[:cut])
            items = items[cut:]
        self.batches.append(items)

    async def next_batch(self) -> list[Item] | None:
        return self.batches.pop(0) if self.batches else None


async def pairs_of(left: object, right: object) -> list[tuple[str | None, str | None]]:
    merged = Merged(left, right)
    found: list[tuple[str | None, str | None]] = []
    while (pairs := await merged.next_batch()) is not None:
        assert pairs, "an empty batch would be a turn for nothing"
        found += [(left and left.relative, right and right.relative) for left, right in pairs]
    assert await merged.next_batch() is None
    return found


@settings(max_examples=300, deadline=None)
@given(PATHS, CUTS, PATHS, CUTS)
async def test_each_item_comes_once_in_the_order_of_utf8_beside_its_twin(
    left: set[str], left_cuts: list[int], right: set[str], right_cuts: list[int]
) -> None:
    pairs = await pairs_of(InBatches(left, left_cuts), InBatches(right, right_cuts))

    every = sorted(left | right, key=str.encode)
    assert pairs == [(each if each in left else None, each if each in right else None) for each in every]


async def test_nothing_beside_something() -> None:
    assert await pairs_of(Nothing(), InBatches({"a", "b"}, [1])) == [(None, "a"), (None, "b")]
    assert await pairs_of(Nothing(), Nothing()) == []
