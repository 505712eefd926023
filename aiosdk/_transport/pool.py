"""The connection pool of a session: caps, statistics, and the event loop it belongs to. Imports nothing heavy."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from aiosdk import _forks
from aiosdk._transport.budget import DEFAULT_BUDGET, RetryBudgets
from aiosdk._transport.slots import Slots, Traffic
from aiosdk.exceptions import EventLoopConflictError, SessionClosedError

if TYPE_CHECKING:
    import aiohttp

    from aiosdk._transport.loop_pool import LoopPool, Setup


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The state of a pool at one moment, in connections, and its totals so far."""

    open: int
    """Sockets that are open or being opened: `idle` plus `in_use`."""
    idle: int
    """Connections kept alive that serve no request."""
    in_use: int
    """Connections that serve a request or are being opened or closed."""
    waiting: int
    """Requests that wait for a connection."""
    limit: int
    """The cap on `open`."""
    limit_per_host: int | None
    """The cap on open connections to one host and port, or None."""
    connections_opened: int
    """Connections opened since the session began."""
    requests_sent: int
    """Requests given a connection since the session began."""


class ConnectionPool:
    """Connections of every client of a session, capped in total and per host.

    Follows the session from one event loop to the next: connections of a loop that has ended are dropped, use from
    a second loop while the first one runs is an error.
    """

    def __init__(self, limit: int, limit_per_host: int | None = None, retry_budget: float | None = None) -> None:
        self.limit = limit
        self.limit_per_host = limit_per_host
        self.closed = False
        self._traffic = Traffic()
        self.budget = RetryBudgets(DEFAULT_BUDGET if retry_budget is None else retry_budget)
        self._current: LoopPool | None = None
        _pools.add(self)

    @property
    def is_open(self) -> bool:
        """Whether there may be connections to close."""
        return self._current is not None and not self._current.closed

    def __repr__(self) -> str:
        stats = self.stats()
        counts = f"open={stats.open} in_use={stats.in_use} waiting={stats.waiting} limit={self.limit}"
        return f"<ConnectionPool {'closed ' if self.closed else ''}{counts}>"

    def stats(self) -> PoolStats:
        """Tell how many connections are open, idle and in use, how many requests wait, and the totals so far."""
        current = self._current
        slots = current.slots if current is not None and not current.loop.is_closed() else Slots(self.limit)
        return PoolStats(
            open=slots.open,
            idle=slots.idle,
            in_use=slots.open - slots.idle,
            waiting=slots.waiting,
            limit=self.limit,
            limit_per_host=self.limit_per_host,
            connections_opened=self._traffic.connections,
            requests_sent=self._traffic.requests,
        )

    def check(self, doing: str) -> None:
        """Raise unless the pool may be used here: open, and on no second running loop."""
        if self.closed:
            raise SessionClosedError(doing=doing)
        self.check_loop()

    def check_loop(self) -> None:
        """Raise when the pool is in use on another event loop that runs."""
        current = self._current
        if current is None:
            return
        loop = asyncio.get_running_loop()
        if current.loop is not loop and current.loop.is_running():
            raise EventLoopConflictError(
                other_loop=repr(current.loop),
                other_thread=repr(current.thread),
                this_loop=repr(loop),
                this_thread=repr(threading.current_thread().name),
            )

    async def http(self, setup: Setup) -> aiohttp.ClientSession:
        """Give the aiohttp session that sends with this setup over the pool's connections."""
        self.check("send a request")
        current = self._current
        if current is None or current.closed or current.loop is not asyncio.get_running_loop():
            from aiosdk._transport.loop_pool import LoopPool

            if current is not None:
                current.abandon()
            current = self._current = LoopPool(Slots(self.limit, self.limit_per_host), self._traffic)
            await current.close_with_loop()
        http = current.https.get(setup)
        return http if http is not None else await current.open_http(setup)

    def abandon(self, *, at_exit: bool = False) -> None:
        """Close every connection, in use or idle, and refuse further requests; their sockets end a moment later.

        At the interpreter's exit there is no later: then they end at once.
        """
        self.closed = True
        if self._current is not None:
            self._current.abandon(at_exit=at_exit)

    async def wait_closed(self) -> None:
        """Wait until the sockets of a pool that was abandoned on this event loop are gone."""
        current = self._current
        if current is not None and current.loop is asyncio.get_running_loop():
            await current.wait_closed()
            await current.dismiss_guard()

    def leave_to_parent(self) -> None:
        """Have no connections, in a forked child: those there are stay the parent's."""
        current, self._current = self._current, None
        if current is not None:
            current.leave_to_parent()
            _inherited.append(current)


_pools: Final[WeakSet[ConnectionPool]] = WeakSet()
# What the parent's pools had open. To collect it would finish off generators that are suspended on the parent's loops.
_inherited: Final[list[LoopPool]] = []


def _leave_to_parent() -> None:
    for pool in list(_pools):
        pool.leave_to_parent()


_forks.in_child(_leave_to_parent)
