"""Transfers and tables against a server that lies: listings, ids of uploads, ETags, ranges, lengths."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from aiosdk.s3 import TransferConfig
from tests.support.hostile import http, raw_server, session
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

CLASSIFIED = (BotoCoreError, ClientError, ResponseParserError)
SMALL_PARTS = TransferConfig(multipart_threshold=5 * 1024**2, multipart_chunksize=5 * 1024**2, max_concurrency=2)
MEGABYTE = "u" * 1_000_000


def _created(upload: str | None) -> bytes:
    told = "" if upload is None else f"<UploadId>{upload}</UploadId>"
    return http(f"<InitiateMultipartUploadResult>{told}</InitiateMultipartUploadResult>".encode())


UPLOADS: dict[str, str | None] = {
    "none": None,
    "nothing": "",
    "that ends a line": "u&#13;&#10;X-Injected: 1",
    "of another path": "../../x?y=z#f",
    "of a megabyte": MEGABYTE,
    "of many bytes": "\u2028\U0001f600",
}


@pytest.mark.parametrize("kind", UPLOADS)
async def test_an_upload_with_an_id(kind: str) -> None:
    """Whatever it is, it is sent back encoded, or the transfer ends in a clear error."""
    async with raw_server() as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")

        async def answer(writer: asyncio.StreamWriter) -> None:
            first = raw.heads[-1].split(b"\r\n")[0]
            if first.startswith(b"POST") and first.split()[1].endswith(b"uploads"):
                writer.write(_created(UPLOADS[kind]))
            elif first.startswith(b"PUT"):
                writer.write(http(b"", ETag='"e"'))
            else:
                writer.write(http(b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"))
            await writer.drain()

        raw.script = answer
        body = io.BytesIO(b"x" * (11 * 1024**2))
        try:
            await s3.upload_fileobj(body, "b", "k", Config=SMALL_PARTS)
        except CLASSIFIED:
            pass
        else:
            assert UPLOADS[kind]
        for head in raw.heads:
            lines = head.split(b"\r\n")
            assert lines[0].count(b" ") == 2
            assert not any(line.lower().startswith(b"x-injected") for line in lines)


@pytest.mark.parametrize("etag", [None, "", '"e', "e\te", "\xff\xfe", "x" * 60_000, "*", "W/"])
async def test_parts_and_objects_with_an_etag(etag: str | None) -> None:
    """An ETag goes back in the body of a completion, and in the condition of a range."""
    headers = {} if etag is None else {"ETag": etag}
    content = b"x" * (11 * 1024**2)
    async with raw_server() as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")

        async def answer(writer: asyncio.StreamWriter) -> None:
            head = raw.heads[-1]
            method, target = head.split()[:2]
            if method == b"POST" and target.endswith(b"uploads"):
                writer.write(_created("u"))
            elif method == b"PUT":
                writer.write(http(b"", **headers))
            elif method == b"HEAD":
                writer.write(http(b"", **headers).replace(b"Content-Length: 0", b"Content-Length: %d" % len(content)))
            elif method == b"GET":
                (line,) = [each for each in head.split(b"\r\n") if each.lower().startswith(b"range:")] or [b""]
                start, _, end = line.partition(b"=")[2].partition(b"-")
                first, last = int(start or 0), min(int(end or len(content) - 1), len(content) - 1)
                told = {"Content_Range": f"bytes {first}-{last}/{len(content)}", **headers}
                writer.write(http(content[first : last + 1], 206 if line else 200, **told))
            else:
                writer.write(http(b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"))
            await writer.drain()

        raw.script = answer
        got = io.BytesIO()
        for transfer in (
            lambda: s3.upload_fileobj(io.BytesIO(content), "b", "k", Config=SMALL_PARTS),
            lambda: s3.download_fileobj("b", "k", got, Config=SMALL_PARTS),
        ):
            try:
                await transfer()
            except CLASSIFIED:
                continue
        assert got.getvalue() in (b"", content) or len(got.getvalue()) < len(content)
        assert all(line.count(b" ") <= 12 for head in raw.heads for line in head.split(b"\r\n")[:1])


LIES: dict[str, dict[str, str]] = {
    "another range": {"Content_Range": "bytes 5-9/10"},
    "a range beyond": {"Content_Range": "bytes 0-99999999999/10"},
    "no range": {},
    "a range that is none": {"Content_Range": "bytes x-y/z"},
    "a negative one": {"Content_Range": "bytes -5--1/-1"},
    "of another unit": {"Content_Range": "lines 0-5/10"},
    "a number too long": {"Content_Range": "bytes 0-1/" + "9" * 5000},
    "an unknown size": {"Content_Range": "bytes 0-5242879/*"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_download_whose_ranges_are_lies(lie: str, tmp_path: Path) -> None:
    size = 11 * 1024**2
    async with raw_server() as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")

        async def answer(writer: asyncio.StreamWriter) -> None:
            if raw.heads[-1].startswith(b"HEAD"):
                writer.write(http(b"", ETag='"e"').replace(b"Content-Length: 0", b"Content-Length: %d" % size))
            else:
                writer.write(http(b"y" * 10, 206, ETag='"e"', **LIES[lie]))
            await writer.drain()

        raw.script = answer
        target = tmp_path / "file"
        with pytest.raises(CLASSIFIED):
            await s3.download_file("b", "k", str(target), Config=SMALL_PARTS)
        assert await asyncio.to_thread(lambda: list(tmp_path.glob("file*"))) == []
        assert len(raw.heads) < 60


ESCAPES = (
    "../outside",
    "a/../../outside",
    "/absolute",
    "//double",
    "a/./b",
    "..",
    ".",
    "a\x00b".replace("\x00", "\u2400"),
    "C:\\windows",
    "..\\outside",
    "a" * 300 + "/b",
    "a/" * 2000 + "b",
    "~root/x",
    "-rf",
    "con",
    "a\nb",
    "a\u202eb",
    " ",
    "a/",
    "a//b",
)


def _listing(keys: tuple[str, ...], *, encoded: bool = False) -> bytes:
    each = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>1</Size><ETag>e</ETag>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    kind = "<EncodingType>url</EncodingType>" if encoded else ""
    return http(f"<ListBucketResult><IsTruncated>false</IsTruncated>{kind}{each}</ListBucketResult>".encode())


@pytest.mark.parametrize("encoded", [False, True])
async def test_a_listing_writes_nothing_outside_of_its_directory(encoded: bool, tmp_path: Path) -> None:
    keys = tuple(key.replace("/", "%2F").replace(".", "%2E") for key in ESCAPES) if encoded else ESCAPES
    inside = tmp_path / "deep" / "inside"
    await asyncio.to_thread(inside.mkdir, parents=True)
    async with raw_server() as raw, session(raw.url) as ours:

        async def answer(writer: asyncio.StreamWriter) -> None:
            target = raw.heads[-1].split()[1]
            writer.write(_listing(keys, encoded=encoded) if b"list-type" in target else http(b"x", ETag='"e"'))
            await writer.drain()

        raw.script = answer
        bucket = await (await ours.resource("s3")).Bucket("b")
        result = await bucket.download_dir("", str(inside), raise_failures=False)
        assert result.failed

    def written() -> list[str]:
        return [
            os.path.join(folder, name)
            for folder, _, names in os.walk(tmp_path)
            for name in names
            if not Path(folder).is_relative_to(inside)
        ]

    assert await asyncio.to_thread(written) == []
    assert not await asyncio.to_thread(Path("/absolute").exists)


@pytest.mark.parametrize(
    "size", ["-1", "99999999999999999999", "x", "", "1.5", "9" * 5000], ids=["-1", "2^66", "x", "none", "1.5", "long"]
)
async def test_a_listing_with_an_absurd_size(size: str, tmp_path: Path) -> None:
    page = _listing(("key",)).replace(b"<Size>1</Size>", b"<Size>%s</Size>" % size.encode())
    page = http(page.partition(b"\r\n\r\n")[2])
    async with raw_server() as raw, session(raw.url, config=AioConfig(read_timeout=2)) as ours:

        async def answer(writer: asyncio.StreamWriter) -> None:
            target = raw.heads[-1].split()[1]
            writer.write(page if b"list-type" in target else http(b"x", ETag='"e"'))
            await writer.drain()

        raw.script = answer
        bucket = await (await ours.resource("s3")).Bucket("b")
        try:
            result = await bucket.download_dir("", str(tmp_path / "here"), raise_failures=False)
        except CLASSIFIED:
            return
        names = await asyncio.to_thread(lambda: [each.name for each in (tmp_path / "here").glob("*")])
        assert names in ([], ["key"])
        assert len(result.failed) + len(names) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b'{"UnprocessedItems": 5}',
        b'{"UnprocessedItems": {"t": 5}}',
        b'{"UnprocessedItems": {"t": [{}, {}, {}]}}',
        b'{"UnprocessedItems": {"t": [{}], "other": [{"PutRequest": {"Item": {"a": {"S": "x"}}}}]}}',
        b'{"UnprocessedItems": {"t": [{"PutRequest": {"Item": {"a": {"N": "not a number"}}}}]}}',
    ],
)
async def test_a_batch_writer_ends_whatever_is_left_unprocessed(answer: bytes) -> None:
    async with raw_server(http(answer)) as raw, session(raw.url) as ours:
        table = await (await ours.resource("dynamodb")).Table("t")
        with pytest.raises(CLASSIFIED):
            async with asyncio.timeout(60), table.batch_writer() as batch:
                await batch.put_item(Item={"a": "x"})


@pytest.mark.parametrize(
    "value",
    [
        {"N": "x"},
        {"N": "9" * 100_000},
        {"N": "NaN"},
        {"N": ""},
        {"B": "!"},
        {"X": "1"},
        {},
        {"M": 5},
        {"L": {}},
        {"SS": "a"},
    ],
    ids=str,
)
async def test_an_attribute_that_is_none_is_refused_or_read(value: dict[str, Any]) -> None:
    import json

    body = json.dumps({"Item": {"a": value}}).encode()
    async with raw_server(http(body)) as raw, session(raw.url) as ours:
        table = await (await ours.resource("dynamodb")).Table("t")
        try:
            answer = await table.get_item(Key={"a": "b"})
        except CLASSIFIED:
            return
        assert set(answer["Item"]) <= {"a"}
