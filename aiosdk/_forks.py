"""What must be made anew in a forked child.

Of all threads only the one that forks goes on in the child. A lock that another one held is held for ever there, what
another one was doing is never done, and a socket that is open is the parent's. Whoever holds such a thing says here
what becomes of it in a child. What cannot be made anew, an import above all, the fork waits for.
"""

from __future__ import annotations

import concurrent.futures.thread
import logging
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakSet

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

# Seconds that a fork waits at most for what is under way. An import of everything takes a quarter of one.
_LONGEST_WAIT: Final = 10.0

generation: int = 0
"""How many forks lie between the first process and this one: what was noted with another number is inherited."""

loops: Final[WeakSet[asyncio.AbstractEventLoop]] = WeakSet()
"""Every event loop that we have used."""
_locks: Final[WeakSet[Lock]] = WeakSet()
_inherited: Final[WeakSet[asyncio.Task[object]]] = WeakSet()
# The threads on which something is under way that must not be interrupted, and how often.
_undisturbed: Final[dict[int, int]] = {}
_changed = threading.Condition()


class Lock:
    """A reentrant lock of threads, taken by `with`, that is free in a forked child whoever held it in the parent."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held: list[threading.RLock] = []  # changed by whoever holds it
        _locks.add(self)

    def __enter__(self) -> Self:
        lock = self._lock
        lock.acquire()
        self._held.append(lock)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._held.pop().release()

    def renew(self) -> None:
        """Be free. Whoever forked within the lock leaves the old one."""
        self._lock = threading.RLock()


@contextmanager
def undisturbed() -> Generator[None]:
    """Have whoever forks on another thread wait until the block ends.

    For what a child could not go on with: a module that another thread imports, or the locks within OpenSSL.
    """
    me = threading.get_ident()
    with _changed:
        _undisturbed[me] = _undisturbed.get(me, 0) + 1
    try:
        yield
    finally:
        with _changed:
            _undisturbed[me] -= 1
            if not _undisturbed[me]:
                del _undisturbed[me]
            _changed.notify_all()


def in_child(act: Callable[[], object]) -> None:
    """Have something done in each forked child, before anything else there."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=act)


def remember_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Note that this event loop is used, so that a child gets one of its own in its place."""
    try:
        loops.add(loop)
    except TypeError:  # one of somebody's own that takes no weak references
        return


def inherit(tasks: set[asyncio.Task[object]]) -> None:
    """Note, in a child, that these tasks are the parent's."""
    _inherited.update(tasks)


def is_inherited(task: asyncio.Task[object] | None) -> bool:
    """Whether a task is the copy of one of the parent's, which goes on there: what it began is not ours to end."""
    return task in _inherited


def _before() -> None:
    _changed.acquire()
    me = threading.get_ident()
    _changed.wait_for(lambda: not _undisturbed.keys() - {me}, _LONGEST_WAIT)


def _after_in_parent() -> None:
    _changed.release()


def _after_in_child() -> None:
    global generation, _changed
    generation += 1
    _changed = threading.Condition()
    me = threading.get_ident()
    for thread in _undisturbed.keys() - {me}:
        del _undisturbed[thread]
    for lock in list(_locks):
        lock.renew()


# They take locks before a fork. Imported before our hooks are registered, they do so after we have waited: else whoever
# imports would wait for a lock of whoever waits to fork.
_AFTER_US: Final = (logging, concurrent.futures.thread)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
