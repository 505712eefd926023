"""What is dropped is given back on its own event loop, wherever the garbage collector finds it."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from aiosdk._transport.finalizers import hand_over
from tests.support.server import Answer
from tests.support.waiting import eventually, nothing_is_left

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import CountingServer, Request

    Make = Callable[..., aiosdk.Session]

__all__ = ["nothing_is_left"]


class Cycle:
    """Something that only the garbage collector frees."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.itself = self


async def large(_: Request) -> Answer:
    return Answer(body=b"x" * 5_000_000)


@pytest.mark.parametrize("lane", ["aiohttp's", "direct"])
async def test_a_body_that_is_collected_on_another_thread_wakes_whoever_waits_for_its_connection(
    lane: str, server: CountingServer, make_session: Make
) -> None:
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")
        if lane == "direct":
            await s3.list_buckets()
        server.answer = large
        gc.disable()  # but for the thread
        try:
            for _ in range(3):
                cycle = Cycle((await s3.get_object(Bucket="b", Key="k"))["Body"])
                waiting = asyncio.create_task(s3.head_bucket(Bucket="b"))
                await eventually(lambda: session.pool.stats().waiting == 1)
                del cycle
                await asyncio.to_thread(gc.collect)
                await asyncio.wait_for(waiting, 10)
        finally:
            gc.enable()
        await eventually(lambda: session.pool.stats().in_use == 0)


async def test_a_session_that_is_collected_on_another_thread_closes_on_its_loop(
    server: CountingServer, make_session: Make
) -> None:
    session = make_session()
    session._warn_if_dropped = False
    await (await session.client("s3")).list_buckets()
    cycle: Any = Cycle(session)
    del session, cycle
    await asyncio.to_thread(gc.collect)
    await eventually(lambda: server.open == 0)


async def test_an_event_stream_that_is_collected_on_another_thread_gives_its_connection_back(
    server: CountingServer, make_session: Make
) -> None:
    server.answer = large
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")
        answer = await s3.select_object_content(
            Bucket="b",
            Key="k",
            Expression="select",
            ExpressionType="SQL",
            InputSerialization={"CSV": {}},
            OutputSerialization={"CSV": {}},
        )
        cycle: Any = Cycle(answer["Payload"])
        del answer, cycle
        await asyncio.to_thread(gc.collect)
        await eventually(lambda: session.pool.stats().open == 0)


def test_what_is_handed_to_a_loop_that_is_closed_is_not_done() -> None:
    done: list[int] = []
    loop = asyncio.new_event_loop()
    hand_over(loop, lambda: done.append(1))
    assert done == []
    loop.run_until_complete(asyncio.sleep(0))
    assert done == [1]
    loop.close()
    hand_over(loop, lambda: done.append(2))
    assert done == [1]
