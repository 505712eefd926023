"""A plugin of pytest, `-p tests.peers.over_aiosdk`: sessions of aiobotocore's are those of `aiosdk.compat`."""

from __future__ import annotations

import aiobotocore.session

from aiosdk import compat

aiobotocore.session.AioSession = compat.AioSession  # type: ignore[misc]
aiobotocore.session.get_session = compat.get_session


def pytest_report_header() -> str:
    return "aiobotocore's sessions are aiosdk.compat's"
