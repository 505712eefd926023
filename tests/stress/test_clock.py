"""Requests are signed with the right time: in any time zone, and where the computer's clock is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError

import aiosdk
from aiosdk._aws.clock import MOST_HOSTS, Clock
from tests.support.server import Answer, CountingServer, Request, answer_anything

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


class Strict:
    """Answers as AWS does: what is signed for another time than the server's is refused.

    Args:
        offset: What the computer's clock lacks.
        refusal: Gives the answer to what is refused, for the server's time.
    """

    def __init__(self, offset: float, refusal: Callable[[datetime], Answer]) -> None:
        self._offset = timedelta(seconds=offset)
        self._refusal = refusal
        self.refused = 0

    async def __call__(self, request: Request) -> Answer:
        now = datetime.now(UTC) + self._offset
        if abs(signed_at(request.headers["x-amz-date"]) - now) > timedelta(minutes=5):
            self.refused += 1
            return self._refusal(now)
        answer = await answer_anything(request)
        answer.headers["Date"] = format_datetime(now, usegmt=True)
        return answer


def date(now: datetime) -> dict[str, str]:
    return {"Date": format_datetime(now, usegmt=True)}


REFUSALS: dict[str, tuple[str, str, Callable[[datetime], Answer]]] = {
    "S3": (
        "s3",
        "list_buckets",
        lambda now: Answer(403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", date(now)),
    ),
    "S3, the time in the body": (
        "s3",
        "list_buckets",
        lambda now: Answer(
            403,
            f"<Error><Code>RequestTimeTooSkewed</Code><ServerTime>{now:%Y-%m-%dT%H:%M:%SZ}</ServerTime></Error>".encode(),
        ),
    ),
    "query": (
        "sns",
        "list_topics",
        lambda now: Answer(
            403, b"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>", date(now)
        ),
    ),
    "json": (
        "dynamodb",
        "list_tables",
        lambda now: Answer(400, b'{"__type":"c#InvalidSignatureException","message":"Signature expired"}', date(now)),
    ),
    "ec2": (
        "ec2",
        "describe_vpcs",
        lambda now: Answer(
            400, b"<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>", date(now)
        ),
    ),
}


@pytest.mark.parametrize("minutes", [-20, 20, 60 * 24 * 400])
@pytest.mark.parametrize("lane", ["express", "reference"])
@pytest.mark.parametrize("name", REFUSALS)
async def test_where_the_clock_is_wrong_calls_are_made_with_the_service_s_time(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch, minutes: int, lane: str, name: str
) -> None:
    monkeypatch.setattr("aiosdk._aws.lanes.FORCED", lane)
    service, operation, refusal = REFUSALS[name]
    strict = server.answer = Strict(minutes * 60, refusal)
    async with make_session() as session:
        client = await session.client(service)
        await asyncio.gather(*(getattr(client, operation)() for _ in range(10)))
        assert strict.refused <= 10
        refused = strict.refused
        await asyncio.gather(*(getattr(client, operation)() for _ in range(10)))
        other = await session.client("sqs")
        await other.list_queues()
        assert strict.refused == refused


async def test_a_refused_head_tells_the_time_as_well(server: CountingServer, make_session: Make) -> None:
    server.answer = Strict(1200, lambda now: Answer(403, b"", date(now)))
    async with make_session() as session:
        s3 = await session.client("s3")
        await s3.head_object(Bucket="b", Key="k")
        assert len(server.requests) == 2
        url = await s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        post = await s3.generate_presigned_post("b", "k")
        assert url
        assert post


A_DAY = timedelta(days=1)
TOMORROW: dict[str, Callable[[], Answer]] = {
    "a bare 403": lambda: Answer(403, b"", date(datetime.now(UTC) + A_DAY)),
    "a code for the time": lambda: Answer(
        403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", date(datetime.now(UTC) + A_DAY)
    ),
    "a signature that does not match": lambda: Answer(
        403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", date(datetime.now(UTC) + A_DAY)
    ),
}


@pytest.fixture
def other() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running


async def presigned_at(client: Any) -> str:
    url = await client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    return parse_qs(urlsplit(url).query)["X-Amz-Date"][0]


@pytest.mark.parametrize("lane", ["express", "reference"])
@pytest.mark.parametrize("name", TOMORROW)
async def test_what_one_endpoint_says_of_the_time_changes_nothing_for_another(
    server: CountingServer,
    other: CountingServer,
    make_session: Make,
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
    name: str,
) -> None:
    monkeypatch.setattr("aiosdk._aws.lanes.FORCED", lane)

    async def refuse(_: Request) -> Answer:
        return TOMORROW[name]()

    config = AioConfig(signature_version="s3v4")
    other.answer = refuse
    async with make_session(config=config) as session:
        liar = await session.client("s3", endpoint_url=other.url)
        healthy = await session.client("s3")
        for number in (1, 2, 3):
            with pytest.raises(ClientError):
                await (liar.head_object(Bucket="b", Key="k") if name == "a bare 403" else liar.list_buckets())
            assert len(other.requests) == 2 * number  # it is tried once, as nothing comes of it
            await healthy.list_buckets()
            assert is_now(await presigned_at(healthy))
            assert is_now(await presigned_at(liar))
        assert all(is_now(request.headers["x-amz-date"]) for request in server.requests)
        assert len(server.requests) == 3
        assert liar._endpoint.http_session.clock.offsets == {}


@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_an_endpoint_that_takes_what_is_signed_with_its_time_is_alone_with_it(
    server: CountingServer, other: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    monkeypatch.setattr("aiosdk._aws.lanes.FORCED", lane)
    ahead = other.answer = Strict(1200, lambda now: Answer(403, b"", date(now)))
    config = AioConfig(signature_version="s3v4")
    async with make_session(config=config) as session:
        s3 = await session.client("s3", endpoint_url=other.url)
        healthy = await session.client("s3")
        for _ in range(3):
            await s3.head_object(Bucket="b", Key="k")
            await healthy.head_object(Bucket="b", Key="k")
        assert ahead.refused == 1
        assert signed_at(await presigned_at(s3)) - datetime.now(UTC) > timedelta(minutes=15)
        assert is_now(await presigned_at(healthy))
        assert all(is_now(request.headers["x-amz-date"]) for request in server.requests)
        # Its clock is put right: so is ours for it, and it is forgotten.
        ahead._offset = timedelta(0)
        await s3.head_object(Bucket="b", Key="k")
        assert ahead.refused == 2
        assert s3._endpoint.http_session.clock.offsets == {}


async def test_a_refusal_for_the_time_that_comes_late_is_no_reason_to_doubt_the_clock(
    server: CountingServer, make_session: Make
) -> None:
    """Whoever is refused although signed in time (the `Date` is right) is refused for something else."""

    async def refuse(_: Request) -> Answer:
        return Answer(403, b"", date(datetime.now(UTC)))

    server.answer = refuse
    async with make_session() as session:
        s3 = await session.client("s3")
        with pytest.raises(ClientError):
            await s3.head_object(Bucket="b", Key="k")
        assert len(server.requests) == 1
        assert not s3._endpoint.http_session.clock.doubted


def test_the_hosts_whose_clock_differs_are_bounded() -> None:
    clock = Clock()
    for number in range(3 * MOST_HOSTS):
        clock.keep(f"{number}.s3.amazonaws.com", 3600.0)
    assert len(clock.offsets) == MOST_HOSTS
    assert f"{3 * MOST_HOSTS - 1}.s3.amazonaws.com" in clock.offsets


async def test_another_refusal_than_for_the_time_is_told_at_once(server: CountingServer, make_session: Make) -> None:
    async def refuse(_: Request) -> Answer:
        return Answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", date(datetime.now(UTC)))

    server.answer = refuse
    async with make_session() as session:
        s3 = await session.client("s3")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            await s3.list_buckets()
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "told",
    [
        *("", "yesterday", "Mon, 99 Foo 2026 25:00:00 GMT", "2026-99-99"),
        *("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "Sun, 06 Nov 2026 08:49:37 +99999999999999"),
        *("9999-12-31T23:59:59", "0001-01-01T00:00:00+23:59"),
    ],
)
async def test_a_service_that_tells_no_time_is_believed_nothing(
    server: CountingServer, make_session: Make, told: str
) -> None:
    async def refuse(_: Request) -> Answer:
        return Answer(403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", {"Date": told} if told else {})

    server.answer = refuse
    async with make_session() as session:
        s3 = await session.client("s3")
        for number in (1, 2):
            with pytest.raises(ClientError, match="RequestTimeTooSkewed"):
                await s3.list_buckets()
            assert len(server.requests) == number
