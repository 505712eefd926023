"""`sync`: what is deleted, what a dry run tells, what failures and odd servers do to it."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from aiosdk.exceptions import TreeRootError, TreeTransferError
from aiosdk.s3 import TransferConfig
from tests.support.s3_faults import refuse
from tests.support.trees import bucket, changed, keys, make_tree, off_loop, read_tree, s3_server, stored  # noqa: F401
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3_server import S3Server


MIB = 1024 * 1024
SMALL_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
NOW = int(time.time()) - 1000


async def test_a_dry_run_changes_nothing_and_tells_everything(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {"a": b"1", "same": b"2"})
    s3_server.put("same", b"2")
    s3_server.put("gone", b"3")
    s3_server.put("../evil", b"3")

    result = await bucket.sync(tmp_path / "t", direction="up", delete=True, dry_run=True, exclude="*evil")
    assert repr(result) == "<TreeResult up (dry run): done=1, skipped=1, deleted=1, failed=0, 1 bytes>"
    assert (keys(result.done), keys(result.deleted)) == (["a"], ["gone"])

    result = await bucket.sync(tmp_path / "new", direction="down", delete=True, dry_run=True, raise_failures=False)
    assert (keys(result.done), keys(result.failed)) == (["gone", "same"], ["../evil"])
    result = await bucket.sync(tmp_path / "t", direction="down", delete=True, dry_run=True, raise_failures=False)
    assert [each.path for each in result.deleted] == [str(tmp_path / "t" / "a")]

    assert await read_tree(tmp_path / "t") == {"a": b"1", "same": b"2"}
    assert not await off_loop((tmp_path / "new").exists)
    assert s3_server.operations == {"ListObjectsV2": 3}


async def test_deleting_up_takes_what_is_not_here(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {"keep": b"1", "a/keep": b"2"})
    for key in ("p/keep", "p/gone", "p/a/gone", "p/z/gone", "p/excluded.log", "pp/other", "other"):
        changed(s3_server, key, b"1", NOW + 2000)
    s3_server.put("p/a/", b"")

    result = await bucket.sync(tmp_path / "t", "p", direction="up", delete=True, exclude="*.log")

    assert keys(result.deleted) == ["p/a/gone", "p/gone", "p/z/gone"]
    assert sorted(stored(s3_server)) == ["other", "p/a/", "p/a/keep", "p/excluded.log", "p/keep", "pp/other"]
    assert s3_server.operations["DeleteObjects"] == 1


async def test_without_delete_nothing_is_deleted(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {"here": b"1"})
    s3_server.put("there", b"2")

    await bucket.sync(tmp_path / "t", direction="down")
    await make_tree(tmp_path / "t", {"new": b"1"})
    await off_loop((tmp_path / "t" / "there").unlink)
    await bucket.sync(tmp_path / "t", direction="up")

    assert sorted(stored(s3_server)) == ["here", "new", "there"]
    assert sorted(await read_tree(tmp_path / "t")) == ["here", "new"]


async def test_deleting_down_takes_files_and_the_directories_that_become_empty(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    root = tmp_path / "t"
    await make_tree(root, {"keep": b"1", "gone": b"1", "a/b/gone": b"1", "a/keep.log": b"1", "c/d/gone": b"1"})
    await off_loop(os.makedirs, root / "empty")
    s3_server.put("keep", b"1")

    result = await bucket.sync(root, direction="down", delete=True, exclude="*.log")

    assert [each.path for each in result.deleted] == [str(root / each) for each in ("a/b/gone", "c/d/gone", "gone")]
    assert sorted(await read_tree(root)) == ["a/keep.log", "keep"]
    assert sorted(await off_loop(os.listdir, root)) == ["a", "empty", "keep"], "what was empty before stays"


async def test_a_thousand_keys_go_in_a_request_and_those_that_stay_are_told(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    for number in range(2100):
        s3_server.put(f"k{number:04}", b"")
    s3_server.put("odd\x01", b"")
    await off_loop((tmp_path / "t").mkdir)
    answer, client = bucket.meta.client.delete_objects, bucket.meta.client

    async def some_stay(**params: Any) -> Any:
        kept = [each for each in params["Delete"]["Objects"] if each["Key"].endswith("77")]
        params["Delete"]["Objects"] = [each for each in params["Delete"]["Objects"] if each not in kept]
        response = await answer(**params)
        errors = [{**each, "Code": "AccessDenied", "Message": "Access Denied"} for each in kept]
        return {**response, "Errors": errors}

    client.delete_objects = some_stay
    with pytest.raises(TreeTransferError, match="21 of 21 files") as raised:
        await bucket.sync(tmp_path / "t", direction="up", delete=True)

    result = raised.value.result
    assert s3_server.operations["DeleteObjects"] == 3
    assert s3_server.operations["DeleteObject"] == 1, "XML cannot say it"
    assert len(result.deleted) == 2080
    assert sorted(stored(s3_server)) == keys(result.failed) == [f"k{number:04}" for number in range(77, 2100, 100)]
    assert all(isinstance(each.error, ClientError) and "AccessDenied" in each.why for each in result.failed)


async def test_what_cannot_be_uploaded_stops_nothing_else(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {name: name.encode() for name in "abcdef"})
    s3_server.faults.add(refuse(403, "AccessDenied"), operation="PutObject", key="c", times=None)
    await off_loop((tmp_path / "t" / "e").chmod, 0)

    with pytest.raises(TreeTransferError) as raised:
        await bucket.upload_dir(tmp_path / "t", "")

    error = raised.value
    assert re.match(r"1 of 6 files could not be uploaded\. The first: 'c': .*AccessDenied.*run it again", str(error))
    assert error.__cause__ is error.failed[0].error
    assert keys(error.failed) == ["c"]
    assert keys(error.result.done) == ["a", "b", "d", "e", "f"]

    s3_server.forget()
    result = await bucket.upload_dir(tmp_path / "t", "", raise_failures=False)
    assert keys(result.done) == ["c"]
    result.raise_for_failures()


async def test_a_file_that_changes_while_it_is_uploaded_is_sent_again(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    """Its object is newer than it, and would be skipped ever after."""
    path = tmp_path / "t" / "a"
    await make_tree(tmp_path / "t", {"a": b"0", "b": b"0"}, time=NOW)
    changes = 0

    async def change(_: int) -> None:
        nonlocal changes
        if changes < most:
            changes += 1
            await make_tree(tmp_path / "t", {"a": b"%d" % changes}, time=NOW + changes)

    most = 2
    result = await bucket.upload_dir(tmp_path / "t", include="a", Callback=change)
    assert keys(result.done) == ["a"]
    assert s3_server.operations["PutObject"] == 3
    assert s3_server.body("a") == await off_loop(path.read_bytes) == b"2"

    most, changes = 100, 0
    with pytest.raises(TreeTransferError, match="written to during each of 3 attempts"):
        await bucket.upload_dir(tmp_path / "t", "p", include="a", Callback=change)


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_what_a_callback_raises_fails_its_file_and_no_other(
    error: Any, direction: str, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    """A `CancelledError` too, of a task that somebody else cancelled: it would end a job in silence."""
    files = {"a": b"1", "large": bytes(11 * MIB), "z": b"1"}
    if direction == "up":
        await make_tree(tmp_path / "t", files)
    for name, body in files.items() if direction == "down" else ():
        s3_server.put(name, body)
    calls = 0

    async def tell(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls in (1, 2):  # of the first file, and a part of the second
            raise error

    result = await bucket.sync(
        tmp_path / "t", direction=direction, concurrency=2, Config=SMALL_PARTS, Callback=tell, raise_failures=False
    )

    assert (keys(result.failed), keys(result.done)) == (["a", "large"], ["z"])
    causes = [each.error if error is ZeroDivisionError else each.error.__cause__ for each in result.failed]
    assert [type(each) for each in causes] == [error, error]
    assert "large" not in (stored(s3_server) if direction == "up" else await read_tree(tmp_path / "t"))


ONE_AT_A_TIME = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=1)
FROM_DISK = TransferConfig(multipart_threshold=100 * MIB, multipart_chunksize=5 * MIB, max_concurrency=1)


class Rewriting:
    """Writes to a file after each half of a buffer that is read of it, so often."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.size, self.left, self.writes = path, 0, 0, 0
        read = os.preadv

        def read_and_write(number: int, buffers: list[memoryview], position: int) -> int:
            done = read(number, [buffers[0][: len(buffers[0]) // 2 + 1]], position)
            if self.left:
                self.left -= 1
                self.write()
            return done

        monkeypatch.setattr(os, "preadv", read_and_write)

    def write(self) -> None:
        self.writes += 1
        with open(self.path, "r+b") as file:
            file.write(b"%d" % (self.writes % 10) * self.size)
        os.utime(self.path, (NOW + self.writes, NOW + self.writes))


class Growing(Rewriting):
    """Appends instead, and may write elsewhere too."""

    also_at: int | None = None

    def write(self) -> None:
        self.writes += 1
        with open(self.path, "r+b") as file:
            if self.also_at is not None:
                file.seek(self.also_at)
                file.write(b"%09d" % self.writes)
            file.seek(0, os.SEEK_END)
            file.write(b"more")


each_way_of_reading = pytest.mark.parametrize(
    ("size", "config"),
    [
        (1000, SMALL_PARTS),
        (MIB, SMALL_PARTS),
        (11 * MIB, FROM_DISK),
        (11 * MIB, ONE_AT_A_TIME),
        (11 * MIB, SMALL_PARTS),
    ],
    ids=["small", "in memory", "from the disk", "part by part", "parts"],
)


@each_way_of_reading
async def test_a_file_that_is_written_to_while_it_is_read_becomes_no_mixture(
    size: int, config: Any, bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be newer than the file, and skipped ever after if no further attempt came to its end."""
    await make_tree(tmp_path / "t", {"a": bytes(size)}, time=NOW)
    file = Rewriting(tmp_path / "t" / "a", monkeypatch)
    file.size, file.left = size, 1000

    with pytest.raises(TreeTransferError, match="written to during each of 3 attempts"):
        await bucket.upload_dir(tmp_path / "t", Config=config)
    assert (stored(s3_server), s3_server.open_uploads()) == ({}, [])

    file.left = 1
    result = await bucket.upload_dir(tmp_path / "t", Config=config)
    assert (keys(result.done), result.size) == (["a"], size)
    assert stored(s3_server) == await read_tree(tmp_path / "t")


@each_way_of_reading
async def test_of_a_file_that_grows_all_the_time_the_object_is_what_it_was_when_it_was_opened(
    size: int, config: Any, bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tree(tmp_path / "t", {"log": random.Random(1).randbytes(size)}, time=NOW)
    file = Growing(tmp_path / "t" / "log", monkeypatch)
    file.left = 1000

    result = await bucket.upload_dir(tmp_path / "t", Config=config)

    file.left = 0
    sent = s3_server.body("log")
    assert (keys(result.done), result.size) == (["log"], len(sent))
    assert sent == (await off_loop(file.path.read_bytes))[: len(sent)]
    assert len(sent) >= size

    file.left, file.also_at = 1000, size // 3
    result = await bucket.upload_dir(tmp_path / "t", "p", Config=config, raise_failures=False)
    assert keys(result.failed) == ["p/log"], "what is written to elsewhere as well is a mixture"
    assert sorted(stored(s3_server)) == ["log"]


async def test_a_file_that_is_written_to_before_its_parts_are_put_together_is_sent_again(
    bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tree(tmp_path / "t", {"a": bytes(11 * MIB)}, time=NOW)
    file = Rewriting(tmp_path / "t" / "a", monkeypatch)
    file.size = 11 * MIB
    parts = 0

    async def write_after_the_third(_: int) -> None:
        nonlocal parts
        parts += 1
        if parts == 3:
            await off_loop(file.write)

    await bucket.upload_dir(tmp_path / "t", Config=ONE_AT_A_TIME, Callback=write_after_the_third)

    assert s3_server.operations["CompleteMultipartUpload"] == 1
    assert s3_server.operations["AbortMultipartUpload"] == 1
    assert stored(s3_server) == await read_tree(tmp_path / "t")


async def test_what_is_told_and_compared_is_the_size_that_was_sent(
    bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tree(tmp_path / "t", {"a": b"1", "b": bytes(10)}, time=NOW)
    file = Rewriting(tmp_path / "t" / "b", monkeypatch)

    async def grow(_: int) -> None:
        if not file.size:  # the first has come, the second was looked at and is not yet opened
            file.size, file.left = 20, 1
            await off_loop(file.write)

    result = await bucket.upload_dir(tmp_path / "t", concurrency=1, Callback=grow)

    assert [each.size for each in result.done] == [1, 20]
    assert stored(s3_server) == await read_tree(tmp_path / "t")


async def test_what_cannot_be_downloaded_stops_nothing_else(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    for key in "abc":
        s3_server.put(key, key.encode())
    s3_server.faults.add(refuse(403, "AccessDenied"), operation="GetObject", key="b", times=None)
    await make_tree(tmp_path, {"b": b"old"})

    result = await bucket.download_dir("", tmp_path, raise_failures=False)

    assert keys(result.failed) == ["b"]
    tree = await read_tree(tmp_path)
    assert {name: tree[name] for name in "abc"} == {"a": b"a", "b": b"old", "c": b"c"}


async def test_names_that_no_key_can_have_fail_alone(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {"good": b"", "\udcff": b"", "\udcfe/x": b""})

    result = await bucket.upload_dir(tmp_path / "t", "x" * 1020, raise_failures=False)

    assert [(each.key, each.error is not None) for each in result.failed] == [(None, True)] * 3
    assert sorted(re.findall("UTF-8|1,025 bytes", " ".join(each.why for each in result.failed))) == [
        "1,025 bytes",
        "UTF-8",
        "UTF-8",
    ]


async def test_nothing_is_in_flight_beyond_the_concurrency(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    files = {f"small/{number:03}": b"x" for number in range(60)}
    files |= {"large/1": bytes(21 * MIB), "small/030x": bytes(21 * MIB)}
    await make_tree(tmp_path / "t", files)

    await bucket.upload_dir(tmp_path / "t", Config=SMALL_PARTS, concurrency=4)
    transfers = ("PutObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload")
    assert s3_server.operations["UploadPart"] == 10
    assert s3_server.peak_active <= 5, "one of them may list"
    assert max(s3_server.peak_operations[each] for each in transfers) <= 4

    s3_server.forget()
    s3_server.peak_active = 0
    await bucket.download_dir("", tmp_path / "u", Config=SMALL_PARTS, concurrency=4)
    assert s3_server.peak_active <= 5
    assert await read_tree(tmp_path / "u") == files


async def test_the_first_file_goes_while_the_listing_goes_on(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    for number in range(2500):
        s3_server.put(f"{number:04}", b"")

    await bucket.download_dir("", tmp_path / "t", include="00*")

    order = [each.operation for each in s3_server.seen]
    assert order.count("ListObjectsV2") == 3
    assert order.index("GetObject") < len(order) - order[::-1].index("ListObjectsV2") - 1


async def test_a_server_that_lists_in_no_order_is_understood(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    names = [f"{number:02}" for number in range(40)]
    await make_tree(tmp_path / "t", dict.fromkeys(names, b"x"))
    for name in [*names, "gone", "00gone"]:
        changed(s3_server, f"p/{name}", b"x", NOW + 2000)
    client, ordered = bucket.meta.client, bucket.meta.client.list_objects_v2

    async def shuffled(**params: Any) -> Any:
        """Pages of ten: some first that are in order."""
        page = await ordered(**{name: value for name, value in params.items() if name != "ContinuationToken"})
        every = [*page["Contents"][:8], *reversed(page["Contents"][8:])]
        start = int(params.get("ContinuationToken", "0"))
        more = start + 10 < len(every)
        following = {"IsTruncated": more, "NextContinuationToken": str(start + 10) if more else None}
        return {**page, "Contents": every[start : start + 10], **following}

    client.list_objects_v2 = shuffled
    result = await bucket.sync(tmp_path / "t", "p", direction="up", delete=True)

    assert keys(result.deleted) == ["p/00gone", "p/gone"]
    assert sorted(stored(s3_server)) == [f"p/{name}" for name in names]
    assert len(result.skipped) + len(result.done) == 40

    s3_server.put("p/a", b"1")
    s3_server.put("p/a/b", b"1")
    result = await bucket.sync(tmp_path / "u", "p", direction="down", delete=True, raise_failures=False)
    assert sorted(await read_tree(tmp_path / "u")) == [*names, "a"]
    assert keys(result.failed) == ["p/a/b"]


async def test_two_runs_at_once_do_not_disturb_each_other(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    files = {f"{number % 7}/{number}": str(number).encode() for number in range(100)}
    for name, body in files.items():
        s3_server.put(name, body)

    await asyncio.gather(*[bucket.download_dir("", tmp_path / "t") for _ in range(3)])

    assert await read_tree(tmp_path / "t") == files


async def test_a_source_that_is_not_there_is_an_error_and_deletes_nothing(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    s3_server.put("p/a", b"1")
    await make_tree(tmp_path, {"file": b"1"})
    for delete in (False, True):
        with pytest.raises(TreeRootError, match=r"There is no directory .*missing") as raised:
            await bucket.sync(tmp_path / "missing", "p", direction="up", delete=delete)
        assert isinstance(raised.value, FileNotFoundError)
        with pytest.raises(NotADirectoryError, match="upload_file"):
            await bucket.sync(tmp_path / "file", "p", direction="up", delete=delete)
    with pytest.raises(TreeRootError, match="There is nothing under s3://bucket/typo/"):
        await bucket.sync(tmp_path, "typo", direction="down", delete=True)
    with pytest.raises(NotADirectoryError, match="is no directory"):
        await bucket.download_dir("p", tmp_path / "file")

    assert sorted(stored(s3_server)) == ["p/a"]
    assert await read_tree(tmp_path) == {"file": b"1"}
    assert (await bucket.sync(tmp_path / "new", "typo", direction="down", delete=True)).done == ()
