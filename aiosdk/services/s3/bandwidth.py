"""Keeps a transfer below a number of bytes per second."""

from __future__ import annotations

import asyncio
from typing import Final

# What may be sent at once after a pause: enough to keep a connection busy between two looks at the clock.
_BURST_SECONDS: Final = 0.1


class Bandwidth:
    """A bucket that fills with so many bytes per second, which all parts of a transfer take from.

    Args:
        limit: Bytes per second; None for no limit.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        """Wait until so many bytes may be sent, or may have been received."""
        if self._limit is None:
            return
        now = asyncio.get_running_loop().time()
        # When all that was taken so far is through. Whoever comes meanwhile queues up behind that.
        start = max(self._free_at, now - _BURST_SECONDS)
        self._free_at = start + size / self._limit
        await asyncio.sleep(max(0.0, self._free_at - now))
