"""Transfers cancelled at each await of any of their tasks leave nothing: no upload, file, task or connection in use."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import random
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import aiosdk
from aiosdk.s3 import TransferConfig
from tests.stress.conftest import NothingLeft
from tests.support import transfers
from tests.support.cancelling import cancel_at_each_step
from tests.support.s3_checksums import checksum
from tests.support.s3_faults import Action, close, refuse, stop_receiving, truncate
from tests.support.s3_server import S3Server
from tests.support.transfers import SINKS, SOURCES
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

# Large enough for parts to be hashed on threads, and to be written and received in several pieces.
SIZE = 300_000
DATA = random.Random(8).randbytes(2 * SIZE + 123)
SMALL = DATA[: SIZE - 1]
BEFORE = b"what was there before"
BROKEN = refuse(500, "InternalError")  # not SlowDown, after which the requests of a session take turns
SELDOM = 1 if os.environ.get("AIOSDK_DEEP") else 3
"""At which steps what begins as elsewhere, and is gone on with after a failure, is cancelled."""


@pytest.fixture
def config(small_parts: TransferConfig) -> TransferConfig:
    return dataclasses.replace(small_parts, multipart_threshold=SIZE, multipart_chunksize=SIZE, max_concurrency=2)


@pytest.mark.parametrize(
    ("kind", "data"),
    [("path", DATA), ("path", SMALL), ("bytes", DATA), ("async iterator", DATA), ("pipe", DATA)],
    ids=["path", "small path", "bytes", "async iterator", "pipe"],
)
async def test_an_upload_cancelled_at_each_await(
    transferring: aiosdk.Session,
    s3_server: S3Server,
    config: TransferConfig,
    nothing_left: NothingLeft,
    folder: Path,
    kind: str,
    data: bytes,
) -> None:
    s3 = await transferring.client("s3")

    async def scenario(_: int) -> Any:
        s3_server.put("key", BEFORE)
        source = await asyncio.to_thread(SOURCES[kind], data, folder)

        async def check() -> None:
            await nothing_left()
            assert s3_server.body("key") in (BEFORE, data)
            await asyncio.to_thread(transfers.close, source)

        return transfers.upload(s3, source, "bucket", "key", Config=config), check

    await cancel_at_each_step(scenario)
    assert s3_server.body("key") == data


@pytest.mark.parametrize(
    ("kind", "data"),
    [("path", DATA), ("path", SMALL), ("file", DATA), ("async writer", DATA)],
    ids=["path", "small path", "file", "async writer"],
)
async def test_a_download_cancelled_at_each_await(
    transferring: aiosdk.Session,
    s3_server: S3Server,
    config: TransferConfig,
    nothing_left: NothingLeft,
    folder: Path,
    kind: str,
    data: bytes,
) -> None:
    s3 = await transferring.client("s3")
    s3_server.put("key", data)
    last = b""

    async def scenario(_: int) -> Any:
        if kind == "path":
            await asyncio.to_thread((folder / "target").write_bytes, BEFORE)
        sink = await asyncio.to_thread(SINKS[kind], folder)

        async def check() -> None:
            nonlocal last
            await nothing_left()
            last = await asyncio.to_thread(sink.read)
            await asyncio.to_thread(transfers.close, sink.target)
            assert last in (BEFORE, data) if kind == "path" else data.startswith(last)

        return transfers.download(s3, "bucket", "key", sink, Config=config), check

    await cancel_at_each_step(scenario)
    assert last == data


@pytest.mark.parametrize("data", [DATA, SMALL], ids=["in parts", "at once"])
async def test_a_copy_cancelled_at_each_await(
    transferring: aiosdk.Session,
    s3_server: S3Server,
    config: TransferConfig,
    nothing_left: NothingLeft,
    data: bytes,
) -> None:
    s3 = await transferring.client("s3")
    s3_server.put("key", data)

    async def scenario(_: int) -> Any:
        s3_server.put("copy", BEFORE, "other")

        async def check() -> None:
            await nothing_left()
            assert s3_server.body("copy", "other") in (BEFORE, data)

        return s3.copy({"Bucket": "bucket", "Key": "key"}, "other", "copy", Config=config), check

    await cancel_at_each_step(scenario)
    assert s3_server.body("copy", "other") == data


@pytest.mark.parametrize("fault", [BROKEN, close(), stop_receiving(10)], ids=lambda action: action.name)
async def test_an_upload_that_fails_once_cancelled_at_each_await(
    transferring: aiosdk.Session,
    s3_server: S3Server,
    config: TransferConfig,
    nothing_left: NothingLeft,
    fault: Action,
) -> None:
    s3 = await transferring.client("s3")

    async def scenario(_: int) -> Any:
        s3_server.put("key", BEFORE)
        s3_server.faults.clear()
        for operation in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
            s3_server.faults.add(fault, operation)

        async def check() -> None:
            await nothing_left()
            assert s3_server.body("key") in (BEFORE, DATA)

        return s3.upload_fileobj(DATA, "bucket", "key", Config=config), check

    await cancel_at_each_step(scenario, SELDOM)
    assert s3_server.body("key") == DATA


async def test_an_upload_that_fails_cancelled_at_each_await(
    transferring: aiosdk.Session, s3_server: S3Server, config: TransferConfig, nothing_left: NothingLeft
) -> None:
    s3 = await transferring.client("s3")
    s3_server.faults.add(refuse(403, "AccessDenied"), "UploadPart", part=2, times=None)

    async def scenario(_: int) -> Any:
        async def upload() -> None:
            with pytest.raises(ClientError, match="AccessDenied"):
                await s3.upload_fileobj(DATA, "bucket", "key", Config=config)

        return upload(), nothing_left

    await cancel_at_each_step(scenario)


async def test_the_first_upload_of_a_session_cancelled_at_each_await(
    transferring: aiosdk.Session, s3_server: S3Server, config: TransferConfig, nothing_left: NothingLeft
) -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}

    async def scenario(_: int) -> Any:
        session = aiosdk.Session(**keys, endpoint_url=s3_server.url)

        async def upload() -> None:
            s3 = await session.client("s3")
            await s3.upload_fileobj(DATA, "bucket", "key", Config=config)

        async def check() -> None:
            await nothing_left()
            await eventually(lambda: session.pool.stats().in_use == session.pool.stats().waiting == 0)
            await session.close()

        return upload(), check

    await cancel_at_each_step(scenario)
    assert s3_server.body("key") == DATA
    await eventually(lambda: s3_server.open == 0)


@pytest.mark.parametrize("kind", ["path", "async writer"])
@pytest.mark.parametrize("fault", [BROKEN, close("headers"), truncate(SIZE // 2)], ids=lambda action: action.name)
async def test_a_download_that_fails_once_cancelled_at_each_await(
    transferring: aiosdk.Session,
    s3_server: S3Server,
    config: TransferConfig,
    nothing_left: NothingLeft,
    folder: Path,
    fault: Action,
    kind: str,
) -> None:
    s3 = await transferring.client("s3")
    s3_server.put("key", DATA).checksums = {"crc32": checksum("crc32", DATA)}
    last = b""

    async def scenario(_: int) -> Any:
        await asyncio.to_thread((folder / "target").write_bytes, BEFORE)
        s3_server.faults.clear()
        s3_server.faults.add(fault, "GetObject", range=f"bytes={SIZE}-")
        sink = await asyncio.to_thread(SINKS[kind], folder)

        async def check() -> None:
            nonlocal last
            await nothing_left()
            last = await asyncio.to_thread(sink.read)
            assert last in (BEFORE, DATA) if kind == "path" else DATA.startswith(last)

        return transfers.download(s3, "bucket", "key", sink, Config=config), check

    await cancel_at_each_step(scenario, SELDOM)
    assert last == DATA
