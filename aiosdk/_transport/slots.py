"""Who may hold a socket: the pool's bookkeeping, without a socket in it.

A slot is the right to one open socket. It is taken before a connection is opened and given back when the socket is
really gone, so sockets that idle count as much as those in use: the cap is what a server sees.

The state changes here are synchronous and happen in one place, `_serve`; what must be done to real connections
comes out as calls of `Lease.discard`. Invariants, checked by the tests after every step:

* `open` is the number of leases that exist, and never exceeds `limit`; the same holds per host;
* a lease is idle or in use, never both; whoever waits is in the queue of their route, and nobody else is;
* nobody waits while something could serve them.

Each step takes the same time however many hosts, routes and waiters there are: only the first waiter of each route
is a candidate, in a heap by arrival (`_first`), or set aside while the cap of its host holds it up (`_held_up`). What
is out of date in the heap is passed over, and thrown out before it outnumbers the routes.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

# How often a released connection may go to a waiter for the same server past an older waiter for another one. Without
# this allowance every release under load would close a warm connection; without a bound the older one would starve.
MAX_PASSED_OVER: Final = 8
# How much may be out of date in the heap of candidates before anybody looks.
_OUT_OF_DATE: Final = 64


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
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.host, self.key)))

    def __hash__(self) -> int:
        return self._hash  # it is looked up five times for each request


@dataclass(eq=False, slots=True)
class _Waiter:
    route: Route
    order: int
    granted: asyncio.Future[Lease | None]
    passed_over: int = 0


@dataclass
class Traffic:
    """Totals since the pool's first request."""

    requests: int = field(default=0)
    connections: int = field(default=0)


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
    _idle_by_host: dict[Hashable, OrderedDict[Lease, None]] = field(
        default_factory=dict[Hashable, "OrderedDict[Lease, None]"]
    )
    _queues: dict[Route, OrderedDict[_Waiter, None]] = field(default_factory=dict[Route, "OrderedDict[_Waiter, None]"])
    _first: list[tuple[int, _Waiter]] = field(default_factory=list[tuple[int, _Waiter]])
    _held_up: dict[Hashable, dict[Route, None]] = field(default_factory=dict[Hashable, "dict[Route, None]"])
    _arrivals: int = 0
    _grants: int = 0
    _grants_at: Counter[Hashable] = field(default_factory=Counter[Hashable])
    _sampled: tuple[float, float] = (-inf, -inf)
    warned_at: float = -inf
    """When those who wait were last warned that nothing moves, by the clock of the event loop."""

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

    def in_use(self) -> Iterator[tuple[Lease, Route]]:
        """The open sockets that serve a request."""
        return ((lease, route) for lease, route in self._routes.items() if lease not in self._idle)

    def granted(self, route: Route) -> int:
        """Count what was given to those who waited: at the host while that is full, else to anybody."""
        return self._grants if self._host_has_room(route.host) else self._grants_at[route.host]

    def moved_at(self, now: float, good_for: float) -> float:
        """When a body last came or went on any connection in use; found out anew only every so often."""
        if now - self._sampled[0] >= good_for:
            self._sampled = now, max((getattr(lease, "moved_at", -inf) for lease, _ in self.in_use()), default=-inf)
        return self._sampled[1]

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

    def is_free(self, route: Route) -> bool:
        """Whether there is a slot to open a connection in, without waiting."""
        return self.open < self.limit and self._host_has_room(route.host)

    async def acquire(self, route: Route, *, is_urgent: bool = False) -> Lease | None:
        """Wait for an idle connection of the route (returned) or for a slot to open one in (None).

        What is urgent comes before all that wait.
        """
        if (lease := self.take_idle(route)) is not None:
            return lease
        if self.is_free(route):
            self._occupy(route)  # nobody waits who could have this slot
            return None
        self._arrivals += 1
        order = -self._arrivals if is_urgent else self._arrivals
        waiter = _Waiter(route, order, asyncio.get_running_loop().create_future())
        queue = self._queues.setdefault(route, OrderedDict())
        queue[waiter] = None
        if is_urgent:
            queue.move_to_end(waiter, last=False)
        if next(iter(queue)) is waiter:
            self._line_up(waiter)
        self._make_room(waiter)
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
        waiter = self._first_waiting(route)
        older = self._oldest_elsewhere(route)
        if waiter is None and older is None:
            self._idle[lease] = route
            self._idle_by_route.setdefault(route, []).append(lease)
            self._idle_by_host.setdefault(route.host, OrderedDict())[lease] = None
        elif waiter is None:
            self._discard(lease)  # its slot is for the older one
        elif older is None or older.order > waiter.order or older.passed_over < MAX_PASSED_OVER or self._leaving:
            if older is not None and older.order < waiter.order:
                older.passed_over += 1
            self._grant(waiter, lease)
        else:
            self._discard(lease)

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
        queues, self._queues, self._first, self._held_up = self._queues, {}, [], {}
        for queue in queues.values():
            for waiter in queue:
                if not waiter.granted.done():
                    waiter.granted.set_exception(error)

    # What follows changes the state; only the methods above call it.

    def _occupy(self, route: Route) -> None:
        self.open += 1
        self._per_host[route.host] += 1

    def _free(self, route: Route) -> None:
        self.open -= 1
        self._per_host[route.host] -= 1
        if not self._per_host[route.host]:
            del self._per_host[route.host]
            self._grants_at.pop(route.host, None)
        for held_up in self._held_up.pop(route.host, ()):
            if (waiter := self._first_waiting(held_up)) is not None:
                self._line_up(waiter)
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
        at_host = self._idle_by_host[route.host]
        del at_host[lease]
        if not at_host:
            del self._idle_by_host[route.host]

    def _withdraw(self, waiter: _Waiter) -> None:
        """Whoever waited gave up; what was granted in the same moment goes back."""
        if waiter.granted.done() and not waiter.granted.cancelled() and waiter.granted.exception() is None:
            lease = waiter.granted.result()
            if lease is None:
                self._free(waiter.route)
            else:
                self.release(lease)
            return
        waiter.granted.cancel()
        self._leave_queue(waiter)
        following = self._first_waiting(waiter.route)
        self._serve()
        if following is not None and not following.granted.done():
            self._make_room(following)

    def _leave_queue(self, waiter: _Waiter) -> None:
        """Take a waiter out of its queue; whoever follows the first one lines up."""
        route = waiter.route
        queue = self._queues.get(route)
        if queue is None or waiter not in queue:
            return
        was_first = next(iter(queue)) is waiter
        del queue[waiter]
        if not queue:
            del self._queues[route]
            held_up = self._held_up.get(route.host)
            if held_up is not None and route in held_up:
                del held_up[route]
                if not held_up:
                    del self._held_up[route.host]
        elif was_first:
            self._line_up(next(iter(queue)))
        if len(self._first) > 2 * len(self._queues) + _OUT_OF_DATE:
            self._first = [candidate for candidate in self._first if self._is_candidate(candidate[1])]
            heapify(self._first)

    def _first_waiting(self, route: Route) -> _Waiter | None:
        """The first in the queue of a route who has not given up."""
        while (queue := self._queues.get(route)) is not None:
            waiter = next(iter(queue))
            if not waiter.granted.done():
                return waiter
            self._leave_queue(waiter)  # cancelled a moment ago, and not told yet
        return None

    def _line_up(self, waiter: _Waiter) -> None:
        """Make the first waiter of a route a candidate for the next slot."""
        if waiter.route not in self._held_up.get(waiter.route.host, ()):
            heappush(self._first, (waiter.order, waiter))

    def _is_candidate(self, waiter: _Waiter) -> bool:
        """Whether an entry of the heap is up to date: the first one of a route that is not held up."""
        route = waiter.route
        queue = self._queues.get(route)
        return queue is not None and next(iter(queue)) is waiter and route not in self._held_up.get(route.host, ())

    def _next(self) -> _Waiter | None:
        """The candidate who came first and whose host has room."""
        while self._first:
            waiter = self._first[0][1]
            if not self._is_candidate(waiter):
                heappop(self._first)
            elif waiter.granted.done():
                self._leave_queue(waiter)  # cancelled a moment ago, and not told yet
            elif not self._host_has_room(waiter.route.host):
                heappop(self._first)
                self._held_up.setdefault(waiter.route.host, {})[waiter.route] = None
            else:
                return waiter
        return None

    def _grant(self, waiter: _Waiter, lease: Lease | None) -> None:
        waiter.granted.set_result(lease)
        self._grants += 1
        if self.limit_per_host is not None:
            self._grants_at[waiter.route.host] += 1
        self._leave_queue(waiter)

    def _host_has_room(self, host: Hashable) -> bool:
        return self.limit_per_host is None or self._per_host[host] < self.limit_per_host

    def _oldest_elsewhere(self, route: Route) -> _Waiter | None:
        """The first waiter for another route whom the slot of a connection of this route would serve."""
        following = self._next()
        routes = [each for each in self._held_up.get(route.host, ()) if each != route]
        held_up = [waiter for each in routes if (waiter := self._first_waiting(each)) is not None]
        if following is not None and following.route != route:
            held_up.append(following)
        return min(held_up, key=lambda each: each.order, default=None)

    def _serve(self) -> None:
        """Give free slots to whoever has waited longest, and make room where idle sockets are in the way."""
        while self.open < self.limit and (waiter := self._next()) is not None:
            self._occupy(waiter.route)
            self._grant(waiter, None)
        if (waiter := self._next()) is not None:
            self._make_room(waiter)

    def _make_room(self, waiter: _Waiter) -> None:
        """Close the longest idle connection (of the host, if it is the host that is full), for this waiter."""
        host = waiter.route.host
        if self._host_has_room(host):
            idle, enough = self._idle, len(self._leaving) >= max(len(self._first), 1)
        else:
            idle = self._idle_by_host.get(host)
            enough = any(route.host == host for route in self._leaving.values())
        if idle and not enough:
            lease = next(iter(idle))
            self._leave_idle(lease)
            self._discard(lease)
