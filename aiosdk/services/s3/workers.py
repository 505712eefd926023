"""Several workers on one job, none of which outlives it; and work that is finished although its owner was cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")


async def run_workers(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work()` in so many tasks at once. The first that fails ends the others; its error is raised.

    Returns, or raises, when all of them have ended.
    """
    if count == 1:
        await work()
        return
    failures: list[Exception] = []

    async def watched() -> None:
        try:
            await work()
        except Exception as error:
            failures.append(error)
            raise

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(watched())
    except BaseExceptionGroup:
        if not failures:
            raise
    if failures:
        # Outside of `except`, so that the group is not told as its context.
        raise failures[0]


async def finish(work: Awaitable[T]) -> T:
    """Await something to its end, also when the task that awaits it is cancelled meanwhile; that counts afterwards.

    Raises `CancelledError` when it was, and the work's own error otherwise.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if not task.done():
                cancelled = error
        except Exception:  # noqa: S110 - it is raised below
            pass
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not complain
        raise cancelled
    return task.result()
