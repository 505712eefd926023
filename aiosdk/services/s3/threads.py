"""A thread that does one thing after another for a transfer: a quarter of the cost of a thread for each."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from aiosdk import _forks, _off_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    Jobs = SimpleQueue[Callable[[], None] | None]

P = ParamSpec("P")
T = TypeVar("T")

# To start a thread holds up the event loop until it runs: those of one transfer are the next one's for a while.
_IDLE_SECONDS: Final = 1.0
_idle: Final[deque[Jobs]] = deque()
_forks.in_child(_idle.clear)  # where there are no such threads


class Thread:
    """Runs blocking functions, in order, off the event loop, from the first of them until it is closed.

    It is a daemon of nobody's executor, as in `aiosdk._off_loop`.
    """

    def __init__(self) -> None:
        self._jobs: Jobs | None = None
        self._context = contextvars.copy_context()

    def start(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Let a function run when those before it have, and give what will have its result.

        It does not run if that is cancelled before.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_look_at)
        work = _off_loop.delivery(future, self._context, func, *args, **kwargs)
        if self._jobs is None:
            self._jobs = _take()
        self._jobs.put(lambda: None if future.cancelled() else work())
        return future

    def close(self) -> None:
        """Let go of the thread when it has done what was started."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)


def _take() -> Jobs:
    """Give the queue of a thread that has nothing to do, or of a new one."""
    try:
        return _idle.pop()
    except IndexError:
        pass
    jobs: Jobs = SimpleQueue()
    threading.Thread(target=_run, args=(jobs,), name="aiosdk-s3-transfer", daemon=True).start()
    return jobs


def _run(jobs: Jobs) -> None:
    job = jobs.get()
    while True:
        if job is not None:
            job()
            del job  # and what it holds: megabytes
            job = jobs.get()
            continue
        _idle.append(jobs)
        try:
            job = jobs.get(timeout=_IDLE_SECONDS)
        except Empty:
            try:
                _idle.remove(jobs)
            except ValueError:  # somebody has just taken it
                job = jobs.get()
            else:
                return


def _look_at(future: asyncio.Future[Any]) -> None:
    """See an error, so that asyncio does not complain where nobody waits for it any more."""
    if not future.cancelled():
        future.exception()
