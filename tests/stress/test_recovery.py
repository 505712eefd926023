"""Bad networks, servers that restart, names that do not resolve: what was under way ends well or with an error, and
what comes after works."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    PaginationError,
    ReadTimeoutError,
    SSLError,
)

import aiosdk
from tests.stress.crawl import KEYS, crawl, faulty_server
from tests.support import mishaps
from tests.support.listings import OBJECTS, Shelf, numbered
from tests.support.network import BadNetwork
from tests.support.server import Answer, CountingServer, Request
from tests.support.sockets import CountedSockets
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

T = TypeVar("T")
Make = Callable[..., aiosdk.Session]
ONCE = AioConfig(retries={"total_max_attempts": 1})


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retryhandler.random.random", lambda: 0.01)


@contextlib.asynccontextmanager
async def running(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave, on a thread, what waits for a thread as it does."""
    entered = await asyncio.to_thread(manager.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


def settled(session: aiosdk.Session) -> bool:
    stats = session.pool.stats()
    return stats.in_use == stats.waiting == 0


@pytest.mark.parametrize("how", ["read", "read in part", "dropped", "iter_chunks", "iter_lines", "async with"])
@pytest.mark.parametrize("cut", ["truncated", "reset", "complete"])
async def test_a_pool_of_four_gives_every_slot_back_whatever_becomes_of_a_hundred_bodies(
    server: CountingServer, make_session: Make, how: str, cut: str
) -> None:
    kinds = {each.name: each for by in (True, False) for each in mishaps.ending(by_reset=by)}
    mishap = {"truncated": kinds["closed within the body"], "reset": kinds["reset within the body"]}.get(cut)

    async def answer(_: Request) -> Answer:
        return Answer(body=b"line\n" * 2000, headers={"ETag": '"e"'}, mishap=mishap)

    server.answer = answer
    outcomes: Counter[str] = Counter()
    sockets = CountedSockets()
    async with make_session(max_connections=4, config=ONCE.merge(sockets.config())) as session:
        s3 = await session.client("s3")

        async def call(number: int) -> None:
            try:
                body = (await s3.get_object(Bucket="b", Key=str(number)))["Body"]
                if how == "read":
                    await body.read()
                elif how == "read in part":
                    await body.read(100)
                elif how == "async with":
                    async with body as stream:
                        await stream.read()
                elif how != "dropped":
                    async for _ in getattr(body, how)():
                        pass
                outcomes["well"] += 1
            except HTTPClientError as error:
                outcomes[type(error).__name__] += 1

        await asyncio.wait_for(asyncio.gather(*(call(number) for number in range(100))), 60)
        await eventually(lambda: settled(session))
        assert session.pool.stats().open <= 4
    assert sockets.peak <= 4
    assert sockets.open == 0
    assert sum(outcomes.values()) == 100
    if cut == "complete":
        assert outcomes == {"well": 100}
    elif how in ("read", "iter_chunks", "async with"):
        assert outcomes["well"] == 0


async def test_a_crawl_of_a_server_with_faulty_answers_has_each_key_once() -> None:
    asyncio.get_running_loop().set_debug(False)
    for how in ("collection", "paginator"):
        async with running(faulty_server(200, 100, 0.1)) as url, aiosdk.Session(**KEYS, endpoint_url=url) as session:
            crawled = await crawl(session, 200, 100, how)
            await eventually(lambda: settled(session))
        assert crawled.keys == 20_000
        assert crawled.exact


async def test_a_server_that_restarts_under_load_is_used_again(server: CountingServer, make_session: Make) -> None:
    shelf = server.answer = Shelf(OBJECTS, numbered("k", 1000), most=20)
    async with running(BadNetwork(server.port)) as network:
        config = AioConfig(retries={"total_max_attempts": 10})
        async with make_session(endpoint_url=network.url, max_connections=16, config=config) as session:
            bucket = (await session.resource("s3")).Bucket("bucket")
            stop = asyncio.Event()

            async def restart() -> None:
                while not stop.is_set():
                    await asyncio.sleep(0.3)
                    network.up = False
                    network.break_all()
                    await asyncio.sleep(0.03)
                    network.up = True

            restarting = asyncio.create_task(restart())
            crawled = await asyncio.gather(*(_keys(bucket) for _ in range(8)))
            stop.set()
            await restarting
            assert crawled == [shelf.items] * 8
            await eventually(lambda: settled(session))
            assert session.pool.stats().open <= 16
        await eventually(lambda: server.open == 0)
        assert network.accepted > 8


async def _keys(bucket: Any) -> list[str]:
    return [item.key async for item in bucket.objects.all()]


async def test_while_a_server_is_down_calls_fail_at_once_and_afterwards_they_work(
    server: CountingServer, make_session: Make
) -> None:
    async with (
        running(BadNetwork(server.port)) as network,
        make_session(endpoint_url=network.url, max_connections=8) as session,
    ):
        s3 = await session.client("s3")
        await asyncio.gather(*(s3.list_buckets() for _ in range(20)))
        network.up = False
        network.break_all()
        failed = await asyncio.gather(*(s3.list_buckets() for _ in range(20)), return_exceptions=True)
        assert all(isinstance(each, ConnectionClosedError | EndpointConnectionError) for each in failed)
        network.up = True
        await asyncio.gather(*(s3.list_buckets() for _ in range(20)))
        await eventually(lambda: settled(session))


@pytest.mark.parametrize(
    "weather",
    [
        {"delay": 0.01},
        {"rate": 2_000_000.0},
        {"lost": 0.02},
        {"delay": 0.003, "rate": 4_000_000.0, "lost": 0.01},
    ],
    ids=["slow", "narrow", "lossy", "all of it"],
)
async def test_a_crawl_and_transfers_over_a_bad_network_are_complete(
    server: CountingServer, make_session: Make, weather: dict[str, float]
) -> None:
    listing = Shelf(OBJECTS, numbered("k", 300), most=20)
    data = random.Random(1).randbytes(100_000)
    stored: dict[str, bytes] = {}

    async def answer(request: Request) -> Answer:
        if request.method == "PUT":
            stored[request.path] = request.body
            return Answer(headers={"ETag": '"e"'})
        if request.path.count("/") > 1:
            return Answer(body=data, headers={"ETag": '"e"'})
        return await listing(request)

    server.answer = answer
    async with running(BadNetwork(server.port, **weather)) as network:
        config = AioConfig(retries={"total_max_attempts": 10})
        async with make_session(endpoint_url=network.url, max_connections=8, config=config) as session:
            s3 = await session.client("s3")
            bucket = (await session.resource("s3")).Bucket("bucket")

            async def get(number: int) -> None:
                while True:
                    try:
                        body = (await s3.get_object(Bucket="b", Key=f"{number}"))["Body"]
                        assert await body.read() == data
                    except HTTPClientError:
                        continue  # a body that breaks off is not read again by itself
                    return

            async def put(number: int) -> None:
                await s3.put_object(Bucket="b", Key=f"{number}", Body=data)

            crawled, *_ = await asyncio.gather(_keys(bucket), *map(get, range(20)), *map(put, range(20)))
            assert crawled == listing.items
            assert len(stored) == 20
            await eventually(lambda: settled(session))
        await eventually(lambda: network.open == server.open == 0)


async def test_a_half_open_connection_ends_in_a_time_out_and_is_not_used_again(
    server: CountingServer, make_session: Make
) -> None:
    config = AioConfig(retries={"total_max_attempts": 1}, read_timeout=0.3)
    async with running(BadNetwork(server.port)) as network:
        async with make_session(endpoint_url=network.url, max_connections=4, config=config) as session:
            s3 = await session.client("s3")
            await asyncio.gather(*(s3.list_buckets() for _ in range(4)))
            network.weather.half_open = True
            failed = await asyncio.gather(*(s3.list_buckets() for _ in range(8)), return_exceptions=True)
            assert all(isinstance(each, ReadTimeoutError) for each in failed), failed
            network.weather.half_open = False
            await asyncio.gather(*(s3.list_buckets() for _ in range(8)))
            await eventually(lambda: settled(session))
        await eventually(lambda: server.open == 0)


@pytest.mark.parametrize("what", ["reset", "garbage", "untrusted"])
async def test_a_failure_of_tls_is_told_and_the_next_attempt_is_made_on_a_new_connection(
    tls_server: CountingServer, ca_bundle: str, make_session: Make, what: str
) -> None:
    async with running(BadNetwork(tls_server.port)) as network:
        url = f"https://localhost:{network.port}"
        async with make_session(endpoint_url=url, max_connections=4, config=ONCE) as session:
            s3 = await session.client("s3", verify=ca_bundle)
            if what == "untrusted":
                stranger = await session.client("s3")
                with pytest.raises(SSLError):
                    await stranger.list_buckets()
            else:
                network.up = what != "reset"
                network.weather.garbage = mishaps.GARBAGE if what == "garbage" else b""
                with pytest.raises((SSLError, ConnectionClosedError, EndpointConnectionError)):
                    await s3.list_buckets()
                network.up, network.weather.garbage = True, b""
            await asyncio.gather(*(s3.list_buckets() for _ in range(8)))
            await eventually(lambda: settled(session))
        await eventually(lambda: tls_server.open == 0)


async def test_a_name_that_does_not_resolve_for_a_while_is_found_again(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True
    asked: Counter[str] = Counter()
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked[str(host)] += 1
        if host == "s3.somewhere.test":
            if broken:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            host = "127.0.0.1"
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with make_session(endpoint_url=f"http://s3.somewhere.test:{server.port}", max_connections=4) as session:
        s3 = await session.client("s3")
        failed = await asyncio.gather(*(s3.list_buckets() for _ in range(8)), return_exceptions=True)
        assert all(isinstance(each, EndpointConnectionError) for each in failed), failed
        await eventually(lambda: settled(session))
        broken = False
        await asyncio.gather(*(s3.list_buckets() for _ in range(8)))
        await eventually(lambda: settled(session))
    assert asked["s3.somewhere.test"]


async def test_a_name_that_fails_once_is_asked_again_within_the_call(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")] * 2)
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "s3.elsewhere.test":
            if (failure := next(failures, None)) is not None:
                raise failure
            host = "127.0.0.1"
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with make_session(endpoint_url=f"http://s3.elsewhere.test:{server.port}") as session:
        await (await session.client("s3")).list_buckets()


@pytest.mark.parametrize("how", ["the same token", "a circle"])
async def test_pages_that_never_end_are_told(server: CountingServer, make_session: Make, how: str) -> None:
    async def answer(request: Request) -> Answer:
        last = request.target.partition("continuation-token=")[2].partition("&")[0]
        token = "again" if how == "the same token" else {"one": "two"}.get(last, "one")
        body = (
            "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>k</Key></Contents>"
            f"<NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>"
        )
        return Answer(body=body.encode())

    server.answer = answer
    async with make_session() as session:
        bucket = (await session.resource("s3")).Bucket("bucket")
        with pytest.raises(aiosdk.exceptions.AiosdkError, match="token"):
            await asyncio.wait_for(_keys(bucket), 20)
        assert len(server.requests) < 10
        pages = (await session.client("s3")).get_paginator("list_objects_v2").paginate(Bucket="bucket")
        for _ in range(2):  # each loop begins anew
            server.requests.clear()
            with pytest.raises(PaginationError, match="token"):
                await asyncio.wait_for(pages.build_full_result(), 20)
            assert 2 <= len(server.requests) < 10


async def test_nobody_s_error_is_a_bare_client_error_of_aiohttp(server: CountingServer, make_session: Make) -> None:
    async def answer(_: Request) -> Answer:
        return Answer(mishap=mishaps.NOT_HTTP)

    server.answer = answer
    async with make_session(config=ONCE) as session:
        s3 = await session.client("s3")
        with pytest.raises(HTTPClientError) as raised:
            await s3.list_buckets()
        assert not isinstance(raised.value, ClientError)


async def test_a_connection_that_ends_before_the_headers_are_written_fails_the_call_only(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = aiohttp.ClientRequest.write_bytes

    async def write_late(self: Any, writer: Any, conn: Any, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0.001)
        if (transport := conn.transport) is not None:
            transport.abort()
        await write(self, writer, conn, *args, **kwargs)

    monkeypatch.setattr(aiohttp.ClientRequest, "write_bytes", write_late)
    async with make_session(max_connections=4, config=ONCE) as session:
        s3 = await session.client("s3")
        for key in ("small", "big"):
            with pytest.raises(ConnectionClosedError):
                await s3.put_object(Bucket="b", Key=key, Body=b"x" * (10 if key == "small" else 3_000_000))
        gc.collect()
        await eventually(lambda: settled(session))
