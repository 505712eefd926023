"""Memory that streams of 2 GiB take: uploaded from an async iterator of unknown length, downloaded to a file or sink.

Prints one side as JSON. Parts of 8 MiB, ten at a time. `AIOSDK_STREAM_MIB` is another size.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import tempfile
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.memory import forget_peak, peak, resident
from tests.benchmarks.sides import ARGUMENTS, TINY, Figures, measure_side
from tests.benchmarks.transfer_server import content, serving_object
from tests.benchmarks.transfers import CONCURRENCY, MIB, PART, in_memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIDES = ("aiosdk",)
MOST_RUNS = 1
"""Memory is bounded or is not; to see it twice takes a while."""
ROW = "{}, memory at its peak beyond before, MB"
UPLOAD, TO_FILE, TO_SINK = ROW.format("upload of a stream"), ROW.format("download to a file"), ROW.format("to a sink")
GOALS = {UPLOAD: (Goal("", 160),), TO_FILE: (Goal("", 160),), TO_SINK: (Goal("", 160),)}
SIZE = int(os.environ.get("AIOSDK_STREAM_MIB", 40 if TINY else 2048)) * MIB
CHUNK = 1_000_003


async def chunks() -> AsyncIterator[bytes]:
    """So many bytes, as a program would get them from somewhere else: each chunk is one of its own."""
    whole = bytearray(content(2 * MIB))
    for start in range(0, SIZE, CHUNK):
        yield bytes(whole[: min(CHUNK, SIZE - start)])
        await asyncio.sleep(0)


class Sink:
    """An async file object that forgets what it is given."""

    def __init__(self) -> None:
        self.size = 0

    async def write(self, data: bytes) -> int:
        await asyncio.sleep(0)
        self.size += len(data)
        return len(data)


async def ours() -> Figures:
    from boto3.s3.transfer import TransferConfig

    import aiosdk

    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY)
    with serving_object(SIZE) as url, tempfile.TemporaryDirectory(dir=in_memory(2 * SIZE)) as folder:
        target = os.path.join(folder, "target")
        async with aiosdk.Session(**ARGUMENTS, endpoint_url=url) as session:
            s3: Any = await session.client("s3")
            await s3.head_object(Bucket="bucket", Key="key")
            upload = functools.partial(s3.upload_fileobj, Bucket="bucket", Key="key", Config=config)
            uploaded = await _grown(lambda: upload(chunks()))
            to_file = functools.partial(s3.download_file, "bucket", "key", target, Config=config)
            downloaded = await _grown(to_file)
            assert os.path.getsize(target) == SIZE  # noqa: ASYNC240
            sink = Sink()
            sunk = await _grown(functools.partial(s3.download_fileobj, "bucket", "key", sink, Config=config))
            assert sink.size == SIZE
    return {UPLOAD: uploaded, TO_FILE: downloaded, TO_SINK: sunk}


async def _grown(transfer: Callable[[], Awaitable[Any]]) -> float:
    gc.collect()
    before = resident()
    forget_peak()
    await transfer()
    return peak() - before


if __name__ == "__main__":
    measure_side({"aiosdk": ours})
