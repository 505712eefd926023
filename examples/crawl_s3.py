"""Crawl an S3 bucket concurrently: objects and bytes by prefix and storage class.

python examples/crawl_s3.py my-bucket --json objects.jsonl
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import crawling

import aiosdk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable


class Found:
    """What a crawl has found so far."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self.bucket = bucket
        self.prefix = prefix
        # By prefix and storage class.
        self.objects: Counter[tuple[str, str]] = Counter()
        self.sizes: Counter[tuple[str, str]] = Counter()
        self.listed = 0
        self.to_list = 0
        self.seconds = 0.0

    def __str__(self) -> str:
        prefixes = {prefix for prefix, _ in self.objects}
        return f"{self.objects.total():,} objects in {len(prefixes):,} prefixes"

    def __bool__(self) -> bool:
        return bool(self.objects)

    def add(self, objects: Iterable[dict[str, Any]]) -> None:
        """Count the objects of a page."""
        for each in objects:
            kind = self._top_prefix(each["Key"]), each.get("StorageClass", "STANDARD")
            self.objects[kind] += 1
            self.sizes[kind] += each["Size"]

    def _top_prefix(self, key: str) -> str:
        name, slash, _ = key[len(self.prefix) :].partition("/")
        return self.prefix + name + slash if slash else self.prefix


class Crawl:
    """Lists the bucket of `found`, and adds to it what the listings say."""

    def __init__(self, s3: aiosdk.Client, found: Found, records: crawling.Records, concurrency: int) -> None:
        self.found = found
        self._pages = partial(s3.get_paginator("list_objects_v2").paginate, Bucket=found.bucket)
        self._records = records
        self._concurrency = concurrency

    async def run(self) -> None:
        """List level by level until there are enough prefixes to keep all requests busy; then each one to its end."""
        prefixes = [self.found.prefix]
        while 0 < len(prefixes) < self._concurrency:
            deeper: list[str] = []
            await self._each(prefixes, partial(self._list_level, deeper))
            prefixes = deeper
        await self._each(prefixes, self._list_all)

    async def _each(self, prefixes: list[str], list_one: Callable[[str], Awaitable[None]]) -> None:
        self.found.to_list += len(prefixes)
        await crawling.for_each(prefixes, list_one, concurrency=self._concurrency)

    async def _list_level(self, deeper: list[str], prefix: str) -> None:
        """List what is directly below a prefix: its objects, and the prefixes of the next level."""
        async for page in self._pages(Prefix=prefix, Delimiter="/"):
            deeper += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
            await self._take(page.get("Contents", []))
        self.found.listed += 1

    async def _list_all(self, prefix: str) -> None:
        """List every object below a prefix, however deep."""
        async for page in self._pages(Prefix=prefix):
            await self._take(page.get("Contents", []))
        self.found.listed += 1

    async def _take(self, objects: list[dict[str, Any]]) -> None:
        self.found.add(objects)
        await self._records.write(record(self.found.bucket, each) for each in objects)


def record(bucket: str, each: dict[str, Any]) -> dict[str, Any]:
    """Give an object of a listing as it is written to the file of records."""
    return {
        "bucket": bucket,
        "key": each["Key"],
        "size": each["Size"],
        "storage_class": each.get("StorageClass", "STANDARD"),
        "etag": each.get("ETag", "").strip('"'),
        "last_modified": each["LastModified"].isoformat(),
    }


async def crawl(session: aiosdk.Session, found: Found, records: crawling.Records, *, concurrency: int) -> None:
    """List a bucket with `concurrency` requests at a time, filling `found` as the pages come in."""
    started = time.perf_counter()
    s3 = await session.client("s3")
    async with crawling.progress_bar(lambda: (found.listed, found.to_list, str(found))):
        await Crawl(s3, found, records, concurrency).run()
    found.seconds = time.perf_counter() - started


def print_report(found: Found) -> None:
    """Print what was found as a table, with totals and the rate."""
    total = found.objects.total()
    rows = [
        (prefix or "(no prefix)", kind, n, found.sizes[prefix, kind]) for (prefix, kind), n in found.objects.items()
    ]
    rows = [*sorted(rows), ("total", "", total, found.sizes.total())]
    crawling.print_table(("prefix", "storage class", "objects", "bytes"), rows)
    rate = total / found.seconds
    print(f"\n{found} of s3://{found.bucket} in {found.seconds:.1f} s: {rate:,.0f} objects/s")


def main() -> int:
    parser = crawling.options(__doc__, concurrency=32)
    parser.add_argument("bucket", metavar="BUCKET")
    parser.add_argument("--prefix", default="", help="list only the keys that begin with this")
    options = parser.parse_args()
    found = Found(options.bucket, options.prefix)

    async def program(records: crawling.Records) -> None:
        async with aiosdk.Session(**crawling.session_arguments(options)) as session:
            await crawl(session, found, records, concurrency=options.concurrency)

    return crawling.run(program, found, print_report, options.json)


if __name__ == "__main__":
    sys.exit(main())
