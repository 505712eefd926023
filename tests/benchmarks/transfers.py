"""Transfers of 1 GiB to and from a server in another process: CPU of the client, throughput, memory.

Prints one side as JSON. Parts of 8 MiB, ten at a time, from and to a file (in memory, if there is room). Of each side's
transfers the best is taken: what else goes on in the machine makes them slower, never faster. `AIOSDK_TRANSFER_MIB` is
another size, `AIOSDK_TRANSFER_TLS=1` takes them over TLS.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import shutil
import tempfile
import time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import cpu
from tests.benchmarks.memory import resident
from tests.benchmarks.sides import ARGUMENTS, HEADERS, TINY, Figures, measure_side
from tests.benchmarks.transfer_server import content, serving_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

SIDES = ("aiosdk", "aiohttp", "obstore", "aioboto3", "boto3")
CPU, RATE, MEMORY = "{}, CPU ms per MiB", "{}, MiB/s", "{}, memory at its peak beyond before, MB"
LIMITS = (Goal("aiohttp", 1.3), Goal("boto3", 0.5))
GOALS = {
    CPU.format("upload"): LIMITS,
    RATE.format("upload"): (),
    MEMORY.format("upload"): (Goal("", 160),),
    CPU.format("download"): LIMITS,
    RATE.format("download"): (),
    MEMORY.format("download"): (Goal("", 160),),
}
MIB = 2**20
SIZE = int(os.environ.get("AIOSDK_TRANSFER_MIB", 20 if TINY else 1024)) * MIB
TLS = bool(os.environ.get("AIOSDK_TRANSFER_TLS"))
PART, CONCURRENCY = 8 * MIB, 10
TIMES = 1 if TINY else 3


class Files:
    """A file to upload, and one to download to."""

    def __init__(self, folder: str) -> None:
        self.source, self.target = os.path.join(folder, "source"), os.path.join(folder, "target")
        with open(self.source, "wb") as file:
            file.write(content(SIZE))


async def measure(side: str) -> Figures:
    with serving_object(SIZE, tls=TLS) as url, tempfile.TemporaryDirectory(dir=_folder()) as folder:
        return await OPEN[side](url, Files(folder))


def _folder() -> str | None:
    """Where files are in memory, so that no disk is measured."""
    shared = "/dev/shm"
    return shared if os.path.isdir(shared) and shutil.disk_usage(shared).free > 4 * SIZE else None


async def _figures(upload: Callable[[], Awaitable[Any]], download: Callable[[], Awaitable[Any]]) -> Figures:
    figures: Figures = {}
    for name, transfer in (("upload", upload), ("download", download)):
        runs = [await _measure_one(transfer) for _ in range(TIMES)]
        figures[CPU.format(name)] = min(used for used, _, _ in runs) * 1e3 / (SIZE / MIB)
        figures[RATE.format(name)] = SIZE / MIB / min(taken for _, taken, _ in runs)
        figures[MEMORY.format(name)] = max(grown for _, _, grown in runs)
    return figures


async def _measure_one(transfer: Callable[[], Awaitable[Any]]) -> tuple[float, float, float]:
    """Seconds of CPU, seconds, and MB by which memory was larger at its peak than before."""
    gc.collect()
    before = resident()
    _forget_peak()
    started, used = time.perf_counter(), cpu()
    await transfer()
    return cpu() - used, time.perf_counter() - started, _peak() - before


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak() -> float:
    """MB of memory that this process has had at most since."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


async def ours(url: str, files: Files) -> Figures:
    import aiosdk
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY)
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url) as session:
        s3: Any = await session.client("s3", verify=False)
        await s3.head_object(Bucket="bucket", Key="key")
        return await _figures(
            functools.partial(s3.upload_file, files.source, "bucket", "key", Config=config),
            functools.partial(s3.download_file, "bucket", "key", files.target, Config=config),
        )


async def boto3(url: str, files: Files) -> Figures:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    pool = Config(max_pool_connections=CONCURRENCY)
    s3 = boto3.Session(**ARGUMENTS).client("s3", endpoint_url=url, config=pool, verify=False)
    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY, preferred_transfer_client="classic")
    s3.head_object(Bucket="bucket", Key="key")

    async def upload() -> None:  # it blocks, and nothing else goes on
        s3.upload_file(files.source, "bucket", "key", Config=config)

    async def download() -> None:
        s3.download_file("bucket", "key", files.target, Config=config)

    return await _figures(upload, download)


async def aioboto3(url: str, files: Files) -> Figures:
    import aioboto3
    from aiobotocore.config import AioConfig
    from boto3.s3.transfer import TransferConfig

    pool = AioConfig(max_pool_connections=CONCURRENCY)
    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY)
    async with aioboto3.Session(**ARGUMENTS).client("s3", endpoint_url=url, config=pool, verify=False) as s3:
        await s3.head_object(Bucket="bucket", Key="key")
        return await _figures(
            functools.partial(s3.upload_file, files.source, "bucket", "key", Config=config),
            functools.partial(s3.download_file, "bucket", "key", files.target, Config=config),
        )


async def obstore(url: str, files: Files) -> Figures:
    import obstore
    from obstore.store import S3Store

    options = {"allow_http": True, "allow_invalid_certificates": True, "timeout": "300s"}
    store = S3Store("bucket", endpoint=url, virtual_hosted_style_request=False, client_options=options, **_OBSTORE)
    await obstore.head_async(store, "key")

    async def upload() -> None:
        with open(files.source, "rb") as file:
            await obstore.put_async(
                store, "key", file, use_multipart=True, chunk_size=PART, max_concurrency=CONCURRENCY
            )

    async def get(start: int, length: int) -> list[Any]:
        return [await obstore.get_range_async(store, "key", start=start, length=length)]

    return await _figures(upload, functools.partial(_download_in_ranges, files.target, get))


_OBSTORE: Any = {
    "access_key_id": ARGUMENTS["aws_access_key_id"],
    "secret_access_key": ARGUMENTS["aws_secret_access_key"],
    "region": ARGUMENTS["region_name"],
}


async def raw(url: str, files: Files) -> Figures:
    """The floor: what a program has to do that sends parts of a file, and writes parts to one, with aiohttp alone."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=CONCURRENCY, ssl=False)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def get(start: int, length: int) -> list[bytes]:
            wanted = {"Range": f"bytes={start}-{start + length - 1}"}
            async with session.get(f"{url}/bucket/key", headers=wanted) as response:
                return [piece async for piece in response.content.iter_any()]

        await get(0, 1)
        return await _figures(
            functools.partial(_upload_in_parts, files.source, url, session),
            functools.partial(_download_in_ranges, files.target, get),
        )


async def _upload_in_parts(path: str, url: str, session: aiohttp.ClientSession) -> None:
    file = os.open(path, os.O_RDONLY)

    async def send(start: int) -> None:
        part = memoryview(await asyncio.to_thread(os.pread, file, PART, start))

        async def pieces() -> Any:
            for at in range(0, len(part), 2**18):
                yield part[at : at + 2**18]

        length = {"Content-Length": str(len(part))}
        async with session.put(f"{url}/bucket/key?partNumber=1&uploadId=u", data=pieces(), headers=length) as response:
            await response.read()

    await _in_parts(send)
    os.close(file)


def _write(file: int, pieces: list[Any], start: int) -> None:
    for at in range(0, len(pieces), 500):  # the kernel takes a thousand or so
        start += os.pwritev(file, pieces[at : at + 500], start)


async def _download_in_ranges(path: str, get: Callable[[int, int], Awaitable[list[Any]]]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    async def fetch(start: int) -> None:
        await asyncio.to_thread(_write, file, await get(start, min(PART, SIZE - start)), start)

    await _in_parts(fetch)
    os.close(file)


async def _in_parts(transfer: Callable[[int], Awaitable[None]]) -> None:
    starts = iter(range(0, SIZE, PART))

    async def worker() -> None:
        for start in starts:
            await transfer(start)

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


OPEN = {"aiosdk": ours, "aiohttp": raw, "obstore": obstore, "aioboto3": aioboto3, "boto3": boto3}


if __name__ == "__main__":
    measure_side({side: lambda side=side: measure(side) for side in SIDES})
