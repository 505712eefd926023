"""Resources: CPU per listed item on pages from another process, and what making resources costs, in microseconds.

Prints one side as JSON. aioboto3 runs in `.venv-peers`, with the aiobotocore that it pins.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

SIDES = ("aiosdk", "boto3", "aioboto3")
ARGUMENTS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
INSTANCE = {"InstanceId": "i-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "ImageId": "ami-1"}
PEERS = os.path.join(os.path.dirname(__file__), "..", "..", ".venv-peers")


def interpreter(side: str) -> str | None:
    """The Python that a side runs in; None where it cannot be had."""
    if side != "aioboto3":
        return sys.executable
    python = os.path.join(PEERS, "bin", "python")
    try:
        if not os.path.exists(python):
            subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        if subprocess.run([python, "-c", "import aioboto3"], capture_output=True).returncode != 0:
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "aioboto3"]
            subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"aioboto3 could not be installed in .venv-peers and is left out: {error}")
        return None
    return python


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _items(collection: Any) -> float:
    """Microseconds of CPU per item, for an async collection or a plain one."""
    count = 0
    before = _cpu()
    if hasattr(collection, "__aiter__"):
        async for _ in collection:
            count += 1
    else:
        for _ in collection:
            count += 1
    return (_cpu() - before) / count * 1e6


async def _each(times: int, call: Callable[[], Any]) -> float:
    """Microseconds of CPU per call, the first ones not counted; what can be awaited is."""
    awaited = False
    for _ in range(10):
        answer = call()
        awaited = inspect.iscoroutine(answer) or type(answer).__name__ == "Pending"
        await _done(answer)
    before = time.process_time()
    for _ in range(times):
        if awaited:
            await call()
        else:
            call()
    return (time.process_time() - before) / times * 1e6


async def _done(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


async def _vpc(ec2: Any, times: int) -> float:
    """Microseconds for the first `instance.vpc` of an instance whose data is there."""
    instances: list[Any] = [await _done(ec2.Instance("i-1")) for _ in range(times)]
    for instance in instances:
        instance.meta.data = INSTANCE
    with warnings.catch_warnings(action="ignore"):
        try:
            _ = instances[0].vpc
        except TypeError:
            return float("nan")  # in aioboto3 it cannot be had
    before = time.process_time()
    for instance in instances[1:]:
        _ = instance.vpc
    return (time.process_time() - before) / (times - 1) * 1e6


class Parsed:
    """In place of a client's paginator: gives pages that were parsed before."""

    def __init__(self, pages: list[Any]) -> None:
        self._pages = pages

    def __call__(self, *_: Any, **__: Any) -> Parsed:
        return self

    paginate = __call__

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pages)

    async def __aiter__(self) -> Any:
        for page in self._pages:
            yield page


PAGES = 50


async def aiosdk(url: str) -> dict[str, float]:
    import aiosdk

    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url) as session:
        figures = await _measure(session.resource, 20_000, makings=2000)
        s3, iam = await session.resource("s3"), await session.resource("iam")
        for name, collection, client, method, given in (
            ("object", s3.Bucket("b").objects, s3.meta.client, "list_objects_v2", {"Bucket": "b"}),
            ("user", iam.users, iam.meta.client, "list_users", {}),
        ):
            page = await getattr(client, method)(**given)
            left = 0

            async def parsed(page: Any = page, **_: Any) -> Any:
                nonlocal left
                left -= 1
                return {**page, "IsTruncated": left > 0, "NextContinuationToken": str(left), "Marker": str(left)}

            setattr(client, method, parsed)
            for left in (1, PAGES):  # noqa: B007 - the first to warm up
                figures[f"added to a parsed page, per {name}"] = await _items(collection.all())
        return figures


async def boto3(url: str) -> dict[str, float]:
    import boto3

    session = boto3.Session(**ARGUMENTS)
    figures = await _measure(lambda name: session.resource(name, endpoint_url=url), 300, makings=30)
    return figures | await _added(session.resource("s3", endpoint_url=url), session.resource("iam", endpoint_url=url))


async def aioboto3(url: str) -> dict[str, float]:
    import aioboto3

    session = aioboto3.Session(**ARGUMENTS)
    entered: list[Any] = []

    async def make(name: str) -> Any:
        context = session.resource(name, endpoint_url=url)
        entered.append(context)
        return await context.__aenter__()

    figures = await _measure(make, 300, makings=30)
    figures |= await _added(await make("s3"), await make("iam"))
    for context in entered:
        await context.__aexit__(None, None, None)
    return figures


async def _measure(make: Callable[[str], Any], times: int, makings: int) -> dict[str, float]:
    s3, iam, ec2 = [await _done(make(name)) for name in ("s3", "iam", "ec2")]
    bucket = await _done(s3.Bucket("b"))
    await _items(bucket.objects.limit(1000))
    await _items(iam.users.limit(1000))
    return {
        "an object of bucket.objects.all()": await _items(bucket.objects.all()),
        "a user of iam.users.all()": await _items(iam.users.all()),
        'ec2.Instance("i-1")': await _each(times, lambda: ec2.Instance("i-1")),
        "instance.vpc": await _vpc(ec2, times),
        'session.resource("ec2") again': await _each(makings, lambda: make("ec2")),
    }


async def _added(s3: Any, iam: Any) -> dict[str, float]:
    """What a peer's layer adds to parsed pages, which come from its paginator."""
    bucket = await _done(s3.Bucket("b"))
    figures: dict[str, float] = {}
    for name, collection, client, list_them in (
        ("object", bucket.objects, s3.meta.client, lambda client: client.list_objects(Bucket="b")),
        ("user", iam.users, iam.meta.client, lambda client: client.list_users()),
    ):
        page = await _done(list_them(client))
        for pages in (1, PAGES):  # the first to warm up
            client.get_paginator = Parsed([page] * pages)
            figures[f"added to a parsed page, per {name}"] = await _items(collection.all())
    return figures


def main() -> None:
    server = subprocess.Popen([sys.executable, "-m", "tests.support.listings"], stdout=subprocess.PIPE, text=True)
    sides: dict[str, Callable[[str], Awaitable[dict[str, float]]]] = {
        "aiosdk": aiosdk,
        "boto3": boto3,
        "aioboto3": aioboto3,
    }
    try:
        assert server.stdout is not None
        print(json.dumps(asyncio.run(sides[sys.argv[1]](server.stdout.readline().strip()))))  # pyright: ignore
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
