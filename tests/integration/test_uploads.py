"""What uploads send, beside what boto3's send, and what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
import io
import os
import pathlib
import pickle
import random
import re
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig as Boto3Config
from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError, ReadTimeoutError

import aiosdk
from aiosdk._off_loop import call
from aiosdk.exceptions import FileChangedError, S3UploadFailedError
from aiosdk.services.s3 import upload as upload_module
from aiosdk.services.s3.checksums import as_text
from aiosdk.services.s3.sources import open_path
from tests.support.s3_answers import Answer, error
from tests.support.s3_faults import Action, close, hang, refuse, say, stop_receiving
from tests.support.s3_requests import S3Request
from tests.support.s3_server import S3Server
from tests.support.s3_store import S3Error
from tests.support.waiting import eventually, nothing_is_left

__all__ = ["nothing_is_left"]

MIB = 2**20
DATA = random.Random(7).randbytes(11 * MIB)
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
PARTS = aiosdk.s3.TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=2)


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    with S3Server("bucket", minimum_part_size=5 * MIB) as running:
        yield running


@pytest.fixture
async def s3(s3_server: S3Server) -> AsyncIterator[Any]:
    config = Config(retries={"total_max_attempts": 2}, read_timeout=5)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        yield await session.client("s3")
        await eventually(lambda: session.pool.stats().in_use == 0)


# What is sent


ARGUMENTS: dict[str, dict[str, Any]] = {
    "none": {},
    "content type": {"ContentType": "text/html", "CacheControl": "no-cache", "Metadata": {"a": "b"}},
    "storage": {"StorageClass": "STANDARD_IA", "Tagging": "a=b&c=d", "ACL": "private"},
    "owner": {"RequestPayer": "requester", "ExpectedBucketOwner": "123456789012"},
    "key": {"SSECustomerKey": "k" * 32, "SSECustomerAlgorithm": "AES256"},
    "SHA256": {"ChecksumAlgorithm": "SHA256"},
    "composite": {"ChecksumAlgorithm": "CRC32", "ChecksumType": "COMPOSITE"},
    "known checksum": {"ChecksumCRC32": as_text(zlib.crc32(DATA).to_bytes(4, "big"))},
}
# What is of each request, or of each client.
UNLIKE = {
    *("authorization", "x-amz-date", "amz-sdk-invocation-id", "user-agent", "accept-encoding", "host", "connection"),
    *("expect", "x-amz-checksum-type"),  # ours go without asking up to 1 MiB, and have the whole object checked
}


def requests(server: S3Server) -> list[Any]:
    """What was sent but for completions, each with its headers; those that are compared."""
    kept = [each for each in server.seen if each.operation != "CompleteMultipartUpload"]
    found = [
        (
            each.operation,
            each.part or 0,
            each.received,
            {name: text for name, text in each.headers.items() if name not in UNLIKE},
        )
        for each in kept
    ]
    return sorted(found, key=lambda each: each[:2])


def upload_by_boto3(url: str, data: bytes, arguments: dict[str, Any]) -> None:
    client = boto3.Session(**KEYS).client("s3", endpoint_url=url)
    config = Boto3Config(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    client.upload_fileobj(io.BytesIO(data), "bucket", "key", ExtraArgs=arguments, Config=config)
    client.close()


@pytest.mark.parametrize("size", [0, 1000, 11 * MIB])
@pytest.mark.parametrize("name", ARGUMENTS)
async def test_requests_are_those_of_boto3(name: str, size: int, s3: Any, s3_server: S3Server) -> None:
    arguments, data = ARGUMENTS[name], DATA[:size]
    if name == "known checksum":
        arguments = {"ChecksumCRC32": as_text(zlib.crc32(data).to_bytes(4, "big"))}
    await s3.upload_fileobj(io.BytesIO(data), "bucket", "key", ExtraArgs=dict(arguments), Config=PARTS)
    ours, done = requests(s3_server), s3_server.body("key")
    s3_server.seen.clear()
    await asyncio.to_thread(upload_by_boto3, s3_server.url, data, dict(arguments))
    assert ours == requests(s3_server)
    assert done == data == s3_server.body("key")


async def test_the_whole_object_is_checked_where_the_server_can(s3: Any, s3_server: S3Server) -> None:
    await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    completion = next(each for each in s3_server.seen if each.operation == "CompleteMultipartUpload")
    assert completion.headers["x-amz-checksum-crc32"] == as_text(zlib.crc32(DATA).to_bytes(4, "big"))
    found = await s3.head_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
    assert found["ChecksumType"] == "FULL_OBJECT"
    assert found["ChecksumCRC32"] == completion.headers["x-amz-checksum-crc32"]


def without(names: str, status: int, code: str, text: str) -> Action:
    """Refuses what has one of some headers, as stores do that do not know them."""

    async def asked(_: S3Server, request: S3Request) -> Answer | None:
        if request.headers.keys().isdisjoint(names.split()):
            return None
        return error(S3Error(status, code, text), request.key)

    return Action("refuses a header", asked=asked)


REFUSALS = {
    "r2": (501, "NotImplemented", "Header 'x-amz-checksum-type' with value 'FULL_OBJECT' not implemented"),
    "invalid": (400, "InvalidRequest", "The checksum type is not supported for the algorithm"),
    "silent": (400, "InvalidArgument", "Invalid Argument"),
}


@pytest.mark.parametrize(
    ("refusal", "name"),
    [*((each, "none") for each in REFUSALS), ("r2", "owner"), ("r2", "SHA256"), ("r2", "composite")],
)
async def test_a_store_that_refuses_checksums_of_whole_objects_gets_what_boto3_sends(
    refusal: str, name: str, s3: Any, s3_server: S3Server
) -> None:
    arguments = ARGUMENTS[name]
    if name != "composite":
        action = without("x-amz-checksum-type", *REFUSALS[refusal])
        s3_server.faults.add(action, operation="CreateMultipartUpload", times=None)
    await s3.upload_fileobj(DATA, "bucket", "key", ExtraArgs=dict(arguments), Config=PARTS)
    asked_in_vain = name in ("none", "owner")
    assert s3_server.operations["CreateMultipartUpload"] == 1 + asked_in_vain
    if asked_in_vain:
        del s3_server.seen[0]
    ours = everything(s3_server)
    s3_server.seen.clear()
    await asyncio.to_thread(upload_by_boto3, s3_server.url, DATA, dict(arguments))
    assert ours == everything(s3_server)
    assert s3_server.body("key") == DATA
    assert s3_server.open_uploads() == []


def everything(server: S3Server) -> list[Any]:
    """What was sent, completions too, whose parts are compared as they are listed."""
    unlike = UNLIKE - {"x-amz-checksum-type"} | {"content-length", "x-amz-content-sha256"}
    found = [
        (
            each.operation,
            each.part or 0,
            {name: text for name, text in each.headers.items() if name not in unlike},
            sorted(re.findall(rb"<(\w+)>([^<]*)</", each.body)) if each.operation.startswith("Complete") else each.body,
        )
        for each in server.seen
    ]
    return sorted(found, key=lambda each: each[:2])


async def test_a_store_is_asked_once_for_what_it_has_refused(s3: Any, s3_server: S3Server) -> None:
    action = without("x-amz-checksum-type", *REFUSALS["r2"])
    s3_server.faults.add(action, operation="CreateMultipartUpload", times=None)
    for _ in range(3):
        await s3.with_options(attempts=3).upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.operations["CreateMultipartUpload"] == 4


async def test_a_creation_that_was_refused_for_something_else_is_asked_for_all_it_can(
    s3: Any, s3_server: S3Server
) -> None:
    s3_server.faults.add(refuse(400, "RequestTimeout"), operation="CreateMultipartUpload", times=2)
    for _ in range(2):
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    kinds = [each.headers.get("x-amz-checksum-type") for each in s3_server.seen if each.operation.startswith("Create")]
    assert kinds[-1] == "FULL_OBJECT"


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket"])
async def test_what_is_refused_for_good_is_not_asked_for_again(code: str, s3: Any, s3_server: S3Server) -> None:
    status = 403 if code == "AccessDenied" else 404
    s3_server.faults.add(refuse(status, code), operation="CreateMultipartUpload", times=None)
    with pytest.raises(S3UploadFailedError, match=code):
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.operations["CreateMultipartUpload"] == 1


@pytest.mark.parametrize("size", [1000, 11 * MIB])
async def test_a_store_that_refuses_checksums_is_told_of_and_takes_uploads_without(
    size: int, s3: Any, s3_server: S3Server
) -> None:
    text = "A header you provided implies functionality that is not implemented"
    headers = "x-amz-checksum-algorithm x-amz-checksum-crc32 x-amz-sdk-checksum-algorithm"
    s3_server.faults.add(without(headers, 501, "NotImplemented", text), times=None)
    with pytest.raises(S3UploadFailedError, match="when_required") as caught:
        await s3.upload_fileobj(DATA[:size], "bucket", "key", Config=PARTS)
    assert caught.value.response["Error"]["Message"] == text
    assert s3_server.open_uploads() == []
    config = Config(request_checksum_calculation="when_required")
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        await (await session.client("s3")).upload_fileobj(DATA[:size], "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA[:size]


async def test_without_checksums_where_the_client_wants_none(s3_server: S3Server) -> None:
    config = Config(request_checksum_calculation="when_required")
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        s3 = await session.client("s3")
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA
    assert not any("checksum" in name.lower() for each in s3_server.seen for name in each.headers)


async def test_a_large_file_below_a_larger_threshold_is_sent_from_the_disk(
    s3: Any, s3_server: S3Server, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_bytes, DATA)
    config = aiosdk.s3.TransferConfig(multipart_threshold=100 * MIB, multipart_chunksize=5 * MIB, max_concurrency=1)
    counted: list[int] = []
    await s3.upload_file(path, "bucket", "key", Config=config, Callback=counted.append)
    assert [each.operation for each in s3_server.seen] == ["PutObject"]
    assert s3_server.body("key") == DATA
    assert sum(counted) == len(DATA)


async def test_a_source_that_has_more_than_it_says_is_uploaded_whole(s3: Any, s3_server: S3Server) -> None:
    class Growing(io.BytesIO):
        """As a log that is written to meanwhile."""

        grown = False

        def tell(self) -> int:
            return min(super().tell(), 1000)

    for size in (5000, 11 * MIB):
        await s3.upload_fileobj(Growing(DATA[:size]), "bucket", "key", Config=PARTS)
        assert s3_server.body("key") == DATA[:size]


@pytest.mark.parametrize("size", [0, 1000, 6 * MIB])
async def test_a_source_that_has_less_than_it_says_is_uploaded_as_it_is(
    size: int, s3: Any, s3_server: S3Server
) -> None:
    class Boasting(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            self.at_end = whence == io.SEEK_END
            return super().seek(offset, whence)

        def tell(self) -> int:
            return 20 * MIB if getattr(self, "at_end", False) else super().tell()

    await s3.upload_fileobj(Boasting(DATA[:size]), "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA[:size]
    assert s3_server.open_uploads() == []


async def test_a_source_that_moves_to_its_end_and_not_back_is_no_empty_object(s3: Any, s3_server: S3Server) -> None:
    class Stuck(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            if whence != io.SEEK_END:
                raise OSError("stuck at the end")
            return super().seek(offset, whence)

    with pytest.raises(OSError, match="stuck at the end"):
        await s3.upload_fileobj(Stuck(DATA), "bucket", "key", Config=PARTS)
    assert s3_server.seen == []


async def test_a_source_that_does_not_move_to_its_end_is_read_as_a_stream(s3: Any, s3_server: S3Server) -> None:
    class Onward(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            if whence == io.SEEK_END:
                raise ValueError("from the start only")  # as gzip's file says where it is written
            return super().seek(offset, whence)

    await s3.upload_fileobj(Onward(DATA), "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA


async def test_the_position_of_a_file_is_where_reading_would_have_left_it(
    s3: Any, s3_server: S3Server, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_bytes, DATA)
    file: Any = await asyncio.to_thread(open, path, "r+b")
    await asyncio.to_thread(file.seek, 1000)
    await s3.upload_fileobj(file, "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA[1000:]
    assert await asyncio.to_thread(file.tell) == len(DATA)
    assert not file.closed
    await asyncio.to_thread(file.close)
    buffer = io.BytesIO(DATA)
    buffer.seek(10)
    await s3.upload_fileobj(buffer, "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA[10:]
    assert buffer.tell() == len(DATA)


async def test_an_object_is_uploaded_from_another_ones_body(s3: Any, s3_server: S3Server) -> None:
    s3_server.put("source", DATA)
    answer = await s3.get_object(Bucket="bucket", Key="source")
    await s3.upload_fileobj(answer["Body"], "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA


async def test_resources_upload_too_and_drop_what_they_had_loaded(s3_server: S3Server, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_bytes, b"file")
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        bucket = (await session.resource("s3")).Bucket("bucket")
        await bucket.upload_fileobj(b"bytes", "key")
        assert s3_server.body("key") == b"bytes"
        obj = await bucket.Object("key").load()
        await obj.upload_file(path, ExtraArgs={"ContentType": "text/plain"})
        with pytest.raises(aiosdk.NotLoadedError, match="upload_file"):
            _ = obj.content_length
        assert (await obj.load()).content_type == "text/plain"
        await bucket.upload_file(path, "other")
        await obj.upload_fileobj(b"again")
    assert s3_server.body("key") == b"again"
    assert s3_server.body("other") == b"file"


# Progress


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 11 * MIB])
async def test_callbacks_are_told_each_byte_once_although_a_part_is_sent_twice(
    size: int, s3: Any, s3_server: S3Server
) -> None:
    s3_server.faults.add(refuse(503, "SlowDown"), operation="UploadPart", part=1)
    counted: list[int] = []

    async def count(more: int) -> None:
        await asyncio.sleep(0)
        counted.append(more)

    await s3.upload_fileobj(DATA[:size], "bucket", "key", Config=PARTS, Callback=count)
    assert sum(counted) == size
    assert all(each > 0 for each in counted)


async def test_what_a_callback_raises_ends_the_upload(s3: Any, s3_server: S3Server) -> None:
    def refuse_to_count(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS, Callback=refuse_to_count)
    assert s3_server.open_uploads() == []
    assert s3_server.operations["AbortMultipartUpload"] == 1


# What goes wrong


async def test_an_error_of_the_users_keeps_its_arguments_and_gets_a_note(s3: Any, s3_server: S3Server) -> None:
    class TheirError(Exception):
        pass

    def tell(_: int) -> None:
        raise TheirError("code", 42)

    with pytest.raises(TheirError) as caught:
        await s3.upload_fileobj(b"text", "bucket", "key", Callback=tell)
    assert caught.value.args == ("code", 42)
    assert caught.value.__notes__ == ["uploading bytes in memory to s3://bucket/key"]


async def test_an_error_says_which_part_of_what_and_aborts(s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(refuse(403, "AccessDenied"), operation="UploadPart", part=2, times=None)
    with pytest.raises(S3UploadFailedError, match=r"part 2 of 3.*to s3://bucket/key") as caught:
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert isinstance(caught.value, ClientError)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert caught.value.operation_name == "UploadPart"
    assert isinstance(caught.value.__cause__, ClientError)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert twin.response["Error"] == caught.value.response["Error"]
    assert s3_server.open_uploads() == []


async def test_a_failure_to_abort_is_told_with_the_error(s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(refuse(403, "AccessDenied"), operation="UploadPart", times=None)
    s3_server.faults.add(refuse(500, "InternalError"), operation="AbortMultipartUpload", times=None)
    with pytest.raises(S3UploadFailedError) as caught:
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert any("could not be aborted" in note for note in caught.value.__cause__.__notes__)


async def test_a_part_that_arrives_damaged_is_sent_again(s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(refuse(400, "BadDigest"), operation="UploadPart", part=2)
    s3_server.faults.add(say(x_amz_checksum_crc32="AAAAAA=="), operation="UploadPart", part=3)
    await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA
    assert s3_server.operations["UploadPart"] == 5


async def test_a_part_that_always_arrives_damaged_is_an_error(s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(say(x_amz_checksum_crc32="AAAAAA=="), operation="UploadPart", part=3, times=None)
    with pytest.raises(FlexibleChecksumError, match="part 3 of 3"):
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize(
    "fault",
    [stop_receiving(2 * MIB), stop_receiving(0), close("asked"), close("performed")],
    ids=lambda each: each.name,
)
async def test_a_connection_that_breaks_is_made_up_for(fault: Any, s3: Any, s3_server: S3Server) -> None:
    for part in (1, 3):
        s3_server.faults.add(fault, operation="UploadPart", part=part)
    await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA


@pytest.mark.parametrize("part", [1, 3])
async def test_an_answer_that_comes_before_the_body_was_taken_is_read(part: int, s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(refuse(403, "AccessDenied", early=True), operation="UploadPart", part=part, times=None)
    with pytest.raises(S3UploadFailedError, match="AccessDenied"):
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize("part", [1, 3])
async def test_a_server_that_does_not_take_the_body_is_not_waited_for_for_ever(part: int, s3_server: S3Server) -> None:
    fault = hang()
    fault.receive_at_most = MIB
    s3_server.faults.add(fault, operation="UploadPart", part=part, times=None)
    config = Config(retries={"total_max_attempts": 1}, read_timeout=0.5)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        s3 = await session.client("s3")
        with pytest.raises(ReadTimeoutError, match=f"part {part} of"):
            await s3.upload_fileobj(DATA * 2, "bucket", "key", Config=PARTS)
        assert s3_server.open_uploads() == []
    s3_server.release()


async def test_a_completion_whose_answer_is_lost_is_no_failure(s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(close("performed"), operation="CompleteMultipartUpload")
    await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA


async def test_an_object_that_somebody_else_made_is_not_taken_for_ours(s3: Any, s3_server: S3Server) -> None:
    s3_server.put("key", b"theirs")
    s3_server.faults.add(refuse(500, "InternalError"), operation="CompleteMultipartUpload")
    s3_server.faults.add(refuse(404, "NoSuchUpload"), operation="CompleteMultipartUpload", times=None)
    with pytest.raises(S3UploadFailedError, match="NoSuchUpload"):
        await s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS)


async def test_a_file_that_becomes_shorter_is_no_object(s3: Any, s3_server: S3Server, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_bytes, DATA)

    async def cut(_: int) -> None:
        await asyncio.to_thread(os.truncate, path, 6 * MIB)

    one = aiosdk.s3.TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, use_threads=False)
    with pytest.raises(FileChangedError, match=f"{len(DATA)} bytes, and ended after {6 * MIB}"):
        await s3.upload_file(path, "bucket", "key", Config=one, Callback=cut)
    assert s3_server.open_uploads() == []
    assert not s3_server.store.find("bucket").has("key")


class MixedReader:
    """A file that gives a little, now as bytes, now in another kind of buffer."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._reads = 0

    def read(self, size: int = -1) -> bytes | bytearray | memoryview:
        self._reads += 1
        return (bytes, bytearray, memoryview)[self._reads % 3](self._file.read(min(size, 1000)))


def one_buffer_again_and_again(data: bytes) -> Iterator[memoryview]:
    file, buffer = io.BytesIO(data), bytearray(1000)
    while size := file.readinto(buffer):
        yield memoryview(buffer)[:size]


def a_buffer_that_is_emptied(data: bytes) -> Iterator[bytearray]:
    file, buffer = io.BytesIO(data), bytearray()
    while piece := file.read(1000):
        buffer += piece
        yield buffer
        buffer.clear()


async def asynchronously(chunks: Iterator[Any]) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


BUFFERS: dict[str, Callable[[bytes], Any]] = {
    "a file that gives several kinds": MixedReader,
    "the same buffer": one_buffer_again_and_again,
    "the same buffer, asynchronously": lambda data: asynchronously(one_buffer_again_and_again(data)),
    "an emptied buffer": a_buffer_that_is_emptied,
    "an emptied buffer, asynchronously": lambda data: asynchronously(a_buffer_that_is_emptied(data)),
    "every other byte": lambda data: memoryview(bytes(each for byte in data for each in (byte, 0)))[::2],
}


@pytest.mark.parametrize("name", BUFFERS)
async def test_bytes_may_come_in_any_buffer(name: str, s3: Any, s3_server: S3Server) -> None:
    await s3.upload_fileobj(BUFFERS[name](DATA[:30_500]), "bucket", "key", Config=PARTS)
    assert s3_server.body("key") == DATA[:30_500]


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="there is no /proc")
async def test_a_file_that_says_it_is_empty_and_is_not_is_read(s3: Any, s3_server: S3Server) -> None:
    path = pathlib.Path("/proc/cpuinfo")
    expected = (await asyncio.to_thread(path.read_bytes)).splitlines()[:3]
    await s3.upload_file(path, "bucket", "by path")
    file = await asyncio.to_thread(path.open, "rb")
    await s3.upload_fileobj(file, "bucket", "open")
    await asyncio.to_thread(file.close)
    assert [s3_server.body(key).splitlines()[:3] for key in ("by path", "open")] == [expected, expected]


async def test_a_file_is_not_read_any_more_after_a_cancelled_upload(s3: Any, s3_server: S3Server) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            time.sleep(0.02)
            return super().read(1000 if size is None or size < 0 else min(size, 1000))

    file = Slow(DATA[:100_000])
    upload = asyncio.create_task(s3.upload_fileobj(file, "bucket", "key"))
    await eventually(lambda: file.tell() > 0 or upload.done())
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    file.seek(0)
    await asyncio.sleep(0.1)
    assert file.tell() == 0
    assert s3_server.seen == []


def times_open(path: pathlib.Path) -> int:
    return [os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")].count(str(path))


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="there is no /proc")
@pytest.mark.parametrize("what", ["open", "dup"])
async def test_a_file_that_is_opened_when_nobody_wants_it_any_more_is_closed(
    what: str, s3: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_bytes, DATA)
    given = await asyncio.to_thread(path.open, "rb")
    real, begun, go_on = getattr(os, what), threading.Event(), threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        go_on.wait(15)
        return real(*args, **kwargs)

    monkeypatch.setattr(os, what, slow)
    sending = s3.upload_file(path, "bucket", "key") if what == "open" else s3.upload_fileobj(given, "bucket", "key")
    upload = asyncio.create_task(sending)
    await eventually(begun.is_set)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):  # at once: to open a pipe may take for ever
        await upload
    monkeypatch.undo()
    go_on.set()
    await eventually(lambda: not any(each.name == "aiosdk-off-loop" for each in threading.enumerate()))
    assert await asyncio.to_thread(times_open, path) == 1
    await asyncio.to_thread(given.close)


async def test_a_failing_source_ends_the_upload(s3: Any, s3_server: S3Server) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield DATA[: 7 * MIB]
        raise ZeroDivisionError("the source is broken")

    with pytest.raises(ZeroDivisionError, match="the source is broken"):
        await s3.upload_fileobj(half(), "bucket", "key", Config=PARTS)
    assert s3_server.open_uploads() == []


MISTAKES: dict[str, tuple[Callable[[pathlib.Path], Any], type[Exception], str]] = {
    "text": (lambda _: "text", TypeError, "upload_file"),
    "text, as boto3": (lambda _: "text", ValueError, "upload_file"),
    "text file": (lambda folder: (folder / "t").write_text("t") and (folder / "t").open(), TypeError, "binary mode"),
    "text chunks": (lambda _: ["a"], TypeError, "gives text"),
    "numbers": (lambda _: [1, 2], TypeError, "int objects"),
    "nothing": (lambda _: None, ValueError, "Fileobj must implement read"),
    "a number": (lambda _: 5, ValueError, "Fileobj must implement read"),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_wrong_source_is_explained(name: str, s3: Any, s3_server: S3Server, tmp_path: pathlib.Path) -> None:
    make, kind, text = MISTAKES[name]
    source = await asyncio.to_thread(make, tmp_path)
    with pytest.raises(kind, match=text):
        await s3.upload_fileobj(source, "bucket", "key")
    assert s3_server.seen == []
    if hasattr(source, "close"):
        await asyncio.to_thread(source.close)


async def test_what_aioboto3_processes_is_given_as_an_iterator(s3: Any, s3_server: S3Server) -> None:
    with pytest.raises(TypeError, match="Give an iterator"):
        await s3.upload_fileobj(io.BytesIO(DATA), "bucket", "key", None, None, PARTS, bytes.upper)
    assert s3_server.seen == []
    await s3.upload_fileobj((each.upper() for each in (b"a", b"b")), "bucket", "key")
    assert s3_server.body("key") == b"AB"


async def test_wrong_arguments_are_explained_before_anything_is_sent(
    s3: Any, s3_server: S3Server, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(ValueError, match="Filename must be a string or a path-like object"):
        await s3.upload_file(b"path", "bucket", "key")
    with pytest.raises(FileNotFoundError, match="missing"):
        await s3.upload_file(tmp_path / "missing", "bucket", "key")
    with pytest.raises(IsADirectoryError, match="upload_dir"):
        await s3.upload_file(tmp_path, "bucket", "key")
    with pytest.raises(ValueError, match="Invalid extra_args key 'Foo', must be one of: ACL"):
        await s3.upload_fileobj(b"", "bucket", "key", ExtraArgs={"Foo": 1})
    with pytest.raises(ValueError, match="must be greater than 0"):
        await s3.upload_fileobj(b"", "bucket", "key", Config=aiosdk.s3.TransferConfig(max_concurrency=0))
    with pytest.raises(TypeError, match="no transfer configuration"):
        await s3.upload_fileobj(b"", "bucket", "key", Config={"max_concurrency": 1})
    with pytest.raises(ValueError, match="There is no checksum 'FOO'"):
        await s3.upload_fileobj(b"", "bucket", "key", ExtraArgs={"ChecksumAlgorithm": "foo"})
    with pytest.raises(TypeError, match="cannot be called"):
        await s3.upload_fileobj(b"", "bucket", "key", Callback=5)
    assert s3_server.seen == []


async def test_a_relative_path_is_what_it_was_when_the_upload_began(
    s3: Any, s3_server: S3Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call((tmp_path / "elsewhere").mkdir)
    await call((tmp_path / "file").write_bytes, b"abc")

    async def open_later(path: str) -> Any:
        monkeypatch.chdir(tmp_path / "elsewhere")
        return await open_path(path)

    await call(monkeypatch.chdir, tmp_path)
    monkeypatch.setattr(upload_module, "open_path", open_later)
    await s3.upload_file("file", "bucket", "key")
    assert s3_server.body("key") == b"abc"


async def test_a_cancelled_creation_is_aborted_all_the_same(s3: Any, s3_server: S3Server) -> None:
    s3_server.faults.add(hang(), operation="CreateMultipartUpload")
    upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS))
    await eventually(lambda: s3_server.seen)
    upload.cancel()
    await asyncio.sleep(0.05)
    s3_server.release()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert s3_server.open_uploads() == []
    assert s3_server.operations["AbortMultipartUpload"] == 1


@pytest.mark.parametrize("what", ["session", "client"])
async def test_an_upload_under_way_is_aborted_when_what_it_needs_is_closed(what: str, s3_server: S3Server) -> None:
    s3_server.faults.add(hang(), operation="UploadPart", part=2)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        s3 = await session.client("s3")
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key", Config=PARTS))
        await eventually(lambda: s3_server.operations["UploadPart"] >= 2)
        await (session.close() if what == "session" else s3.close())
        assert s3_server.open_uploads() == []
        s3_server.release()
        with pytest.raises(Exception, match=r"closed|NoSuchUpload"):
            await upload
    assert s3_server.open_uploads() == []
