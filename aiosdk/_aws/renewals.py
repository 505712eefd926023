"""How often credentials are renewed before their time because an endpoint says that they have expired.

Keys may really have been taken back before they expire, and then a renewal mends it. But an endpoint that says so
whatever it is sent must not have a provider (STS, a program) run for each of its answers. So each endpoint may ask
twice, and once a minute after that; a renewal that it then shows to have been right hardly counts.
"""

from __future__ import annotations

from typing import Final

MOST: Final = 2.0
"""So many renewals may be asked for at once."""
EVERY: Final = 60.0
"""Seconds until one more may be."""
RIGHT: Final = 0.98
"""What is given back of one after which the request was taken."""
MOST_HOSTS: Final = 100
"""What hosts are there beyond these count as one."""
_OTHERS: Final = ""


class Renewals:
    """What each host has asked for so far. It is told the time, in seconds, of a clock that only goes forward."""

    __slots__ = ("_unproven", "spent")

    def __init__(self) -> None:
        self._unproven: set[str] = set()  # of which it is not known yet whether they were right
        self.spent: dict[str, tuple[float, float]] = {}
        """By host: how many renewals, and when that was so. They fade."""

    def take(self, host: str, now: float) -> bool:
        """Take a renewal for a host, if it has one left."""
        host = self._known(host, now)
        spent = self._spent_by(host, now)
        if spent + 1.0 > MOST:
            return False
        self.spent[host] = spent + 1.0, now
        self._unproven.add(host)
        return True

    def was_right(self, host: str, now: float) -> None:
        """Say that a host has taken a request with the credentials that it had renewed."""
        host = host if host in self.spent else _OTHERS
        if host in self._unproven:
            self._unproven.discard(host)
            self.spent[host] = max(0.0, self._spent_by(host, now) - RIGHT), now

    def _spent_by(self, host: str, now: float) -> float:
        spent, at = self.spent.get(host, (0.0, now))
        return max(0.0, spent - (now - at) / EVERY)

    def _known(self, host: str, now: float) -> str:
        if host in self.spent or len(self.spent) < MOST_HOSTS:
            return host
        for other in [other for other in self.spent if not self._spent_by(other, now)]:
            del self.spent[other]
            self._unproven.discard(other)
        return host if len(self.spent) < MOST_HOSTS else _OTHERS
