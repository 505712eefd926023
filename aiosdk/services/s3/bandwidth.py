"""Keeps a transfer below a number of bytes per second."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiosdk._transport.pacing import pace

if TYPE_CHECKING:
    from collections.abc import Generator

# What may be sent at once after a pause: enough to keep a connection busy between two looks at the clock.
_BURST_SECONDS: Final = 0.1
_LARGEST_PIECE: Final = 64 * 1024


class Bandwidth:
    """A bucket that fills with so many bytes per second, which all parts of a transfer take from.

    Args:
        limit: Bytes per second; None for no limit.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._free_at = 0.0
        self.piece = _LARGEST_PIECE
        """How many bytes are sent at a time: no more than come together in the time of a burst."""
        if limit is not None:
            self.piece = max(1, min(_LARGEST_PIECE, int(limit * _BURST_SECONDS)))

    @contextmanager
    def limits(self) -> Generator[None]:
        """Have the bodies of the requests that are made meanwhile take from it as they are written."""
        if self._limit is None:
            yield
            return
        token = pace.set(self)
        try:
            yield
        finally:
            pace.reset(token)

    async def take(self, size: int) -> None:
        """Wait until so many bytes may be sent, or may have been received."""
        if self._limit is None:
            return
        now = asyncio.get_running_loop().time()
        # When all that was taken so far is through. Whoever comes meanwhile queues up behind that.
        start = max(self._free_at, now - _BURST_SECONDS)
        self._free_at = start + size / self._limit
        await asyncio.sleep(max(0.0, self._free_at - now))
