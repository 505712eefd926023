"""Streaming bodies: read in every way, cut off, dropped, closed; the connection comes back each time."""

from __future__ import annotations

import asyncio
import base64
import binascii
import gc
import pickle
import struct
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from botocore.eventstream import NoInitialResponseError
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    EventStreamError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

import aiosdk
from aiosdk.exceptions import SessionClosedError
from tests.support.server import LIST_BUCKETS, Answer, CountingServer, Request
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Make = Callable[..., aiosdk.Session]

LINES = b"".join(b"line %d\n" % number for number in range(5000))
ONCE = {"total_max_attempts": 1}


@pytest.fixture(autouse=True)
async def nothing_is_reported_to_the_loop() -> AsyncIterator[None]:
    """Run in asyncio's debug mode, and fail when something was reported to the loop or was left to the collector."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 10
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    yield
    gc.collect()
    await asyncio.sleep(0)
    assert reported == []


def send(server: CountingServer, **answer: Any) -> None:
    async def answer_so(_: Request) -> Answer:
        return Answer(**answer)

    server.answer = answer_so


async def get(session: aiosdk.Session, **config: Any) -> Any:
    s3 = await session.client("s3", config=AioConfig(**config))
    return (await s3.get_object(Bucket="b", Key="k"))["Body"]


# Reading


async def test_read_gives_everything_and_the_connection_back(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES)
    async with make_session() as session:
        body = await get(session)
        assert await body.read() == LINES
        assert session.pool.stats().idle == 1
        assert await body.read() == b""
        assert await (await get(session)).read() == LINES
    assert server.accepted == 1


async def test_read_of_some_bytes_gives_at_most_so_many(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES)
    async with make_session() as session:
        body = await get(session)
        parts = []
        while part := await body.read(1000):
            assert len(part) <= 1000
            parts.append(part)
        assert b"".join(parts) == LINES
        assert session.pool.stats().idle == 1


async def test_iter_chunks(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES)
    async with make_session() as session:
        body = await get(session)
        chunks = [chunk async for chunk in body.iter_chunks(4096)]
        assert max(map(len, chunks)) <= 4096
        assert b"".join(chunks) == LINES
        assert session.pool.stats().idle == 1


async def test_iterating_the_body_itself(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES)
    async with make_session() as session:
        body = await get(session)
        assert b"".join([chunk async for chunk in body]) == LINES


async def test_iter_lines(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES)
    async with make_session() as session:
        body = await get(session)
        assert [line async for line in body.iter_lines(100)] == LINES.splitlines()
        assert session.pool.stats().idle == 1


@pytest.mark.timeout(20)  # it took minutes
@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_a_long_line_on_both_lanes(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch, lane: str, checksum: bool
) -> None:
    monkeypatch.setenv("AIOSDK_LANE", lane)
    data = b"-" * (16 << 20)
    crc = base64.b64encode(struct.pack(">I", binascii.crc32(data))).decode()
    send(server, body=data, headers={"x-amz-checksum-crc32": crc} if checksum else {})
    async with make_session() as session:
        lines = [line async for line in (await get(session)).iter_lines()]
    assert [len(line) for line in lines] == [len(data)]


async def test_readinto(server: CountingServer, make_session: Make) -> None:
    send(server, body=b"0123456789")
    async with make_session() as session:
        body = await get(session)
        buffer, read = bytearray(4), b""
        while size := await body.readinto(buffer):
            read += buffer[:size]
        assert read == b"0123456789"


async def test_an_empty_body(server: CountingServer, make_session: Make) -> None:
    send(server, body=b"")
    async with make_session() as session:
        body = await get(session)
        assert await body.read() == b""
        assert session.pool.stats().idle == 1


async def test_a_body_without_a_length_in_chunks(server: CountingServer, make_session: Make) -> None:
    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async with await asyncio.start_server(listening, "127.0.0.1", 0) as chunking:
        url = f"http://127.0.0.1:{chunking.sockets[0].getsockname()[1]}"
        async with make_session(endpoint_url=url) as session:
            assert await (await get(session)).read() == b"abcde"
            assert await (await get(session)).read() == b"abcde"
            assert session.pool.stats().connections_opened == 1


async def test_async_with_closes_what_was_not_read(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES * 100)
    async with make_session() as session:
        async with await get(session) as body:
            await body.read(10)
            assert session.pool.stats().in_use == 1
        await eventually(lambda: session.pool.stats().open == 0)
    await eventually(lambda: server.open == 0)


async def test_async_with_keeps_the_connection_of_what_was_read(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES)
    async with make_session() as session:
        for _ in range(3):
            async with await get(session) as body:
                assert await body.read() == LINES
        assert session.pool.stats().idle == 1
    assert server.accepted == 1


async def test_close_without_reading_frees_the_connection(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES * 100)
    async with make_session(max_connections=1) as session:
        for _ in range(3):
            body = await get(session)
            body.close()
            body.close()
        await eventually(lambda: session.pool.stats().open == 0)


async def test_a_body_is_as_it_was_sent_even_when_it_is_said_to_be_compressed(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=b"not really gzip", headers={"Content-Encoding": "gzip"})
    async with make_session() as session:
        assert await (await get(session)).read() == b"not really gzip"


# Dropping


async def test_an_unread_body_that_is_dropped_gives_its_slot_back_silently(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=LINES * 100)
    async with make_session(max_connections=2) as session:
        for _ in range(10):
            await get(session)
            gc.collect()
        await eventually(lambda: session.pool.stats().open == 0)
    await eventually(lambda: server.open == 0)


async def test_a_half_read_body_that_is_dropped_gives_its_slot_back_silently(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=LINES * 100)
    async with make_session(max_connections=2) as session:
        for _ in range(10):
            await (await get(session)).read(100)
            gc.collect()
        await eventually(lambda: session.pool.stats().open == 0)
    await eventually(lambda: server.open == 0)


async def test_a_loop_over_chunks_that_is_broken_off_gives_its_slot_back_silently(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=LINES * 100)
    async with make_session(max_connections=1) as session:
        for _ in range(5):
            async for line in (await get(session)).iter_lines():
                assert line == b"line 0"
                break
            gc.collect()
        await eventually(lambda: session.pool.stats().open == 0)


async def test_a_small_body_that_is_dropped_unread_costs_nothing(server: CountingServer, make_session: Make) -> None:
    async with make_session(max_connections=1) as session:
        for _ in range(10):
            await get(session)
            gc.collect()
        # On a slow machine the last body may still be on its way when it is dropped: its connection closes then.
        await eventually(lambda: session.pool.stats().in_use == 0)
        assert session.pool.stats().waiting == 0


async def test_a_task_cancelled_while_it_reads_gives_its_slot_back(server: CountingServer, make_session: Make) -> None:
    send(server, body=LINES, length=len(LINES) + 1, pause=30)
    async with make_session(max_connections=1) as session:
        body = await get(session)
        reading = asyncio.create_task(body.read())
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await eventually(lambda: session.pool.stats().open == 0)


# Closing the session


async def test_closing_the_session_frees_a_half_read_body_which_then_says_so(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=LINES * 1000)
    async with make_session() as session:
        body = await get(session)
        assert await body.read(10) == LINES[:10]
    await eventually(lambda: server.open == 0)
    with pytest.raises(SessionClosedError, match="read the rest of an answer"):
        await body.read()


async def test_a_body_that_was_read_before_the_session_closed_stays_read(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session() as session:
        body = await get(session)
        await body.read()
    assert await body.read() == b""


# Cut off


async def test_truncated_bodies_raise_and_never_keep_a_slot(server: CountingServer, make_session: Make) -> None:
    send(server, body=b"x" * 1000, length=2000, cut=True)
    async with make_session(max_connections=4) as session:
        for _ in range(50):
            body = await asyncio.wait_for(get(session), 10)
            with pytest.raises((ResponseStreamingError, IncompleteReadError)) as caught:
                await body.read()
            assert isinstance(caught.value, BotoCoreError)
        await eventually(lambda: session.pool.stats().open == 0)
    assert len(server.requests) == 50
    assert server.peak <= 4


async def test_truncated_bodies_read_in_parts_raise_and_never_keep_a_slot(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=b"x" * 1000, length=2000, cut=True)
    async with make_session(max_connections=4) as session:
        for _ in range(50):
            body = await asyncio.wait_for(get(session), 10)
            with pytest.raises((ResponseStreamingError, IncompleteReadError)):
                [chunk async for chunk in body.iter_chunks(100)]
        await eventually(lambda: session.pool.stats().open == 0)


async def test_the_error_of_a_truncated_body_says_what_happened(server: CountingServer, make_session: Make) -> None:
    send(server, body=b"x" * 1000, length=2000, cut=True)
    async with make_session() as session:
        body = await get(session)
        with pytest.raises((ResponseStreamingError, IncompleteReadError), match=r"not completed|Not enough data|1000"):
            await body.read()


async def test_truncated_answers_that_are_no_streams_are_retried(server: CountingServer, make_session: Make) -> None:
    async def cut_twice(_: Request) -> Answer:
        cut = len(server.requests) <= 2
        return Answer(body=LIST_BUCKETS[:50] if cut else LIST_BUCKETS, length=len(LIST_BUCKETS), cut=cut)

    server.answer = cut_twice
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3", config=AioConfig(retries={"total_max_attempts": 3, "mode": "standard"}))
        answer = await s3.list_buckets()
        assert answer["Buckets"] == [{"Name": "b"}]
        assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert len(server.requests) == 3


async def test_a_truncated_answer_that_stays_so_is_a_closed_connection(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=LIST_BUCKETS[:50], length=len(LIST_BUCKETS), cut=True)
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3", config=AioConfig(retries=ONCE))
        for _ in range(5):
            with pytest.raises(ConnectionClosedError):
                await s3.list_buckets()
        await eventually(lambda: session.pool.stats().open == 0)


async def test_a_server_that_hangs_up_without_an_answer_is_a_closed_connection(
    server: CountingServer, make_session: Make
) -> None:
    async def hang_up(_: Request) -> Answer:
        raise ConnectionResetError

    server.answer = hang_up
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3", config=AioConfig(retries=ONCE))
        with pytest.raises(ConnectionClosedError):
            await s3.list_buckets()
        await eventually(lambda: session.pool.stats().open == 0)


@pytest.mark.parametrize(
    ("connection", "operation", "params", "sent"),
    [
        ("new", "delete_object", {}, 1),
        ("new", "create_multipart_upload", {}, 1),
        ("kept", "create_multipart_upload", {}, 1),
        ("kept", "put_object", {"IfNoneMatch": "*"}, 1),
        # As RFC 9110, 9.2.2 has it, and aiohttp for aiobotocore: the server may only have grown tired of waiting.
        ("kept", "delete_object", {}, 2),
    ],
)
async def test_one_attempt_is_one_request_unless_a_kept_connection_ends_under_one_that_may_be_repeated(
    server: CountingServer, make_session: Make, connection: str, operation: str, params: dict[str, str], sent: int
) -> None:
    async with make_session() as session:
        s3 = await session.client("s3", config=AioConfig(retries=ONCE))
        if connection == "kept":
            await s3.list_buckets()

        async def hang_up(_: Request) -> Answer:
            raise ConnectionResetError

        server.answer = hang_up
        server.requests.clear()
        with pytest.raises(ConnectionClosedError) as failed:
            await getattr(s3, operation)(Bucket="b", Key="k", **params)
        assert len(failed.value.attempts) == 1  # type: ignore[attr-defined]
    assert len(server.requests) == sent


# Event streams


def event(payload: bytes, **headers: str) -> bytes:
    """One message of an event stream: lengths, checksums, headers, payload."""
    encoded = b""
    for name, value in headers.items():
        name = f":{name.replace('_', '-')}"
        encoded += struct.pack("!B", len(name)) + name.encode()
        encoded += struct.pack("!BH", 7, len(value)) + value.encode()
    prelude = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + encoded + payload
    return message + struct.pack("!I", binascii.crc32(message))


RECORDS = [
    event(b"a,1\n", message_type="event", event_type="Records", content_type="application/octet-stream"),
    event(b"b,2\n", message_type="event", event_type="Records", content_type="application/octet-stream"),
    event(b"", message_type="event", event_type="End"),
]


async def select(session: aiosdk.Session) -> Any:
    s3 = await session.client("s3")
    answer = await s3.select_object_content(
        Bucket="b",
        Key="k",
        Expression="select * from s3object",
        ExpressionType="SQL",
        InputSerialization={"CSV": {}},
        OutputSerialization={"CSV": {}},
    )
    return answer["Payload"]


async def test_an_event_stream_gives_its_events_and_the_connection_back(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=b"".join(RECORDS))
    async with make_session() as session:
        for _ in range(3):
            events = [event async for event in await select(session)]
            assert events == [{"Records": {"Payload": b"a,1\n"}}, {"Records": {"Payload": b"b,2\n"}}, {"End": {}}]
            assert session.pool.stats().idle == 1
    assert server.accepted == 1


async def test_events_are_given_as_they_arrive(server: CountingServer, make_session: Make) -> None:
    send(server, body=RECORDS[0] * 2, pause=30)
    async with make_session() as session:
        stream = await select(session)
        async for each in stream:
            assert each == {"Records": {"Payload": b"a,1\n"}}
            break
        stream.close()
        await eventually(lambda: session.pool.stats().open == 0)


@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_event_streams_that_are_left_early_give_their_connections_back_without_a_collection(
    lane: str, server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIOSDK_LANE", lane)
    send(server, body=RECORDS[0] * 2, pause=30)
    gc.disable()
    try:
        async with make_session(max_connections=3) as session:
            for _ in range(7):
                async for each in await asyncio.wait_for(select(session), 10):
                    assert each == {"Records": {"Payload": b"a,1\n"}}
                    break
            for leave in (anext, iterated_anew, initial):
                await asyncio.wait_for(leave(await select(session)), 10)
            await eventually(lambda: session.pool.stats().open == 0)
    finally:
        gc.enable()


async def iterated_anew(stream: Any) -> None:
    for _ in range(1):
        async for _ in stream:
            break


async def initial(stream: Any) -> None:
    with pytest.raises(NoInitialResponseError):
        await stream.get_initial_response()


async def test_an_event_stream_is_closed_by_async_with(server: CountingServer, make_session: Make) -> None:
    send(server, body=RECORDS[0] * 2, pause=30)
    async with make_session() as session:
        async with await select(session) as stream:
            assert await anext(stream) == {"Records": {"Payload": b"a,1\n"}}
        await eventually(lambda: session.pool.stats().open == 0)
        with pytest.raises(ResponseStreamingError):
            await anext(stream)


async def test_an_event_stream_that_falls_silent_times_out_as_the_table_of_failures_says(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=RECORDS[0] * 2, pause=30)
    async with make_session(config=AioConfig(read_timeout=0.2)) as session:
        stream = await select(session)
        await anext(stream)
        with pytest.raises(ReadTimeoutError, match="Read timeout on endpoint URL") as raised:
            await anext(stream)
        assert isinstance(raised.value, TimeoutError)
        await eventually(lambda: session.pool.stats().open == 0)


async def test_an_event_stream_whose_frames_make_no_sense_frees_its_connection(
    server: CountingServer, make_session: Make
) -> None:
    send(server, body=RECORDS[0] + b"x" * 1000, pause=0, length=100_000)
    async with make_session() as session:
        stream = await select(session)
        with pytest.raises(ResponseParserError, match="broken"):
            [event async for event in stream]
        await eventually(lambda: session.pool.stats().open == 0)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InternalError", aiosdk.ServerError),
        ("throttlingException", aiosdk.ThrottledError),
        ("resourceNotFoundException", aiosdk.NotFoundError),
    ],
)
async def test_an_error_in_an_event_stream_is_raised(
    code: str, kind: type[Exception], server: CountingServer, make_session: Make
) -> None:
    error = event(b"", message_type="error", error_code=code, error_message="went wrong")
    send(server, body=RECORDS[0] + error)
    async with make_session() as session:
        stream = await select(session)
        with pytest.raises(EventStreamError, match=code) as raised:
            [event async for event in stream]
        assert isinstance(raised.value, kind)
        assert type(pickle.loads(pickle.dumps(raised.value))) is type(raised.value)
        stream.close()
        await eventually(lambda: session.pool.stats().in_use == 0)


async def test_an_event_stream_that_is_cut_off_raises_and_frees_its_slot(
    server: CountingServer, make_session: Make
) -> None:
    whole = b"".join(RECORDS)
    send(server, body=whole[:-5], length=len(whole), cut=True)
    async with make_session(max_connections=1) as session:
        for _ in range(5):
            with pytest.raises(ResponseStreamingError):
                [event async for event in await select(session)]
        await eventually(lambda: session.pool.stats().open == 0)


async def test_kinesis_subscribe_to_shard_gives_its_first_answer_and_its_events(
    server: CountingServer, make_session: Make
) -> None:
    json = {"message_type": "event", "content_type": "application/json"}
    record = b'{"Records": [], "ContinuationSequenceNumber": "7", "MillisBehindLatest": 0}'
    send(
        server,
        body=event(b"{}", event_type="initial-response", **json)
        + event(record, event_type="SubscribeToShardEvent", **json),
        headers={"Content-Type": "application/vnd.amazon.eventstream"},
    )
    async with make_session() as session:
        kinesis = await session.client("kinesis")
        answer = await kinesis.subscribe_to_shard(
            ConsumerARN="arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1",
            ShardId="shardId-0",
            StartingPosition={"Type": "LATEST"},
        )
        events = [event async for event in answer["EventStream"]]
        assert [each["SubscribeToShardEvent"]["ContinuationSequenceNumber"] for each in events] == ["7"]
        assert session.pool.stats().idle == 1


@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_the_length_of_an_object_that_is_only_asked_for_by_head_has_no_limit(
    lane: str, server: CountingServer, make_session: Make
) -> None:
    size = 5 * 1024**4
    send(server, body=b"", length=size)
    async with make_session() as session:
        s3 = await session.client("s3")
        if lane == "reference":
            s3.meta.events.register("before-call.s3", lambda **_: None)
        for _ in range(3):  # the first over a new connection, the others over one that is used again
            assert (await s3.head_object(Bucket="b", Key="k"))["ContentLength"] == size
        send(server, body=b"", length=size, status=404)
        for _ in range(2):
            with pytest.raises(aiosdk.NotFoundError):
                await s3.head_object(Bucket="b", Key="k")
        assert session.pool.stats().in_use == 0
