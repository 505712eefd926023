"""The retries that all clients of a session may make together, so that they cannot storm a service that is down.

A retry costs one, a call that succeeds gives one back. So whoever fails less often than he succeeds never notices; when
everything fails, so many retries are made and no more, until something succeeds again.
"""

from __future__ import annotations

from typing import Final

DEFAULT_BUDGET: Final = 1000


class RetryBudget:
    """A bucket of retries. Whoever succeeds adds one to `successes`, which costs next to nothing."""

    __slots__ = ("_spent", "limit", "successes")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.successes = 0
        self._spent = 0

    def __repr__(self) -> str:
        return f"<RetryBudget left={self.left} limit={self.limit}>"

    @property
    def left(self) -> float:
        """How many retries can be made now."""
        return self.limit - max(0, self._spent - self.successes)

    def take(self) -> bool:
        """Take a retry, if one is left."""
        self._spent = max(0, self._spent - self.successes)
        self.successes = 0
        if self._spent + 1 > self.limit:
            return False
        self._spent += 1
        return True
