"""Blocking work goes to threads, and comes back."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import time
import weakref
from typing import Any, NoReturn

import pytest

from aiosdk import _off_loop
from aiosdk._off_loop import OnLoop

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class MarkedError(Exception):
    pass


@pytest.fixture(autouse=True)
async def nothing_left() -> Any:
    """No task is left, and an abandoned coroutine is closed without a warning."""
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()


def where() -> str:
    """`loop` on the event loop's thread, `thread` elsewhere; blocks, which the detector allows only there."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        time.sleep(0)
        return "thread"
    return "loop"


async def on_loop(value: object = None) -> Any:
    await asyncio.sleep(0.01)
    return where(), value


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


# call


async def test_a_function_runs_on_a_thread_and_its_result_comes_back() -> None:
    assert await _off_loop.call(lambda a, b: (where(), a, b), 1, b=2) == ("thread", 1, 2)


async def test_what_a_function_raises_is_raised() -> None:
    def fail() -> NoReturn:
        raise MarkedError

    with pytest.raises(MarkedError):
        await _off_loop.call(fail)


async def test_a_function_that_raises_stopiteration_does_not_hang() -> None:
    with pytest.raises(RuntimeError):
        async with asyncio.timeout(5):
            await _off_loop.call(next, iter(()))


async def test_a_function_sees_the_callers_context_and_leaves_it_as_it_is() -> None:
    def change() -> str:
        seen = variable.get()
        variable.set("changed")
        return seen

    variable.set("set")
    assert await _off_loop.call(change) == "set"
    assert variable.get() == "set"


async def test_a_cancelled_call_returns_at_once_and_its_result_is_dropped() -> None:
    go, ended = threading.Event(), threading.Event()

    def block() -> None:
        go.wait(10)
        ended.set()

    task = asyncio.create_task(_off_loop.call(block))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended.is_set()
    go.set()
    await until(ended)
    await asyncio.sleep(0.02)  # the late result arrives


def test_a_result_that_comes_after_the_loop_is_closed_is_dropped() -> None:
    go, threads = threading.Event(), []

    def block() -> None:
        threads.append(threading.current_thread())
        go.wait(10)

    async def abandon() -> None:
        task = asyncio.create_task(_off_loop.call(block))
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(abandon())
    go.set()
    threads[0].join(10)
    assert not threads[0].is_alive()  # an exception in it would fail the test


def test_a_result_that_comes_while_the_loop_is_being_closed_is_dropped() -> None:
    closed, threads = threading.Event(), []

    class Loop(asyncio.SelectorEventLoop):
        def is_closed(self) -> bool:
            answer = super().is_closed()
            if threads and threading.current_thread() is threads[0]:
                closed.wait(10)  # who asks on the thread is overtaken by the end of the loop
            return answer

    async def abandon() -> None:
        task = asyncio.create_task(_off_loop.call(lambda: threads.append(threading.current_thread())))
        await asyncio.sleep(0)
        task.cancel()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(abandon())
    closed.set()
    threads[0].join(10)
    assert not threads[0].is_alive()  # an exception in it would fail the test


async def test_a_hundred_blocking_functions_at_once_wait_for_no_executor() -> None:
    gate = threading.Barrier(100)
    await asyncio.gather(*(_off_loop.call(gate.wait, 10) for _ in range(100)))


# drive


async def test_the_steps_of_a_driven_coroutine_run_off_the_loop_and_what_it_wraps_on_it() -> None:
    async def inner() -> str:
        return (await OnLoop(on_loop))[0]

    async def work() -> list[str]:
        return [where(), await inner(), where(), await inner(), where()]

    assert await _off_loop.drive(work()) == ["thread", "loop", "thread", "loop", "thread"]


async def test_the_loop_goes_on_while_a_driven_coroutine_blocks() -> None:
    async def work() -> None:
        time.sleep(0.3)  # noqa: ASYNC251

    task = asyncio.create_task(_off_loop.drive(work()))
    beats = 0
    while not task.done():
        await asyncio.sleep(0.01)
        beats += 1
    assert beats > 5


async def test_a_driven_coroutine_knows_that_it_is_driven() -> None:
    async def asked_on_loop() -> bool:
        return _off_loop.is_driven()

    async def work() -> tuple[bool, bool, bool]:
        return _off_loop.is_driven(), await OnLoop(asked_on_loop), _off_loop.is_driven()

    assert await _off_loop.drive(work()) == (True, False, True)
    assert not _off_loop.is_driven()


async def test_a_driven_coroutine_sleeps_on_the_loop() -> None:
    async def work() -> None:
        await _off_loop.sleep(0.01)
        await asyncio.sleep(0)

    await _off_loop.drive(work())
    await _off_loop.sleep(0.01)


async def test_what_a_driven_coroutine_raises_is_raised() -> None:
    async def work() -> NoReturn:
        await OnLoop(on_loop)
        raise MarkedError

    with pytest.raises(MarkedError):
        await _off_loop.drive(work())


async def test_what_is_raised_on_the_loop_can_be_caught_in_the_driven_coroutine() -> None:
    async def fail() -> NoReturn:
        raise MarkedError

    async def work() -> str:
        try:
            await OnLoop(fail)
        except MarkedError:
            return where()
        return "nothing was raised"

    assert await _off_loop.drive(work()) == "thread"


async def test_what_is_raised_on_the_loop_and_not_caught_is_raised() -> None:
    async def fail() -> NoReturn:
        raise MarkedError

    async def work() -> None:
        await OnLoop(fail)

    with pytest.raises(MarkedError):
        await _off_loop.drive(work())


async def test_awaiting_anything_else_is_an_error_and_closes_the_coroutine() -> None:
    loop = asyncio.get_running_loop()
    closed = threading.Event()

    async def work() -> None:
        try:
            await loop.create_future()
        finally:
            closed.set()

    with pytest.raises(TypeError, match="Future"):
        await _off_loop.drive(work())
    assert closed.is_set()


async def test_context_variables_go_in_and_stay_between_steps_and_on_the_loop() -> None:
    async def read() -> str:
        return variable.get()

    async def work() -> list[str]:
        seen = [variable.get()]
        variable.set("work")
        seen.append(await OnLoop(read))
        return [*seen, variable.get()]

    variable.set("caller")
    assert await _off_loop.drive(work()) == ["caller", "work", "work"]
    assert variable.get() == "caller"


async def test_cancelling_in_the_middle_of_a_step_closes_the_coroutine_when_the_step_ends() -> None:
    go, inside, closed = threading.Event(), threading.Event(), threading.Event()
    reached: list[str] = []

    async def work() -> None:
        try:
            inside.set()
            go.wait(10)
            await OnLoop(on_loop)
            reached.append("after the step")
        finally:
            reached.append(where())
            closed.set()

    task = asyncio.create_task(_off_loop.drive(work()))
    await until(inside)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reached == []
    go.set()
    await until(closed)
    assert reached == ["thread"]


async def test_cancelling_in_the_middle_of_what_runs_on_the_loop_ends_that_and_closes_the_coroutine() -> None:
    inside, closed = asyncio.Event(), threading.Event()
    cancelled: list[str] = []

    async def hang() -> None:
        inside.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(where())
            raise

    async def work() -> None:
        try:
            await OnLoop(hang)
        finally:
            cancelled.append(where())
            closed.set()

    task = asyncio.create_task(_off_loop.drive(work()))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(closed)
    assert cancelled == ["loop", "thread"]


async def test_an_abandoned_coroutine_ends_in_the_context_that_it_ran_in() -> None:
    inside, closed = asyncio.Event(), threading.Event()
    seen: list[str] = []

    async def hang() -> None:
        inside.set()
        await asyncio.sleep(60)

    async def work() -> None:
        token = variable.set("work")
        try:
            await OnLoop(hang)
        finally:
            seen.append(variable.get())
            closed.set()
            variable.reset(token)  # raises in any other context

    task = asyncio.create_task(_off_loop.drive(work()))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(closed)
    await asyncio.sleep(0.02)
    assert seen == ["work"]


async def test_cancelling_at_any_moment_closes_the_coroutine_and_leaves_no_warning() -> None:
    opened, closed = [], []

    async def work(number: int) -> None:
        opened.append(number)
        try:
            for _ in range(5):
                await OnLoop(lambda: asyncio.sleep(0))
        finally:
            closed.append(number)

    for turns in range(1, 41):
        tasks = [asyncio.create_task(_off_loop.drive(work(turns * 10 + each))) for each in range(10)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in results} <= {asyncio.CancelledError, type(None)}
    async with asyncio.timeout(10):
        while sorted(opened) != sorted(closed):
            await asyncio.sleep(0.01)
    assert opened != []


def test_the_collector_comes_round_however_often_it_is_held_off_for_a_moment() -> None:
    class Node:
        def __init__(self) -> None:
            self.itself = self

    made: weakref.WeakSet[Node] = weakref.WeakSet()
    for _ in range(500):
        with _off_loop.no_collection():
            pass
        # Old enough for the collection of young objects to pass them over.
        nodes = [Node() for _ in range(100)]
        made.update(nodes)
        gc.collect(1)
        del nodes
        for _ in range(5):
            [[] for _ in range(gc.get_threshold()[0] + 300)]
    assert len(made) < 45_000
