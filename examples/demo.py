"""Fill a local AWS server through aiosdk, crawl it, and show what came out: `make demo`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

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
EC2 = {"Service": "ec2.amazonaws.com"}
ROLES = ("backup", "billing-export", "ci", "image-resizer", "ingest", "nightly-report", "search-index", "web")


async def fill_s3(s3: Any, objects: int, prefixes: int, concurrency: int) -> None:
    """Make a bucket and the objects in it."""
    bucket = await s3.create_bucket(Bucket=BUCKET)

    async def put_object(number: int) -> None:
        month, day = number % prefixes, number // prefixes
        # Some objects of a month have gone on already: a prefix may have two storage classes.
        age = min((4 * month + day % 6) // prefixes, 3)
        await bucket.put_object(
            Key=f"{2023 + month // 12}-{month % 12 + 1:02}/host-{day % 7}/part-{number:05}.log",
            Body=b"x" * (number * 37 % 1000),
            StorageClass=STORAGE_CLASSES[age],
        )

    await make(objects, "objects", put_object, concurrency)


async def fill_iam(iam: Any, users: int, concurrency: int) -> None:
    """Make policies, groups and roles, then users with a key each, in a group, with some policies."""
    document, trust = _document(Resource="*", Action="s3:*"), _document(Action="sts:AssumeRole", Principal=EC2)
    policies = [await iam.create_policy(PolicyName=name, PolicyDocument=document) for name in POLICIES]

    async def create_group(number: int) -> None:
        group = await iam.create_group(GroupName=GROUPS[number])
        await group.attach_policy(PolicyArn=policies[number].arn)

    async def create_role(number: int) -> None:
        role = await iam.create_role(RoleName=ROLES[number], AssumeRolePolicyDocument=trust)
        await role.attach_policy(PolicyArn=policies[number % len(policies)].arn)

    async def create_user(number: int) -> None:
        user = await iam.create_user(UserName=f"user-{number:03}")
        await user.create_access_key_pair()
        await user.add_group(GroupName=GROUPS[number % len(GROUPS)])
        for policy in policies[: number % 3]:
            await user.attach_policy(PolicyArn=policy.arn)

    await make(len(GROUPS), "groups", create_group, concurrency)
    await make(len(ROLES), "roles", create_role, concurrency)
    await make(users, "users", create_user, concurrency)


async def make(count: int, unit: str, make_one: Callable[[int], Awaitable[None]], concurrency: int) -> None:
    """Make so many, `concurrency` of them at a time, and say how long it took."""
    made = 0

    async def make_and_count(number: int) -> None:
        nonlocal made
        await make_one(number)
        made += 1

    started = time.perf_counter()
    async with crawling.progress_bar(lambda: (made, count, f"{made:,} {unit}")):
        await crawling.for_each(range(count), make_and_count, concurrency=concurrency)
    print(f"made {count:,} {unit} in {time.perf_counter() - started:.1f} s", flush=True)


def _document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


async def demonstrate(url: str, options: argparse.Namespace) -> None:
    """Fill the server at `url`, then crawl it, over one session."""
    concurrency = options.concurrency
    async with aiosdk.Session(
        "demo", "demo", region_name="us-east-1", endpoint_url=url, max_connections=concurrency
    ) as session:
        await fill_s3(await session.resource("s3"), options.objects, options.prefixes, concurrency)
        await fill_iam(await session.resource("iam"), options.users, concurrency)
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
            asyncio.run(demonstrate(url, options))
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
