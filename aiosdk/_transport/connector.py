"""aiohttp's connector with our slots in place of its pool: name resolution, TLS and proxies stay aiohttp's."""

from __future__ import annotations

import asyncio
import select
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from aiosdk._transport.bounds import BoundedHandler
from aiosdk._transport.failures import NameTimeoutError
from aiosdk._transport.finalizers import QuietConnection
from aiosdk._transport.inherited import remembering
from aiosdk._transport.names import names
from aiosdk._transport.patience import Patience, holders
from aiosdk._transport.progress import enter
from aiosdk._transport.slots import Lease, Route, Slots, Traffic
from aiosdk._transport.stale import not_taken
from aiosdk.exceptions import PoolTimeoutError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from aiohttp.abc import AbstractResolver, ResolveResult
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from aiosdk._transport.names import Threads

# AWS closes idle connections after 20 seconds; ours are gone before that.
KEEPALIVE_TIMEOUT: Final = 12.0
CONTINUE_TIMEOUT: Final = 1.0
# S3 has a host for each bucket; a crawler meets many.
MAX_ROUTES: Final = 10_000


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """How connections are made, beside TLS; the names are those of aiobotocore's `connector_args`."""

    keepalive_timeout: float | None = KEEPALIVE_TIMEOUT
    force_close: bool = False
    use_dns_cache: bool = True
    ttl_dns_cache: int | None = 10
    resolver: AbstractResolver | None = None
    socket_factory: Callable[..., Any] | None = None
    socket_options: tuple[tuple[int, int, int], ...] = ()
    """Set on each socket: level, name and value."""


is_urgent: Final[ContextVar[bool]] = ContextVar("aiosdk_urgent", default=False)
"""Whether the requests of the calling code go before those that wait for a connection: it is for what cleans up."""

taken_wires: Final[ContextVar[list[Wire]]] = ContextVar("aiosdk_taken")
"""The connections over which aiohttp has sent requests of the calling code, the last one last."""

# The connections that the attempt under way has made: one, or two for a tunnel.
_made: Final[ContextVar[list[Wire]]] = ContextVar("aiosdk_made")
# Within how many seconds it must have found its host.
_patience: Final[ContextVar[float | None]] = ContextVar("aiosdk_patience", default=None)


class Wire(BoundedHandler):
    """One connection, which tells the slots when its socket is gone; a `Lease` of the slots."""

    on_lost: Callable[[Wire], None] | None = None
    idle_until: float | None = None
    is_reused = False
    was_open = True
    """Whether it was when the request was about to be written."""
    request_size = 0
    """How many bytes the request has, if it was written at one go."""
    not_taken = 0
    """How many bytes the server's side had not taken when the connection ended."""
    _is_readable: Callable[[], object] | None = None
    moved_at: float = -inf
    """When bytes last came, or went on from a full buffer, by the clock of the event loop."""
    _read_until: float | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        made = _made.get(None)
        if made is not None:
            made.append(self)

    def is_usable(self) -> bool:
        expired = self.idle_until is not None and self._loop.time() > self.idle_until
        return self.is_connected() and not self.should_close and not expired

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last answer: nothing that nobody asked for, nor the end.

        The socket is asked, for asyncio knows only what was there when the event loop last looked.
        """
        readable = self._is_readable
        if readable is None:
            readable = self._is_readable = watch(self.transport)
        return not readable() and not self.has_surplus()

    def fail_body(self, error: Exception) -> None:
        """Tell whoever reads a body that there will be no more of it."""
        body = self._payload
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(error)

    def discard(self) -> None:
        # Not `close()`: that would wait for a peer that no longer reads (the write buffer) or answers (TLS shutdown).
        body = self._payload
        self.abort()
        # aiohttp forgets the body there, and whoever reads it would wait for ever.
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError("The connection was closed."))

    @property
    def doing(self) -> str:
        """What it is at, in words."""
        if self._reading_paused:
            return "with an answer that nobody reads on"
        return "waiting for an answer" if self._payload is None else "receiving an answer"

    def resume_writing(self) -> None:
        super().resume_writing()
        self.moved_at = self._loop.time()

    async def drained(self) -> None:
        """Wait until there is room in the buffer for writing."""
        await self._drain_helper()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # aiohttp calls this for each piece that is taken out of a body, and has its parser look for what it held back.
        if self._reading_paused:
            super().resume_reading(resume_parser)

    # aiohttp makes and cancels a timer for each piece of data. Here a connection has one, which looks when it goes off
    # whether the time for reading is up by then, or has been put off.

    def _reschedule_timeout(self) -> None:
        timeout, timer = self._read_timeout, self._read_timeout_handle
        self.moved_at = now = self._loop.time()
        if not timeout:
            self._read_until = None
            return
        until = self._read_until = now + timeout
        if timer is None or timer.when() > until:
            self._set_timer(until)

    def _drop_timeout(self) -> None:
        self._read_until = None

    def _set_timer(self, when: float | None) -> None:
        if self._read_timeout_handle is not None:
            self._read_timeout_handle.cancel()
        self._read_timeout_handle = None if when is None else self._loop.call_at(when, self._look_at_time)

    def _look_at_time(self) -> None:
        self._read_timeout_handle = None
        until = self._read_until
        if until is None:
            return
        if self._loop.time() < until:
            self._set_timer(until)
        else:
            self._on_read_timeout()

    def abort(self) -> None:
        super().abort()
        self._set_timer(None)

    def close(self) -> None:
        super().close()
        self._set_timer(None)

    def eof_received(self) -> None:
        self._look_at_end()
        super().eof_received()

    def _look_at_end(self) -> None:
        if self.request_size and not self.is_answered:
            self.not_taken = not_taken(self.transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if isinstance(exc, BrokenPipeError):  # a reset after the end of which nobody has told yet
            self._look_at_end()
        super().connection_lost(exc)
        self._set_timer(None)
        if self.on_lost is not None:
            self.on_lost(self)


class ClientRequest(aiohttp.ClientRequest):
    """aiohttp's request, which sends the body of an `Expect: 100-continue` also to a server that does not answer it.

    RFC 9110, 10.1.1: a client need not wait for an indefinite period. botocore waits a second.
    """

    def update_expect_continue(self, expect: bool = False) -> None:
        super().update_expect_continue(expect)
        go_on = self._continue
        if go_on is not None:
            timer = self.loop.call_later(CONTINUE_TIMEOUT, _set_unless_done, go_on)
            go_on.add_done_callback(lambda _: timer.cancel())

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        _note_open(conn.protocol)
        return await super().send(conn)

    async def write_bytes(self, writer: Any, conn: Any, content_length: int | None = None) -> None:
        if not _note_open(conn.protocol):
            return  # before anything of the body is read; whoever waits for the answer is told by the connection
        try:
            await super().write_bytes(writer, conn, content_length)
        except aiohttp.ClientConnectionResetError:
            # The connection ended before the headers were written. Whoever waits for the answer is told by the
            # connection; this task has nobody to tell, and asyncio would report it as a mistake.
            pass


def watch(transport: asyncio.BaseTransport | None) -> Callable[[], object]:
    """Give what says, without waiting, whether there is anything to be read from the socket of a transport."""
    found: Any = None if transport is None else transport.get_extra_info("socket")
    if found is None:
        return bool  # which says no
    if not hasattr(select, "poll"):  # on Windows
        return lambda: select.select((found,), (), (), 0)[0]
    poll = select.poll()
    poll.register(found.fileno(), select.POLLIN)  # and what is always told: errors, and that it was closed
    return partial(poll.poll, 0)


def _note_open(wire: Any) -> bool:
    """Have a connection remember whether it was open when a request was about to be written."""
    if isinstance(wire, Wire):
        wire.was_open = wire.is_connected()
    return wire is not None and wire.is_connected()


def _set_unless_done(go_on: asyncio.Future[bool]) -> None:
    if not go_on.done():
        go_on.set_result(True)


class SlotConnector(aiohttp.TCPConnector):
    """Makes connections under the caps of the `Slots` that it shares with the pool's other connectors."""

    def __init__(
        self,
        slots: Slots,
        traffic: Traffic,
        options: ConnectorOptions,
        *,
        tls: ssl.SSLContext | None,
        proxy_tls: ssl.SSLContext | None,
        on_idle: Callable[[float], None],
        threads: Threads,
    ) -> None:
        self.names = names(threads, options.resolver, options.ttl_dns_cache if options.use_dns_cache else 0)
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            ssl=True if tls is None else tls,
            limit=0,
            use_dns_cache=False,  # the names have one, which does not forget whoever waits when it is closed
            resolver=self.names,
            force_close=options.force_close,
            socket_factory=remembering(_factory(options)),
        )
        self._slots = slots
        self._traffic = traffic
        self._idle_for = options.keepalive_timeout
        self._proxy_tls = proxy_tls
        self._on_idle = on_idle
        self._routes: dict[ConnectionKey, Route] = {}
        self._opening: set[asyncio.Timeout] = set()
        self._direct: dict[str, tuple[ConnectionKey, str]] = {}
        self._factory = partial(Wire, loop=self._loop)

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Give an idle connection or a new one, waiting for a slot for at most `timeout.connect` seconds."""
        key = req.connection_key
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
                self._direct.clear()
            route = self._routes[key] = Route(f"{key.host}:{key.port}", (id(self), key))
        wire = self._take_quiet(route)
        if wire is None:
            enter("pool")
            wire = await self._acquire(route, timeout.connect)
        is_reused = wire is not None
        if wire is None:
            enter("connect")
            wire = await self._open(req, traces, timeout, route)
        elif req.proxy:
            self._update_proxy_auth_header_and_build_proxy_req(req)
        assert isinstance(wire, Wire)
        wire.is_reused, wire.request_size = is_reused, 0
        if (taken := taken_wires.get(None)) is not None:
            taken.append(wire)
        if self._closed:  # while it waited
            self._slots.discard(wire)
            raise aiohttp.ServerDisconnectedError
        wire.idle_until = None
        self._traffic.requests += 1
        enter("read")  # or to send, as whatever gives a large body says
        if not req.proxy and not key.proxy and req.headers.get("Host") == req.url.host_port_subcomponent:
            self._direct[f"{req.url.scheme}://{req.url.raw_authority}"] = key, req.headers["Host"]
        return QuietConnection(self, key, wire, self._loop)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where the connections are."""
        return self._loop

    def known_route(self, origin: str) -> tuple[ConnectionKey, str] | None:
        """Give what connections to a server are kept by, and its `Host` header, once aiohttp has connected to it."""
        return self._direct.get(origin)

    def take_idle(self, key: ConnectionKey) -> Wire | None:
        """Take an idle connection for a request that aiohttp does not send."""
        route = self._routes.get(key)
        wire = None if route is None or self._closed else self._take_quiet(route)
        if wire is None:
            return None
        wire.idle_until = None
        wire.is_reused = True
        self._traffic.requests += 1
        return wire

    def _take_quiet(self, route: Route) -> Wire | None:
        """Take an idle connection that is good for a request."""
        while (wire := self._slots.take_idle(route)) is not None:
            assert isinstance(wire, Wire)
            if wire.is_quiet():
                return wire
            self._slots.discard(wire)
        return None

    def give_back(self, key: ConnectionKey, wire: Wire, *, should_close: bool = False) -> None:
        """Give back a connection that was taken by `take_idle`."""
        self._release(key, wire, should_close=should_close or wire.should_close)

    async def _acquire(self, route: Route, timeout: float | None) -> Lease | None:
        slots = self._slots
        if timeout is None or timeout == inf or slots.is_free(route):
            return await self._granted(route)
        limit = asyncio.timeout(None)
        patience = Patience(self._loop, slots, route, timeout, partial(_expire, limit))
        try:
            async with limit:
                return await self._granted(route)
        except TimeoutError:
            raise PoolTimeoutError(
                host=route.host,
                timeout=timeout,
                in_use=slots.open - slots.idle,
                limit=slots.limit,
                held=holders(slots),
                waiting=slots.waiting + 1,
            ) from None
        finally:
            patience.stop()

    async def _granted(self, route: Route) -> Lease | None:
        slots, goes_first = self._slots, is_urgent.get()
        while True:
            wire = await slots.acquire(route, is_urgent=goes_first)
            if not isinstance(wire, Wire) or (wire.is_usable() and wire.is_quiet()):
                return wire
            slots.discard(wire)
            goes_first = True  # it has waited already

    async def _open(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout, route: Route
    ) -> Wire:
        slots = self._slots
        made: list[Wire] = []
        token, patience = _made.set(made), _patience.set(timeout.sock_connect)
        # aiohttp bounds each step, but not the look-up of a name, nor a proxy's answer to CONNECT.
        limit = asyncio.timeout(timeout.sock_connect if req.proxy else None)
        try:
            async with limit:
                self._opening.add(limit)
                wire = await self._create_connection(req, traces, timeout)
            assert isinstance(wire, Wire)
            if self._closed or wire.transport is None:
                wire.abort()
                raise aiohttp.ServerDisconnectedError()
        except BaseException:
            # asyncio closes a connection whose handshake has just ended by waiting for the peer's goodbye.
            for each in made:
                each.abort()
            # The attempt's socket, if it had one, is closed some callbacks from now; the slot is free after that.
            _after_callbacks(self._loop, 4, partial(slots.failed, route))
            raise
        finally:
            self._opening.discard(limit)
            _made.reset(token)
            _patience.reset(patience)
        slots.opened(wire, route)
        wire.on_lost = slots.lost
        self._traffic.connections += 1
        return wire

    async def _resolve_host(self, host: str, port: int, traces: Sequence[Trace] | None = None) -> list[ResolveResult]:
        seconds = _patience.get()
        patience = asyncio.timeout(seconds)
        try:
            async with patience:
                return await super()._resolve_host(host, port, traces)
        except TimeoutError:
            if not patience.expired():  # a resolver's own
                raise
            problem = f"The address of {host!r} was not found within the connect time-out of {seconds:g} s."
            raise NameTimeoutError(problem) from None

    def close_now(self) -> None:
        """Close what the pool does not know of: connections being made, name resolution under way."""
        if not self._loop.is_closed():
            for limit in self._opening:
                _expire(limit)
            self.names.stop()
            self._close(abort_ssl=True)
        self._closed = True

    def leave_to_parent(self) -> None:
        """Count as closed, in a forked child."""
        self._closed = True

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        # aiohttp hands every connection back here: after the last byte of a body, on errors, on cancellation, and
        # when a response is dropped unread.
        assert isinstance(protocol, Wire)
        if self._loop.is_closed():
            return
        if protocol.on_lost is None:  # to a proxy, with no tunnel yet: it holds the slot of the attempt that failed
            protocol.abort()
            return
        if should_close or self._force_close or self._closed or protocol.should_close:
            self._slots.discard(protocol)
            return
        if self._idle_for is not None:
            protocol.idle_until = self._loop.time() + self._idle_for
            self._on_idle(protocol.idle_until)
        self._slots.release(protocol)

    def _update_proxy_auth_header_and_build_proxy_req(self, req: aiohttp.ClientRequest) -> aiohttp.ClientRequest:
        # aiohttp would speak to the proxy with the context for the endpoint, client certificate and all.
        proxy_req = super()._update_proxy_auth_header_and_build_proxy_req(req)
        if self._proxy_tls is not None:
            proxy_req._ssl = self._proxy_tls  # pyright: ignore[reportPrivateUsage]
        return proxy_req


def _factory(options: ConnectorOptions) -> Callable[[Any], socket.socket] | None:
    """What makes the sockets, unless aiohttp does: the user's factory, and the options that each is to have."""
    if not options.socket_options:
        return options.socket_factory

    def make_socket(address: Any) -> socket.socket:
        made = socket.socket(*address[:3]) if options.socket_factory is None else options.socket_factory(address)
        try:
            for option in options.socket_options:
                made.setsockopt(*option)
        except OSError:
            made.close()
            raise
        return made

    return make_socket


def _expire(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


def _after_callbacks(loop: asyncio.AbstractEventLoop, count: int, act: Callable[[], None]) -> None:
    """Do something after so many rounds of the event loop's callbacks."""
    if loop.is_closed():
        return
    if count:
        loop.call_soon(_after_callbacks, loop, count - 1, act)
    else:
        act()
