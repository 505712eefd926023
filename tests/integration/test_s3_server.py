"""The S3 server of the tests is one that boto3 is satisfied with, and it misbehaves as it is told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from s3transfer.exceptions import S3DownloadFailedError

from tests.support.s3_checksums import ALGORITHMS, checksum, crc32c, crc64nvme
from tests.support.s3_faults import (
    WRONG_ETAG,
    Action,
    close,
    corrupt,
    drip,
    error_inside,
    hang,
    overwrite,
    refuse,
    say,
    stop_receiving,
    truncate,
)
from tests.support.s3_server import S3Server

MIB = 2**20
BIG = random.Random(5).randbytes(20 * MIB)
ODD_KEYS = ["a b", "a+b", "a%2Fb", "ünïcödé/☃", "/leading", "a/../b", "..", "a//b", "q?x=1&y=2#z", "new\nline", "'\"<>"]


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    with S3Server("bucket", "other") as running:
        yield running


Theirs = Callable[..., Any]


@pytest.fixture
def theirs(s3_server: S3Server) -> Theirs:
    """Make a client of boto3's, without retries unless told otherwise."""

    def make(url: str = "", attempts: int = 1, **arguments: Any) -> Any:
        config = Config(retries={"total_max_attempts": attempts}, s3={"addressing_style": "path"}, read_timeout=5)
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        return boto3.Session(**keys).client("s3", endpoint_url=url or s3_server.url, config=config, **arguments)

    return make


async def test_boto3_uploads_copies_and_downloads_in_parts(s3_server: S3Server, theirs: Theirs) -> None:
    def run() -> Any:
        s3 = theirs()
        config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB)
        extra = {"ContentType": "text/x", "Metadata": {"a": "b"}, "Tagging": "t=1"}
        s3.upload_fileobj(io.BytesIO(BIG), "bucket", "big", ExtraArgs=extra, Config=config)
        s3.copy({"Bucket": "bucket", "Key": "big"}, "other", "copy", Config=config)
        target = io.BytesIO()
        s3.download_fileobj("other", "copy", target, Config=config)
        return s3.head_object(Bucket="bucket", Key="big", ChecksumMode="ENABLED"), target.getvalue()

    head, downloaded = await asyncio.to_thread(run)
    assert downloaded == BIG == s3_server.body("big")
    digests = [hashlib.md5(BIG[start : start + 5 * MIB]).digest() for start in range(0, len(BIG), 5 * MIB)]
    assert head["ETag"] == f'"{hashlib.md5(b"".join(digests)).hexdigest()}-4"'
    assert (head["ContentType"], head["Metadata"], head["TagCount"]) == ("text/x", {"a": "b"}, 1)
    assert head["ChecksumType"] in ("COMPOSITE", "FULL_OBJECT")
    counts = {name: s3_server.operations[name] for name in ("UploadPart", "UploadPartCopy", "GetObject")}
    assert counts == {"UploadPart": 4, "UploadPartCopy": 4, "GetObject": 4}
    assert s3_server.open_uploads() == []
    assert s3_server.bytes_received >= len(BIG)
    assert s3_server.peak_operations["UploadPart"] > 1


async def test_whole_objects_have_the_checksums_that_they_were_put_with(s3_server: S3Server, theirs: Theirs) -> None:
    def run() -> None:
        s3 = theirs()
        for algorithm in ("CRC32", "SHA1", "SHA256"):
            s3.put_object(Bucket="bucket", Key=algorithm, Body=b"abc" * 1000, ChecksumAlgorithm=algorithm)
            answer = s3.get_object(Bucket="bucket", Key=algorithm, ChecksumMode="ENABLED")
            assert answer["Body"].read() == b"abc" * 1000
            assert answer[f"Checksum{algorithm}"] == checksum(algorithm.lower(), b"abc" * 1000)
            part = s3.get_object(Bucket="bucket", Key=algorithm, ChecksumMode="ENABLED", Range="bytes=0-9")
            assert part["Body"].read() == b"abcabcabca"
        s3.put_object(Bucket="bucket", Key="other", Body=b"xyz", ChecksumCRC64NVME=checksum("crc64nvme", b"xyz"))

    await asyncio.to_thread(run)


def test_computed_checksums_are_the_published_ones() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc64nvme(b"123456789") == 0xAE8B14860A799888
    folded, data = type(crc32c)(32, 0xEDB88320), BIG[:100_003]
    assert folded(data) == zlib.crc32(data)
    assert checksum("crc32", b"abc") == base64.b64encode(zlib.crc32(b"abc").to_bytes(4, "big")).decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_wrong_checksums_are_refused(s3_server: S3Server, theirs: Theirs, algorithm: str) -> None:
    given = {f"Checksum{algorithm.upper()}": checksum(algorithm, b"xyz")}

    def run() -> None:
        s3 = theirs()
        s3.put_object(Bucket="bucket", Key="k", Body=b"xyz", **given)
        s3.put_object(Bucket="bucket", Key="k", Body=b"abc", **given)

    with pytest.raises(ClientError, match="BadDigest"):
        await asyncio.to_thread(run)
    assert s3_server.body("k") == b"xyz"


async def test_completions_are_checked(s3_server: S3Server, theirs: Theirs) -> None:
    def run() -> list[str]:
        s3, codes = theirs(), []
        kind = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
        upload = s3.create_multipart_upload(Bucket="bucket", Key="k", **kind)["UploadId"]
        of = {"Bucket": "bucket", "Key": "k", "UploadId": upload}
        parts = [
            {"PartNumber": number, "ETag": s3.upload_part(**of, PartNumber=number, Body=body)["ETag"]}
            for number, body in enumerate([b"ab", b"cd"], 1)
        ]
        for wrong in (
            {"MultipartUpload": {"Parts": [{**parts[0], "ETag": WRONG_ETAG}]}},
            {"MultipartUpload": {"Parts": parts[::-1]}},
            {"MultipartUpload": {"Parts": parts}, "MpuObjectSize": 5},
            {"MultipartUpload": {"Parts": parts}, "ChecksumCRC32": "AAAAAA==", "ChecksumType": "FULL_OBJECT"},
        ):
            with pytest.raises(ClientError) as raised:
                s3.complete_multipart_upload(**of, **wrong)
            codes.append(raised.value.response["Error"]["Code"])
        assert len(s3.list_parts(**of)["Parts"]) == 2
        assert [each["Key"] for each in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]] == ["k"]
        right = {"ChecksumCRC32": checksum("crc32", b"abcd"), "ChecksumType": "FULL_OBJECT", "MpuObjectSize": 4}
        s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts}, **right)
        assert s3.get_object(Bucket="bucket", Key="k", PartNumber=2)["Body"].read() == b"cd"
        return codes

    assert await asyncio.to_thread(run) == ["InvalidPart", "InvalidPartOrder", "InvalidRequest", "BadDigest"]
    assert s3_server.body("k") == b"abcd"


async def test_odd_keys_are_listed_as_they_were_put(s3_server: S3Server, theirs: Theirs) -> None:
    def run() -> None:
        s3 = theirs()
        for key in ODD_KEYS:
            s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
            assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == key.encode()
            s3.copy_object(Bucket="other", Key=key, CopySource={"Bucket": "bucket", "Key": key})
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="other", PaginationConfig={"PageSize": 3})
        assert [each["Key"] for each in pages.search("Contents[]")] == sorted(ODD_KEYS, key=str.encode)
        folded = s3.get_paginator("list_objects_v2").paginate(
            Bucket="bucket", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        prefixes = {each["Prefix"] for each in folded.search("CommonPrefixes[]") if each}
        assert prefixes == {key.partition("/")[0] + "/" for key in ODD_KEYS if "/" in key}
        s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": key} for key in ODD_KEYS if key != "new\nline"]})

    await asyncio.to_thread(run)
    assert s3_server.store.find("bucket").keys() == ["new\nline"]


async def test_versions_and_conditions_are_minded(s3_server: S3Server, theirs: Theirs) -> None:
    s3_server.store.find("bucket").versioning = True

    def run() -> None:
        s3 = theirs()
        first = s3.put_object(Bucket="bucket", Key="k", Body=b"one")
        s3.put_object(Bucket="bucket", Key="k", Body=b"two")
        old = {"Bucket": "bucket", "Key": "k", "VersionId": first["VersionId"]}
        assert s3.get_object(**old)["Body"].read() == b"one"
        s3.copy_object(Bucket="other", Key="k", CopySource=old)
        s3.delete_object(Bucket="bucket", Key="k")
        for refused, status in (({}, 404), ({"VersionId": first["VersionId"], "IfMatch": WRONG_ETAG}, 412)):
            with pytest.raises(ClientError) as raised:
                s3.get_object(Bucket="bucket", Key="k", **refused)
            assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status

    await asyncio.to_thread(run)
    assert s3_server.body("k", "other") == b"one"


FAULTS: list[tuple[Action, str]] = [
    (refuse(503, "SlowDown", retry_after="0"), "SlowDown"),
    (refuse(500, "InternalError"), "InternalError"),
    (refuse(412, "PreconditionFailed", early=True), "PreconditionFailed"),
    (close(), "Connection"),
    (close("performed"), "Connection"),
    (close("headers"), "Connection"),
    (truncate(7), "IncompleteRead|ResponseStreaming"),
    (truncate(7, reset=True), "Connection|IncompleteRead|ResponseStreaming"),
    (corrupt(3), "checksum"),
    (say(x_amz_checksum_crc32="AAAAAA=="), "checksum"),
]


@pytest.mark.parametrize(("action", "expected"), FAULTS, ids=[action.name for action, _ in FAULTS])
async def test_faults_befall_the_request_that_they_are_for_once(
    s3_server: S3Server, theirs: Theirs, action: Action, expected: str
) -> None:
    s3_server.put("k", b"0123456789" * 1000)
    s3_server.store.find("bucket").find("k").checksums = {"crc32": checksum("crc32", b"0123456789" * 1000)}
    fault = s3_server.faults.add(action, operation="GetObject", key="k", skip=1)

    def run() -> list[str]:
        s3, results = theirs(), []
        for _ in range(3):
            try:
                results.append(
                    s3.get_object(Bucket="bucket", Key="k", ChecksumMode="ENABLED")["Body"].read()[:2].decode()
                )
            except Exception as error:
                results.append(f"{type(error).__name__} {error}")
        return results

    first, second, third = await asyncio.to_thread(run)
    assert (first, third) == ("01", "01")
    assert any(word in second for word in expected.split("|")), second
    assert (fault.seen, fault.befallen) == (3, 1)


async def test_boto3_gets_over_parts_that_fail_once(s3_server: S3Server, theirs: Theirs) -> None:
    for number, action in enumerate(
        [refuse(), stop_receiving(1000), close("performed"), refuse(500, "InternalError")], 1
    ):
        s3_server.faults.add(action, operation="UploadPart", part=number)
    s3_server.faults.add(error_inside(), operation="CompleteMultipartUpload")
    s3_server.faults.add(truncate(100), operation="GetObject", range="bytes=5242880-")
    s3_server.faults.add(drip(200_000), operation="GetObject", range="bytes=0-")

    def run() -> bytes:
        s3 = theirs(attempts=3)
        config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB)
        s3.upload_fileobj(io.BytesIO(BIG), "bucket", "big", Config=config)
        target = io.BytesIO()
        s3.download_fileobj("bucket", "big", target, Config=config)
        return target.getvalue()

    assert await asyncio.to_thread(run) == BIG == s3_server.body("big")
    assert all(fault.befallen == 1 for fault in s3_server.faults.table)
    assert s3_server.open_uploads() == []


async def test_a_wrong_etag_of_a_part_fails_the_completion(s3_server: S3Server, theirs: Theirs) -> None:
    s3_server.faults.add(say(ETag=WRONG_ETAG), operation="UploadPart", part=2)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB)
    s3 = await asyncio.to_thread(theirs)
    with pytest.raises(ClientError, match=r"InvalidPart.*Part 2"):
        await asyncio.to_thread(s3.upload_fileobj, io.BytesIO(BIG), "bucket", "big", Config=config)
    assert s3_server.open_uploads() == []


async def test_an_object_that_is_overwritten_between_ranges_is_not_spliced(s3_server: S3Server, theirs: Theirs) -> None:
    s3_server.put("big", BIG)
    s3_server.faults.add(overwrite(BIG[::-1]), operation="GetObject", range="bytes=5242880-")
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB, max_concurrency=1)
    s3 = await asyncio.to_thread(theirs)
    with pytest.raises(S3DownloadFailedError, match="did not match expected ETag"):
        await asyncio.to_thread(s3.download_fileobj, "bucket", "big", io.BytesIO(), Config=config)


async def test_what_hangs_goes_on_when_it_is_released(s3_server: S3Server, theirs: Theirs) -> None:
    s3_server.put("k", b"abc")
    s3_server.faults.add(hang(), operation="GetObject")
    s3_server.faults.add(hang("body", 1), operation="GetObject")
    s3 = await asyncio.to_thread(theirs)
    getting = asyncio.create_task(asyncio.to_thread(s3.get_object, Bucket="bucket", Key="k"))
    while not s3_server.active:
        await asyncio.sleep(0.01)
    assert not getting.done()
    s3_server.release()
    body = (await getting)["Body"]
    assert await asyncio.to_thread(body.read) == b"abc"


async def test_bodies_with_a_trailer_are_unwrapped(tls_s3_server: S3Server, ca_bundle: str, theirs: Theirs) -> None:
    def run() -> bytes:
        s3 = theirs(tls_s3_server.url, verify=ca_bundle)
        s3.put_object(Bucket="bucket", Key="k", Body=io.BytesIO(BIG[:MIB]))
        return s3.get_object(Bucket="bucket", Key="k")["Body"].read()

    assert await asyncio.to_thread(run) == BIG[:MIB]
    assert tls_s3_server.seen[0].headers["x-amz-trailer"] == "x-amz-checksum-crc32"
    assert tls_s3_server.store.find("bucket").find("k").checksums == {"crc32": checksum("crc32", BIG[:MIB])}
