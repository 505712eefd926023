"""Views of a client with options: deadlines, attempts, headers; what servers ask for, and the session's budget."""

from __future__ import annotations

import asyncio
import io
import math
import pickle
import re
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError, WaiterError

import aiosdk
from aiosdk import _off_loop
from aiosdk.exceptions import AiosdkError, CallOptionError, ClientClosedError, DeadlineExceededError
from tests.support.lanes import outcome
from tests.support.server import LIST_BUCKETS, Answer, CountingServer, Request, answer_anything
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., aiosdk.Session]

DOWN = Answer(500, b"<Error><Code>InternalError</Code><Message>m</Message></Error>")
GOOD = Answer(200, LIST_BUCKETS)
SHORT, LONG = 0.15, 30.0
BIG = b"x" * 24_000_000
LANES = ["express", "reference"]


def always(server: CountingServer, given: Answer) -> None:
    async def answer(_: Request) -> Answer:
        return given

    server.answer = answer


def never(server: CountingServer) -> None:
    async def answer(_: Request) -> Answer:
        await asyncio.sleep(LONG)
        return GOOD

    server.answer = answer


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest) -> str:
    return request.param


async def client_on(lane: str, session: aiosdk.Session, service: str = "s3", **config: Any) -> Any:
    """A client whose calls take a lane."""
    client: Any = await session.client(service, config=AioConfig(**config))
    if lane == "reference":
        client.meta.events.register("before-call", look_on)
    return client


def look_on(**_: Any) -> None:
    """Do nothing, but be a hook of the user's."""


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts take no time, and are listed."""
    pauses: list[float] = []

    async def sleep(delay: float) -> None:
        pauses.append(delay)
        await asyncio.sleep(0)

    monkeypatch.setattr(_off_loop, "sleep", sleep)
    monkeypatch.setattr("botocore.retryhandler.random.random", lambda: 0.001)
    return pauses


# Deadlines


async def late(session: aiosdk.Session, call: Any, phase: str, attempts: int) -> DeadlineExceededError:
    """Have a call exceed its deadline, and look at the error and at what is left."""
    begun = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        await call
    error = caught.value
    assert time.monotonic() - begun < LONG / 2
    assert isinstance(error, DeadlineExceededError)
    assert isinstance(error, AiosdkError)
    assert error.phase == phase
    assert len(error.attempts) == attempts
    assert str(error).startswith("s3.")
    assert f" was not done within {SHORT:g} s: it was " in str(error)
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin), twin.phase, twin.attempts) == (
        DeadlineExceededError,
        str(error),
        phase,
        error.attempts,
    )
    loop: Any = asyncio.get_running_loop()
    timers = [each for each in getattr(loop, "_scheduled", ()) if not each.cancelled()]
    assert not [each for each in timers if "Timeout" in repr(each)]
    return error


async def test_late_while_waiting_for_a_connection(server: CountingServer, make_session: Make, lane: str) -> None:
    never(server)
    async with make_session(max_connections=1) as session:
        s3 = await client_on(lane, session)
        first = asyncio.create_task(s3.list_buckets())
        await eventually(lambda: server.requests)
        error = await late(session, s3.with_options(timeout=SHORT).list_buckets(), "pool", 1)
        assert "waiting for a free connection of the pool, in attempt 1" in str(error)
        assert session.pool.stats().waiting == 0
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await eventually(lambda: session.pool.stats().in_use == 0)
    assert len(server.requests) == 1


@contextmanager
def black_hole() -> Iterator[str]:
    """A server that takes no more connections: its backlog is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
            fillers.append(filler)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for filler in fillers:
            filler.close()


async def test_late_while_connecting(make_session: Make, lane: str) -> None:
    with black_hole() as url:
        async with make_session(endpoint_url=url) as session:
            s3 = await client_on(lane, session)
            error = await late(session, s3.with_options(timeout=SHORT).list_buckets(), "connect", 1)
            assert "it was connecting, in attempt 1" in str(error)
            await eventually(lambda: session.pool.stats().in_use == 0)


class DeafServer:
    """Answers requests without a body, and takes nothing of those with one."""

    url = ""

    async def __aenter__(self) -> DeafServer:
        self._done = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=4096)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._done.set()
        self._server.close()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LIST_BUCKETS), LIST_BUCKETS))
            await self._done.wait()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("kind", ["bytes", "file"])
async def test_late_while_sending(make_session: Make, lane: str, tmp_path: Path, kind: str, *, warm: bool) -> None:
    async with DeafServer() as deaf, make_session(endpoint_url=deaf.url) as session:
        s3 = await client_on(lane, session)
        if warm:
            await s3.list_buckets()
        body: Any = BIG
        if kind == "file":
            path = tmp_path / "big"
            await _off_loop.call(path.write_bytes, BIG)
            body = await _off_loop.call(path.open, "rb")
        options = {"ChecksumSHA256": "x"}  # or the file is read for its own before anything is sent
        with pytest.raises(DeadlineExceededError, match="sending the request, in attempt 1") as caught:
            await s3.with_options(timeout=2.5).put_object(Bucket="b", Key="k", Body=body, **options)
        assert caught.value.phase == "send"
        if kind == "file":
            body.close()
        await eventually(lambda: session.pool.stats().in_use == 0)


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
async def test_late_while_waiting_for_the_answer(
    server: CountingServer, make_session: Make, lane: str, *, warm: bool
) -> None:
    async with make_session() as session:
        s3 = await client_on(lane, session)
        if warm:
            await s3.list_buckets()
        never(server)
        error = await late(session, s3.with_options(timeout=SHORT).list_buckets(), "read", 1)
        assert "waiting for the answer, in attempt 1" in str(error)
        await eventually(lambda: session.pool.stats().in_use == 0)
        server.answer = answer_anything
        await s3.list_buckets()


async def test_late_while_a_body_stalls(server: CountingServer, make_session: Make, lane: str) -> None:
    always(server, Answer(200, LIST_BUCKETS, pause=LONG))
    async with make_session() as session:
        s3 = await client_on(lane, session)
        await late(session, s3.with_options(timeout=SHORT).list_buckets(), "read", 1)
        await eventually(lambda: session.pool.stats().in_use == 0)


async def test_late_in_a_later_attempt(
    server: CountingServer, make_session: Make, lane: str, no_pauses: list[float]
) -> None:
    left = [DOWN, DOWN]

    async def answer(_: Request) -> Answer:
        if left:
            return left.pop()
        await asyncio.sleep(LONG)
        return GOOD

    server.answer = answer
    async with make_session() as session:
        s3 = await client_on(lane, session)
        with pytest.raises(DeadlineExceededError, match="waiting for the answer, in attempt 3") as caught:
            await s3.with_options(timeout=SHORT * 3).list_buckets()
        assert [each.status for each in caught.value.attempts] == [500, 500, None]
        assert "3 attempts: 500 InternalError after" in caught.value.__notes__[0]
        await eventually(lambda: session.pool.stats().in_use == 0)


async def test_a_pause_that_would_go_beyond_the_deadline_is_not_begun(
    server: CountingServer, make_session: Make, lane: str
) -> None:
    always(server, Answer(503, DOWN.body, {"Retry-After": "20"}))
    async with make_session() as session:
        s3 = await client_on(lane, session)
        begun = time.monotonic()
        with pytest.raises(
            DeadlineExceededError, match=r"about to wait 2\d(\.\d+)? s before the next attempt, after"
        ) as caught:
            await s3.with_options(timeout=10).list_buckets()
        assert time.monotonic() - begun < 8
        assert caught.value.phase == "backoff"
        assert [(each.status, each.delay) for each in caught.value.attempts] == [(503, None)]
    assert len(server.requests) == 1


async def test_late_before_anything_is_sent(server: CountingServer, make_session: Make) -> None:
    async def think(**_: Any) -> None:
        await asyncio.sleep(LONG)

    async with make_session() as session:
        s3: Any = await session.client("s3")
        s3.meta.events.register("before-parameter-build", think)
        error = await late(session, s3.with_options(timeout=SHORT).list_buckets(), "prepare", 0)
        assert "before the first attempt" in str(error)
    assert not server.requests


async def test_the_deadline_of_a_streaming_answer_ends_with_its_headers(
    server: CountingServer, make_session: Make, lane: str
) -> None:
    always(server, Answer(200, b"x" * 1000, pause=0.6))
    async with make_session() as session:
        s3 = await client_on(lane, session)
        found = await s3.with_options(timeout=0.5).get_object(Bucket="b", Key="k")
        assert len(await found["Body"].read()) == 1000


async def test_a_call_within_its_deadline_leaves_no_timer(
    server: CountingServer, make_session: Make, lane: str
) -> None:
    async with make_session() as session:
        s3 = (await client_on(lane, session)).with_options(timeout=LONG)
        for _ in range(3):
            assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]
        loop: Any = asyncio.get_running_loop()
        assert not [each for each in loop._scheduled if not each.cancelled() and "Timeout" in repr(each)]


async def test_a_cancellation_at_the_moment_of_the_deadline_stays_one(
    server: CountingServer, make_session: Make, lane: str
) -> None:
    never(server)
    async with make_session() as session:
        s3 = (await client_on(lane, session)).with_options(timeout=0.02)
        loop, seen = asyncio.get_running_loop(), set[bool]()
        for round_ in range(12):
            taken: list[bool] = []
            task = asyncio.create_task(s3.list_buckets())
            loop.call_later(0.017 + round_ * 0.0006, lambda task=task, taken=taken: taken.append(task.cancel()))
            await asyncio.wait([task])
            await asyncio.sleep(0.01)
            was_cancelled = bool(taken and taken[0])
            assert task.cancelled() == was_cancelled
            if not was_cancelled:
                assert isinstance(task.exception(), DeadlineExceededError)
            seen.add(was_cancelled)
        await eventually(lambda: session.pool.stats().in_use == 0)


async def test_a_timeout_of_the_callers_around_a_call_is_the_callers(
    server: CountingServer, make_session: Make
) -> None:
    never(server)
    async with make_session() as session:
        s3 = (await session.client("s3")).with_options(timeout=LONG)
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(SHORT):
                await s3.list_buckets()
        assert type(caught.value) is TimeoutError
        await eventually(lambda: session.pool.stats().in_use == 0)


# Attempts


@pytest.mark.parametrize("wanted", [1, 2, 4, 7])
@pytest.mark.parametrize("configured", [None, 1, 3], ids=lambda value: f"configured {value}")
@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
async def test_a_call_makes_as_many_attempts_as_its_options_say(
    server: CountingServer,
    make_session: Make,
    no_pauses: list[float],
    lane: str,
    mode: str,
    configured: int | None,
    wanted: int,
) -> None:
    always(server, DOWN)
    retries: dict[str, Any] = {"mode": mode}
    if configured is not None:
        retries["total_max_attempts"] = configured
    async with make_session() as session:
        s3 = await client_on(lane, session, retries=retries)
        with pytest.raises(aiosdk.ServerError) as caught:
            await s3.with_options(attempts=wanted).list_buckets()
        assert len(caught.value.attempts) == wanted
        assert len(server.requests) == wanted
        assert f"(reached max retries: {wanted - 1})" in str(caught.value)
        server.requests.clear()
        with pytest.raises(aiosdk.ServerError):
            await s3.list_buckets()
        assert len(server.requests) == (configured or {"legacy": 5, "standard": 3, "adaptive": 3}[mode])


async def test_attempts_hold_for_failures_of_the_network_too(
    server: CountingServer, make_session: Make, no_pauses: list[float], lane: str
) -> None:
    always(server, Answer(200, b"x", length=2, cut=True))
    async with make_session() as session:
        s3 = await client_on(lane, session)
        for wanted in (1, 2, 6):
            server.requests.clear()
            with pytest.raises(Exception, match="Connection was closed") as caught:
                await s3.with_options(attempts=wanted).list_buckets()
            assert len(server.requests) == wanted == len(caught.value.attempts)  # type: ignore[attr-defined]


# Headers


async def test_extra_headers_are_sent_signed_and_with_each_attempt(
    server: CountingServer, make_session: Make, no_pauses: list[float], lane: str
) -> None:
    left = [DOWN, DOWN]

    async def answer(request: Request) -> Answer:
        return left.pop() if left else await answer_anything(request)

    server.answer = answer
    async with make_session() as session:
        s3 = await client_on(lane, session)
        view = s3.with_options(headers={"X-Tenant": " blue ", "x-amz-expected-bucket-owner": "1"})
        view = view.with_options(headers={"x-tenant": "green", "X-Amzn-Trace-Id": "Root=1"})
        await view.list_buckets()
        assert len(server.requests) == 3
        for request in server.requests:
            assert request.headers["x-tenant"] == "green"
            assert request.headers["x-amz-expected-bucket-owner"] == "1"
            signed = re.search(r"SignedHeaders=([^,]+)", request.headers["authorization"])
            assert signed is not None
            assert "x-tenant" in signed[1].split(";")
            assert "x-amz-expected-bucket-owner" in signed[1].split(";")
            assert "x-amzn-trace-id" not in signed[1].split(";")  # which botocore does not sign
        server.requests.clear()
        await s3.list_buckets()
        await view.with_options(headers=None).list_buckets()
        assert not any("x-tenant" in request.headers for request in server.requests)


@pytest.mark.parametrize("service", ["s3", "dynamodb", "iam"])
async def test_both_lanes_sign_extra_headers_alike(make_session: Make, service: str) -> None:
    calls = {"s3": ("ListBuckets", {}), "dynamodb": ("ListTables", {}), "iam": ("ListUsers", {})}
    name, parameters = calls[service]
    async with make_session() as session:
        client: Any = await session.client(service)
        view = client.with_options(headers={"X-Tenant": "blue  green", "x-amz-request-payer": "requester"})
        both = [
            await outcome(client, [(200, {}, b"{}")], lambda call=call: call(name, dict(parameters)))
            for call in (view._make_api_call, view._reference)
        ]
        assert both[0].sent[0].headers == both[1].sent[0].headers
        assert "x-tenant" in both[0].sent[0].headers["Authorization"]


# Bad values


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout": 0}, "timeout=0 is no option of a call: it takes more than 0 seconds"),
        ({"timeout": -1}, "more than 0"),
        ({"timeout": math.nan}, "more than 0"),
        ({"timeout": math.inf}, "None for no deadline"),
        ({"timeout": 10**400}, "None for no deadline"),
        ({"timeout": "2"}, "timeout='2'"),
        ({"timeout": True}, "it takes seconds"),
        ({"attempts": 0}, "attempts=0 is no option of a call: it takes a whole number of at least 1"),
        ({"attempts": 1.5}, "whole number"),
        ({"attempts": True}, "whole number"),
        ({"headers": "x"}, "dictionary"),
        ({"headers": [1]}, "dictionary"),
        ({"headers": {"a b": "x"}}, "no name of a header"),
        ({"headers": {"": "x"}}, "no name of a header"),
        ({"headers": {"x:y": "x"}}, "no name of a header"),
        ({"headers": {"x\r\ny": "x"}}, "no name of a header"),
        ({"headers": {1: "x"}}, "no name of a header"),
        ({"headers": {"x": "a\r\nHost: evil"}}, "without line breaks"),
        ({"headers": {"x": "a\nb"}}, "without line breaks"),
        ({"headers": {"x": "a\x00b"}}, "printable"),
        ({"headers": {"x": "ü"}}, "ASCII"),
        ({"headers": {"x": b"bytes"}}, "must be a text"),
        ({"headers": {"x": 1}}, "must be a text"),
        *[
            ({"headers": {name: "x"}}, "the call's own")
            for name in (
                "Authorization",
                "host",
                "X-Amz-Date",
                "x-amz-security-token",
                "X-Amz-Content-SHA256",
                "Content-Length",
                "content-type",
                "Transfer-Encoding",
                "Connection",
                "User-Agent",
                "Expect",
                "amz-sdk-request",
                "amz-sdk-invocation-id",
                "X-Amz-Target",
                "x-amz-checksum-crc32",
                "Proxy-Authorization",
                "Accept",
                "x-amzn-query-mode",
                "x-amz-glacier-version",
                "Smithy-Protocol",
            )
        ],
    ],
    ids=repr,
)
async def test_bad_options_are_refused(make_session: Make, options: dict[str, Any], says: str) -> None:
    async with make_session() as session:
        s3: Any = await session.client("s3")
        with pytest.raises(ValueError, match=re.escape(says)) as caught:
            s3.with_options(**options)
        assert isinstance(caught.value, CallOptionError)
        assert "evil" not in str(caught.value)


# Views


async def test_a_view_is_the_client_in_all_else(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3: Any = await session.client("s3")
        view = s3.with_options(timeout=5, attempts=2)
        assert type(view) is type(s3)
        assert view.meta is s3.meta
        assert view.exceptions is s3.exceptions
        assert view._lanes is s3._lanes
        assert repr(view) == repr(s3)
        assert view.can_paginate("list_objects_v2")
        assert await session.client("s3") is s3
        again = view.with_options(timeout=7)
        assert (again._options.timeout, again._options.attempts) == (7.0, 2)
        assert again.with_options(attempts=None)._options.attempts is None
        assert (view._options.timeout, s3._options) == (5.0, None)
        assert await view.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
        await view.list_buckets()
        await view.close()
        for closed in (view, s3, again):
            with pytest.raises(ClientClosedError):
                await closed.list_buckets()
        assert await session.client("s3") is not s3


async def test_a_view_takes_the_express_lane(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3: Any = await session.client("s3")
        view = s3.with_options(timeout=5, attempts=2, headers={"x-tenant": "blue"})
        assert view.plan("list_buckets").lane == s3.plan("list_buckets").lane

        async def reference(*_: Any) -> None:
            raise AssertionError("the reference lane")

        inner = view._view(view._options)
        inner._reference = reference
        await inner.with_options(timeout=None).list_buckets()
        assert len(server.requests) == 1


async def test_making_a_view_takes_microseconds(make_session: Make) -> None:
    async with make_session() as session:
        s3: Any = await session.client("s3")
        s3.with_options(timeout=1)
        best = math.inf
        for _ in range(20):
            begun = time.perf_counter()
            for _ in range(100):
                s3.with_options(timeout=1)
            best = min(best, (time.perf_counter() - begun) / 100)
        assert best < 200e-6


async def test_paginators_waiters_and_transfers_of_a_view_have_the_options(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session() as session:
        s3: Any = await session.client("s3")
        view = s3.with_options(headers={"x-tenant": "blue"}, timeout=LONG)
        async for _ in view.get_paginator("list_objects_v2").paginate(Bucket="b"):
            pass
        await view.get_waiter("bucket_exists").wait(Bucket="b")
        await view.upload_fileobj(b"data", "b", "k")
        await view.download_fileobj("b", "k", io.BytesIO())
        assert len(server.requests) >= 4
        assert all(request.headers.get("x-tenant") == "blue" for request in server.requests)
        never(server)
        late = s3.with_options(timeout=SHORT)
        with pytest.raises(DeadlineExceededError):
            async for _ in late.get_paginator("list_objects_v2").paginate(Bucket="b"):
                pass
        with pytest.raises((DeadlineExceededError, WaiterError)):
            await late.get_waiter("bucket_exists").wait(Bucket="b")
        with pytest.raises(DeadlineExceededError, match=r"s3://b/k"):
            await late.upload_fileobj(b"data", "b", "k")
        with pytest.raises(DeadlineExceededError, match=r"s3://b/k"):
            await late.download_fileobj("b", "k", io.BytesIO())


async def test_resources_of_a_view_have_the_options(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.resource("s3")
        bucket = s3.Bucket("b")
        bucket.meta.client = bucket.meta.client.with_options(headers={"x-tenant": "blue"})
        obj = bucket.Object("k")
        assert bucket == s3.Bucket("b")
        await obj.load()
        await bucket.objects.limit(5)
        await bucket.exists()
        assert [request.headers.get("x-tenant") for request in server.requests] == ["blue"] * 3
        await s3.Bucket("b").exists()
        assert "x-tenant" not in server.requests[-1].headers
        table = (await session.resource("dynamodb")).Table("t")
        table.meta.client = table.meta.client.with_options(headers={"x-tenant": "blue"})
        await table.get_item(Key={"id": "1"})
        assert server.requests[-1].headers["x-tenant"] == "blue"


# What servers ask for


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_retry_after_is_honoured(
    server: CountingServer, make_session: Make, no_pauses: list[float], lane: str, status: int
) -> None:
    told: list[dict[str, str]] = [
        {"Retry-After": "3"},
        {"Retry-After": "Sat, 21 Nov 2026 12:00:07 GMT", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"},
        {"Retry-After": "100000"},
        {},
    ]
    left = list(told)

    async def answer(request: Request) -> Answer:
        return Answer(status, DOWN.body, left.pop(0)) if left else await answer_anything(request)

    server.answer = answer
    async with make_session() as session:
        s3 = await client_on(lane, session)
        await s3.list_buckets()
    assert [least <= pause <= least + 8 for least, pause in zip([3, 7, 60, 0], no_pauses, strict=True)] == [True] * 4


# The session's budget


async def test_all_clients_of_a_session_together_stop_retrying_a_service_that_is_down(
    server: CountingServer, make_session: Make, no_pauses: list[float]
) -> None:
    always(server, DOWN)
    async with make_session(retry_budget=20) as session:
        s3: Any = await session.client("s3")
        iam: Any = await session.client("iam")
        calls = [each for _ in range(50) for each in (s3.list_buckets(), iam.list_users())]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(error, aiosdk.ServerError) for error in errors)
        assert len(server.requests) == 100 + 20
        with pytest.raises(aiosdk.ServerError) as caught:
            await s3.list_buckets()
        assert "retries are used up" in caught.value.__notes__[-1]
        assert "retry_budget" in caught.value.__notes__[-1]
        assert len(caught.value.attempts) == 1
        server.answer = answer_anything
        for _ in range(8):
            await s3.list_buckets()
        always(server, DOWN)
        server.requests.clear()
        with pytest.raises(aiosdk.ServerError) as caught:
            await s3.list_buckets()
        assert len(server.requests) == 5, "successes have given retries back"


async def test_a_budget_of_none_never_retries_and_an_endless_one_always(
    server: CountingServer, make_session: Make, no_pauses: list[float], lane: str
) -> None:
    always(server, DOWN)
    for budget, requests in ((0, 1), (math.inf, 5), (None, 5)):
        server.requests.clear()
        async with make_session(retry_budget=budget) as session:
            with pytest.raises(ClientError):
                await (await client_on(lane, session)).list_buckets()
        assert len(server.requests) == requests


async def test_what_succeeds_half_of_the_time_never_uses_the_budget_up(
    server: CountingServer, make_session: Make, no_pauses: list[float]
) -> None:
    number = 0

    async def answer(request: Request) -> Answer:
        nonlocal number
        number += 1
        return DOWN if number % 2 else await answer_anything(request)

    server.answer = answer
    async with make_session(retry_budget=5) as session:
        s3: Any = await session.client("s3")
        for _ in range(100):
            await s3.list_buckets()
        assert session.pool.budget.left >= 4


@pytest.mark.parametrize("value", [-1, math.nan, "5", True])
def test_bad_budgets_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"retry_budget=.*math\.inf for no limit"):
        aiosdk.Session(retry_budget=value)


def test_a_session_pickles_with_its_budget() -> None:
    twin = pickle.loads(pickle.dumps(aiosdk.Session(retry_budget=7)))
    assert twin.pool.budget.limit == 7
