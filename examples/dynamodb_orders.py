"""Fill a DynamoDB table from many tasks at once, then add up and look up what is in it.

python examples/dynamodb_orders.py --endpoint-url http://127.0.0.1:8000 --region us-east-1 --orders 10000
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import random
import sys
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import crawling
from botocore.exceptions import BotoCoreError, ClientError

import aiosdk
from aiosdk.dynamodb import Attr, Key

SHOPS = ("berlin", "lagos", "lima", "osaka", "quito")
GOODS = {"tea": Decimal("4.50"), "coffee": Decimal("7.90"), "cocoa": Decimal("6.25")}
BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
TABLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "shop", "KeyType": "HASH"}, {"AttributeName": "placed", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "shop", "AttributeType": "S"},
        {"AttributeName": "placed", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def order(number: int) -> dict[str, Any]:
    """Make up an order: a plain dictionary of Python's values."""
    chance = random.Random(number)  # noqa: S311 - the same number is the same order
    lines = [{"what": what, "count": chance.randint(1, 3)} for what in chance.sample(list(GOODS), 2)]
    return {
        "shop": SHOPS[number % len(SHOPS)],
        "placed": (BEGIN + datetime.timedelta(minutes=number)).isoformat(),
        "lines": lines,
        "sum": sum((GOODS[line["what"]] * line["count"] for line in lines), Decimal(0)),
        "tags": {"gift", "express"} if number % 3 == 0 else None,
    }


async def fill(table: Any, count: int, tasks: int) -> None:
    """Write the orders; requests of 25 go out as the tasks produce them."""

    async def produce(batch: Any, first: int) -> None:
        for number in range(first, count, tasks):
            await batch.put_item(Item=order(number))

    async with table.batch_writer() as batch, asyncio.TaskGroup() as group:
        for first in range(tasks):
            group.create_task(produce(batch, first))


_SUM = {"#sum": "sum"}  # a word of DynamoDB's own language


async def report(table: Any) -> None:
    """Print each shop's turnover, from a scan of eight segments at once, and the last gifts of one shop."""
    counts: Counter[str] = Counter()
    sums: dict[str, Decimal] = {}
    async for item in table.scan_items(segments=8, ProjectionExpression="shop, #sum", ExpressionAttributeNames=_SUM):
        counts[item["shop"]] += 1
        sums[item["shop"]] = sums.get(item["shop"], Decimal(0)) + item["sum"]
    rows = [(shop, counts[shop], str(sums[shop])) for shop in sorted(counts)]
    crawling.print_table(("shop", "orders", "turnover"), rows)
    gifts = table.query_items(
        KeyConditionExpression=Key("shop").eq(SHOPS[0]),
        FilterExpression=Attr("tags").contains("gift"),
        ScanIndexForward=False,
    )
    for each in await gifts.limit(3):
        print(f"gift of {each['placed']}: {', '.join(line['what'] for line in each['lines'])}, {each['sum']}")


async def run(options: argparse.Namespace) -> None:
    async with aiosdk.Session(region_name=options.region, endpoint_url=options.endpoint_url) as session:
        dynamodb = await session.resource("dynamodb")
        table = await dynamodb.create_table(TableName=options.table, **TABLE)
        await table.wait_until_exists()
        try:
            began = time.perf_counter()
            await fill(table, options.orders, options.tasks)
            print(f"{options.orders:,} orders written in {time.perf_counter() - began:.1f} s\n")
            await report(table)
        finally:
            await table.delete()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint-url", metavar="URL", help="where to send requests, if not to AWS")
    parser.add_argument("--region", help="region, if not the profile's")
    parser.add_argument("--table", default="example-orders", help="the table to make, and to delete at the end")
    parser.add_argument(
        "--orders", type=int, default=2000, metavar="N", help="how many to write (default: %(default)s)"
    )
    parser.add_argument("--tasks", type=int, default=50, metavar="N", help="tasks that write (default: %(default)s)")
    try:
        asyncio.run(run(parser.parse_args()))
    except (BotoCoreError, ClientError) as error:
        print(f"dynamodb_orders: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
