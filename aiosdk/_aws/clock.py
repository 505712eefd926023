"""The time that a session signs with: the computer's clock, put right by what the services say when it is wrong."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from types import FunctionType
from typing import Any, Final

from botocore import auth

log: Final = logging.getLogger("aiosdk.clock")

WRONG_BY: Final = 240.0
"""Seconds. AWS takes signatures that are up to five minutes old, S3 fifteen."""
FRESH: Final = 60.0
"""What was sent less than so many seconds ago may have been signed before the clock was put right."""
POSSIBLE: Final = range(2000, 3000)
"""The years in which a service may say that it is."""


class Clock:
    """What must be added to the computer's clock."""

    __slots__ = ("_put_right", "offset")

    def __init__(self) -> None:
        self.offset = 0.0
        """Seconds; 0 as long as no service found the clock wrong."""
        self._put_right = float("-inf")

    def now(self) -> float:
        """Give the time in seconds since 1970."""
        return utc_now() + self.offset

    def put_right(self, told: str | None) -> bool:
        """Take over the time that a service told as it refused a request; whether that may have been the reason.

        Args:
            told: A date of HTTP, or one as in S3's errors.
        """
        moment = _read(told)
        if moment is None:
            return False
        wrong_by = moment - utc_now() - self.offset
        if abs(wrong_by) > WRONG_BY:
            self.offset += wrong_by
            self._put_right = monotonic()
            log.warning("The computer's clock is wrong by %.0f seconds; requests are signed with AWS's", self.offset)
            return True
        return monotonic() - self._put_right < FRESH

    def sign_with(self, signer: Any) -> Any:
        """Have one of botocore's signers take this time. It is used once."""
        add_auth = getattr(type(signer), "add_auth", None)
        if self.offset and isinstance(add_auth, FunctionType) and "get_current_datetime" in add_auth.__code__.co_names:
            names = {**add_auth.__globals__, "get_current_datetime": self._datetime}
            rebound = FunctionType(add_auth.__code__, names, add_auth.__name__, None, add_auth.__closure__)
            signer.add_auth = rebound.__get__(signer)
        return signer

    def _datetime(self, *args: Any, **kwargs: Any) -> datetime:
        return auth.get_current_datetime(*args, **kwargs) + timedelta(seconds=self.offset)


def utc_now() -> float:
    """Give the seconds since 1970. botocore's own clock is asked, for whoever stops it in tests."""
    now = auth.get_current_datetime()  # UTC, but it does not say so: `timestamp()` would take it for local time
    return (now if now.tzinfo else now.replace(tzinfo=UTC)).timestamp()


def _read(told: str | None) -> float | None:
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(told) if told[:4].isdigit() else parsedate_to_datetime(told)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.year not in POSSIBLE:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
