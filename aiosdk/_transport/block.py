"""A body in memory that is worth some care: neither copied nor hashed on the event loop, nor written at one go."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final

from aiosdk import _off_loop
from aiosdk._transport.pacing import pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiosdk._transport.connector import Wire

# Enough for the kernel to be busy with while the event loop does something else.
SLICE: Final = 256 * 1024
_QUICK: Final = 64 * 1024


class Block:
    """Bytes as a request body, which are a file as well to those who only know files. They are not copied.

    They must stay what they are until the call returns.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data
        self._at = 0
        self._sha256: str | None = None

    def __len__(self) -> int:
        return len(self.data)

    def read(self, size: int | None = -1) -> bytes:
        start = self._at
        self._at = len(self.data) if size is None or size < 0 else min(start + size, len(self.data))
        return bytes(self.data[start : self._at])

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, len(self.data))[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    async def sha256(self) -> str:
        """The hash of the bytes in hexadecimal, worked out once, off the event loop."""
        if self._sha256 is None:
            if len(self.data) <= _QUICK:
                self._sha256 = hashlib.sha256(self.data).hexdigest()
            else:
                self._sha256 = (await _off_loop.call(hashlib.sha256, self.data)).hexdigest()
        return self._sha256


async def slices(
    data: bytes | memoryview, patience: asyncio.Timeout, seconds: float | None
) -> AsyncIterator[memoryview]:
    """Give the bytes piece by piece; `patience` runs out when nobody takes the next one for so many seconds."""
    loop, rate = asyncio.get_running_loop(), pace.get()
    size = SLICE if rate is None else rate.piece
    with memoryview(data) as view:
        for start in range(0, len(view), size):
            if rate is not None:
                patience.reschedule(None)  # it is not the peer that is waited for
                await rate.take(min(size, len(view) - start))
            patience.reschedule(None if seconds is None else loop.time() + seconds)
            yield view[start : start + size]
    patience.reschedule(None)


async def write(wire: Wire, data: bytes | memoryview, seconds: float | None) -> None:
    """Write bytes to a connection as the peer takes them; raises when it takes none for so many seconds."""
    transport, rate = wire.transport, pace.get()
    size = SLICE if rate is None else rate.piece
    with memoryview(data) as view:  # which nobody is to have any longer, not even the traceback of a failure
        for start in range(0, len(view), size):
            if rate is not None:
                await rate.take(min(size, len(view) - start))
            assert transport is not None
            transport.write(view[start : start + size])
            if wire.writing_paused:
                async with asyncio.timeout(seconds):
                    await wire.drained()
    wire.start_timeout()
