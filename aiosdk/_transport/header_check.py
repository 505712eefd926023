"""Keeps out of a request's head what would begin another header, another request, or a header of another name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aiosdk.exceptions import InvalidHeaderError

if TYPE_CHECKING:
    from collections.abc import Mapping

_is_name: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, 5.6.2
_control: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search

# The names that were found good: they are few, unless somebody makes them up.
good_names: Final[set[str]] = set()
_MOST_NAMES: Final = 1000


def is_good_name(name: str) -> bool:
    """Whether a text may be the name of a header."""
    if not _is_name(name):
        return False
    if len(good_names) < _MOST_NAMES:
        good_names.add(name)
    return True


def check_head(method: str, url: str, headers: Mapping[str, str]) -> None:
    """Raise `InvalidHeaderError` for what may not stand in the head of a request. No value is shown."""
    for name, value in headers.items():
        if not is_good_name(name):
            raise InvalidHeaderError(what=f"{name[:80]!r} cannot be the name of a header")
        found = _control(value)
        if found is not None:
            raise InvalidHeaderError(
                what=f"the header {name} has the control character {found[0]!r} at position {found.start()}"
            )
    if _control(url) or _control(method):
        raise InvalidHeaderError(what="the URL or the method has a control character")
