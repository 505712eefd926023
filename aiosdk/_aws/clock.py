"""The time that requests are signed with."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from datetime import UTC

from botocore import auth


def utc_now() -> float:
    """Give the seconds since 1970. botocore's own clock is asked, for whoever stops it in tests."""
    now = auth.get_current_datetime()  # UTC, but it does not say so: `timestamp()` would take it for local time
    return (now if now.tzinfo else now.replace(tzinfo=UTC)).timestamp()
