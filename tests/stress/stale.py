"""Calls a server that closes idle connections at about the pace of the calls, the loop being busy in between.

python -m tests.stress.stale [--requests 2000] [--idle 0.01]

boto3 makes the same calls on the same server, with retries and without. It ends with a verdict and an exit status: no
more errors and no more retries than boto3's, for operations that may be repeated, and for others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
import urllib.request
from collections import Counter
from typing import Any

import boto3
from aiobotocore.config import AioConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError

import aiosdk
from tests.support.processes import running

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
ITEM = {"TableName": "t", "Item": {"k": {"S": "v"}}}
# Small ones go straight to the connection, large ones by aiohttp.
CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("GET", "s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ("PUT", "s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"abc"}),
    ("PUT, large", "s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x" * 300_000}),
    ("PUT, empty", "s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b""}),
    ("DELETE", "s3", "delete_object", {"Bucket": "b", "Key": "k"}),
    ("POST", "dynamodb", "put_item", ITEM),
    ("POST", "dynamodb", "put_item", ITEM),
]


def busy(seconds: float) -> None:
    """Keep the processor, and so the event loop, from everything else."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def options(attempts: int | None) -> dict[str, Any]:
    retries = {} if attempts is None else {"retries": {"total_max_attempts": attempts}}
    return {"s3": {"addressing_style": "path"}, **retries}


def pauses(idle: float, requests: int) -> list[float]:
    """How long the program is busy before each call: the same for both sides."""
    rng = random.Random(7)
    return [idle * rng.uniform(0.5, 1.5) for _ in range(requests)]


async def ours(url: str, waits: list[float], attempts: int | None) -> Counter[str]:
    """Make the calls; gives how many of each kind failed, and how many retries there were."""
    outcomes: Counter[str] = Counter()
    config = AioConfig(**options(attempts))
    async with (
        aiosdk.Session(**KEYS, endpoint_url=url, config=config) as session,
        session.client("s3") as s3,
        session.client("dynamodb") as dynamodb,
    ):
        clients = {"s3": s3, "dynamodb": dynamodb}
        for number, wait in enumerate(waits):
            kind, service, operation, params = CALLS[number % len(CALLS)]
            busy(wait)
            try:
                response = await getattr(clients[service], operation)(**params)
                if "Body" in response:
                    await response["Body"].read()
                outcomes["retries: " + kind] += response["ResponseMetadata"]["RetryAttempts"]
            except BotoCoreError:
                outcomes["errors: " + kind] += 1
    return outcomes


def theirs(url: str, waits: list[float], attempts: int | None) -> Counter[str]:
    """The same with boto3."""
    outcomes: Counter[str] = Counter()
    session = boto3.Session(**KEYS)
    config = Config(**options(attempts))
    clients = {name: session.client(name, endpoint_url=url, config=config) for name in ("s3", "dynamodb")}  # type: ignore[call-overload]
    for number, wait in enumerate(waits):
        kind, service, operation, params = CALLS[number % len(CALLS)]
        busy(wait)
        try:
            response = getattr(clients[service], operation)(**params)
            if "Body" in response:
                response["Body"].read()
            outcomes["retries: " + kind] += response["ResponseMetadata"]["RetryAttempts"]
        except BotoCoreError:
            outcomes["errors: " + kind] += 1
    for client in clients.values():
        client.close()
    return outcomes


def seen(url: str) -> dict[str, int]:
    """How many requests and connections the server has seen."""
    with urllib.request.urlopen(url + "/seen") as answer:
        return json.load(answer)


def _total(outcomes: Counter[str], what: str, *, posts: bool) -> int:
    return sum(count for name, count in outcomes.items() if name.startswith(what) and name.endswith("POST") == posts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--idle", type=float, default=0.01, help="seconds after which the server closes, on average")
    given = parser.parse_args()
    waits, worse = pauses(given.idle, given.requests), False
    with running("tests.stress.closing_server", str(given.idle), "0.5") as url:
        for attempts in (None, 1):
            print(f"{given.requests} calls, " + ("with retries" if attempts is None else "one attempt each"))
            results: dict[str, Counter[str]] = {}
            for side in ("boto3", "aiosdk"):
                before = seen(url)
                outcomes = theirs(url, waits, attempts) if side == "boto3" else asyncio.run(ours(url, waits, attempts))
                results[side] = outcomes
                after = seen(url)
                told = {name: count for name, count in outcomes.items() if count}
                connections = after["connections"] - before["connections"]
                print(f"  {side:7} {connections - 1} connections; {told or 'no error, no retry'}")
            for what in ("errors", "retries"):
                for posts in (False, True):
                    mine, expected = (_total(results[side], what, posts=posts) for side in ("aiosdk", "boto3"))
                    worse = worse or mine > expected
    print("worse than boto3" if worse else "no worse than boto3")
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
