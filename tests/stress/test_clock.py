"""Requests are signed with the right time: in any time zone, and where the computer's clock is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from tests.support.server import CountingServer

Make = Callable[..., aiosdk.Session]
FORMAT = "%Y%m%dT%H%M%SZ"


def signed_at(stamp: str) -> datetime:
    return datetime.strptime(stamp, FORMAT).replace(tzinfo=UTC)


def is_now(stamp: str) -> bool:
    return abs(signed_at(stamp) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.fixture(params=["America/New_York", "Asia/Kathmandu", "UTC"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("time_zone")
async def test_calls_and_urls_are_signed_with_the_right_time_in_any_time_zone(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_session() as session:
        s3 = await session.client("s3")
        await s3.list_buckets()
        monkeypatch.setattr("aiosdk._aws.lanes.FORCED", "reference")
        await s3.list_buckets()
        assert [is_now(request.headers["x-amz-date"]) for request in server.requests] == [True, True]
        monkeypatch.setattr("aiosdk._aws.lanes.FORCED", "express")
        s3 = await session.client("s3", config=AioConfig(signature_version="s3v4"))
        url = await s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        assert is_now(parse_qs(urlsplit(url).query)["X-Amz-Date"][0])
