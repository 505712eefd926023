"""`parse_timestamp` gives what botocore's gives: value, fold, kind of zone, offset and its name; warnings and errors.

In several time zones, for botocore reads epochs, and some texts, by the clock of the machine.
"""

from __future__ import annotations

import importlib.util
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from types import ModuleType
from typing import Any

import pytest
from botocore.utils import parse_timestamp as parse_as_botocore
from dateutil.tz import tzlocal
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk._compile import timestamps
from tests.support.parsing import moment

DEEP = bool(os.environ.get("AIOSDK_DEEP"))
pytestmark = pytest.mark.timeout(1800 if DEEP else 120)

EXAMPLES = 2_000 if DEEP else 100

# The last: names of UTC, clocks that run on UTC by another name or not all the year, and a clock that lies.
ZONES = ("UTC", "America/New_York", "Europe/London", "Asia/Kolkata")
ZONES += ("Etc/UTC", "GMT", "Africa/Abidjan", "Africa/Casablanca", "Antarctica/Troll", "UTC+3", "EST5EDT")


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


@pytest.fixture(params=ZONES, scope="module")
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with in_zone(request.param):
        yield request.param


def read(parse: Any, value: Any) -> tuple[Any, ...]:
    """What a function makes of a value, with its warnings."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            made: tuple[Any, ...] = moment(parse(value))
        except Exception as error:
            made = (type(error), str(error))
    return (*made, *((each.category, str(each.message)) for each in warned))


def is_as_in_botocore(value: Any) -> bool:
    return read(timestamps.parse_timestamp, value) == read(parse_as_botocore, value)


def _two(most: int) -> st.SearchStrategy[str]:
    """Two digits, mostly in range, and what is often beyond it."""
    return st.integers(0, most).map("{:02}".format) | st.integers(0, 99).map("{:02}".format)


YEARS = st.integers(1, 9999).map("{:04}".format) | st.integers(1969, 2040).map(str)
FRACTIONS = st.text("0123456789", min_size=1, max_size=9).map(".{}".format) | st.sampled_from(
    ("", ".000", ",123", ".1 ")
)
CLOCKS = st.builds("{}:{}:{}{}".format, _two(24), _two(59), _two(60), FRACTIONS | st.just("")) | st.sampled_from(
    ("24:00:00", "24:00:00.000", "24:00:01", "23:59:60", "12:30", "12", "123045", "1230", "00:00:00.999999")
)
OFFSETS = ("Z", "z", "", "+00:00", "-00:00", "+05:30", "+0530", "-08", "+23:59", "+24:00", "+14:00:01")
NAMED = ("GMT", "UTC", "UT", "EST", "EDT", "PST", "BST", "IST", "WET", "+01", "A", "GMT+3", "UTC-3", "Zulu")
DATES = st.builds("{}-{}-{}".format, YEARS, _two(12), _two(31))
ISO = st.builds("{}{}{}{}".format, DATES, st.sampled_from("Tt "), CLOCKS, st.sampled_from(OFFSETS + NAMED))
USUAL_ISO = st.builds(
    "{}T{}:{}:{}{}Z".format,
    DATES,
    _two(23),
    _two(59),
    _two(59),
    st.sampled_from(("", ".123", ".000001", ".12", ".1234567")),
)
OTHER_DATES = st.sampled_from(
    ("2026-W05-1", "2026W051", "2026-W05", "2026-123", "2026123", "2026-01", "2026", "20260102")
)
DAYS = st.sampled_from(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Friday", "fri", ""))
MONTHS = st.sampled_from(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Sept", "JAN")
)
HTTP = st.builds(
    "{}, {} {} {} {} {}".format, DAYS, _two(31), MONTHS, YEARS | _two(99), CLOCKS, st.sampled_from(NAMED + OFFSETS)
)
USUAL_HTTP = st.builds("{}, {} {} {} {}:{}:{} GMT".format, DAYS, _two(31), MONTHS, YEARS, _two(23), _two(59), _two(60))
ASCTIME = st.builds("{} {} {} {} {}".format, DAYS, MONTHS, st.integers(1, 31), CLOCKS, YEARS)
TEXTS = (
    ISO
    | USUAL_ISO
    | HTTP
    | USUAL_HTTP
    | ASCTIME
    | DATES
    | OTHER_DATES
    | st.builds("{}T{}Z".format, OTHER_DATES, CLOCKS)
)
EPOCHS = (
    st.integers(-(10**12), 10**12)
    | st.integers(253402300790, 253402300810)
    | st.floats(0, 4e9)
    | st.floats(-1e15, 1e15)
    | st.floats()
    | st.integers()
    | st.integers(0, 4 * 10**12).map(lambda number: number / 1000)
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=TEXTS)
def test_texts_read_as_in_botocore(zone: str, value: str) -> None:
    assert is_as_in_botocore(value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=EPOCHS)
def test_epochs_read_as_in_botocore(zone: str, value: float) -> None:
    assert is_as_in_botocore(value)
    assert is_as_in_botocore(str(value))


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=TEXTS, where=st.integers(0, 40), what=st.text(max_size=2), length=st.integers(0, 3))
def test_spoiled_texts_read_as_in_botocore(zone: str, value: str, where: int, what: str, length: int) -> None:
    assert is_as_in_botocore(value[:where] + what + value[where + length :])


class _Whole(IntEnum):
    NUMBER = 1767323045


class _Text(str):
    __slots__ = ()


ODD_TEXTS = """now
Z
T
nan
-inf
1767323045
1_000
1e9
-1
٣
२०२६-01-02T03:04:05Z
2026-02-30T00:00:00Z
2023-02-29T00:00:00Z
0000-01-01T00:00:00Z
0001-01-01T00:00:00Z
9999-12-31T23:59:59.999999Z
10000-01-01T00:00:00Z
2026-13-01T00:00:00Z
2026-01-02T24:00:00Z
2026-01-02T24:00:00
2026-01-02T03:60:00Z
2016-12-31T23:59:60Z
2026-07-01T12:00:00 GMT
2026-07-01T12:00:00 BST
Mon, 02 Jan 2026 03:04:05 GMT
Fri, 00 Jan 2026 03:04:05 GMT
Fri, 31 Feb 2026 03:04:05 GMT
Sat, 31 Dec 2016 23:59:60 GMT
Mon, 01 Jan 0001 00:00:00 GMT
Thu, 31 Dec 0099 00:00:00 GMT
Wed, 01 Jan 0100 00:00:00 GMT
Friday, 02-Jan-26 03:04:05 GMT
Fri Jan  2 03:04:05 2026
2 Jan 26 03:04 UT"""
ODD = ["", " ", " 1767323045.5 ", "2026-01-02T03:04:05Z\n", *ODD_TEXTS.splitlines()]
ODD += [None, True, False, [], {}, (1,), object, 1j, Decimal("1.5"), timedelta(1), datetime(2026, 1, 2, tzinfo=UTC)]
ODD += [b"2026-01-02T03:04:05Z", b"1767323045", bytearray(b"1")]
ODD += [_Whole.NUMBER, _Text("2026-01-02T03:04:05Z"), _Text("1767323045")]
ODD += [float("nan"), float("inf"), -0.0, 0, -1, 0.5, 1e-7, 1.0000005, 1.0000015, 1e308, 10**400, -(10**400)]
ODD += [253402300799, 253402300799.5, 253402300799.9999999, 253402300800, -62135596800, -62135596801]


def test_odd_values_read_as_in_botocore(zone: str) -> None:
    assert [value for value in ODD if not is_as_in_botocore(value)] == []


# Around the hours that a clock skips or repeats.
CHANGES = [
    datetime(2026, *day, tzinfo=UTC).timestamp() for day in ((3, 8), (3, 29), (10, 25), (11, 1), (2, 15), (3, 22))
]


def test_epochs_near_a_change_of_the_clock_read_as_in_botocore(zone: str) -> None:
    epochs = [change + quarter * 900.25 for change in CHANGES for quarter in range(-8, 100)]
    assert [epoch for epoch in epochs if not is_as_in_botocore(epoch)] == []


def fresh() -> ModuleType:
    """The module as a process has it that imports it now."""
    spec = importlib.util.spec_from_file_location("timestamps_again", timestamps.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MOMENTS = (0, 1767323045, 1782907200.123, "2026-07-01T12:00:00Z", "2026-01-01T12:00:00.123Z", "2026-07-01T12:00:00")
MOMENTS += ("Thu, 01 Jan 2026 12:00:00 GMT", "2026-07-01T12:00:00+05:30", "1767323045")


@pytest.mark.parametrize("first", ZONES)
def test_a_zone_that_changes_while_the_process_runs_is_minded(first: str) -> None:
    wrong: list[tuple[str, str, object]] = []

    def compare(parse: Any, zone: str, when: str) -> None:
        with in_zone(zone):
            wrong.extend((zone, when, each) for each in MOMENTS if read(parse, each) != read(parse_as_botocore, each))

    for then in ZONES:
        with in_zone(first):
            parse = fresh().parse_timestamp
            made = [(parse(each), parse_as_botocore(each)) for each in MOMENTS]
        compare(parse, then, f"changed from {first}")
        with in_zone(then):
            wrong.extend((then, f"made in {first}", ours) for ours, theirs in made if moment(ours) != moment(theirs))
        compare(parse, first, f"changed to {then} and back")
    assert wrong == []


def test_the_usual_forms_do_without_botocore(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05.123456Z"]
    usual.append("Fri, 02 Jan 2026 03:04:05 GMT")
    if zone in ("UTC", "Etc/UTC"):
        usual += [0, 1767323045, 1767323045.123]
    if zone == "UTC+3":  # what it calls UTC is three hours behind: botocore's affair
        usual = usual[3:]
    expected = [moment(parse_as_botocore(each)) for each in usual]

    def fail(value: Any) -> Any:
        raise AssertionError(f"{value!r} went to botocore")

    monkeypatch.setattr(timestamps, "_parse_any", fail)
    assert [moment(timestamps.parse_timestamp(each)) for each in usual] == expected


def test_where_the_clock_is_utc_its_zone_is_the_local_one() -> None:
    with in_zone("UTC"):
        assert type(timestamps.parse_timestamp("2026-01-02T03:04:05Z").tzinfo) is tzlocal
