"""Host names to addresses: looked up on threads of their own, and remembered for a short while."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
from collections import Counter, OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver

from aiosdk import _off_loop
from aiosdk._single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.abc import ResolveResult

# A look-up that hangs keeps its thread for as long as the operating system pleases, whoever still waits for it. So
# many may have one below one domain, and in all; then the next waits until one has ended.
MOST_PER_DOMAIN: Final = 100
MOST: Final = 300
# So many may wait for a thread; the one that has waited longest fails then. Whoever asked has given up long ago.
MOST_WAITING: Final = 1000
# S3 has a host for each bucket; a crawler meets many.
MOST_REMEMBERED: Final = 1000


class Threads:
    """Runs the blocking look-ups of one event loop, each on a thread of its own.

    The threads belong to no executor, so that neither a slow look-up nor anybody else's work holds up the look-up of
    another name. They are daemons: one that hangs does not hold up the interpreter's exit.

    `getaddrinfo` and `getnameinfo` are what aiohttp's `ThreadedResolver` asks of an event loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[asyncio.Future[None], str] = OrderedDict()

    async def getaddrinfo(
        self,
        host: str,
        port: int,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the loop's name for it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        domain = host.rstrip(".").partition(".")[2]
        return await self._run(domain, partial(socket.getaddrinfo, host, port, family, type, proto, flags))

    async def getnameinfo(self, address: Any, flags: int = 0) -> Any:
        return await self._run("", partial(socket.getnameinfo, address, flags))

    async def _run(self, domain: str, look_up: Callable[[], Any]) -> Any:
        await self._turn(domain)
        done: asyncio.Future[Any] = self._loop.create_future()
        done.add_done_callback(partial(self._ended, domain))
        work = _off_loop.delivery(done, contextvars.Context(), look_up)
        try:
            threading.Thread(target=work, name="aiosdk-name", daemon=True).start()
        except RuntimeError as error:
            done.set_exception(OSError(f"no thread for looking a name up: {error}"))
        return await asyncio.shield(done)  # the thread cannot be cancelled, and counts until it ends

    async def _turn(self, domain: str) -> None:
        """Wait until there may be another thread."""
        if not self._has_room(domain):
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting[turn] = domain
            if len(self._waiting) > MOST_WAITING:
                oldest, _ = self._waiting.popitem(last=False)
                if not oldest.done():
                    oldest.set_exception(OSError(f"{MOST_WAITING:,} other names wait to be looked up"))
            try:
                await turn
            except BaseException:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self._leave(domain)
                self._waiting.pop(turn, None)
                raise
            return
        self._running[domain] += 1

    def _has_room(self, domain: str) -> bool:
        return self._running[domain] < MOST_PER_DOMAIN and self._running.total() < MOST

    def _ended(self, domain: str, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # asyncio need not report it when nobody waits any more
        self._leave(domain)

    def _leave(self, domain: str) -> None:
        self._running[domain] -= 1
        if not self._running[domain]:
            del self._running[domain]
        for turn, waiting in self._waiting.items():
            if not turn.done() and self._has_room(waiting):
                self._running[waiting] += 1
                del self._waiting[turn]
                turn.set_result(None)
                return


class Names(AbstractResolver):
    """What looks names up for a connector: once for all who ask at the same time, and not again for a while.

    A look-up belongs to nobody who could cancel it: whoever asked may give up, the next attempt joins it or finds
    what it found. A failure is not remembered.

    Args:
        resolver: What does it.
        seconds: How long an answer is remembered; None is for ever, 0 not at all.
    """

    def __init__(self, resolver: AbstractResolver, seconds: float | None) -> None:
        self._resolver = resolver
        self._seconds = seconds
        self._now = asyncio.get_running_loop().time
        self._known: OrderedDict[tuple[str, int, int], tuple[float, list[ResolveResult]]] = OrderedDict()
        self._asking: dict[tuple[str, int, int], SingleFlight[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a host; the first one is another each time."""
        key = host, port, family
        known = self._known.get(key)
        if known is not None and (self._seconds is None or self._now() < known[0] + self._seconds):
            addresses = known[1]
            addresses.append(addresses.pop(0))
            return addresses.copy()
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = SingleFlight(f"look up {host!r}", partial(self._ask, host, port, family))
        return (await asking.get()).copy()

    async def _ask(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        key = host, port, family
        try:
            addresses = await self._resolver.resolve(host, port, family)
        finally:
            self._asking.pop(key, None)
        if addresses and self._seconds != 0:
            self._known[key] = self._now(), addresses
            self._known.move_to_end(key)
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return addresses

    def stop(self) -> None:
        """End what is under way, as far as that needs no waiting."""
        self._known.clear()
        for asking in list(self._asking.values()):
            asking.stop()

    async def wait(self) -> None:
        """Wait until what was stopped has ended."""
        for asking in list(self._asking.values()):
            await asking.wait()

    async def close(self) -> None:
        self.stop()


def names(threads: Threads, resolver: AbstractResolver | None, seconds: float | None) -> Names:
    """Make what looks names up: by a resolver of the user's, or on threads."""
    # Not aiohttp's default, which is aiodns where that is installed: it reads resolv.conf on the loop.
    loop: Any = threads
    return Names(resolver or aiohttp.ThreadedResolver(loop), seconds)
