"""Work that grows in proportion: function calls are counted, at once and eight times a size.

What is inside of one call, such as a regular expression's, is timed by `python -m tests.stress.growth`, and here with
`AIOSDK_DEEP=1`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.stress.growth import CASES, measure

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
SAMPLE = (
    *("lines", "carriage returns", "a frame of events in many pieces", "frames of events in one piece", "pages"),
    *("two trees side by side", "checksums of parts", "items", "records of XML that are all unlike", "an item"),
    *("keys to delete", "filters", "nested conditions", "many values in a condition", "nested values", "sets"),
    *("a path: 'a.'", "wrong parameters", "log: 'password='", "log: '//a'", "query to sign: 'a=b&'"),
    *("parameters that are no text", "include='*-*-*-*.log': '-'"),
)


def calls(work: Callable[[], Any]) -> int:
    """How many functions it calls, those in C among them."""
    count = 0

    def note(_: Any, what: str, __: Any) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", SAMPLE)
def test_eight_times_the_size_is_not_much_more_than_eight_times_the_work(name: str) -> None:
    CASES[name](1)()  # what is compiled once
    small, large = calls(CASES[name](1)), calls(CASES[name](8))
    assert small <= large < 12 * small


@pytest.mark.skipif(not DEEP, reason="AIOSDK_DEEP=1 times all of them")
@pytest.mark.timeout(900)
def test_all_take_time_in_proportion() -> None:
    assert measure(iter(CASES)) == []
