"""Every fault, in each kind of operation, once, twice and always: each call gets over it or fails as the table says."""

from __future__ import annotations

import asyncio
import collections
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    ReadTimeoutError,
    ResponseStreamingError,
    WaiterError,
)
from botocore.parsers import ResponseParserError

import aiosdk
from aiosdk.exceptions import (
    BatchWriteError,
    RetriesExceededError,
    S3UploadFailedError,
    UnexpectedRangeError,
    UnreadableAnswerError,
)
from aiosdk.s3 import TransferConfig
from tests.support import misbehaving, mishaps
from tests.support.listings import numbered
from tests.support.misbehaving import ALWAYS, Case, Misbehaving, Spoil, refusing, saying, with_mishap
from tests.support.server import Answer, Request
from tests.support.waiting import eventually

ATTEMPTS = 3
PART = 5000
DATA = bytes(range(256)) * 60
KEYS = numbered("k", 30)
TRANSFER = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)


@dataclass(frozen=True)
class Operation:
    """Something to do, which asserts that it was done; `befallen` is what the fault befalls, after `skip` of them."""

    run: Callable[[aiosdk.Session, Case], Awaitable[None]]
    befallen: str
    protocol: str
    skip: int = 0


async def _json(session: aiosdk.Session, _: Case) -> None:
    assert (await (await session.client("dynamodb")).list_tables())["TableNames"] == ["t"]


async def _query(session: aiosdk.Session, _: Case) -> None:
    assert (await (await session.client("iam")).get_user())["User"]["UserName"] == "u"


async def _rest_xml(session: aiosdk.Session, _: Case) -> None:
    assert [each["Name"] for each in (await (await session.client("s3")).list_buckets())["Buckets"]] == ["bucket"]


async def _head(session: aiosdk.Session, case: Case) -> None:
    misbehaving.put(case, "key", DATA)
    assert (await (await session.client("s3")).head_object(Bucket="bucket", Key="key"))["ContentLength"] == len(DATA)


async def _ec2(session: aiosdk.Session, _: Case) -> None:
    assert len((await (await session.client("ec2")).describe_instances())["Reservations"]) == 10


async def _rest_json(session: aiosdk.Session, _: Case) -> None:
    assert (await (await session.client("lambda")).list_functions())["Functions"] == [{"FunctionName": "f"}]


async def _cbor(session: aiosdk.Session, _: Case) -> None:
    assert (await (await session.client("eventbridgev2")).list_event_buses())["EventBuses"] == []


async def _paginator(session: aiosdk.Session, case: Case) -> None:
    misbehaving.list_keys(case, KEYS, 10)
    pages = (await session.client("s3")).get_paginator("list_objects_v2").paginate(Bucket="bucket")
    assert [item["Key"] async for page in pages for item in page["Contents"]] == KEYS


async def _collection(session: aiosdk.Session, _: Case) -> None:
    users = (await session.resource("iam")).users.all()
    assert [user.name async for user in users] == numbered("u", 30)


async def _waiter(session: aiosdk.Session, _: Case) -> None:
    await (await session.client("dynamodb")).get_waiter("table_exists").wait(TableName="t")


async def _streaming(session: aiosdk.Session, case: Case) -> None:
    misbehaving.put(case, "key", DATA)
    body = (await (await session.client("s3")).get_object(Bucket="bucket", Key="key"))["Body"]
    assert await body.read() == DATA


async def _upload(session: aiosdk.Session, case: Case) -> None:
    await (await session.client("s3")).upload_fileobj(io.BytesIO(DATA), "bucket", "key", Config=TRANSFER)
    assert case.store.find("bucket").find("key").body == DATA


async def _download(session: aiosdk.Session, case: Case) -> None:
    misbehaving.put(case, "key", DATA)
    target = io.BytesIO()
    await (await session.client("s3")).download_fileobj("bucket", "key", target, Config=TRANSFER)
    assert target.getvalue() == DATA


async def _batch_writer(session: aiosdk.Session, case: Case) -> None:
    table = (await session.resource("dynamodb")).Table("t")
    async with table.batch_writer() as batch:
        for number in range(30):
            await batch.put_item(Item={"id": str(number)})
    assert case.items.keys() == {str(number) for number in range(30)}


async def _batch_delete(session: aiosdk.Session, case: Case) -> None:
    for key in KEYS:
        misbehaving.put(case, key, b"x")
    await (await session.resource("s3")).Bucket("bucket").objects.delete()
    assert case.store.find("bucket").keys() == []


async def _copy(session: aiosdk.Session, case: Case) -> None:
    misbehaving.put(case, "key", DATA)
    s3 = await session.client("s3")
    await s3.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": "key"})
    assert case.store.find("bucket").find("copy").body == DATA


OPERATIONS = {
    "json call": Operation(_json, "ListTables", "json"),
    "query call": Operation(_query, "GetUser", "query"),
    "rest-xml call": Operation(_rest_xml, "ListBuckets", "rest-xml"),
    "rest-xml head": Operation(_head, "HeadObject", "rest-xml"),
    "ec2 call": Operation(_ec2, "DescribeInstances", "ec2"),
    "rest-json call": Operation(_rest_json, "ListFunctions", "rest-json"),
    "cbor call": Operation(_cbor, "ListEventBuses", "cbor"),
    "paginator": Operation(_paginator, "ListObjectsV2", "rest-xml", 1),
    "collection": Operation(_collection, "ListUsers", "query", 1),
    "waiter": Operation(_waiter, "DescribeTable", "json"),
    "streaming body": Operation(_streaming, "GetObject", "rest-xml"),
    "upload": Operation(_upload, "UploadPart", "rest-xml", 1),
    "end of upload": Operation(_upload, "CompleteMultipartUpload", "rest-xml"),
    "download": Operation(_download, "GetObject", "rest-xml", 1),
    "batch writer": Operation(_batch_writer, "BatchWriteItem", "json", 1),
    "batch delete": Operation(_batch_delete, "DeleteObjects", "rest-xml"),
    "copy": Operation(_copy, "CopyObject", "rest-xml"),
}

THROTTLING = {
    "json": "ProvisionedThroughputExceededException",
    "query": "Throttling",
    "ec2": "RequestLimitExceeded",
    "rest-json": "TooManyRequestsException",
    "rest-xml": "SlowDown",
    "cbor": "ThrottlingException",
}


def _in_another_region(request: Request, answer: Answer) -> Answer:
    if "/eu-west-1/" in request.headers["authorization"]:
        return answer
    body = misbehaving.ERROR_XML.format("PermanentRedirect").encode()
    return Answer(301, body, {"x-amz-bucket-region": "eu-west-1"})


FAULTS: dict[str, Spoil] = {
    **{each.name: with_mishap(each) for by in (True, False) for each in mishaps.ending(by_reset=by)},
    **{
        each.name: with_mishap(each)
        for each in (
            *(mishaps.DRIPS, mishaps.OVERLONG, mishaps.SECOND_ANSWER, mishaps.NOT_HTTP, mishaps.CHUNKED),
            *(mishaps.CHUNKED_GARBAGE, mishaps.CHUNKED_AND_CUT, mishaps.UNTIL_CLOSED, mishaps.TOO_LONG),
            mishaps.CONTINUES,
        )
    },
    "500": refusing(500, "InternalError"),
    "500 without a body": saying(500, b""),
    "502 of a proxy": saying(502, b"<html>Bad Gateway</html>", Content_Type="text/html"),
    "503": refusing(503, "ServiceUnavailable"),
    "503 Retry-After": refusing(503, "ServiceUnavailable", Retry_After="0"),
    "504": saying(504, b""),
    "429": refusing(429, "TooManyRequestsException"),
    "429 Retry-After": refusing(429, "TooManyRequestsException", Retry_After="0"),
    "throttled": lambda request, answer: refusing(
        {"rest-xml": 503, "ec2": 503, "rest-json": 429}.get(misbehaving.protocol_of(request), 400), THROTTLING
    )(request, answer),
    "403": refusing(403, "AccessDenied"),
    "404": refusing(404, "NoSuchThing"),
    "400": refusing(400, "ValidationError"),
    "expired token": refusing(400, "ExpiredToken"),
    "garbage as the body": saying(200, mishaps.GARBAGE),
    "an error in a 200": saying(200, misbehaving.ERROR_XML.format("InternalError").encode()),
    "another region": _in_another_region,
}
HARMLESS = {
    each.name
    for each in (
        *(mishaps.DRIPS, mishaps.CHUNKED, mishaps.UNTIL_CLOSED, mishaps.CONTINUES),
        *(mishaps.OVERLONG, mishaps.SECOND_ANSWER),  # what follows an answer costs its connection alone
    )
}
NO_BODY = {mishaps.CHUNKED_GARBAGE.name, "garbage as the body"}
LATE = {
    *(f"{how} {where}" for how in ("reset", "closed") for where in ("after the headers", "within the body")),
    *(mishaps.CHUNKED_AND_CUT.name, mishaps.TOO_LONG.name, "hangs within the body"),
}
"""They befall the body."""
FINAL = {"403": "AccessDenied", "404": "NoSuchThing", "400": "ValidationError", "expired token": "ExpiredToken"}
WITHOUT_CODE = {"500 without a body": "500", "502 of a proxy": "502", "504": "504"}
GARBLED = (ResponseParserError, UnreadableAnswerError)
"""What is no answer at all."""
LOST = (ConnectionClosedError, HTTPClientError, ReadTimeoutError)
ANY = (Exception,)


@dataclass(frozen=True)
class Outcome:
    """How a case ends: well where there is no error; otherwise with one of these, of this code if it has one."""

    errors: tuple[type[BaseException], ...] = ()
    code: str = ""
    either: bool = False
    """It may end well, too."""


WELL = Outcome()


def expected(fault: str, name: str, times: int) -> Outcome:
    """The table: how an operation ends that a fault befalls so many times."""
    operation = OPERATIONS[name]
    if name == "rest-xml head" and (fault in HARMLESS | LATE or fault in NO_BODY):
        return Outcome(ANY, either=True)  # it has no body; what is said of its length is believed
    if fault in HARMLESS:
        return WELL
    if fault in LATE and name == "upload" and fault != mishaps.TOO_LONG.name and "chunk" not in fault:
        return Outcome(_lost(name, fault), either=True)  # its answer has no body
    if fault in LATE and name == "streaming body":
        return Outcome((ResponseStreamingError, ReadTimeoutError))
    if fault == mishaps.TOO_LONG.name and name == "download":
        return Outcome((UnexpectedRangeError,))
    if fault == "garbage as the body":
        return _garbled(name, times)
    if fault == "an error in a 200":
        return _error_inside(name, times)
    if fault == "another region":
        return WELL  # asked again there, and there from then on
    if fault in FINAL:
        if name == "rest-xml head" and fault in ("400", "expired token"):  # which may mean another region: S3 is asked
            return WELL if times == 1 else Outcome((ClientError,), "400")
        return _refused(name, FINAL[fault], operation)
    if times < ATTEMPTS:
        return WELL
    if fault[0].isdigit() or fault == "throttled":
        return _refused(name, WITHOUT_CODE.get(fault) or _code(fault, operation), operation)
    return Outcome(_lost(name, fault))


def _code(fault: str, operation: Operation) -> str:
    codes = {"500": "InternalError", "503": "ServiceUnavailable", "429": "TooManyRequestsException"}
    return THROTTLING[operation.protocol] if fault == "throttled" else codes[fault[:3]]


def _refused(name: str, code: str, operation: Operation) -> Outcome:
    if name == "waiter":
        return Outcome((WaiterError,))
    if name in ("upload", "end of upload"):
        return Outcome((S3UploadFailedError,), code)
    if name == "batch writer":
        return Outcome((BatchWriteError,), code)
    if name == "rest-xml head":
        return Outcome((ClientError,))
    return Outcome((ClientError,), code)


def _lost(name: str, fault: str) -> tuple[type[BaseException], ...]:
    if name == "batch writer":
        return (BatchWriteError,)
    if name == "download" and fault in LATE:
        return (RetriesExceededError,)
    return LOST


def _garbled(name: str, times: int) -> Outcome:
    protocol = OPERATIONS[name].protocol
    if name == "batch writer":
        return Outcome((BatchWriteError,))
    if name == "streaming body":
        return Outcome((AssertionError,))  # nobody could know: the object has no checksum
    if name == "download":
        return Outcome((UnexpectedRangeError,))
    if protocol == "rest-xml":  # which S3's clients take for an error inside
        return WELL if times < ATTEMPTS else Outcome((S3UploadFailedError, ClientError, ResponseParserError))
    return Outcome(GARBLED)


def _error_inside(name: str, times: int) -> Outcome:
    return WELL if times < ATTEMPTS else _refused(name, "InternalError", OPERATIONS[name])


def suits(fault: str, name: str) -> bool:
    """Whether a fault makes sense for an operation."""
    if fault in ("an error in a 200", "another region"):
        others = ("rest-xml head", "streaming body", "download") if fault[0] == "a" and "200" in fault else ()
        return OPERATIONS[name].protocol == "rest-xml" and name not in ("rest-xml call", *others)
    return True


DEEP = bool(os.environ.get("AIOSDK_DEEP"))
counted: collections.Counter[str] = collections.Counter()


@pytest.fixture(scope="module")
def misbehaving_server() -> Iterator[Misbehaving]:
    with Misbehaving() as running:
        yield running
    print(f"\n{sum(counted.values())} cases: {dict(counted)}")


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiosdk.services.s3.config.MIN_PART_SIZE", 1)
    monkeypatch.setattr("aiosdk.services.dynamodb.retrying.PATIENCE", 0.05)
    monkeypatch.setattr("random.random", lambda: 0.0)  # which botocore multiplies its delays with


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await eventually(lambda: not asyncio.all_tasks() - before - {asyncio.current_task()})


async def run(
    server: Misbehaving, fault: str, spoil: Spoil, name: str, times: int, *, warm: bool, read: float = 30
) -> None:
    """Run one case, and assert how it ends."""
    operation = OPERATIONS[name]
    case = server.case(operation.befallen, spoil, times, operation.skip)
    config = AioConfig(retries={"total_max_attempts": ATTEMPTS, "mode": "legacy"}, read_timeout=read)
    async with aiosdk.Session(**case.keys, endpoint_url=server.url, config=config, max_connections=4) as session:
        if warm:  # then requests are written to a connection that is open already
            await (await session.client("s3")).head_bucket(Bucket="bucket")
        outcome = await _outcome(operation, session, case)
        await eventually(lambda: session.pool.stats().in_use == session.pool.stats().waiting == 0)
        assert case.befallen
    wanted = expected(fault, name, times)
    said = f"{name}, {fault}, {times if times < ALWAYS else 'always'}: {outcome!r}"
    if outcome is None:
        assert not wanted.errors or wanted.either, said
    else:
        assert isinstance(outcome, wanted.errors), said
        if wanted.code:
            assert getattr(outcome, "response", {})["Error"]["Code"] == wanted.code, said
        assert "part" in str(outcome) or name != "upload", said
    assert not case.store.find("bucket").uploads, said
    counted["well" if outcome is None else "failed as told"] += 1


async def _outcome(operation: Operation, session: aiosdk.Session, case: Case) -> BaseException | None:
    try:
        await asyncio.wait_for(operation.run(session, case), 60)
    except TimeoutError as error:
        if not isinstance(error, ReadTimeoutError):
            raise
        return error
    except Exception as error:
        return error
    return None


async def all_operations(server: Misbehaving, fault: str, spoil: Spoil, read: float = 30) -> None:
    at_once = asyncio.Semaphore(6 if read > 10 else 60)  # those that hang take no time but that of the clock
    kinds = (True, False) if DEEP else (None,)

    async def one(number: int, name: str, times: int, kind: bool | None) -> None:
        async with at_once:
            warm = bool(number % 2) if kind is None else kind
            await run(server, fault, spoil, name, times, warm=warm, read=read)

    cases = [(name, times) for name in OPERATIONS for times in (1, 2, ALWAYS) if suits(fault, name)]
    async with asyncio.TaskGroup() as group:
        for number, (name, times) in enumerate(cases):
            for kind in kinds:
                group.create_task(one(number, name, times, kind))


ALIKE = ("500 without a body", "502 of a proxy", "504", "503 Retry-After", "429 Retry-After", "404")
"""They do as others do."""
LANES = ("express", "reference") if DEEP else ("express",)


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if DEEP or fault not in ALIKE])
async def test_every_operation_gets_over_a_fault_or_fails_as_the_table_says(
    misbehaving_server: Misbehaving, monkeypatch: pytest.MonkeyPatch, fault: str, lane: str
) -> None:
    monkeypatch.setattr("aiosdk._aws.lanes.FORCED", lane)
    await all_operations(misbehaving_server, fault, FAULTS[fault])


@pytest.mark.parametrize("number", range(3))
async def test_every_operation_gets_over_a_connection_that_hangs_or_says_so(
    misbehaving_server: Misbehaving, number: int
) -> None:
    hang = mishaps.hanging(misbehaving_server.released)[number]
    await all_operations(misbehaving_server, hang.name, with_mishap(hang), read=2.0)
