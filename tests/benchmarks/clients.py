"""Making clients: what the event loop notices, and what a session costs.

Prints one side as JSON: milliseconds, except where the name says otherwise.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time
import tracemalloc
from typing import Any

SIDES = ("aiosdk", "aiobotocore")
SERVICES = ["s3", "ec2", "iam", "dynamodb", "sqs", "sns", "lambda", "sts", "rds", "cloudformation"]
SERVICES += ["ecs", "kms", "logs", "glue", "sagemaker", "route53", "quicksight", "autoscaling", "ssm", "events"]
ARGUMENTS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


class Ours:
    def __init__(self) -> None:
        import aiosdk

        self.session = aiosdk.Session(**ARGUMENTS)

    async def client(self, name: str) -> Any:
        return await self.session.client(name)

    async def close(self) -> None:
        await self.session.close()


class Aiobotocore:
    def __init__(self) -> None:
        from aiobotocore.session import AioSession

        self.session = AioSession()
        self.clients: list[Any] = []

    async def client(self, name: str) -> Any:
        client = await self.session.create_client(name, **ARGUMENTS).__aenter__()
        self.clients.append(client)
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.__aexit__(None, None, None)


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


async def measure(side: type[Any]) -> dict[str, float]:
    figures: dict[str, float] = {}
    heart = Heartbeat()
    await heart.take()
    started = time.perf_counter()
    session = side()
    stalls = {}
    for name in SERVICES:
        await session.client(name)
        stalls[name] = await heart.take()
        if name == "s3":
            figures["first s3 client, wall"] = (time.perf_counter() - started) * 1e3
    figures["longest stall, first s3 client"] = stalls.pop("s3")
    figures["longest stall, first ec2 client"] = stalls.pop("ec2")
    figures["longest stall, 18 other services"] = max(stalls.values())
    repeats = 1000 if side is Ours else 20
    started = time.perf_counter()
    for _ in range(repeats):
        await session.client("s3")
    figures["the same s3 client again, us"] = (time.perf_counter() - started) / repeats * 1e6
    await session.close()
    for name in ("s3", "ec2"):
        gc.collect()
        started = time.process_time()
        another = side()
        await another.client(name)
        figures[f"second session, first {name} client, CPU"] = (time.process_time() - started) * 1e3
        await another.close()
    del another
    gc.collect()
    tracemalloc.start()
    another = side()
    await another.client("s3")
    gc.collect()
    figures["second session with an s3 client, MB"] = tracemalloc.get_traced_memory()[0] / 2**20
    await another.close()
    return figures


def main() -> None:
    side = sys.argv[1]
    started = time.process_time()
    # What a program imports at its top. aiosdk imports aiohttp and aiobotocore later, with its first client.
    importlib.import_module("aiosdk" if side == "aiosdk" else "aiobotocore.session")
    figures = {"import, CPU": (time.process_time() - started) * 1e3}
    print(json.dumps(figures | asyncio.run(measure({"aiosdk": Ours, "aiobotocore": Aiobotocore}[side]))))


if __name__ == "__main__":
    main()
