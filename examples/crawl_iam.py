"""Crawl IAM concurrently: users with their groups, policies and access keys; groups and roles with their policies.

python examples/crawl_iam.py --profile prod --json iam.jsonl
"""

from __future__ import annotations

import datetime
import sys
import time
from collections import Counter
from typing import Any

import crawling
from aiobotocore.config import AioConfig

import aiosdk

Record = dict[str, Any]

# IAM allows an account few requests a second, and turns the others away for a moment.
PATIENT = AioConfig(retries={"mode": "standard", "max_attempts": 8})
KINDS = ("user", "group", "role")
ROWS = 20


class Found:
    """What a crawl has found so far: who there is, and a record of each that was looked at."""

    def __init__(self) -> None:
        self.known: list[Any] = []
        self.records: list[Record] = []
        self.seconds = 0.0

    def __str__(self) -> str:
        counts = Counter(each["kind"] for each in self.records)
        return ", ".join(f"{counts[kind]:,} {kind}s" for kind in KINDS) + f" of {len(self.known):,} known"

    def __bool__(self) -> bool:
        return bool(self.known)

    def of(self, kind: str) -> list[Record]:
        """Give the records of one kind."""
        return [each for each in self.records if each["kind"] == kind]


async def record(who: Any) -> Record:
    """Ask about a user, group or role, and give it as it is written to the file of records."""
    record = {
        "kind": who.meta.resource_model.name.lower(),
        "name": who.name,
        "created": who.create_date.isoformat(),
        # A policy's name is the end of its ARN.
        "attached_policies": sorted([each.arn.rpartition("/")[2] async for each in who.attached_policies]),
    }
    if record["kind"] == "user":
        record["groups"] = sorted([group.name async for group in who.groups])
        record["access_keys"] = [key_record(key) async for key in who.access_keys]
    return record


def key_record(key: Any) -> Record:
    """Give an access key as it is written to the file of records."""
    age = datetime.datetime.now(datetime.UTC) - key.create_date
    return {"id": key.id, "status": key.status, "age_days": max(age.days, 0)}


async def crawl(session: aiosdk.Session, found: Found, records: crawling.Records, *, concurrency: int) -> None:
    """Ask about every user, group and role, `concurrency` of them at a time, filling `found` on the way."""
    started = time.perf_counter()
    iam = await session.resource("iam", config=PATIENT)

    async def list_kind(everyone: Any) -> None:
        async for who in everyone:
            found.known.append(who)

    async def describe(who: Any) -> None:
        try:
            described = await record(who)
        except iam.meta.client.exceptions.NoSuchEntityException:
            return  # deleted since
        found.records.append(described)
        await records.write([described])

    async with crawling.progress_bar(lambda: (len(found.records), len(found.known), str(found))):
        await crawling.for_each((iam.users, iam.groups, iam.roles), list_kind, concurrency=concurrency)
        await crawling.for_each(found.known, describe, concurrency=concurrency)
    found.seconds = time.perf_counter() - started


def print_report(found: Found) -> None:
    """Print the users with the oldest keys, who has which policy, and the counts with the rate."""
    users = sorted(found.of("user"), key=lambda user: (-oldest_key(user), user["name"]))
    crawling.print_table(("user", "groups", "attached policies", "access keys", "key age"), map(row, users[:ROWS]))
    if len(users) > ROWS:
        print(f"... and {len(users) - ROWS:,} more users; --json writes them all")
    attached = {kind: Counter(name for each in found.of(kind) for name in each["attached_policies"]) for kind in KINDS}
    rows = [(name, *(attached[kind][name] for kind in KINDS)) for name in sorted(set().union(*attached.values()))]
    print()
    crawling.print_table(("attached policy", "users", "groups", "roles"), rows)
    counts = ", ".join(f"{len(found.of(kind)):,} {kind}s" for kind in KINDS)
    keys = sum(len(user["access_keys"]) for user in users)
    rate = len(found.records) / found.seconds
    print(f"\n{counts}, {keys:,} access keys in {found.seconds:.1f} s: {rate:,.0f} records/s")


def oldest_key(user: Record) -> int:
    """Give the age in days of a user's oldest access key, -1 for a user without."""
    return max((key["age_days"] for key in user["access_keys"]), default=-1)


def row(user: Record) -> tuple[str | int, ...]:
    """Give a user as a row of the table; the age is that of the oldest key, in days."""
    keys = [f"{key['id']} ({key['status']})" for key in user["access_keys"]]
    lists = (", ".join(each) for each in (user["groups"], user["attached_policies"], keys))
    return user["name"], *lists, oldest_key(user) if keys else "-"


def main() -> int:
    options = crawling.options(__doc__, concurrency=8).parse_args()
    found = Found()

    async def program(records: crawling.Records) -> None:
        async with aiosdk.Session(**crawling.session_arguments(options)) as session:
            await crawl(session, found, records, concurrency=options.concurrency)

    return crawling.run(program, found, print_report, options.json)


if __name__ == "__main__":
    sys.exit(main())
