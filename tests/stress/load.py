"""Load that goes on, and what the process holds before, meanwhile and after it.

    python -m tests.stress.load requests --seconds 600      # 1,000 requests at once over a pool of 64
    python -m tests.stress.load collections                 # 10,000 open collections
    python -m tests.stress.load sessions                    # 100 sessions opened and closed 100 times
    python -m tests.stress.load tenants                     # 10,000 tenants, each with keys of its own

The server runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import sys
import time
from collections import Counter
from typing import Any

from aiobotocore.config import AioConfig

import aiosdk
from aiosdk._client import Client
from aiosdk._shelf import MOST_IDLE
from tests.benchmarks.server import serving
from tests.stress.crawl import KEYS
from tests.stress.gauges import Held, held


async def requests(url: str, seconds: float, at_once: int = 1000, limit: int = 64, every: float = 60.0) -> list[str]:
    """Keep so many requests under way for so long; what is more at the end than after the first tenth of the time."""
    done: Counter[str] = Counter()
    async with aiosdk.Session(**KEYS, endpoint_url=url, max_connections=limit) as session:
        s3 = await session.client("s3")
        dynamodb = await session.client("dynamodb")
        ends = time.monotonic() + seconds
        most_open = 0

        async def work(number: int) -> None:
            nonlocal most_open
            while time.monotonic() < ends:
                kind = (number + done["get"]) % 4
                if kind == 0:
                    await (await s3.get_object(Bucket="bucket", Key="key"))["Body"].read()
                elif kind == 1:
                    await s3.put_object(Bucket="bucket", Key="key", Body=b"x" * 100)
                elif kind == 2:
                    await s3.head_object(Bucket="bucket", Key="key")
                else:
                    await dynamodb.list_tables()
                done["get"] += 1
                most_open = max(most_open, session.pool.stats().open)

        workers = [asyncio.create_task(work(number)) for number in range(at_once)]
        await asyncio.sleep(min(seconds / 10, 30))
        early = held()
        print(f"after {min(seconds / 10, 30):5.0f} s: {early}; {done['get']:,} requests", flush=True)
        while (left := ends - time.monotonic()) > 0:
            await asyncio.sleep(min(every, left))
            late = held()
            print(
                f"after {seconds - max(ends - time.monotonic(), 0):5.0f} s: {late}; {done['get']:,} requests",
                flush=True,
            )
        await asyncio.gather(*workers)
        stats = session.pool.stats()
        print(f"pool: {stats}; at most {most_open} open")
        others = early.descriptors - early.sockets  # on a busy machine not all connections are open so early
        problems = late.grown_from(
            Held(early.megabytes, others + limit + 16, limit + 8, early.tasks, early.threads), 15
        )
        if most_open > limit or stats.in_use or stats.waiting:
            problems.append(f"the pool: {stats}")
    print(f"{done['get']:,} requests, {done['get'] / seconds:,.0f} a second")
    return problems


async def collections(url: str, count: int) -> list[str]:
    """Have so many collections open, each of them after its first item; go on with some, and drop all."""
    async with aiosdk.Session(**KEYS, endpoint_url=url, max_connections=64) as session:
        bucket = (await session.resource("s3")).Bucket("bucket")
        async for _ in bucket.objects.limit(1):
            pass
        before = held()
        print(f"before: {before}")
        begun: list[Any] = []
        for start in range(0, count, 500):
            some = [aiter(bucket.objects.page_size(2)) for _ in range(start, min(start + 500, count))]
            await asyncio.gather(*(anext(each) for each in some))
            begun += some
        opened = held()
        print(f"{count:,} open: {opened}; {(opened.megabytes - before.megabytes) / count * 1024:.1f} KB each; "
              f"{session.pool.stats()}")  # fmt: skip
        problems = opened.grown_from(Held(10**6, before.descriptors + 64, before.sockets + 64, before.tasks, 10**6), 0)
        for each in begun[: count // 100]:
            async for _ in each:
                pass
        begun.clear()
        after = held()
        print(f"dropped: {after}; {session.pool.stats()}")
        stats = session.pool.stats()
        if stats.in_use or stats.waiting:
            problems.append(f"the pool: {stats}")
        return problems


async def sessions(url: str, count: int, times: int) -> list[str]:
    """Open so many sessions, use them and close them, so many times; what is more than after the first tenth."""

    async def use(_: int) -> None:
        async with aiosdk.Session(**KEYS, endpoint_url=url) as session:
            s3 = await session.client("s3")
            await asyncio.gather(s3.list_buckets(), s3.head_object(Bucket="bucket", Key="key"))
            with contextlib.suppress(StopAsyncIteration):
                await anext(aiter((await session.resource("s3")).Bucket("bucket").objects.all()))
            await s3.get_object(Bucket="bucket", Key="key")  # whose body nobody reads

    early = held()
    print(f"before: {early}")
    for number in range(times):
        await asyncio.gather(*map(use, range(count)))
        if (number + 1) % max(times // 10, 1) == 0:
            now = held(collect=False)  # the collector must come round by itself
            print(f"after {number + 1} times {count}: {now}", flush=True)
            early = now if number < times // 5 else early
    await asyncio.sleep(0.1)
    late = held(collect=False)
    print(f"after {times} times {count}: {late}")
    return late.grown_from(early, 10)


async def tenants(url: str, count: int, at_once: int = 4) -> list[str]:
    """Let so many tenants in, each with its own keys and retries, by `async with`; what is more than after a tenth."""

    async def serve(number: int) -> None:
        keys = {"aws_access_key_id": f"AKIA{number}", "aws_secret_access_key": f"{number}", "aws_session_token": "t"}
        config = AioConfig(user_agent_extra=f"tenant/{number}")
        async with session.client("s3", **keys, config=config) as s3, session.resource("s3", **keys) as resource:
            await s3.list_buckets()
            await s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
            with contextlib.suppress(StopAsyncIteration):
                await anext(aiter(resource.Bucket("bucket").objects.all()))
        async with session.create_client("dynamodb", **keys) as dynamodb:
            await dynamodb.list_tables()

    async with aiosdk.Session(region_name="us-east-1", endpoint_url=url, max_connections=8) as session:
        early = late = held()
        step = max(count // 10, 1)
        for start in range(0, count, step):
            for number in range(start, start + step, at_once):
                await asyncio.gather(*(serve(each) for each in range(number, min(number + at_once, start + step))))
            late = held(collect=False)  # the collector must come round by itself
            print(f"after {start + step:,} tenants: {late}", flush=True)
            early = late if start < 2 * step else early
        gc.collect()
        alive = sum(isinstance(each, Client) for each in gc.get_objects())
        print(f"{alive} clients alive; {session.pool.stats()}")
        # What is kept of idle clients fills up meanwhile: a few megabytes, however many tenants there are.
        problems = late.grown_from(early, 12)
        if alive > 4 * MOST_IDLE:
            problems.append(f"{alive} clients are alive")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["requests", "collections", "sessions", "tenants"])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--count", type=int, default=0, help="10,000, or 100 sessions, unless told otherwise")
    parser.add_argument("--times", type=int, default=100)
    given = parser.parse_args()
    with serving(pages=3, items=2) as url:
        if given.what == "requests":
            problems = asyncio.run(requests(url, given.seconds))
        elif given.what == "collections":
            problems = asyncio.run(collections(url, given.count or 10_000))
        elif given.what == "tenants":
            problems = asyncio.run(tenants(url, given.count or 10_000))
        else:
            problems = asyncio.run(sessions(url, given.count or 100, given.times))
    print("flat" if not problems else f"NOT FLAT: {problems}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
