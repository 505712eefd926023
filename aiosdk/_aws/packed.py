"""JSON objects of which a program uses a few values: the others stay what they are in the file, text.

`read_packed` finds out where each value of certain objects ends, keeps its text, and throws away what was parsed on
the way; `Packed` parses a value again when it is first read. That is less work than keeping everything, for it makes
no objects that stay, and the parser of the standard library reads 150 MB a second.

`split_by_lines` does not even do that: in the files that botocore ships, each value stands on lines of its own.
"""

from __future__ import annotations

import json
import re
from json import decoder
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    Layout = dict[str, "Layout"] | list["Layout"] | None
    Split = tuple[bytes, list["Packed"]]

PACKED: Final[Layout] = {}
"""In a layout: here is an object whose values are to be packed."""

# Of values that are looked at one after the other, so many take about a quarter of a millisecond.
_AT_A_TIME: Final = 20

_SPACE: Final = re.compile(r"[ \t\n\r]*").match
# The parts of the standard library's parser that say where they have come to.
_scan: Final = cast("Callable[[str, int], tuple[Any, int]]", cast("Any", json.JSONDecoder()).scan_once)
_string: Final = cast("Callable[[str, int], tuple[str, int]]", cast("Any", decoder).scanstring)


class Packed(dict[str, Any]):
    """A dictionary whose values are parsed, for good, when they are first read: until then they are bytes of JSON."""

    error_names: tuple[str, ...] = ()
    """The names of those values that are shapes of errors."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if type(value) is bytes:
            value = self[key] = json.loads(value)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - that would be this method again

    def items(self) -> Any:
        self._unpack_all()
        return super().items()

    def values(self) -> Any:
        self._unpack_all()
        return super().values()

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self[key] = self[key]
        return super().pop(key, *default)

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __eq__(self, other: object) -> bool:
        self._unpack_all()
        return super().__eq__(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self.items()),)

    def mention(self, key: str) -> bool:
        """Whether one of the values may have something of this name in it; False is certain."""
        word = b'"%b"' % key.encode()
        return any(type(value) is not bytes or word in value or b"\\u" in value for value in super().values())

    def _unpack_all(self) -> None:
        for key in self:
            self[key] = self[key]


def read_packed(text: str, layout: Layout, pause: Callable[[], None]) -> Any:
    """Parse JSON, packing the values of those of its objects that `layout` says.

    Args:
        text: The JSON.
        layout: For an object, a dictionary from names to the layouts of their values; for a list, a list with the
            layout of its items; `PACKED` for an object to be packed; None for the rest.
        pause: Called every so often.

    Raises `ValueError` when the text is not JSON.
    """
    reader = _Reader(text, pause)
    try:
        value, end = reader.value(_skip(text, 0), layout)
    except (StopIteration, IndexError) as error:
        raise ValueError(f"There is no JSON value at character {error}") from error
    if _skip(text, end) != len(text):
        raise ValueError(f"The JSON ends at character {end} of {len(text)}")
    return value


def _skip(text: str, at: int) -> int:
    found = _SPACE(text, at)
    return found.end() if found else at


class _Reader:
    def __init__(self, text: str, pause: Callable[[], None]) -> None:
        self._text = text
        self._pause = pause
        self._seen = 0

    def value(self, at: int, layout: Layout) -> tuple[Any, int]:
        """The value that begins here, and where it ends."""
        opener = self._text[at]
        if opener == "{" and isinstance(layout, dict):
            return self._object(at, layout)
        if opener == "[" and isinstance(layout, list):
            return self._list(at, layout[0])
        return _scan(self._text, at)

    def _object(self, at: int, layout: dict[str, Layout]) -> tuple[dict[str, Any], int]:
        text, packing = self._text, layout is PACKED
        values: dict[str, Any] = Packed() if packing else {}
        at = _skip(text, at + 1)
        while text[at] != "}":
            if values:
                at = _skip(text, self._expect(",", at))
            name, at = _string(text, self._expect('"', at))
            at = _skip(text, self._expect(":", _skip(text, at)))
            value, end = self.value(at, layout.get(name))
            if packing:
                value = text[at:end].encode()
                self._seen += 1
                if self._seen % _AT_A_TIME == 0:
                    self._pause()
            values[name] = value
            at = _skip(text, end)
        return values, at + 1

    def _list(self, at: int, layout: Layout) -> tuple[list[Any], int]:
        text = self._text
        values: list[Any] = []
        at = _skip(text, at + 1)
        while text[at] != "]":
            if values:
                at = _skip(text, self._expect(",", at))
            value, at = self.value(at, layout)
            values.append(value)
            at = _skip(text, at)
        return values, at + 1

    def _expect(self, character: str, at: int) -> int:
        if self._text[at] != character:
            raise ValueError(f"Expected {character!r} at character {at} of the JSON, not {self._text[at]!r}")
        return at + 1


def split_by_lines(text: bytes, header: re.Pattern[bytes], closing: re.Pattern[bytes]) -> Split | None:
    """Take JSON apart whose large objects have their values on lines of their own.

    No string of JSON contains the end of a line, so what begins a line is never inside one. That lines are indented
    as they should be is only checked where it costs nothing: whoever may not rely on it uses `read_packed`.

    Args:
        text: The JSON.
        header: What matches the line on which such an object begins, with a group for its indentation and one for
            what stands between name and value.
        closing: What matches the beginning of the line on which it ends.

    Gives the text with those objects emptied, and them packed, in the order of the text; None if it is not laid out
    like that.
    """
    rest: list[bytes] = []
    packed: list[Packed] = []
    at = 0
    while (opened := header.search(text, at)) is not None:
        closed = closing.search(text, opened.end())
        if closed is None:
            return None
        values = _split(text, opened.end(), closed.start(), opened[1] + b"  ", opened[2])
        if values is None:
            return None
        packed.append(values)
        rest.append(text[at : opened.end()])
        at = closed.start()
    rest.append(text[at:])
    return (b"".join(rest), packed) if packed else None


def _split(text: bytes, start: int, end: int, indent: bytes, colon: bytes) -> Packed | None:
    """The values between two braces, each of which begins with a new line, its name and `colon`, quotes and all."""
    values = Packed()
    beginning, closing = b'\n%b"' % indent, b"\n%b}" % indent
    # Nothing is copied but the values themselves: fresh memory costs more than looking at it.
    names = [found.end() for found in re.compile(beginning).finditer(text, start, end)]
    if not names or names[0] - len(beginning) != start:
        return None
    for at, following in zip(names, [*names[1:], None], strict=True):
        after = end
        if following is not None:
            after = following - len(beginning) - 1
            if text[after : after + 1] != b",":
                return None
        colon_at = text.find(colon, at, after)
        name, value = text[at:colon_at], text[colon_at + len(colon) : after]
        if colon_at < 0 or b"\\" in name or value[:1] != b"{" or not (value.endswith(closing) or _is_object(value)):
            return None
        values[name.decode()] = value
    return values


def _is_object(value: bytes) -> bool:
    if value[-1:] == b"}" and value.count(b"{") == value.count(b"}") == 1:
        return True
    try:
        return type(json.loads(value)) is dict
    except ValueError:
        return False
