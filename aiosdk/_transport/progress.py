"""How far a request has come, for the error of whoever set a deadline. Nobody else has one, and pays for none."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final


class Progress:
    """What a call is at: `prepare`, `turn`, `pool`, `connect`, `send`, `read` or `backoff`.

    Args:
        until: When the time is up, by `time.monotonic`.
        owner: Whose call it is; other calls may be made on the way.
    """

    __slots__ = ("call", "owner", "pause", "phase", "until")

    def __init__(self, until: float, owner: object) -> None:
        self.phase, self.pause = "prepare", 0.0
        self.until, self.owner = until, owner
        self.call: Any = None


progress: Final[ContextVar[Progress | None]] = ContextVar("aiosdk_progress", default=None)


def enter(phase: str) -> None:
    """Tell what the request of the calling code is at, if anybody wants to know."""
    if (current := progress.get()) is not None:
        current.phase = phase
