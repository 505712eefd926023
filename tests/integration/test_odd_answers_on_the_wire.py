"""Answers that are complete and odd: what boto3 makes of the same bytes, once, and nothing of them left for the next.

Each case is asked of boto3 and of ours, over a new connection and over one that has been used (which go different
ways), and down either lane.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import boto3
import hypothesis.strategies as st
import pytest
from aiobotocore.config import AioConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings

import aiosdk
from aiosdk.exceptions import NotFoundError
from tests.support.scripted import CLOSE, RESET, Script, ScriptedServer

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
OPTIONS: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, "read_timeout": 5}


def answer(status: str, *headers: bytes, body: bytes = b"", length: bool = True) -> bytes:
    lines = [b"HTTP/1.1 " + status.encode(), *headers]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(status: str, body: bytes) -> bytes:
    return answer(status, b"Transfer-Encoding: chunked", length=False) + body


HELLO = answer("200 OK", body=b"hello")
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
NOT_THERE = chunked("404 Not Found", b"")
PLAIN_404 = answer("404 Not Found")
SURPLUS: dict[str, tuple[str, Script]] = {
    "an empty chunk after a HEAD": ("head", [NOT_THERE + b"0\r\n\r\n"]),
    "an empty chunk a moment after a HEAD": ("head", [NOT_THERE, 0.03, b"0\r\n\r\n"]),
    "an empty chunk, all in pieces": ("head", [NOT_THERE[:20], 0.02, NOT_THERE[20:] + b"0\r\n", 0.02, b"\r\n"]),
    "an empty chunk after a HEAD with a length": ("head", [PLAIN_404 + b"0\r\n\r\n"]),
    "a body after a HEAD": ("head", [answer("404 Not Found", body=b"<Error/>")]),
    "a body after a HEAD that is good": ("head", [HELLO]),
    "the begin of an answer": ("head", [answer("200 OK") + b"HTTP/1.1 500 No\r\nCont", 0.03, b"ent-Length: 0\r\n\r\n"]),
    "rubbish": ("get", [HELLO + b"rubbish"]),
    "rubbish a moment later": ("get", [HELLO, 0.03, b"rubbish"]),
    "rubbish behind the rest of a body": ("get", [HELLO[:-2], 0.03, HELLO[-2:] + b"rubbish"]),
    "rubbish behind a large body": ("get", [answer("200 OK", body=b"x" * 300_000) + b"rubbish"]),
    "rubbish behind chunks": ("get", [chunked("200 OK", CHUNKS + b"rubbish")]),
    "rubbish behind a goodbye": ("get", [answer("200 OK", b"Connection: close", body=b"hello") + b"rubbish", CLOSE]),
    "rubbish behind HTTP/1.0": ("get", [HELLO.replace(b"1.1", b"1.0") + b"rubbish"]),
    "rubbish behind lines without a return": ("head", [PLAIN_404.replace(b"\r\n", b"\n") + b"0\r\n\r\n"]),
    "rubbish after 100": ("get", [b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO + b"rubbish"]),
    "rubbish after 100 and a split head": (
        "head",
        [b"HTTP/1.1 100 C\r\n\r\n" + PLAIN_404[:20], 0.03, PLAIN_404[20:] + b"0\r\n\r\n"],
    ),
    "an answer that nobody asked for": ("get", [HELLO + answer("200 OK", body=b"wrong")]),
    "the begin of one that nobody asked for": ("get", [HELLO + HELLO[:20], 0.03, HELLO[20:]]),
    "an empty line": ("get", [HELLO + b"\r\n"]),
    "a chunk after 204": ("delete", [b"HTTP/1.1 204 No Content\r\n\r\n0\r\n\r\n"]),
    "a body after 204": ("delete", [answer("204 No Content", body=b"hello")]),
    "a chunk after 204 that has chunks": ("delete", [chunked("204 No Content", b"0\r\n\r\n")]),
    "a body after 304": ("get", [answer("304 Not Modified", body=b"hello")]),
    "a chunk after 304": ("head", [chunked("304 Not Modified", b"0\r\n\r\n")]),
    "a chunk after a PUT": ("put", [answer("200 OK") + b"0\r\n\r\n"]),
}
ODD: dict[str, tuple[str, Script]] = {
    "reset behind the last byte": ("get", [HELLO, RESET]),
    "reset a moment later": ("get", [HELLO, 0.03, RESET]),
    "a goodbye that stays": ("get", [answer("200 OK", b"Connection: close", body=b"hello")]),
    "until the end": ("get", [answer("200 OK", length=False) + b"hello", CLOSE]),
    "trailers": ("get", [chunked("200 OK", b"5\r\nhello\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n")]),
    "extensions of chunks": ("get", [chunked("200 OK", b"5;a=b\r\nhello\r\n0;x\r\n\r\n")]),
    "sizes with zeros": ("get", [chunked("200 OK", b"0005\r\nhello\r\n000\r\n\r\n")]),
    "sizes with spaces": ("get", [chunked("200 OK", b"5 \r\nhello\r\n0\r\n\r\n")]),
    "chunks in capitals": ("get", [answer("200 OK", b"TRANSFER-ENCODING: Chunked", length=False) + CHUNKS]),
    "lines without a return": ("get", [HELLO.replace(b"\r\n", b"\n")]),
    "no reason": ("get", [answer("200", body=b"hello")]),
    "a reason in Latin-1": ("get", [HELLO.replace(b"OK", b"\xfcber")]),
    "an unknown status": ("get", [answer("299 Odd", body=b"hello")]),
    "100 first": ("get", [b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO]),
    "another protocol on offer": ("get", [answer("200 OK", b"Upgrade: h2", b"Connection: Upgrade", body=b"hello")]),
    "304 with a length": ("get", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"]),
    "cut short": ("get", [HELLO[:-2], CLOSE]),
    "a body until the end that is reset": ("get", [answer("200 OK", length=False) + b"hello", 0.05, RESET]),
    "a bad chunk a moment later": ("get", [chunked("200 OK", CHUNKS[:10]), 0.05, b"zz\r\n"]),
    "UTF-8": ("head", [answer("200 OK", "x-amz-meta-a: ü€".encode())]),
    "Latin-1": ("head", [answer("200 OK", b"x-amz-meta-a: \xfc\x85\xa0")]),
    "an empty value": ("head", [answer("200 OK", b"x-amz-meta-a:")]),
    "names with capitals": ("head", [answer("200 OK", b"X-Amz-Meta-CamelCase: V", b"x-amz-meta-l: v")]),
    "names with capitals and a body": ("get", [answer("200 OK", b"X-Amz-Meta-CamelCase: V", body=b"hello")]),
    "one name three times": ("head", [answer("200 OK", b"X-Amz-Meta-A: 1", b"x-amz-meta-a: 2", b"X-AMZ-META-A: 1")]),
    "an ETag twice": ("head", [answer("200 OK", b"ETag: a", b"etag: b")]),
    "cookies": ("head", [answer("200 OK", b"Set-Cookie: a=b; c", b"set-cookie: d=e")]),
    "a type twice": ("get", [answer("200 OK", b"Content-Type: a/b", b"Content-Type: c/d", body=b"hello")]),
}
CASES = {**SURPLUS, **ODD}


def key(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


@pytest.fixture(scope="module")
def odd_server() -> Iterator[ScriptedServer]:
    with ScriptedServer({key(name): script for name, (_, script) in CASES.items()}) as server:
        yield server


@pytest.fixture(scope="module")
def theirs(odd_server: ScriptedServer) -> Any:
    return boto3.client("s3", endpoint_url=odd_server.url, config=Config(**OPTIONS), **KEYS)  # type: ignore[call-overload]


def _told(response: dict[str, Any], body: bytes | None) -> Any:
    metadata = response["ResponseMetadata"]
    return metadata["HTTPStatusCode"], metadata["HTTPHeaders"], response.get("Metadata"), response.get("ETag"), body


def _failed(error: Exception) -> Any:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"], *_told(error.response, None)
    return type(error).__name__


def ask_boto3(client: Any, operation: str, name: str) -> Any:
    more = {"Body": b"abc"} if operation == "put" else {}
    try:
        response = getattr(client, f"{operation}_object")(Bucket="b", Key=name, **more)
        return _told(response, response["Body"].read() if operation == "get" else None)
    except Exception as error:
        return _failed(error)


async def ask(client: Any, operation: str, name: str) -> Any:
    more = {"Body": b"abc"} if operation == "put" else {}
    try:
        response = await getattr(client, f"{operation}_object")(Bucket="b", Key=name, **more)
        return _told(response, await response["Body"].read() if operation == "get" else None)
    except Exception as error:
        return _failed(error)


async def each_way(server: ScriptedServer, operation: str, name: str, **more: Any) -> list[Any]:
    """Ask over a new and over a used connection, down either lane; gives what came of it, which is asked for once."""
    outcomes: list[Any] = []
    for is_used, lane in ((False, "express"), (True, "express"), (True, "reference")):
        config = AioConfig(**OPTIONS)
        async with (
            aiosdk.Session(**KEYS, endpoint_url=server.url, config=config) as session,
            session.client("s3", **more) as client,
        ):
            if lane == "reference":
                client.meta.events.register("before-send.s3", lambda **_: None)
            if is_used:
                assert (await ask(client, "get", "warm"))[-1] == b"good"
            server.requests.clear()
            outcomes.append(await ask(client, operation, name))
            assert (await ask(client, "get", "next"))[-1] == b"good"
            assert (await ask(client, "head", "next"))[2] == {"good": "yes"}
            assert server.requests[name] == 1
    return outcomes


@pytest.mark.parametrize("name", CASES)
async def test_an_odd_answer_is_what_boto3_makes_of_it(odd_server: ScriptedServer, theirs: Any, name: str) -> None:
    operation, _ = CASES[name]
    expected = await asyncio.to_thread(ask_boto3, theirs, operation, key(name))
    if name == "reset behind the last byte":  # which may overtake the answer
        expected = (200, {"content-length": "5"}, {}, None, b"hello") if isinstance(expected, str) else expected
    for outcome in await each_way(odd_server, operation, key(name)):
        assert outcome == expected


async def test_what_is_not_there_on_swift_is_not_found_after_one_request(odd_server: ScriptedServer) -> None:
    name = key("an empty chunk after a HEAD")
    odd_server.requests.clear()
    async with aiosdk.Session(**KEYS, endpoint_url=odd_server.url) as session, session.client("s3") as client:
        with pytest.raises(NotFoundError):
            await client.head_object(Bucket="b", Key=name)
        s3 = await session.resource("s3")
        assert not await s3.Object("b", name).exists()
    assert odd_server.requests[name] == 2


async def test_surplus_costs_the_connection_and_nothing_else_over_tls(authority: Any, ca_bundle: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await asyncio.to_thread(lambda: authority.issue_cert("localhost").configure_cert(context))
    names = [
        "an empty chunk after a HEAD",
        "an empty chunk, all in pieces",
        "rubbish a moment later",
        "a body after 204",
    ]
    server = ScriptedServer({key(name): SURPLUS[name][1] for name in names}, context)
    await asyncio.to_thread(server.__enter__)
    try:
        client = await asyncio.to_thread(
            lambda: boto3.client("s3", endpoint_url=server.url, config=Config(**OPTIONS), verify=ca_bundle, **KEYS)  # type: ignore[call-overload]
        )
        for name in names:
            operation = SURPLUS[name][0]
            expected = await asyncio.to_thread(ask_boto3, client, operation, key(name))
            assert await each_way(server, operation, key(name), verify=ca_bundle) == [expected] * 3
    finally:
        await asyncio.to_thread(server.__exit__)


_NAMES = st.sampled_from(["x-amz-meta-a", "X-Amz-Meta-A", "x-amz-meta-B-c", "ETag", "etag", "X-Odd", "Cache-Control"])
_VALUES = st.binary(max_size=8).map(lambda value: bytes(each for each in value if each > 32 and each != 127))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=6))
def test_headers_are_read_as_by_boto3(
    odd_server: ScriptedServer, theirs: Any, headers: list[tuple[str, bytes]]
) -> None:
    lines = [name.encode() + b": " + value for name, value in headers]
    odd_server.scripts["odd-headers"] = [answer("200 OK", *lines)]
    expected = ask_boto3(theirs, "head", "odd-headers")
    assert asyncio.run(each_way(odd_server, "head", "odd-headers")) == [expected] * 3
