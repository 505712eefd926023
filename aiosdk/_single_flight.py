"""One run of a coroutine function for everybody who asks while it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiosdk import _forks
from aiosdk.exceptions import SessionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs a coroutine function once for all who wait for it.

    The run is a task of its own: those who wait can be cancelled, it goes on for the others. When it fails, all who
    wait get the error, and who asks next starts anew. A run that an earlier event loop left behind, or the
    process that this one was forked from, is forgotten.
    """

    __slots__ = ("_doing", "_generation", "_run", "_task")

    def __init__(self, doing: str, run: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._doing = doing
        self._run = run
        self._task: asyncio.Task[T] | None = None
        self._generation = _forks.generation

    @property
    def is_running(self) -> bool:
        """Whether a run is under way on this loop, which `get` would wait for."""
        task = self._task
        return task is not None and not task.done() and self._is_here(task)

    def start(self) -> asyncio.Task[T]:
        """Start a run, or join the one under way on this loop."""
        loop = asyncio.get_running_loop()
        task = self._task
        if task is None or task.done() or not self._is_here(task):
            task = self._task = loop.create_task(self._run())
            self._generation = _forks.generation
            task.add_done_callback(self._finished)
        return task

    def _is_here(self, task: asyncio.Task[T]) -> bool:
        """Whether a run goes on on this loop and in this process."""
        return task.get_loop() is asyncio.get_running_loop() and self._generation == _forks.generation

    async def get(self) -> T:
        """Wait for the run that is under way, or for a new one.

        Raises `SessionClosedError` when the run was cancelled and not whoever waits: only `Session.close` does that.
        """
        task = self.start()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if task.cancelled() and not (waiting is not None and waiting.cancelling()):
                raise SessionClosedError(doing=self._doing) from None
            raise

    async def wait(self) -> None:
        """Wait for the end of a run that is under way on this loop, whatever comes of it."""
        task = self._task
        if task is not None and self._is_here(task):
            await asyncio.wait([task])

    def stop(self) -> None:
        """Cancel the run that is under way, if its loop is still there to do it."""
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()

    def _finished(self, task: asyncio.Task[T]) -> None:
        if self._task is task:
            self._task = None
        if not task.cancelled():
            task.exception()  # whoever waits gets it; asyncio need not report it when nobody does any more
