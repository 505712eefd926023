"""Several workers on one job, none of which outlives it; and work that is finished although its owner was cancelled."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from aiosdk import _forks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")


async def run_workers(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work()` in so many tasks at once. The first that fails ends the others; its error is raised.

    Returns, or raises, when all of them have ended. A `CancelledError` that comes out of the work itself, as from a
    user's coroutine that awaits a cancelled task, is such an error: a worker less would mean work that nobody does.
    """
    # An `asyncio.TaskGroup` overlooks that error, and cancels its owner when a task fails: up to Python 3.12 the owner
    # counts as cancelled ever after, which confuses the `asyncio.timeout` around it.
    if count == 1:
        await work()
        return
    tasks = [asyncio.create_task(work()) for _ in range(count)]
    failed: asyncio.Task[None] | None = None
    try:
        pending = set(tasks)
        while pending and failed is None:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            failed = next((task for task in done if task.cancelled() or task.exception() is not None), None)
    finally:
        await _end(tasks)
    if failed is not None:
        failed.result()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they have ended, also when this is cancelled meanwhile; that counts afterwards."""
    cancelled: asyncio.CancelledError | None = None
    for task in tasks:
        task.cancel()
    while any(not task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:
            if _forks.is_inherited(asyncio.current_task()):
                raise
            cancelled = error
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not complain
    if cancelled is not None:
        raise cancelled


async def finish(work: Awaitable[T]) -> T:
    """Await something to its end, also when the task that awaits it is cancelled meanwhile; that counts afterwards.

    Raises `CancelledError` when it was, and the work's own error otherwise. In a forked child, what the parent's tasks
    have begun is left to the parent: an upload that their copies aborted would be gone for it.
    """
    if _forks.is_inherited(asyncio.current_task()):
        if inspect.iscoroutine(work):
            work.close()
        raise asyncio.CancelledError
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if _forks.is_inherited(asyncio.current_task()):  # what it waits for goes on in the parent
                raise
            if not task.cancelled():
                cancelled = error
        except Exception:  # noqa: S110 - it is raised below
            pass
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not complain
        raise cancelled
    return task.result()
