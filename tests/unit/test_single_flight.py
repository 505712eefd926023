"""One run for all who wait."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from aiosdk._single_flight import SingleFlight
from aiosdk.exceptions import SessionClosedError


class Work:
    """What a flight does: waits until it may go on, then gives the number of its run or raises."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.runs = 0
        self.ended: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        run = self.runs
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        if self.errors:
            raise self.errors.pop(0)
        return run


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def flight(work: Work) -> SingleFlight[int]:
    return SingleFlight("do the work", work)


@pytest.fixture(autouse=True)
async def nothing_left() -> Any:
    """No task is left, and asyncio reports no exception that nobody fetched."""
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    yield
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert reported == []


async def waiters(flight: SingleFlight[int], count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.get()) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_all_who_wait_get_the_result_of_one_run(flight, work) -> None:
    tasks = await waiters(flight, 100)
    work.go.set()
    assert await asyncio.gather(*tasks) == [1] * 100


async def test_who_asks_after_the_end_starts_anew(flight, work) -> None:
    work.go.set()
    assert [await flight.get(), await flight.get()] == [1, 2]


async def test_a_failure_goes_to_all_who_wait_and_the_next_starts_anew(flight, work) -> None:
    work.errors.append(OSError("broken"))
    tasks = await waiters(flight, 100)
    work.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {str(each) for each in results} == {"broken"}
    assert await flight.get() == 2


async def test_a_failure_that_nobody_waits_for_is_not_reported(flight, work) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    work.errors.append(OSError("broken"))
    work.go.set()
    task = flight.start()
    await asyncio.wait([task])
    del task
    gc.collect()
    assert reported == []


async def test_a_cancelled_waiter_leaves_the_run_to_the_others(flight, work) -> None:
    first, second = await waiters(flight, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go.set()
    assert await second == 1


async def test_a_run_goes_on_when_all_who_waited_are_cancelled(flight, work) -> None:
    tasks = await waiters(flight, 2)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    (late,) = await waiters(flight, 1)
    work.go.set()
    assert await late == 1


async def test_cancelling_the_flight_tells_who_waits_what_is_closed(flight, work) -> None:
    tasks = await waiters(flight, 3)
    flight.stop()
    await flight.wait()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in results} == {SessionClosedError}
    assert "do the work" in str(results[0])
    assert work.ended == ["cancelled"]


async def test_a_waiter_that_is_cancelled_together_with_the_flight_is_cancelled(flight) -> None:
    (task,) = await waiters(flight, 1)
    task.cancel()
    flight.stop()
    await flight.wait()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_waiter_that_runs_out_of_time_gets_a_timeout(flight, work) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await flight.get()
    work.go.set()
    assert await flight.get() == 1


async def test_cancelling_before_and_after_a_run_does_nothing(flight, work) -> None:
    flight.stop()
    await flight.wait()
    work.go.set()
    assert await flight.get() == 1
    flight.stop()
    await flight.wait()
    assert await flight.get() == 2


async def test_waiting_for_the_end_of_a_run_raises_nothing(flight, work) -> None:
    work.errors.append(OSError("broken"))
    await flight.wait()
    flight.start()
    waiting = asyncio.create_task(flight.wait())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    work.go.set()
    await waiting
    await flight.wait()


async def test_a_cancelled_run_is_followed_by_a_new_one(flight, work) -> None:
    flight.start()
    await asyncio.sleep(0)
    flight.stop()
    await flight.wait()
    work.go.set()
    assert await flight.get() == 2


def test_a_run_that_an_earlier_loop_left_behind_is_forgotten() -> None:
    async def run() -> asyncio.AbstractEventLoop:
        if loops:
            return asyncio.get_running_loop()
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(60)
        raise AssertionError

    async def leave() -> None:
        flight.start()
        await asyncio.sleep(0)

    async def ask() -> bool:
        return await flight.get() is asyncio.get_running_loop()

    loops: list[asyncio.AbstractEventLoop] = []
    flight = SingleFlight("do the work", run)
    old = asyncio.new_event_loop()
    old.run_until_complete(leave())  # stopped, not closed, with the run half-way
    assert asyncio.run(ask())
    for task in asyncio.all_tasks(old):
        task.cancel()
        old.run_until_complete(asyncio.wait([task]))
    old.close()
