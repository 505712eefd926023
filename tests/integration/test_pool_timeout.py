"""Waiting for a connection ends when nothing moves, with a warning before; and closing says what it was under."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from aiosdk.exceptions import (
    CallOptionError,
    ClientClosedError,
    DeadlineExceededError,
    PoolTimeoutError,
    SessionClosedError,
)
from tests.support.server import Answer, CountingServer, Request, answer_anything
from tests.support.waiting import Gate, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., aiosdk.Session]

ONCE = {"total_max_attempts": 1}


async def a_large_body(_: Request) -> Answer:
    return Answer(body=b"x" * 8_000_000)


async def test_forgotten_bodies_are_warned_of_and_then_named(
    server: CountingServer, make_session: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = a_large_body
    async with make_session(max_connections=2, pool_timeout=0.6) as session:
        s3 = await session.client("s3")
        forgotten = [(await s3.get_object(Bucket="b", Key="k"))["Body"] for _ in range(2)]
        with caplog.at_level(logging.WARNING, "aiosdk"):
            failed = await asyncio.gather(*(s3.list_buckets() for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in failed} == {PoolTimeoutError}
        assert "nobody reads on" in str(failed[0])
        assert len(caplog.records) == 1, "one warning for all who wait"
        assert "20 requests wait" in caplog.text
        assert f"2 to 127.0.0.1:{server.port} with an answer that nobody reads on" in caplog.text
        for body in forgotten:
            body.close()
        server.answer = answer_anything
        await s3.list_buckets()


async def test_a_long_queue_that_moves_on_is_waited_for(server: CountingServer, make_session: Make) -> None:
    async def slowly(request: Request) -> Answer:
        await asyncio.sleep(0.04)
        return await answer_anything(request)

    server.answer = slowly
    async with make_session(max_connections=1, pool_timeout=0.4) as session:
        s3 = await session.client("s3")
        await asyncio.gather(*(s3.list_buckets() for _ in range(25)))  # the last one waits a second
    assert len(server.requests) == 25


async def test_a_body_that_is_read_on_is_no_standstill(server: CountingServer, make_session: Make) -> None:
    server.answer = a_large_body
    async with make_session(max_connections=1, pool_timeout=0.4) as session:
        s3 = await session.client("s3")
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        waiting = asyncio.create_task(s3.list_buckets())
        server.answer = answer_anything
        for _ in range(20):
            await body.read(200_000)
            await asyncio.sleep(0.05)
            assert not waiting.done()
        await body.read()
        await waiting


@pytest.fixture
def two_hosts() -> Iterator[CountingServer]:
    """A server that is 127.0.0.1 and 127.0.0.2."""
    with CountingServer(host="0.0.0.0") as running:
        yield running


async def test_others_hosts_moving_on_is_no_hope_for_one_at_its_cap(
    two_hosts: CountingServer, make_session: Make
) -> None:
    two_hosts.answer = a_large_body
    async with make_session(max_connections_per_host=1, pool_timeout=0.4, max_connections=2) as session:
        stuck = await session.client("s3", endpoint_url=f"http://127.0.0.1:{two_hosts.port}")
        other = await session.client("s3", endpoint_url=f"http://127.0.0.2:{two_hosts.port}")
        body = (await stuck.get_object(Bucket="b", Key="k"))["Body"]
        two_hosts.answer = answer_anything

        async def keep_moving() -> None:
            while True:
                await asyncio.gather(other.list_buckets(), other.list_buckets())

        moving = asyncio.create_task(keep_moving())
        async with asyncio.timeout(20):
            with pytest.raises(PoolTimeoutError, match=r"127\.0\.0\.1"):
                await stuck.list_buckets()
        moving.cancel()
        body.close()


async def test_a_deadline_comes_first(server: CountingServer, make_session: Make) -> None:
    server.answer = a_large_body
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        with pytest.raises(DeadlineExceededError, match="free connection"):
            await s3.with_options(timeout=0.1).list_buckets()
        body.close()


async def test_the_setting_is_half_a_minute_and_travels(make_session: Make) -> None:
    async with pickle.loads(pickle.dumps(make_session(pool_timeout=math.inf))) as session:
        s3 = await session.client("s3")
        assert s3._endpoint.http_session._timeouts.pool == math.inf
    async with make_session() as plain:
        s3 = await plain.client("s3")
        assert s3._endpoint.http_session._timeouts.pool == 30
        own = await plain.client("s3", config=AioConfig(connector_args={"pool_timeout": 5}))
        assert own._endpoint.http_session._timeouts.pool == 5


@pytest.mark.parametrize("value", [0, -1, "5", True, float("nan")])
def test_a_pool_timeout_that_makes_no_sense_is_refused(value: Any) -> None:
    with pytest.raises(CallOptionError, match="pool_timeout"):
        aiosdk.Session(pool_timeout=value)


# Closing under calls


def hold(server: CountingServer) -> Gate:
    gate = Gate()

    async def held(request: Request) -> Answer:
        await gate.passed()
        return await answer_anything(request)

    server.answer = held
    return gate


@pytest.fixture(params=["express", "reference"])
def lane(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Has a client's calls take one of the lanes."""

    def choose(client: Any) -> Any:
        if request.param == "reference":
            client.meta.events.register("before-sign", lambda **_: None)
        return client

    return choose


async def test_closing_under_a_long_poll_and_those_behind_it_says_so(
    server: CountingServer, make_session: Make, lane: Callable[[Any], Any]
) -> None:
    hold(server)
    session = make_session(max_connections=1)
    sqs = lane(await session.client("sqs"))
    poll = asyncio.create_task(sqs.receive_message(QueueUrl=server.url + "/1/q", WaitTimeSeconds=20))
    await eventually(lambda: server.active == 1)
    behind = asyncio.create_task(sqs.list_queues())
    await eventually(lambda: session.pool.stats().waiting == 1)
    await session.close()
    with pytest.raises(SessionClosedError, match=r"sqs\.receive_message, under which its session was closed"):
        await poll
    with pytest.raises(SessionClosedError, match=r"sqs\.list_queues, under which its session was closed"):
        await behind
    assert len(server.requests) == 1


async def test_closing_while_it_connects_says_so_at_once(make_session: Make, lane: Callable[[Any], Any]) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.get_running_loop().create_future()

    session = make_session()
    sqs = lane(await session.client("sqs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiohappyeyeballs.start_connection", never)
        call = asyncio.create_task(sqs.list_queues())
        await eventually(lambda: session.pool.stats().in_use == 1)
        async with asyncio.timeout(20):
            await session.close()
            with pytest.raises(SessionClosedError, match=r"sqs\.list_queues"):
                await call


async def test_closing_while_credentials_are_fetched_says_so(
    server: CountingServer, monkeypatch: pytest.MonkeyPatch, lane: Callable[[Any], Any]
) -> None:
    gate = Gate()

    async def slowly(_: Request) -> Answer:
        await gate.passed()
        return Answer(body=json.dumps({"AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": "t"}).encode())

    server.answer = slowly
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url + "/creds")
    session = aiosdk.Session(region_name="us-east-1", endpoint_url=server.url)
    sqs = lane(await session.client("sqs"))
    call = asyncio.create_task(sqs.list_queues())
    await eventually(lambda: server.active == 1)
    await session.close()
    gate.open()
    with pytest.raises(SessionClosedError, match=r"sqs\.list_queues.*find credentials"):
        await call


async def test_closing_under_a_body_that_is_read_says_so(server: CountingServer, make_session: Make) -> None:
    server.answer = a_large_body
    session = make_session()
    s3 = await session.client("s3")
    body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
    await body.read(10)
    await session.close()
    with pytest.raises(SessionClosedError, match="read the rest of an answer"):
        await body.read()


async def test_closing_under_a_download_and_a_paginator_says_so(
    server: CountingServer, make_session: Make, tmp_path: Path
) -> None:
    hold(server)
    session = make_session()
    s3 = await session.client("s3")
    download = asyncio.create_task(s3.download_file("b", "k", str(tmp_path / "f")))
    pages = asyncio.create_task(s3.get_paginator("list_objects_v2").paginate(Bucket="b").build_full_result())
    await eventually(lambda: server.active == 2)
    async with asyncio.timeout(20):
        await session.close()
        for each in (download, pages):
            with pytest.raises(SessionClosedError, match="under which its session was closed"):
                await each


async def test_a_call_of_a_client_that_is_closed_meanwhile_ends_well(
    server: CountingServer, make_session: Make, lane: Callable[[Any], Any]
) -> None:
    gate = hold(server)
    async with make_session() as session:
        sqs = lane(await session.client("sqs"))
        call = asyncio.create_task(sqs.list_queues())
        await eventually(lambda: server.active == 1)
        await sqs.close()
        gate.open()
        await call
        with pytest.raises(ClientClosedError):
            await sqs.list_queues()
