"""Copies within S3: the requests and the results are boto3's, and better where boto3 loses something."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import logging
import os
import random
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aiobotocore.config import AioConfig
from boto3.s3.transfer import TransferConfig as TheirConfig
from botocore.config import Config
from botocore.exceptions import ParamValidationError

import aiosdk
from aiosdk.exceptions import S3CopyFailedError, UnknownOperationError
from aiosdk.s3 import TransferConfig
from aiosdk.services.s3 import config as configuration
from tests.integration.conftest import KEYS
from tests.support.s3_server import S3Server
from tests.support.server import Answer, CountingServer, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.integration.conftest import Boto3

MIB = 2**20
PART = 5 * MIB
BODY = random.Random(9).randbytes(12 * MIB)
SOURCE = {"Bucket": "source", "Key": "a key"}
DEEP = bool(os.environ.get("AIOSDK_DEEP"))
ONCE = {"total_max_attempts": 1}
SSE_KEY = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture(scope="module")
def boto(running: S3Server) -> Any:
    return client_of_boto3(running)


@pytest.fixture
def server(running: S3Server) -> S3Server:
    """A server with two empty buckets."""
    running.store.buckets.clear()
    for bucket in ("source", "target"):
        running.store.create(bucket)
    running.forget()
    return running


@contextlib.asynccontextmanager
async def client_of(server: CountingServer) -> AsyncIterator[Any]:
    async with aiosdk.Session(**KEYS, endpoint_url=server.url) as session:
        yield await session.client("s3", config=AioConfig(retries=ONCE))


@pytest.fixture
async def s3(server: S3Server) -> AsyncIterator[Any]:
    async with client_of(server) as client:
        yield client


def client_of_boto3(server: CountingServer) -> Any:
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.Session(**KEYS).client("s3", endpoint_url=server.url, config=config)


def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow parts of any size."""
    monkeypatch.setattr(configuration, "MIN_PART_SIZE", 1)


def in_parts(size: int = PART, concurrency: int = 10) -> TransferConfig:
    return TransferConfig(multipart_threshold=size, multipart_chunksize=size, max_concurrency=concurrency)


# The same requests as boto3's

OF_NO_INTEREST = re.compile("host|user-agent|authorization|amz-sdk-|x-amz-(date|content-sha256|user-agent)|accept|conn")


def described(server: S3Server) -> list[Any]:
    """What was sent, without what is of one client or one upload alone."""
    found = [
        (
            each.method,
            re.sub(r"upload-\d+", "UPLOAD", each.target),
            {name: value for name, value in each.headers.items() if not OF_NO_INTEREST.match(name)},
        )
        for each in server.seen
    ]
    # boto3 asks for the tags in the end; ours in the beginning, so that there is no copy yet if they may not be read.
    return sorted(found, key=lambda each: each[0] == "GET")


def kept(server: S3Server, bucket: str = "target", key: str = "copy") -> Any:
    version = server.store.find(bucket).find(key)
    return version.body, version.headers, version.tags, version.etag, version.checksums, version.checksum_type


async def both(server: S3Server, s3: Any, boto: Any, source: Any, arguments: Any, size: int) -> None:
    """Copy with boto3 and with ours; what is sent and what comes of it must be the same."""
    told: list[int] = []
    outcomes: list[Any] = []

    def run() -> None:
        config = TheirConfig(multipart_threshold=size, multipart_chunksize=size, use_threads=False)
        boto.copy(source, "target", "copy", arguments, told.append, None, config)

    async def ours() -> None:
        await s3.copy(source, "target", "copy", arguments, told.append, None, in_parts(size, 1))

    for side in (lambda: asyncio.to_thread(run), ours):
        told.clear()
        server.forget()
        server.store.find("target").delete("copy")
        try:
            await side()
            outcomes.append([*described(server), [each for each in told if each], kept(server)])
        except Exception as error:  # which one is compared
            outcomes.append([*described(server), type(error).__name__, str(error).partition(" (copying s3://")[0]])
    theirs, mine = outcomes
    assert mine == theirs, arguments


CHOICES: dict[str, list[Any]] = {
    "ACL": ["private", "public-read"],
    "CacheControl": ["no-store"],
    "ChecksumAlgorithm": ["CRC32", "sha256", "CRC64NVME"],
    "ContentDisposition": ["attachment"],
    "ContentEncoding": ["gzip"],
    "ContentLanguage": ["de"],
    "ContentType": ["image/png"],
    "CopySourceIfMatch": ["*", '"nothing"'],
    "CopySourceIfNoneMatch": ['"nothing"', "*"],
    "CopySourceIfModifiedSince": [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)],
    "CopySourceIfUnmodifiedSince": [datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC)],
    "CopySourceSSECustomerAlgorithm": ["AES256"],
    "CopySourceSSECustomerKey": [SSE_KEY],
    "ExpectedBucketOwner": ["123456789012"],
    "Expires": [datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC)],
    "GrantRead": ["id=x"],
    "Metadata": [{"mine": "1", "other": "two words"}, {}],
    "MetadataDirective": ["REPLACE", "COPY"],
    "ObjectLockLegalHoldStatus": ["ON"],
    "ObjectLockMode": ["GOVERNANCE"],
    "ObjectLockRetainUntilDate": [datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC)],
    "RequestPayer": ["requester"],
    "ServerSideEncryption": ["aws:kms"],
    "SSECustomerAlgorithm": ["AES256"],
    "SSECustomerKey": [SSE_KEY],
    "SSEKMSEncryptionContext": ["e30="],
    "SSEKMSKeyId": ["a-key"],
    "StorageClass": ["STANDARD_IA"],
    "Tagging": ["a=1&b=two%20words&c=", ""],
    "TaggingDirective": ["COPY", "REPLACE"],
    "WebsiteRedirectLocation": ["/elsewhere"],
}


def put_source(server: S3Server, body: bytes = BODY) -> None:
    headers = {"content-type": "text/x", "cache-control": "max-age=1", "x-amz-meta-theirs": "kept", "expires": EXPIRES}
    server.put("a key", body, "source", headers)


EXPIRES = "Wed, 02 Jan 2030 00:00:00 GMT"


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, len(BODY)])
async def test_any_size_is_copied_by_boto3s_requests(server: S3Server, s3: Any, boto: Any, size: int) -> None:
    put_source(server, BODY[:size])
    await both(server, s3, boto, SOURCE, None, PART)
    assert server.body("copy", "target") == BODY[:size]
    assert server.operations["UploadPartCopy"] == (-(-size // PART) if size >= PART else 0)


@pytest.mark.parametrize("name", CHOICES)
async def test_each_argument_goes_where_boto3_sends_it(server: S3Server, s3: Any, boto: Any, name: str) -> None:
    put_source(server, BODY[: PART + 1])
    for value in CHOICES[name]:
        for size in (PART, 2 * PART):
            await both(server, s3, boto, SOURCE, {name: value}, size)


async def test_arguments_go_together_as_in_boto3(server: S3Server, s3: Any, boto: Any) -> None:
    chance = random.Random(3)
    put_source(server, BODY[: PART + 1])
    for _ in range(1000 if DEEP else 25):
        names = chance.sample(sorted(CHOICES), chance.randrange(2, 9))
        arguments = {name: chance.choice(CHOICES[name]) for name in names}
        await both(server, s3, boto, SOURCE, arguments, chance.choice([PART, 2 * PART]))


async def test_a_version_is_honoured_by_every_request(server: S3Server, s3: Any, boto: Any) -> None:
    server.store.find("source").versioning = True
    put_source(server)
    old = server.store.find("source").find("a key").id
    server.put("a key", b"new", "source")
    source = {**SOURCE, "VersionId": old}
    for arguments in ({}, {"TaggingDirective": "COPY"}):
        for size in (PART, 20 * MIB):
            await both(server, s3, boto, source, arguments, size)
            assert server.body("copy", "target") == BODY
    await both(server, s3, boto, {**SOURCE, "VersionId": "unknown"}, None, PART)


async def test_a_version_of_none_is_no_version(server: S3Server, s3: Any) -> None:
    put_source(server)
    await s3.copy({**SOURCE, "VersionId": None}, "target", "copy")
    assert server.body("copy", "target") == BODY


@pytest.mark.parametrize("key", ["a+b", "a%2Fb", "ünïcödé/☃", "/leading", "a/../b", "a//b", "q?x=1&y=2#z"])
async def test_odd_keys_are_copied(server: S3Server, s3: Any, key: str) -> None:
    server.put(key, BODY[: PART + 1], "source")
    for size in (PART, 2 * PART):
        await s3.copy({"Bucket": "source", "Key": key}, "target", key, None, None, None, in_parts(size))
        assert server.body(key, "target") == BODY[: PART + 1]


async def test_moto_has_the_same_object_after_either(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    s3, boto = await ours.client("s3"), await asyncio.to_thread(theirs.client, "s3")
    await s3.create_bucket(Bucket="source")
    await s3.create_bucket(Bucket="target")
    about: dict[str, Any] = {"ContentType": "text/x", "CacheControl": "no-store", "Metadata": {"a": "b"}}
    await s3.put_object(Bucket="source", Key="a key", Body=BODY, Tagging="t=1&u=two%20words", **about)
    names = ("ETag", "ContentLength", "ContentType", "CacheControl", "Metadata", "StorageClass", "TagCount")
    replacing = {"MetadataDirective": "REPLACE", "ContentType": "b/b", "TaggingDirective": "REPLACE", "Tagging": "x=y"}
    for size in (PART, 20 * MIB):
        for arguments in ({"TaggingDirective": "COPY"}, replacing, {"StorageClass": "STANDARD_IA", "Tagging": "x=y"}):
            config = TheirConfig(multipart_threshold=size, multipart_chunksize=size)
            await asyncio.to_thread(boto.copy, SOURCE, "target", "theirs", arguments, None, None, config)
            await s3.copy(SOURCE, "target", "ours", arguments, None, None, config)
            heads = [await s3.head_object(Bucket="target", Key=key) for key in ("theirs", "ours")]
            found, wanted = ({name: head.get(name) for name in names} for head in reversed(heads))
            tags = [(await s3.get_object_tagging(Bucket="target", Key=key))["TagSet"] for key in ("theirs", "ours")]
            if "TaggingDirective" in arguments:
                assert (found, tags[1]) == (wanted, tags[0])
            assert await (await s3.get_object(Bucket="target", Key="ours"))["Body"].read() == BODY
    assert "Uploads" not in await s3.list_multipart_uploads(Bucket="target")


async def test_bucket_and_object_copy_too(server: S3Server) -> None:
    put_source(server)
    async with aiosdk.Session(**KEYS, endpoint_url=server.url) as session:
        s3 = await session.resource("s3")
        await s3.Bucket("target").copy(SOURCE, "one", Config=in_parts())
        await s3.Object("target", "two").copy(SOURCE)
        await s3.Object("target", "three").copy({"Bucket": "target", "Key": "two"})
    assert {server.body(key, "target") for key in ("one", "two", "three")} == {BODY}


# What is refused before anything is sent

WRONG_SOURCES = [
    "from/a key",
    ("source", "a key"),
    None,
    {},
    {"Bucket": "source"},
    {"Key": "a key"},
    {**SOURCE, "Range": "bytes=0-1"},
    {**SOURCE, "PartNumber": 1},
]


@pytest.mark.parametrize("source", WRONG_SOURCES)
async def test_a_source_that_is_none_is_refused(server: S3Server, s3: Any, source: Any) -> None:
    expected = re.escape('Expecting dictionary formatted: {"Bucket": bucket_name, "Key": key} but got ')
    with pytest.raises(TypeError, match=expected):
        await s3.copy(source, "target", "copy")
    assert server.seen == []


async def test_names_that_requests_do_not_have_are_refused(server: S3Server, s3: Any, boto: Any) -> None:
    for arguments in ({"Body": b""}, {"VersionId": "1"}, {"ContentMD5": ""}):
        with pytest.raises(ValueError, match=r"Invalid extra_args key '\w+', must be one of: ") as mine:
            await s3.copy(SOURCE, "target", "copy", arguments)
        with pytest.raises(ValueError, match="Invalid") as theirs:
            boto.copy(SOURCE, "target", "copy", arguments)
        names = [set(str(error.value).partition("one of: ")[2].split(", ")) for error in (mine, theirs)]
        assert names[0] == names[1]
    with pytest.raises(ParamValidationError, match="Version"):
        await s3.copy({**SOURCE, "Version": "1"}, "target", "copy")
    assert server.seen == []


@pytest.mark.parametrize("where", ["source", "target"])
async def test_an_object_lambda_is_refused(server: S3Server, s3: Any, where: str) -> None:
    arn = "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/x"
    source, bucket = (SOURCE, arn) if where == "target" else ({**SOURCE, "Bucket": arn}, "target")
    with pytest.raises(ValueError, match="Object Lambda"):
        await s3.copy(source, bucket, "copy")
    assert server.seen == []


async def test_a_source_client_that_would_block_is_refused(server: S3Server, s3: Any, boto: Any) -> None:
    with pytest.raises(TypeError, match="boto3, which would block the event loop"):
        await s3.copy(SOURCE, "target", "copy", None, None, boto)
    with pytest.raises(TypeError, match="cannot be called"):
        await s3.copy(SOURCE, "target", "copy", None, 5)
    with pytest.raises(TypeError, match="no transfer configuration"):
        await s3.copy(SOURCE, "target", "copy", Config=5)
    assert server.seen == []


async def test_what_is_ignored_without_a_directive_is_warned_of(
    server: S3Server, s3: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put_source(server)
    with caplog.at_level(logging.WARNING):
        await s3.copy(SOURCE, "target", "copy", {"Metadata": {"a": "b"}, "MetadataDirective": "REPLACE", "Tagging": ""})
        assert caplog.messages == []
        await s3.copy(SOURCE, "target", "copy", {"Metadata": {"a": "b"}, "Tagging": "a=b"})
    assert [message.rpartition(" takes ")[2] for message in caplog.messages] == [
        "MetadataDirective='REPLACE' as well.",
        "TaggingDirective='REPLACE' as well.",
    ]


# Two clients


@pytest.fixture
def elsewhere() -> Iterator[S3Server]:
    with S3Server("source") as server:
        yield server


async def test_the_source_is_read_by_its_own_client(server: S3Server, elsewhere: S3Server, s3: Any) -> None:
    for each in (server, elsewhere):
        put_source(each)
        each.store.find("source").find("a key").tags = "a=1"
    async with client_of(elsewhere) as reader:
        for size in (PART, 20 * MIB):
            await s3.copy(SOURCE, "target", "copy", {"TaggingDirective": "COPY"}, None, reader, in_parts(size))
    assert elsewhere.operations == {"HeadObject": 2, "GetObjectTagging": 1}
    assert not server.operations.keys() & {"HeadObject", "GetObjectTagging"}
    assert kept(server)[0] == BODY
    assert kept(server)[2] == "a=1"


# Sizes that no server here has


class Sizes:
    """A client that knows an object of some size, and keeps what it is asked."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def at_close(self, *_: Any) -> None:
        """Nobody closes it."""

    def __getattr__(self, name: str) -> Any:
        async def call(**given: Any) -> dict[str, Any]:
            self.asked.append((name, given))
            part = {"ETag": f'"{given.get("PartNumber")}"'}
            return {"ContentLength": self.size, "ETag": '"e"', "UploadId": "u", "CopyPartResult": part}

        return call

    async def copy(self, config: TransferConfig) -> list[tuple[int, int]]:
        """Copy it; the parts, each by its first byte and the one after its last."""
        from aiosdk.services.s3 import copying
        from aiosdk.services.s3.order import Order

        told: list[int] = []
        await copying.copy(Order(self, "target", "copy", None, told.append, config, bar=False), SOURCE, None)
        assert sum(told) == self.size
        ranges = [given["CopySourceRange"] for name, given in self.asked if name == "upload_part_copy"]
        ends = [tuple(map(int, each.removeprefix("bytes=").split("-"))) for each in ranges]
        return sorted((start, end + 1) for start, end in ends)


async def test_one_request_copies_five_gibibytes_at_most() -> None:
    config = TransferConfig(multipart_threshold=2**40, multipart_chunksize=2**30)
    assert await Sizes(5 * 2**30).copy(config) == []
    parts = await Sizes(5 * 2**30 + 1).copy(config)
    assert parts[-1] == (5 * 2**30, 5 * 2**30 + 1)
    assert len(parts) == 6


@pytest.mark.parametrize("size", [10_000 * 8 * MIB, 10_000 * 8 * MIB + 1, 2**40 + 12345, 5 * 2**40, 48 * 2**40])
async def test_ten_thousand_parts_are_enough(size: int) -> None:
    client = Sizes(size)
    parts = await client.copy(TransferConfig())
    assert len(parts) <= 10_000
    assert parts[0][0] == 0
    assert parts[-1][1] == size
    assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))
    assert all(end - start <= 5 * 2**30 for start, end in parts)
    completion = client.asked[-1][1]["MultipartUpload"]["Parts"]
    assert [part["PartNumber"] for part in completion] == list(range(1, len(parts) + 1))
    assert all(part["ETag"] == f'"{part["PartNumber"]}"' for part in completion)


async def test_so_many_parts_are_under_way_at_once(server: S3Server, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch)
    put_source(server, BODY[:200])
    from tests.support.s3_faults import wait

    server.faults.add(wait(0.02), operation="UploadPartCopy", times=None)
    await s3.copy(SOURCE, "target", "copy", Config=in_parts(10, 4))
    assert server.peak_operations["UploadPartCopy"] == 4
    server.forget()
    config = TheirConfig(multipart_threshold=10, multipart_chunksize=10, use_threads=False)
    await s3.copy(SOURCE, "target", "copy", Config=config)
    assert server.peak_operations["UploadPartCopy"] == 1
    assert server.body("copy", "target") == BODY[:200]


# Progress


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000])
@pytest.mark.parametrize("kind", ["plain", "coroutine", "falsy"])
async def test_the_callback_is_told_every_byte_once(
    server: S3Server, s3: Any, size: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    put_source(server, BODY[:size])
    told: list[int] = []

    async def later(amount: int) -> None:
        await asyncio.sleep(0)
        told.append(amount)

    class Falsy(list[int]):
        def __call__(self, amount: int) -> None:
            told.append(amount)

    callback = {"plain": told.append, "coroutine": later, "falsy": Falsy()}[kind]
    await s3.copy(SOURCE, "target", "copy", None, callback, None, in_parts(100))
    assert sum(told) == size
    assert all(amount > 0 for amount in told)


async def test_a_bar_is_drawn(server: S3Server, s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put_source(server)
    await s3.copy(SOURCE, "target", "copy", Config=in_parts(), progress=True)
    assert re.search(r"copy: 100%.* 12\.0M/12\.0M", capsys.readouterr().err)


# Tags and annotations, which a copy in parts carries over itself


@pytest.mark.parametrize("size", [PART, 20 * MIB])
async def test_tags_are_kept_without_being_asked_for_as_copy_object_does(server: S3Server, s3: Any, size: int) -> None:
    put_source(server)
    server.store.find("source").find("a key").tags = "a=1&b=two+words"
    await s3.copy(SOURCE, "target", "copy", None, None, None, in_parts(size))
    assert kept(server)[2] == "a=1&b=two+words"


async def test_the_version_that_was_made_is_tagged(server: S3Server, s3: Any) -> None:
    server.store.find("target").versioning = True
    put_source(server)
    arguments = {"TaggingDirective": "REPLACE", "Tagging": "a=1"}
    await s3.copy(SOURCE, "target", "copy", arguments, None, None, in_parts())
    made = server.store.find("target").find("copy")
    assert urllib.parse.parse_qs(server.seen[-1].target.partition("?")[2])["versionId"] == [made.id]
    assert made.tags == "a=1"


PAGES = {"": ("one", "two", "next"), "next": ("three", "four", "")}


async def answer_with_annotations(request: Request) -> Answer:
    """An S3 that knows annotations, in pages."""
    query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    if request.method == "HEAD":
        return Answer(headers={"Content-Length": str(6 * MIB), "ETag": '"e"'})
    if "annotation" in query and request.method == "GET" and "annotationName" not in query:
        *names, token = PAGES[query.get("continuation-token", "")]
        entries = "".join(f"<Annotations><AnnotationName>{name}</AnnotationName></Annotations>" for name in names)
        more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        return Answer(body=f"<ListObjectAnnotationsOutput>{entries}{more}</ListObjectAnnotationsOutput>".encode())
    if "annotation" in query and request.method == "GET":
        return Answer(body=b"about " + query["annotationName"].encode())
    if "annotation" in query:
        if query["annotationName"] == "three" and request.headers.get("x-amz-request-payer"):
            return Answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        return Answer()
    if "uploads" in query:
        return Answer(body=b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
    if request.method == "POST":
        return Answer(body=b"<CompleteMultipartUploadResult><ETag>new</ETag></CompleteMultipartUploadResult>")
    return Answer(body=b"<CopyPartResult><ETag>p</ETag></CopyPartResult>")


@pytest.fixture
def annotated() -> Iterator[CountingServer]:
    with CountingServer(answer_with_annotations) as server:
        yield server


def of_annotations(server: CountingServer) -> list[Any]:
    return [
        (each.method, each.target, each.body, each.headers.get("x-amz-object-if-match"))
        for each in server.requests
        if "annotation" in each.target
    ]


async def test_annotations_are_carried_over_page_by_page(annotated: CountingServer) -> None:
    """boto3 stops after the first page of them."""
    arguments = {"AnnotationDirective": "COPY"}
    async with client_of(annotated) as s3:
        await s3.copy(SOURCE, "target", "copy", arguments, None, None, in_parts(concurrency=1))
        mine = of_annotations(annotated)
        annotated.requests.clear()
        await s3.copy(SOURCE, "target", "copy", None, None, None, in_parts())
        assert of_annotations(annotated) == []

    def theirs() -> None:
        config = TheirConfig(multipart_threshold=PART, multipart_chunksize=PART)
        client_of_boto3(annotated).copy(SOURCE, "target", "copy", arguments, None, None, config)

    await asyncio.to_thread(theirs)
    names = [urllib.parse.parse_qs(each[1]).get("annotationName") for each in mine if each[0] == "PUT"]
    assert names == [["one"], ["two"], ["three"], ["four"]]
    assert len(of_annotations(annotated)) == 5
    assert [each for each in of_annotations(annotated) if each not in mine] == []


async def test_an_annotation_that_cannot_be_written_is_named_and_the_others_are_there(
    annotated: CountingServer,
) -> None:
    arguments = {"AnnotationDirective": "COPY", "RequestPayer": "requester"}
    async with client_of(annotated) as s3:
        with pytest.raises(S3CopyFailedError, match="AccessDenied") as caught:
            await s3.copy(SOURCE, "target", "copy", arguments, None, None, in_parts())
    assert "s3://target/copy was copied and exists, but without its annotation 'three'" in str(caught.value)
    assert len([each for each in of_annotations(annotated) if each[0] == "PUT"]) == 4
    assert not [each for each in annotated.requests if each.method == "DELETE"]


async def test_a_client_without_annotations_says_so_before_anything_is_copied(
    server: S3Server, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_source(server)

    class Older:
        head_object = s3.head_object

        def __getattr__(self, name: str) -> Any:
            raise UnknownOperationError(service_name="s3", operation_name=name, nearest="")

    with pytest.raises(UnknownOperationError, match="list_object_annotations"):
        await s3.copy(SOURCE, "target", "copy", {"AnnotationDirective": "COPY"}, None, Older(), in_parts())
    assert server.operations == {"HeadObject": 1}
