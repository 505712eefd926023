"""Crawl an S3 bucket concurrently: objects and bytes by prefix and storage class.

python examples/crawl_s3.py my-bucket --json objects.jsonl
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import crawling

import aiosdk

if TYPE_CHECKING:
    from collections.abc import Iterable


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

    def add(self, objects: Iterable[Any]) -> None:
        """Count the objects of a page."""
        for obj in objects:
            kind = self._top_prefix(obj.key), obj.storage_class or "STANDARD"
            self.objects[kind] += 1
            self.sizes[kind] += obj.size

    def _top_prefix(self, key: str) -> str:
        name, slash, _ = key[len(self.prefix) :].partition("/")
        return self.prefix + name + slash if slash else self.prefix


def record(obj: Any) -> dict[str, Any]:
    """Give an object as it is written to the file of records."""
    return {
        "bucket": obj.bucket_name,
        "key": obj.key,
        "size": obj.size,
        "storage_class": obj.storage_class or "STANDARD",
        "etag": (obj.e_tag or "").strip('"'),
        "last_modified": obj.last_modified.isoformat(),
    }


async def crawl(session: aiosdk.Session, found: Found, records: crawling.Records, *, concurrency: int) -> None:
    """List a bucket with `concurrency` requests at a time, filling `found` as the pages come in."""
    started = time.perf_counter()
    s3 = await session.resource("s3")
    objects = s3.Bucket(found.bucket).objects.filter(FetchOwner=False)  # without owners the pages are smaller
    prefixes = [found.prefix]

    async def take(listing: Any) -> None:
        async for page in listing.pages():
            found.add(page)
            prefixes.extend(each["Prefix"] for each in page.response.get("CommonPrefixes", []))
            await records.write(map(record, page))
        found.listed += 1

    async with crawling.progress_bar(lambda: (found.listed, found.to_list, str(found))):
        # Level by level until there are enough prefixes to keep all requests busy; then each one to its end.
        while prefixes:
            delimiter = {"Delimiter": "/"} if len(prefixes) < concurrency else {}
            level = [objects.filter(Prefix=prefix, **delimiter) for prefix in prefixes]
            prefixes.clear()
            found.to_list += len(level)
            await crawling.for_each(level, take, concurrency=concurrency)
    found.seconds = time.perf_counter() - started


def print_report(found: Found) -> None:
    """Print what was found as a table, with totals and the rate."""
    total = found.objects.total()
    rows = sorted(
        (prefix or "(no prefix)", kind, n, found.sizes[prefix, kind]) for (prefix, kind), n in found.objects.items()
    )
    crawling.print_table(
        ("prefix", "storage class", "objects", "bytes"), [*rows, ("total", "", total, found.sizes.total())]
    )
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
