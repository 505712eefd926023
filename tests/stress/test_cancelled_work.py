"""Pages, waiters, retries, batches and scans, cancelled at each await of any of their tasks: nothing is left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession

import aiosdk
from tests.stress.test_expiring_credentials import Issuer
from tests.support.cancelling import cancel_at_each_step
from tests.support.dynamodb import Table
from tests.support.listings import OBJECTS, Shelf, numbered
from tests.support.misbehaving import ALWAYS, Misbehaving, list_keys, put, refusing
from tests.support.server import CountingServer
from tests.support.throttled import Throttled
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

Make = Callable[..., aiosdk.Session]
EVERY = 1 if os.environ.get("AIOSDK_DEEP") else 4
KEYS = numbered("k", 40)
Work = Callable[[aiosdk.Session], Coroutine[Any, Any, Any]]


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retryhandler.random.random", lambda: 0.0)


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    with Misbehaving() as running:
        yield running


@pytest.fixture
async def session(misbehaving: Misbehaving) -> AsyncIterator[aiosdk.Session]:
    """A session whose listings fail twice each, whose tables are not there at first, and whose copies fail inside."""
    case = misbehaving.case("ListObjectsV2", refusing(503, "ServiceUnavailable"), ALWAYS)
    good, case.times = case.answer, 0

    async def every_other(request: Any) -> Any:
        case.times = case.befallen + (sum(case.seen.values()) % 2)
        return await good(request)

    case.answer = every_other  # type: ignore[method-assign]
    list_keys(case, KEYS, 10)
    for key in KEYS[:5]:
        put(case, key, b"x" * 50_000)
    config = AioConfig(retries={"total_max_attempts": 4})
    async with aiosdk.Session(**case.keys, endpoint_url=misbehaving.url, config=config, max_connections=2) as running:
        yield running


async def paginator(session: aiosdk.Session) -> None:
    pages: Any = (await session.client("s3")).get_paginator("list_objects_v2").paginate(Bucket="bucket")
    assert [item["Key"] async for page in pages for item in page["Contents"]] == KEYS


async def collection(session: aiosdk.Session) -> None:
    assert [item.key async for item in (await session.resource("s3")).Bucket("bucket").objects.all()] == KEYS


async def pages_and_first(session: aiosdk.Session) -> None:
    objects = (await session.resource("s3")).Bucket("bucket").objects
    assert (await objects.first()).key == KEYS[0]
    assert len(await objects.limit(15)) == 15
    async for page in objects.pages():
        assert page
        break


async def waiter(session: aiosdk.Session) -> None:
    await (await session.client("dynamodb")).get_waiter("table_exists").wait(TableName="t")
    await (await session.client("s3")).get_waiter("object_exists").wait(Bucket="bucket", Key=KEYS[0])


async def streaming_bodies(session: aiosdk.Session) -> None:
    s3 = await session.client("s3")

    async def read(key: str) -> None:
        body = (await s3.get_object(Bucket="bucket", Key=key))["Body"]
        assert sum([len(chunk) async for chunk in body.iter_chunks(20_000)]) == 50_000

    await asyncio.gather(*map(read, KEYS[:5]))


@pytest.mark.parametrize("work", [paginator, collection, pages_and_first, waiter, streaming_bodies])
async def test_work_with_retries_cancelled_at_each_step(
    misbehaving: Misbehaving, session: aiosdk.Session, work: Work
) -> None:
    async def scenario(_: int) -> tuple[Coroutine[Any, Any, Any], Callable[[], Awaitable[None]]]:
        async def check() -> None:
            await eventually(lambda: session.pool.stats().in_use == session.pool.stats().waiting == 0)
            stats = session.pool.stats()
            await eventually(lambda: misbehaving.open <= stats.open <= 2)

        return work(session), check

    await cancel_at_each_step(scenario)


async def test_the_first_call_with_credentials_cancelled_at_each_step(
    server: CountingServer, make_session: Make
) -> None:
    async def scenario(_: int) -> Any:
        issuer = server.answer = Issuer(1000, 3600)
        below = AioSession()
        expired = issuer.issue() | {"expiry_time": "2020-01-01T00:00:00+00:00"}
        below._credentials = AioRefreshableCredentials.create_from_metadata(expired, issuer.refresh, "test")
        keys: dict[str, Any] = {"aws_access_key_id": None, "aws_secret_access_key": None}
        session = make_session(**keys, botocore_session=below)

        async def call() -> None:
            await (await session.client("s3")).list_objects_v2(Bucket="b")

        async def check() -> None:
            await asyncio.wait_for(call(), 10)  # others are not harmed
            await session.close()
            await eventually(lambda: server.open == 0)

        return call(), check

    await cancel_at_each_step(scenario)


async def test_the_renewal_of_refused_credentials_cancelled_at_each_step(
    server: CountingServer, make_session: Make
) -> None:
    async def scenario(_: int) -> Any:
        issuer = server.answer = Issuer(1000, 3600)
        session = issuer.session(make_session)
        s3 = await session.client("s3")
        await s3.list_objects_v2(Bucket="b")
        issuer._born["AKID0"] -= 2000

        async def check() -> None:
            await asyncio.wait_for(s3.list_objects_v2(Bucket="b"), 10)
            assert issuer.issued == 2
            await session.close()
            await eventually(lambda: server.open == 0)

        return s3.list_objects_v2(Bucket="b"), check

    await cancel_at_each_step(scenario)


async def test_calls_that_wait_for_their_turn_cancelled_at_each_step(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session(max_connections=4, config=AioConfig(retries={"total_max_attempts": 2})) as session:
        s3 = await session.client("s3")
        server.answer = Throttled(rate=0.01, burst=0)
        await asyncio.gather(*(s3.list_objects_v2(Bucket="b") for _ in range(20)), return_exceptions=True)
        (line,) = s3._endpoint.http_session.throttles.lines.values()
        server.answer = Shelf(OBJECTS, KEYS)

        async def scenario(_: int) -> Any:
            line.pace.rate = 300.0

            async def calls() -> None:
                await asyncio.gather(*(s3.list_objects_v2(Bucket="b") for _ in range(6)))

            async def check() -> None:
                assert not line.first.locked()
                await eventually(lambda: session.pool.stats().in_use == session.pool.stats().waiting == 0)

            return calls(), check

        await cancel_at_each_step(scenario, EVERY)


@pytest.fixture
def table() -> Iterator[Table]:
    with Table(seed=1, throttled=0.1, left=0.2) as running:
        yield running


async def write(ours: Any) -> None:
    async with ours.batch_writer() as batch:
        for number in range(60):
            await batch.put_item(Item={"id": str(number)})


async def scan(ours: Any) -> None:
    found = [item async for item in ours.scan_items(segments=3)]
    assert len(found) == 60


async def batch_get(ours: Any) -> None:
    assert len(await ours.batch_get([{"id": str(number)} for number in range(60)])) == 60


@pytest.mark.parametrize("work", [write, scan, batch_get])
async def test_batches_and_scans_cancelled_at_each_step(
    table: Table, make_session: Make, work: Callable[[Any], Coroutine[Any, Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiosdk.services.dynamodb.retrying.BASE_DELAY", 0.001)
    table.items = {f'{{"S": "{number}"}}': {"id": {"S": str(number)}} for number in range(60)}
    async with make_session(endpoint_url=table.url, max_connections=3) as session:
        ours = (await session.resource("dynamodb")).Table("t")

        async def scenario(_: int) -> Any:
            async def check() -> None:
                await eventually(lambda: session.pool.stats().in_use == session.pool.stats().waiting == 0)

            return work(ours), check

        await cancel_at_each_step(scenario)
    await eventually(lambda: table.open == 0)
