"""Memory: growth of the resident set over 20,000 calls, MB, after a warm-up of 4,000; 64 at a time.

Prints one side as JSON. Half of the calls are GetObject, half are DynamoDB GetItem.
"""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.server import serving
from tests.benchmarks.sides import AT_ONCE, TINY, Figures, measure_side, open_clients, open_raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SIDES = ("aiosdk", "aiohttp", "aiobotocore")
MOST_RUNS = 1
"""Memory grows or does not; to see it twice takes a minute."""
GROWTH, SIZE = "growth of RSS over 20,000 calls, MB", "RSS after them, MB"
GOALS = {GROWTH: (Goal("", 0.5),), SIZE: ()}
CALLS, WARM_UP = (128, 128) if TINY else (20_000, 4_000)


async def client(side: str) -> Figures:
    with serving() as url:
        async with open_clients(side, url) as make:
            s3, dynamodb = await make("s3"), await make("dynamodb")

            async def call() -> None:
                await (await s3.get_object(Bucket="bucket", Key="key"))["Body"].read()
                await dynamodb.get_item(TableName="t", Key={"pk": {"S": "a"}})

            return await _growth(call)


async def aiohttp() -> Figures:
    with serving() as url:
        async with open_raw() as send:
            target = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem"}

            async def call() -> None:
                await send("GET", f"{url}/bucket/key")
                await send("POST", f"{url}/", b"{}", **target)

            return await _growth(call)


async def _growth(two_calls: Callable[[], Awaitable[Any]]) -> Figures:
    async def worker(times: int) -> None:
        for _ in range(times):
            await two_calls()

    async def burst(calls: int) -> float:
        await asyncio.gather(*(worker(calls // AT_ONCE // 2) for _ in range(AT_ONCE)))
        gc.collect()
        return resident()

    before = await burst(WARM_UP)
    after = await burst(CALLS)
    return {GROWTH: after - before, SIZE: after}


def resident() -> float:
    """MB of memory that this process has now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def forget_peak() -> None:
    """Let `peak` count from here."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def peak() -> float:
    """MB of memory that this process has had at most since."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


if __name__ == "__main__":
    measure_side({"aiosdk": lambda: client("aiosdk"), "aiohttp": aiohttp, "aiobotocore": lambda: client("aiobotocore")})
