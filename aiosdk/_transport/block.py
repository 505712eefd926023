"""A body in memory that is worth some care: neither copied nor hashed on the event loop, nor written at one go."""

from __future__ import annotations

import asyncio
import hashlib
import io
from typing import TYPE_CHECKING, Final

from aiosdk import _off_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiosdk._transport.connector import Wire

# Enough for the kernel to be busy with while the event loop does something else.
SLICE: Final = 256 * 1024
_QUICK: Final = 64 * 1024


class Block(io.BytesIO):
    """Bytes as a request body, which are a file as well to those who only know files; the bytes are not copied."""

    _sha256: str | None = None

    @property
    def data(self) -> bytes:
        """All the bytes, wherever the file stands."""
        return self.getvalue()

    def __len__(self) -> int:
        return self.getbuffer().nbytes

    async def sha256(self) -> str:
        """The hash of the bytes in hexadecimal, worked out once, off the event loop."""
        if self._sha256 is None:
            data = self.data
            if len(data) <= _QUICK:
                self._sha256 = hashlib.sha256(data).hexdigest()
            else:
                self._sha256 = (await _off_loop.call(hashlib.sha256, data)).hexdigest()
        return self._sha256


async def slices(data: bytes, patience: asyncio.Timeout, seconds: float | None) -> AsyncIterator[memoryview]:
    """Give the bytes piece by piece; `patience` runs out when nobody takes the next one for so many seconds."""
    loop, view = asyncio.get_running_loop(), memoryview(data)
    for start in range(0, len(view), SLICE):
        patience.reschedule(None if seconds is None else loop.time() + seconds)
        yield view[start : start + SLICE]
    patience.reschedule(None)


async def write(wire: Wire, data: bytes, seconds: float | None) -> None:
    """Write bytes to a connection as the peer takes them; raises when it takes none for so many seconds."""
    transport, view = wire.transport, memoryview(data)
    for start in range(0, len(view), SLICE):
        assert transport is not None
        transport.write(view[start : start + SLICE])
        if wire.writing_paused:
            async with asyncio.timeout(seconds):
                await wire.drained()
    wire.start_timeout()
