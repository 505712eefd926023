"""Uploads below a bandwidth: no byte goes over the wire before it was taken from that."""

from __future__ import annotations

import asyncio
import pathlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from aiosdk._off_loop import call
from aiosdk.s3 import TransferConfig
from aiosdk.services.s3.bandwidth import Bandwidth
from tests.support.s3_faults import refuse
from tests.support.s3_server import S3Server
from tests.support.waiting import eventually, nothing_is_left

__all__ = ["nothing_is_left"]

MIB = 2**20
DATA = random.Random(3).randbytes(6 * MIB)
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
# Files of this size are larger than what parts take in memory, and sent as files.
AT_ONCE = TransferConfig(
    multipart_threshold=20 * MIB, multipart_chunksize=5 * MIB, max_concurrency=1, max_bandwidth=50_000
)
IN_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_bandwidth=50_000)


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    with S3Server("bucket") as running:
        yield running


class Tap:
    """Stands for the clock of all bandwidths: gives leave for so many bytes, and for the rest when it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.taken, self.most = 0, most
        self.opened, self.is_waited_for = asyncio.Event(), False
        monkeypatch.setattr(Bandwidth, "take", lambda _, size: self.take(size))

    async def take(self, size: int) -> None:
        if self.taken + size > self.most:
            self.is_waited_for = True
            await self.opened.wait()
        self.taken += size


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "idle connection"])
@pytest.mark.parametrize("kind", ["small", "memory", "parts", "file"])
async def test_what_was_not_taken_is_not_sent(
    kind: str,
    warm: bool,
    tls_s3_server: S3Server,
    ca_bundle: str,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await check(kind, warm, tls_s3_server, ca_bundle, tmp_path, monkeypatch)


@pytest.mark.parametrize("kind", ["small", "memory", "parts", "file"])
async def test_what_was_not_taken_is_not_sent_without_tls(
    kind: str, s3_server: S3Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check(kind, True, s3_server, None, tmp_path, monkeypatch)


async def send(s3: Any, kind: str, data: bytes, folder: pathlib.Path, config: TransferConfig) -> None:
    if kind == "file":
        await call((folder / "file").write_bytes, data)
        await s3.upload_file(folder / "file", "bucket", "key", Config=config)
    else:
        await s3.upload_fileobj(data, "bucket", "key", Config=config)


async def check(
    kind: str, warm: bool, server: S3Server, verify: Any, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upload, and look what the server has while the rest may not be sent."""
    data = DATA[:60_000] if kind == "small" else DATA
    tap = Tap(monkeypatch, len(data) // 8)
    async with aiosdk.Session(**KEYS, endpoint_url=server.url) as session:
        s3: Any = await session.client("s3", verify=verify)
        if warm:
            await s3.list_objects_v2(Bucket="bucket")
        config = IN_PARTS if kind == "parts" else AT_ONCE
        upload = asyncio.create_task(send(s3, kind, data, folder, config))
        await eventually(lambda: upload.done() or (tap.is_waited_for and server.bytes_received >= tap.taken))
        assert not upload.done()
        assert 0 < server.bytes_received <= tap.taken <= tap.most
        tap.opened.set()
        await upload
    assert server.body("key") == data
    assert tap.taken == server.bytes_received - (len(completion(server)) if kind == "parts" else 0)


def completion(server: S3Server) -> bytes:
    """What completed the upload; no bandwidth is spent on it."""
    [request] = [each for each in server.seen if each.operation == "CompleteMultipartUpload"]
    return bytes(int(request.headers["content-length"]))


async def test_bytes_that_are_sent_again_are_taken_again(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Tap(monkeypatch, 10 * len(DATA))
    s3_server.faults.add(refuse(500, "InternalError"), "PutObject")
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url) as session:
        s3 = await session.client("s3")
        await s3.upload_fileobj(DATA, "bucket", "key", Config=AT_ONCE)
    assert tap.taken == 2 * len(DATA)


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "idle connection"])
async def test_the_read_timeout_is_for_the_answer_not_for_the_body(
    warm: bool, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tap = Tap(monkeypatch, len(DATA) // 2)
    # The server has sent something by then: `100 Continue`.
    config = AioConfig(read_timeout=2, retries={"total_max_attempts": 1})
    async with aiosdk.Session(**KEYS, endpoint_url=s3_server.url, config=config) as session:
        s3 = await session.client("s3")
        if warm:
            await s3.list_objects_v2(Bucket="bucket")
        upload = asyncio.create_task(s3.upload_fileobj(DATA, "bucket", "key", Config=AT_ONCE))
        await eventually(lambda: tap.is_waited_for)
        await asyncio.sleep(3)
        tap.opened.set()
        await upload
    assert s3_server.body("key") == DATA
