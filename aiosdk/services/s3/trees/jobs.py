"""Jobs: tasks of which only so many are in flight, and none is left."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from aiosdk import _off_loop
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

P = ParamSpec("P")
T = TypeVar("T")


class Jobs:
    """Runs jobs under a limit; a job may count for several, as a large file does whose parts go side by side.

    `async with Jobs(limit) as jobs:` ends when all are done. An exception of the body, or its cancellation, cancels
    them; so does an exception that a job lets through, and `start` raises it. So does a job that somebody else cancels:
    what it was to do is not done.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = limit
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._failure: BaseException | None = None
        self._is_ending = False

    async def start(self, job: Coroutine[None, None, None], weight: int = 1) -> None:
        """Start a job as soon as so many others have ended that it may."""
        weight = min(weight, self._limit)
        try:
            await self._wait_until(lambda: self._free >= weight)
        except BaseException:
            job.close()
            raise
        self._free -= weight
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, weight))

    async def drain(self) -> None:
        """Wait until all jobs have ended."""
        await self._wait_until(lambda: not self._tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        try:
            if kind is None:
                await self.drain()
        finally:
            await self._end()

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        while True:
            if self._failure is not None:
                raise self._failure
            if condition():
                return
            self._moved.clear()
            await self._moved.wait()

    def _ended(self, task: asyncio.Task[None], weight: int) -> None:
        self._tasks.discard(task)
        self._free += weight
        if task.cancelled():
            error = None if self._is_ending else asyncio.CancelledError("a job was cancelled by somebody else")
        else:
            error = task.exception()
        self._failure = self._failure or error
        self._moved.set()

    async def _end(self) -> None:
        """Cancel what still runs and wait for it, though we are cancelled again meanwhile."""
        cancelled: asyncio.CancelledError | None = None
        self._is_ending = True
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled


@contextmanager
def own_cancellation_only() -> Generator[None]:
    """Make a `CancelledError` a failure like others when nobody cancels this task.

    It comes out of a user's callback, say, that awaits a task that was cancelled, and must not end a job in silence.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(
            "Not the transfer was cancelled, but something in it, as a task that the callback awaits"
        ) from error


async def to_its_end(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function on a thread and wait for its end though cancelled, so that nothing happens afterwards."""
    return await finish(_off_loop.call(func, *args, **kwargs))
