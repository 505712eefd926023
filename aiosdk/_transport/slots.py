"""Who may hold a socket: the pool's bookkeeping, without a socket in it.

A slot is the right to one open socket. It is taken before a connection is opened and given back when the socket is
really gone, so sockets that idle count as much as those in use: the cap is what a server sees.

The state changes here are synchronous and happen in one place, `_serve`; what must be done to real connections
comes out as calls of `Lease.discard`. Invariants, checked by the tests after every step:

* `open` is the number of leases that exist, and never exceeds `limit`; the same holds per host;
* a lease is idle or in use, never both; whoever waits is in exactly one queue;
* nobody waits while something could serve them.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

# How often a released connection may go to a waiter for the same server past an older waiter for another one. Without
# this allowance every release under load would close a warm connection; without a bound the older one would starve.
MAX_PASSED_OVER: Final = 8


class Lease(Protocol):
    """One open socket, as the slots see it."""

    def is_usable(self) -> bool:
        """Whether another request can be sent over it."""
        ...

    def discard(self) -> None:
        """Close it; `Slots.lost` is called when it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """What connections must have in common to stand in for each other, and the host that they count for."""

    host: Hashable
    key: Hashable


@dataclass(eq=False, slots=True)
class _Waiter:
    route: Route
    order: int
    granted: asyncio.Future[Lease | None]
    passed_over: int = 0


@dataclass(eq=False)
class Slots:
    """Slots for open sockets, capped in total and per host, handed out first come, first served."""

    limit: int
    limit_per_host: int | None = None
    open: int = 0
    _per_host: Counter[Hashable] = field(default_factory=Counter[Hashable])
    _routes: dict[Lease, Route] = field(default_factory=dict[Lease, Route])
    _idle: OrderedDict[Lease, Route] = field(default_factory=OrderedDict[Lease, Route])  # longest idle first
    _idle_by_route: dict[Route, list[Lease]] = field(default_factory=dict[Route, list[Lease]])
    _leaving: dict[Lease, Route] = field(default_factory=dict[Lease, Route])  # discarded, not yet gone
    _queues: dict[Route, deque[_Waiter]] = field(default_factory=dict[Route, "deque[_Waiter]"])
    _arrivals: int = 0

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def waiting(self) -> int:
        return sum(not waiter.granted.done() for queue in self._queues.values() for waiter in queue)

    def leases(self) -> list[Lease]:
        """Every open socket, idle, in use or on its way out."""
        return list(self._routes)

    def idle_leases(self) -> Iterator[Lease]:
        """The idle ones, the longest idle first."""
        return iter(self._idle)

    def take_idle(self, route: Route) -> Lease | None:
        """Take the connection of this route that was used last, if one is idle."""
        leases = self._idle_by_route.get(route)
        while leases:
            lease = leases[-1]
            self._leave_idle(lease)
            if lease.is_usable():
                return lease
            self._discard(lease)
        return None

    async def acquire(self, route: Route) -> Lease | None:
        """Wait for an idle connection of the route (returned) or for a slot to open one in (None)."""
        if (lease := self.take_idle(route)) is not None:
            return lease
        queue = self._queues.setdefault(route, deque())
        self._arrivals += 1
        waiter = _Waiter(route, self._arrivals, asyncio.get_running_loop().create_future())
        queue.append(waiter)
        self._serve()
        if waiter.granted.done():  # the usual case: no trip through the event loop
            return waiter.granted.result()
        try:
            return await waiter.granted
        except BaseException:
            self._withdraw(waiter)
            raise

    def opened(self, lease: Lease, route: Route) -> None:
        """A slot that `acquire` granted now holds this socket."""
        self._routes[lease] = route

    def failed(self, route: Route) -> None:
        """A slot that `acquire` granted came to no socket."""
        self._free(route)

    def release(self, lease: Lease) -> None:
        """Give back a connection that is fit for another request."""
        route = self._routes.get(lease)
        if route is None or lease in self._leaving:
            return
        if not lease.is_usable():
            self._discard(lease)
            return
        if (waiter := self._first_waiting(route)) is not None:
            older = self._oldest_elsewhere(waiter)
            if older is None or older.passed_over < MAX_PASSED_OVER or self._leaving:
                if older is not None:
                    older.passed_over += 1
                self._leave_queue(waiter)
                waiter.granted.set_result(lease)
                return
            self._discard(lease)
            return
        self._idle[lease] = route
        self._idle_by_route.setdefault(route, []).append(lease)
        self._serve()

    def discard(self, lease: Lease) -> None:
        """Close a connection; its slot comes free when its socket is gone."""
        if lease in self._idle:
            self._leave_idle(lease)
        self._discard(lease)

    def lost(self, lease: Lease) -> None:
        """The socket is gone, whoever closed it."""
        if lease in self._idle:
            self._leave_idle(lease)
        self._leaving.pop(lease, None)
        route = self._routes.pop(lease, None)
        if route is not None:
            self._free(route)

    def fail_waiters(self, error: BaseException) -> None:
        """Wake everybody who waits with an error: the pool is closing."""
        queues, self._queues = self._queues, {}
        for queue in queues.values():
            for waiter in queue:
                if not waiter.granted.done():
                    waiter.granted.set_exception(error)

    # What follows changes the state; only the methods above call it.

    def _free(self, route: Route) -> None:
        self.open -= 1
        self._per_host[route.host] -= 1
        if not self._per_host[route.host]:
            del self._per_host[route.host]
        self._serve()

    def _discard(self, lease: Lease) -> None:
        if lease in self._routes and lease not in self._leaving:
            self._leaving[lease] = self._routes[lease]
            lease.discard()

    def _leave_idle(self, lease: Lease) -> None:
        route = self._idle.pop(lease)
        leases = self._idle_by_route[route]
        leases.remove(lease)
        if not leases:
            del self._idle_by_route[route]

    def _withdraw(self, waiter: _Waiter) -> None:
        """Whoever waited gave up; what was granted in the same moment goes back.

        The waiter stays in its queue, which passes over those that are done: removing it would cost a walk.
        """
        if not waiter.granted.done():
            waiter.granted.cancel()
        elif not waiter.granted.cancelled() and waiter.granted.exception() is None:
            lease = waiter.granted.result()
            if lease is None:
                self._free(waiter.route)
            else:
                self.release(lease)

    def _first_waiting(self, route: Route) -> _Waiter | None:
        queue = self._queues.get(route)
        if queue is None:
            return None
        while queue and queue[0].granted.done():
            queue.popleft()
        if not queue:
            del self._queues[route]
            return None
        return queue[0]

    def _leave_queue(self, waiter: _Waiter) -> None:
        queue = self._queues[waiter.route]
        queue.popleft()
        if not queue:
            del self._queues[waiter.route]

    def _host_has_room(self, host: Hashable) -> bool:
        return self.limit_per_host is None or self._per_host[host] < self.limit_per_host

    def _oldest_elsewhere(self, waiter: _Waiter) -> _Waiter | None:
        """The first waiter for another route that came before this one and that a slot of this route would serve."""
        host = waiter.route.host
        others = (
            first
            for route in list(self._queues)
            if route != waiter.route and (route.host == host or self._host_has_room(route.host))
            if (first := self._first_waiting(route)) is not None and first.order < waiter.order
        )
        return min(others, key=lambda each: each.order, default=None)

    def _serve(self) -> None:
        """Give what is free to whoever has waited longest, and make room where idle sockets are in the way."""
        firsts = [first for route in list(self._queues) if (first := self._first_waiting(route)) is not None]
        firsts.sort(key=lambda each: each.order)
        while firsts:
            waiter = firsts.pop(0)
            if not self._grant(waiter):
                continue
            self._leave_queue(waiter)
            following = self._first_waiting(waiter.route)
            if following is not None:
                insort(firsts, following, key=lambda each: each.order)

    def _grant(self, waiter: _Waiter) -> bool:
        route = waiter.route
        if (lease := self.take_idle(route)) is not None:
            waiter.granted.set_result(lease)
            return True
        has_room = self._host_has_room(route.host)
        if self.open < self.limit and has_room:
            self.open += 1
            self._per_host[route.host] += 1
            waiter.granted.set_result(None)
            return True
        self._make_room(route.host if not has_room else None)
        return False

    def _make_room(self, host: Hashable | None) -> None:
        """Close the longest idle connection (of the host, if it is the host that is full), one at a time."""
        if any(host is None or route.host == host for route in self._leaving.values()):
            return
        for lease, route in self._idle.items():
            if host is None or route.host == host:
                self._leave_idle(lease)
                self._discard(lease)
                return
