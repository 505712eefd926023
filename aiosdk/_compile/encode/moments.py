"""Timestamps as texts and numbers, in botocore's formats and precisions."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# botocore has no types.

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.utils import parse_to_aware_datetime

from aiosdk._compile.encode.checks import UnusualInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    Encode = Callable[[Any], Any]

_to_aware: Final = cast("Callable[[Any], datetime]", parse_to_aware_datetime)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - moments are compared without their zone, UTC


class Moments:
    """Makes encoders of timestamps for one of botocore's precisions: default, millisecond or legacy."""

    def __init__(self, precision: str) -> None:
        milliseconds = precision == "millisecond"
        self._formats: dict[str, Encode] = {
            "iso8601": _iso8601_milliseconds if milliseconds else _iso8601,
            "rfc822": _rfc822,
            "unixtimestamp": _epoch_milliseconds
            if milliseconds
            else _epoch_seconds
            if precision == "legacy"
            else _epoch,
        }

    def encoder(self, shape: Any, default: str) -> Encode:
        """Give the encoder for a shape's format, or for the default of its place in a request."""
        write = self._format(shape, default)
        return lambda value: write(_in_utc(value))

    def header_encoder(self, shape: Any, default: str) -> Encode:
        """Give the encoder for a header, where botocore drops the parts of a second whatever the format."""
        write = self._format(shape, default)
        return lambda value: str(write(_in_utc(value).replace(microsecond=0)))

    def _format(self, shape: Any, default: str) -> Encode:
        return self._formats[shape.serialization.get("timestampFormat", default).lower()]


def _in_utc(value: Any) -> datetime:
    """Read a timestamp and give it in UTC, without saying so."""
    if type(value) is not datetime:
        value = _to_aware(value)
        if type(value) is not datetime:  # of a class of somebody's own, which may write itself in its own way
            raise UnusualInputError
    zone = value.tzinfo
    if zone is not None:
        value = (value if zone is UTC else value.astimezone(UTC)).replace(tzinfo=None)
    if value.year < 1000:  # what strftime makes of it depends on the platform
        raise UnusualInputError
    return value


def _iso8601(moment: datetime) -> str:
    return moment.isoformat() + "Z"


def _iso8601_milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _epoch_seconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * 86400 + since.seconds


def _epoch(moment: datetime) -> float:
    since = moment - _EPOCH
    seconds = since.days * 86400 + since.seconds
    # Rounded once, as in botocore.
    return (seconds * 10**6 + since.microseconds) / 10**6 if since.microseconds else seconds


def _epoch_milliseconds(moment: datetime) -> float:
    return _epoch_seconds(moment) + (moment.microsecond // 1000) / 1000.0


def _rfc822(moment: datetime) -> str:
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month]} {moment.year:04d} "
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} GMT"
    )
