"""Resources: CPU per listed item on pages from another process, and what making resources costs, in microseconds.

Prints one side as JSON. `added to a parsed page` is what resources cost alone, without the request and its parsing.
"""

from __future__ import annotations

import inspect
import time
import warnings
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import cpu
from tests.benchmarks.server import serving
from tests.benchmarks.sides import ARGUMENTS, TINY, Figures, measure_side

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

SIDES = ("aiosdk", "aioboto3", "boto3")
OBJECT, USER = "an object of bucket.objects.all()", "a user of iam.users.all()"
ADDED = "added to a parsed page, per "
MAKING, REFERENCE, AGAIN = 'ec2.Instance("i-1")', "instance.vpc", 'session.resource("ec2") again'
GOALS: dict[str, tuple[Goal, ...]] = {
    OBJECT: (Goal("aioboto3", 1 / 10),),
    USER: (),
    f"{ADDED}object": (),
    f"{ADDED}user": (),
    MAKING: (),
    REFERENCE: (),
    AGAIN: (),
}
INSTANCE = {"InstanceId": "i-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "ImageId": "ami-1"}
LISTING = {"pages": 2, "items": 20} if TINY else {"pages": 15, "items": 1000}
PAGES = 2 if TINY else 50


async def _items(collection: Any) -> float:
    """Microseconds of CPU per item, for an async collection or a plain one."""
    count = 0
    before = cpu()
    if hasattr(collection, "__aiter__"):
        async for _ in collection:
            count += 1
    else:
        for _ in collection:
            count += 1
    return (cpu() - before) / count * 1e6


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


async def aiosdk(url: str) -> Figures:
    import aiosdk

    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url) as session:
        figures = await _measure(session.resource, 100 if TINY else 20_000, makings=10 if TINY else 2000)
        s3, iam = await session.resource("s3"), await session.resource("iam")
        for name, collection, client, method, given in (
            ("object", s3.Bucket("bucket").objects, s3.meta.client, "list_objects_v2", {"Bucket": "bucket"}),
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
                figures[f"{ADDED}{name}"] = await _items(collection.all())
        return figures


async def boto3(url: str) -> Figures:
    import boto3

    session = boto3.Session(**ARGUMENTS)
    figures = await _measure(lambda name: session.resource(name, endpoint_url=url), 300, makings=30)
    return figures | await _added(session.resource("s3", endpoint_url=url), session.resource("iam", endpoint_url=url))


async def aioboto3(url: str) -> Figures:
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


async def _measure(make: Callable[[str], Any], times: int, makings: int) -> Figures:
    s3, iam, ec2 = [await _done(make(name)) for name in ("s3", "iam", "ec2")]
    bucket = await _done(s3.Bucket("bucket"))
    await _items(bucket.objects.limit(1000))
    await _items(iam.users.limit(1000))
    return {
        OBJECT: await _items(bucket.objects.all()),
        USER: await _items(iam.users.all()),
        MAKING: await _each(times, lambda: ec2.Instance("i-1")),
        REFERENCE: await _vpc(ec2, times),
        AGAIN: await _each(makings, lambda: make("ec2")),
    }


async def _added(s3: Any, iam: Any) -> Figures:
    """What a peer's layer adds to parsed pages, which come from its paginator."""
    bucket = await _done(s3.Bucket("bucket"))
    figures: Figures = {}
    for name, collection, client, list_them in (
        ("object", bucket.objects, s3.meta.client, lambda client: client.list_objects(Bucket="bucket")),
        ("user", iam.users, iam.meta.client, lambda client: client.list_users()),
    ):
        page = await _done(list_them(client))
        for pages in (1, PAGES):  # the first to warm up
            client.get_paginator = Parsed([page] * pages)
            figures[f"{ADDED}{name}"] = await _items(collection.all())
    return figures


async def measure(side: Callable[[str], Awaitable[Figures]]) -> Figures:
    with serving(**LISTING) as url:
        return await side(url)


if __name__ == "__main__":
    measure_side({each.__name__: lambda each=each: measure(each) for each in (aiosdk, aioboto3, boto3)})
