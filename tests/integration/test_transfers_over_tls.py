"""Transfers over TLS: bytes arrive, and are hashed as often as is needed and not more."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from aiosdk.s3 import TransferConfig
from tests.support.lanes import UNFORCED
from tests.support.s3_checksums import checksum
from tests.support.s3_faults import close
from tests.support.s3_server import S3Server

MIB = 2**20
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
DATA = random.Random(9).randbytes(11 * MIB)


def sent(server: S3Server, operation: str) -> list[dict[str, str]]:
    return [request.headers for request in server.seen if request.operation == operation]


@UNFORCED
@pytest.mark.parametrize("size", [1000, len(DATA)], ids=["at once", "in parts"])
async def test_bytes_whose_checksum_is_sent_are_not_hashed_for_the_signature(
    tls_s3_server: S3Server, ca_bundle: str, tmp_path: Path, size: int
) -> None:
    data, target = DATA[:size], tmp_path / "target"
    operation = "UploadPart" if size > 5 * MIB else "PutObject"
    tls_s3_server.faults.add(close(), operation)
    async with aiosdk.Session(**KEYS, endpoint_url=tls_s3_server.url) as session:
        s3: Any = await session.client("s3", verify=ca_bundle)
        await s3.upload_fileobj(data, "bucket", "key", Config=PARTS)
        await s3.download_file("bucket", "key", str(target), Config=PARTS)
    assert await asyncio.to_thread(target.read_bytes) == data
    # The request that was reset is sent again by botocore, which signs the hash as well.
    hashes = [headers["x-amz-content-sha256"] for headers in sent(tls_s3_server, operation)]
    assert hashes.count("UNSIGNED-PAYLOAD") == len(hashes) - 1
    assert all("x-amz-checksum-crc32" in headers for headers in sent(tls_s3_server, operation))
    assert tls_s3_server.store.find("bucket").find("key").checksums == {"crc32": checksum("crc32", data)}


@pytest.mark.parametrize(
    "settings",
    [{"s3": {"payload_signing_enabled": True}}, {"request_checksum_calculation": "when_required"}],
    ids=["asked for", "without checksums"],
)
async def test_bytes_are_hashed_for_the_signature_where_nothing_else_vouches_for_them(
    tls_s3_server: S3Server, ca_bundle: str, settings: Any
) -> None:
    async with aiosdk.Session(**KEYS, endpoint_url=tls_s3_server.url, config=AioConfig(**settings)) as session:
        s3: Any = await session.client("s3", verify=ca_bundle)
        await s3.upload_fileobj(b"abc", "bucket", "key")
    (headers,) = sent(tls_s3_server, "PutObject")
    assert headers["x-amz-content-sha256"] == hashlib.sha256(b"abc").hexdigest()
