"""Cancelled at any moment, the session loses nothing and leaves nothing: no socket, no task, no waiter, no warning."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import socket
import ssl
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ReadTimeoutError

from aiosdk._transport.tls import tls_context
from tests.support.cancelling import cancel_at_each_await
from tests.support.proxy import Proxy
from tests.support.server import LIST_BUCKETS, Answer, CountingServer, Request
from tests.support.sockets import CountedSockets
from tests.support.waiting import Gate, eventually, nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import trustme

    import aiosdk

    Make = Callable[..., aiosdk.Session]

BIG = b"0123456789" * 20_000


@pytest.fixture
async def make_session(make_session: Make) -> AsyncIterator[Make]:
    """Make sessions that are closed at the end, so that a test that fails does not make others fail."""
    made: weakref.WeakSet[aiosdk.Session] = weakref.WeakSet()

    def make(**arguments: object) -> aiosdk.Session:
        session = make_session(**arguments)
        made.add(session)
        return session

    yield make
    for session in made:
        await session.close()


async def answer_by_size(request: Request) -> Answer:
    if request.path.endswith("/big"):
        return Answer(body=BIG, headers={"ETag": '"e"'})
    if request.method == "PUT":
        return Answer(headers={"ETag": '"e"'})
    if request.path.strip("/"):
        return Answer(body=b"x" * 100, headers={"ETag": '"e"'})
    return Answer(body=LIST_BUCKETS, headers={"Content-Type": "application/xml"})


async def idle_and_empty(session: aiosdk.Session, *servers: CountingServer) -> None:
    """Wait until client and servers agree that nothing is open but idle connections, and that nobody waits."""

    def settled() -> bool:
        gc.collect()
        stats = session.pool.stats()
        return stats.in_use == stats.waiting == 0 and stats.open == sum(server.open for server in servers)

    await eventually(settled)


# Two thousand requests


async def read_all(s3: Any, _: random.Random) -> None:
    await (await s3.get_object(Bucket="b", Key="big"))["Body"].read()


async def read_half(s3: Any, chance: random.Random) -> None:
    body = (await s3.get_object(Bucket="b", Key="big"))["Body"]
    await body.read(chance.randrange(1, len(BIG)))


async def drop_the_response(s3: Any, chance: random.Random) -> None:
    await s3.get_object(Bucket="b", Key=chance.choice(["big", "small"]))


async def break_off_a_loop(s3: Any, chance: random.Random) -> None:
    async for _ in (await s3.get_object(Bucket="b", Key="big"))["Body"].iter_chunks(1000):
        if chance.random() < 0.1:
            break


async def list_buckets(s3: Any, _: random.Random) -> None:
    await s3.list_buckets()


async def put(s3: Any, _: random.Random) -> None:
    await s3.put_object(Bucket="b", Key="k", Body=BIG)


KINDS = [read_all, read_half, drop_the_response, break_off_a_loop, list_buckets, list_buckets, put]


async def cancel_at_random(s3: Any, requests: int, at_once: int, seed: int) -> int:
    """Send so many requests, most of them cancelled after a random while; tell how many were."""
    chance = random.Random(seed)
    cancelled = 0

    async def worker(numbers: Iterator[int]) -> None:
        nonlocal cancelled
        for _ in numbers:
            task = asyncio.create_task(chance.choice(KINDS)(s3, chance))
            if chance.random() < 0.8:
                for _ in range(chance.randrange(20)):
                    await asyncio.sleep(0)
            else:
                await asyncio.wait([task], timeout=chance.random() * 0.02)
            if chance.random() < 0.9:
                task.cancel()
            await asyncio.wait([task])
            if task.cancelled():
                cancelled += 1
            else:
                task.result()

    numbers = iter(range(requests))
    await asyncio.gather(*(worker(numbers) for _ in range(at_once)))
    return cancelled


async def test_two_thousand_requests_cancelled_at_random_moments_leave_only_idle_connections(
    server: CountingServer, make_session: Make
) -> None:
    server.answer = answer_by_size
    sockets = CountedSockets()
    async with make_session(max_connections=8, config=sockets.config()) as session:
        s3 = await session.client("s3")
        cancelled = await cancel_at_random(s3, 2000, 24, seed=1)
        await idle_and_empty(session, server)
        assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]
    assert cancelled > 100
    assert sockets.peak == 8
    assert sockets.open == 0
    await eventually(lambda: server.open == 0)


async def test_requests_over_tls_cancelled_at_random_moments_leave_only_idle_connections(
    tls_server: CountingServer, ca_bundle: str, make_session: Make
) -> None:
    tls_server.answer = answer_by_size
    sockets = CountedSockets()
    async with make_session(max_connections=4, endpoint_url=tls_server.url, config=sockets.config()) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        cancelled = await cancel_at_random(s3, 400, 12, seed=2)
        await idle_and_empty(session, tls_server)
        assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]
    assert cancelled > 20
    assert sockets.peak == 4
    assert sockets.open == 0
    await eventually(lambda: tls_server.open == 0)


@pytest.fixture
def wide_server() -> Iterator[CountingServer]:
    with CountingServer(answer_by_size, host="0.0.0.0") as running:
        yield running


async def test_requests_to_many_hosts_cancelled_at_random_moments_stay_under_both_caps(
    wide_server: CountingServer, make_session: Make
) -> None:
    sockets = CountedSockets()
    async with make_session(max_connections=4, max_connections_per_host=2, config=sockets.config()) as session:
        clients = [
            await session.client("s3", endpoint_url=f"http://127.0.0.{number}:{wide_server.port}")
            for number in range(1, 5)
        ]
        await asyncio.gather(*(cancel_at_random(s3, 100, 4, seed) for seed, s3 in enumerate(clients)))
        await idle_and_empty(session, wide_server)
        for s3 in clients:
            await s3.list_buckets()
    assert sockets.peak == 4
    assert sockets.open == 0
    await eventually(lambda: wide_server.open == 0)


async def test_closing_the_session_in_the_middle_of_it_all_leaves_nothing(
    server: CountingServer, make_session: Make
) -> None:
    server.answer = answer_by_size
    chance = random.Random(3)
    for _ in range(20):
        session = make_session(max_connections=4)
        s3 = await session.client("s3")
        tasks = [asyncio.create_task(chance.choice(KINDS)(s3, chance)) for _ in range(20)]
        await asyncio.sleep(chance.random() * 0.02)
        await session.close()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        unclear = [each for each in results if each is not None and not isinstance(each, BotoCoreError)]
        assert unclear == []
    await eventually(lambda: server.open == 0)


# Each await in turn


# Services that no other test here asks for, so that each run is the first to read a model.
RARE = """
acm amp amplify apigateway appconfig appflow appmesh apprunner appstream appsync auditmanager backup batch bedrock
braket budgets ce chime cloud9 cloudfront cloudhsmv2 cloudtrail codebuild codecommit codedeploy codepipeline
comprehend connect cur databrew datasync dax detective devicefarm dlm docdb drs ds ebs ecr efs eks emr es finspace
firehose fis fms forecast fsx gamelift geo-maps glacier grafana guardduty health imagebuilder inspector2
"""


async def test_the_first_client_of_a_service_cancelled_at_each_await(
    server: CountingServer, make_session: Make
) -> None:
    rare = RARE.split()

    async def scenario(number: int) -> Any:
        service = rare[number % len(rare)]
        session = make_session()

        async def first_client() -> None:
            await session.client(service)

        async def check() -> None:
            client = await asyncio.wait_for(_awaited(session.client(service)), 30)
            assert client.meta.service_model.service_name == service
            await session.close()

        return first_client(), check

    await cancel_at_each_await(scenario)


async def _awaited(pending: Any) -> Any:
    return await pending


@pytest.mark.parametrize("how", ["plain", "over TLS"])
async def test_the_first_request_cancelled_at_each_await(
    server: CountingServer, tls_server: CountingServer, ca_bundle: str, make_session: Make, how: str
) -> None:
    asked = server if how == "plain" else tls_server

    async def scenario(_: int) -> Any:
        session = make_session(endpoint_url=asked.url, max_connections=1)
        s3 = await session.client("s3", verify=ca_bundle)

        async def check() -> None:
            await idle_and_empty(session, asked)
            assert (await asyncio.wait_for(s3.list_buckets(), 10))["Buckets"] == [{"Name": "b"}]
            await session.close()
            await eventually(lambda: asked.open == 0)

        return s3.list_buckets(), check

    await cancel_at_each_await(scenario)
    assert asked.peak == 1


@pytest.mark.parametrize("how", ["plain", "over TLS"])
async def test_whoever_waits_behind_an_attempt_to_connect_gets_its_slot_when_its_socket_is_gone(
    server: CountingServer, tls_server: CountingServer, ca_bundle: str, make_session: Make, how: str
) -> None:
    asked = server if how == "plain" else tls_server
    sockets = CountedSockets()

    async def scenario(_: int) -> Any:
        session = make_session(endpoint_url=asked.url, max_connections=1, config=sockets.config())
        s3 = await session.client("s3", verify=ca_bundle)
        behind: list[asyncio.Task[Any]] = []

        async def first() -> None:
            behind.append(asyncio.create_task(s3.list_buckets()))
            await s3.list_buckets()

        async def check() -> None:
            await asyncio.wait_for(asyncio.gather(*behind), 10)
            await session.close()
            await eventually(lambda: sockets.open == 0)

        return first(), check

    await cancel_at_each_await(scenario)
    assert sockets.peak == 1


@pytest.fixture
def deaf_server(authority: trustme.CA) -> Iterator[int]:
    """The port of a server that shakes hands and then hears nothing, not even that TLS is being closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    accepted: list[socket.socket] = []

    def shake_hands(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            accepted.append(context.wrap_socket(connection, server_side=True))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.settimeout(10)
                threading.Thread(target=shake_hands, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    for connection in accepted:
        connection.close()


async def test_an_attempt_to_connect_cancelled_at_each_await_waits_for_no_peer_to_close(
    deaf_server: int, make_session: Make
) -> None:
    sockets = CountedSockets()

    async def scenario(_: int) -> Any:
        config = sockets.config().merge(AioConfig(read_timeout=0.2, retries={"total_max_attempts": 1}))
        session = make_session(endpoint_url=f"https://localhost:{deaf_server}", max_connections=1, config=config)
        s3 = await session.client("s3", verify=False)

        async def until_the_silence_is_too_long() -> None:
            with pytest.raises(ReadTimeoutError):
                await s3.list_buckets()

        async def check() -> None:
            await eventually(lambda: sockets.open == session.pool.stats().open == 0, 3)
            await session.close()

        return until_the_silence_is_too_long(), check

    await cancel_at_each_await(scenario)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


async def test_the_first_request_through_a_tunnel_cancelled_at_each_await(
    tls_server: CountingServer, proxy: Proxy, ca_bundle: str, make_session: Make
) -> None:
    async def scenario(_: int) -> Any:
        config = AioConfig(proxies={"https": proxy.url})
        session = make_session(endpoint_url=tls_server.url, max_connections=1, config=config)
        s3 = await session.client("s3", verify=ca_bundle)

        async def check() -> None:
            await idle_and_empty(session, tls_server)
            await eventually(lambda: proxy.open == session.pool.stats().open, 3)
            assert (await asyncio.wait_for(s3.list_buckets(), 10))["Buckets"] == [{"Name": "b"}]
            await session.close()
            await eventually(lambda: proxy.open == tls_server.open == 0, 3)

        return s3.list_buckets(), check

    await cancel_at_each_await(scenario)


async def test_a_second_request_cancelled_at_each_await(server: CountingServer, make_session: Make) -> None:
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")

        async def scenario(_: int) -> Any:
            await s3.list_buckets()

            async def check() -> None:
                await idle_and_empty(session, server)

            return s3.list_buckets(), check

        await cancel_at_each_await(scenario)
    assert server.peak == 1


async def test_an_upload_cancelled_at_each_await(server: CountingServer, make_session: Make) -> None:
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")

        async def scenario(_: int) -> Any:
            async def check() -> None:
                await idle_and_empty(session, server)
                await asyncio.wait_for(s3.list_buckets(), 10)

            return s3.put_object(Bucket="b", Key="k", Body=BIG), check

        await cancel_at_each_await(scenario)


async def test_the_reading_of_a_stream_cancelled_at_each_await(server: CountingServer, make_session: Make) -> None:
    async def in_two_parts(request: Request) -> Answer:
        answer = await answer_by_size(request)
        answer.pause = 0.01 if request.path.endswith("/big") else 0.0
        return answer

    server.answer = in_two_parts
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")

        async def read() -> None:
            body = (await s3.get_object(Bucket="b", Key="big"))["Body"]
            size = 0
            async for chunk in body.iter_chunks(50_000):
                size += len(chunk)
            assert size == len(BIG)

        async def scenario(_: int) -> Any:
            async def check() -> None:
                await idle_and_empty(session, server)
                await asyncio.wait_for(s3.list_buckets(), 10)

            return read(), check

        await cancel_at_each_await(scenario)


async def test_waiting_for_a_slot_cancelled_at_each_await(server: CountingServer, make_session: Make) -> None:
    gate = Gate()

    async def held(request: Request) -> Answer:
        await gate.passed()
        return await answer_by_size(request)

    server.answer = held
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")

        async def scenario(_: int) -> Any:
            nonlocal gate
            gate = Gate()
            others = [asyncio.create_task(s3.list_buckets()) for _ in range(3)]
            await eventually(lambda: session.pool.stats().waiting == 2)

            async def wait_in_line() -> None:
                opened = asyncio.get_running_loop().call_later(0.01, gate.open)
                try:
                    await s3.list_buckets()
                finally:
                    opened.cancel()
                    gate.open()

            async def check() -> None:
                gate.open()
                await asyncio.wait_for(asyncio.gather(*others), 10)
                await idle_and_empty(session, server)

            return wait_in_line(), check

        await cancel_at_each_await(scenario)
    assert server.peak == 1


@pytest.mark.parametrize("how", ["plain", "over TLS"])
async def test_the_close_of_a_session_cancelled_at_each_await(
    server: CountingServer, tls_server: CountingServer, ca_bundle: str, make_session: Make, how: str
) -> None:
    asked = server if how == "plain" else tls_server
    asked.answer = answer_by_size

    async def scenario(_: int) -> Any:
        config = AioConfig(retries={"total_max_attempts": 1})
        session = make_session(endpoint_url=asked.url, max_connections=4, config=config)
        s3 = await session.client("s3", verify=ca_bundle)
        await asyncio.gather(s3.list_buckets(), s3.list_buckets())
        body = (await s3.get_object(Bucket="b", Key="big"))["Body"]
        await body.read(10)
        busy = asyncio.create_task(s3.list_buckets())
        new_client = asyncio.create_task(_awaited(session.client("sqs", region_name="eu-west-1")))
        await asyncio.sleep(0)

        async def check() -> None:
            await session.close()
            await asyncio.wait_for(asyncio.gather(busy, new_client, return_exceptions=True), 10)
            await eventually(lambda: asked.open == 0, 3)
            assert session.pool.stats().open == 0
            body.close()

        return session.close(), check

    await cancel_at_each_await(scenario)


async def test_the_close_of_a_session_that_still_loads_a_bundle_cancelled_at_each_await(
    server: CountingServer, tls_server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(settings: Any) -> ssl.SSLContext:
        time.sleep(0.03)  # on a thread of its own
        return tls_context(settings)

    monkeypatch.setattr("aiosdk._transport.loop_pool.tls_context", slow)

    async def scenario(_: int) -> Any:
        session = make_session()
        s3 = await session.client("s3")
        await s3.list_buckets()
        over_tls = await session.client("s3", endpoint_url=tls_server.url, verify=False)
        loading = asyncio.create_task(over_tls.list_buckets())
        await asyncio.sleep(0)

        async def check() -> None:
            await session.close()
            await asyncio.wait_for(asyncio.gather(loading, return_exceptions=True), 10)
            await eventually(lambda: server.open == tls_server.open == 0, 3)

        return session.close(), check

    await cancel_at_each_await(scenario)


async def test_entering_and_leaving_a_session_cancelled_at_each_await(
    server: CountingServer, make_session: Make
) -> None:
    async def use() -> None:
        async with make_session() as session:
            s3 = await session.client("s3")
            await s3.list_buckets()

    async def scenario(_: int) -> Any:
        async def check() -> None:
            gc.collect()
            await eventually(lambda: server.open == 0, 3)

        return use(), check

    await cancel_at_each_await(scenario)
