"""The part of a connection pool that belongs to one event loop: its connectors and their connections."""

from __future__ import annotations

import asyncio
import threading
import weakref
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from aiosdk import _forks, _off_loop
from aiosdk._single_flight import SingleFlight
from aiosdk._transport.bounds import MAX_HEADER
from aiosdk._transport.connector import ClientRequest, ConnectorOptions, SlotConnector, Wire
from aiosdk._transport.finalizers import QuietResponse
from aiosdk._transport.inherited import close_silently
from aiosdk._transport.names import Threads
from aiosdk._transport.tls import TLSSettings, tls_context
from aiosdk.exceptions import SessionClosedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

    from aiosdk._transport.names import Names
    from aiosdk._transport.slots import Slots, Traffic


@dataclass(frozen=True, slots=True)
class Setup:
    """What two requests must agree on to share a connector. `tls` is None for plain HTTP."""

    tls: TLSSettings | None = None
    proxy_tls: TLSSettings | None = None
    options: ConnectorOptions = field(default_factory=ConnectorOptions)
    context: ssl.SSLContext | None = None
    """A TLS context of the user's, in place of one made from `tls`."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.tls, self.proxy_tls, self.options, self.context)))

    def __hash__(self) -> int:
        return self._hash  # it is looked up for each request


class LoopPool:
    """The connections of a pool on one event loop."""

    def __init__(self, slots: Slots, traffic: Traffic) -> None:
        self.loop = asyncio.get_running_loop()
        self.thread = threading.current_thread().name
        self.slots = slots
        self.traffic = traffic
        self.closed = False
        self.https: dict[Setup, aiohttp.ClientSession] = {}
        self._opening: dict[Setup, SingleFlight[aiohttp.ClientSession]] = {}
        self._threads = Threads()
        self._names: list[Names] = []
        self._reaper: asyncio.TimerHandle | None = None
        self._guard: AsyncGenerator[None, None] | None = None
        _forks.remember_loop(self.loop)

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
            self.slots,
            self.traffic,
            setup.options,
            tls=tls,
            proxy_tls=proxy_tls,
            on_idle=self._reap_at,
            threads=self._threads,
        )
        self._names.append(connector.names)
        http = aiohttp.ClientSession(
            connector=connector,
            request_class=ClientRequest,
            response_class=QuietResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_field_size=MAX_HEADER,
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
                if isinstance(lease, Wire):
                    lease.fail_body(SessionClosedError(doing="read the rest of an answer"))
                lease.discard()
        if self.loop.is_closed() or at_exit:
            for transport in transports:
                close_silently(transport)
        for http in self.https.values():
            if isinstance(http.connector, SlotConnector):
                http.connector.close_now()
            http.detach()

    def leave_to_parent(self) -> None:
        """Do nothing any more, in a forked child: what there is, is the parent's."""
        self.closed = True
        for http in self.https.values():
            if isinstance(http.connector, SlotConnector):
                http.connector.leave_to_parent()

    async def wait_closed(self) -> None:
        """Wait until the sockets of an abandoned pool are gone."""
        for opening in self._opening.values():
            await opening.wait()
        for names in self._names:
            await names.wait()
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


async def _guard(pool: weakref.ref[LoopPool]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        if (alive := pool()) is not None and not alive.closed:
            alive.abandon()
            await alive.wait_closed()
