"""Sessions with small parts that talk to an S3 server of our own, and what has to be true of both afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from aiosdk.s3 import TransferConfig
from tests.support.cancelling import tally
from tests.support.s3_server import S3Server
from tests.support.transfer_rig import PART, Rig
from tests.support.waiting import LONG

ATTEMPTS = 3


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many awaits the tests have cancelled; each of them that leaked anything has failed its test."""
    if tally:
        terminalreporter.write_line(f"{tally['awaits']:,} awaits cancelled in {tally['scenarios']} scenarios")


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    """An S3 server of our own with two buckets."""
    with S3Server("bucket", "other") as running:
        yield running


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> TransferConfig:
    """Parts far smaller than S3 takes, and no waiting between attempts."""
    monkeypatch.setattr("aiosdk.services.s3.config.MIN_PART_SIZE", 1)
    monkeypatch.setattr("aiosdk.services.s3.threads._IDLE_SECONDS", 0.01)  # which is waited for each time
    monkeypatch.setattr("random.random", lambda: 0.0)  # which botocore multiplies its delays with
    return TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=3)


@pytest.fixture
async def transferring(s3_server: S3Server) -> AsyncIterator[aiosdk.Session]:
    """A session whose requests are attempted three times."""
    config = AioConfig(retries={"total_max_attempts": ATTEMPTS, "mode": "legacy"}, read_timeout=30)
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    async with aiosdk.Session(**keys, endpoint_url=s3_server.url, config=config, max_connections=4) as session:
        yield session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where transfers have their files: `source` and `target`."""
    made = tmp_path / "files"
    made.mkdir()
    return made


NothingLeft = Callable[[], Awaitable[None]]


@pytest.fixture
async def nothing_left(s3_server: S3Server, transferring: aiosdk.Session, folder: Path) -> NothingLeft:
    """A function that waits until no upload, temporary file, connection in use, task or thread is left."""
    before = asyncio.all_tasks()

    async def check() -> None:
        end = time.monotonic() + LONG / 3
        while left := await asyncio.to_thread(files) or still_there():
            assert time.monotonic() < end, f"left behind: {left}"
            await asyncio.sleep(0.002)

    def files() -> list[str]:
        """Temporary files in the folder, those of them that are open, and threads of ours."""
        theirs = ("source", "target")
        names = [name for name in os.listdir(folder) if name not in theirs]
        threads = [each.name for each in threading.enumerate() if each.name.startswith("aiosdk")]
        return names + threads + [path for path in open_files() if os.path.basename(path) not in theirs]

    def open_files() -> list[str]:
        paths = []
        for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
            with contextlib.suppress(OSError):  # it was closed meanwhile
                paths.append(os.readlink(f"/proc/self/fd/{number}"))
        return [path for path in paths if path.startswith(str(folder))]

    def still_there() -> list[Any]:
        stats = transferring.pool.stats()
        tasks = [task for task in asyncio.all_tasks() - {asyncio.current_task()} - before if not task.done()]
        return [*s3_server.open_uploads(), *([stats] if stats.in_use or stats.waiting else []), *tasks]

    return check


@pytest.fixture
async def rig(
    transferring: aiosdk.Session,
    s3_server: S3Server,
    small_parts: TransferConfig,
    nothing_left: NothingLeft,
    folder: Path,
) -> Rig:
    return Rig(await transferring.client("s3"), s3_server, folder, small_parts, nothing_left)
