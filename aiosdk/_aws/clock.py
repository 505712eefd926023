"""The time that requests are signed with: the computer's clock, put right for the endpoints that find it wrong.

What an endpoint says of the time is tried first, for the one request that it refused. Only where it takes that request
the time is kept, and for that endpoint alone: a clock that is wrong there is no reason to sign for others otherwise.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import FunctionType
from typing import Any, Final

from botocore import auth

from aiosdk._compile.sign import host_of

log: Final = logging.getLogger("aiosdk.clock")

WRONG_BY: Final = 240.0
"""Seconds. AWS takes signatures that are up to five minutes old, S3 fifteen."""
NEGLIGIBLE: Final = 2.0
"""Seconds: a date of HTTP has no fractions. Less than that is no offset."""
POSSIBLE: Final = range(2000, 3000)
"""The years in which a service may say that it is."""
MOST_HOSTS: Final = 1000
"""So many hosts are known at most, the oldest goes: S3 has one for each bucket."""
TRIED: Final = "aiosdk_clock"
"""In the context of a request: the host and the offset that it is signed with, to see whether it is taken then."""


class Clock:
    """What must be added to the computer's clock, for each host that found it wrong."""

    __slots__ = ("doubted", "offsets")

    def __init__(self) -> None:
        self.offsets: dict[str, float] = {}
        """Seconds, by host; empty as long as no service found the clock wrong."""
        self.doubted = False
        """Whether any has, rightly or not."""

    def now(self, host: str) -> float:
        """Give the time for requests to a host, in seconds since 1970."""
        return utc_now() + self.offsets.get(host, 0.0) if self.offsets else utc_now()

    def now_at(self, url: str) -> float:
        """Give the time for a URL that is presigned: the host that it names will read it."""
        return utc_now() + self.offsets.get(host_of(url), 0.0) if self.offsets else utc_now()

    def offset_told(self, host: str, told: str | None, signed_at: str | None) -> float | None:
        """Give the offset by which a host's refusal would be explained; None where it is no matter of time.

        Args:
            host: The host.
            told: Its time as it refused a request: a date of HTTP, or one as in S3's errors.
            signed_at: The time that the request was signed with, where that is known.
        """
        moment, signed = _read(told), _read(signed_at)
        if moment is None:
            return None
        if abs(moment - (self.now(host) if signed is None else signed)) <= WRONG_BY:
            return None
        self.doubted = True
        return moment - utc_now()

    def keep(self, host: str, offset: float) -> None:
        """Take over an offset that a host has taken a request with."""
        known = self.offsets.pop(host, 0.0)
        if abs(offset) > NEGLIGIBLE:
            if len(self.offsets) >= MOST_HOSTS:
                del self.offsets[next(iter(self.offsets))]
            self.offsets[host] = offset
        if abs(offset - known) > NEGLIGIBLE:
            log.warning(
                "The computer's clock and that of %s differ by %.0f seconds; requests to it are signed with its time",
                host,
                offset,
            )

    def sign_with(self, signer: Any) -> Any:
        """Have one of botocore's signers take the time of the host that it signs for. It is used once."""
        add_auth = getattr(type(signer), "add_auth", None)
        if isinstance(add_auth, FunctionType) and "get_current_datetime" in add_auth.__code__.co_names:

            def add_auth_in_time(request: Any, *args: Any, **kwargs: Any) -> Any:
                offset = timedelta(seconds=self._offset_of(request))

                def current_datetime(*args: Any, **kwargs: Any) -> datetime:
                    return auth.get_current_datetime(*args, **kwargs) + offset

                names = {**add_auth.__globals__, "get_current_datetime": current_datetime}
                rebound = FunctionType(add_auth.__code__, names, add_auth.__name__, None, add_auth.__closure__)
                rebound.__kwdefaults__ = add_auth.__kwdefaults__
                return rebound(signer, request, *args, **kwargs)

            signer.add_auth = add_auth_in_time
        return signer

    def _offset_of(self, request: Any) -> float:
        host = host_of(request.url)
        tried = request.context.get(TRIED)
        return tried[1] if tried is not None and tried[0] == host else self.offsets.get(host, 0.0)


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
