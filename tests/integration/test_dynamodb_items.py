"""Queries and scans over many pages, and batches of keys, against a server that plays a table."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

import aiosdk
from aiosdk import exceptions
from aiosdk.dynamodb import Attr, Key
from aiosdk.services.dynamodb import items as streams
from aiosdk.services.dynamodb import retrying
from tests.support.dynamodb import Table, good, refusal
from tests.support.tables import KEYS, ONCE, session, soon, table  # noqa: F401 - fixtures
from tests.support.waiting import eventually


@pytest.fixture
def server() -> Iterator[Table]:
    with Table() as running:
        running.items = {json.dumps({"N": str(n)}): {"id": {"N": str(n)}, "x": {"S": "y"}} for n in range(95)}
        yield running


WANTED = [{"id": Decimal(n), "x": "y"} for n in range(95)]


def by_id(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: item["id"])


async def test_a_query_and_a_scan_follow_their_pages(server: Table, table: Any) -> None:
    for stream in (table.query_items(KeyConditionExpression=Key("id").eq(1)), table.scan_items()):
        assert await stream == WANTED
        assert [item async for item in stream] == WANTED
        assert await stream.first() == WANTED[0]
        sizes = [(len(page), page.response["Count"]) async for page in stream.pages()]
        assert sizes == [(10, 10)] * 9 + [(5, 5)]
        assert not [each for each in server.asked if each[0] not in ("Query", "Scan")]
    query = server.asked[1][1]
    assert query["KeyConditionExpression"] == "#n0 = :v0"
    assert query["ExclusiveStartKey"] == {"id": {"N": "9"}}


async def test_a_limit_is_for_all_pages_and_dynamodbs_own_for_each(server: Table, table: Any) -> None:
    asked: list[Any] = []
    for stream, count, sizes in [
        (table.scan_items().limit(0), 0, []),
        (table.scan_items().limit(7), 7, [7]),
        (table.scan_items(Limit=5).limit(12), 12, [5, 5, 2]),
        (table.scan_items(Limit=30), 95, [30, 30, 30, 30]),
        (table.scan_items(FilterExpression=Attr("x").exists()).limit(12), 12, [None, None]),
        (table.scan_items(FilterExpression=Attr("x").exists(), Limit=3).limit(4), 4, [3, 3]),
        (table.scan_items().limit(500).limit(None), 95, [None] * 10),
    ]:
        server.asked.clear()
        assert await stream == WANTED[:count]
        asked.append([each.get("Limit") for _, each in server.asked])
        assert asked[-1] == sizes
    server.asked.clear()
    assert await table.scan_items().limit(0).first() is None
    assert not server.asked
    assert await table.scan_items(ExclusiveStartKey={"id": 9}).first() == WANTED[10]
    for wrong in (-1, 1.5, True, "3"):
        with pytest.raises(ValueError, match=r"limit\(.*whole number"):
            table.scan_items().limit(wrong)


@pytest.mark.parametrize("segments", [2, 7, 95, 200])
async def test_a_scan_in_segments_reads_all_of_them_at_once(server: Table, table: Any, segments: int) -> None:
    async def dawdle(operation: str, asked: dict[str, Any]) -> None:
        await asyncio.sleep(0.002)

    server.before = dawdle
    stream = table.scan_items(segments=segments, Limit=3)
    assert by_id(await stream) == WANTED
    assert {(each["Segment"], each["TotalSegments"]) for _, each in server.asked} == {
        (segment, segments) for segment in range(segments)
    }
    assert 1 < server.peak_active <= streams.MOST_AT_ONCE
    assert len(await stream.limit(11)) == 11
    assert await stream.first() in WANTED


async def test_leaving_a_parallel_scan_early_leaves_nothing_running(server: Table, table: Any) -> None:
    async for _ in table.scan_items(segments=8, Limit=2):
        break
    assert len(asyncio.all_tasks()) == 1
    assert len(server.asked) == 8
    pages = table.scan_items(segments=8, Limit=2).pages()
    assert len(await anext(pages)) == 2
    await pages.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(pages)


@pytest.mark.parametrize("segments", [1, 8])
async def test_a_page_that_failed_or_was_cancelled_is_asked_again(server: Table, table: Any, segments: int) -> None:
    asking = 0

    async def often_not(operation: str, asked: dict[str, Any]) -> Any:
        nonlocal asking
        asking += 1
        if asking % 5 == 0:
            await asyncio.sleep(0.05)
        return refusal("InternalServerError") if asking % 3 == 0 else None

    server.before = often_not
    pages, found, failures = table.scan_items(segments=segments, Limit=4).pages(), list[Any](), 0
    while True:
        try:
            found += await asyncio.wait_for(anext(pages), 0.02)
        except StopAsyncIteration:
            break
        except (ClientError, TimeoutError):
            failures += 1
        assert len(asyncio.all_tasks()) == 1
    assert by_id(found) == WANTED
    assert failures > 2


async def test_two_tasks_on_one_iterator_are_told_so(server: Table, table: Any) -> None:
    pages = table.scan_items(segments=2).pages()
    one, two = await asyncio.gather(anext(pages), anext(pages), return_exceptions=True)
    assert one
    assert isinstance(two, exceptions.ConcurrentIterationError)


async def test_a_key_that_comes_twice_ends_a_query(server: Table, table: Any) -> None:
    async def again(operation: str, asked: dict[str, Any]) -> Any:
        return good({"Items": [], "LastEvaluatedKey": {"id": {"N": "3"}}})

    server.before = again
    with pytest.raises(exceptions.RepeatedTokenError, match="LastEvaluatedKey of table 'orders'"):
        await table.query_items(KeyConditionExpression=Key("id").eq(1))
    assert len(server.asked) == 2


@pytest.mark.parametrize("segments", [1, 2])
async def test_keys_that_go_round_in_a_circle_end_a_scan(server: Table, table: Any, segments: int) -> None:
    async def circle(operation: str, asked: dict[str, Any]) -> Any:
        last = int(asked.get("ExclusiveStartKey", {"id": {"N": "0"}})["id"]["N"])
        return good({"Items": [], "LastEvaluatedKey": {"id": {"N": str(last % 5 + 1)}}})

    server.before = circle
    with pytest.raises(exceptions.RepeatedTokenError):
        await asyncio.wait_for(table.scan_items(segments=segments), 20)


async def test_what_makes_no_sense_is_refused_before_anything_is_sent(server: Table, table: Any) -> None:
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="segments="):
            table.scan_items(segments=wrong)
    for name in ("Segment", "TotalSegments", "ExclusiveStartKey"):
        with pytest.raises(ValueError, match=f"{name} does not go with segments=2"):
            table.scan_items(segments=2, **{name: 1})
    with pytest.raises(ValueError, match=r"table\.query\(\.\.\.\)"):
        table.query_items(Select="COUNT")
    with pytest.raises(aiosdk.exceptions.NotIterableError, match=r"items of Scan in table 'orders'.*async for"):
        list(table.scan_items())
    assert not server.asked
    assert len(await table.scan_items(Segment=1, TotalSegments=5)) == 19


async def test_each_loop_asks_for_what_was_meant_when_it_was_made(server: Table, table: Any) -> None:
    async def nothing(operation: str, asked: dict[str, Any]) -> Any:
        return good({"Items": []})

    server.before = nothing
    values, names = {":v": OrderedDict(a=[1])}, ["a"]
    items = table.query_items(
        TableName="elsewhere", KeyConditionExpression=Key("id").eq("1"), ExpressionAttributeValues=values
    )
    others = table.scan_items(FilterExpression=Attr("name").is_in(names))
    values[":v"]["a"].append(2)
    names.append("b")
    assert await items == await others == []
    (_, query), (_, scan) = server.asked
    assert query["TableName"] == "elsewhere", "as `query` has it"
    assert query["ExpressionAttributeValues"] == {":v": {"M": {"a": {"L": [{"N": "1"}]}}}, ":v0": {"S": "1"}}
    assert scan["ExpressionAttributeValues"] == {":v0": {"S": "a"}}


async def test_query_and_scan_themselves_give_one_page(table: Any) -> None:
    page = await table.scan(Limit=4)
    assert page["Items"] == WANTED[:4]
    assert page["LastEvaluatedKey"] == {"id": 3}


async def test_a_thousand_keys_are_fetched_in_the_order_they_are_asked_for(server: Table, table: Any) -> None:
    server.items = {json.dumps({"N": str(n)}): {"id": {"N": str(n)}, "x": {"S": "y"}} for n in range(0, 1000, 2)}
    server.left = server.throttled = 0.2
    keys = [{"id": number} for number in reversed(range(1000))]
    found = await table.batch_get([*keys, {"id": Decimal("6.0")}, {"id": 8}], ConsistentRead=True)
    assert found == [{"id": Decimal(n), "x": "y"} for n in reversed(range(0, 1000, 2))]
    assert all(each["RequestItems"]["orders"]["ConsistentRead"] for _, each in server.asked)
    assert await table.batch_get([]) == []
    assert await table.batch_get({"id": n} for n in (4, 2)) == [{"id": 4, "x": "y"}, {"id": 2, "x": "y"}]


async def test_keys_of_several_tables_are_fetched_together(server: Table, session: aiosdk.Session, table: Any) -> None:
    dynamodb = await session.resource("dynamodb")
    server.left = 0.3
    users = [{"id": number} for number in range(90)]
    found = await dynamodb.batch_get(
        {table: [{"id": 7}, {"id": 5}], "users": {"Keys": users, "ProjectionExpression": "id, x"}, "none": []}
    )
    assert found == {"orders": [WANTED[7], WANTED[5]], "users": WANTED[:90], "none": []}
    assert server.asked[0][1]["RequestItems"].keys() == {"orders", "users"}


async def test_through_a_view_of_the_client_keys_are_fetched_in_the_same_order(server: Table, table: Any) -> None:
    table.meta.client = table.meta.client.with_options(attempts=1)
    keys = [{"id": Decimal(number)} for number in (7, 5, 7)]
    assert await table.batch_get([*keys, {"id": 7}]) == [WANTED[7], WANTED[5]]
    assert len(server.asked[0][1]["RequestItems"]["orders"]["Keys"]) == 2


@pytest.mark.parametrize("what", ["Responses", "UnprocessedKeys"])
async def test_an_answer_about_another_table_is_refused(server: Table, table: Any, what: str) -> None:
    async def lie(operation: str, asked: dict[str, Any]) -> Any:
        return good({what: {"other": {"Keys": [{"id": {"N": "1"}}]} if what == "UnprocessedKeys" else []}})

    server.before = lie
    with pytest.raises(exceptions.UnreadableAnswerError, match="another table"):
        await table.batch_get([{"id": 1}])
    assert len(server.asked) == 1


async def test_a_table_may_be_asked_by_its_arn_and_answer_by_its_name(server: Table, session: aiosdk.Session) -> None:
    async def answer(operation: str, asked: dict[str, Any]) -> Any:
        return good({"Responses": {"orders": [{"id": {"N": "1"}}]}})

    server.before = answer
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    found = await (await session.resource("dynamodb")).batch_get({arn: [{"id": 1}]})
    assert found == {arn: [{"id": 1}]}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"id": "1"}, "is a dict. It must be a list of keys"),
        (None, "is a NoneType"),
        ("ab", "A key of the table 'orders' is a str"),
        (["1"], "A key of the table 'orders' is a str"),
    ],
)
async def test_what_is_no_list_of_keys_is_refused(server: Table, table: Any, keys: Any, problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        await table.batch_get(keys)
    assert not server.asked


async def test_a_request_without_keys_is_refused_and_not_answered_by_nothing(
    server: Table, session: aiosdk.Session, table: Any
) -> None:
    dynamodb = await session.resource("dynamodb")
    for request, problem in (
        ({"orders": {"id": "1"}}, "'orders' is a dictionary of 'id'"),
        ({"orders": {"keys": [{"id": "1"}]}}, "a dictionary of 'keys'"),
        ({"RequestItems": {"orders": {"Keys": [{"id": "1"}]}}}, "a dictionary of 'orders'"),
        ({"orders": {}}, "It must be a list of keys"),
    ):
        with pytest.raises(TypeError, match=problem):
            await dynamodb.batch_get(request)
    with pytest.raises(ValueError, match="comes twice"):
        await dynamodb.batch_get({table: [{"id": "1"}], "orders": [{"id": "2"}]})
    assert not server.asked
    assert await dynamodb.batch_get({"orders": {"Keys": []}, "users": []}) == {"orders": [], "users": []}


async def test_items_without_their_keys_come_as_they_come(server: Table, table: Any) -> None:
    async def only_x(operation: str, asked: dict[str, Any]) -> Any:
        return good({"Responses": {"orders": [{"x": {"S": "b"}}, {"x": {"S": "a"}}]}, "UnprocessedKeys": {}})

    server.before = only_x
    assert await table.batch_get([{"id": 1}, {"id": 2}], ProjectionExpression="x") == [{"x": "b"}, {"x": "a"}]


async def test_keys_that_stay_unprocessed_are_told(server: Table, table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "PATIENCE", 0.05)

    async def leave_odd_ones(operation: str, asked: dict[str, Any]) -> Any:
        keys = asked["RequestItems"]["orders"]["Keys"]
        odd = [each for each in keys if int(each["id"]["N"]) % 2]
        found = [each for each in keys if each not in odd]
        return good({"Responses": {"orders": found}, "UnprocessedKeys": {"orders": {"Keys": odd}} if odd else {}})

    server.before = leave_odd_ones
    with pytest.raises(exceptions.BatchGetError, match="keys unprocessed for") as caught:
        await table.batch_get([{"id": number} for number in range(950)])
    error = caught.value
    assert isinstance(error, ClientError)
    told = [each["id"] for each in error.items["orders"]]
    left = [each["id"] for asked in error.unprocessed for each in asked["orders"]["Keys"]]
    assert sorted(told + left) == list(range(950))
    assert f"left {len(left)} keys" in str(error)


async def test_a_cancelled_batch_leaves_nothing_running(server: Table, table: Any) -> None:
    async def hang(operation: str, asked: dict[str, Any]) -> None:
        await asyncio.sleep(0.2)

    server.before = hang
    running = asyncio.create_task(table.batch_get([{"id": number} for number in range(950)]))
    await eventually(lambda: server.active == 4)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_of_one_request_ends_the_batch(server: Table, table: Any) -> None:
    async def refuse(operation: str, asked: dict[str, Any]) -> Any:
        return refusal("ResourceNotFoundException") if len(server.asked) == 2 else None

    server.before = refuse
    with pytest.raises(table.meta.client.exceptions.ResourceNotFoundException):
        await table.batch_get([{"id": number} for number in range(950)])
    assert len(server.asked) < 10
