"""Connection pools for sessions that may be used on several event loops at once: one for each loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiosdk._transport.pool import ConnectionPool
from aiosdk.exceptions import SessionClosedError

if TYPE_CHECKING:
    import aiohttp

    from aiosdk._transport.loop_pool import Setup
    from aiosdk._transport.pool import PoolStats


class PoolPerLoop(ConnectionPool):
    """Connections up to a cap on each event loop. Those of a loop are closed when it ends."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._pools: dict[asyncio.AbstractEventLoop, ConnectionPool] = {}

    @property
    def is_open(self) -> bool:
        """Whether there may be connections to close."""
        return any(pool.is_open for pool in self._pools.values())

    def stats(self) -> PoolStats:
        """Tell of the connections of the running loop."""
        pool = self._pools.get(asyncio.get_running_loop())
        return super().stats() if pool is None else pool.stats()

    def check(self, doing: str) -> None:
        """Raise unless the pool is open."""
        if self.closed:
            raise SessionClosedError(doing=doing)

    def check_loop(self) -> None:
        """Do nothing: any loop will do."""

    async def http(self, setup: Setup) -> aiohttp.ClientSession:
        """Give the aiohttp session that sends with this setup over the running loop's connections."""
        self.check("send a request")
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for other in [other for other in list(self._pools) if other.is_closed()]:
                if (ended := self._pools.pop(other, None)) is not None:
                    ended.abandon()
            pool = self._pools[loop] = ConnectionPool(self.limit)
            pool.budget = self.budget
        return await pool.http(setup)

    async def close_here(self) -> None:
        """Close the running loop's connections; whoever sends again opens others."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            pool.abandon()
            await pool.wait_closed()

    def abandon(self, *, at_exit: bool = False) -> None:
        """Close every connection, on each loop, and refuse further requests."""
        self.closed = True
        for pool in list(self._pools.values()):
            pool.abandon(at_exit=at_exit)

    async def wait_closed(self) -> None:
        """Wait until the sockets of the running loop are gone."""
        pool = self._pools.get(asyncio.get_running_loop())
        if pool is not None:
            await pool.wait_closed()

    def leave_to_parent(self) -> None:
        """Have no connections, in a forked child. The pools of the loops do the same, each by itself."""
        self._pools.clear()
