"""A thread that does one thing after another for a transfer: a third of the cost of a thread for each."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class Thread:
    """Runs blocking functions, in order, off the event loop. It starts with the first of them.

    It is a daemon of nobody's executor, as in `aiosdk._off_loop`.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] | None = None

    def start(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Let a function run when those before it have, and give what will have its result.

        It does not run if that is cancelled before.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        future.add_done_callback(_look_at)

        def deliver(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def job() -> None:
            if future.cancelled():
                return
            result, error = None, None
            try:
                result = func(*args, **kwargs)
            except StopIteration as raised:  # which a future would not take
                error = RuntimeError(f"{func!r} raised StopIteration")
                error.__cause__ = raised
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(deliver, result, error)
            except RuntimeError:
                if not loop.is_closed():
                    raise
                # Nobody waits any more.

        if self._jobs is None:
            self._jobs = SimpleQueue()
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(_run, self._jobs), name="aiosdk-s3-transfer", daemon=True
            ).start()
        self._jobs.put(job)
        return future

    def close(self) -> None:
        """End the thread when it has done what was started."""
        if self._jobs is not None:
            self._jobs.put(None)


def _run(jobs: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # and what it holds: megabytes


def _look_at(future: asyncio.Future[Any]) -> None:
    """See an error, so that asyncio does not complain where nobody waits for it any more."""
    if not future.cancelled():
        future.exception()
