"""Clients: how long the loop stands still while one is made and first used, and what a session costs, milliseconds.

Prints one side as JSON. In each of 20 services one call is made with the first client.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.server import serving
from tests.benchmarks.sides import TINY, Figures, measure_side, open_clients

if TYPE_CHECKING:
    from collections.abc import Awaitable

SIDES = ("aiosdk", "aiobotocore")
STALL = "longest stall, first {} client and call"
OTHERS = "the same, the longest of 16 other services"
WALL, AGAIN = "first s3 client and call, wall", "the same s3 client again, us"
SECOND, SIZE = "second session, first {} client, CPU", "second session with an s3 client, MB"
SESSIONS = 8
LATER = "the seven after that, each, first {} client"
ALONE = "all eight, the {} client without its session"
GOALS = {
    STALL.format("s3"): (Goal("", 15),),
    STALL.format("ec2"): (Goal("", 25),),
    STALL.format("dynamodb"): (Goal("", 15),),
    STALL.format("iam"): (Goal("", 15),),
    OTHERS: (Goal("", 15),),
    WALL: (),
    SECOND.format("s3"): (Goal("", 1),),
    LATER.format("s3"): (Goal("", 1),),
    ALONE.format("s3"): (Goal("", 1),),
    SECOND.format("ec2"): (Goal("", 1),),
    LATER.format("ec2"): (Goal("", 1),),
    ALONE.format("ec2"): (Goal("", 1),),
    SIZE: (Goal("", 1),),
    AGAIN: (),
}
FIRST_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "s3": ("head_object", {"Bucket": "bucket", "Key": "key"}),
    "ec2": ("describe_instances", {}),
    "dynamodb": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}),
    "iam": ("list_users", {}),
    "sqs": ("receive_message", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q"}),
    "sns": ("list_topics", {}),
    "lambda": ("list_functions", {}),
    "sts": ("get_caller_identity", {}),
    "rds": ("describe_db_instances", {}),
    "cloudformation": ("list_stacks", {}),
    "ecs": ("list_clusters", {}),
    "kms": ("list_keys", {}),
    "logs": ("describe_log_groups", {}),
    "glue": ("get_databases", {}),
    "sagemaker": ("list_models", {}),
    "route53": ("list_hosted_zones", {}),
    "quicksight": ("list_users", {"AwsAccountId": "123456789012", "Namespace": "default"}),
    "autoscaling": ("describe_auto_scaling_groups", {}),
    "ssm": ("describe_parameters", {}),
    "events": ("list_rules", {}),
}


class Heartbeat:
    """Wakes every half millisecond and keeps the longest delay."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.0005)
            self.longest = max(self.longest, time.perf_counter() - start - 0.0005)

    async def take(self) -> float:
        await asyncio.sleep(0.005)
        longest, self.longest = self.longest, 0.0
        return longest * 1e3

    def stop(self) -> None:
        self._task.cancel()


def start(side: str) -> Awaitable[Figures]:
    # What a program imports at its top. aiosdk imports aiohttp and aiobotocore later, with its first client.
    for name in ("aiosdk",) if side == "aiosdk" else ("aiobotocore.session", "aiobotocore.config"):
        importlib.import_module(name)
    return measure(side)


async def measure(side: str) -> Figures:
    with serving(items=1) as url:
        return await _first_session(side, url) | await _second_session(side, url)


async def _first_session(side: str, url: str) -> Figures:
    async with contextlib.AsyncExitStack() as stack:
        heart = Heartbeat()
        await heart.take()
        started = time.perf_counter()
        make = await stack.enter_async_context(open_clients(side, url))
        stalls = {}
        wall = 0.0
        for name, (operation, given) in FIRST_CALLS.items():
            client = await make(name)
            await getattr(client, operation)(**given)
            wall = wall or (time.perf_counter() - started) * 1e3
            stalls[name] = await heart.take()
        figures = {STALL.format(name): stalls.pop(name) for name in ("s3", "ec2", "dynamodb", "iam")}
        heart.stop()
        repeats = 1000 if side == "aiosdk" else 20
        started = time.perf_counter()
        for _ in range(1 if TINY else repeats):
            await make("s3")
        again = (time.perf_counter() - started) / repeats * 1e6
        return figures | {OTHERS: max(stalls.values()), WALL: wall, AGAIN: again}


async def _second_session(side: str, url: str) -> Figures:
    figures: Figures = {}
    for name in ("s3", "ec2"):
        taken: list[float] = []
        alone: list[float] = []
        for _ in range(SESSIONS):
            gc.collect()
            started = time.process_time()
            async with open_clients(side, url) as make:
                opened = time.process_time()
                await make(name)
                taken.append((time.process_time() - started) * 1e3)
                alone.append((time.process_time() - opened) * 1e3)
        figures[SECOND.format(name)], figures[LATER.format(name)] = taken[0], statistics.median(taken[1:])
        figures[ALONE.format(name)] = statistics.median(alone)
    gc.collect()
    tracemalloc.start()
    async with open_clients(side, url) as make:
        await make("s3")
        gc.collect()
        figures[SIZE] = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    return figures


if __name__ == "__main__":
    measure_side({side: lambda side=side: start(side) for side in SIDES})
