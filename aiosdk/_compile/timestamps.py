"""Timestamps as botocore reads them, without dateutil where they have one of the usual forms.

dateutil takes some 60 us for each. What is not plainly ISO 8601 in UTC, the date of an HTTP header or, where the clock
runs on UTC, an epoch, goes to botocore's own function, whose results these are: of the same value and the same kind
of time zone.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# botocore and dateutil have no types.

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.utils import parse_timestamp as parse_any
from dateutil.tz import tzlocal, tzutc

if TYPE_CHECKING:
    from collections.abc import Callable

_parse_any: Final = cast("Callable[[Any], datetime]", parse_any)
_UTC: Final = tzutc()
_ISO: Final = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z", re.ASCII).fullmatch
_HTTP: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([1-9]\d{3}) "
    r"(\d\d):(\d\d):(\d\d) GMT",
    re.ASCII,
).fullmatch
_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST: Final = 253402300799  # the end of the year 9999


@cache
def _local_utc() -> tzlocal:
    """The local time zone, made while it is UTC."""
    return tzlocal()


def _is_utc() -> bool:
    """Whether the clock of this machine runs on UTC, and says so. A program may change that at any time."""
    return time.timezone == 0 and not time.daylight and time.tzname[0] == "UTC"


def parse_timestamp(value: Any) -> datetime:
    """Read a timestamp: a text in ISO 8601 or RFC 822, or seconds since 1970 as a number or a text.

    Epochs come in the local time zone, as in botocore. Raises what botocore raises for a value that is none.
    """
    kind = type(value)
    try:
        if kind is str:
            if _ISO(value):
                if "UTC" not in time.tzname:
                    return datetime.fromisoformat(value[:-1]).replace(tzinfo=_UTC)
                if _is_utc():  # where dateutil takes a Z for the name of the local time zone
                    return datetime.fromisoformat(value[:-1]).replace(tzinfo=_local_utc())
            elif found := _HTTP(value):
                day, month, year, hour, minute, second = found.groups()
                moment = (int(year), _MONTHS.index(month), int(day), int(hour), int(minute), int(second))
                return datetime(*moment, tzinfo=_UTC)
        elif (kind is float or kind is int) and _is_utc() and 0 <= value <= _MOST:
            return datetime.fromtimestamp(value, UTC).replace(tzinfo=_local_utc())
    except ValueError:  # the 30th of February, say; botocore words the error
        return _parse_any(value)
    return _parse_any(value)
