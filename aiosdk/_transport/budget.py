"""The retries that all clients of a session may make together, so that they cannot storm a service that is down.

A retry costs one, a request that succeeds gives one back. So whoever fails less often than he succeeds never notices;
when everything fails, so many retries are made and no more, until something succeeds again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiosdk._transport.slots import Traffic

DEFAULT_BUDGET: Final = 1000


class RetryBudget:
    """A bucket of retries.

    Successes are not reported, which would cost each of them something: they are the requests that were sent and have
    not failed. Requests under way count as successes until they fail, which can give back as many as there are
    connections, once.
    """

    __slots__ = ("_counted", "_failures", "_spent", "_traffic", "limit")

    def __init__(self, limit: float, traffic: Traffic) -> None:
        self.limit = limit
        self._traffic = traffic
        self._failures = self._spent = 0
        self._counted = traffic.requests

    def __repr__(self) -> str:
        return f"<RetryBudget left={self.left} limit={self.limit}>"

    @property
    def left(self) -> float:
        """How many retries can be made now."""
        gained = max(0, self._traffic.requests - self._failures - self._counted)
        return self.limit - max(0, self._spent - gained)

    def failed(self) -> None:
        """A request has failed."""
        self._failures += 1

    def take(self) -> bool:
        """Take a retry, if one is left."""
        gained = self._traffic.requests - self._failures - self._counted
        if gained > 0:
            self._counted += gained
            self._spent = max(0, self._spent - gained)
        if self._spent + 1 > self.limit:
            return False
        self._spent += 1
        return True
