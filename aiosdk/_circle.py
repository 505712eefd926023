"""Finds out that the tokens of pages go round in a circle, of any length (Brent, 1980), and remembers two of them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Trail(NamedTuple):
    """The tokens that were met so far."""

    number: int = 0
    last: Any = None
    landmark: Any = None
    """An earlier one: the first, second, fourth, eighth, ..."""

    def has(self, token: Any) -> bool:
        """Whether a token was met before. One that was is found out sooner or later as it comes again and again."""
        return self.number > 0 and token in (self.last, self.landmark)

    def and_then(self, token: Any) -> Trail:
        """Give the trail with one token more."""
        number = self.number + 1
        return Trail(number, token, token if number & (number - 1) == 0 else self.landmark)
