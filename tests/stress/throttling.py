"""Crawls a service that throttles at a concurrency of 256, and says how many requests were sent in vain.

python -m tests.stress.throttling --mode legacy --service s3 --rate 200 --requests 6000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import urllib.request
from collections import Counter
from typing import Any

from aiobotocore.config import AioConfig

import aiosdk
from aiosdk._aws.throttling import Throttles
from tests.support.processes import running
from tests.support.throttled import wasted

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


async def crawl(client: Any, service: str, requests: int, concurrency: int, prefixes: int) -> Counter[str]:
    """Ask for so many things; how many came, and how many errors of each kind."""
    outcomes: Counter[str] = Counter()
    numbers = iter(range(requests))

    async def work() -> None:
        for number in numbers:
            try:
                if service == "s3":
                    answer = await client.get_object(Bucket="b", Key=f"{number % prefixes}/{number}")
                    await answer["Body"].read()
                else:
                    await client.get_user(UserName=f"u{number}")
                outcomes["ok"] += 1
            except Exception as error:
                outcomes[type(error).__name__ + " " + str(error)[:60]] += 1

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return outcomes


async def run(given: argparse.Namespace, url: str) -> Counter[str]:
    retries: dict[str, Any] = {} if given.mode == "default" else {"retries": {"mode": given.mode}}
    limit = given.concurrency
    async with aiosdk.Session(**KEYS, endpoint_url=url, max_connections=limit, config=AioConfig(**retries)) as session:
        client = await session.client(given.service)
        return await crawl(client, given.service, given.requests, limit, given.prefixes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", default="default", choices=["default", "legacy", "standard", "adaptive"])
    parser.add_argument("--service", default="s3", choices=["s3", "iam"])
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--burst", type=float, default=200)
    parser.add_argument("--delay", type=float, default=0.01)
    parser.add_argument("--prefixes", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--settled", type=float, default=5)
    parser.add_argument("--unpaced", action="store_true", help="as if we had no pace of our own")
    given = parser.parse_args()
    if given.unpaced:
        Throttles._begin = lambda *_: None  # type: ignore[method-assign]
    arguments = [f"--{name}={getattr(given, name)}" for name in ("rate", "burst", "delay")]
    with running("tests.support.throttled", *arguments) as url:
        begun = time.monotonic()
        outcomes = asyncio.run(run(given, url))
        seconds = time.monotonic() - begun
        log = json.loads(urllib.request.urlopen(f"{url}/log").read())
    refused, sent = wasted(log, given.settled)
    total = sum(not taken for _, taken in log)
    ideal = max(0.0, given.requests - given.burst * given.prefixes) / (given.rate * given.prefixes)
    print(
        f"{given.service} {given.mode}: {given.requests} calls, {dict(outcomes)}, {seconds:.1f} s (at best {ideal:.1f})"
    )
    print(
        f"  in vain: {total} of {len(log)} ({total / len(log):.1%}); "
        f"after {given.settled:.0f} s {refused} of {sent} ({refused / max(sent, 1):.1%})"
    )


if __name__ == "__main__":
    main()
