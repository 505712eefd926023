"""Cancels a coroutine at its first await, its second and so on, and looks what is left each time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any

tally: Counter[str] = Counter()
"""How many awaits were cancelled so far, and in how many scenarios."""

Scenario = Callable[[int], Awaitable[tuple[Coroutine[Any, Any, Any], Callable[[], Awaitable[None]]]]]
"""Given a number, makes the coroutine to be cancelled, and a function that checks what is left afterwards."""


@dataclass
class CancelledAt:
    """Awaits a coroutine and cancels it the n-th time that it waits.

    It is cancelled as it begins to wait, or at the moment when what it waited for is there: then the result is on
    its way to a task that will not take it.
    """

    coroutine: Coroutine[Any, Any, Any]
    turn: int
    with_the_result: bool
    reached: bool = False

    def __await__(self) -> Generator[Any, Any, Any]:
        task = asyncio.current_task()
        assert task is not None
        waits = 0
        send: Callable[[], Any] = lambda: self.coroutine.send(None)  # noqa: E731
        while True:
            try:
                waited_for = send()
            except StopIteration as stopped:
                return stopped.value
            waits += 1
            if waits == self.turn:
                self.reached = True
                if waited_for is None or not self.with_the_result:
                    task.cancel()
                else:
                    waited_for.add_done_callback(lambda _: task.cancel())
            try:
                yield waited_for
            except BaseException as error:
                send = lambda error=error: self.coroutine.throw(error)  # noqa: E731
            else:
                send = lambda: self.coroutine.send(None)  # noqa: E731


async def cancel_at_each_await(scenario: Scenario) -> None:
    """Run a scenario again and again, cancelling it at its first await, its second and so on, in both ways.

    `scenario(number)` gives the coroutine to be cancelled, and a function that checks what is left afterwards.
    """
    number = 0
    for with_the_result in (False, True):
        for turn in range(1, 200):
            number += 1
            coroutine, check = await scenario(number)
            cancelling = CancelledAt(coroutine, turn, with_the_result)

            async def run(cancelling: CancelledAt = cancelling) -> Any:
                return await cancelling

            task = asyncio.create_task(run())
            await asyncio.wait([task], timeout=30)
            assert task.done(), f"cancelled at await {turn}, it goes on"
            if not task.cancelled():
                task.result()
            try:
                await check()
            except BaseException as error:
                error.add_note(f"cancelled at await {turn}, {'with the result' if with_the_result else 'at once'}")
                raise
            tally["awaits"] += cancelling.reached
            if not cancelling.reached:
                break
        assert turn > 1, "it never waited"
    tally["scenarios"] += 1


class Steps:
    """Counts the awaits of a task and of all that it makes, and cancels it at one of them.

    Where several tasks work on one thing, its own awaits are few: almost all the time it waits for the others.
    """

    def __init__(self, turn: int, *, with_the_result: bool) -> None:
        self._turn = turn
        self._with_the_result = with_the_result
        self._waits = 0
        self._task: asyncio.Task[Any] | None = None
        self.reached = False

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine to its end; its task, which is done."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()

        def make(loop: asyncio.AbstractEventLoop, work: Any, **arguments: Any) -> asyncio.Task[Any]:
            return asyncio.Task(_Counted(work, self.waits), loop=loop, **arguments)

        loop.set_task_factory(make)
        try:
            self._task = loop.create_task(coroutine)
            await asyncio.wait([self._task], timeout=30)
        finally:
            loop.set_task_factory(before)
        return self._task

    def waits(self, waited_for: Any) -> None:
        self._waits += 1
        if self._waits != self._turn:
            return
        self.reached = True
        assert self._task is not None
        if waited_for is None or not self._with_the_result:
            # A task is not told to wait and cancelled at once: it is still running.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        else:
            waited_for.add_done_callback(lambda _: self._task and self._task.cancel())


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that tells what it waits for, and is otherwise as the one in it: cancelled before it began, too."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits: Callable[[Any], None]) -> None:
        self._coroutine, self._waits = coroutine, waits

    def send(self, value: Any) -> Any:
        return self._told(self._coroutine.send(value))

    def throw(self, *error: Any) -> Any:
        return self._told(self._coroutine.throw(*error))

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()

    def _told(self, waited_for: Any) -> Any:
        self._waits(waited_for)
        return waited_for


async def cancel_at_each_step(scenario: Scenario, every: int = 1, most: int = 2000) -> None:
    """Do as `cancel_at_each_await` does, counting the awaits of all tasks that a scenario makes.

    Args:
        scenario: The scenario.
        every: 3 to cancel at each third step only, beginning with one that differs from test to test.
        most: It is a mistake if it takes more steps than that.
    """
    number = 0
    for with_the_result in (False, True):
        for turn in range(1 + number % every, most, every):
            number += 1
            coroutine, check = await scenario(number)
            steps = Steps(turn, with_the_result=with_the_result)
            task = await steps.run(coroutine)
            try:
                assert task.done(), "it goes on"
                if not task.cancelled():
                    task.result()
                await check()
            except BaseException as error:
                error.add_note(f"cancelled at step {turn}, {'with the result' if with_the_result else 'at once'}")
                raise
            tally["awaits"] += steps.reached
            if not steps.reached:
                break
        else:
            raise AssertionError(f"it takes more than {most} steps")
        assert number > 1, "it never waited"
    tally["scenarios"] += 1
