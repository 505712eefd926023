"""DynamoDB's tables on servers that others have written: moto, and dynalite where npm can fetch it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import aiosdk
from aiosdk.dynamodb import Attr, Binary, Key
from tests.integration.conftest import KEYS

INSTALLED = Path("/var/tmp/aiosdk-servers/npm/dynalite")
SCHEMA: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "shop", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "shop", "AttributeType": "S"},
        {"AttributeName": "number", "AttributeType": "N"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="session")
def dynalite() -> Iterator[str]:
    """The URL of a dynalite in a process of its own, installed under /var/tmp unless it is there."""
    program = INSTALLED / "node_modules" / ".bin" / "dynalite"
    if not program.exists():
        try:
            INSTALLED.mkdir(parents=True, exist_ok=True)
            install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(INSTALLED)]
            subprocess.run([*install, "dynalite"], check=True, capture_output=True, timeout=90)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"dynalite cannot be had from npm: {error}")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["node", str(program), "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _until_it_listens(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _until_it_listens(port: int) -> None:
    end = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < end, "dynalite does not listen"
            time.sleep(0.05)


@pytest.fixture(params=["moto", "dynalite"])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("aws" if request.param == "moto" else "dynalite")


@pytest.fixture
async def tables(url: str) -> AsyncIterator[tuple[Any, Any]]:
    """A table, ours and boto3's."""
    name = f"orders-{uuid.uuid4().hex[:8]}"
    async with aiosdk.Session(**KEYS, endpoint_url=url) as session:
        dynamodb = await session.resource("dynamodb")
        table = await dynamodb.create_table(TableName=name, **SCHEMA)
        await table.wait_until_exists(WaiterConfig={"Delay": 0.05, "MaxAttempts": 100})
        theirs = await asyncio.to_thread(boto3.resource, "dynamodb", endpoint_url=url, **KEYS)
        yield table, theirs.Table(name)


ITEM: dict[str, Any] = {
    "shop": "here",
    "number": Decimal(7),
    "sum": Decimal("9.50"),
    "paid": None,
    "raw": b"\x00\xff",
    "sets": [{"a", "b"}, {Decimal(1), Decimal("2.5")}, {b"x", b"y"}],
    "lines": [{"what": "tea", "count": Decimal(2), "gift": True, "more": {}}, []],
    "grüße": "✓ 𝄞",
}


async def test_what_one_has_put_the_other_gets(tables: tuple[Any, Any]) -> None:
    ours, theirs = tables
    await ours.put_item(Item=ITEM)
    key = {"shop": "here", "number": 7}
    got = (await ours.get_item(Key=key))["Item"]
    assert got == ITEM == (await asyncio.to_thread(lambda: theirs.get_item(Key=key)))["Item"]
    assert isinstance(got["raw"], Binary)
    await asyncio.to_thread(lambda: theirs.put_item(Item={**ITEM, "number": 8}))
    assert (await ours.get_item(Key={"shop": "here", "number": 8}))["Item"] == {**ITEM, "number": 8}
    changed = await ours.update_item(
        Key=key,
        UpdateExpression="SET #n0 = :v0 ADD visits :v1",
        ConditionExpression=Attr("lines[0].what").begins_with("t")
        & ~Attr("raw").size().gt(2)
        & Attr("sum").eq(ITEM["sum"]),
        ExpressionAttributeNames={"#n0": "paid"},
        ExpressionAttributeValues={":v0": True, ":v1": 1},
        ReturnValues="ALL_NEW",
    )
    assert changed["Attributes"] == {**ITEM, "paid": True, "visits": 1}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        await ours.delete_item(Key=key, ConditionExpression=Attr("paid").is_in([None, False]))
    found = await ours.query_items(
        KeyConditionExpression=Key("shop").eq("here") & Key("number").between(1, 9),
        FilterExpression=Attr("paid").attribute_type("BOOL"),
    )
    assert found == [changed["Attributes"]]


async def test_many_items_are_written_found_and_deleted(tables: tuple[Any, Any]) -> None:
    ours, theirs = tables

    async def put(batch: Any, first: int) -> None:
        for number in range(first, 600, 6):
            await batch.put_item(Item={"shop": f"shop-{number % 3}", "number": number, "text": "x" * 700})

    async with ours.batch_writer(overwrite_by_pkeys=["shop", "number"]) as batch, asyncio.TaskGroup() as group:
        for first in range(6):
            group.create_task(put(batch, first))
    assert (await asyncio.to_thread(theirs.scan, Select="COUNT"))["Count"] == 600
    numbers = [
        item["number"] async for item in ours.query_items(KeyConditionExpression=Key("shop").eq("shop-1"), Limit=30)
    ]
    assert numbers == list(range(1, 600, 3))
    assert len(await ours.scan_items(Limit=70)) == len(await ours.scan_items(segments=5, Limit=20)) == 600
    assert len(await ours.scan_items(segments=5).limit(33)) == 33
    keys = [{"shop": f"shop-{number % 3}", "number": number} for number in range(650)]
    found = await ours.batch_get(keys, ConsistentRead=True)
    assert [item["number"] for item in found] == list(range(600))
    async with ours.batch_writer() as batch:
        async for item in ours.scan_items(
            segments=2, ProjectionExpression="shop, #n", ExpressionAttributeNames={"#n": "number"}
        ):
            await batch.delete_item(Key=item)
    assert await ours.scan_items().first() is None
