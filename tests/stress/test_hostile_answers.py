"""Answers that are bombs or nonsense end in a clear error of aiosdk's or botocore's, soon and in little memory.

Each is tried on every protocol that it concerns, as an answer that succeeded and as an error, on both lanes, and over a
connection that aiohttp has made as well as over one that is used again.
"""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from aiosdk.exceptions import UnreadableAnswerError
from tests.support.hostile import (
    BOMBS_CBOR,
    BOMBS_JSON,
    BOMBS_XML,
    JSON,
    LARGE_XML,
    OPERATIONS,
    XML,
    RawServer,
    http,
    raw_server,
    session,
)
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

CLASSIFIED = (BotoCoreError, ClientError, ResponseParserError)
# The slowest takes a tenth of this on a machine with nothing else to do.
SECONDS = 20.0
MEMORY = 150_000_000
STATUSES = (200, 400, 500)


def _look(**_: Any) -> None:
    """A hook; calls that have one go down the reference lane."""


async def _calls(raw: RawServer, name: str, body: bytes, status: int, **headers: str) -> list[BaseException | Any]:
    """What comes of a call on the express lane, first by aiohttp and then directly, and on the reference lane."""
    service, method, params, good = OPERATIONS[name]
    headers = {**({"smithy_protocol": "rpc-v2-cbor"} if name == "cbor" else {}), **headers}
    found: list[Any] = []
    for lane in ("express", "reference"):
        async with session(raw.url) as ours:
            client = await ours.client(service)
            if lane == "reference":
                client.meta.events.register("before-call", _look)
            for warm in (False, True):
                if warm:
                    raw.script = http(good, **headers)
                    await getattr(client, method)(**params)
                raw.script = http(body, status, **headers)
                try:
                    async with asyncio.timeout(SECONDS):
                        found.append(await getattr(client, method)(**params))
                except Exception as error:
                    found.append(error)
            await eventually(lambda: ours.pool.stats().in_use == 0)
    return found


def _refused(outcomes: list[Any], *, must: bool = True) -> None:
    for outcome in outcomes:
        if must or isinstance(outcome, BaseException):
            assert isinstance(outcome, CLASSIFIED), repr(outcome)[:300]
            assert len(str(outcome)) < 1000
    assert len({type(outcome) for outcome in outcomes}) == 1, outcomes  # whichever lane and connection


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("bomb", BOMBS_XML)
async def test_bombs_in_xml_are_refused(bomb: str, status: int) -> None:
    async with raw_server() as raw:
        for name in XML:
            _refused(await _calls(raw, name, BOMBS_XML[bomb], status), must=True)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("bomb", BOMBS_JSON)
async def test_bombs_in_json_are_refused(bomb: str, status: int) -> None:
    async with raw_server() as raw:
        for name in JSON:
            _refused(await _calls(raw, name, BOMBS_JSON[bomb], status))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("bomb", BOMBS_CBOR)
async def test_bombs_in_cbor_are_refused(bomb: str, status: int) -> None:
    async with raw_server() as raw:
        _refused(await _calls(raw, "cbor", BOMBS_CBOR[bomb], status))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("bomb", LARGE_XML)
async def test_large_xml_is_read_or_refused_in_bounded_time(bomb: str, status: int) -> None:
    async with raw_server() as raw:
        for name in ("rest-xml", "query", "ec2"):
            _refused(await _calls(raw, name, LARGE_XML[bomb], status), must=status != 200)


async def test_bombs_take_little_memory() -> None:
    bombs = {**{("query", key): body for key, body in BOMBS_XML.items()}, ("cbor", "s"): BOMBS_CBOR["bytes of 64 GiB"]}
    bombs |= {("json items", key): BOMBS_JSON[key] for key in ("deep attribute values", "deep lists")}
    async with raw_server() as raw:
        tracemalloc.start()
        try:
            for (name, _), body in bombs.items():
                await _calls(raw, name, body, 200)
                assert tracemalloc.get_traced_memory()[1] < MEMORY
        finally:
            tracemalloc.stop()


async def test_a_namespace_of_brackets_takes_no_quadratic_time() -> None:
    """botocore takes 16 s for 100 kB on two cores that have nothing else to do."""
    async with raw_server() as raw:
        start = time.process_time()
        await _calls(raw, "query", LARGE_XML["namespace of brackets"], 200)
        assert time.process_time() - start < 8


@pytest.mark.parametrize("depth", [300, 900, 3000, 30_000])
async def test_deep_items_are_read_or_refused_by_tables(depth: int) -> None:
    item = b'{"Item":{"a":' + b'{"L":[' * depth + b'{"S":"x"}' + b"]}" * depth + b"}}"
    async with raw_server(http(item)) as raw, session(raw.url) as ours:
        table = await (await ours.resource("dynamodb")).Table("t")
        try:
            answer = await table.get_item(Key={"a": "b"})
        except CLASSIFIED:
            return
        assert depth < 3000
        assert isinstance(answer["Item"]["a"], list)


async def test_nan_and_infinity_are_read_as_in_botocore() -> None:
    async with raw_server() as raw:
        for outcome in await _calls(raw, "json", b'{"TableNames":[NaN,Infinity,-Infinity,1e999]}', 200):
            assert [str(each) for each in outcome["TableNames"]] == ["nan", "inf", "-inf", "inf"]


HEADERS: dict[str, tuple[str, dict[str, str]]] = {
    "checksum of DynamoDB that is no number": ("json", {"x-amz-crc32": "pi"}),
    "checksum of DynamoDB that is a long number": ("json", {"x-amz-crc32": "9" * 5000}),
    "checksum of DynamoDB that is negative": ("json", {"x-amz-crc32": "-1"}),
}


@pytest.mark.parametrize("case", HEADERS)
async def test_headers_that_botocore_stumbles_over_are_refused(case: str) -> None:
    name, headers = HEADERS[case]
    async with raw_server() as raw:
        service, method, params, good = OPERATIONS[name]
        async with session(raw.url) as ours:
            client = await ours.client(service)
            for hook in (False, True):
                if hook:
                    client.meta.events.register("before-call", _look)
                raw.script = http(good, **headers)
                with pytest.raises(UnreadableAnswerError, match="x-amz-crc32"):
                    await getattr(client, method)(**params)


@pytest.mark.parametrize("hook", [False, True])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("head_object", {"Content_Length": "0", "Last-Modified": "x" * 60_000}),
        ("head_object", {"Last-Modified": "9" * 5000}),
        ("head_object", {"x-amz-missing-meta": "9" * 5000}),
        ("head_object", {"x-amz-missing-meta": "\u00b2"}),
        ("head_object", {"x-amz-mp-parts-count": ""}),
        ("get_object", {"Last-Modified": "Thu, 99 Jan 2026 00:00:00 GMT"}),
    ],
)
async def test_headers_that_cannot_be_read_are_refused(method: str, headers: dict[str, str], hook: bool) -> None:
    async with raw_server(http(b"", **headers)) as raw, session(raw.url) as ours:
        client = await ours.client("s3")
        if hook:
            client.meta.events.register("before-call", _look)
        with pytest.raises(CLASSIFIED):
            await getattr(client, method)(Bucket="b", Key="k")
        await eventually(lambda: ours.pool.stats().in_use == 0)


async def test_headers_are_read_as_latin_1_whatever_they_are() -> None:
    headers = {"x-amz-meta-a": "\xff\xfe", "x-amz-meta-b": "\xc3\xbc"}
    async with raw_server(http(b"", **headers)) as raw, session(raw.url) as ours:
        client = await ours.client("s3")
        assert (await client.head_object(Bucket="b", Key="k"))["Metadata"] == {"a": "\xff\xfe", "b": "\xc3\xbc"}


async def test_documents_within_texts_may_be_bombs_too() -> None:
    """IAM's policies are JSON in a text, which a handler of botocore's reads after the call."""
    body = b"<R><GetRoleResult><Role><AssumeRolePolicyDocument>%s</AssumeRolePolicyDocument></Role></GetRoleResult></R>"
    async with raw_server() as raw:
        _refused(await _calls(raw, "query iam", body % (b"[" * 100_000 + b"]" * 100_000), 200))


async def test_an_answer_that_changes_the_protocol_is_none() -> None:
    raw_bytes = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    async with raw_server(raw_bytes) as raw, session(raw.url) as ours:
        for service, method in (("s3", "list_buckets"), ("dynamodb", "list_tables")):
            with pytest.raises(BotoCoreError):
                await getattr(await ours.client(service), method)()
        await eventually(lambda: ours.pool.stats().in_use == 0)


async def test_an_answer_that_nobody_asked_for_is_given_to_nobody() -> None:
    """A server (or who speaks in its place) sends a second answer early; the next request must not get it."""
    early = http(b'{"TableNames":["true"]}') + http(b'{"TableNames":["false"]}')
    async with raw_server(early) as raw, session(raw.url) as ours:
        client = await ours.client("dynamodb")
        for _ in range(4):
            try:
                assert (await client.list_tables())["TableNames"] == ["true"]
            except BotoCoreError:
                pass  # two answers to one request are no HTTP


@pytest.mark.parametrize("status", [200, 503])
async def test_the_region_of_a_bucket_that_is_no_xml(status: int) -> None:
    async with raw_server(http(b"<html>no", status)) as raw, session(raw.url) as ours:
        with pytest.raises(CLASSIFIED):
            await (await ours.client("s3")).get_bucket_location(Bucket="b")


async def test_parameters_nested_beyond_reason_are_an_error_of_parameters() -> None:
    deep: Any = {"S": "x"}
    for _ in range(50_000):
        deep = {"L": [deep]}
    round_: dict[str, Any] = {}
    round_["M"] = {"a": round_}
    async with raw_server(http(b"{}")) as raw, session(raw.url) as ours:
        client = await ours.client("dynamodb")
        for value in (deep, round_):
            with pytest.raises(BotoCoreError, match="nested"):
                await client.put_item(TableName="t", Item={"a": value})
    assert raw.heads == []
    while deep:  # or its end takes as many calls
        deep = deep.get("L", [None])[0]
