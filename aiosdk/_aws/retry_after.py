"""How long a server asks to be left alone: `Retry-After`, seconds or a date, and `x-amz-retry-after`, milliseconds."""

from __future__ import annotations

import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 60.0
"""More seconds than that are not waited, whatever a server says."""
_LONGEST_MORE: Final = 5.0  # as in botocore


def pause(headers: Mapping[str, str], backoff: float) -> float:
    """Give how many seconds to wait before the next attempt.

    What `Retry-After` says is added to the backoff, which is random: those who were told the same do not all come back
    in the same moment. Of `x-amz-retry-after` at most 5 s more than the backoff are waited, as in botocore.
    """
    if (milliseconds := headers.get("x-amz-retry-after", "").strip()).isdecimal():
        backoff = max(backoff, min(int(milliseconds[:12]) / 1000, backoff + _LONGEST_MORE))
    if (told := headers.get("retry-after")) is not None:
        backoff += min(max(_seconds(told.strip(), headers.get("date")), 0.0), LONGEST)
    return backoff


def _seconds(told: str, date: str | None) -> float:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", told):
        return float(told[:12])
    if (until := _moment(told)) is None:
        return 0.0
    now = None if date is None else _moment(date)  # our clock may be wrong
    return until - (time.time() if now is None else now)


def _moment(told: str) -> float | None:
    try:
        moment = parsedate_to_datetime(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()  # one of HTTP's forms has no zone
