"""The retries that the clients of a session may make together, so that they cannot storm a service that is down.

A retry costs one, a call that succeeds gives one back. So whoever fails less often than he succeeds never notices; when
everything fails, so many retries are made and no more, until something succeeds again. Each account has a budget at
each endpoint: what fails for one of them takes no retries from another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Hashable

DEFAULT_BUDGET: Final = 1000


class RetryBudget:
    """A bucket of retries. Whoever succeeds adds one to `successes`, which costs next to nothing."""

    __slots__ = ("__weakref__", "_spent", "limit", "successes")

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


class RetryBudgets:
    """The budgets of a session, by whom they concern. Each lives as long as one of the clients that share it."""

    __slots__ = ("_known", "limit")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._known: WeakValueDictionary[Hashable, RetryBudget] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"<RetryBudgets of={len(self._known)} left={self.left} limit={self.limit}>"

    def __len__(self) -> int:
        return len(self._known)

    @property
    def left(self) -> float:
        """How many retries can be made now where most are used up."""
        return min((each.left for each in self._known.values()), default=self.limit)

    def of(self, whom: Hashable) -> RetryBudget:
        """Give the budget for whom requests concern."""
        return self._known.setdefault(whom, RetryBudget(self.limit))
