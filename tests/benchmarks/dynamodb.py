"""DynamoDB's tables with Python types: CPU of the client per call; GetItem in microseconds, a Query in milliseconds.

Prints one side as JSON. What comes one at a time is what a program waits for; 64 at a time, what a server does.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import cpu, per_blocking_call, per_call
from tests.benchmarks.server import serving
from tests.benchmarks.sides import ARGUMENTS, AT_ONCE, TINY, Figures, measure_side, open_aiodynamo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SIDES = ("aiosdk", "aiodynamo", "aioboto3", "boto3")
GET, GET_ALONE = "Table get_item, us", "Table get_item, one at a time, us"
QUERY, PUT = "Table query of 200, ms", "Table put_item, us"
WRITE = "batch_writer, us per item"
_LIKE_AIODYNAMO = Goal("aiodynamo", 1)
GOALS = {
    GET: (_LIKE_AIODYNAMO,),
    GET_ALONE: (_LIKE_AIODYNAMO,),
    QUERY: (_LIKE_AIODYNAMO,),
    PUT: (_LIKE_AIODYNAMO,),
    WRITE: (),
}
KEY = {"pk": "customer", "sk": "order"}
ITEM = {
    **KEY,
    "total": 125,
    "paid": True,
    "name": "A. Customer",
    "tags": {"new", "gift"},
    "lines": [{"n": 1}, {"n": 2}],
}
WRITTEN = 250 if TINY else 5000


@contextlib.asynccontextmanager
async def _our_table(url: str) -> AsyncIterator[Any]:
    import aiosdk

    async with aiosdk.Session(**ARGUMENTS, endpoint_url=url, max_connections=AT_ONCE) as session:
        yield (await session.resource("dynamodb")).Table("t")


@contextlib.asynccontextmanager
async def _aioboto3_table(url: str) -> AsyncIterator[Any]:
    import aioboto3
    from aiobotocore.config import AioConfig

    config = AioConfig(max_pool_connections=AT_ONCE)
    async with aioboto3.Session(**ARGUMENTS).resource("dynamodb", endpoint_url=url, config=config) as resource:
        yield await resource.Table("t")


async def _figures(
    get: Callable[[], Awaitable[Any]], query: Callable[[], Awaitable[Any]], put: Callable[[], Awaitable[Any]]
) -> Figures:
    return {
        GET: await per_call(get),
        GET_ALONE: await per_call(get, at_once=1),
        QUERY: await per_call(query, at_once=1) / 1e3,
        PUT: await per_call(put),
    }


async def _table(open_table: Callable[[str], Any], condition: Any) -> Figures:
    """Ours or aioboto3's."""
    with serving() as url:
        async with open_table(url) as table:

            async def write(count: int) -> float:
                before = cpu()
                async with table.batch_writer() as batch:
                    for number in range(count):
                        await batch.put_item(Item={**ITEM, "number": number})
                return (cpu() - before) / count * 1e6

            figures = await _figures(
                lambda: table.get_item(Key=KEY),
                lambda: table.query(KeyConditionExpression=condition),
                lambda: table.put_item(Item=ITEM),
            )
            await write(100)
            return figures | {WRITE: await write(WRITTEN)}


async def aiosdk() -> Figures:
    from aiosdk.dynamodb import Key

    return await _table(_our_table, Key("pk").eq("customer"))


async def aioboto3() -> Figures:
    from boto3.dynamodb.conditions import Key

    return await _table(_aioboto3_table, Key("pk").eq("customer"))


async def aiodynamo() -> Figures:
    from aiodynamo.expressions import HashKey

    with serving() as url:
        async with open_aiodynamo(url) as client:

            async def query() -> None:
                async for _ in client.query("t", HashKey("pk", "customer")):
                    pass

            return await _figures(lambda: client.get_item("t", KEY), query, lambda: client.put_item("t", ITEM))


def boto3() -> Figures:
    import boto3
    from boto3.dynamodb.conditions import Key
    from botocore.config import Config

    with serving() as url:
        config = Config(max_pool_connections=AT_ONCE)
        table: Any = boto3.Session(**ARGUMENTS).resource("dynamodb", endpoint_url=url, config=config).Table("t")
        condition = Key("pk").eq("customer")
        figures = {
            GET: per_blocking_call(lambda: table.get_item(Key=KEY)),
            GET_ALONE: per_blocking_call(lambda: table.get_item(Key=KEY), at_once=1),
            QUERY: per_blocking_call(lambda: table.query(KeyConditionExpression=condition), at_once=1) / 1e3,
            PUT: per_blocking_call(lambda: table.put_item(Item=ITEM)),
        }
        before = cpu()
        with table.batch_writer() as batch:
            for number in range(WRITTEN):
                batch.put_item(Item={**ITEM, "number": number})
        return figures | {WRITE: (cpu() - before) / WRITTEN * 1e6}


if __name__ == "__main__":
    measure_side({"aiosdk": aiosdk, "aiodynamo": aiodynamo, "aioboto3": aioboto3, "boto3": boto3})
