"""Answers without an end are broken off, and not tried again: heads, bodies, errors of streams, framing of chunks."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

from aiosdk._transport.bounds import MAX_FRAMING
from aiosdk.exceptions import AnswerRefusedError, PoolLimitError
from tests.support.hostile import OPERATIONS, RawServer, Script, http, raw_server, session
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MANY = AioConfig(retries={"mode": "standard", "total_max_attempts": 3})
SIZE = 4 * 1024**2

HEADS: dict[str, tuple[bytes, bytes]] = {
    "a header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    "the name of a header": (b"HTTP/1.1 200 OK\r\n", b"x" * 65536),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "long headers": (b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 60_000 + b"\r\n"),
    "the reason": (b"HTTP/1.1 200 ", b"x" * 65536),
    "preliminary answers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 500),
    "leave to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
}
FRAMING: dict[str, tuple[bytes, bytes]] = {
    "the extension of a chunk": (CHUNKED + b"5;", b"x" * 65536),
    "extensions of chunks": (CHUNKED, b"1;" + b"x" * 4000 + b"\r\nx\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "a trailer": (CHUNKED + b"0\r\nX: ", b"y" * 65536),
    "zeros before the size of a chunk": (CHUNKED, b"0" * 65536),
}
BODIES: dict[str, tuple[bytes, bytes]] = {
    "chunks": (CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "chunks of a byte": (CHUNKED, b"1\r\nx\r\n" * 2000),
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    "a body of a length that is told": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\n", b"x" * 65536),
}


def _look(**_: Any) -> None:
    """A hook; calls that have one go down the reference lane."""


async def _refused(raw: RawServer, script: Script, name: str = "json", operation: Any = None, size: int = SIZE) -> None:
    service, method, params, good = OPERATIONS[name] if operation is None else operation
    for hook in (False, True):
        async with session(raw.url, config=MANY, max_response_size=size) as ours:
            client = await ours.client(service)
            if hook:
                client.meta.events.register("before-call", _look)
            for warm in (False, True):
                if warm:
                    raw.script = http(good)
                    await getattr(client, method)(**params)
                raw.script, raw.heads, raw.written = script, [], 0
                with pytest.raises(AnswerRefusedError) as refused:
                    await getattr(client, method)(**params)
                assert len(raw.heads) == 1  # it is not asked a second time
                assert len(str(refused.value)) < 500
                assert raw.written < 16 * SIZE  # which sockets hold, and the loop of the server, too
                await eventually(lambda: ours.pool.stats().open == 0)


@pytest.mark.parametrize("what", HEADS)
async def test_a_head_without_an_end_is_refused(what: str) -> None:
    async with raw_server() as raw:
        await _refused(raw, raw.flood(*HEADS[what]))


@pytest.mark.parametrize("what", FRAMING)
async def test_framing_without_an_end_is_refused(what: str) -> None:
    async with raw_server() as raw:
        for name in ("json", "rest-xml"):
            await _refused(raw, raw.flood(*FRAMING[what]), name)


@pytest.mark.parametrize("what", BODIES)
async def test_a_body_without_an_end_is_refused(what: str) -> None:
    async with raw_server() as raw:
        for name in ("json", "rest-xml", "query"):
            await _refused(raw, raw.flood(*BODIES[what]), name, size=SIZE if what != "chunks of a byte" else 100_000)


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("status", [b"403", b"500"])
async def test_an_error_without_an_end_is_refused_also_where_a_stream_was_asked_for(what: str, status: bytes) -> None:
    head, piece = BODIES[what]
    get = ("s3", "get_object", {"Bucket": "b", "Key": "k"}, b"good")
    async with raw_server() as raw:
        if what != "chunks of a byte":  # 16 MiB of them take long
            await _refused(raw, raw.flood(head.replace(b"200", status), piece), operation=get)
        await _refused(raw, raw.flood(head.replace(b"200", status), piece), size=100_000)


async def test_a_stream_may_be_of_any_length_but_not_its_framing() -> None:
    async with raw_server() as raw, session(raw.url, max_response_size=1000) as ours:
        client = await ours.client("s3")
        raw.script = http(b"x" * 1_000_000)
        for _ in range(2):
            assert len(await (await client.get_object(Bucket="b", Key="k"))["Body"].read()) == 1_000_000
        raw.script = raw.flood(*FRAMING["extensions of chunks"])
        for _ in range(2):
            body = (await client.get_object(Bucket="b", Key="k"))["Body"]
            with pytest.raises(AnswerRefusedError, match="chunk sizes"):
                await body.read()
        await eventually(lambda: ours.pool.stats().open == 0)


async def test_the_greatest_size_of_an_answer_is_for_the_user_to_say() -> None:
    body = b'{"TableNames":["%s"]}' % (b"x" * 1000)
    async with raw_server(http(body)) as raw:
        async with session(raw.url, max_response_size=len(body)) as ours:
            assert len((await (await ours.client("dynamodb")).list_tables())["TableNames"][0]) == 1000
        async with session(raw.url, max_response_size=len(body) - 1) as ours:
            with pytest.raises(AnswerRefusedError, match="max_response_size"):
                await (await ours.client("dynamodb")).list_tables()
    for wrong in (0, -1, 1.5, True, "1"):
        with pytest.raises(PoolLimitError, match="max_response_size"):
            session(None, max_response_size=wrong)


async def test_chunks_of_one_byte_are_read() -> None:
    body = b'{"TableNames":["%s"]}' % (b"x" * 200_000)
    chunks = CHUNKED + b"".join(b"1\r\n%c\r\n" % each for each in body) + b"0\r\n\r\n"
    assert len(chunks) > MAX_FRAMING
    async with raw_server(chunks) as raw, session(raw.url) as ours:
        for _ in range(2):
            assert len((await (await ours.client("dynamodb")).list_tables())["TableNames"][0]) == 200_000


async def test_headers_of_lex_are_longer_than_aiohttp_takes_by_itself() -> None:
    async with raw_server(http(b"", **{"x-amz-meta-a": "y" * 60_000})) as raw, session(raw.url) as ours:
        client = await ours.client("s3")
        for _ in range(2):
            assert len((await client.head_object(Bucket="b", Key="k"))["Metadata"]["a"]) == 60_000


async def test_what_comes_over_an_idle_connection_is_not_kept() -> None:
    async def go_on(writer: asyncio.StreamWriter) -> None:
        writer.write(http(b"{}"))
        while True:
            writer.write(http(b"{}") * 1000)
            raw.written += 1000
            await writer.drain()

    async with raw_server(go_on) as raw, session(raw.url) as ours:
        client = await ours.client("dynamodb")
        try:
            await client.list_tables()
        except BotoCoreError:  # the second answer may come with the first
            pass
        await eventually(lambda: ours.pool.stats().open == 0)


@pytest.mark.parametrize(
    "lie",
    [b"-1", b"1_0", b"0x10", b"99999999999999999999", b"1\r\nContent-Length: 2", b"5\r\nTransfer-Encoding: chunked"],
)
async def test_lengths_that_are_none_end_in_an_error(lie: bytes) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: " + lie + b"\r\n\r\n{}") as raw:
        async with session(raw.url, config=AioConfig(read_timeout=1)) as ours:
            for _ in range(2):
                with pytest.raises(BotoCoreError):
                    await (await ours.client("dynamodb")).list_tables()


def _frame(total: int, headers: int, rest: bytes = b"", *, good: bool = True) -> bytes:
    prelude = struct.pack(">II", total, headers)
    frame = prelude + struct.pack(">I", zlib.crc32(prelude) if good else 1) + rest
    return frame + struct.pack(">I", zlib.crc32(frame))


EVENTS: dict[str, bytes] = {
    "payload of 4 GiB": _frame(2**32 - 1, 0),
    "headers of 4 GiB": _frame(100, 2**32 - 1),
    "headers longer than the frame": _frame(16, 1000),
    "a wrong checksum": _frame(16, 0, good=False),
    "a length of nothing": _frame(0, 0),
    "a header of a type that is not": _frame(16 + 3, 3, b"\x01a\x63"),
    "a header that ends before its name": _frame(16 + 2, 2, b"\xff\x61"),
    "a header that is no UTF-8": _frame(16 + 6, 6, b"\x01\xff\x07\x00\x01\xff"),
    "garbage": b"garbage" * 100,
}


@pytest.mark.parametrize("what", EVENTS)
async def test_events_that_lie_about_their_lengths_are_refused(what: str) -> None:
    async with raw_server(http(EVENTS[what])) as raw, session(raw.url) as ours:
        client = await ours.client("s3")
        answer = await client.select_object_content(
            Bucket="b", Key="k", Expression="e", ExpressionType="SQL", InputSerialization={}, OutputSerialization={}
        )
        with pytest.raises((BotoCoreError, ResponseParserError)):
            async for _ in answer["Payload"]:
                pass
        answer["Payload"].close()
