"""The connection pool of a session: one set of caps over every connector, bound to one event loop at a time."""

from __future__ import annotations

import asyncio
import threading
import weakref
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from aiosdk import _off_loop
from aiosdk._single_flight import SingleFlight
from aiosdk._transport.connector import ClientRequest, ConnectorOptions, SlotConnector, Traffic, Wire, close_silently
from aiosdk._transport.slots import Slots
from aiosdk._transport.tls import TLSSettings, tls_context
from aiosdk.exceptions import EventLoopConflictError, SessionClosedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator


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


@dataclass(frozen=True, slots=True)
class Setup:
    """What two requests must agree on to share a connector. `tls` is None for plain HTTP."""

    tls: TLSSettings | None = None
    proxy_tls: TLSSettings | None = None
    options: ConnectorOptions = field(default_factory=ConnectorOptions)
    context: ssl.SSLContext | None = None
    """A TLS context of the user's, in place of one made from `tls`."""


class ConnectionPool:
    """Connections of every client of a session, capped in total and per host.

    Follows the session from one event loop to the next: connections of a loop that has ended are dropped, use from
    a second loop while the first one runs is an error.
    """

    def __init__(self, limit: int, limit_per_host: int | None = None) -> None:
        self.limit = limit
        self.limit_per_host = limit_per_host
        self.closed = False
        self._traffic = Traffic()
        self._current: _LoopPool | None = None

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
            if current is not None:
                current.abandon()
            current = self._current = _LoopPool(Slots(self.limit, self.limit_per_host), self._traffic)
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


class _LoopPool:
    """The part of the pool that belongs to one event loop."""

    def __init__(self, slots: Slots, traffic: Traffic) -> None:
        self.loop = asyncio.get_running_loop()
        self.thread = threading.current_thread().name
        self.slots = slots
        self.traffic = traffic
        self.closed = False
        self.https: dict[Setup, aiohttp.ClientSession] = {}
        self._opening: dict[Setup, SingleFlight[aiohttp.ClientSession]] = {}
        self._reaper: asyncio.TimerHandle | None = None
        self._guard: AsyncGenerator[None, None] | None = None

    async def open_http(self, setup: Setup) -> aiohttp.ClientSession:
        opening = self._opening.setdefault(setup, SingleFlight("send a request", partial(self._open_http, setup)))
        return await opening.get()

    async def _open_http(self, setup: Setup) -> aiohttp.ClientSession:
        tls = setup.context
        if tls is None and setup.tls is not None:
            tls = await _off_loop.call(tls_context, setup.tls)
        proxy_tls = await _off_loop.call(tls_context, setup.proxy_tls) if setup.proxy_tls is not None else None
        if self.closed:
            raise SessionClosedError(doing="send a request")
        connector = SlotConnector(
            self.slots, self.traffic, setup.options, tls=tls, proxy_tls=proxy_tls, on_idle=self._reap_at
        )
        http = aiohttp.ClientSession(
            connector=connector,
            request_class=ClientRequest,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        # Or aiohttp would send a request again by itself when a kept connection turns out to be closed. Whether that
        # is safe is for the retry rules to say, and the attempts are theirs to count.
        http._retry_connection = False  # pyright: ignore[reportPrivateUsage]
        self.https[setup] = http
        return http

    async def close_with_loop(self) -> None:
        """Have the connections closed before the loop is, without a task that lives as long as they do.

        `asyncio.run` (and every loop that is shut down properly) closes the asynchronous generators that were
        started on it, after its tasks and before itself. This one does nothing else than wait for that.
        """
        self._guard = _guard(weakref.ref(self))
        await anext(self._guard)

    def abandon(self, *, at_exit: bool = False) -> None:
        """Close everything, as far as that needs no waiting."""
        if self.closed:
            return
        self.closed = True
        if self.loop.is_running() and not is_running_here(self.loop):
            # From a finalizer or the interpreter's exit, which run on whichever thread they please. This loop can still
            # end its sockets itself.
            self.loop.call_soon_threadsafe(self._end, False)
        else:
            self._end(at_exit)

    def _end(self, at_exit: bool) -> None:
        self.slots.fail_waiters(SessionClosedError(doing="send a request"))
        transports = [lease.transport for lease in self.slots.leases() if isinstance(lease, Wire)]
        if not self.loop.is_closed():
            if self._reaper is not None:
                self._reaper.cancel()
            for opening in self._opening.values():
                opening.stop()
            for lease in self.slots.leases():
                lease.discard()
        if self.loop.is_closed() or at_exit:
            for transport in transports:
                close_silently(transport)
        for http in self.https.values():
            if isinstance(http.connector, SlotConnector):
                http.connector.close_now()
            http.detach()

    async def wait_closed(self) -> None:
        """Wait until the sockets of an abandoned pool are gone."""
        for opening in self._opening.values():
            await opening.wait()
        # A discarded socket is closed some callbacks later: one for TCP, three for TLS.
        for _ in range(100):
            if not self.slots.open:
                break
            await asyncio.sleep(0)

    async def dismiss_guard(self) -> None:
        if self._guard is not None:
            await self._guard.aclose()

    def _reap_at(self, when: float) -> None:
        if self.closed or (self._reaper is not None and self._reaper.when() <= when):
            return
        if self._reaper is not None:
            self._reaper.cancel()
        self._reaper = self.loop.call_at(when, self._reap)

    def _reap(self) -> None:
        """Close the connections that have idled for too long, and come back for the next one."""
        self._reaper = None
        for lease in list(self.slots.idle_leases()):
            if not lease.is_usable():
                self.slots.discard(lease)
        ends = [lease.idle_until for lease in self.slots.idle_leases() if isinstance(lease, Wire) and lease.idle_until]
        if ends:
            self._reap_at(min(ends))


def is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the calling code runs on this event loop."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


async def _guard(pool: weakref.ref[_LoopPool]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        if (alive := pool()) is not None and not alive.closed:
            alive.abandon()
            await alive.wait_closed()
