"""Listings: CPU of the client per item, microseconds; a Query in milliseconds. Pages come one after another.

Prints one side as JSON. There are 200 pages of 1,000; of them are read as many as fit into two seconds of CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import cpu, per_blocking_call, per_call
from tests.benchmarks.server import serving
from tests.benchmarks.sides import TINY, Figures, measure_side, open_aiodynamo, open_clients, open_obstore, open_raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

SIDES = ("aiosdk", "aiohttp", "obstore", "aiodynamo", "aiobotocore", "aioboto3", "boto3")
KEYS, USERS = "ListObjectsV2, us per key", "IAM ListUsers, us per user"
INSTANCES = "EC2 DescribeInstances, us per instance"
QUERY, DECODED = "DynamoDB Query of 200, low-level, ms", "DynamoDB Query of 200, Python types, ms"
GOALS = {
    KEYS: (Goal("aiobotocore", 1 / 11), Goal("obstore", 1)),
    USERS: (Goal("aiobotocore", 1 / 8),),
    INSTANCES: (Goal("aiobotocore", 1 / 6),),
    QUERY: (Goal("aiobotocore", 1 / 6),),
    DECODED: (Goal("aiodynamo", 1),),
}
LISTED: tuple[tuple[str, str, str, dict[str, str], str], ...] = (
    (KEYS, "s3", "list_objects_v2", {"Bucket": "bucket"}, "Contents"),
    (USERS, "iam", "list_users", {}, "Users"),
    (INSTANCES, "ec2", "describe_instances", {}, "Reservations"),
)
"""Name, service, operation, arguments, and what the items are called in a page."""
ASKED = {
    "TableName": "t",
    "KeyConditionExpression": "#pk = :pk",
    "ExpressionAttributeNames": {"#pk": "pk"},
    "ExpressionAttributeValues": {":pk": {"S": "customer"}},
}
PAGES = 2 if TINY else 200
ITEMS = 20 if TINY else 1000
QUERIES_AT_ONCE = 1


async def client(side: str) -> Figures:
    """Ours, aiobotocore or aioboto3."""
    figures: Figures = {}
    with serving(PAGES, ITEMS) as url:
        async with open_clients(side, url) as make:
            for name, service, operation, given, key in LISTED:
                paginator = (await make(service)).get_paginator(operation)
                warm_up = await _per_item(paginator.paginate(**given), key, 2)
                figures[name] = await _per_item(paginator.paginate(**given), key, _fitting(warm_up))
            dynamodb = await make("dynamodb")
            figures[QUERY] = await per_call(lambda: dynamodb.query(**ASKED), QUERIES_AT_ONCE) / 1e3
        if side == "aioboto3":
            figures[DECODED] = await _aioboto3_table(url)
        if side == "aiosdk":
            figures[DECODED] = await _our_table(url)
    return figures


def _fitting(per_item: float) -> int:
    """How many pages fit into two seconds, if an item costs so many microseconds."""
    return min(max(int(2e6 / (per_item * ITEMS)), 2), PAGES)


async def _per_item(pages: AsyncIterable[Any], key: str, most: int) -> float:
    """Microseconds of CPU per item of the first `most` pages."""
    count = number = 0
    before = cpu()
    async for page in pages:
        count += len(page[key])
        number += 1
        if number == most:
            break
    return (cpu() - before) / count * 1e6


async def _our_table(url: str) -> float:
    import aiosdk
    from aiosdk.dynamodb import Key
    from tests.benchmarks.sides import ARGUMENTS

    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url) as session:
        table = (await session.resource("dynamodb")).Table("t")
        condition = Key("pk").eq("customer")
        return await per_call(lambda: table.query(KeyConditionExpression=condition), QUERIES_AT_ONCE) / 1e3


async def _aioboto3_table(url: str) -> float:
    import aioboto3
    from boto3.dynamodb.conditions import Key

    from tests.benchmarks.sides import ARGUMENTS

    async with aioboto3.Session(**ARGUMENTS).resource("dynamodb", endpoint_url=url) as resource:
        table = await resource.Table("t")
        condition = Key("pk").eq("customer")
        return await per_call(lambda: table.query(KeyConditionExpression=condition), QUERIES_AT_ONCE) / 1e3


async def boto3() -> Figures:
    import boto3
    from boto3.dynamodb.conditions import Key

    from tests.benchmarks.sides import ARGUMENTS

    figures: Figures = {}
    with serving(PAGES, ITEMS) as url:
        async with open_clients("boto3", url) as make:
            for name, service, operation, given, key in LISTED:
                paginator = (await make(service)).get_paginator(operation)
                warm_up = _per_item_blocking(paginator.paginate(**given), key, 2)
                figures[name] = _per_item_blocking(paginator.paginate(**given), key, _fitting(warm_up))
            dynamodb = await make("dynamodb")
            figures[QUERY] = per_blocking_call(lambda: dynamodb.query(**ASKED), QUERIES_AT_ONCE) / 1e3
        table: Any = boto3.Session(**ARGUMENTS).resource("dynamodb", endpoint_url=url).Table("t")
        condition = Key("pk").eq("customer")
        decoded = per_blocking_call(lambda: table.query(KeyConditionExpression=condition), QUERIES_AT_ONCE)
        return figures | {DECODED: decoded / 1e3}


def _per_item_blocking(pages: Iterable[Any], key: str, most: int) -> float:
    before = cpu()
    count = sum(len(page[key]) for _, page in zip(range(most), pages, strict=False))
    return (cpu() - before) / count * 1e6


async def aiohttp() -> Figures:
    """The bytes alone, read and not looked at."""
    with serving(PAGES, ITEMS) as url:
        async with open_raw() as send:
            form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
            users, instances = b"Action=ListUsers&Version=2010-05-08", b"Action=DescribeInstances&Version=2016-11-15"
            keys = f"{url}/bucket?list-type=2&encoding-type=url"
            query = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.Query"}
            calls: dict[str, tuple[Callable[[], Awaitable[Any]], float]] = {
                KEYS: (lambda: send("GET", keys), ITEMS),
                USERS: (lambda: send("POST", f"{url}/", users, **form), ITEMS),
                INSTANCES: (lambda: send("POST", f"{url}/", instances, **form), ITEMS),
                QUERY: (lambda: send("POST", f"{url}/", b"{}", **query), 1e3),
            }
            return {name: await per_call(call, at_once=1) / per for name, (call, per) in calls.items()}


async def obstore() -> Figures:
    with serving(PAGES, ITEMS) as url:
        store = open_obstore(url)
        async for _ in store.list(chunk_size=1000):
            break
        count = 0
        before = cpu()
        async for chunk in store.list(chunk_size=1000):
            count += len(chunk)
        assert count == PAGES * ITEMS, f"obstore listed {count}"
        return {KEYS: (cpu() - before) / count * 1e6}


async def aiodynamo() -> Figures:
    from aiodynamo.expressions import HashKey

    with serving(PAGES, ITEMS) as url:
        async with open_aiodynamo(url) as client:

            async def query() -> None:
                async for _ in client.query("t", HashKey("pk", "customer")):
                    pass

            return {DECODED: await per_call(query, QUERIES_AT_ONCE) / 1e3}


if __name__ == "__main__":
    measure_side(
        {
            "aiosdk": lambda: client("aiosdk"),
            "aiohttp": aiohttp,
            "obstore": obstore,
            "aiodynamo": aiodynamo,
            "aiobotocore": lambda: client("aiobotocore"),
            "aioboto3": lambda: client("aioboto3"),
            "boto3": boto3,
        }
    )
