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
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import cpu
from tests.benchmarks.memory import forget_peak, peak, resident
from tests.benchmarks.sides import ARGUMENTS, HEADERS, TINY, Figures, measure_side
from tests.benchmarks.transfer_server import content, serving_object

if TYPE_CHECKING:
    import aiohttp

SIDES = ("aiosdk", "aiohttp", "obstore", "aioboto3", "boto3")
CPU, RATE, MEMORY = "{}, CPU ms per MiB", "{}, MiB/s", "{}, memory at its peak beyond before, MB"
LIMITS = (Goal("aiohttp", 1.3), Goal("boto3", 0.5))
UPLOAD, PLAIN, DOWNLOAD = "upload", "upload, nothing hashed", "download"
GOALS = {
    row.format(name): goals
    for name, limits in ((UPLOAD, LIMITS), (PLAIN, LIMITS[:1]), (DOWNLOAD, LIMITS))
    for row, goals in ((CPU, limits), (RATE, ()), (MEMORY, (Goal("", 160),)))
}
NOTHING_HASHED: Any = {
    "request_checksum_calculation": "when_required",
    "s3": {"payload_signing_enabled": False},
}
"""Neither a CRC of each part nor its SHA-256 in the signature, which plain HTTP has by default: as raw aiohttp."""
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
    with serving_object(SIZE, tls=TLS) as url, tempfile.TemporaryDirectory(dir=in_memory(4 * SIZE)) as folder:
        return await OPEN[side](url, Files(folder))


def in_memory(size: int) -> str | None:
    """A folder whose files are in memory, so that no disk is measured; None where there is not so much room."""
    shared = "/dev/shm"
    return shared if os.path.isdir(shared) and shutil.disk_usage(shared).free > size else None


Transfer = Callable[[], Awaitable[Any]]


async def _figures(upload: Transfer, plain: Transfer | None, download: Transfer) -> Figures:
    """The figures of transfers; `plain` uploads without hashing, unless `upload` does so already."""
    figures: Figures = {}
    for name, transfer in ((UPLOAD, upload), (PLAIN, plain), (DOWNLOAD, download)):
        if transfer is None:
            figures |= {row.format(name): figures[row.format(UPLOAD)] for row in (CPU, RATE, MEMORY)}
            continue
        runs = [await _measure_one(transfer) for _ in range(TIMES)]
        figures[CPU.format(name)] = min(used for used, _, _ in runs) * 1e3 / (SIZE / MIB)
        figures[RATE.format(name)] = SIZE / MIB / min(taken for _, taken, _ in runs)
        figures[MEMORY.format(name)] = max(grown for _, _, grown in runs)
    return figures


async def _measure_one(transfer: Transfer) -> tuple[float, float, float]:
    """Seconds of CPU, seconds, and MB by which memory was larger at its peak than before."""
    gc.collect()
    before = resident()
    forget_peak()
    started, used = time.perf_counter(), cpu()
    await transfer()
    return cpu() - used, time.perf_counter() - started, peak() - before


async def ours(url: str, files: Files) -> Figures:
    from aiobotocore.config import AioConfig
    from boto3.s3.transfer import TransferConfig

    import aiosdk

    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY)
    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url) as session:
        s3: Any = await session.client("s3", verify=False)
        plain: Any = await session.client("s3", verify=False, config=AioConfig(**NOTHING_HASHED))
        for client in (s3, plain):
            await client.head_object(Bucket="bucket", Key="key")
        return await _figures(
            functools.partial(s3.upload_file, files.source, "bucket", "key", Config=config),
            functools.partial(plain.upload_file, files.source, "bucket", "key", Config=config),
            functools.partial(s3.download_file, "bucket", "key", files.target, Config=config),
        )


async def boto3(url: str, files: Files) -> Figures:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    make = functools.partial(boto3.Session(**ARGUMENTS).client, "s3", endpoint_url=url, verify=False)
    s3 = make(config=Config(max_pool_connections=CONCURRENCY))
    plain = make(config=Config(max_pool_connections=CONCURRENCY, **NOTHING_HASHED))
    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY, preferred_transfer_client="classic")
    for client in (s3, plain):
        client.head_object(Bucket="bucket", Key="key")

    async def upload(client: Any) -> None:  # it blocks, and nothing else goes on
        client.upload_file(files.source, "bucket", "key", Config=config)

    async def download() -> None:
        s3.download_file("bucket", "key", files.target, Config=config)

    return await _figures(functools.partial(upload, s3), functools.partial(upload, plain), download)


async def aioboto3(url: str, files: Files) -> Figures:
    import aioboto3
    from aiobotocore.config import AioConfig
    from boto3.s3.transfer import TransferConfig

    pool = AioConfig(max_pool_connections=CONCURRENCY)
    without = AioConfig(max_pool_connections=CONCURRENCY, **NOTHING_HASHED)
    config = TransferConfig(multipart_chunksize=PART, max_concurrency=CONCURRENCY)
    make = functools.partial(aioboto3.Session(**ARGUMENTS).client, "s3", endpoint_url=url, verify=False)
    async with make(config=pool) as s3, make(config=without) as plain:
        for client in (s3, plain):
            await client.head_object(Bucket="bucket", Key="key")
        return await _figures(
            functools.partial(s3.upload_file, files.source, "bucket", "key", Config=config),
            functools.partial(plain.upload_file, files.source, "bucket", "key", Config=config),
            functools.partial(s3.download_file, "bucket", "key", files.target, Config=config),
        )


async def obstore(url: str, files: Files) -> Figures:
    import obstore
    from obstore.store import S3Store

    options = {"allow_http": True, "allow_invalid_certificates": True, "timeout": "300s"}
    store = S3Store("bucket", endpoint=url, virtual_hosted_style_request=False, client_options=options, **_OBSTORE)
    await obstore.head_async(store, "key")

    async def upload() -> None:
        await obstore.put_async(
            store, "key", Path(files.source), use_multipart=True, chunk_size=PART, max_concurrency=CONCURRENCY
        )

    async def get(start: int, length: int) -> list[Any]:
        return [await obstore.get_range_async(store, "key", start=start, length=length)]

    return await _figures(upload, None, functools.partial(_download_in_ranges, files.target, get))


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
            None,
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
