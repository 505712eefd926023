"""DynamoDB's tables and their items: our resources beside boto3's, on the same server."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3.dynamodb.conditions as THEIRS  # noqa: N812
import pytest
from botocore.exceptions import ClientError, WaiterError

import aiosdk
from aiosdk.dynamodb import Key
from tests.support.side_by_side import both, collect, comparable, requests_of, side_by_side

if TYPE_CHECKING:
    from tests.integration.conftest import Boto3
    from tests.support.side_by_side import Side

SCHEMA: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "shop", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "shop", "AttributeType": "S"},
        {"AttributeName": "number", "AttributeType": "N"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def key(number: int) -> dict[str, Any]:
    """The key of an order."""
    return {"shop": "here", "number": number}


async def make_tables(session: aiosdk.Session, count: int) -> tuple[Any, list[str]]:
    """Make tables; gives the resource, and the tables' names in order."""
    dynamodb = await session.resource("dynamodb")
    names = [f"orders-{number:03}" for number in range(count)]
    for name in names:  # moto lists them in this order
        await dynamodb.create_table(TableName=name, **SCHEMA)
    return dynamodb, names


async def test_a_table_lives(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        dynamodb = await side.resource("dynamodb")
        table = await side.do(lambda: dynamodb.create_table(TableName="orders", **SCHEMA))
        assert table.name == "orders"
        assert table.table_status == "ACTIVE"
        await side.do(lambda: table.wait_until_exists())
        await side.load(table)
        for name in ("key_schema", "attribute_definitions", "item_count", "table_arn", "creation_date_time"):
            await side.do(lambda name=name: getattr(table, name))
        await side.do(lambda: dynamodb.tables.all())
        await side.fail(lambda: dynamodb.create_table(TableName="orders", **SCHEMA))
        stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        await side.do(lambda: table.update(StreamSpecification=stream))
        await side.load(table)
        assert table.stream_specification == stream
        side.name(table.latest_stream_arn, "the stream")
        side.name(table.latest_stream_label, "the moment of its making")
        await side.do(lambda: table.delete())
        await side.do(lambda: table.wait_until_not_exists())
        assert await side.do(lambda: dynamodb.tables.all()) == []
        for act in (table.load, table.delete):
            await side.fail(act)
        await side.fail(lambda: table.update(StreamSpecification={"StreamEnabled": False}))

    await side_by_side(scenario, aws, ours, theirs)


async def test_an_update_gives_the_table_with_its_new_data(ours: aiosdk.Session) -> None:
    dynamodb, _ = await make_tables(ours, 1)
    table = await dynamodb.Table("orders-000").load()
    updated = await table.update(
        BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
    )
    assert updated == table
    assert updated.provisioned_throughput["ReadCapacityUnits"] == 3
    with pytest.raises(aiosdk.NotLoadedError, match=r"update\(\) dropped the data.*await table\.load\(\)"):
        _ = table.provisioned_throughput
    assert (await table.load()).provisioned_throughput == updated.provisioned_throughput


async def test_tables_are_listed_over_four_pages_and_cut_at_the_limit(ours: aiosdk.Session, theirs: Boto3) -> None:
    dynamodb, names = await make_tables(ours, 23)
    other = await asyncio.to_thread(theirs.resource, "dynamodb")
    assert [each.name for each in await dynamodb.tables] == names
    pages = await both(collect(dynamodb.tables.page_size(7).pages()), lambda: other.tables.page_size(7).pages())
    assert [len(page) for page in pages] == [7, 7, 7, 2]
    for limit in (0, 1, 7, 14, 22, 23, 24, 1000):
        assert [each.name for each in await dynamodb.tables.limit(limit)] == names[:limit]
        await both(
            dynamodb.tables.limit(limit).page_size(7), lambda limit=limit: other.tables.limit(limit).page_size(7)
        )
    begun = {"ExclusiveStartTableName": names[19]}
    found = await both(dynamodb.tables.filter(**begun), lambda: other.tables.filter(**begun))
    assert [each.name for each in found] == names[20:]
    with requests_of(dynamodb) as sent:
        async for table in dynamodb.tables.page_size(5):
            if table.name == names[6]:
                break
    assert len(sent) == 2


async def test_no_more_tables_are_asked_for_than_are_wanted(ours: aiosdk.Session) -> None:
    dynamodb, names = await make_tables(ours, 23)
    for collection, asked in [
        (dynamodb.tables.limit(0), []),
        (dynamodb.tables.limit(4), [{"Limit": 4}]),
        (dynamodb.tables.page_size(3).limit(4), [{"Limit": 3}, {"Limit": 1, "ExclusiveStartTableName": names[2]}]),
        (dynamodb.tables, [{}]),
    ]:
        with requests_of(dynamodb) as sent:
            await collection
        assert [json.loads(each.body) for each in sent] == asked
    with requests_of(dynamodb) as sent:
        assert await dynamodb.tables.first() == dynamodb.Table(names[0])
    assert [json.loads(each.body) for each in sent] == [{"Limit": 1}]


async def test_items_are_put_read_changed_and_deleted_as_in_boto3(ours: aiosdk.Session, theirs: Boto3) -> None:
    dynamodb, (mine, other) = await make_tables(ours, 2)
    table = dynamodb.Table(mine)
    their_table: Any = (await asyncio.to_thread(theirs.resource, "dynamodb")).Table(other)

    async def same(action: str, **params: Any) -> Any:
        result = await getattr(table, action)(**params)
        expected = await asyncio.to_thread(getattr(their_table, action), **params)
        for each in (result, expected):  # moto tells the capacity unasked, with the name of the table
            each.pop("ConsumedCapacity", None)
        assert comparable(result) == comparable(expected)
        return result

    items = [
        {**key(number), "paid": number % 2 == 0, "sum": Decimal("9.50"), "tags": {"a", "b"}, "lines": [{"raw": b"x"}]}
        for number in range(9)
    ]
    for item in items:
        await same("put_item", Item=item)
    assert (await same("get_item", Key=key(3)))["Item"] == items[3]
    assert "Item" not in await same("get_item", Key=key(99))
    of_shop = {
        "KeyConditionExpression": "shop = :shop AND #n BETWEEN :low AND :high",
        "ExpressionAttributeNames": {"#n": "number"},
        "ExpressionAttributeValues": {":shop": "here", ":low": 2, ":high": 5},
    }
    assert (await same("query", **of_shop))["Items"] == items[2:6]
    page = await same("query", **of_shop, Limit=2)
    assert (await same("query", **of_shop, ExclusiveStartKey=page["LastEvaluatedKey"]))["Items"] == items[4:6]
    by_condition = {"KeyConditionExpression": THEIRS.Key("shop").eq("here") & THEIRS.Key("number").between(2, 5)}
    assert (await same("query", **by_condition))["Items"] == items[2:6]
    assert (await table.query(KeyConditionExpression=Key("shop").eq("here") & Key("number").gt(5)))["Count"] == 3
    paid = {"FilterExpression": "paid = :yes", "ExpressionAttributeValues": {":yes": True}}
    assert (await same("scan", **paid))["Count"] == 5
    change = {"UpdateExpression": "SET note = :note", "ExpressionAttributeValues": {":note": "late"}}
    new = await same("update_item", Key=key(3), ReturnValues="ALL_NEW", **change)
    assert new["Attributes"] == {**items[3], "note": "late"}
    old = await same("delete_item", Key=key(3), ReturnValues="ALL_OLD")
    assert old["Attributes"]["note"] == "late"
    assert (await same("scan"))["Count"] == 8


async def test_batches_of_items_are_written_and_read_as_in_boto3(ours: aiosdk.Session, theirs: Boto3) -> None:
    dynamodb, (first, second) = await make_tables(ours, 2)
    other: Any = await asyncio.to_thread(theirs.resource, "dynamodb")
    puts = [{"PutRequest": {"Item": key(number)}} for number in range(25)]
    written = {"RequestItems": {first: puts}}
    answer = await both(dynamodb.batch_write_item(**written), lambda: other.batch_write_item(**written))
    assert answer["UnprocessedItems"] == {}
    wanted = {"RequestItems": {first: {"Keys": [key(1), key(24), key(99)]}, second: {"Keys": [key(1)]}}}
    answer = await both(dynamodb.batch_get_item(**wanted), lambda: other.batch_get_item(**wanted))
    assert len(answer["Responses"][first]) == 2
    assert answer["Responses"][second] == []


async def test_reading_items_keeps_the_tables_data_and_writing_drops_them(ours: aiosdk.Session) -> None:
    dynamodb, (name,) = await make_tables(ours, 1)
    table = await dynamodb.Table(name).load()
    await table.get_item(Key=key(1))
    await table.scan()
    condition = {"KeyConditionExpression": "shop = :shop", "ExpressionAttributeValues": {":shop": "here"}}
    await table.query(**condition)
    assert table.item_count == 0
    await table.put_item(Item=key(1))
    with pytest.raises(aiosdk.NotLoadedError, match=r"put_item\(\) dropped the data"):
        _ = table.item_count
    assert (await table.reload()).item_count == 1


async def test_errors_are_those_of_the_client(ours: aiosdk.Session, theirs: Boto3) -> None:
    dynamodb, (name,) = await make_tables(ours, 1)
    table = dynamodb.Table(name)
    exceptions = dynamodb.meta.client.exceptions
    await table.put_item(Item=key(1))
    with pytest.raises(exceptions.ConditionalCheckFailedException) as caught:
        await table.put_item(Item=key(1), ConditionExpression="attribute_not_exists(shop)")
    other: Any = await asyncio.to_thread(theirs.resource, "dynamodb")
    client = other.meta.client
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as expected:
        await asyncio.to_thread(
            client.put_item, TableName=name, Item=key(1), ConditionExpression="attribute_not_exists(shop)"
        )
    assert caught.value.response["Error"] == expected.value.response["Error"]
    missing = dynamodb.Table("none")
    with pytest.raises(exceptions.ResourceNotFoundException):
        await missing.load()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        await missing.scan()
    with pytest.raises(WaiterError, match="TableExists"):
        await missing.wait_until_exists(WaiterConfig={"Delay": 0, "MaxAttempts": 2})
    await missing.wait_until_not_exists()
    for attribute in ("item_count", "key_schema"):
        with pytest.raises(aiosdk.NotLoadedError, match=rf"none.*{attribute}.*await table\.load\(\)"):
            getattr(missing, attribute)


async def test_a_table_waits_until_another_makes_it(ours: aiosdk.Session) -> None:
    dynamodb = await ours.resource("dynamodb")
    table = dynamodb.Table("orders")
    with requests_of(dynamodb) as sent:
        waiting = asyncio.create_task(table.wait_until_exists(WaiterConfig={"Delay": 0, "MaxAttempts": 1000}))
        while not sent:
            await asyncio.sleep(0)
        await dynamodb.create_table(TableName="orders", **SCHEMA)
        await waiting
    assert [each.operation for each in sent].count("CreateTable") == 1
    assert sent[-1].operation == "DescribeTable"
