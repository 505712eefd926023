"""A cancelled upload ends soon whatever its requests wait for, and leaves nothing open or says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from aiosdk.services.s3 import multipart
from tests.support.s3_faults import Action, hang, refuse
from tests.support.s3_server import S3Server
from tests.support.waiting import LONG, eventually, nothing_is_left

if TYPE_CHECKING:
    from tests.support.s3_requests import S3Request

__all__ = ["nothing_is_left"]

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
DATA = bytes(9_000_000)
SOON = 0.05


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    with S3Server("bucket") as running:
        running.put("large", DATA)
        yield running


async def ends(upload: asyncio.Task[Any]) -> asyncio.CancelledError:
    """The error with which a cancelled upload ends, which it does."""
    done, _ = await asyncio.wait([upload], timeout=LONG)
    assert done, "it goes on"
    try:
        upload.result()
    except asyncio.CancelledError as error:
        return error
    raise AssertionError("it was not cancelled")


def notes(error: BaseException | None) -> str:
    """What was noted on an error and on those before it."""
    found = ""
    while error is not None:
        found += "".join(getattr(error, "__notes__", ()))
        error = error.__context__
    return found


@pytest.mark.parametrize("timeout", [None, 60])
async def test_one_that_waits_for_a_connection_ends_at_once(timeout: float | None, s3_server: S3Server) -> None:
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, max_connections=1) as session:
        s3 = (await session.client("s3")).with_options(timeout=timeout)
        body = (await s3.get_object(Bucket="bucket", Key="large"))["Body"]
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key"))
        await eventually(lambda: session.pool.stats().waiting)
        upload.cancel()
        await ends(upload)
        assert session.pool.stats().waiting == 0
        body.close()
        await eventually(lambda: session.pool.stats().in_use == 0)
    assert s3_server.operations["CreateMultipartUpload"] == 0


@pytest.mark.parametrize("timeout", [None, 60])
async def test_one_that_waits_for_its_next_attempt_ends_at_once(timeout: float | None, s3_server: S3Server) -> None:
    s3_server.faults.add(refuse(503, "InternalError", retry_after="19"), "CreateMultipartUpload", times=None)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        s3 = (await session.client("s3")).with_options(timeout=timeout)
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key"))
        await eventually(lambda: s3_server.seen and session.pool.stats().in_use == 0)
        upload.cancel()
        await ends(upload)
    assert s3_server.operations["CreateMultipartUpload"] == 1


async def test_one_whose_creation_fails_makes_no_other_attempt(s3_server: S3Server) -> None:
    async def asked(server: S3Server, request: S3Request) -> Any:
        await server.released()
        action = refuse(500, "InternalError")
        assert action.asked is not None
        return await action.asked(server, request)

    s3_server.faults.add(Action("hangs and fails", asked=asked), "CreateMultipartUpload", times=None)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        s3 = await session.client("s3")
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key"))
        await eventually(lambda: s3_server.seen)
        upload.cancel()
        await asyncio.sleep(SOON)
        assert not upload.done(), "the answer was not waited for"
        s3_server.release()
        await ends(upload)
    assert s3_server.operations["CreateMultipartUpload"] == 1


@pytest.mark.parametrize("times", [1, 3])
async def test_one_whose_creation_is_not_answered_ends_and_says_what_may_be_open(
    times: int, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(multipart, "_LONGEST_CREATION", 4 * SOON)
    s3_server.faults.add(hang(), "CreateMultipartUpload", times=None)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        s3 = await session.client("s3")
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key"))
        await eventually(lambda: s3_server.seen)
        for _ in range(times):
            upload.cancel()
            await asyncio.sleep(SOON)
        error = await ends(upload)
        await eventually(lambda: session.pool.stats().open == 0)
    assert s3_server.operations["CreateMultipartUpload"] == 1
    for text in (notes(error), caplog.text):
        assert "A multipart upload of s3://bucket/key may be open" in text


async def test_its_abort_goes_before_those_that_wait_for_a_connection(s3_server: S3Server) -> None:
    s3_server.faults.add(hang(), "UploadPart", times=None)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, max_connections=1) as session:
        s3 = await session.client("s3")
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key"))
        await eventually(lambda: s3_server.operations["UploadPart"])
        others = [asyncio.create_task(s3.get_object(Bucket="bucket", Key="large")) for _ in range(3)]
        await eventually(lambda: session.pool.stats().waiting > 3)
        upload.cancel()
        first = await others[0]  # which has the connection of the part
        await eventually(lambda: session.pool.stats().waiting == 3)
        first["Body"].close()
        await ends(upload)
        assert s3_server.open_uploads() == []
        for other in others[1:]:
            (await other)["Body"].close()


@pytest.mark.parametrize("times", [1, 3])
async def test_one_that_cannot_be_aborted_in_time_ends_and_says_so(
    times: int, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(multipart, "_LONGEST_ABORT", 4 * SOON)
    s3_server.faults.add(hang(), "UploadPart", times=None)
    s3_server.faults.add(hang(), "AbortMultipartUpload", times=None)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        s3 = await session.client("s3")
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key"))
        await eventually(lambda: s3_server.operations["UploadPart"])
        for _ in range(times):
            upload.cancel()
            await asyncio.sleep(SOON)
        error = await ends(upload)
    [number] = s3_server.store.find("bucket").uploads
    for text in (notes(error), caplog.text):
        assert f"The multipart upload {number} of s3://bucket/key could not be aborted" in text
