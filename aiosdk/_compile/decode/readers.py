"""Readers of the tokens of a body in XML, which give the values of its elements.

A reader is given the place of a start tag, and gives the value of the element with the place behind its end tag. What
is unusual raises an exception, of whatever kind, so that a tree be made and decoded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aiosdk._compile.decode.columns import column, constant, structures
from aiosdk._compile.decode.tokens import closing_of, skip
from aiosdk._compile.decode.xml import UnusualError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiosdk._compile.decode.columns import Make


class Reader(Protocol):
    """Reads the elements of a shape."""

    def read(self, tags: list[str], texts: list[str], at: int, closing: str) -> tuple[Any, int]:
        """Give the value of the element that begins at a place and ends with `closing`, and the place behind it."""
        ...

    def learn(self, tags: list[str], at: int, closing: str, start: int) -> tuple[Make, int]:
        """Give what makes the values of all such elements with these tags, in records that begin at `start`."""
        ...

    def empty(self) -> Any:
        """Give the value of an empty element."""
        ...


class Scalar:
    """A text, or what it stands for."""

    def __init__(
        self,
        convert: Callable[[str], Any] | None = None,
        convert_all: Callable[[list[str]], Iterable[Any]] | None = None,
    ) -> None:
        self.convert = convert
        self._convert_all = convert_all or (None if convert is None else partial(map, convert))

    def read(self, tags: list[str], texts: list[str], at: int, closing: str) -> tuple[Any, int]:
        if tags[at + 1] != closing:
            raise UnusualError
        return texts[at] if self.convert is None else self.convert(texts[at]), at + 2

    def learn(self, tags: list[str], at: int, closing: str, start: int) -> tuple[Make, int]:
        if tags[at + 1] != closing:
            raise UnusualError
        return column(at - start, self._convert_all), at + 2

    def empty(self) -> Any:
        return "" if self.convert is None else self.convert("")


class Member(NamedTuple):
    """A member of a structure, by one of the forms of its tag."""

    place: int
    name: Any
    closing: str | None
    """None for the form of an empty element."""
    reader: Reader
    convert: Callable[[str], Any] | None
    """For a scalar that is not a text."""
    is_scalar: bool
    flat: Collection | None
    """What reads it if its items stand among the members, one element each."""


def forms_of(place: int, name: Any, tag: str, reader: Reader, *, flat: bool = False) -> dict[str, Member]:
    """A member of a structure by the forms of its tag."""
    is_scalar = isinstance(reader, Scalar)
    convert = reader.convert if isinstance(reader, Scalar) else None
    several = reader if flat and isinstance(reader, Collection) else None
    full = Member(place, name, "/" + tag, reader, convert, is_scalar, several)
    empty = full._replace(closing=None, is_scalar=False)
    return {tag: full, tag + "/": empty, tag + " /": empty}


class Structure:
    """Members in any order; they come out in the order of the model. They are compiled when the first one is read."""

    def __init__(self, compile_members: Callable[[], dict[str, Member]]) -> None:
        self._compile_members: Callable[[], dict[str, Member]] | None = compile_members
        self._members: dict[str, Member] = {}
        self._names: list[Any] = []

    def members(self) -> dict[str, Member]:
        """Give the members by their tags."""
        compile_members = self._compile_members
        if compile_members is not None:
            members = compile_members()
            self._names = list(dict.fromkeys(each.name for each in members.values()))
            self._members = members
            self._compile_members = None  # it holds a shape, and that a whole model
        return self._members

    def read(self, tags: list[str], texts: list[str], at: int, closing: str) -> tuple[dict[Any, Any], int]:
        members = self._members or self.members()
        found: dict[Any, Any] = {}
        before, in_order = -1, True
        at += 1
        while True:
            tag = tags[at]
            member = members.get(tag)
            if member is None:
                if tag == closing:
                    break
                at = skip(tags, at)
                continue
            place, name, end, reader, convert, is_scalar, flat = member
            if flat is not None:
                if name not in found:
                    found[name] = flat.new()
                at = flat.add(found[name], tags, texts, at, end)
            elif name in found:
                raise UnusualError
            elif is_scalar:
                if tags[at + 1] != end:
                    raise UnusualError
                found[name] = texts[at] if convert is None else convert(texts[at])
                at += 2
            elif end is None:
                found[name] = reader.empty()
                at += 1
            else:
                found[name], at = reader.read(tags, texts, at, end)
            if place < before:
                in_order = False
            before = place
        return (found if in_order else {name: found[name] for name in self._names if name in found}), at + 1

    def learn(self, tags: list[str], at: int, closing: str, start: int) -> tuple[Make, int]:
        members = self.members()
        found: dict[Any, Make] = {}
        several: dict[Any, tuple[Collection, list[Any]]] = {}
        at += 1
        while tags[at] != closing:
            member = members.get(tags[at])
            if member is None:
                at = skip(tags, at)
                continue
            name, end, flat = member.name, member.closing, member.flat
            if flat is not None:
                piece, at = flat.learn_one(tags, at, end, start)
                several.setdefault(name, (flat, []))[1].append(piece)
            elif name in found:
                raise UnusualError
            elif end is None:
                found[name] = constant(member.reader.empty)
                at += 1
            else:
                found[name], at = member.reader.learn(tags, at, end, start)
        found |= {name: flat.joined(pieces) for name, (flat, pieces) in several.items()}
        names = [name for name in self._names if name in found]
        return structures(names, [found[name] for name in names]), at + 1

    def empty(self) -> dict[Any, Any]:
        self.members()  # some cannot be read at all
        return {}


class Collection(ABC):
    """What lists and maps share: items that stand within one element or, if it is flat, are elements by themselves."""

    def __init__(self, item: Reader, *, flat: bool) -> None:
        self.item = item
        self.flat = flat

    @abstractmethod
    def new(self) -> Any:
        """Give an empty one."""

    @abstractmethod
    def add(self, values: Any, tags: list[str], texts: list[str], at: int, closing: str | None) -> int:
        """Read the item at a place into `values`, and others with it if they are alike. Gives the place behind."""

    @abstractmethod
    def learn_one(self, tags: list[str], at: int, closing: str | None, start: int) -> tuple[Any, int]:
        """Give what makes this item in all records, and the place behind it."""

    @abstractmethod
    def joined(self, pieces: list[Any]) -> Make:
        """Put together what `learn_one` gave."""

    def read(self, tags: list[str], texts: list[str], at: int, closing: str) -> tuple[Any, int]:
        values = self.new()
        if self.flat:
            return values, self.add(values, tags, texts, at, closing)
        at += 1
        before, end = None, None
        while (tag := tags[at]) != closing:
            if tag != before:
                before, end = tag, closing_of(tag)
            at = self.add(values, tags, texts, at, end)
        return values, at + 1

    def learn(self, tags: list[str], at: int, closing: str, start: int) -> tuple[Make, int]:
        pieces: list[Any] = []
        if self.flat:
            piece, at = self.learn_one(tags, at, closing, start)
            return self.joined([piece]), at
        at += 1
        while (tag := tags[at]) != closing:
            piece, at = self.learn_one(tags, at, closing_of(tag), start)
            pieces.append(piece)
        return self.joined(pieces), at + 1

    def empty(self) -> Any:
        if self.flat:  # then the empty element is an item
            raise UnusualError
        return self.new()
