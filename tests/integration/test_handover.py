"""What the express lane hands over: each request is sent once, whatever comes of it, and counts as the first attempt.

The server counts; no call may send more requests than aiobotocore's own path would, and none may leave a connection in
use behind, however it ends.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import re
import zlib
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    ParamValidationError,
)

import aiosdk
from tests.support.aws import CredentialProcess
from tests.support.lanes import NEEDS_EXPRESS, FakeWire, frozen
from tests.support.server import Answer, CountingServer, Request, answer_anything
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

pytestmark = NEEDS_EXPRESS

if TYPE_CHECKING:
    Make = Callable[..., aiosdk.Session]

ARGUMENTS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
DOWN = Answer(500, b"<Error><Code>InternalError</Code><Message>m</Message></Error>")
STANDARD = {"retries": {"mode": "standard", "max_attempts": 3}}
LEGACY: dict[str, Any] = {}


async def client_of(session: Any, service: str, **config: Any) -> Any:
    client = await session.client(service, config=AioConfig(**config))

    async def no_sleep(_: float) -> None:
        """Wait for nothing between attempts."""

    client._endpoint._sleep = no_sleep
    return client


def answers(server: CountingServer, *given: Answer | None) -> None:
    """Have the server give these answers in turn; None and everything after them is a good one."""
    left = list(given)

    async def answer(request: Request) -> Answer:
        found = left.pop(0) if left else None
        return found if found is not None else await answer_anything(request)

    server.answer = answer


def header(server: CountingServer, name: str) -> list[str]:
    return [request.headers.get(name, "").partition(";")[0] for request in server.requests]


# Attempts


@pytest.mark.parametrize("config", [LEGACY, STANDARD], ids=["legacy", "standard"])
@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
async def test_a_failed_first_attempt_is_sent_once_and_counts(
    server: CountingServer, make_session: Make, config: dict[str, Any], *, warm: bool
) -> None:
    async with make_session() as session:
        s3 = await client_of(session, "s3", **config)
        if warm:
            await s3.list_buckets()
        server.requests.clear()
        answers(server, DOWN, DOWN)
        found = await s3.list_buckets()
        assert found["ResponseMetadata"]["RetryAttempts"] == 2
        assert found["Buckets"] == [{"Name": "b"}]
        assert len(server.requests) == 3
        assert len(set(header(server, "amz-sdk-invocation-id"))) == 1
        attempts = [re.search(r"attempt=(\d+)", each.headers["amz-sdk-request"])[1] for each in server.requests]  # type: ignore[index]
        assert attempts == ["1", "2", "3"]
        assert session.pool.stats().in_use == 0
        await s3.list_buckets()
        assert len(set(header(server, "amz-sdk-invocation-id"))) == 2
    assert server.accepted == 1


@pytest.mark.parametrize(
    ("attempts", "config"), [(5, LEGACY), (4, STANDARD), (1, {"retries": {"total_max_attempts": 1}})]
)
async def test_all_attempts_are_counted(
    server: CountingServer, make_session: Make, attempts: int, config: dict[str, Any]
) -> None:
    answers(server, *[DOWN] * 20)
    async with make_session() as session:
        s3 = await client_of(session, "s3", **config)
        with pytest.raises(ClientError, match="InternalError") as caught:
            await s3.list_buckets()
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == attempts - 1
    assert len(server.requests) == attempts


async def test_an_error_that_is_final_is_sent_once(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        for status in (300, 304, 400, 403, 404, 412):
            server.requests.clear()
            answers(server, Answer(status, b"" if status == 304 else b"<Error><Code>Odd</Code></Error>"))
            with pytest.raises(ClientError):
                await s3.get_object(Bucket="b", Key="k")
            assert len(server.requests) == 1
            assert session.pool.stats().in_use == 0


async def test_a_connection_that_ends_without_an_answer_is_one_attempt(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        await s3.list_buckets()
        server.requests.clear()
        cut = Answer(200, b"<ListAllMy", length=100, cut=True)
        answers(server, cut, cut)
        found = await s3.list_buckets()
        assert found["ResponseMetadata"]["RetryAttempts"] == 2
        assert len(server.requests) == 3


async def test_a_body_that_says_error_with_200_is_tried_again(server: CountingServer, make_session: Make) -> None:
    answers(server, Answer(200, DOWN.body))
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        found = await s3.list_buckets()
        assert found["ResponseMetadata"]["RetryAttempts"] == 1
    assert len(server.requests) == 2


async def test_idempotency_tokens_stay_the_same_in_all_attempts(server: CountingServer, make_session: Make) -> None:
    answers(
        server, *[Answer(503, b"<Response><Errors><Error><Code>Unavailable</Code></Error></Errors></Response>")] * 2
    )
    async with make_session() as session:
        ec2 = await client_of(session, "ec2")
        await ec2.run_instances(MinCount=1, MaxCount=1)
        tokens = [re.search(rb"ClientToken=([^&]+)", each.body)[1] for each in server.requests]  # type: ignore[index]
        assert len(tokens) == 3
        assert len(set(tokens)) == 1
        await ec2.run_instances(MinCount=1, MaxCount=1)
        assert re.search(rb"ClientToken=([^&]+)", server.requests[-1].body)[1] != tokens[0]  # type: ignore[index]
        server.requests.clear()
        await ec2.run_instances(MinCount=1, MaxCount=1, ClientToken="mine")
        assert b"ClientToken=mine" in server.requests[0].body


@pytest.mark.parametrize("body", [b"abc", "text", bytearray(b"abc"), b""])
async def test_the_body_is_sent_again_whole(server: CountingServer, make_session: Make, body: Any) -> None:
    answers(server, DOWN)
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        await s3.put_object(Bucket="b", Key="k", Body=body)
    assert len({each.body for each in server.requests}) == 1
    assert len(server.requests) == 2


async def test_calls_at_once_get_each_its_own_answer(server: CountingServer, make_session: Make) -> None:
    failed: set[str] = set()

    async def answer(request: Request) -> Answer:
        if request.target not in failed:
            failed.add(request.target)
            return DOWN
        return Answer(200, b"", {"ETag": request.target})

    server.answer = answer
    async with make_session(max_connections=7) as session:
        s3 = await client_of(session, "s3")
        found = await asyncio.gather(*(s3.head_object(Bucket="b", Key=str(n)) for n in range(60)))
        assert [each["ETag"] for each in found] == [f"/b/{n}" for n in range(60)]
        assert {each["ResponseMetadata"]["RetryAttempts"] for each in found} == {1}
        assert session.pool.stats().in_use == 0
    assert len(server.requests) == 120
    ids = header(server, "amz-sdk-invocation-id")
    assert all(ids.count(each) == 2 for each in ids)


class Kind(str, Enum):  # noqa: UP042 - as users write it
    PLAIN = "plain"
    KEY = "kind"


async def test_texts_that_are_members_of_an_enum_are_sent_as_their_values(
    server: CountingServer, make_session: Make
) -> None:
    given = {"Bucket": "b", "Key": Kind.PLAIN, "Body": b"x", "Metadata": {"a": Kind.PLAIN, Kind.KEY: "v"}}
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        for _ in range(2):  # over a new connection, and over a kept one
            await s3.put_object(**given)
    for request in server.requests:
        assert request.path == "/b/plain"
        assert request.headers["x-amz-meta-a"] == "plain"
        assert request.headers["x-amz-meta-kind"] == "v"


async def test_a_damaged_answer_of_dynamodb_is_tried_again(server: CountingServer, make_session: Make) -> None:
    body = b'{"Item":{}}'
    good = {"x-amz-crc32": str(zlib.crc32(body))}
    answers(server, Answer(200, body, {"x-amz-crc32": "1"}), Answer(200, body, good))
    async with make_session() as session:
        dynamodb = await client_of(session, "dynamodb")
        found = await dynamodb.get_item(TableName="t", Key={"a": {"S": "1"}})
        assert found["ResponseMetadata"]["RetryAttempts"] == 1
    assert len(server.requests) == 2


async def test_connections_that_end_in_the_moment_of_use_are_left_to_the_retry_rules(
    server: CountingServer, make_session: Make
) -> None:
    async def hang_up(request: Request) -> Answer:
        found = await answer_anything(request)
        found.cut = True
        return found

    server.answer = hang_up
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        for number in range(60):
            if number % 2:
                await s3.put_object(Bucket="b", Key="k", Body=b"x")
            else:
                assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]
        assert session.pool.stats().in_use == 0
    assert len(server.requests) == 60
    assert len(set(header(server, "amz-sdk-invocation-id"))) == 60


# Calls within calls


async def test_a_redirect_asks_for_the_region_and_ends_at_the_right_answer() -> None:
    class Regional(FakeWire):
        async def __call__(self, method: str, url: str, headers: dict[str, str], body: Any, **more: Any) -> Any:
            region = headers.get("Authorization", "").split("/")[2]
            if method == "HEAD":
                self.answers = [(200, {"x-amz-bucket-region": "eu-west-1"}, b"")]
            elif region == "eu-west-1":
                self.answers = [(200, {"etag": "right"}, b"right")]
            else:
                self.answers = [(301, {}, b"<Error><Code>PermanentRedirect</Code></Error>")]
            return await super().__call__(method, url, headers, body, **more)

    async def requests(call: Callable[[Any], Any]) -> list[tuple[str, str, str]]:
        async with aiosdk.Session(**ARGUMENTS) as session:
            s3 = await client_of(session, "s3")
            wire = s3._endpoint.http_session.exchange = Regional([])
            with frozen():
                for key in ("k", "l"):
                    found = await call(s3)("GetObject", {"Bucket": "bucket", "Key": key})
                    assert await found["Body"].read() == b"right"
            return [(each.method, each.url, each.headers["amz-sdk-request"]) for each in wire.sent]

    ours = await requests(lambda s3: s3._make_api_call)
    theirs = await requests(lambda s3: s3._reference)
    assert ours == theirs
    assert [each[0] for each in ours] == ["GET", "HEAD", "GET", "GET"]


@pytest.mark.parametrize("nested", ["same client", "other client"])
@pytest.mark.parametrize("moment", [1, 2])
async def test_a_call_within_a_retry_gets_its_own_answer(
    server: CountingServer, make_session: Make, nested: str, moment: int
) -> None:
    """Credentials that are asked for while the first attempt waits to be taken (1), or for the second (2)."""
    inner: list[Any] = []
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        other = s3 if nested == "same client" else await client_of(session, "s3", user_agent_extra="other")
        credentials = s3._request_signer._credentials
        asked = 0

        class Refreshing:
            access_key = credentials.access_key

            async def get_frozen_credentials(self) -> Any:
                nonlocal asked
                asked += 1
                if asked == 1 + moment:
                    inner.append(await other.list_buckets())
                return await credentials.get_frozen_credentials()

            def __getattr__(self, name: str) -> Any:
                return getattr(credentials, name)

        s3._request_signer._credentials = Refreshing()
        failed: list[str] = []

        async def answer(request: Request) -> Answer:
            if request.method == "HEAD" and not failed:
                failed.append(request.target)
                return Answer(500)
            return await answer_anything(request)

        server.answer = answer
        found = await s3.head_object(Bucket="b", Key="k")
        assert found["ETag"] == '"e"'
        assert found["ResponseMetadata"]["RetryAttempts"] == 1
        assert [each["Buckets"] for each in inner] == [[{"Name": "b"}]]
        assert inner[0]["ResponseMetadata"]["RetryAttempts"] == 0
        assert sorted(each.method for each in server.requests) == ["GET", "HEAD", "HEAD"]
        ids = {(each.method, each.headers["amz-sdk-invocation-id"]) for each in server.requests}
        assert len(ids) == 2


async def test_credentials_that_fail_in_a_retry_leave_no_connection(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        credentials, asked = s3._request_signer._credentials, 0

        class Failing:
            access_key = credentials.access_key

            async def get_frozen_credentials(self) -> Any:
                nonlocal asked
                asked += 1
                if asked > 1:
                    raise RuntimeError("sealed")
                return await credentials.get_frozen_credentials()

        s3._request_signer._credentials = Failing()
        answers(server, Answer(500, b"x" * 300_000))
        with pytest.raises(RuntimeError, match="sealed"):
            await s3.get_object(Bucket="b", Key="k")
        gc.collect()
        await eventually(lambda: session.pool.stats().in_use == 0)
    assert len(server.requests) == 1


@pytest.fixture
def process(aws_environment: Path, tmp_path: Path) -> CredentialProcess:
    """A program that gives no credentials."""
    process = CredentialProcess(tmp_path / "process")
    process.behave(failures=100)
    config = f"[default]\ncredential_process = {process.command}\nregion = us-east-1\n"
    (aws_environment / "config").write_text(config)
    return process


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("sqs", "list_queues", {}),
        pytest.param(*("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "1"}}})),
    ],
)
async def test_a_provider_of_credentials_that_fails_is_asked_once(
    process: CredentialProcess, service: str, operation: str, given: dict[str, Any]
) -> None:
    async with aiosdk.Session() as session:
        client = await client_of(session, service)
        with pytest.raises(CredentialRetrievalError):
            await getattr(client, operation)(**given)
    assert await asyncio.to_thread(process.runs) == 1


# Errors read well


def chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


async def test_errors_have_no_traces_of_the_express_lane_before_them(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session() as session:
        s3 = await client_of(session, "s3")

        async def contexts(call: Callable[..., Any], name: str, given: dict[str, Any]) -> list[type]:
            with pytest.raises((ClientError, BotoCoreError, TypeError, ValueError)) as caught:
                await call(name, dict(given))
            return [type(each) for each in chain(caught.value)]

        for name, given, found in [
            ("ListObjectsV2", {}, None),
            ("ListObjectsV2", {"Bucket": "b", "MaxKeys": "x"}, None),
            ("PutObject", {"Bucket": "b", "Key": ""}, None),
            ("GetObject", {"Bucket": "b", "Key": "k"}, Answer(404)),
            ("ListBuckets", {}, Answer(200, b"<ListAllMyBucketsResult>", length=100, cut=True)),
        ]:
            answers(server, *[found] * 20)
            ours = await contexts(s3._make_api_call, name, given)
            answers(server, *[found] * 20)
            assert ours == await contexts(s3._reference, name, given)


async def test_parameters_are_not_changed_by_a_call(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        given = {
            "Bucket": "b",
            "Key": "k",
            "Body": b"x",
            "Metadata": {"a": "b"},
            "SSECustomerKey": "k" * 32,
            "SSECustomerAlgorithm": "AES256",
        }
        before = {**given, "Metadata": {"a": "b"}}
        await s3._make_api_call("PutObject", given)
        answers(server, DOWN)
        await s3._make_api_call("PutObject", given)
        assert given == before
        with pytest.raises(ParamValidationError):
            await s3._make_api_call("PutObject", {"Bucket": "b", "Key": 1})


# Streamed bodies


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


BIG = b"0123456789" * 30_000


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("size", [100, len(BIG)])
async def test_bodies_give_their_connection_back_however_they_are_used(
    server: CountingServer, make_session: Make, size: int, *, warm: bool
) -> None:
    body, asked = BIG[:size], {"n": 0}

    async def answer(_: Request) -> Answer:
        return Answer(200, body, {"x-amz-checksum-crc32": crc32(body)})

    server.answer = answer

    async def unread(found: Any) -> None:
        """Do nothing with it."""

    async def half(found: Any) -> None:
        assert await found.read(50) == body[:50]

    async def whole(found: Any) -> None:
        assert await found.read() == body

    async def closed(found: Any) -> None:
        await found.read(10)
        found.close()

    async def used(found: Any) -> None:
        async with found as stream:
            assert len([line async for line in stream.iter_lines()]) == 1

    async with make_session(max_connections=2) as session:
        s3 = await client_of(session, "s3")
        for use in (unread, half, whole, closed, used):
            if warm:
                await (await s3.get_object(Bucket="b", Key="k"))["Body"].read()
            for validated in ({}, {"ChecksumMode": "ENABLED"}):
                asked["n"] += 1
                await use((await s3.get_object(Bucket="b", Key="k", **validated))["Body"])
                gc.collect()
                await eventually(lambda: session.pool.stats().in_use == 0)
    assert len(server.requests) == asked["n"] + 5 * warm


async def test_a_wrong_checksum_is_found_while_the_body_is_read_and_not_before(
    server: CountingServer, make_session: Make
) -> None:
    answers(server, *[Answer(200, b"abc", {"x-amz-checksum-crc32": crc32(b"abd")})] * 2)
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        said = []
        for call in (s3._make_api_call, s3._reference):
            found = await call("GetObject", {"Bucket": "b", "Key": "k"})
            assert found["ResponseMetadata"]["ChecksumAlgorithm"] == "crc32"
            with pytest.raises(FlexibleChecksumError) as caught:
                await found["Body"].read()
            said.append(str(caught.value))
        assert said[0] == said[1]
        assert session.pool.stats().in_use == 0
    assert len(server.requests) == 2


async def test_an_error_of_a_streaming_operation_is_read_whole(server: CountingServer, make_session: Make) -> None:
    body = b"<Error><Code>NoSuchKey</Code><Message>" + b"m" * 200_000 + b"</Message></Error>"
    answers(server, None, Answer(404, body))
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        await (await s3.get_object(Bucket="b", Key="k"))["Body"].read()
        with pytest.raises(s3.exceptions.NoSuchKey) as caught:
            await s3.get_object(Bucket="b", Key="k")
        assert len(caught.value.response["Error"]["Message"]) == 200_000
        assert session.pool.stats().in_use == 0
        await (await s3.get_object(Bucket="b", Key="k"))["Body"].read()
    assert server.accepted == 1
    assert len(server.requests) == 3


async def test_an_answer_whose_headers_cannot_be_read_leaves_its_body_readable_or_closed(
    server: CountingServer, make_session: Make
) -> None:
    answers(server, *[Answer(200, BIG, {"Last-Modified": "once upon a time"})] * 2)
    async with make_session() as session:
        s3 = await client_of(session, "s3")
        kinds = []
        for call in (s3._make_api_call, s3._reference):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is, the same
                await call("GetObject", {"Bucket": "b", "Key": "k"})
            kinds.append((type(caught.value), str(caught.value)))
            del caught
        assert kinds[0] == kinds[1]
        gc.collect()
        await eventually(lambda: session.pool.stats().in_use == 0)
    assert len(server.requests) == 2


# Cancellation


async def _list(s3: Any) -> None:
    await s3.list_buckets()


async def _put(s3: Any) -> None:
    await s3.put_object(Bucket="b", Key="k", Body=b"x" * 1000)


async def _get(s3: Any) -> None:
    async with (await s3.get_object(Bucket="b", Key="k"))["Body"] as body:
        await body.read()


async def _get_and_leave(s3: Any) -> None:
    await s3.get_object(Bucket="b", Key="k")
    await asyncio.sleep(0)


@pytest.mark.parametrize("call", [_list, _put, _get, _get_and_leave], ids=lambda call: call.__name__)
@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "is tried again"])
async def test_a_call_cancelled_at_any_step_leaves_nothing(
    server: CountingServer, make_session: Make, call: Callable[[Any], Any], *, fails: bool
) -> None:
    async with make_session(max_connections=2) as session:
        s3 = await client_of(session, "s3")
        await s3.list_buckets()
        for steps in [*range(25), 30, 40, 60, 100]:
            if fails:
                answers(server, DOWN)
            task = asyncio.create_task(call(s3))
            for _ in range(steps):
                await asyncio.sleep(0 if steps < 20 else 0.0002)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            del task
            gc.collect(1)
            await eventually(lambda: session.pool.stats().in_use == 0)
        server.answer = answer_anything
        await s3.list_buckets()


async def test_a_call_within_a_timeout_that_passes_leaves_nothing(server: CountingServer, make_session: Make) -> None:
    async def late(request: Request) -> Answer:
        await asyncio.sleep(0.2)
        return await answer_anything(request)

    async with make_session(max_connections=1) as session:
        s3 = await client_of(session, "s3")
        await s3.list_buckets()
        server.answer = late
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.03):
                    await s3.list_buckets()
            await eventually(lambda: session.pool.stats().in_use == 0)
        server.answer = answer_anything
        await s3.list_buckets()


# The end of the session


@pytest.mark.parametrize("moment", ["waiting for the answer", "reading the body"])
async def test_a_session_that_is_closed_ends_its_calls(server: CountingServer, make_session: Make, moment: str) -> None:
    session = make_session()
    s3 = await client_of(session, "s3")
    await s3.list_buckets()

    async def slow(_: Request) -> Answer:
        if moment == "waiting for the answer":
            await asyncio.sleep(5)
        return Answer(200, b"x" * 1000, length=2000, pause=5)

    server.answer = slow

    async def call() -> None:
        await (await s3.get_object(Bucket="b", Key="k"))["Body"].read()

    task = asyncio.create_task(call())
    await eventually(lambda: len(server.requests) == 2)
    await asyncio.sleep(0.05)
    await session.close()
    with pytest.raises(BotoCoreError):
        await asyncio.wait_for(task, 5)
    assert len(server.requests) == 2


# Loops


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_round_trip_on_either_loop(
    server: CountingServer,
    tls_server: CountingServer,
    ca_bundle: str,
    make_session: Make,
    factory: Any,
    *,
    secure: bool,
) -> None:
    used = tls_server if secure else server
    stored: dict[str, bytes] = {}

    async def answer(request: Request) -> Answer:
        if request.method == "PUT":
            stored[request.path] = request.body
            return Answer(200, headers={"ETag": '"e"'})
        if request.path in stored:
            return Answer(200, stored[request.path], {"x-amz-checksum-crc32": crc32(stored[request.path])})
        return await answer_anything(request)

    used.answer = answer

    async def main() -> None:
        async with make_session(endpoint_url=used.url, max_connections=3) as session:
            config = AioConfig(request_checksum_calculation="when_required")  # over TLS the others are sent in chunks
            s3 = await session.client("s3", verify=ca_bundle if secure else None, config=config)
            assert s3.plan("put_object").lane == "express"

            async def trip(number: int) -> None:
                body = b"%d" % number * (number * 1000 + 1)
                await s3.put_object(Bucket="b", Key=str(number), Body=body, ContentType="text/plain")
                found = await s3.get_object(Bucket="b", Key=str(number))
                assert await found["Body"].read() == body
                assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]

            await trip(0)
            await asyncio.gather(*(trip(number) for number in range(1, 30)))
            assert session.pool.stats().in_use == 0
            assert session.pool.stats().open <= 3

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())
    assert used.accepted <= 3
    assert len(used.requests) == 90
