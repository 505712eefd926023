"""Copies in parts that fail or are cancelled, wherever it is: nothing is left on the server, the error says where."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
import random
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError, HTTPClientError

import aiosdk
from aiosdk.exceptions import ConflictError, S3CopyFailedError
from aiosdk.s3 import TransferConfig
from aiosdk.services.s3 import config as configuration
from tests.support.s3_faults import Action, close, error_inside, hang, overwrite, refuse
from tests.support.s3_server import S3Server
from tests.support.s3_store import Version
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SOURCE = {"Bucket": "source", "Key": "a key"}
BODY = bytes(range(256)) * 4
IN_PARTS = TransferConfig(multipart_threshold=100, multipart_chunksize=100, max_concurrency=3)
AT_ONCE = TransferConfig()
WHAT = "s3://source/a key to s3://target/copy"
OPERATIONS = [
    "HeadObject",
    "GetObjectTagging",
    "CreateMultipartUpload",
    "UploadPartCopy",
    "CompleteMultipartUpload",
    "PutObjectTagging",
]
FAILURES = [refuse(403, "AccessDenied"), error_inside(), close()]
DEEP = bool(os.environ.get("AIOSDK_DEEP"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server with an object, which is copied in eleven parts, and an older one in the place of the copy."""
    monkeypatch.setattr(configuration, "MIN_PART_SIZE", 1)
    with S3Server("source", "target") as running:
        running.store.find("source").put(Version("a key", BODY, tags="a=1"))
        running.put("copy", b"old", "target")
        yield running


@contextlib.asynccontextmanager
async def client_of(server: S3Server, attempts: int = 1) -> AsyncIterator[Any]:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    async with aiosdk.Session(**keys, endpoint_url=server.url) as session:
        yield await session.client("s3", config=AioConfig(retries={"total_max_attempts": attempts}))
        await eventually(lambda: session.pool.stats().in_use == session.pool.stats().waiting == 0)


def body_is(server: S3Server, body: bytes) -> bool:
    return server.body("copy", "target") == body and server.open_uploads() == []


def name_of(value: Action | str) -> str:
    return value if isinstance(value, str) else value.name


def each_with(operations: list[str], failures: list[Action]) -> list[tuple[str, Action]]:
    """All pairs but one: the answer to a HEAD has no body for an error to be in."""
    pairs = itertools.product(operations, failures)
    return [(operation, action) for operation, action in pairs if (operation, action.name[:3]) != ("HeadObject", "200")]


@pytest.mark.parametrize(
    ("operation", "action"), each_with(OPERATIONS, [refuse(503, "SlowDown"), error_inside(), close()]), ids=name_of
)
async def test_what_fails_once_is_sent_again(server: S3Server, operation: str, action: Action) -> None:
    fault = server.faults.add(action, operation=operation)
    told: list[int] = []
    async with client_of(server, attempts=2) as s3:
        await s3.copy(SOURCE, "target", "copy", None, told.append, None, IN_PARTS)
    assert body_is(server, BODY)
    assert server.store.find("target").find("copy").tags == "a=1"
    assert fault.befallen == 1
    assert sum(told) == len(BODY)


@pytest.mark.parametrize("action", FAILURES, ids=name_of)
@pytest.mark.parametrize("part", [1, 5, 11])
async def test_a_part_that_always_fails_is_named_and_the_upload_is_aborted(
    server: S3Server, part: int, action: Action
) -> None:
    server.faults.add(action, operation="UploadPartCopy", part=part, times=None)
    async with client_of(server) as s3:
        with pytest.raises((ClientError, HTTPClientError)) as caught:
            await s3.copy(SOURCE, "target", "copy", Config=IN_PARTS)
    assert f"part {part} of 11 of {WHAT}" in str(caught.value)
    assert isinstance(caught.value, HTTPClientError if "reset" in action.name else ClientError)
    assert server.operations["AbortMultipartUpload"] == 1
    assert body_is(server, b"old")


@pytest.mark.parametrize(
    ("operation", "action"),
    each_with(["HeadObject", "GetObjectTagging", "CreateMultipartUpload", "CopyObject"], FAILURES),
    ids=name_of,
)
async def test_what_fails_before_or_beside_the_parts_says_what_was_copied(
    server: S3Server, operation: str, action: Action
) -> None:
    server.faults.add(action, operation=operation, times=None)
    async with client_of(server) as s3:
        with pytest.raises((ClientError, HTTPClientError)) as caught:
            await s3.copy(SOURCE, "target", "copy", Config=AT_ONCE if operation == "CopyObject" else IN_PARTS)
    assert f"copying {WHAT}" in str(caught.value)
    assert list(server.operations)[-1] == operation
    assert body_is(server, b"old")


@pytest.mark.parametrize("action", FAILURES, ids=name_of)
async def test_a_completion_that_fails_is_aborted(server: S3Server, action: Action) -> None:
    server.faults.add(action, operation="CompleteMultipartUpload", times=None)
    async with client_of(server) as s3:
        with pytest.raises((ClientError, HTTPClientError)) as caught:
            await s3.copy(SOURCE, "target", "copy", Config=IN_PARTS)
    assert f"copying {WHAT}" in str(caught.value)
    assert server.operations["AbortMultipartUpload"] == 1
    assert body_is(server, b"old")


@pytest.mark.parametrize("action", [refuse(403, "AccessDenied"), close()], ids=name_of)
async def test_an_object_that_cannot_be_tagged_is_said_to_exist(server: S3Server, action: Action) -> None:
    server.faults.add(action, operation="PutObjectTagging", times=None)
    async with client_of(server) as s3:
        with pytest.raises((ClientError, HTTPClientError)) as caught:
            await s3.copy(SOURCE, "target", "copy", Config=IN_PARTS)
    assert "s3://target/copy was copied and exists, but without its tags" in str(caught.value)
    assert "AbortMultipartUpload" not in server.operations
    assert body_is(server, BODY)


async def test_a_source_that_is_overwritten_meanwhile_is_not_spliced(server: S3Server) -> None:
    def other() -> None:
        server.store.find("source").put(Version("a key", BODY[::-1]))

    told: list[int] = []

    def tell(amount: int) -> None:
        told.append(amount)
        if len(told) == 4:
            other()

    async with client_of(server) as s3:
        with pytest.raises(S3CopyFailedError, match="PreconditionFailed") as caught:  # boto3's of that name is no more
            await s3.copy(SOURCE, "target", "copy", None, tell, None, IN_PARTS)
    assert isinstance(caught.value, ClientError)
    assert isinstance(caught.value, ConflictError)
    assert isinstance(caught.value.__cause__, ClientError)
    assert pickle.loads(pickle.dumps(caught.value)).response["Error"]["Code"] == "PreconditionFailed"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert "The source was replaced by another object while it was copied: copy it again (part " in str(caught.value)
    assert f" of 11 of {WHAT})" in str(caught.value)
    assert body_is(server, b"old")


async def test_a_source_that_is_overwritten_before_one_copy_is_copied_as_it_is_then(server: S3Server) -> None:
    server.faults.add(overwrite(b"old too"), operation="HeadObject", skip=1)
    async with client_of(server) as s3:
        await s3.copy(SOURCE, "target", "copy", Config=AT_ONCE)
    assert body_is(server, BODY)


async def test_a_callback_that_raises_ends_the_copy(server: S3Server) -> None:
    async def tell(amount: int) -> None:
        raise LookupError("mine")

    async with client_of(server) as s3:
        with pytest.raises(LookupError) as caught:
            await s3.copy(SOURCE, "target", "copy", None, tell, None, IN_PARTS)
    assert caught.value.args == ("mine",)
    assert body_is(server, b"old")


async def test_a_callback_that_awaits_something_cancelled_ends_the_copy(server: S3Server) -> None:
    """The worker that called it is lost; an object without its part would be worse."""
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    async with client_of(server) as s3:
        with pytest.raises(asyncio.CancelledError):
            await s3.copy(SOURCE, "target", "copy", None, lambda _: gone, None, IN_PARTS)
    assert body_is(server, b"old")


async def test_an_upload_that_cannot_be_aborted_is_told_with_the_reason(server: S3Server) -> None:
    server.faults.add(refuse(403, "AccessDenied"), operation="UploadPartCopy", part=2)
    server.faults.add(refuse(403, "NotThatEither"), operation="AbortMultipartUpload")
    async with client_of(server) as s3:
        with pytest.raises(ClientError, match=f"AccessDenied.*part 2 of 11 of {WHAT}") as caught:
            await s3.copy(SOURCE, "target", "copy", Config=IN_PARTS)
    [note] = caught.value.__notes__
    assert "NotThatEither" in note
    assert "of s3://target/copy could not be aborted" in note


async def answer_later(server: S3Server, *_: object) -> None:
    await server.released()


@pytest.mark.parametrize("action", [hang(), Action("answers late", performed=answer_later)], ids=name_of)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_cancelled_during_any_request_nothing_is_left(server: S3Server, operation: str, action: Action) -> None:
    server.faults.add(action, operation=operation, times=None)
    async with client_of(server) as s3:
        copying = asyncio.create_task(s3.copy(SOURCE, "target", "copy", Config=IN_PARTS))
        await eventually(lambda: server.operations[operation])
        await asyncio.sleep(0.02)
        copying.cancel()
        await asyncio.sleep(0.02)
        server.release()
        with pytest.raises(asyncio.CancelledError):
            await copying
        await eventually(lambda: server.open_uploads() == [])
    exists = operation == "PutObjectTagging" or (operation == "CompleteMultipartUpload" and action.performed)
    assert body_is(server, BODY if exists else b"old")


async def test_cancelled_at_any_moment_nothing_is_left(server: S3Server) -> None:
    chance = random.Random(4)
    async with client_of(server) as s3:
        cancelled, moments = 0, 100
        while cancelled < (1000 if DEEP else 30):
            copying = asyncio.create_task(s3.copy(SOURCE, "target", "copy", Config=IN_PARTS))
            for _ in range(chance.randrange(moments)):
                await asyncio.sleep(0 if chance.random() < 0.8 else 0.0005)
            done = copying.done()
            for _ in range(chance.choice([1, 1, 2, 3])):
                copying.cancel()
                await asyncio.sleep(0)
            [outcome] = await asyncio.gather(copying, return_exceptions=True)
            assert outcome is None if done else isinstance(outcome, asyncio.CancelledError)
            assert server.open_uploads() == []
            cancelled += not done
            moments = max(10, moments - done)  # however fast this machine is, most of them are cancelled
        assert server.operations["AbortMultipartUpload"] > 5
