"""An hour of everything at once, against servers that misbehave, and what the process holds each minute.

    make soak                    # an hour
    make soak SECONDS=600

Crawls of a listing with faulty answers, uploads and downloads whose parts fail, batch writes to a table that throttles
and leaves items undone, and sessions that are opened and closed, some of them cancelled. Each checks its result. At the
end it must hold no more than after the first tenth of the time, but for a little memory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import random
import sys
import time
from collections import Counter
from typing import Any
from unittest import mock

from aiobotocore.config import AioConfig

import aiosdk
from aiosdk.s3 import TransferConfig
from tests.stress.crawl import KEYS, crawl, faulty_server
from tests.stress.gauges import Held, held
from tests.support.dynamodb import Table
from tests.support.network import BadNetwork
from tests.support.s3_faults import close, refuse, truncate
from tests.support.s3_server import S3Server

PART = 100_000
CONFIG = AioConfig(retries={"total_max_attempts": 10}, read_timeout=20)


class Soak:
    """What goes on until `ends`, and how often each came to its end."""

    def __init__(self, seconds: float) -> None:
        self.begun = time.monotonic()
        self.ends = self.begun + seconds
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.chance = random.Random(8)

    async def repeat(self, name: str, work: Any) -> None:
        """Do some work again and again; whatever it raises is wrong."""
        while time.monotonic() < self.ends:
            try:
                await work()
                self.done[name] += 1
            except Exception as error:
                self.wrong.append(f"{name}: {error!r}")
                print(self.wrong[-1], flush=True)

    async def crawls(self, url: str) -> None:
        async with aiosdk.Session(**KEYS, endpoint_url=url, config=CONFIG) as session:

            async def work() -> None:
                crawled = await crawl(session, 40, 500, self.chance.choice(["collection", "paginator"]))
                assert crawled.exact, crawled
                self.done["keys"] += crawled.keys

            await self.repeat("crawls", work)

    async def transfers(self, server: S3Server, url: str) -> None:
        for action, operation in (
            *((refuse(), "UploadPart"), (close(), "UploadPart"), (refuse(500, "InternalError"), "GetObject")),
            *((truncate(1000), "GetObject"), (close(), "GetObject"), (refuse(), "CompleteMultipartUpload")),
        ):
            for start in range(5, 10**6, 40 + len(operation)):  # every so often
                if start > 4000:
                    break
                server.faults.add(action, operation, skip=start, times=1)
        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
        async with aiosdk.Session(**KEYS, endpoint_url=url, config=CONFIG, max_connections=8) as session:
            s3 = await session.client("s3")

            async def work() -> None:
                data = self.chance.randbytes(self.chance.randrange(6 * PART))
                key = f"key{self.chance.randrange(10**9)}"
                await s3.upload_fileobj(io.BytesIO(data), "bucket", key, Config=config)
                target = io.BytesIO()
                await s3.download_fileobj("bucket", key, target, Config=config)
                assert target.getvalue() == data
                await s3.delete_object(Bucket="bucket", Key=key)
                self.done["bytes"] += len(data)
                server.seen.clear()

            await asyncio.gather(*(self.repeat("transfers", work) for _ in range(3)))

    async def writes(self, table: Table) -> None:
        async with aiosdk.Session(**KEYS, endpoint_url=table.url, config=CONFIG, max_connections=8) as session:
            ours = (await session.resource("dynamodb")).Table("t")

            async def work() -> None:
                table.items.clear()
                async with ours.batch_writer() as batch:
                    for number in range(300):
                        await batch.put_item(Item={"id": str(number)})
                assert len(table.items) == 300
                table.asked.clear()
                table.requests.clear()
                table.sizes.clear()
                table.writes.clear()
                self.done["items"] += 300

            await self.repeat("batch writes", work)

    async def sessions(self, server: S3Server, url: str) -> None:
        async def use() -> None:
            async with aiosdk.Session(**KEYS, endpoint_url=url, config=CONFIG) as session:
                s3 = await session.client("s3")
                await asyncio.gather(*(s3.put_object(Bucket="other", Key="k", Body=b"x") for _ in range(5)))
                await s3.get_object(Bucket="other", Key="k")  # whose body nobody reads
                await asyncio.sleep(0.05)

        async def work() -> None:
            task = asyncio.create_task(use())
            if self.chance.random() < 0.3:
                await asyncio.sleep(self.chance.random() * 0.1)
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        await self.repeat("sessions", work)

    async def storms(self, network: BadNetwork) -> None:
        """Break all connections once in a while, and let the network be down for a moment."""

        async def work() -> None:
            await asyncio.sleep(min(5.0, max(0.0, self.ends - time.monotonic())))
            network.up = False
            network.break_all()
            await asyncio.sleep(0.1)
            network.up = True

        await self.repeat("restarts", work)

    async def watch(self) -> tuple[Held, Held]:
        """Print what is held each minute; what is early and what is late."""
        seconds = self.ends - self.begun
        await asyncio.sleep(seconds / 10)
        early = late = await self._look()
        while (left := self.ends - time.monotonic()) > 1:
            await asyncio.sleep(min(60.0, left - 0.5))
            late = await self._look()
        return early, late

    async def _look(self) -> Held:
        now = held(collect=False)
        done = ", ".join(f"{count:,} {name}" for name, count in sorted(self.done.items()))
        print(f"{time.monotonic() - self.begun:6.0f} s  {now}  {done}", flush=True)
        return now


async def soak(seconds: float, url: str, server: S3Server, table: Table, network: BadNetwork) -> list[str]:
    """Run everything; what was wrong."""
    going = Soak(seconds)
    empty = held()
    print(f"before    {empty}")
    watching = asyncio.create_task(going.watch())
    await asyncio.gather(
        going.crawls(url),
        going.transfers(server, network.url),
        going.writes(table),
        going.sessions(server, network.url),
        going.storms(network),
    )
    early, late = await watching
    await asyncio.sleep(1)
    after = held()
    uploads = list(server.store.find("bucket").uploads.values())
    unknown = [each for each in uploads if not each.parts]
    left = [each.key for each in uploads if each.parts]
    # Whose creation was performed as the connection broke: nobody was told of it, and another one was made.
    print(f"after     {after}; {len(left)} uploads left open, and {len(unknown)} that nobody was told of")
    problems = list(going.wrong)
    # Sessions come and go: how many sockets they have at one moment is chance.
    allowed = Held(early.megabytes, early.descriptors + 60, early.sockets + 60, early.tasks + 60, early.threads + 40)
    problems += late.grown_from(allowed, 20)
    problems += after.grown_from(Held(10**6, empty.descriptors, empty.sockets, empty.tasks, empty.threads), 0)
    if left:
        problems.append(f"uploads left open: {left}")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    given = parser.parse_args()
    with (
        faulty_server(40, 500, 0.05) as url,
        S3Server("bucket", "other") as server,
        Table(seed=3, throttled=0.05, left=0.1) as table,
        BadNetwork(server.port, delay=0.001) as network,
        mock.patch("aiosdk.services.s3.config.MIN_PART_SIZE", 1),
    ):
        problems = asyncio.run(soak(given.seconds, url, server, table, network))
    print("flat, and nothing was lost" if not problems else "\n".join(["WRONG:", *problems]))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
