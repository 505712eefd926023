"""Readers of lists and maps, whose items are read together where their tags are equal."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aiosdk._compile.decode.columns import Run, constant, length_of_run, lists, maps
from aiosdk._compile.decode.readers import Collection
from aiosdk._compile.decode.xml import UnusualError

if TYPE_CHECKING:
    from aiosdk._compile.decode.columns import Make
    from aiosdk._compile.decode.readers import Reader

LEAST: Final = 8
"""So many items of the same tags are worth being made column by column."""

MOST: Final = 16
"""So many kinds of items are told apart: each is compared with all of them."""


class Kind:
    """Items of equal tags: where they go among the values, where they begin among the tokens, how many in a row."""

    def __init__(self, record: list[str]) -> None:
        self.record = record
        self.step = len(record)
        self.places: list[tuple[int, int, int]] = []

    def count(self, tags: list[str], at: int, closing: str) -> int:
        """Count the items of this kind from a place on."""
        step, record = self.step, self.record
        if at + step > len(tags) or tags[at + step - 1] != closing or tags[at : at + step] != record:
            return 0
        return 1 + length_of_run(tags, at + step, record)


class List(Collection):
    """Items of one shape; where they do not stand among the members of a structure, their tags may be anything."""

    def new(self) -> list[Any]:
        return []

    def add(self, values: list[Any], tags: list[str], texts: list[str], at: int, closing: str | None) -> int:
        if closing is None:
            values.append(self.item.empty())
            return at + 1
        value, behind = self.item.read(tags, texts, at, closing)
        values.append(value)
        if tags[behind] != tags[at] or behind - at == 2:
            return behind
        return self._add_alike(values, tags, texts, at, behind, closing)

    def _add_alike(self, values: list[Any], tags: list[str], texts: list[str], at: int, behind: int, end: str) -> int:
        """Read the items that follow one, sorted by the tags of their contents, as most have one of a few forms."""
        opening = tags[at]
        kinds = [Kind(tags[at:behind])]
        while tags[behind] == opening:
            at = behind
            for kind in kinds:
                if count := kind.count(tags, at, end):
                    kind.places.append((len(values), at, count))
                    values += [None] * count
                    behind += count * kind.step
                    break
            else:
                value, behind = self.item.read(tags, texts, at, end)
                values.append(value)
                if len(kinds) < MOST:
                    kinds.append(Kind(tags[at:behind]))
        for kind in kinds:
            if sum(count for _, _, count in kind.places) >= LEAST:
                self._make(kind, values, tags, texts, end)
            else:
                self._read_each(kind, values, tags, texts, end)
        return behind

    def _make(self, kind: Kind, values: list[Any], tags: list[str], texts: list[str], end: str) -> None:
        """Put the items of one kind where they belong, made column by column."""
        places, step = kind.places, kind.step
        make, _ = self.item.learn(tags, places[0][1], end, places[0][1])
        if len(places) == 1:
            ((index, at, count),) = places
            values[index : index + count] = make(Run(texts, at, at + count * step, step))
            return
        gathered: list[str] = []
        for _, at, count in places:
            gathered += texts[at : at + count * step]
        made = iter(make(Run(gathered, 0, len(gathered), step)))
        for index, _, count in places:
            if count == 1:
                values[index] = next(made)
            else:
                values[index : index + count] = islice(made, count)

    def _read_each(self, kind: Kind, values: list[Any], tags: list[str], texts: list[str], end: str) -> None:
        """Put the items of one kind where they belong, read one by one: they are few."""
        for index, at, count in kind.places:
            for place in range(index, index + count):
                values[place], at = self.item.read(tags, texts, at, end)

    def learn_one(self, tags: list[str], at: int, closing: str | None, start: int) -> tuple[Make, int]:
        if closing is None:
            return constant(self.item.empty), at + 1
        return self.item.learn(tags, at, closing, start)

    def joined(self, pieces: list[Make]) -> Make:
        return lists(pieces)


class Map(Collection):
    """Entries of a key and a value."""

    def __init__(self, key_tag: str, key: Reader, value_tag: str, value: Reader, *, flat: bool) -> None:
        super().__init__(value, flat=flat)
        self._key_tag, self._key = key_tag, key
        self._value_tag, self._value = value_tag, value

    def new(self) -> dict[Any, Any]:
        return {}

    def add(self, values: dict[Any, Any], tags: list[str], texts: list[str], at: int, closing: str | None) -> int:
        key, at = _read_field(self._key, self._key_tag, tags, texts, at + 1)
        value, at = _read_field(self._value, self._value_tag, tags, texts, at)
        if tags[at] != closing:
            raise UnusualError
        values[key] = value
        return at + 1

    def learn_one(self, tags: list[str], at: int, closing: str | None, start: int) -> tuple[tuple[Make, Make], int]:
        key, at = _learn_field(self._key, self._key_tag, tags, at + 1, start)
        value, at = _learn_field(self._value, self._value_tag, tags, at, start)
        if tags[at] != closing:
            raise UnusualError
        return (key, value), at + 1

    def joined(self, pieces: list[tuple[Make, Make]]) -> Make:
        return maps([key for key, _ in pieces], [value for _, value in pieces])


def _read_field(reader: Reader, name: str, tags: list[str], texts: list[str], at: int) -> tuple[Any, int]:
    if tags[at] == name:
        return reader.read(tags, texts, at, "/" + name)
    if tags[at] in (name + "/", name + " /"):
        return reader.empty(), at + 1
    raise UnusualError


def _learn_field(reader: Reader, name: str, tags: list[str], at: int, start: int) -> tuple[Make, int]:
    if tags[at] == name:
        return reader.learn(tags, at, "/" + name, start)
    if tags[at] in (name + "/", name + " /"):
        return constant(reader.empty), at + 1
    raise UnusualError
