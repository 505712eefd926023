"""Jobs: a bound on what is in flight, and nothing left."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk.services.s3.trees.jobs import Jobs, to_its_end


@settings(max_examples=50, deadline=None)
@given(limit=st.integers(1, 5), weights=st.lists(st.integers(1, 7), max_size=20))
async def test_no_more_is_in_flight_than_the_limit(limit: int, weights: list[int]) -> None:
    running = peak = ended = 0

    async def job(weight: int) -> None:
        nonlocal running, peak, ended
        running += weight
        peak = max(peak, running)
        for _ in range(weight):
            await asyncio.sleep(0)
        running -= weight
        ended += 1

    async with Jobs(limit) as jobs:
        for weight in weights:
            await jobs.start(job(min(weight, limit)), weight)

    assert peak <= limit
    assert ended == len(weights)


async def test_a_failure_of_the_body_ends_the_jobs() -> None:
    ends: list[str] = []

    async def job(name: str) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # cleans up
            ends.append(name)
            raise

    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with Jobs(3) as jobs:
            await jobs.start(job("a"))
            await jobs.start(job("b"))
            await asyncio.sleep(0)
            _ = 1 / 0

    assert sorted(ends) == ["a", "b"]


async def test_an_exception_that_a_job_lets_through_ends_everything() -> None:
    async def bad() -> None:
        raise KeyError("bad")

    with pytest.raises(KeyError):  # noqa: PT012
        async with Jobs(1) as jobs:
            await jobs.start(bad())
            await jobs.start(asyncio.sleep(60))


async def test_a_job_that_somebody_else_cancels_is_not_overlooked() -> None:
    async def job() -> None:
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):  # noqa: PT012
        async with Jobs(1) as jobs:
            before = asyncio.all_tasks()
            await jobs.start(job())
            (task,) = asyncio.all_tasks() - before
            task.cancel()


async def test_cancelled_twice_it_still_waits_for_its_jobs() -> None:
    cleaned = asyncio.Event()
    going = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await going.wait()
            cleaned.set()

    async def body() -> None:
        async with Jobs(2) as jobs:
            await jobs.start(stubborn())
            await jobs.drain()

    task = asyncio.create_task(body())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    going.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_a_job_that_was_never_begun_leaves_no_warning() -> None:
    async def body() -> None:
        async with Jobs(1) as jobs:
            await jobs.start(asyncio.sleep(60))
            await jobs.start(asyncio.sleep(60))

    task = asyncio.create_task(body())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_may_not_stop_halfway_ends_though_cancelled() -> None:
    import threading

    begun, go, steps = asyncio.Event(), threading.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait(10)
        steps.append("done")

    task = asyncio.create_task(to_its_end(work))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["done"]
