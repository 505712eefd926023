"""What downloads send, where their bytes go, and what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import pathlib
import random
import stat
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from boto3.s3.transfer import TransferConfig as Boto3Config
from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError, ReadTimeoutError

import aiosdk
from aiosdk.exceptions import RetriesExceededError, UnexpectedRangeError
from aiosdk.services.s3 import path_sinks
from tests.integration.conftest import Boto3
from tests.support.s3_answers import Answer
from tests.support.s3_faults import Action, corrupt, hang, overwrite, refuse, say, truncate
from tests.support.s3_requests import S3Request
from tests.support.s3_server import S3Server
from tests.support.s3_store import Version
from tests.support.waiting import eventually, nothing_is_left

__all__ = ["nothing_is_left"]

KIB = 1024
PART, THRESHOLD = 100 * KIB, 250 * KIB
DATA = random.Random(5).randbytes(1000 * KIB + 7)
SMALL = DATA[: THRESHOLD - 1]
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
PARTS = aiosdk.s3.TransferConfig(multipart_threshold=THRESHOLD, multipart_chunksize=PART, max_concurrency=3)


@pytest.fixture(autouse=True)
def detect_blocking_calls() -> Iterator[None]:
    """Those of the package alone: the tests read what it has written."""
    with blockbuster_ctx("aiosdk"):
        yield


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    with S3Server("bucket") as running:
        yield running


@pytest.fixture
async def s3(s3_server: S3Server) -> AsyncIterator[Any]:
    config = Config(retries={"total_max_attempts": 2}, read_timeout=2)
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        yield await session.client("s3")
        await eventually(lambda: session.pool.stats().in_use == 0)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def put(server: S3Server, data: bytes, **more: Any) -> Version:
    version = Version("key", data, checksums={"crc32": crc32(data)}, **more)
    return server.store.find("bucket").put(version)


def names(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


# Where the bytes go


class Writer:
    """Can be written to and nothing else."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        assert type(data) is bytes
        self.data += data


class AsyncWriter(Writer):
    async def write(self, data: bytes) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().write(data)


class WriterOfAwaitables(Writer):
    """`write` is no coroutine function, and what it gives must be awaited all the same."""

    def write(self, data: bytes) -> Any:  # type: ignore[override]
        async def later() -> None:
            assert threading.current_thread() is threading.main_thread()
            self.data += data

        return later()


class RawWriter(io.RawIOBase):
    """Takes as much as it likes."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data[: 1 + len(data) // 2])
        self.data += taken
        return len(taken)


@pytest.mark.parametrize("size", [0, 1, THRESHOLD - 1, THRESHOLD, THRESHOLD + 1, 3 * PART, len(DATA)])
async def test_every_size_comes_into_every_kind_of_sink(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, size: int
) -> None:
    data = DATA[:size]
    put(s3_server, data)
    path = folder / "target"
    for filename in (str(path), path):
        told: list[int] = []
        await s3.download_file("bucket", "key", filename, Callback=told.append, Config=PARTS)
        assert path.read_bytes() == data
        assert sum(told) == size
        assert names(folder) == ["target"]
        path.unlink()
    memory = io.BytesIO(b"before")
    memory.seek(6)
    await s3.download_fileobj("bucket", "key", memory, Config=PARTS)
    assert memory.getvalue() == b"before" + data
    assert memory.tell() == 6 + size
    for writer in (Writer(), AsyncWriter(), WriterOfAwaitables(), RawWriter()):
        told = []
        await s3.download_fileobj("bucket", "key", writer, Callback=told.append, Config=PARTS)
        assert writer.data == data
        assert sum(told) == size


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "w+b"])
@pytest.mark.parametrize("buffering", [0, -1])
async def test_an_open_file_is_written_to_from_where_it_stands_and_stays_open(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, mode: str, buffering: int
) -> None:
    put(s3_server, DATA)
    path = folder / "target"
    path.write_bytes(b"before, and after")

    def opened() -> Any:
        file = path.open(mode, buffering)
        if "w" in mode:
            file.write(b"before")
        file.seek(6)
        return file

    file = await asyncio.to_thread(opened)
    await s3.download_fileobj("bucket", "key", file, Config=PARTS)
    start = 17 if mode == "ab" else 6
    assert await asyncio.to_thread(file.tell) == start + len(DATA)
    await asyncio.to_thread(file.close)
    assert path.read_bytes() == b"before, and after"[:start] + DATA


async def test_a_pipe_gets_the_bytes_in_order(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, DATA)
    path = folder / "pipe"
    os.mkfifo(path)
    reading = asyncio.create_task(asyncio.to_thread(path.read_bytes))
    await s3.download_file("bucket", "key", str(path), Config=PARTS)
    assert await reading == DATA
    assert names(folder) == ["pipe"]


async def test_a_device_is_written_to_as_it_is(s3: Any, s3_server: S3Server) -> None:
    put(s3_server, DATA)
    await s3.download_file("bucket", "key", "/dev/null", Config=PARTS)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert not [name for name in os.listdir("/dev") if name.startswith("null.")]


async def test_a_link_is_replaced_by_the_file_as_boto3_does(
    ours: aiosdk.Session, theirs: Boto3, folder: pathlib.Path
) -> None:
    client, boto3 = await ours.client("s3"), theirs.client("s3")
    await client.create_bucket(Bucket="bucket")
    await client.put_object(Bucket="bucket", Key="key", Body=b"new")
    kept = folder / "kept"
    kept.write_bytes(b"old")
    for download in (client.download_file, lambda *args: asyncio.to_thread(boto3.download_file, *args)):
        link = folder / "link"
        link.symlink_to(kept)
        await download("bucket", "key", str(link))
        assert not link.is_symlink()
        assert (link.read_bytes(), kept.read_bytes()) == (b"new", b"old")
        link.unlink()


async def test_a_new_file_has_the_permissions_of_any_new_file(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, SMALL)
    before = os.umask(0o027)
    try:
        await s3.download_file("bucket", "key", str(folder / "target"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "target").stat().st_mode) == 0o640


async def test_a_name_as_long_as_names_can_be_is_a_target(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, SMALL)
    for name in ("n" * 255, "ü" * 127):
        await s3.download_file("bucket", "key", str(folder / name))
        assert (folder / name).read_bytes() == SMALL


# What is sent


def wanted(server: S3Server) -> list[tuple[str, str, str | None]]:
    return [(each.operation, each.headers.get("range", ""), each.headers.get("if-match")) for each in server.seen]


async def test_a_small_object_costs_one_request(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, SMALL)
    await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert wanted(s3_server) == [("GetObject", "", None)]


async def test_downloads_that_wait_for_an_answer_hold_no_threads(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, SMALL)
    s3_server.faults.add(hang(), operation="GetObject", times=None)
    before = threading.active_count()
    downloads = [asyncio.create_task(s3.download_file("bucket", "key", folder / f"{i}")) for i in range(30)]
    await eventually(lambda: s3_server.operations["GetObject"] == 30)
    assert threading.active_count() - before < 10
    s3_server.release()
    await asyncio.gather(*downloads)


async def test_a_large_object_comes_in_ranges_of_one_version_with_all_arguments(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    version = put(s3_server, DATA)
    arguments = {"RequestPayer": "requester", "SSECustomerKey": "k" * 32, "SSECustomerAlgorithm": "AES256"}
    await s3.download_file("bucket", "key", folder / "target", arguments, Config=PARTS)
    (first, *others) = wanted(s3_server)
    assert first == ("GetObject", "", None)
    last = len(DATA) - 1
    assert sorted(others, key=lambda each: int(each[1].partition("=")[2].partition("-")[0])) == [
        ("GetObject", f"bytes={start}-{min(start + PART - 1, last)}", version.etag)
        for start in range(PART, len(DATA), PART)
    ]
    for request in s3_server.seen:
        assert request.headers["x-amz-request-payer"] == "requester"
        assert request.headers["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
    assert s3_server.peak_operations["GetObject"] <= 3


async def test_one_part_at_a_time_is_one_request(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, DATA)
    config = Boto3Config(multipart_threshold=THRESHOLD, multipart_chunksize=PART, use_threads=False)
    await s3.download_file("bucket", "key", folder / "target", Config=config)
    assert (folder / "target").read_bytes() == DATA
    assert wanted(s3_server) == [("GetObject", "", None)]


async def test_a_version_is_asked_for_in_every_request(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    await s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    old = put(s3_server, DATA)
    put(s3_server, b"new")
    await s3.download_file("bucket", "key", folder / "target", {"VersionId": old.id}, Config=PARTS)
    assert (folder / "target").read_bytes() == DATA
    assert {each.query["versionId"] for each in s3_server.seen if each.operation == "GetObject"} == {old.id}


WRONG: dict[str, tuple[Callable[[Any, Any], Any], type[Exception]]] = {
    "argument": (lambda s3, path: s3.download_file("bucket", "key", path, {"ACL": "private"}), ValueError),
    "filename": (lambda s3, path: s3.download_file("bucket", "key", 5), ValueError),
    "file in bytes": (lambda s3, path: s3.download_file("bucket", "key", os.fsencode(path)), ValueError),
    "file without write": (lambda s3, path: s3.download_fileobj("bucket", "key", object()), ValueError),
    "lambda": (
        lambda s3, path: s3.download_file("arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/a", "k", path),
        ValueError,
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_cannot_be_is_refused_before_anything_is_sent_in_boto3s_words(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, name: str
) -> None:
    download, kind = WRONG[name]
    with pytest.raises(kind) as raised:
        await download(s3, str(folder / "target"))
    assert s3_server.seen == []
    boto3: Any = Boto3(s3_server.url).client("s3")
    with pytest.raises(kind) as expected:
        await asyncio.to_thread(download, boto3, str(folder / "target"))
    if name != "lambda":
        assert str(raised.value).partition(",")[0] == str(expected.value).partition(",")[0]


@pytest.mark.parametrize("name", [".", "there", "nowhere/target", "nowhere/", "there/"])
async def test_a_folder_as_target_is_refused_before_anything_is_sent(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, name: str
) -> None:
    (folder / "there").mkdir()
    with pytest.raises((IsADirectoryError, FileNotFoundError), match=r"[Ff]older"):
        await s3.download_file("bucket", "key", f"{folder}/{name}")
    assert s3_server.seen == []


async def test_a_text_file_is_refused_before_anything_is_sent(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    with pytest.raises(TypeError, match="open it with mode 'wb'"):
        await s3.download_fileobj("bucket", "key", io.StringIO())
    assert s3_server.seen == []


@pytest.mark.parametrize("bucket", ["bucket", "nosuchbucket"])
async def test_a_missing_object_is_the_error_that_boto3_gives(
    ours: aiosdk.Session, theirs: Boto3, folder: pathlib.Path, bucket: str
) -> None:
    client, boto3 = await ours.client("s3"), theirs.client("s3")
    await client.create_bucket(Bucket="bucket")
    target = folder / "target"
    target.write_bytes(b"old")
    with pytest.raises(ClientError) as raised:
        await client.download_file(bucket, "missing", str(target))
    with pytest.raises(ClientError) as expected:
        await asyncio.to_thread(boto3.download_file, bucket, "missing", str(target))
    assert raised.value.response["Error"] == expected.value.response["Error"]
    assert raised.value.operation_name == expected.value.operation_name
    assert f"s3://{bucket}/missing" in str(raised.value)
    assert target.read_bytes() == b"old"
    assert names(folder) == ["target"]


# Bodies that break off


@pytest.mark.parametrize("kind", ["path", "writer"])
@pytest.mark.parametrize("at", [0, 1, 70 * KIB])
async def test_a_body_that_breaks_off_is_gone_on_with_at_the_next_byte(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, at: int, kind: str
) -> None:
    version = put(s3_server, DATA)
    s3_server.faults.add(truncate(at), range="bytes=307200-")
    s3_server.faults.add(truncate(at, reset=True), range="bytes=204800-", times=4)
    told: list[int] = []
    if kind == "path":
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS, Callback=told.append)
        assert (folder / "target").read_bytes() == DATA
    else:
        writer = Writer()
        await s3.download_fileobj("bucket", "key", writer, Config=PARTS, Callback=told.append)
        assert writer.data == DATA
    assert sum(told) == len(DATA)
    assert min(told) > 0
    part = [each for each in wanted(s3_server) if "-409599" in each[1]]
    assert part == [
        ("GetObject", "bytes=307200-409599", version.etag),
        ("GetObject", f"bytes={307200 + at}-409599", version.etag),
    ]


async def test_a_single_body_is_gone_on_with_and_its_checksum_is_still_looked_at(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, SMALL)
    s3_server.faults.add(truncate(1000))
    s3_server.faults.add(truncate(5000))
    await s3.download_file("bucket", "key", folder / "target")
    assert (folder / "target").read_bytes() == SMALL
    assert [each[1] for each in wanted(s3_server)] == ["", "bytes=1000-255998", "bytes=6000-255998"]
    s3_server.faults.add(truncate(1000))
    s3_server.faults.add(corrupt(5), range="bytes=1000-")
    with pytest.raises(FlexibleChecksumError, match="s3://bucket/key"):
        await s3.download_file("bucket", "key", folder / "target")
    assert (folder / "target").read_bytes() == SMALL
    assert names(folder) == ["target"]


async def test_a_body_that_stands_still_is_gone_on_with(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, DATA)
    s3_server.faults.add(hang("body", 5000), range="bytes=307200-")
    await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert (folder / "target").read_bytes() == DATA


@pytest.mark.parametrize("at", [0, 1, 5000])
async def test_a_part_that_always_breaks_off_is_given_up_and_named(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, at: int
) -> None:
    put(s3_server, DATA)
    s3_server.faults.add(truncate(at), range="bytes=307200-", times=None)
    for start in range(307200 + at, 307200 + 5 * at + 1, max(at, 1)):
        s3_server.faults.add(truncate(at), range=f"bytes={start}-", times=None)
    with pytest.raises(RetriesExceededError, match="bytes 307200-409599 of s3://bucket/key") as raised:
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert raised.value.kwargs["attempts"] == 5
    assert isinstance(raised.value.last_exception, Exception)
    assert len([each for each in wanted(s3_server) if "-409599" in each[1]]) == 5
    assert names(folder) == []


async def test_the_attempts_of_a_part_are_those_of_the_configuration(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, SMALL)
    s3_server.faults.add(truncate(10), times=None)
    with pytest.raises(RetriesExceededError, match="broke off 2 times"):
        await s3.download_file(
            "bucket", "key", folder / "target", Config=aiosdk.s3.TransferConfig(num_download_attempts=2)
        )
    assert len(s3_server.seen) == 2


async def test_a_body_that_always_stands_still_ends_with_the_timeout_as_its_reason(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, SMALL)
    s3_server.faults.add(hang("body", 100), times=None)
    config = aiosdk.s3.TransferConfig(num_download_attempts=1)
    with pytest.raises(RetriesExceededError) as raised:
        await s3.download_file("bucket", "key", folder / "target", Config=config)
    assert isinstance(raised.value.last_exception, ReadTimeoutError)


async def test_what_is_as_long_as_a_part_may_break_off_as_often_as_a_part(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, DATA)
    s3_server.faults.add(truncate(50 * KIB), times=12)
    config = aiosdk.s3.TransferConfig(multipart_chunksize=100 * KIB, num_download_attempts=3)  # one body, all of it
    await s3.download_file("bucket", "key", folder / "target", Config=config)
    assert (folder / "target").read_bytes() == DATA


# Answers that are of something else


@pytest.mark.parametrize("is_resumed", [False, True])
async def test_an_object_that_is_replaced_meanwhile_raises_instead_of_being_spliced(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, is_resumed: bool
) -> None:
    put(s3_server, SMALL if is_resumed else DATA)
    (folder / "target").write_bytes(b"old")
    if is_resumed:
        s3_server.faults.add(truncate(1000))
        s3_server.faults.add(overwrite(SMALL[::-1]), range="bytes=1000-")
    else:
        s3_server.faults.add(overwrite(DATA[::-1]), range="bytes=307200-")
    with pytest.raises(ClientError, match=r"replaced by another object meanwhile.*s3://bucket/key") as raised:
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert raised.value.response["Error"]["Code"] == "PreconditionFailed"
    assert (folder / "target").read_bytes() == b"old"
    assert names(folder) == ["target"]


async def _whole(server: S3Server, request: S3Request, answer: Answer) -> None:
    answer.status, answer.body = 200, server.body("key")
    del answer.headers["Content-Range"]
    answer.headers["Content-Length"] = str(len(answer.body))


async def _shifted(server: S3Server, request: S3Request, answer: Answer) -> None:
    answer.headers["Content-Range"] = f"bytes 307201-409600/{len(DATA)}"


async def _grown(server: S3Server, request: S3Request, answer: Answer) -> None:
    answer.headers["Content-Range"] = f"bytes 307200-409599/{len(DATA) + 1}"


async def _longer(server: S3Server, request: S3Request, answer: Answer) -> None:
    answer.body += b"more"
    answer.headers["Content-Length"] = str(len(answer.body))


async def test_a_range_with_the_status_200_is_one_by_what_it_says(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    async def as_rclone(_: S3Server, __: S3Request, answer: Answer) -> None:
        answer.status = 200

    put(s3_server, DATA)
    s3_server.faults.add(Action("has no 206", performed=as_rclone), range="bytes=", times=None)
    await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert await asyncio.to_thread((folder / "target").read_bytes) == DATA


@pytest.mark.parametrize("spoil", [_whole, _shifted, _grown, _longer])
async def test_other_bytes_than_those_that_were_asked_for_are_refused(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, spoil: Any
) -> None:
    put(s3_server, DATA)
    s3_server.faults.add(Action("spoils", performed=spoil), range="bytes=307200-", times=None)
    with pytest.raises(UnexpectedRangeError, match="bytes 307200-409599"):
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert names(folder) == []


async def test_another_etag_in_spite_of_if_match_is_refused(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, DATA)
    s3_server.faults.add(say(ETag='"other"'), range="bytes=307200-")
    with pytest.raises(UnexpectedRangeError, match="other"):
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert names(folder) == []


# Checksums


@pytest.mark.parametrize("data", [b"x", SMALL, DATA], ids=["byte", "small", "parts"])
@pytest.mark.parametrize("kind", ["path", "writer"])
async def test_an_object_that_is_not_what_its_checksum_is_of_is_refused(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, data: bytes, kind: str
) -> None:
    put(s3_server, data)
    s3_server.faults.add(corrupt(5))
    expected = f"Expected checksum {crc32(data)}".replace("+", r"\+")
    if kind == "path":
        download = s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    else:
        download = s3.download_fileobj("bucket", "key", Writer(), Config=PARTS)
    with pytest.raises(FlexibleChecksumError, match=expected):
        await download
    assert names(folder) == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "crc32"])
async def test_a_body_is_checked_by_whatever_checksum_it_has(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, algorithm: str
) -> None:
    await s3.put_object(Bucket="bucket", Key="key", Body=SMALL, ChecksumAlgorithm=algorithm.upper())
    await s3.download_file("bucket", "key", folder / "target")
    s3_server.faults.add(corrupt(77))
    with pytest.raises(FlexibleChecksumError):
        await s3.download_file("bucket", "key", folder / "target")


async def test_a_checksum_of_checksums_is_not_looked_at(s3: Any, s3_server: S3Server, folder: pathlib.Path) -> None:
    version = Version("key", SMALL, checksums={"crc32": crc32(b"parts") + "-2"}, checksum_type="COMPOSITE")
    s3_server.store.find("bucket").put(version)
    await s3.download_file("bucket", "key", folder / "target")
    assert (folder / "target").read_bytes() == SMALL


async def test_nothing_is_checked_where_it_is_not_wanted(s3_server: S3Server, folder: pathlib.Path) -> None:
    put(s3_server, DATA)
    config = Config(response_checksum_validation="when_required")
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        s3 = await session.client("s3")
        s3_server.faults.add(corrupt(5), range="bytes=102400-", times=None)
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
        assert "x-amz-checksum-mode" not in s3_server.seen[0].headers
        with pytest.raises(FlexibleChecksumError):
            await s3.download_file("bucket", "key", folder / "target", {"ChecksumMode": "ENABLED"}, Config=PARTS)


async def test_a_missing_object_is_what_get_object_says_where_boto3_asks_with_that(
    s3_server: S3Server, folder: pathlib.Path
) -> None:
    config = Config(response_checksum_validation="when_required")
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        s3 = await session.client("s3")
        with pytest.raises(s3.exceptions.NoSuchKey):
            await s3.download_file("bucket", "key", folder / "target")
    assert len(s3_server.seen) == 1


# Callbacks and configuration


async def test_a_callback_may_be_a_coroutine_function(s3: Any, s3_server: S3Server) -> None:
    put(s3_server, DATA)
    told: list[int] = []

    async def tell(size: int) -> None:
        await asyncio.sleep(0)
        told.append(size)

    await s3.download_fileobj("bucket", "key", Writer(), Callback=tell, Config=PARTS)
    assert sum(told) == len(DATA)


async def test_what_a_callback_raises_ends_the_download_as_it_is(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, DATA)

    def stop(size: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError) as raised:
        await s3.download_file("bucket", "key", folder / "target", Callback=stop, Config=PARTS)
    assert raised.value.args == ("enough",)
    assert names(folder) == []


async def test_a_relative_path_is_what_it_was_when_the_download_began(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3_server, DATA)
    await asyncio.to_thread((tmp_path / "elsewhere").mkdir)
    await asyncio.to_thread(monkeypatch.chdir, folder)
    await s3.download_file(
        "bucket", "key", "target", Callback=lambda _: monkeypatch.chdir(tmp_path / "elsewhere"), Config=PARTS
    )
    assert (names(folder), names(tmp_path / "elsewhere")) == (["target"], [])
    assert await asyncio.to_thread((folder / "target").read_bytes) == DATA


async def test_a_download_below_a_bandwidth_is_whole(s3: Any, s3_server: S3Server) -> None:
    put(s3_server, DATA)
    config = aiosdk.s3.TransferConfig(multipart_threshold=THRESHOLD, multipart_chunksize=PART, max_bandwidth=5_000_000)
    writer = Writer()
    await s3.download_fileobj("bucket", "key", writer, Config=config)
    assert writer.data == DATA


async def test_parts_wait_for_a_slow_sink(s3: Any, s3_server: S3Server) -> None:
    put(s3_server, DATA)
    go_on = asyncio.Event()

    class Slow(AsyncWriter):
        async def write(self, data: bytes) -> None:  # type: ignore[override]
            await go_on.wait()
            await super().write(data)

    slow = Slow()
    task = asyncio.create_task(s3.download_fileobj("bucket", "key", slow, Config=PARTS))
    await eventually(lambda: len(s3_server.seen) == 3 and s3_server.active == 0)
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert len(s3_server.seen) == 3
    go_on.set()
    await task
    assert slow.data == DATA


async def test_bodies_of_somebody_elses_are_read_as_they_can_be(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3_server, DATA)
    call = s3.get_object

    class Body:
        def __init__(self, body: Any) -> None:
            self._body = body

        async def read(self, size: int) -> bytes:
            return await self._body.read(size)

        def close(self) -> None:
            self._body.close()

    async def get_object(**arguments: Any) -> Any:
        answer = await call(**arguments)
        return {**answer, "Body": Body(answer["Body"])}

    monkeypatch.setattr(s3, "get_object", get_object, raising=False)
    await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert (folder / "target").read_bytes() == DATA


# Failures and cancellation


async def test_a_failure_of_one_part_says_which_and_leaves_nothing(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, DATA)
    (folder / "target").write_bytes(b"old")
    s3_server.faults.add(refuse(403, "AccessDenied"), range="bytes=307200-", times=None)
    with pytest.raises(ClientError, match="bytes 307200-409599 of s3://bucket/key"):
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert (folder / "target").read_bytes() == b"old"
    assert names(folder) == ["target"]


async def test_a_disk_that_is_full_is_told_with_what_was_written(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3_server, DATA)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(path_sinks, "write_at", full)
    with pytest.raises(OSError, match="No space left") as raised:
        await s3.download_file("bucket", "key", folder / "target", Config=PARTS)
    assert "s3://bucket/key" in "".join(raised.value.__notes__)
    assert names(folder) == []


def open_files(folder: pathlib.Path) -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if path.startswith(f"{folder}/"):
            found.append(path)
    return found


async def test_a_write_that_is_under_way_at_the_end_keeps_its_descriptor(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3_server, DATA)
    inside, go_on = threading.Event(), threading.Event()
    write_at = path_sinks.write_at

    def slow(fd: int, *args: Any) -> None:
        inside.set()
        go_on.wait(10)
        write_at(fd, *args)

    monkeypatch.setattr(path_sinks, "write_at", slow)
    task = asyncio.create_task(s3.download_file("bucket", "key", folder / "target", Config=PARTS))
    await eventually(inside.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(folder) == []
    assert await asyncio.to_thread(open_files, folder) != []  # the thread writes into a file without a name
    go_on.set()
    for _ in range(500):
        if not await asyncio.to_thread(open_files, folder):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the file was not closed")


async def test_nothing_is_written_to_an_open_file_after_a_cancelled_download(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, DATA)
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Writer):
        def write(self, data: bytes) -> None:
            inside.set()
            go_on.wait(10)
            super().write(data)

    slow = Slow()
    task = asyncio.create_task(s3.download_fileobj("bucket", "key", slow, Config=PARTS))
    await eventually(inside.is_set)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    before = slow.data
    await asyncio.sleep(0.05)
    assert slow.data == before


async def test_a_pipe_that_nobody_reads_does_not_hold_up_the_cancellation(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, DATA)
    path = folder / "pipe"
    os.mkfifo(path)
    task = asyncio.create_task(s3.download_file("bucket", "key", path, Config=PARTS))
    await eventually(lambda: s3_server.operations["GetObject"] == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reader = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_NONBLOCK)  # lets the thread go
    for _ in range(500):
        if len(await asyncio.to_thread(open_files, folder)) == 1:
            break
        await asyncio.sleep(0.01)
    os.close(reader)


async def cancelled_at(step: int, download: Any) -> bool:
    """Cancel a download after so many rounds of the loop; gives whether it was done by then."""
    task = asyncio.ensure_future(download)
    for _ in range(step):
        if task.done():
            break
        await asyncio.sleep(0)
    was_done = task.done()
    task.cancel()
    await asyncio.wait([task])
    return was_done


@pytest.mark.parametrize("kind", ["path", "async file"])
async def test_a_download_can_be_cancelled_at_any_moment(
    s3: Any, s3_server: S3Server, folder: pathlib.Path, kind: str
) -> None:
    put(s3_server, DATA[: 3 * PART])
    target = folder / "target"
    step, done = 0, False
    while not done:
        target.write_bytes(b"old")
        if kind == "path":
            done = await cancelled_at(step, s3.download_file("bucket", "key", target, Config=PARTS))
            assert names(folder) == ["target"]
            assert target.read_bytes() in (b"old", DATA[: 3 * PART])
        else:
            done = await cancelled_at(step, s3.download_fileobj("bucket", "key", AsyncWriter(), Config=PARTS))
        assert len(asyncio.all_tasks()) == 1
        step += 1 + step // 20
    assert step > 5
    await eventually(lambda: s3_server.active == 0)


async def test_a_body_that_is_left_closes_its_connection_at_once(
    s3: Any, s3_server: S3Server, folder: pathlib.Path
) -> None:
    put(s3_server, DATA)
    s3_server.faults.add(hang("body", 5000), range="bytes=307200-", times=None)
    task = asyncio.create_task(s3.download_file("bucket", "key", folder / "target", Config=PARTS))
    await eventually(lambda: any("307200" in each[1] for each in wanted(s3_server)))
    await eventually(lambda: s3_server.open == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: s3_server.open < 3)
    assert names(folder) == []
