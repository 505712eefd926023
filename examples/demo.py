"""Fill a local AWS server through aiosdk, crawl it, and show what came out: `make demo`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import crawl_iam
import crawl_s3
import crawling
from local_aws import local_aws

import aiosdk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BUCKET = "demo-logs"
# From the oldest prefix to the newest, as a life-cycle rule would have left them.
STORAGE_CLASSES = ("DEEP_ARCHIVE", "GLACIER", "STANDARD_IA", "STANDARD")
GROUPS = ("admins", "auditors", "developers", "finance", "operators", "support")
POLICIES = ("bill-pay", "data-read", "data-write", "deploy", "inspect", "queue-admin")
ROLES = ("backup", "billing-export", "ci", "image-resizer", "ingest", "nightly-report", "search-index", "web")


@dataclass(frozen=True)
class Amounts:
    """How much to make."""

    objects: int
    prefixes: int
    users: int


class Filler:
    """Fills an empty account through clients of aiosdk, some requests at a time."""

    def __init__(self, session: aiosdk.Session, amounts: Amounts, concurrency: int) -> None:
        self._session = session
        self._amounts = amounts
        self._concurrency = concurrency

    async def fill_s3(self) -> None:
        """Make a bucket and the objects in it."""
        self._s3 = await self._session.client("s3")
        await self._s3.create_bucket(Bucket=BUCKET)
        await self._each("objects", self._amounts.objects, self._put_object)

    async def fill_iam(self) -> None:
        """Make policies, groups and roles, then users with a key each, in a group, with some policies."""
        self._iam = await self._session.client("iam")
        self._arns = [await self._create_policy(name) for name in POLICIES]
        await self._each("groups", len(GROUPS), self._create_group)
        await self._each("roles", len(ROLES), self._create_role)
        await self._each("users", self._amounts.users, self._create_user)

    async def _each(self, unit: str, count: int, make: Callable[[int], Awaitable[None]]) -> None:
        made = 0

        async def make_and_count(number: int) -> None:
            nonlocal made
            await make(number)
            made += 1

        started = time.perf_counter()
        async with crawling.progress_bar(lambda: (made, count, f"{made:,} {unit}")):
            await crawling.for_each(range(count), make_and_count, concurrency=self._concurrency)
        print(f"made {count:,} {unit} in {time.perf_counter() - started:.1f} s", flush=True)

    async def _put_object(self, number: int) -> None:
        prefixes = self._amounts.prefixes
        month, day = number % prefixes, number // prefixes
        # Some objects of a month have gone on already: a prefix may have two storage classes.
        age = min((4 * month + day % 6) // prefixes, 3)
        await self._s3.put_object(
            Bucket=BUCKET,
            Key=f"{2023 + month // 12}-{month % 12 + 1:02}/host-{day % 7}/part-{number:05}.log",
            Body=b"x" * (number * 37 % 1000),
            StorageClass=STORAGE_CLASSES[age],
        )

    async def _create_policy(self, name: str) -> str:
        answer = await self._iam.create_policy(PolicyName=name, PolicyDocument=_document(Resource="*", Action="s3:*"))
        return answer["Policy"]["Arn"]

    async def _create_group(self, number: int) -> None:
        await self._iam.create_group(GroupName=GROUPS[number])
        await self._iam.attach_group_policy(GroupName=GROUPS[number], PolicyArn=self._arns[number])

    async def _create_role(self, number: int) -> None:
        trust = _document(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
        await self._iam.create_role(RoleName=ROLES[number], AssumeRolePolicyDocument=trust)
        await self._iam.attach_role_policy(RoleName=ROLES[number], PolicyArn=self._arns[number % len(self._arns)])

    async def _create_user(self, number: int) -> None:
        name = f"user-{number:03}"
        await self._iam.create_user(UserName=name)
        await self._iam.create_access_key(UserName=name)
        await self._iam.add_user_to_group(UserName=name, GroupName=GROUPS[number % len(GROUPS)])
        for arn in self._arns[: number % 3]:
            await self._iam.attach_user_policy(UserName=name, PolicyArn=arn)


def _document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


async def demonstrate(url: str, amounts: Amounts, concurrency: int) -> None:
    """Fill the server at `url`, then crawl it, over one session."""
    async with aiosdk.Session(
        "demo", "demo", region_name="us-east-1", endpoint_url=url, max_connections=concurrency
    ) as session:
        filler = Filler(session, amounts, concurrency)
        await filler.fill_s3()
        await filler.fill_iam()
        nothing = crawling.Records(None)
        bucket, account = crawl_s3.Found(BUCKET), crawl_iam.Found()
        await crawl_s3.crawl(session, bucket, nothing, concurrency=concurrency)
        print("\n$ crawl_s3.py", BUCKET, "\n")
        crawl_s3.print_report(bucket)
        await crawl_iam.crawl(session, account, nothing, concurrency=concurrency)
        print("\n$ crawl_iam.py\n")
        crawl_iam.print_report(account)
        print_pool(session)


def print_pool(session: aiosdk.Session) -> None:
    """Print the statistics of the session's pool."""
    stats = session.pool.stats()
    print(f"\nOne pool of at most {stats.limit} connections: {stats.requests_sent:,} requests sent over", end=" ")
    print(f"{stats.connections_opened:,} connections (moto closes each after one answer);", end=" ")
    print(f"now {stats.open} open, {stats.idle} idle, {stats.in_use} in use, {stats.waiting} waiting")


def forget_environment() -> None:
    """Forget the user's AWS settings and proxies: the demo has keys of its own and talks to this machine only."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--prefixes", type=int, default=40)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--concurrency", type=int, default=32)
    options = parser.parse_args()
    forget_environment()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # end as with Ctrl-C
    try:
        with local_aws() as url:
            print(f"moto serves at {url}", flush=True)
            amounts = Amounts(options.objects, options.prefixes, options.users)
            asyncio.run(demonstrate(url, amounts, options.concurrency))
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
