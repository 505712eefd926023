"""How fast requests may go to a service that has begun to refuse some for coming too fast. Pure: it is told the time.

A `Pace` first only watches: a few refusals are no reason to be slower. Where many are refused, and more than a few in a
hundred, it cuts the rate at which requests go to a half or less, until most are taken; later it cuts by less. Between
two cuts the rate rises along a cubic curve, as in TCP CUBIC and in AWS's adaptive retries: quickly at first, slowly
around the rate that was too much last time, quickly again beyond it. After the first cut, where nothing is known yet,
it doubles again and again. It rises only while requests really wait for it.

Some services refuse requests whatever the rate: by chance, or because something else is too busy. Who goes slower there
waits for nothing. So where again and again as many are refused at a rate that is lower than what was taken before, the
pace only watches for a while.
"""

from __future__ import annotations

from typing import Final

TOLERATED: Final = 0.06
"""The share of refused requests that is no reason to be slower."""
MEMORY: Final = 100
"""So many requests are remembered, more or less, for that share."""
MANY: Final = 40
"""Where fewer are refused in a second nothing is slower: it is enough that a refused request waits before its retry."""
SOON: Final = 1.0
"""Within so many seconds of a cut the search for the right rate is not over: the next one is a large one."""
LARGE: Final = (0.1, 0.5)
"""What a large cut leaves: somewhat less than was taken of what was sent, within these bounds."""
SOMEWHAT_LESS: Final = 0.8
SMALL: Final = 0.7
"""What a later one leaves; less where less was taken."""
IN_VAIN: Final = 3
"""After so many cuts in a row that found no more sent than had been taken before, the rate is not what matters."""
EARLY: Final = 200
"""So few answers after a cut the rate has hardly risen: less than what was taken before is less. Later ..."""
CLEARLY: Final = 0.85
"""it must be clearly less, for a rate that has come back to its limit is about as high as before."""
LEFT_ALONE: Final = 600.0
"""Seconds in which it only watches then."""
DARK: Final = 40.0
"""Where nothing at all is taken the service may be down, and no rate would help: it is not cut below this then, and is
soon as high as before when the service is back. Where its limit is lower still, something is taken now and then."""
PROBED: Final = 40
"""So many answers are awaited after the first cut, before the rate rises."""
DOUBLES_IN: Final = 0.5
"""Seconds in which the rate doubles after that."""
DOUBLES_LATER_IN: Final = 2.0
"""And when it is far beyond what was too much last time."""
MOST_DOUBLINGS: Final = 40.0
"""That is as good as no limit, for however long it goes on."""
CYCLE: Final = 5.0
"""Seconds until the rate is back where it was cut; more where so few requests go that a cut would cost many."""
REQUESTS_PER_CYCLE: Final = 500
SLOWEST: Final = 0.5
BURST: Final = 0.02
"""Requests of so many seconds may go at once, since timers are not exact."""
OVER_AFTER: Final = 60.0


class Pace:
    """The rate of one stream of requests.

    Args:
        now: The time in seconds, of a clock that only goes forward; the first refusal is told right after this.
    """

    __slots__ = (
        "_at",
        "_credit",
        "_cut",
        "_cuts",
        "_goodput",
        "_grown",
        "_in_second",
        "_in_vain",
        "_last",
        "_left_alone",
        "_marked",
        "_recent",
        "_refused",
        "_second",
        "_sent",
        "_share",
        "_taken",
        "_waited_at",
        "ceiling",
        "rate",
        "since",
    )

    def __init__(self, now: float) -> None:
        self.rate: float | None = None
        """Requests per second, or None while it only watches."""
        self.ceiling = 0.0
        """The rate that was too much."""
        self.since = now
        """The last cut: what was sent before it says nothing of the rate after it."""
        self._cuts = 0
        self._cut = 1.0  # what the last cut left of the rate
        self._grown = 0.0  # seconds since then in which requests waited
        self._share = 0.0  # of the refused among the last ones
        self._sent = self._taken = self._refused = 0  # since then
        self._credit = 1.0
        self._at = self._last = self._marked = now
        self._recent = 0.0  # requests per second, about a second ago
        self._goodput = 0.0  # requests per second that were taken, between the last two cuts
        self._in_vain = 0
        self._second, self._in_second = now, 0  # so many were refused in the second that began then
        self._left_alone = 0.0  # until then
        self._waited_at = now  # when a request last had to wait

    def wait(self, now: float) -> float:
        """Give the seconds until the next request may go."""
        if self.rate is None:
            return 0.0
        most = max(1.0, self.rate * BURST)
        self._credit = min(most, self._credit + (now - self._at) * self.rate)
        self._at = now
        return max(0.0, (1.0 - self._credit) / self.rate)

    def sent(self, now: float, waited: float = 0.0) -> None:
        """Say that a request goes, which has waited so long for its turn."""
        self._sent += 1
        if now - self._marked > SOON:
            self._recent = self._sent / (now - self._marked)
            self._marked, self._sent = now, 0
        if self.rate is None:
            return
        self._credit -= 1.0
        if waited > 0.0:
            self._grown += min(now - self._last, 1.0, waited)
            self._last = self._waited_at = now
            self.rate = self._raised()
        elif now - self._last > 1.0:
            self._last = now - 1.0

    def _raised(self) -> float:
        if self._cuts == 1:
            if self._taken + self._refused < PROBED:
                return self.ceiling * self._cut
            return self.ceiling * self._cut * 2.0 ** min(self._grown / DOUBLES_IN, MOST_DOUBLINGS)
        cycle = max(CYCLE, REQUESTS_PER_CYCLE / self.ceiling)
        cycles = self._grown / cycle
        if cycles > 2.0:  # what was too much is no more: the limit is gone
            doublings = min((self._grown - 2.0 * cycle) / DOUBLES_LATER_IN, MOST_DOUBLINGS)
            return self.ceiling * (2.0 - self._cut) * 2.0**doublings
        return max(SLOWEST, self.ceiling * (1.0 - (1.0 - self._cut) * (1.0 - cycles) ** 3))

    def taken(self, sent_at: float) -> None:
        """Say that a request was not refused that was sent then."""
        if sent_at >= self.since:
            self._taken += 1
            self._share -= self._share / MEMORY

    def refused(self, sent_at: float, now: float) -> bool:
        """Say that a request was refused that was sent then; whether this has changed the rate."""
        if sent_at < self.since or now < self._left_alone:
            return False
        self._refused += 1
        self._share += (1.0 - self._share) / MEMORY
        if now - self._second > 1.0:
            self._second, self._in_second = now, 0
        self._in_second += 1
        if self._share <= TOLERATED or (self.rate is None and self._in_second < MANY):
            return False
        measured = max(self._recent, self._sent / max(now - self._marked, 0.01))
        self._cut_down(now, measured)
        return True

    def _cut_down(self, now: float, measured: float) -> None:
        # A rate may be higher than what is really sent: then it is the latter that was too much.
        self.ceiling = max(SLOWEST, measured if self.rate is None else min(self.rate, measured))
        answered = self._taken + self._refused
        in_vain = self.ceiling <= self._goodput * (CLEARLY if answered > EARLY else 1.0)
        self._in_vain = self._in_vain + 1 if in_vain else 0
        if self._in_vain < IN_VAIN:
            taken = self._taken / answered
            least, most = LARGE
            if self.rate is not None and self._grown >= SOON:
                most = SMALL
            self._cut = min(most, max(least, taken * SOMEWHAT_LESS))
            self._cuts += 1
            self._goodput = self.ceiling * taken
            slowest = SLOWEST
            if not self._taken:  # nothing was learnt: the search begins anew
                slowest = min(DARK, self.rate or DARK)
                self._cut = max(self._cut, slowest / self.ceiling)
                self._cuts = 1
            self.rate = max(slowest, self.ceiling * self._cut)
        else:
            self.rate, self._cuts, self._in_vain, self._goodput = None, 0, 0, 0.0
            self._left_alone = now + LEFT_ALONE
        self.since = self._at = self._last = self._marked = now
        self._grown = self._share = self._credit = self._recent = 0.0
        self._sent = self._taken = self._refused = 0

    def is_over(self, now: float) -> bool:
        """Whether it may be forgotten: for a while nothing was refused that mattered, and nothing waited."""
        return now - max(self.since, self._waited_at, self._left_alone) > OVER_AFTER
