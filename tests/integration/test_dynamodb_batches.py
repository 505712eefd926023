"""The batch writer against a server that refuses, leaves undone, hangs and fails: nothing is lost, nothing is left."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

import aiosdk
from aiosdk import exceptions
from aiosdk.dynamodb import Binary
from aiosdk.services.dynamodb import retrying, writer
from tests.support.dynamodb import Table, good, refusal
from tests.support.tables import KEYS, ONCE, session, soon, table  # noqa: F401 - fixtures
from tests.support.waiting import eventually


@pytest.fixture
def server() -> Iterator[Table]:
    with Table() as running:
        yield running


def ids(requests: list[dict[str, Any]]) -> list[str]:
    """The keys of requests that were not made."""
    return sorted(content["id"] for each in requests for kind in each.values() for content in kind.values())


def by_table(error: Any) -> dict[str, list[str]]:
    """The keys of what was not written, for each table."""
    return {table: ids(requests) for table, requests in error.unwritten_by_table.items()}


def written(server: Table) -> list[str]:
    return sorted(json.loads(key)["S"] for key in list(server.writes))


async def test_ten_thousand_items_from_fifty_tasks_are_all_there_and_none_is_written_twice(
    server: Table, session: aiosdk.Session, table: Any
) -> None:
    server.throttled = server.left = 0.2

    async with table.batch_writer() as batch, asyncio.TaskGroup() as group:

        async def put(task: int) -> None:
            for number in range(200):
                await batch.put_item(Item={"id": f"{task}-{number}", "task": task, "text": "x" * number})

        for task in range(50):
            group.create_task(put(task))
    assert len(server.items) == 10_000
    assert set(server.writes.values()) == {1}
    for task, number in ((0, 0), (49, 199), (7, 77)):
        wanted = {"id": {"S": f"{task}-{number}"}, "task": {"N": str(task)}, "text": {"S": "x" * number}}
        assert server.items[json.dumps({"S": f"{task}-{number}"})] == wanted
    assert max(server.sizes) == 25
    assert server.peak_active <= writer.AT_ONCE
    assert batch.unwritten == []


async def test_ten_thousand_puts_may_wait_at_the_same_time(server: Table, table: Any) -> None:
    server.left = 0.05
    async with table.batch_writer() as batch:
        await asyncio.gather(*(batch.put_item({"id": str(number)}) for number in range(10_000)))
    assert len(server.items) == 10_000


async def test_what_aioboto3s_writer_is_told_is_taken_with_a_warning(server: Table, table: Any) -> None:
    with pytest.warns(DeprecationWarning, match="on_exit_loop_sleep=0.1 .* has no effect"):
        writer = table.batch_writer(flush_amount=5, on_exit_loop_sleep=0.1)
    async with writer as batch:
        await batch.put_item({"id": "1"})
    assert len(server.items) == 1
    table.batch_writer(None, 25, 0)  # aioboto3's default


async def test_what_is_put_is_copied_when_it_is_taken(server: Table, table: Any) -> None:
    item: dict[str, Any] = {"id": "", "list": [], "raw": bytearray(1), "binary": Binary(bytearray(1))}
    item["binaries"] = {Binary(bytearray(1))}
    async with table.batch_writer() as batch:
        for number in range(30):
            item["id"] = str(number)
            item["list"].append(number)
            for raw in (item["raw"], item["binary"].value, *(each.value for each in item["binaries"])):
                raw[0] = number
            await batch.put_item(Item=item)
        await batch.delete_item(Key={"id": "0"})
    assert len(server.items) == 29
    for key, each in server.items.items():
        raw = {"B": base64.b64encode(bytes([int(json.loads(key)["S"])])).decode()}
        assert each["raw"] == each["binary"] == raw
        assert each["binaries"] == {"BS": [raw["B"]]}
    assert [len(each["list"]["L"]) for each in server.items.values()] == list(range(2, 31))


async def test_no_more_is_kept_than_fits_while_requests_hang(server: Table, table: Any) -> None:
    go = asyncio.Event()
    loop = asyncio.get_running_loop()
    released: list[bool] = []

    async def hang(operation: str, asked: dict[str, Any]) -> None:
        while not released:
            await asyncio.sleep(0.01)

    server.before = hang
    taken = 0

    async def put_all(batch: Any) -> None:
        nonlocal taken
        for number in range(300):
            await batch.put_item(Item={"id": str(number)})
            taken += 1

    async with table.batch_writer(flush_amount=10) as batch:
        putting = asyncio.create_task(put_all(batch))
        await eventually(lambda: server.active == writer.AT_ONCE)
        loop.call_soon(go.set)
        await go.wait()
        assert taken == writer.AT_ONCE * 10 + 10
        assert repr(batch) == "<BatchWriter of 'orders' kept=10 under_way=40>"
        released.append(True)
        await putting
    assert len(server.items) == 300
    assert max(server.sizes) == 10


async def test_of_one_key_the_last_write_counts_also_while_the_first_is_under_way(server: Table, table: Any) -> None:
    chance = server.chance

    async def dawdle(operation: str, asked: dict[str, Any]) -> None:
        await asyncio.sleep(chance.random() / 200)

    server.before, server.left, server.throttled = dawdle, 0.3, 0.2
    async with table.batch_writer(overwrite_by_pkeys=["id"], flush_amount=7) as batch:
        for version in range(40):
            for number in (1, 2, 3, Decimal("4.0")):
                await batch.put_item(Item={"id": number, "version": version})
            for number in (4, *range(100 * version, 100 * version + 10)):
                await batch.put_item(Item={"id": number, "version": version})
            await batch.delete_item(Key={"id": 3})
    assert {key: item["version"]["N"] for key, item in server.items.items() if '"1"' in key or '"2"' in key} == {
        '{"N": "1"}': "39",
        '{"N": "2"}': "39",
    }
    assert '{"N": "4"}' in server.items
    assert '{"N": "3"}' not in server.items


async def test_of_one_key_the_last_put_counts_also_among_tasks_that_wait(server: Table, table: Any) -> None:
    chance, last, count = server.chance, dict[str, str](), 0
    server.left = 0.3

    async def put(batch: Any) -> None:
        nonlocal count
        for _ in range(10):
            key, count = str(chance.randrange(8)), count + 1
            last[json.dumps({"S": key})] = str(count)
            await batch.put_item(Item={"id": key, "version": count})
            if chance.random() < 0.5:
                await asyncio.sleep(0)

    for amount in (2, 5):
        async with table.batch_writer(overwrite_by_pkeys=["id"], flush_amount=amount) as batch:
            await asyncio.gather(*(put(batch) for _ in range(8)))
        assert {key: item["version"]["N"] for key, item in server.items.items()} == last


async def test_an_exception_in_the_body_ends_the_writing_and_has_what_was_not_written(
    server: Table, table: Any
) -> None:
    with pytest.raises(RuntimeError, match="mine") as caught:  # noqa: PT012
        async with table.batch_writer() as batch:
            for number in range(60):
                await batch.put_item(Item={"id": str(number), "raw": b"x", "n": [number]})
            raise RuntimeError("mine")
    assert server.sizes == [25, 25], "what is under way is waited for"
    assert ids(batch.unwritten) == sorted(map(str, range(50, 60)))
    assert batch.unwritten[0] == {"PutRequest": {"Item": {"id": "50", "raw": Binary(b"x"), "n": [50]}}}
    assert caught.value.unwritten is batch.unwritten
    assert "10 write(s) to the DynamoDB table 'orders' not made" in caught.value.__notes__[0]
    server.writes.clear()
    await table.meta.client.batch_write_item(RequestItems={"orders": batch.unwritten})
    assert len(server.items) == 60


async def test_an_exception_in_the_body_tells_of_a_failure_that_came_with_it(server: Table, table: Any) -> None:
    async def refuse(operation: str, asked: dict[str, Any]) -> Any:
        return refusal("AccessDeniedException")

    server.before = refuse
    with pytest.raises(RuntimeError, match="mine") as caught:  # noqa: PT012
        async with table.batch_writer(flush_amount=1) as batch:
            await batch.put_item(Item={"id": "1"})
            raise RuntimeError("mine")
    assert ids(caught.value.unwritten) == ["1"]
    assert "Writing has failed: An error occurred (AccessDeniedException)" in caught.value.__notes__[0]


async def test_a_generator_that_is_closed_leaves_nothing_unwritten(server: Table, table: Any) -> None:
    async def put_each() -> AsyncGenerator[int, None]:
        async with table.batch_writer() as batch:
            for number in range(100):
                await batch.put_item(Item={"id": str(number)})
                yield number

    numbers = put_each()
    async for number in numbers:
        if number == 29:
            break
    await numbers.aclose()
    assert written(server) == sorted(map(str, range(30)))


async def test_unprocessed_items_are_not_tried_again_after_an_exception(server: Table, table: Any) -> None:
    server.left = 0.5
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with table.batch_writer() as batch:
            for number in range(200):
                await batch.put_item(Item={"id": str(number)})
            raise ZeroDivisionError
    assert sorted(written(server) + ids(batch.unwritten)) == sorted(map(str, range(200)))
    assert set(server.writes.values()) == {1}


async def test_whenever_the_body_raises_what_was_not_written_is_known_at_once(server: Table, table: Any) -> None:
    server.left = 0.5
    for steps in range(0, 120, 2):
        server.writes.clear()
        with pytest.raises(ZeroDivisionError) as caught:  # noqa: PT012
            async with table.batch_writer(flush_amount=5) as batch:
                for number in range(12):
                    await batch.put_item(Item={"id": str(number)})
                for _ in range(steps):
                    await asyncio.sleep(0)
                raise ZeroDivisionError
        assert sorted(written(server) + ids(batch.unwritten)) == sorted(map(str, range(12)))
        assert caught.value.unwritten is batch.unwritten
        assert caught.value.__notes__[0].startswith(f"{len(batch.unwritten)} write(s)")


@pytest.mark.parametrize("tasks", [1, 20])
async def test_a_failure_to_write_says_what_was_not_written(server: Table, table: Any, tasks: int) -> None:
    async def refuse_the_fifth(operation: str, asked: dict[str, Any]) -> Any:
        return refusal("ValidationException") if len(server.asked) == 5 else None

    server.before = refuse_the_fifth
    given: list[str] = []
    refused: list[BaseException] = []

    async def put(batch: Any, task: int) -> None:
        for number in range(400 // tasks):
            await batch.put_item(Item={"id": f"{task}-{number}"})
            given.append(f"{task}-{number}")

    with pytest.raises(exceptions.BatchWriteError) as caught:
        async with table.batch_writer() as batch:
            refused += [
                each
                for each in await asyncio.gather(*(put(batch, task) for task in range(tasks)), return_exceptions=True)
                if each is not None
            ]
    error = caught.value
    assert isinstance(error, ClientError)
    assert error.response["Error"]["Code"] == "ValidationException"
    assert isinstance(error.__cause__, ClientError)
    assert error.table == "orders"
    assert "ValidationException" in str(error)
    assert f"{len(error.unwritten)} write(s) not made" in str(error)
    assert error.unwritten is batch.unwritten
    assert all(isinstance(each, exceptions.BatchWriteError) and each.unwritten is error.unwritten for each in refused)
    assert refused, "putting on after the failure fails too"
    assert sorted(written(server) + ids(error.unwritten)) == sorted(given)
    assert set(server.writes.values()) == {1}


async def test_an_error_that_a_put_raised_goes_on_as_it_is_with_the_rest_in_it(server: Table, table: Any) -> None:
    async def refuse(operation: str, asked: dict[str, Any]) -> Any:
        return refusal("ResourceNotFoundException")

    server.before = refuse
    with pytest.raises(exceptions.BatchWriteError, match="ResourceNotFoundException") as caught:  # noqa: PT012
        async with table.batch_writer() as batch:
            for number in range(10_000):
                await batch.put_item(Item={"id": str(number)})
                given = number
    assert ids(caught.value.unwritten) == sorted(map(str, range(given + 1)))
    assert not hasattr(caught.value, "__notes__")


async def test_an_error_that_comes_through_two_writers_has_what_neither_has_written(session: aiosdk.Session) -> None:
    dynamodb = await session.resource("dynamodb")
    orders, users = dynamodb.Table("orders"), dynamodb.Table("users")
    failure = ValueError("in the body")
    for _ in range(2):
        with pytest.raises(ValueError, match="in the body") as caught:  # noqa: PT012
            async with orders.batch_writer() as outer, users.batch_writer() as inner:
                await outer.put_item(Item={"id": "order"})
                await inner.put_item(Item={"id": "user"})
                raise failure
    assert caught.value is failure
    assert by_table(failure) == {"orders": ["order"] * 2, "users": ["user"] * 2}


async def test_a_failure_of_one_writer_takes_along_what_another_has_not_written(
    server: Table, session: aiosdk.Session
) -> None:
    async def refuse(operation: str, asked: dict[str, Any]) -> Any:
        return refusal("ResourceNotFoundException")

    server.before = refuse
    dynamodb = await session.resource("dynamodb")
    with pytest.raises(exceptions.BatchWriteError) as caught:  # noqa: PT012
        async with dynamodb.Table("orders").batch_writer() as outer:
            await outer.put_item(Item={"id": "order"})
            async with dynamodb.Table("users").batch_writer() as inner:
                await inner.put_item(Item={"id": "user"})
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.table, ids(error.unwritten)) == ("users", ["user"])
    assert by_table(error) == {"orders": ["order"], "users": ["user"]}


async def test_an_exception_that_takes_no_attributes_goes_on_as_it_is(table: Any) -> None:
    @dataclass(frozen=True)
    class RefusedError(Exception):
        reason: str

    with pytest.raises(RefusedError):  # noqa: PT012
        async with table.batch_writer() as batch:
            await batch.put_item(Item={"id": "a"})
            raise RefusedError("no stock")
    assert ids(batch.unwritten) == ["a"]


async def test_an_answer_about_another_table_is_not_written_into_this_one(server: Table, table: Any) -> None:
    async def lie(operation: str, asked: dict[str, Any]) -> Any:
        return good({"UnprocessedItems": {"other": [{"PutRequest": {"Item": {"id": {"S": "theirs"}}}}]}})

    server.before = lie
    with pytest.raises(exceptions.BatchWriteError, match="another table") as caught:
        async with table.batch_writer() as batch:
            await batch.put_item(Item={"id": "mine"})
    assert ids(caught.value.unwritten) == ["mine"]
    assert len(server.asked) == 1


async def test_a_view_of_the_client_writes_as_the_client_does(server: Table, table: Any) -> None:
    table.meta.client = table.meta.client.with_options(attempts=1)
    async with table.batch_writer(overwrite_by_pkeys=["id"]) as batch:
        for number in (1, Decimal(1), Decimal("1.0")):
            await batch.put_item(Item={"id": number, "v": str(number)})
        with pytest.raises(TypeError, match="Float"):
            await batch.put_item(Item={"id": 2, "v": 1.5})
    assert [item["v"]["S"] for item in server.items.values()] == ["1.0"]


async def test_a_table_that_takes_nothing_is_given_up(
    server: Table, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "PATIENCE", 0.05)
    for server.throttled, server.left, problem in ((1, 0, "ProvisionedThroughput"), (0, 1, "left them unprocessed")):
        with pytest.raises(exceptions.BatchWriteError, match=problem) as caught:
            async with table.batch_writer() as batch:
                await batch.put_item(Item={"id": "a"})
        assert ids(caught.value.unwritten) == ["a"]
        assert isinstance(caught.value, aiosdk.ThrottledError)
        assert len(server.asked) > 5
        server.asked.clear()


async def test_cancelled_at_any_moment_nothing_is_lost_and_nothing_is_left(server: Table, table: Any) -> None:
    server.left = server.throttled = 0.2

    async def write(name: int, batches: list[Any], given: list[str]) -> None:
        async with table.batch_writer(flush_amount=5) as batch:
            batches.append(batch)
            async with asyncio.TaskGroup() as group:

                async def put(task: int) -> None:
                    for number in range(8):
                        await batch.put_item(Item={"id": f"{name}-{task}-{number}"})
                        given.append(f"{name}-{task}-{number}")

                for task in range(5):
                    group.create_task(put(task))

    ended = steps = 0
    while steps < 400 or not ended:
        steps = steps + 3 if steps < 400 else steps * 2  # to the end, however slow the server is
        batches: list[Any] = []
        given: list[str] = []
        running = asyncio.create_task(write(steps, batches, given))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            pass
        ended += not running.cancelled()
        assert len(asyncio.all_tasks()) == 1
        assert set(server.writes.values()) <= {1}
        if batches:
            missing = set(given) - set(ids(batches[0].unwritten))
            await eventually(lambda missing=missing: missing <= set(written(server)))


@pytest.mark.parametrize("ticks", [[], [0], [1], [2], [1, 1], [1, 0, 2], [2, 1, 1]])
async def test_cancelled_again_while_it_ends_it_still_says_what_was_not_written(
    server: Table, table: Any, ticks: list[int]
) -> None:
    async def hang(operation: str, asked: dict[str, Any]) -> None:
        await asyncio.sleep(0.2)

    server.before = hang
    batches: list[Any] = []

    async def write() -> None:
        async with table.batch_writer(flush_amount=3) as batch:
            batches.append(batch)
            for number in range(7):
                await batch.put_item(Item={"id": str(number)})

    running = asyncio.create_task(write())
    await eventually(lambda: server.active == 3)
    for pause in [0, *ticks]:
        for _ in range(pause):
            await asyncio.sleep(0)
        running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    assert caught.value.unwritten is batches[0].unwritten  # type: ignore[attr-defined]
    assert ids(batches[0].unwritten) == sorted(map(str, range(7)))
    assert "7 write(s)" in caught.value.__notes__[0]


async def test_a_cancelled_put_leaves_the_others_alone(server: Table, table: Any) -> None:
    hanging = True

    async def hang(operation: str, asked: dict[str, Any]) -> None:
        while hanging:
            await asyncio.sleep(0.005)

    server.before = hang
    async with table.batch_writer(flush_amount=1) as batch:
        puts = [asyncio.create_task(batch.put_item(Item={"id": str(number)})) for number in range(20)]
        await eventually(lambda: server.active == writer.AT_ONCE)
        for put in puts[10:15]:
            put.cancel()
        hanging = False
        done = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(each) for each in done[10:15]] == [asyncio.CancelledError] * 5
    assert len(server.items) == 15


async def test_what_cannot_be_written_is_refused_when_it_is_put_and_not_taken(server: Table, table: Any) -> None:
    async with table.batch_writer(overwrite_by_pkeys=("id", "at")) as batch:
        with pytest.raises(TypeError, match="Float types are not supported") as refused:
            await batch.put_item(Item={"id": 1, "at": 2, "lines": [{"price": 1}, {"price": 1.5}]})
        assert refused.value.__notes__ == ["This is about the attribute 'lines[1].price'."]
        with pytest.raises(exceptions.BatchKeyError, match=r"The Item for table 'orders' has no 'at', which") as caught:
            await batch.put_item(Item={"id": 1})
        assert isinstance(caught.value, KeyError)
        with pytest.raises(KeyError, match="The Key for table 'orders' has no 'id', 'at'"):
            await batch.delete_item(Key={})
        for wrong in (None, "id", [("id", 1)]):
            with pytest.raises(TypeError, match=f"Item for the table 'orders' is a {type(wrong).__name__}, not a dict"):
                await batch.put_item(Item=wrong)
        for names in ({1: 2}, {"m": {None: 1}}, {"l": [[{b"x": 1}]]}):
            with pytest.raises(TypeError, match="name of an attribute must be a string"):
                await batch.put_item(Item={"id": 1, "at": 2, **names})
        await batch.put_item(Item={"id": 1, "at": 2})
    assert len(server.items) == 1


async def test_a_writer_is_entered_once_and_used_inside(table: Any) -> None:
    batch = table.batch_writer()
    with pytest.raises(exceptions.BatchWriterClosedError, match="not yet entered: write `async with"):
        await batch.put_item(Item={"id": "a"})
    async with batch:
        pass
    with pytest.raises(exceptions.BatchWriterClosedError, match="`async with` was left"):
        await batch.put_item(Item={"id": "a"})
    with pytest.raises(exceptions.BatchWriterClosedError, match="`async with` was left"):
        async with batch:
            pass
    for wrong in (0, -1, 2.5, True, "25"):
        with pytest.raises(ValueError, match=r"flush_amount=.* is no number of items"):
            table.batch_writer(flush_amount=wrong)


async def test_a_large_flush_amount_still_sends_25_at_a_time(server: Table, table: Any) -> None:
    async with table.batch_writer(None, 200) as batch:
        for number in range(150):
            await batch.put_item({"id": str(number)})
        assert not server.asked
    assert server.sizes == [25] * 6


async def test_no_request_is_larger_than_dynamodb_takes(server: Table, table: Any) -> None:
    async with table.batch_writer() as batch:
        for number in range(25):
            await batch.put_item(Item={"id": str(number), "text": "é" * 190_000})  # 1.1 MB in JSON
    assert len(server.items) == 25
    assert len(server.requests) == 2
    assert max(len(each.body) for each in server.requests) < 16 * 1024 * 1024


async def test_the_tables_data_are_dropped_by_what_was_written(table: Any) -> None:
    table.meta.data = {"ItemCount": 0}
    async with table.batch_writer():
        pass
    assert table.item_count == 0
    async with table.batch_writer() as batch:
        await batch.put_item(Item={"id": "a"})
    with pytest.raises(aiosdk.NotLoadedError, match=r"batch_writer\(\) dropped the data"):
        _ = table.item_count


async def test_with_a_plain_client_items_are_as_that_takes_them(server: Table, session: aiosdk.Session) -> None:
    client = await session.client("dynamodb")
    async with writer.BatchWriter("orders", client, overwrite_by_pkeys=["id"]) as batch:
        await batch.put_item({"id": {"N": "1"}, "raw": {"B": b"x"}})
        await batch.put_item({"id": {"N": "1.0"}, "raw": {"B": b"y"}})
    assert server.items == {'{"N": "1.0"}': {"id": {"N": "1.0"}, "raw": {"B": "eQ=="}}}
