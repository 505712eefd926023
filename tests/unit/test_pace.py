"""How fast requests go to a service that throttles: simulated, with a clock of the test's own."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from aiosdk._aws.pace import MANY, OVER_AFTER, SLOWEST, TOLERATED, Pace


@dataclass
class Service:
    """Takes so many requests a second, and at once as many as its bucket holds; or refuses some at random."""

    rate: float
    most: float
    unlucky: float = 0.0
    tokens: float = 0.0
    at: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    def takes(self, now: float) -> bool:
        self.tokens = min(self.most, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.chance.random() < self.unlucky or self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Crawl:
    """What happened, second by second: how many requests were sent, and how many of them were refused."""

    pace: Pace
    sent: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)

    def of(self, begin: int, end: int) -> tuple[int, int]:
        seconds = range(begin, end)
        return sum(self.sent.get(each, 0) for each in seconds), sum(self.refused.get(each, 0) for each in seconds)


def crawl(services: list[Service], seconds: float, concurrency: int = 256, latency: float = 0.02) -> Crawl:
    """So many workers, each of which sends its next request when the last one was answered, for so long.

    A worker whose request was refused waits for about a second before it sends it again.
    """
    chance = random.Random(3)
    done = Crawl(Pace(0.0))
    pace, now, order = done.pace, 0.0, 0
    ready: list[tuple[float, int]] = [(chance.random() * latency, number) for number in range(concurrency)]
    under_way: list[tuple[float, int, float, bool]] = []
    heapq.heapify(ready)
    while now < seconds:
        ready_at = ready[0][0] if ready else float("inf")
        go_at = now + pace.wait(now) if ready_at <= now else ready_at
        if under_way and under_way[0][0] <= go_at:
            now, _, sent_at, taken = heapq.heappop(under_way)
            if taken:
                pace.taken(sent_at)
            else:
                pace.refused(sent_at, now)
            order += 1
            heapq.heappush(ready, (now + (0.001 if taken else chance.random()), order))
            continue
        now = go_at
        if pace.wait(now) > 1e-9:
            continue
        heapq.heappop(ready)
        pace.sent(now, now - ready_at)
        taken = chance.choice(services).takes(now)
        second, order = int(now), order + 1
        done.sent[second] = done.sent.get(second, 0) + 1
        done.refused[second] = done.refused.get(second, 0) + (not taken)
        heapq.heappush(under_way, (now + latency * (0.5 + chance.random()), order, now, taken))
    return done


@pytest.mark.parametrize(("rate", "share"), [(2, 0.05), (20, 0.03), (100, 0.03), (1000, 0.03)])
def test_once_settled_few_requests_are_sent_in_vain_and_most_of_what_is_allowed_is_used(
    rate: float, share: float
) -> None:
    end = 300 if rate < 100 else 90
    done = crawl([Service(rate, rate)], end)
    sent, refused = done.of(30, end)
    assert refused / sent < share
    assert sent - refused > 0.75 * rate * (end - 30)


@pytest.mark.parametrize("latency", [0.001, 0.02, 0.2])
def test_it_settles_within_seconds(latency: float) -> None:
    done = crawl([Service(100, 100)], 60, latency=latency)
    sent, refused = done.of(5, 60)
    assert refused / sent < 0.05
    assert sent - refused > 0.7 * 100 * 55


def test_several_prefixes_with_limits_of_their_own_are_crawled_at_about_their_sum() -> None:
    done = crawl([Service(50, 50) for _ in range(10)], 60)
    sent, refused = done.of(5, 60)
    assert refused / sent < 0.05
    assert sent - refused > 0.6 * 500 * 55


@pytest.mark.parametrize("share", [0.005, 0.02])
def test_refusals_that_have_nothing_to_do_with_the_rate_do_not_slow_anything_down(share: float) -> None:
    assert share < TOLERATED
    pace = crawl([Service(10**9, 10**9, share, 10**9)], 3).pace
    assert pace.rate is None or pace.rate > 5000  # of the 12,000 that the workers can send: once in a while one is cut


class Unpaced(Pace):
    """What would be without."""

    def refused(self, sent_at: float, now: float) -> bool:
        return False


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.5])
@pytest.mark.parametrize(("concurrency", "latency"), [(256, 0.02), (50, 0.02), (10, 0.005), (10, 0.2)])
def test_where_many_are_refused_whatever_the_rate_it_is_soon_as_if_nothing_slowed_down(
    share: float, concurrency: int, latency: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def service() -> Service:
        return Service(10**9, 10**9, share, 10**9)

    done = crawl([service()], 30, concurrency, latency)
    assert done.pace.rate is None
    monkeypatch.setattr("tests.unit.test_pace.Pace", Unpaced)
    without = crawl([service()], 30, concurrency, latency)
    assert done.of(5, 30)[0] > 0.9 * without.of(5, 30)[0]


def test_a_service_that_refuses_nearly_all_is_asked_slowly() -> None:
    pace = crawl([Service(10**9, 10**9, 0.97, 10**9)], 60).pace
    assert pace.rate is not None
    assert SLOWEST <= pace.rate < 10


@pytest.mark.parametrize("burst", [0.1, 1, 5])
@pytest.mark.parametrize("latency", [0.02, 0.2])
@pytest.mark.parametrize("limits", [[20], [100], [1000], [50] * 10])
def test_a_limit_is_not_taken_for_chance(limits: list[int], latency: float, burst: float) -> None:
    pace = crawl([Service(limit, limit * burst) for limit in limits], 40, latency=latency).pace
    assert pace.rate is not None


def test_a_service_that_recovers_is_soon_asked_as_fast_as_before() -> None:
    service = Service(20, 20)
    done = Crawl(Pace(0.0))
    now, pace = 0.0, done.pace
    while now < 30:
        now += pace.wait(now) or 0.001
        pace.wait(now)
        pace.sent(now, 0.1)
        if service.takes(now):
            pace.taken(now)
        else:
            pace.refused(now, now)
    assert pace.rate is not None
    assert pace.rate < 40
    for _ in range(100_000):
        now += pace.wait(now) or 0.001
        pace.wait(now)
        pace.sent(now, 0.1)
        pace.taken(now)
        if pace.rate > 1000:
            break
    assert now < 30 + 70


def test_what_was_sent_before_a_cut_says_nothing_of_the_rate_after_it() -> None:
    pace = Pace(0.0)
    for _ in range(2 * MANY):
        pace.sent(0.1)
    assert [pace.refused(0.1, 0.2) for _ in range(2 * MANY)].count(True) == 1


def test_it_is_forgotten_when_nothing_waited_for_long() -> None:
    pace = Pace(0.0)
    assert not pace.is_over(OVER_AFTER)
    assert pace.is_over(OVER_AFTER + 1)


@dataclass
class Down:
    """A service that takes nothing for a while, and otherwise as much as another one."""

    until: float
    service: Service

    def takes(self, now: float) -> bool:
        return self.service.takes(now) and not 1 <= now < self.until


@pytest.mark.parametrize("rate", [500, 10**9])
@pytest.mark.parametrize("until", [1.5, 3, 10])
@pytest.mark.parametrize("concurrency", [64, 256])
def test_after_a_time_in_which_nothing_was_taken_it_is_as_fast_as_before_within_seconds(
    rate: float, until: float, concurrency: int
) -> None:
    service: Any = Down(until, Service(rate, rate))
    done = crawl([service], until + 15, concurrency)
    end = int(until) + 15
    sent, refused = done.of(end - 8, end)
    assert sent - refused > 8 * min(0.75 * rate, 40 * concurrency)
    assert done.of(3, int(until))[0] < 60 * max(0, int(until) - 3) + 1


def test_a_crawl_of_days_goes_on_and_the_pace_is_forgotten_though_requests_go() -> None:
    pace = Pace(0.0)
    for _ in range(2 * MANY):
        pace.sent(0.1)
        pace.refused(0.1, 0.2)
    assert pace.rate is not None
    now = 1.0
    for _ in range(3000):  # of seconds in which every request waited
        now += 1.0
        pace.sent(now, 1.0)
        pace.taken(now)
    assert pace.rate < float("inf")
    assert not pace.is_over(now + OVER_AFTER / 2)
    for _ in range(100):
        now += 1.0
        pace.sent(now)
        pace.taken(now)
    assert pace.is_over(now)
