"""Crawls a bucket some of whose answers are faulty, and says whether each key came exactly once, and what it took.

    python -m tests.stress.crawl                                     # a million keys, 2 % of the answers faulty
    python -m tests.stress.crawl --keys 100000 --faulty 0.2 --how paginator

The server runs in a process of its own. A faulty answer is a reset before or within the answer, a body that ends too
early, or a 503.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import aiosdk
from tests.benchmarks.server import Connection, Service
from tests.support.processes import running

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
FAULTS = ("reset", "reset within", "truncated", "503")
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
REFUSAL = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s" % (
    len(SLOW_DOWN),
    SLOW_DOWN,
)


class FaultyConnection(Connection):
    """Answers as the benchmarks' server does, but for so many of the answers."""

    faulty = 0.0
    chance = random.Random(11)
    counts: ClassVar[Counter[str]] = Counter()

    def data_received(self, data: bytes) -> None:
        # A client has one request under way at a time on each connection.
        if data.startswith(b"GET /counts"):
            body = json.dumps(self.counts).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        self.counts["requests"] += 1
        if self.chance.random() >= self.faulty:
            super().data_received(data)
            return
        fault = self.chance.choice(FAULTS)
        self.counts[fault] += 1
        if fault == "503":
            self._transport.write(REFUSAL)
            return
        if fault != "reset":
            answer = self._service.answer(data, b"")
            self._transport.write(answer[: self.chance.randrange(len(answer))])
        if fault == "truncated":
            self._transport.close()
        else:
            self._transport.abort()


async def serve(pages: int, items: int, faulty: float) -> None:
    FaultyConnection.faulty = faulty
    service = Service(pages, items)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FaultyConnection(service), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # which ends with the process that has started us


@contextlib.contextmanager
def faulty_server(pages: int, items: int, faulty: float) -> Iterator[str]:
    """The address of a server that runs until the block ends, or until this process does."""
    asked = ("--serve", f"--keys={pages * items}", f"--items={items}", f"--faulty={faulty}")
    with running("tests.stress.crawl", *asked) as url:
        yield url


@dataclass
class Crawled:
    """What came of a crawl."""

    keys: int
    twice: int
    missing: int
    seconds: float
    pages: int

    @property
    def exact(self) -> bool:
        return not self.twice and not self.missing


async def keys_of(session: aiosdk.Session, how: str) -> AsyncIterator[str]:
    if how == "collection":
        async for item in (await session.resource("s3")).Bucket("bucket").objects.all():
            yield item.key
    else:
        paginator: Any = (await session.client("s3")).get_paginator("list_objects_v2")
        async for page in paginator.paginate(Bucket="bucket"):
            for item in page["Contents"]:
                yield item["Key"]


async def crawl(session: aiosdk.Session, pages: int, items: int, how: str) -> Crawled:
    """Take all keys, and tick off each, for a million strings would take more memory than the crawl."""
    begun = time.monotonic()
    seen = bytearray(pages * items)
    keys = twice = 0
    async for key in keys_of(session, how):
        folder, _, name = key.rpartition("/")
        place = int(folder.rpartition("/")[2]) * items + int(name.partition(".")[0])
        keys += 1
        twice += seen[place]
        seen[place] = 1
    return Crawled(keys, twice, seen.count(0), time.monotonic() - begun, pages)


async def run(url: str, pages: int, items: int, how: str) -> Crawled:
    async with aiosdk.Session(**KEYS, endpoint_url=url) as session:
        return await crawl(session, pages, items, how)


def main() -> None:
    import urllib.request

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=1000, help="keys on a page")
    parser.add_argument("--faulty", type=float, default=0.02)
    parser.add_argument("--how", default="collection", choices=["collection", "paginator"])
    parser.add_argument("--serve", action="store_true", help="only be the server")
    given = parser.parse_args()
    pages = given.keys // given.items
    if given.serve:
        asyncio.run(serve(pages, given.items, given.faulty))
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with faulty_server(pages, given.items, given.faulty) as url:
        crawled = asyncio.run(run(url, pages, given.items, given.how))
        counts = json.loads(urllib.request.urlopen(f"{url}/counts").read())
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{crawled.keys:,} keys by {given.how}: {crawled.twice} twice, {crawled.missing} missing")
    print(f"faults among {counts.pop('requests'):,} answers: {counts}")
    print(f"{crawled.seconds:.1f} s, of which {used.ru_utime + used.ru_stime:.1f} s of CPU; "
          f"memory at most {used.ru_maxrss / 1024:.0f} MB ({before:.0f} MB before)")  # fmt: skip
    sys.exit(not crawled.exact)


if __name__ == "__main__":
    main()
