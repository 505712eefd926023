"""`upload_dir`, `download_dir`: what is sent, what is the same, what arguments do."""

from __future__ import annotations

import inspect
import os
import pydoc
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from aiosdk.exceptions import MissingExtraError, TreeArgumentError
from aiosdk.s3 import TransferConfig
from tests.support.trees import bucket, changed, keys, make_tree, off_loop, read_tree, s3_server, stored  # noqa: F401
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3_server import S3Server


MIB = 1024 * 1024
SMALL_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
ODD = {
    "plain.txt": b"1",
    "with space": b"22",
    "a+b%20c&d=e?f#g": b"333",
    "ünï/cödé/😀": b"4444",
    "ünï/combining e\u0301": b"5",
    ".hidden/.file": b"",
    "a/b/c/d/e": b"deep",
    "a/b.txt": b"beside",
    "a-b": b"sorted before a/b",
    "quote\"'<>&": b"6",
    "tilde~/*?[x]": b"7",
    "new\nline": b"8",
    "back\\slash": b"9",
}


@pytest.mark.parametrize("prefix", ["", "up", "up/", "/lead", "a b+%é/ü"])
async def test_a_tree_comes_back_as_it_went(prefix: str, bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "from", ODD)

    up = await bucket.upload_dir(tmp_path / "from", prefix)
    begin = prefix + "/" if prefix and not prefix.endswith("/") else prefix
    assert stored(s3_server) == {begin + name: body for name, body in ODD.items()}
    assert keys(up.done) == sorted((begin + name for name in ODD), key=str.encode)
    assert up.size == sum(map(len, ODD.values()))
    assert (up.skipped, up.deleted, up.failed) == ((), (), ())

    down = await bucket.download_dir(prefix, str(tmp_path / "to" / "below"))
    assert await read_tree(tmp_path / "to" / "below") == ODD
    assert keys(down.done) == keys(up.done)
    assert {each.path for each in down.done} == {str(tmp_path / "to" / "below" / name) for name in ODD}

    s3_server.forget()
    again = [
        await bucket.upload_dir(tmp_path / "from", prefix),
        await bucket.download_dir(prefix, tmp_path / "to" / "below"),
        await bucket.sync(tmp_path / "to" / "below", prefix, direction="down", delete=True),
        await bucket.sync(tmp_path / "to" / "below", prefix, direction="up", delete=True),
    ]
    assert s3_server.operations == {"ListObjectsV2": 4}
    assert [len(each.skipped) for each in again] == [len(ODD)] * 4


async def test_a_prefix_is_a_directory_and_no_beginning_of_names(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    for key in ("a/x", "ab/x", "a", "a/"):
        s3_server.put(key, b"" if key.endswith("/") else b"1")

    result = await bucket.download_dir("a", tmp_path)

    assert keys(result.done) == ["a/x"]
    assert [(each.key, each.why) for each in result.skipped] == [("a/", "only marks a directory")]


NOW = int(time.time()) - 1000


@pytest.mark.parametrize(
    ("compare", "direction", "here", "there", "sent"),
    [
        # size, seconds after NOW
        ("time", "up", (3, 0), (3, 0), None),
        ("time", "up", (3, 0.9), (3, 0), None),  # S3 tells whole seconds
        ("time", "up", (3, -5), (3, 0), None),
        ("time", "up", (3, 5), (3, 0), "the file is newer"),
        ("time", "up", (4, -5), (3, 0), "its size differs: 4 bytes here, 3 in the bucket"),
        ("time", "down", (3, 0), (3, 0), None),
        ("time", "down", (3, -5), (3, 0), "the object is newer"),
        ("time", "down", (3, 5), (3, 0), "the object is older"),
        ("time", "down", (4, 0), (3, 0), "its size differs: 4 bytes here, 3 in the bucket"),
        ("size", "up", (3, 5), (3, 0), None),
        ("size", "up", (2, 0), (3, 0), "its size differs: 2 bytes here, 3 in the bucket"),
        ("size", "down", (3, -5), (3, 0), None),
        ("size", "down", (2, 0), (3, 0), "its size differs: 2 bytes here, 3 in the bucket"),
    ],
)
async def test_what_makes_a_file_and_an_object_the_same(
    compare: str,
    direction: str,
    here: tuple[int, float],
    there: tuple[int, float],
    sent: str | None,
    bucket: Any,
    s3_server: S3Server,
    tmp_path: Path,
) -> None:
    await make_tree(tmp_path / "t", {"f": b"h" * here[0]}, time=NOW + here[1])
    changed(s3_server, "f", b"t" * there[0], NOW + there[1])

    result = await bucket.sync(tmp_path / "t", direction=direction, compare=compare)

    assert [each.why for each in result.done] == ([sent] if sent else [])
    same = (await read_tree(tmp_path / "t"))["f"] == stored(s3_server)["f"]
    assert same is (sent is not None)
    if sent:
        assert not (await bucket.sync(tmp_path / "t", direction=direction, compare=compare)).done


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_comparing_contents_sends_what_differs_whatever_the_time(
    direction: str, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    large = os.urandom(11 * MIB)
    files = {"same": b"abc", "other": b"abc", "size": b"abc", "large": large, "large other": large, "kms": b"abc"}
    await make_tree(tmp_path / "t", files)
    await bucket.upload_dir(tmp_path / "t", Config=SMALL_PARTS)
    s3_server.store.find("bucket").find("kms").headers["x-amz-server-side-encryption"] = "aws:kms"
    s3_server.store.find("bucket").find("kms").etag = '"' + "0" * 32 + '"'
    await make_tree(tmp_path / "t", {"other": b"abd", "size": b"abcd"}, time=NOW - 1000)
    await make_tree(tmp_path / "t", {"large other": large[:-1] + bytes([large[-1] ^ 1])}, time=NOW - 1000)
    s3_server.forget()

    result = await bucket.sync(tmp_path / "t", direction=direction, compare="checksum", Config=SMALL_PARTS)

    assert {each.key: each.why for each in result.done} == {
        "other": "its CRC32 differs",
        "large other": "its CRC32 differs",
        "size": "its size differs: 4 bytes here, 3 in the bucket",
    }
    assert {each.key: each.why for each in result.skipped} == {
        "same": "the same MD5",
        "large": "the same CRC32",
        "kms": "the same CRC32",
    }
    heads = [each.key for each in s3_server.seen if each.operation == "HeadObject"]
    assert "same" not in heads


async def test_where_no_checksum_is_known_it_is_sent_and_said(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path, {"t/f": b"abc"}, time=1)
    version = s3_server.put("f", b"abc")
    version.etag, version.checksums, version.checksum_type = '"abc-2"', {"crc32": "AAAAAA==-2"}, "COMPOSITE"

    result = await bucket.upload_dir(tmp_path / "t", compare="checksum")

    assert [each.why for each in result.done] == [
        "no checksum is known that could be compared (its ETag is no MD5, and none of the whole object is stored)"
    ]


async def test_everything_is_sent_when_it_is_to_be_overwritten(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    await make_tree(tmp_path / "t", {"a": b"1", "b": b"2"})
    await bucket.upload_dir(tmp_path / "t")
    s3_server.forget()

    assert keys((await bucket.upload_dir(tmp_path / "t", overwrite=True)).done) == ["a", "b"]
    assert s3_server.operations == {"PutObject": 2}, "nothing to list"
    assert keys((await bucket.download_dir("", tmp_path / "t", overwrite=True)).done) == ["a", "b"]


async def test_an_argument_that_makes_no_sense_sends_nothing(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    calls: list[tuple[type[Exception], str, Any]] = [
        (TreeArgumentError, "direction='both'", lambda: bucket.sync(tmp_path, direction="both")),
        (TypeError, "direction", lambda: bucket.sync(tmp_path)),
        (TreeArgumentError, "compare='date'", lambda: bucket.upload_dir(tmp_path, compare="date")),
        (TreeArgumentError, "concurrency=0", lambda: bucket.upload_dir(tmp_path, concurrency=0)),
        (TreeArgumentError, "path=None", lambda: bucket.upload_dir(None)),
        (TreeArgumentError, "prefix=None", lambda: bucket.upload_dir(tmp_path, None)),
        (TreeArgumentError, "prefix=PosixPath", lambda: bucket.download_dir(tmp_path, "prefix")),
        (TreeArgumentError, "include=1", lambda: bucket.upload_dir(tmp_path, include=1)),
        (
            ValueError,
            "Invalid extra_args key 'Nonsense'",
            lambda: bucket.upload_dir(tmp_path, ExtraArgs={"Nonsense": 1}),
        ),
        (ValueError, "'ACL'", lambda: bucket.download_dir("", tmp_path, ExtraArgs={"ACL": "private"})),
        (TypeError, "no transfer configuration", lambda: bucket.upload_dir(tmp_path, Config=7)),
        (TypeError, "cannot be called", lambda: bucket.upload_dir(tmp_path, Callback=7)),
    ]
    for kind, says, call in calls:
        with pytest.raises(kind, match=re.escape(says)):
            await call()
    assert not s3_server.seen


async def test_arguments_of_requests_reach_those_that_take_them(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    await make_tree(tmp_path / "t", {"a.html": b"<p>"})
    s3_server.put("old", b"")

    await bucket.sync(
        tmp_path / "t",
        direction="up",
        delete=True,
        ExtraArgs={"ContentType": "text/html", "ExpectedBucketOwner": "123456789012"},
    )

    assert {
        each.operation: each.headers.get("x-amz-expected-bucket-owner") for each in s3_server.seen
    } == dict.fromkeys(["ListObjectsV2", "PutObject", "DeleteObjects"], "123456789012")
    assert s3_server.store.find("bucket").find("a.html").headers["content-type"] == "text/html"


async def test_a_callback_hears_of_every_byte(bucket: Any, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {"a": b"1" * 1000, "b": b"2" * 500})
    heard: list[int] = []

    async def tell(size: int) -> None:
        heard.append(size)

    await bucket.upload_dir(tmp_path / "t", Callback=heard.append)
    await bucket.download_dir("", tmp_path / "u", Callback=tell)

    assert sum(heard) == 3000


async def test_a_bar_is_drawn_for_the_whole(bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await off_loop(pytest.importorskip, "tqdm")
    await make_tree(tmp_path / "t", {"a": b"1" * 1024, "b": b"2" * 1024})

    await bucket.upload_dir(tmp_path / "t", "pre", progress=True)

    drawn = (await off_loop(capsys.readouterr)).err
    assert "pre/" in drawn
    assert "2.00k/2.00k" in drawn


async def test_help_shows_what_the_methods_take(bucket: Any) -> None:
    for method in (bucket.upload_dir, bucket.download_dir, bucket.sync):
        text = pydoc.plain(pydoc.render_doc(method))
        names = [name for name in inspect.signature(method).parameters if name != "direction"]
        assert inspect.iscoroutinefunction(method)
        assert not [name for name in names if f"    {name}: " not in text]
    assert "upload_dir" in dir(bucket)


async def test_without_tqdm_a_bar_is_refused_before_anything_is_sent(
    bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    with pytest.raises(MissingExtraError, match=r"aiosdk\[progress\]"):
        await bucket.upload_dir(tmp_path, progress=True)
    assert not s3_server.seen
