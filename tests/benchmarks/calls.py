"""Calls: CPU of the client per request, 64 at a time, against a server in another process.

Prints one side as JSON: microseconds of CPU per call (getrusage), and connections opened.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SIDES = ("aiosdk", "aiobotocore", "aiohttp")
CALLS = 3000
AT_ONCE = 64
ARGUMENTS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _measure(call: Callable[[], Awaitable[Any]]) -> float:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await call()

    await asyncio.gather(*(one() for _ in range(CALLS // 10)))
    before = _cpu()
    await asyncio.gather(*(one() for _ in range(CALLS)))
    return (_cpu() - before) / CALLS * 1e6


async def _client_calls(client: Any) -> dict[str, float]:
    async def get() -> None:
        await (await client.get_object(Bucket="bucket", Key="key"))["Body"].read()

    async def head() -> None:
        await client.head_object(Bucket="bucket", Key="key")

    async def put() -> None:
        await client.put_object(Bucket="bucket", Key="key", Body=b"x" * 1024)

    return {
        "GetObject 1 KiB": await _measure(get),
        "HeadObject": await _measure(head),
        "PutObject 1 KiB": await _measure(put),
    }


async def aiosdk(url: str) -> dict[str, float]:
    import aiosdk

    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url, max_connections=AT_ONCE) as session:
        return await _client_calls(await session.client("s3"))


async def aiobotocore(url: str) -> dict[str, float]:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession

    config = AioConfig(max_pool_connections=AT_ONCE)
    async with AioSession().create_client("s3", endpoint_url=url, config=config, **ARGUMENTS) as client:
        return await _client_calls(client)


async def aiohttp(url: str) -> dict[str, float]:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def send(method: str, body: bytes | None = None) -> None:
            async with session.request(method, f"{url}/bucket/key", data=body) as response:
                await response.read()

        return {
            "GetObject 1 KiB": await _measure(lambda: send("GET")),
            "HeadObject": await _measure(lambda: send("HEAD")),
            "PutObject 1 KiB": await _measure(lambda: send("PUT", b"x" * 1024)),
        }


def main() -> None:
    server = subprocess.Popen([sys.executable, "-m", "tests.support.server"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        side = {"aiosdk": aiosdk, "aiobotocore": aiobotocore, "aiohttp": aiohttp}[sys.argv[1]]
        print(json.dumps(asyncio.run(side(url))))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
