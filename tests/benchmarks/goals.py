"""The goals that issue 4 set for rows of the tables, and whether a run has met them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Goal:
    """Our figure is to be at most `times` a peer's; without a peer it is to be at most `times` itself."""

    peer: str
    times: float

    def judge(self, figures: Mapping[str, float]) -> str:
        """The goal, and how we stand to it; `figures` are the sides'."""
        ours = figures["aiosdk"]
        if not self.peer:
            return f"goal at most {self.times:g}: {_verdict(ours <= self.times)}"
        factor = f"{self.times:g} x" if self.times >= 1 else f"1/{1 / self.times:.3g} of"
        theirs = figures.get(self.peer, float("nan"))
        verdict = _verdict(ours <= self.times * theirs) if theirs == theirs else "not measured"
        return f"goal at most {factor} {self.peer}: {verdict}"


def _verdict(met: bool) -> str:
    return "met" if met else "NOT YET"


def ratio(ours: float, theirs: float) -> str:
    """What ours is beside theirs: `1.23 x`, or `8.1 x less`."""
    if not (ours > 0 and theirs > 0):  # nothing to divide, or not a number
        return ""
    return f"{ours / theirs:.2f} x" if ours > theirs * 0.7 else f"{theirs / ours:.1f} x less"
