"""Makes the values of many records of equal tags at once, column by column.

The records of a page mostly have the same tags in the same order. Then the texts of one field stand at equal distances
in the texts of the page: one slice gives them all, and one call of a function written in C converts them. A `Make` is
what is known of one record, to be applied to as many as follow it with the same tags.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Make = Callable[["Run"], Iterable[Any]]

_FORM: Final = bytes.maketrans(b"123456789", b"000000000")
_FORMS: Final = (b"0000-00-00T00:00:00Z", b"0000-00-00T00:00:00.000Z")
_TOGETHER: Final = 16


class Run(NamedTuple):
    """Records of equal tags, one behind the other, in the texts of a body."""

    texts: list[str]
    start: int
    stop: int
    step: int

    def times(self, make: Callable[[], Any]) -> list[Any]:
        """Make a value for each record."""
        return [make() for _ in range(self.start, self.stop, self.step)]


def length_of_run(tags: list[str], at: int, record: list[str]) -> int:
    """Count the records of some tags from a place on."""
    step, start = len(record), at
    while tags[at : at + step] == record:
        at += step
        if at - start == _TOGETHER * step:
            several = record * _TOGETHER
            while tags[at : at + len(several)] == several:
                at += len(several)
    return (at - start) // step


def column(offset: int, convert: Callable[[list[str]], Iterable[Any]] | None) -> Make:
    """The values of a field that is a text at some distance from the start of its record."""
    if convert is None:
        return lambda run: run.texts[run.start + offset : run.stop : run.step]
    return lambda run: convert(run.texts[run.start + offset : run.stop : run.step])


def constant(make: Callable[[], Any]) -> Make:
    """Values that need no text."""
    return lambda run: run.times(make)


def structures(names: list[str], makes: list[Make]) -> Make:
    """Dictionaries of a column for each name."""
    if not makes:
        return constant(dict)
    return lambda run: [dict(zip(names, row, strict=True)) for row in zip(*[make(run) for make in makes], strict=True)]


def lists(makes: list[Make]) -> Make:
    """Lists of a column for each place."""
    if not makes:
        return constant(list)
    return lambda run: [list(row) for row in zip(*[make(run) for make in makes], strict=True)]


def maps(keys: list[Make], values: list[Make]) -> Make:
    """Dictionaries whose keys are columns too."""
    of_keys, of_values = lists(keys), lists(values)
    return lambda run: [
        dict(zip(keys, values, strict=True)) for keys, values in zip(of_keys(run), of_values(run), strict=True)
    ]


def timestamps(parse: Callable[[str], datetime]) -> Callable[[list[str]], list[datetime]]:
    """Convert many timestamps, which mostly have one form and always one time zone."""

    def convert(values: list[str]) -> list[datetime]:
        first = parse(values[0])
        form = values[0].encode().translate(_FORM)
        if (
            form not in _FORMS
            or ("UTC" in time.tzname and time.daylight)  # then the time zone may depend on the time of the year
            or "".join(values).encode().translate(_FORM) != form * len(values)
            or min(values) < "1000"  # dateutil reads years of fewer digits its own way
        ):
            return list(map(parse, values))
        zone, combine = first.tzinfo, datetime.combine  # `replace` takes three times as long as all of this
        return [combine(read, read.time(), zone) for read in map(datetime.fromisoformat, values)]

    return convert
