"""The options of a call, as `client.with_options` takes them: checked, frozen, merged."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from aiosdk.exceptions import CallOptionError

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Keep:
    def __repr__(self) -> str:
        return "<as it is>"


KEEP: Final[Any] = _Keep()
"""The default of an argument that leaves an option as it is."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What a call writes itself, what its signature or its connection rest on, and what describes the body.
_OURS: Final = re.compile(
    r"authorization|host|date|user-agent|accept|expect|te|trailer|upgrade|connection|keep-alive|transfer-encoding"
    r"|accept-encoding|content-(length|type|encoding|md5)|proxy-.*|amz-sdk-.*"
    r"|smithy-protocol|x-amzn-query-mode|x-amz-(date|security-token|content-sha256|target|trailer"
    r"|decoded-content-length|user-agent|s3session-token|region-set|sdk-checksum-algorithm|checksum-.*"
    r"|glacier-version)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Options of a call; None is what the client's configuration says."""

    timeout: float | None = None
    attempts: int | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)  # their values may be secrets

    def merged(self, timeout: Any, attempts: Any, headers: Any) -> CallOptions:
        """Give these options with those in their place that are given. Raises `CallOptionError`."""
        changed: dict[str, Any] = {}
        if timeout is not KEEP:
            changed["timeout"] = _seconds(timeout)
        if attempts is not KEEP:
            changed["attempts"] = _count(attempts)
        if headers is not KEEP:
            changed["headers"] = _merged(self.headers, headers)
        return replace(self, **changed)


NONE: Final = CallOptions()


def put_headers(extra: Mapping[str, str], headers: dict[str, Any]) -> None:
    """Put extra headers among those of a request; of two with one name the extra one stays."""
    names = {name.lower() for name in extra}
    for name in [name for name in headers if name.lower() in names]:
        del headers[name]
    headers.update(extra)


def _seconds(timeout: Any) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise _refused("timeout", timeout, "it takes seconds, or None for no deadline")
    if not 0 < timeout <= sys.float_info.max:
        raise _refused("timeout", timeout, "it takes more than 0 seconds, or None for no deadline")
    return float(timeout)


def _count(attempts: Any) -> int | None:
    if attempts is None:
        return None
    if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
        problem = "it takes a whole number of at least 1, which is no retry, or None for what the client's Config says"
        raise _refused("attempts", attempts, problem)
    return attempts


def _merged(before: Mapping[str, str] | None, given: Any) -> dict[str, str] | None:
    if given is None:
        return None
    try:
        pairs: list[tuple[Any, Any]] = list(dict(given).items())
    except (TypeError, ValueError):
        raise _refused("headers", given, "it takes a dictionary of names and texts, or None for none") from None
    merged = dict(before or {})
    put_headers({_name(name): _value(name, value) for name, value in pairs}, merged)
    return merged or None


def _name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _refused("headers", name, "that is no name of a header")
    if _OURS.fullmatch(name):
        raise _refused("headers", name, "that header is the call's own")
    return name


def _value(name: str, value: Any) -> str:
    # The value may be a secret: it is not shown.
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise _refused("headers", name, "its value must be a text of printable ASCII characters, without line breaks")
    return value.strip()


def _refused(name: str, value: Any, problem: str) -> CallOptionError:
    return CallOptionError(name=name, value=repr(value)[:80], problem=problem)
