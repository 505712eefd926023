"""What goes over the wire: every operation, on connections that are used again, to a server that reads by the letter.

Requests of both lanes, written straight to the connection and by aiohttp, beside botocore's own over urllib3: the same
line, headers and body, and not a byte that nothing frames.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import botocore.session
import pytest
from aiobotocore.config import AioConfig
from botocore.config import Config
from botocore.eventstream import EventStream
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

import aiosdk
from aiosdk._transport import direct
from aiosdk.exceptions import BodyLengthError
from tests.conformance.test_lanes import ARGUMENTS, SERVICES, canned, usual
from tests.support.inputs import Inputs
from tests.support.lanes import _read, frozen
from tests.support.strict_server import Received, StrictServer

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
CONFIG: dict[str, Any] = {
    "inject_host_prefix": False,  # the server has one address
    "s3": {"addressing_style": "path"},
    "retries": {"total_max_attempts": 1},
}
# A body where few expect one, and a sample of the protocols.
ALWAYS = ("efs", "s3", "glacier", "lambda", "dynamodb", "sqs", "iam", "ec2", "cloudwatch", "apigateway")
PER_SERVICE = 12
KEYS = {name: ARGUMENTS[name] for name in ARGUMENTS if name != "region_name"}


@pytest.fixture
def strict() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running
        assert running.faults == []


def operations_of(model: Any, bodies: bool) -> list[Any]:
    """The operations to try of a service; `bodies` for GET and the like that may have a body."""
    found = [model.operation_model(name) for name in model.operation_names]
    if DEEP:
        return found
    chance = random.Random(model.service_name)
    sample = chance.sample(found, min(PER_SERVICE, len(found)))
    odd = [each for each in found if bodies and each.http["method"] in ("GET", "HEAD", "DELETE", "OPTIONS")]
    return sample + [each for each in chance.sample(odd, min(PER_SERVICE, len(odd))) if each not in sample]


async def sent_by(strict: StrictServer, call: Callable[[], Awaitable[Any]]) -> list[Received]:
    """The requests of a call, whatever became of it: answers are made up, and what was sent counts."""
    strict.received.clear()
    try:
        await call()
    except Exception as error:
        if isinstance(error, ClientError) and not strict.received:
            raise
    return list(strict.received)


def sendable(made: dict[str, Any]) -> dict[str, Any]:
    """Parameters with which botocore sends a request to an endpoint that is not AWS's."""
    if str(made.get("Bucket")).startswith("arn:"):
        made["Bucket"] = "bucket"
    if "AccountId" in made:  # it becomes a part of the host's name in S3 Control
        made["AccountId"] = "123456789012"
    return made


@pytest.fixture
def names_below_localhost() -> Iterator[None]:
    """Have every name that ends in `.localhost` found on this machine (RFC 6761, 6.3), whatever its resolver says."""
    look_up = socket.getaddrinfo

    def find(host: Any, *args: Any, **kwargs: Any) -> Any:
        return look_up("127.0.0.1" if str(host).endswith("localhost") else host, *args, **kwargs)

    with mock.patch.object(socket, "getaddrinfo", find):
        yield


def plain(requests: list[Received], *, asks: bool) -> list[Any]:
    left_out = {"user-agent"} if asks else {"user-agent", "expect"}
    return [
        (each.line, {name: value for name, value in each.headers.items() if name not in left_out}, each.body)
        for each in requests
    ]


@contextmanager
def by_aiohttp() -> Iterator[None]:
    """Have aiohttp send every request."""

    async def none(*_: Any) -> None:
        return None

    with mock.patch.object(direct, "send", none):
        yield


def read_all(answer: Any) -> None:
    for value in answer.values() if isinstance(answer, dict) else ():
        if isinstance(value, StreamingBody):
            value.read()
        elif isinstance(value, EventStream):
            value.close()


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("names_below_localhost")
async def test_every_operation_is_framed_and_goes_over_the_wire_as_botocore_sends_it(strict: StrictServer) -> None:
    theirs = botocore.session.Session()
    theirs.set_credentials(*KEYS.values())
    services = SERVICES if DEEP else sorted({*ALWAYS, *random.Random(13).sample(SERVICES, 24)})
    count = compared = reused = 0
    unlike: list[Any] = []
    unsent: Counter[str] = Counter()
    url = f"http://localhost:{strict.port}"
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url, max_connections=1) as session:
        for service in services:
            ours: Any = await session.client(service, config=AioConfig(**CONFIG))
            other = await asyncio.to_thread(
                theirs.create_client, service, "us-west-2", endpoint_url=url, config=Config(**CONFIG)
            )
            for operation in operations_of(ours.meta.service_model, service in ALWAYS):
                count += 1
                seed = f"{service} {operation.name}"
                strict.answer = canned(operation, seed, 0.3)  # type: ignore[assignment]

                fill = 0.4

                def make(operation: Any = operation, seed: str = seed) -> dict[str, Any]:
                    return sendable(usual(Inputs(seed, fill).of(operation), seed))  # noqa: B023

                async def of(lane: Any, name: str = operation.name, make: Any = make) -> None:
                    await _read(await lane(name, make()))

                def botocores(name: str = operation.name, make: Any = make, other: Any = other) -> None:
                    read_all(other._make_api_call(name, make()))

                with frozen():
                    right = await sent_by(strict, lambda of=botocores: asyncio.to_thread(of))
                    if not right:  # for what is optional and may not stand in a header, say
                        fill = 0
                        right = await sent_by(strict, lambda of=botocores: asyncio.to_thread(of))
                    for lane in (ours._make_api_call, ours._reference):
                        for way in (lambda: mock.DEFAULT, by_aiohttp):
                            asks = lane == ours._reference
                            patched = way() if way is by_aiohttp else mock.patch.dict({})
                            with patched:
                                found = await sent_by(strict, lambda lane=lane: of(lane))
                            assert strict.faults == [], (service, operation.name, lane.__name__)
                            if plain(found, asks=asks) != plain(right, asks=asks):
                                unlike.append((service, operation.name, lane.__name__, found, right))
                            reused += sum(not each.is_first for each in found)
                compared += bool(right)
                unsent[service] += not right
            await asyncio.to_thread(other.close)
    print(f"{count} operations, {compared} of them sent, {reused} requests on connections used again")
    print("not sent, by botocore neither:", +unsent)
    assert not unlike, (len(unlike), [each[:3] for each in unlike], unlike[0])
    assert compared > 0.99 * count
    assert reused > 3.9 * compared


LENGTHS: list[tuple[dict[str, str], Any]] = [
    ({}, b"abc"),
    ({}, None),
    ({"content-length": "3"}, b"abc"),
    ({"CONTENT-LENGTH": "3"}, "BytesIO"),
    ({"Transfer-Encoding": "chunked"}, b"abc"),
    ({"transfer-encoding": "chunked"}, None),
    ({"Transfer-Encoding": "Chunked", "Content-Length": "3"}, b"abc"),
    ({"Content-Length": "3"}, "file"),
    ({"Content-Length": "2"}, "file"),
    ({}, "file"),
    ({}, "iterator"),
]


async def letters() -> AsyncIterator[bytes]:
    for letter in (b"a", b"b", b"c"):
        yield letter


def body_of(what: Any) -> Any:
    if what == "BytesIO":
        return io.BytesIO(b"abc")
    if what == "file":
        return io.BufferedReader(io.BytesIO(b"abc"))  # type: ignore[arg-type]
    return letters() if what == "iterator" else what


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("straight", [True, False], ids=["direct", "by aiohttp"])
async def test_whatever_the_headers_say_a_body_has_an_end(strict: StrictServer, method: str, straight: bool) -> None:
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=strict.url, max_connections=1) as session:
        client: Any = await session.client("s3")
        await client.list_buckets()
        for headers, what in LENGTHS:
            with by_aiohttp() if not straight else mock.patch.dict({}):
                body = body_of(what)
                sent = await client._endpoint.http_session.exchange(
                    method, strict.url + "/x", dict(headers), body, stream=False
                )
            assert sent.status == 200
            await client.list_buckets()
            right = b"" if what is None else b"ab" if headers.get("Content-Length") == "2" else b"abc"
            assert strict.received[-2].body == right, (headers, what)
            assert not strict.received[-1].is_first
    assert strict.connections == 1


WRONG: list[tuple[dict[str, str], Any]] = [
    ({"Content-Length": "5"}, b"abc"),
    ({"Content-Length": "2"}, b"abc"),
    ({"content-length": "2"}, io.BytesIO(b"abc")),
    ({"Content-Length": "3"}, None),
    ({"Content-Length": "-1"}, b"abc"),
    ({"Content-Length": "3, 3"}, b"abc"),
    ({"Transfer-Encoding": "gzip, chunked"}, b"abc"),
    ({"Transfer-Encoding": "identity"}, b"abc"),
    ({"Content-Length": "²"}, b"ab"),
]


@pytest.mark.parametrize(("headers", "body"), WRONG)
async def test_a_length_that_is_not_the_bodys_is_refused_before_anything_is_sent(
    strict: StrictServer, headers: dict[str, str], body: Any
) -> None:
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=strict.url) as session:
        client: Any = await session.client("s3")
        with pytest.raises(BodyLengthError):
            await client._endpoint.http_session.exchange("PUT", strict.url + "/x", headers, body, stream=False)
    assert strict.received == []


@pytest.mark.parametrize("body", [b"abc", io.BytesIO(b"abc"), bytearray(b"abc")], ids=["bytes", "file", "bytearray"])
@pytest.mark.parametrize("length", [1, 5])
async def test_a_content_length_of_the_users_that_is_wrong_poisons_no_connection(
    strict: StrictServer, body: Any, length: int
) -> None:
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=strict.url, max_connections=1) as session:
        client: Any = await session.client("s3")
        await client.list_buckets()
        with pytest.raises(BodyLengthError, match="ContentLength"):
            await client.put_object(Bucket="b", Key="k", Body=body, ContentLength=length)
        await client.list_buckets()
    assert [each.line.split()[0] for each in strict.received] == ["GET", "GET"]


async def test_a_source_that_ends_before_the_length_that_was_told_is_an_error_at_once(strict: StrictServer) -> None:
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=strict.url, max_connections=1) as session:
        client: Any = await session.client("s3")
        with pytest.raises(BodyLengthError, match="ended after 3"):
            await client._endpoint.http_session.exchange(
                "PUT", strict.url + "/x", {"Content-Length": "9"}, letters(), stream=False
            )
        await client.list_buckets()
    assert [each.line for each in strict.received] == ["GET / HTTP/1.1"]
    assert len(strict.faults) == 1
    assert "ended within a request" in strict.faults.pop()
