"""The pool's bookkeeping without sockets: examples by name, and a machine that does anything in any order."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from aiosdk._transport.slots import MAX_PASSED_OVER, Lease, Route, Slots

A = Route("a", "a")
B = Route("b", "b")
C = Route("c", "c")
A_WITH_OTHER_TLS = Route("a", "a, other TLS settings")


@dataclass(eq=False)
class FakeLease:
    route: Route
    usable: bool = True
    discarded: int = 0

    def is_usable(self) -> bool:
        return self.usable and not self.discarded

    def discard(self) -> None:
        self.discarded += 1


async def open_one(slots: Slots, route: Route) -> FakeLease:
    assert await slots.acquire(route) is None
    lease = FakeLease(route)
    slots.opened(lease, route)
    return lease


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def wait_for(slots: Slots, route: Route) -> asyncio.Task[Lease | None]:
    return asyncio.create_task(slots.acquire(route))


async def test_a_free_slot_is_granted_at_once() -> None:
    slots = Slots(1)
    assert await slots.acquire(A) is None
    assert (slots.open, slots.idle, slots.waiting) == (1, 0, 0)


async def test_an_idle_connection_of_the_route_is_preferred_to_a_new_one() -> None:
    slots = Slots(10)
    lease = await open_one(slots, A)
    slots.release(lease)
    assert await slots.acquire(A) is lease
    assert slots.open == 1


async def test_the_connection_used_last_is_taken_first() -> None:
    slots = Slots(10)
    first, second = await open_one(slots, A), await open_one(slots, A)
    slots.release(first)
    slots.release(second)
    assert slots.take_idle(A) is second


async def test_connections_with_other_settings_are_no_substitute() -> None:
    slots = Slots(10)
    slots.release(await open_one(slots, A))
    assert await slots.acquire(A_WITH_OTHER_TLS) is None
    assert slots.open == 2


async def test_an_idle_connection_that_is_no_longer_usable_is_closed_and_not_given() -> None:
    slots = Slots(10)
    lease = await open_one(slots, A)
    slots.release(lease)
    lease.usable = False
    assert slots.take_idle(A) is None
    assert lease.discarded == 1
    assert slots.open == 1, "its socket is still there"
    slots.lost(lease)
    assert slots.open == 0


async def test_a_slot_comes_free_when_the_socket_is_gone_and_not_when_it_is_told_to_go() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    slots.discard(lease)
    waiting = wait_for(slots, A)
    await settle()
    assert not waiting.done()
    slots.lost(lease)
    assert await waiting is None


async def test_a_connection_that_failed_to_open_gives_its_slot_to_the_next() -> None:
    slots = Slots(1)
    assert await slots.acquire(A) is None
    waiting = wait_for(slots, A)
    await settle()
    slots.failed(A)
    assert await waiting is None
    assert slots.open == 1


async def test_a_released_connection_goes_to_whoever_waits_for_its_host() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    waiting = wait_for(slots, A)
    await settle()
    slots.release(lease)
    assert await waiting is lease
    assert lease.discarded == 0


async def test_waiters_of_one_host_are_served_in_their_order() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    served: list[int] = []

    async def one(number: int) -> None:
        got = await slots.acquire(A)
        served.append(number)
        slots.release(got)

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await settle()
    slots.release(lease)
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2, 3, 4]


async def test_idle_connections_to_other_hosts_make_room_longest_idle_first() -> None:
    slots = Slots(2)
    first, second = await open_one(slots, A), await open_one(slots, B)
    slots.release(first)
    slots.release(second)
    waiting = wait_for(slots, C)
    await settle()
    assert (first.discarded, second.discarded) == (1, 0)
    assert not waiting.done()
    slots.lost(first)
    assert await waiting is None
    assert slots.open == 2


async def test_a_host_that_is_full_makes_room_among_its_own_connections_only() -> None:
    slots = Slots(10, 1)
    elsewhere, other_tls = await open_one(slots, B), await open_one(slots, A_WITH_OTHER_TLS)
    slots.release(elsewhere)
    slots.release(other_tls)
    waiting = wait_for(slots, A)
    await settle()
    assert (elsewhere.discarded, other_tls.discarded) == (0, 1)
    slots.lost(other_tls)
    assert await waiting is None


async def test_a_released_connection_serves_a_later_waiter_when_the_first_one_cannot_use_it() -> None:
    slots = Slots(10, 2)
    one, two = await open_one(slots, A), await open_one(slots, A)
    for_other_tls, for_this = wait_for(slots, A_WITH_OTHER_TLS), wait_for(slots, A)
    await settle()
    slots.release(one)
    slots.release(two)  # one of them serves, the other makes room
    kept = await asyncio.wait_for(for_this, 1)
    slots.lost(two if kept is one else one)
    assert await for_other_tls is None


async def test_a_full_host_holds_up_nobody_else() -> None:
    slots = Slots(3, 1)
    await open_one(slots, A)
    stuck = wait_for(slots, A)
    await settle()
    assert await asyncio.wait_for(slots.acquire(B), 5) is None
    assert not stuck.done()
    stuck.cancel()


async def test_a_busy_host_passes_over_an_older_waiter_only_so_often() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    old = wait_for(slots, B)
    await settle()
    passed = 0
    young = [wait_for(slots, A) for _ in range(3 * MAX_PASSED_OVER)]
    await settle()
    while not lease.discarded:
        slots.release(lease)
        await settle()
        passed += 1
    assert passed == MAX_PASSED_OVER + 1
    slots.lost(lease)
    assert await old is None
    for task in young:
        task.cancel()


async def test_what_is_urgent_is_served_before_all_others() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    served: list[str] = []

    async def one(name: str, route: Route, is_urgent: bool) -> None:
        got = await slots.acquire(route, is_urgent=is_urgent)
        served.append(name)
        if got is None:
            got = FakeLease(route)
            slots.opened(got, route)
        slots.discard(got)
        slots.lost(got)

    asked = [("elsewhere", B, False), ("here", A, False), ("here too", A, False), ("urgent", A, True)]
    tasks = [asyncio.create_task(one(*each)) for each in asked]
    await settle()
    slots.discard(lease)
    slots.lost(lease)
    await asyncio.gather(*tasks)
    assert served == ["urgent", "elsewhere", "here", "here too"]


async def test_an_urgent_waiter_that_gives_up_leaves_the_others_as_they_were() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    first, second = wait_for(slots, A), wait_for(slots, A)
    await settle()
    urgent = asyncio.create_task(slots.acquire(A, is_urgent=True))
    await settle()
    urgent.cancel()
    await settle()
    slots.release(lease)
    assert await first is lease
    slots.release(lease)
    assert await second is lease


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    waiting = wait_for(slots, A)
    await settle()
    waiting.cancel()
    await settle()
    assert slots.waiting == 0
    slots.release(lease)
    assert slots.take_idle(A) is lease


async def test_a_waiter_cancelled_when_it_was_just_given_a_slot_gives_it_back() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    waiting = wait_for(slots, A)
    await settle()
    slots.lost(lease)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert slots.open == 0


async def test_a_waiter_cancelled_when_it_was_just_given_a_connection_hands_it_to_the_next() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    first, second = wait_for(slots, A), wait_for(slots, A)
    await settle()
    slots.release(lease)
    first.cancel()
    assert await second is lease


async def test_a_connection_lost_when_it_was_just_given_away_is_not_counted_twice() -> None:
    slots = Slots(1)
    lease = await open_one(slots, A)
    waiting = wait_for(slots, A)
    await settle()
    slots.release(lease)
    slots.lost(lease)
    assert await waiting is lease
    slots.release(lease)
    slots.discard(lease)
    slots.lost(lease)
    assert (slots.open, slots.idle) == (0, 0)


async def test_releasing_or_discarding_twice_does_nothing_more() -> None:
    slots = Slots(2)
    lease = await open_one(slots, A)
    slots.discard(lease)
    slots.discard(lease)
    slots.release(lease)
    assert lease.discarded == 1
    assert slots.idle == 0


async def test_closing_wakes_everybody_who_waits_with_the_error() -> None:
    slots = Slots(1)
    await open_one(slots, A)
    waiting = [wait_for(slots, route) for route in (A, A, B)]
    await settle()
    slots.fail_waiters(RuntimeError("closing"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in results] == ["closing"] * 3
    assert slots.waiting == 0


async def give_up(slots: Slots, *routes: Route) -> None:
    tasks = [wait_for(slots, route) for route in routes]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def remembered(slots: Slots) -> int:
    """How many waiters the slots hold, wherever they do: in queues, among the candidates, among those held up."""
    queued = sum(len(queue) for queue in slots._queues.values())
    return queued + len(slots._first) + sum(len(each) for each in slots._held_up.values())


@pytest.mark.parametrize("per_host", [None, 1])
@pytest.mark.parametrize("route", [A, A_WITH_OTHER_TLS, B])
async def test_those_who_gave_up_are_gone_also_behind_one_who_waits(route: Route, per_host: int | None) -> None:
    slots = Slots(1, per_host)
    lease = await open_one(slots, A)
    patient = wait_for(slots, A)
    await settle()
    before = remembered(slots)
    for _ in range(300):
        await give_up(slots, route, route)
    assert remembered(slots) <= before + 70, "600 have given up"
    slots.release(lease)
    assert await patient is lease


async def test_a_host_at_its_cap_remembers_nobody_whom_it_has_served() -> None:
    slots = Slots(10, 1)
    lease = await open_one(slots, A)
    for _ in range(300):  # a fan-out over kept connections: none is opened, none is closed
        waiting = wait_for(slots, A)
        await settle()
        slots.release(lease)
        assert await waiting is lease
    assert remembered(slots) <= 70


async def test_giving_up_costs_the_same_however_many_wait() -> None:
    slots = Slots(1)
    await open_one(slots, A)
    many = [wait_for(slots, A) for _ in range(1000)]
    await settle()
    for task in many[1:]:
        task.cancel()
    await settle()
    assert slots.waiting == 1
    assert len(slots._queues[A]) == 1
    many[0].cancel()
    await settle()
    assert not slots._queues


@dataclass(eq=False)
class Asker:
    """Somebody who waits, as the machine below keeps track of it."""

    route: Route
    order: int
    ahead: int
    task: asyncio.Task[Lease | None]
    passed_over: int = 0


@dataclass
class Model:
    """What should be true of the slots, kept in the most obvious way."""

    waiting: list[Asker] = field(default_factory=list)
    opening: list[Route] = field(default_factory=list)
    in_use: list[FakeLease] = field(default_factory=list)
    gone_in_use: list[FakeLease] = field(default_factory=list)
    sockets: list[FakeLease] = field(default_factory=list)

    @property
    def idle(self) -> list[FakeLease]:
        return [lease for lease in self.sockets if lease not in self.in_use and not lease.discarded]

    @property
    def leaving(self) -> list[FakeLease]:
        return [lease for lease in self.sockets if lease.discarded]

    @property
    def open(self) -> int:
        return len(self.opening) + len(self.sockets)

    @property
    def open_per_host(self) -> Counter[object]:
        return Counter(route.host for route in [*self.opening, *(lease.route for lease in self.sockets)])


ROUTES = st.sampled_from([A, A_WITH_OTHER_TLS, B, C])
PICK = st.integers(min_value=0, max_value=1000)


class AnythingInAnyOrder(RuleBasedStateMachine):
    """Asks, cancels, opens, fails, releases, discards and loses; after each step the rules must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model = Model()
        self.arrivals = 0

    @initialize(limit=st.integers(1, 4), per_host=st.none() | st.integers(1, 2))
    def make(self, limit: int, per_host: int | None) -> None:
        self.limit, self.per_host = limit, per_host
        self.slots = Slots(limit, per_host)

    def settle(self) -> None:
        """Let whoever was granted something take it; check that the order was fair."""
        model = self.model
        could_wait = [asker for asker in model.waiting if self.host_has_room(asker.route.host)]
        leaving_before = bool(model.leaving)
        self.loop.run_until_complete(settle())
        done = [asker for asker in model.waiting if asker.task.done()]
        model.waiting = [asker for asker in model.waiting if not asker.task.done()]
        for asker in done:
            if asker.task.cancelled():
                continue
            lease = asker.task.result()
            if lease is None:
                model.opening.append(asker.route)
                self.check_first_come_first_served(asker)
            else:
                assert isinstance(lease, FakeLease)
                assert lease.route == asker.route
                assert lease not in model.in_use, "one connection was given to two"
                (model.in_use if lease in model.sockets else model.gone_in_use).append(lease)
                self.check_first_come_first_served(asker, asker.route)
            for other in model.waiting:
                if other.order < asker.order and other in could_wait and not leaving_before:
                    other.passed_over += 1

    def check_first_come_first_served(self, served: Asker, route: Route | None = None) -> None:
        for other in self.model.waiting:
            same_line = other.route == route if route is not None else other.route.host == served.route.host
            assert not (same_line and other.order < served.order), f"{served} was served before {other}"

    def host_has_room(self, host: object) -> bool:
        return self.per_host is None or self.model.open_per_host[host] < self.per_host

    @rule(route=ROUTES, is_urgent=st.booleans())
    def ask(self, route: Route, is_urgent: bool) -> None:
        self.arrivals += 1
        task = self.loop.create_task(self.slots.acquire(route, is_urgent=is_urgent))
        order = -self.arrivals if is_urgent else self.arrivals
        self.model.waiting.append(Asker(route, order, len(self.model.waiting), task))
        self.settle()

    @precondition(lambda self: self.model.waiting)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self.model.waiting[pick % len(self.model.waiting)].task.cancel()
        self.settle()

    @precondition(lambda self: self.model.opening)
    @rule(pick=PICK)
    def open(self, pick: int) -> None:
        route = self.model.opening.pop(pick % len(self.model.opening))
        lease = FakeLease(route)
        self.model.sockets.append(lease)
        self.model.in_use.append(lease)
        self.slots.opened(lease, route)
        self.settle()

    @precondition(lambda self: self.model.opening)
    @rule(pick=PICK, cancel=st.booleans())
    def fail(self, pick: int, cancel: bool) -> None:
        self.slots.failed(self.model.opening.pop(pick % len(self.model.opening)))
        self.cancel_those_just_served(cancel)
        self.settle()

    @precondition(lambda self: self.model.in_use)
    @rule(pick=PICK, cancel=st.booleans())
    def release(self, pick: int, cancel: bool) -> None:
        self.slots.release(self.model.in_use.pop(pick % len(self.model.in_use)))
        self.cancel_those_just_served(cancel)
        self.settle()

    @precondition(lambda self: self.model.sockets)
    @rule(pick=PICK)
    def discard(self, pick: int) -> None:
        lease = self.model.sockets[pick % len(self.model.sockets)]
        if lease in self.model.in_use:
            self.model.in_use.remove(lease)
        self.slots.discard(lease)
        self.settle()

    @precondition(lambda self: self.model.sockets)
    @rule(pick=PICK, cancel=st.booleans())
    def lose(self, pick: int, cancel: bool) -> None:
        self.lose_one(self.model.sockets[pick % len(self.model.sockets)])
        self.cancel_those_just_served(cancel)
        self.settle()

    @precondition(lambda self: self.model.gone_in_use)
    @rule(how=st.sampled_from(["release", "discard"]))
    def give_back_one_that_was_lost(self, how: str) -> None:
        getattr(self.slots, how)(self.model.gone_in_use.pop())
        self.settle()

    @precondition(lambda self: self.model.sockets)
    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        self.model.sockets[pick % len(self.model.sockets)].usable = False

    def lose_one(self, lease: FakeLease) -> None:
        self.model.sockets.remove(lease)
        if lease in self.model.in_use:
            self.model.in_use.remove(lease)
            self.model.gone_in_use.append(lease)
        lease.usable = False
        self.slots.lost(lease)

    def cancel_those_just_served(self, really: bool) -> None:
        if really:
            left = self.slots.waiting
            if left < len(self.model.waiting):
                for asker in self.model.waiting:
                    asker.task.cancel()

    @invariant()
    def the_rules_hold(self) -> None:
        if hasattr(self, "slots"):
            self.check_counts()
            for asker in self.model.waiting:
                self.check_that_nothing_could_serve(asker)
                assert asker.passed_over <= MAX_PASSED_OVER * (1 + asker.ahead), f"{asker} is passed over for ever"

    def check_counts(self) -> None:
        slots, model = self.slots, self.model
        assert slots.open == model.open <= self.limit
        if self.per_host is not None:
            assert all(count <= self.per_host for count in model.open_per_host.values())
        assert set(slots.leases()) == set(model.sockets)
        assert all(lease.discarded <= 1 for lease in model.sockets)
        assert set(slots.idle_leases()) == set(model.idle), "a connection is idle or in use, never both"
        assert slots.idle == len(model.idle)
        assert slots.waiting == len(model.waiting)

    def check_that_nothing_could_serve(self, asker: Asker) -> None:
        model, host = self.model, asker.route.host
        usable = [lease for lease in model.idle if lease.route == asker.route and lease.usable]
        assert not usable, f"{asker} waits while {usable} idle"
        if self.host_has_room(host):
            assert model.open >= self.limit, f"{asker} waits while there is room"
            assert model.leaving or not model.idle, f"{asker} waits and nothing idle is being closed"
        else:
            idle = [lease for lease in model.idle if lease.route.host == host]
            leaving = [lease for lease in model.leaving if lease.route.host == host]
            assert leaving or not idle, f"{asker} waits and nothing idle of its host is being closed"

    def teardown(self) -> None:
        """When everything in use is given back in turn and everything told to go goes, everybody is served."""
        try:
            if hasattr(self, "slots"):
                self.serve_everybody()
        finally:
            for asker in self.model.waiting:
                asker.task.cancel()
            self.loop.run_until_complete(settle())
            self.loop.close()

    def serve_everybody(self) -> None:
        model = self.model
        for _ in range(20 * (1 + len(model.waiting)) * (1 + MAX_PASSED_OVER)):
            if not model.waiting:
                break
            if model.leaving:
                self.lose_one(model.leaving[0])
            elif model.opening:
                self.slots.failed(model.opening.pop(0))
            elif model.in_use:
                self.slots.release(model.in_use.pop(0))
            self.settle()
        assert not model.waiting, "somebody waits for ever"


def test_whatever_happens_the_caps_hold_and_everybody_is_served_in_turn() -> None:
    run_state_machine_as_test(
        AnythingInAnyOrder,
        settings=settings(
            max_examples=400 if os.environ.get("AIOSDK_DEEP") == "1" else 100,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
