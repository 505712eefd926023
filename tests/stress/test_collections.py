"""Listings and batch actions by the hundred, left and cancelled at any moment, leave nothing and lose nothing."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import TYPE_CHECKING, Any

import pytest

from aiosdk.exceptions import SessionClosedError
from tests.stress.test_cancellation import (  # noqa: F401 - the fixtures are used by being there
    cancel_at_each_await,
    idle_and_empty,
    make_session,
    nothing_is_left,
)
from tests.support.listings import OBJECTS, USERS, Book, Deleting, Shelf, numbered
from tests.support.server import Answer, Request
from tests.support.sockets import CountedSockets
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiosdk
    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]

KEYS = numbered("k", 7)


@pytest.fixture
async def session(make_session: Make) -> AsyncIterator[aiosdk.Session]:
    async with make_session(max_connections=4) as session:
        yield session


@pytest.fixture
async def bucket(session: aiosdk.Session, server: CountingServer) -> Any:
    server.answer = Shelf(OBJECTS, KEYS, most=3)
    return (await session.resource("s3")).Bucket("b")


async def keys_of(collection: Any) -> list[str]:
    return [each.key async for each in collection]


async def within(seconds: float, awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, seconds)


# Each await in turn


@pytest.mark.parametrize("how", ["async for", "await", "first", "pages", "limit"])
async def test_a_listing_cancelled_at_each_await(
    session: aiosdk.Session, server: CountingServer, bucket: Any, how: str
) -> None:
    objects = bucket.objects.filter(Prefix="k")

    async def use() -> None:
        match how:
            case "async for":
                assert await keys_of(objects) == KEYS
            case "await":
                assert len(await objects) == 7
            case "first":
                assert (await objects.first()).key == KEYS[0]
            case "pages":
                assert [len(page) async for page in objects.pages()] == [3, 3, 1]
            case _:
                assert await keys_of(objects.limit(5)) == KEYS[:5]

    async def scenario(_: int) -> Any:
        async def check() -> None:
            await idle_and_empty(session, server)
            seen = len(server.requests)
            assert await within(10, keys_of(objects)) == KEYS
            assert len(server.requests) == seen + 3

        return use(), check

    await cancel_at_each_await(scenario)


@pytest.mark.parametrize("what", ["items", "pages"])
async def test_an_iteration_cancelled_at_each_await_goes_on_where_it_was(
    session: aiosdk.Session, server: CountingServer, bucket: Any, what: str
) -> None:
    async def scenario(_: int) -> Any:
        found: list[str] = []
        iterator: Any = aiter(bucket.objects) if what == "items" else bucket.objects.pages()

        async def take() -> None:
            async for each in iterator:
                found.extend([each.key] if what == "items" else [item.key for item in each])

        async def check() -> None:
            await idle_and_empty(session, server)
            await within(10, take())
            assert found == KEYS

        return take(), check

    await cancel_at_each_await(scenario)


async def test_a_batch_delete_cancelled_at_each_await(
    session: aiosdk.Session, server: CountingServer, bucket: Any
) -> None:
    async def scenario(_: int) -> Any:
        server.answer = deleting = Deleting(Book(OBJECTS, [["a", "b"], [], ["c"]]))

        async def check() -> None:
            await idle_and_empty(session, server)
            seen = len(server.requests)
            assert deleting.batches == [["a", "b"], ["c"]][: len(deleting.batches)]
            deleting.batches.clear()
            await within(10, bucket.objects.delete())
            assert deleting.batches == [["a", "b"], ["c"]]
            assert len(server.requests) == seen + 5

        return bucket.objects.delete(), check

    await cancel_at_each_await(scenario)


async def test_the_first_resource_of_a_session_cancelled_at_each_await(
    server: CountingServer,
    make_session: Make,
) -> None:
    server.answer = Shelf(OBJECTS, KEYS)

    async def add(class_attributes: dict[str, Any], **_: Any) -> None:
        await asyncio.sleep(0)
        class_attributes["added"] = True

    async def scenario(number: int) -> Any:
        session = make_session()
        if number % 2:
            session.events.register("creating-resource-class.s3.Bucket", add)

        async def ask() -> None:
            await session.resource("s3")

        async def check() -> None:
            async def again() -> Any:
                return await session.resource("s3")

            s3 = await within(30, again())
            assert s3 is await session.resource("s3")
            assert hasattr(s3.Bucket("b"), "added") == bool(number % 2)
            assert await keys_of(s3.Bucket("b").objects) == KEYS
            await session.close()

        return ask(), check

    await cancel_at_each_await(scenario)


async def test_a_load_that_is_cancelled_leaves_the_data_as_they_were(
    session: aiosdk.Session, server: CountingServer, bucket: Any
) -> None:
    found = await bucket.objects.first()

    async def answer(_: Request) -> Answer:
        return Answer(headers={"Content-Length": "5", "ETag": '"new"'})

    server.answer = answer

    async def scenario(_: int) -> Any:
        found.meta.data = {"Size": 1}

        async def check() -> None:
            assert found.size in (1, 5)
            await idle_and_empty(session, server)
            assert (await within(10, found.load())).size == 5

        return found.load(), check

    await cancel_at_each_await(scenario)


# Many at once


async def test_a_thousand_open_collections_hold_no_connection(
    session: aiosdk.Session, server: CountingServer, bucket: Any
) -> None:
    tasks = asyncio.all_tasks()
    gate = asyncio.Semaphore(50)

    async def open_one() -> Any:
        async with gate:
            items = aiter(bucket.objects)
            assert (await anext(items)).key == KEYS[0]
            return items

    opened = await asyncio.gather(*(open_one() for _ in range(1000)))
    assert asyncio.all_tasks() == tasks
    await idle_and_empty(session, server)
    assert server.peak <= 4
    assert len(server.requests) == 1000

    async def finish(items: Any) -> list[str]:
        async with gate:
            return await keys_of(items)

    some = opened[:200]
    del opened
    assert await asyncio.gather(*(finish(items) for items in some)) == [KEYS[1:]] * 200
    assert len(server.requests) == 1000 + 200 * 2
    await idle_and_empty(session, server)


async def test_two_hundred_listings_left_in_the_middle_leave_nothing(
    session: aiosdk.Session, server: CountingServer, bucket: Any
) -> None:
    tasks = asyncio.all_tasks()
    chance = random.Random(5)

    async def leave(after: int, by: str) -> None:
        seen = 0
        try:
            async for _ in bucket.objects:
                seen += 1
                if seen == after and by == "break":
                    break
                if seen == after:
                    raise KeyError(after)
        except KeyError:
            pass
        assert seen == after

    turns = [(chance.randint(1, 7), chance.choice(["break", "raise"])) for _ in range(200)]
    await asyncio.gather(*(leave(after, by) for after, by in turns))
    assert asyncio.all_tasks() == tasks
    # 3, 3 and 1 on a page; no page is asked for before it is needed.
    wanted = sum((after + 2) // 3 for after, _ in turns)
    await asyncio.sleep(0.02)
    assert len(server.requests) == wanted
    await idle_and_empty(session, server)
    assert session.pool.stats().open <= 4


async def test_listings_cancelled_at_random_moments_leave_only_idle_connections(
    make_session: Make, server: CountingServer
) -> None:
    server.answer = Shelf(OBJECTS, KEYS, most=3)
    sockets = CountedSockets()
    async with make_session(max_connections=4, config=sockets.config()) as session:
        await cancel_listings(session, server, (await session.resource("s3")).Bucket("b"))
    assert sockets.peak <= 4
    assert sockets.open == 0


async def cancel_listings(session: aiosdk.Session, server: CountingServer, bucket: Any) -> None:
    chance = random.Random(6)
    cancelled = 0
    for _ in range(10):
        tasks = [asyncio.create_task(keys_of(bucket.objects)) for _ in range(20)]
        for task in tasks:
            if chance.random() < 0.7:
                await asyncio.sleep(chance.random() * 0.005)
                cancelled += task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(each == KEYS for each in done if not isinstance(each, asyncio.CancelledError))
    assert cancelled > 20
    await idle_and_empty(session, server)
    assert await keys_of(bucket.objects) == KEYS


async def test_closing_the_session_amid_listings_ends_them_with_a_clear_error(
    server: CountingServer,
    make_session: Make,
) -> None:
    server.answer = Shelf(USERS, numbered("u", 10_000), most=10)
    for _ in range(8):
        session = make_session(max_connections=4)
        iam = await session.resource("iam")

        async def count(users: Any = iam.users) -> int:
            return len([user async for user in users])

        server.requests.clear()
        tasks = [asyncio.create_task(count()) for _ in range(30)]
        await eventually(lambda: len(server.requests) > 30)
        await session.close()
        ends = await within(10, asyncio.gather(*tasks, return_exceptions=True))
        assert [each for each in ends if not isinstance(each, SessionClosedError)] == []
        await eventually(lambda: server.open == 0)


async def test_closing_the_session_ends_a_listing_whose_page_is_half_there(
    server: CountingServer,
    make_session: Make,
) -> None:
    async def answer(request: Request) -> Answer:
        page = await Shelf(USERS, numbered("u", 10))(request)
        page.pause = 60  # amid the body
        return page

    server.answer = answer
    session = make_session()
    iam = await session.resource("iam")
    task = asyncio.create_task(iam.users.first())
    await eventually(lambda: server.active == 0 and server.requests)
    await asyncio.sleep(0.05)
    await session.close()
    with pytest.raises(SessionClosedError):
        await within(5, task)


async def test_a_long_listing_holds_one_page_at_a_time(
    session: aiosdk.Session, server: CountingServer, bucket: Any
) -> None:
    server.answer = Shelf(OBJECTS, numbered("k", 2000), most=100)
    kind = type(await bucket.objects.first())
    most = seen = 0
    async for _ in bucket.objects:
        seen += 1
        if seen % 100 == 50:
            most = max(most, sum(type(each) is kind for each in gc.get_objects()))
    assert seen == 2000
    assert most <= 102  # those of the page, and what the loop still has in hand
