"""Every kind of source and sink at sizes around the threshold, with odd keys, against moto and servers of others.

Those check signatures; `make servers` installs them. `AIOSDK_DEEP=1` takes SeaweedFS, parts of 8 MiB and 100 MiB too.
"""

from __future__ import annotations

import asyncio
import os
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import aiosdk
from aiosdk.s3 import TransferConfig
from tests.integration.conftest import KEYS
from tests.support import transfers
from tests.support.other_servers import SERVERS, OtherServer
from tests.support.transfers import SINKS, SOURCES

MIB = 2**20
DEEP = bool(os.environ.get("AIOSDK_DEEP"))
THRESHOLD = 8 * MIB if DEEP else 50_000
SIZES = ["0", "1", "threshold - 1", "threshold", "threshold + 1", "3 parts", *(["100 MiB"] if DEEP else [])]
ODD_KEYS = [
    *("a b", " ", "a+b", "100%", "a%2Fb", "%41", "ünïcödé/☃/𝄞", "q?x=1&y=2#z", "quotes'\"<>&", "tilde~!*'();:@,[]"),
    *("/leading", "//two", "a//b", "trailing/", "a/../b", "..", "../up", "./here", "a/./b", "a/..", "..."),
]
NO_PATHS = {key for key in ODD_KEYS if "/" in key or ".." in key} - {"ünïcödé/☃/𝄞", "..."}
"""Keys that a server which keeps objects as files cannot have."""


@pytest.fixture(scope="module", params=["moto", *(SERVERS if DEEP else ["ministack"])])
def other(request: pytest.FixtureRequest) -> Iterator[OtherServer]:
    """A server of others, in turn."""
    if request.param == "moto":
        yield OtherServer("moto", request.getfixturevalue("running_aws"), KEYS)
        return
    with SERVERS[request.param]() as running:
        yield running


@pytest.fixture
async def session(other: OtherServer) -> AsyncIterator[aiosdk.Session]:
    async with aiosdk.Session(**other.keys, endpoint_url=other.url) as opened:
        yield opened


@pytest.fixture
def config(other: OtherServer, monkeypatch: pytest.MonkeyPatch) -> TransferConfig:
    """Small parts, where the server takes them."""
    part = 8 * MIB if DEEP else 5 * MIB
    if other.takes_small_parts and not DEEP:
        monkeypatch.setattr("aiosdk.services.s3.config.MIN_PART_SIZE", 1)
        part = 100_000
    return TransferConfig(multipart_threshold=THRESHOLD, multipart_chunksize=part, max_concurrency=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


class Theirs:
    """What boto3 finds in a bucket, with its checksums looked at."""

    def __init__(self, s3: Any, name: str) -> None:
        self._s3 = s3
        self._bucket = name
        self._s3.create_bucket(Bucket=name)

    def read(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")["Body"].read()

    def put(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)

    def uploads(self) -> list[Any]:
        return self._s3.list_multipart_uploads(Bucket=self._bucket).get("Uploads", [])


@pytest.fixture
def bucket() -> str:
    return f"matrix-{uuid.uuid4()}"


@pytest.fixture(scope="module")
def boto3_client(other: OtherServer) -> Any:
    config = Config(s3={"addressing_style": "path"})
    return boto3.Session(**other.keys).client("s3", endpoint_url=other.url, config=config)


@pytest.fixture
def theirs(boto3_client: Any, bucket: str) -> Theirs:
    """boto3 in the same bucket, which is new. It blocks."""
    return Theirs(boto3_client, bucket)


def data_of(name: str, config: TransferConfig) -> bytes:
    part, threshold = config.multipart_chunksize, config.multipart_threshold
    sizes = {"0": 0, "1": 1, "threshold - 1": threshold - 1, "threshold": threshold, "threshold + 1": threshold + 1}
    size = {**sizes, "3 parts": 2 * part + 1, "100 MiB": 100 * MIB}[name]
    return random.Random(size).randbytes(size)


def sources_for(data: bytes) -> list[str]:
    """All; of those that are alike one, where it would take long."""
    few = ["path", "bytes", "pipe", "async file", "async iterator"]
    return list(SOURCES) if len(data) < (32 * MIB if DEEP else MIB) else few


@pytest.mark.parametrize("name", SIZES)
async def test_every_source_makes_the_object_that_boto3_reads(
    session: aiosdk.Session, theirs: Theirs, bucket: str, config: TransferConfig, folder: Path, name: str
) -> None:
    s3, data = await session.client("s3"), data_of(name, config)
    for kind in sources_for(data):
        told: list[int] = []
        source = await asyncio.to_thread(SOURCES[kind], data, folder)
        await transfers.upload(s3, source, bucket, kind, Config=config, Callback=told.append)
        await asyncio.to_thread(transfers.close, source)
        assert await asyncio.to_thread(theirs.read, kind) == data, kind
        assert sum(told) == len(data), kind
    assert await asyncio.to_thread(theirs.uploads) == []


@pytest.mark.parametrize("name", SIZES)
async def test_every_sink_gets_the_object_that_boto3_has_put(
    session: aiosdk.Session, theirs: Theirs, bucket: str, config: TransferConfig, folder: Path, name: str
) -> None:
    s3, data = await session.client("s3"), data_of(name, config)
    await asyncio.to_thread(theirs.put, "key", data)
    for kind in SINKS:
        told: list[int] = []
        sink = await asyncio.to_thread(SINKS[kind], folder)
        await transfers.download(s3, bucket, "key", sink, Config=config, Callback=told.append)
        assert await asyncio.to_thread(sink.read) == data, kind
        assert sum(told) == len(data), kind
        await asyncio.to_thread(transfers.close, sink.target)
    assert await asyncio.to_thread(os.listdir, folder) == ["target"]


@pytest.mark.parametrize("name", ["1", "threshold"])
async def test_every_sink_gets_what_every_source_has_given(
    session: aiosdk.Session, theirs: Theirs, bucket: str, config: TransferConfig, folder: Path, name: str
) -> None:
    s3, data = await session.client("s3"), data_of(name, config)
    assert theirs
    for kind in SOURCES:
        source = await asyncio.to_thread(SOURCES[kind], data, folder)
        await transfers.upload(s3, source, bucket, "key", Config=config)
        await asyncio.to_thread(transfers.close, source)
        for other_kind in SINKS:
            sink = await asyncio.to_thread(SINKS[other_kind], folder)
            await transfers.download(s3, bucket, "key", sink, Config=config)
            assert await asyncio.to_thread(sink.read) == data, (kind, other_kind)
            await asyncio.to_thread(transfers.close, sink.target)


@pytest.mark.parametrize("name", SIZES)
async def test_copies_are_what_their_sources_are(
    session: aiosdk.Session, theirs: Theirs, bucket: str, config: TransferConfig, name: str
) -> None:
    s3, data = await session.client("s3"), data_of(name, config)
    about = {"ContentType": "text/x-odd", "Metadata": {"mood": "good"}}
    await s3.upload_fileobj(data, bucket, "a b+c", ExtraArgs=about, Config=config)
    told: list[int] = []
    await s3.copy({"Bucket": bucket, "Key": "a b+c"}, bucket, "copy", Config=config, Callback=told.append)
    assert await asyncio.to_thread(theirs.read, "copy") == data
    assert sum(told) == len(data)
    head = await s3.head_object(Bucket=bucket, Key="copy")
    assert {name: head[name] for name in about} == about
    assert await asyncio.to_thread(theirs.uploads) == []


@pytest.mark.parametrize("name", ["1", "threshold"])
async def test_odd_keys_are_keys(
    session: aiosdk.Session,
    other: OtherServer,
    theirs: Theirs,
    bucket: str,
    config: TransferConfig,
    folder: Path,
    name: str,
) -> None:
    s3, data = await session.client("s3"), data_of(name, config)
    resource: Any = await session.resource("s3")
    keys = [key for key in ODD_KEYS if not (other.files and key in NO_PATHS)]
    for key in keys:
        body = data + key.encode()
        await s3.upload_fileobj(body, bucket, key, Config=config)
        assert await asyncio.to_thread(theirs.read, key) == body, key
        sink = await asyncio.to_thread(SINKS["path"], folder)
        await resource.Object(bucket, key).download_file(sink.target, Config=config)
        assert await asyncio.to_thread(sink.read) == body, key
        await resource.Bucket(bucket).copy({"Bucket": bucket, "Key": key}, "copy of " + key, Config=config)
        assert await asyncio.to_thread(theirs.read, "copy of " + key) == body, key
    listed = {each.key async for each in resource.Bucket(bucket).objects.all()}
    assert listed == {*keys, *("copy of " + key for key in keys)}


async def test_other_servers_check_signatures(other: OtherServer, theirs: Theirs, bucket: str) -> None:
    if other.name == "moto":
        return  # which checks none, unless it is told to
    keys = {**other.keys, "aws_secret_access_key": "another"}
    assert theirs
    async with aiosdk.Session(**keys, endpoint_url=other.url) as session:
        s3 = await session.client("s3")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            await s3.upload_fileobj(b"abc", bucket, "key")
