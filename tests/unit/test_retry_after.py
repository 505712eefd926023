"""How long a server's headers ask to wait."""

from __future__ import annotations

import time

import pytest

from aiosdk._aws.retry_after import LONGEST, pause

NOW = "Sun, 06 Nov 1994 08:49:30 GMT"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("3", 3),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("99999999999999999999", LONGEST),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 7),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 7),
        ("Sun Nov  6 08:49:37 1994", 7),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 7),
        ("Sun, 06 Nov 1994 08:49:37 -0000", 7),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
        ("Sun, 06 Nov 2094 08:49:00 GMT", LONGEST),
        *((odd, 0) for odd in ("", "-3", "soon", "1e3", "inf", "nan", "٣", "Sun, 99 Nov 1994 08:49:37 GMT", ", ,")),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_retry_after_is_added_to_the_backoff_whatever_its_form(
    monkeypatch: pytest.MonkeyPatch, told: str, seconds: float, zone: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        assert pause({"retry-after": told, "date": NOW}, 0.25) == 0.25 + seconds
    time.tzset()


def test_without_a_date_that_can_be_read_the_computers_clock_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 784111770.0)
    for headers in ({}, {"date": "yesterday"}, {"date": ""}):
        assert pause({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", **headers}, 0.0) == 7
