"""How far a request has come, for whoever set a deadline or may have to end it. Nobody else pays for one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class Progress:
    """What a call is at: `prepare`, `turn`, `pool`, `connect`, `send`, `read` or `backoff`.

    Args:
        until: When the time is up, by `time.monotonic`.
        owner: Whose call it is; other calls may be made on the way.
        watch: Told each phase as it begins; if there is none, that of the progress that this one is within.
    """

    __slots__ = ("call", "owner", "pause", "phase", "until", "watch")

    def __init__(self, until: float, owner: object, watch: Callable[[str], None] | None = None) -> None:
        self.phase, self.pause = "prepare", 0.0
        self.until, self.owner = until, owner
        self.call: Any = None
        outer = progress.get()
        self.watch = outer.watch if watch is None and outer is not None else watch


progress: Final[ContextVar[Progress | None]] = ContextVar("aiosdk_progress", default=None)


def enter(phase: str) -> None:
    """Tell what the request of the calling code is at, if anybody wants to know."""
    if (current := progress.get()) is not None:
        current.phase = phase
        if current.watch is not None:
            current.watch(phase)
