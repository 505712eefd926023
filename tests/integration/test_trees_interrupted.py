"""Interrupted at random points and run again: the same tree, nothing sent twice that was complete, nothing left."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from aiosdk.s3 import TransferConfig
from tests.support.trees import bucket, make_tree, read_tree, s3_server, stored  # noqa: F401
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3_server import S3Server


MIB = 1024 * 1024
DEEP = bool(os.environ.get("AIOSDK_DEEP"))
SMALL, LARGE = (5000, 4) if DEEP else (250, 2)
CONFIG = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)


def tree_of(chance: random.Random) -> dict[str, bytes]:
    files = {
        "/".join([*(chance.choice("abcdé ") for _ in range(chance.randrange(4))), f"{number:04}.txt"]): str(
            number
        ).encode()
        for number in range(SMALL)
    }
    return files | {f"{chance.choice('abz')}/large{number}": chance.randbytes(11 * MIB) for number in range(LARGE)}


async def cancelled_midway(call: Any, progress: Any, goal: int) -> bool:
    """Cancel a call when so much was done; whether it was not done by then."""
    task = asyncio.create_task(call)
    while not task.done() and progress() < goal:
        await asyncio.sleep(0)
    task.cancel()
    if chance_of_second.random() < 0.3:
        await asyncio.sleep(0)
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


chance_of_second = random.Random(7)


async def quiet(server: S3Server) -> None:
    """Wait until the server is done with what had reached it."""
    await eventually(lambda: server.active == 0)


def objects_sent(server: S3Server) -> list[str]:
    names = ("PutObject", "CreateMultipartUpload")
    return [each.key for each in server.seen if each.operation in names]


@pytest.mark.timeout(900 if DEEP else 120)
@pytest.mark.parametrize("seed", range(6 if DEEP else 2))
async def test_an_upload_goes_on_where_it_was_interrupted(
    seed: int, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    files = tree_of(chance)
    await make_tree(tmp_path / "t", files)
    complete: set[str] = set()
    for share in sorted(chance.random() for _ in range(4)):
        s3_server.forget()
        call = (
            bucket.sync(tmp_path / "t", "p", direction="up", Config=CONFIG)
            if chance.random() < 0.5
            else (bucket.upload_dir(tmp_path / "t", "p", Config=CONFIG))
        )
        await cancelled_midway(call, lambda: s3_server.operations["PutObject"], int(share * len(files)))
        await quiet(s3_server)
        assert not complete & set(objects_sent(s3_server))
        assert s3_server.open_uploads() == []
        complete = set(stored(s3_server))
        assert all(body == files[key.removeprefix("p/")] for key, body in stored(s3_server).items())

    s3_server.forget()
    result = await bucket.upload_dir(tmp_path / "t", "p", Config=CONFIG)

    assert sorted(objects_sent(s3_server)) == sorted({f"p/{name}" for name in files} - complete)
    assert stored(s3_server) == {f"p/{name}": body for name, body in files.items()}
    assert {each.key for each in result.skipped} == complete


@pytest.mark.timeout(900 if DEEP else 120)
@pytest.mark.parametrize("seed", range(6 if DEEP else 2))
async def test_a_download_goes_on_where_it_was_interrupted(
    seed: int, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    files = tree_of(chance)
    for name, body in files.items():
        s3_server.put(f"p/{name}", body)
    complete: set[str] = set()
    for share in sorted(chance.random() for _ in range(4)):
        s3_server.forget()
        call = bucket.download_dir("p", tmp_path / "t", Config=CONFIG)
        await cancelled_midway(call, lambda: s3_server.operations["GetObject"], int(share * len(files)))
        await quiet(s3_server)
        assert not complete & {each.key for each in s3_server.seen if each.operation == "GetObject"}
        here = await read_tree(tmp_path / "t")
        assert not [name for name in here if name not in files], "nothing unfinished is left"
        assert all(files[name] == body for name, body in here.items())
        complete = {f"p/{name}" for name in here}

    s3_server.forget()
    result = await bucket.download_dir("p", tmp_path / "t", Config=CONFIG)

    fetched = {each.key for each in s3_server.seen if each.operation == "GetObject"}
    assert fetched == {f"p/{name}" for name in files} - complete
    assert await read_tree(tmp_path / "t") == files
    assert {each.key for each in result.skipped} == complete


@pytest.mark.timeout(600)
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_cancelled_at_each_of_its_first_moments_a_sync_leaves_nothing(
    direction: str, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    """One turn of the loop later each time: walk, listing, checks, transfers, deletions."""
    here = {"a": b"1", "b/c": b"2", "gone": b"3"} if direction == "down" else {"a": b"1", "b/c": b"2"}
    for turns in [*range(40), *range(40, 400, 10)] if not DEEP else range(600):
        root = tmp_path / f"{direction}{turns}"
        await make_tree(root, here if direction == "up" else {"gone": b"3"})
        bucket_files = {"a": b"1", "b/c": b"2"} if direction == "down" else {"gone": b"3"}
        for key in list(stored(s3_server)):
            s3_server.store.find("bucket").delete(key)
        for key, body in bucket_files.items():
            s3_server.put(key, body)

        task = asyncio.create_task(bucket.sync(root, direction=direction, delete=True))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await quiet(s3_server)

        assert not [name for name in await read_tree(root) if "aiosdk" in name]
        assert asyncio.all_tasks() == {asyncio.current_task()}

        await bucket.sync(root, direction=direction, delete=True)
        assert await read_tree(root) == stored(s3_server) == {"a": b"1", "b/c": b"2"}
