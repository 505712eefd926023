"""How long a server asks to be left alone: `Retry-After`, seconds or a date, and `x-amz-retry-after`, milliseconds."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 60.0
"""More seconds than that are not waited, whatever a server says."""
_LONGEST_MORE: Final = 5.0  # as in botocore
_ASKING: Final = (429, 503)


def pause(status: int, headers: Mapping[str, str], backoff: float) -> float:
    """Give how many seconds to wait before the next attempt.

    What `Retry-After` says is added to the backoff, which is random: those who were told the same do not all come back
    in the same moment. Of `x-amz-retry-after` at most 5 s more than the backoff are waited, as in botocore.
    """
    if (milliseconds := headers.get("x-amz-retry-after", "").strip()).isdecimal():
        backoff = max(backoff, min(int(milliseconds[:12]) / 1000, backoff + _LONGEST_MORE))
    if status in _ASKING and (told := headers.get("retry-after")) is not None:
        backoff += min(max(_seconds(told.strip(), headers.get("date")), 0.0), LONGEST)
    return backoff


def _seconds(told: str, date: str | None) -> float:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", told):
        return float(told[:12])
    try:
        until = parsedate_to_datetime(told).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    try:
        now = time.time() if date is None else parsedate_to_datetime(date).timestamp()  # our clock may be wrong
    except (TypeError, ValueError, OverflowError):
        now = time.time()
    return until - now
