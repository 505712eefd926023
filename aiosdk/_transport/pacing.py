"""Keeps the bodies of requests below a rate that their sender has set: they take from it as they are written."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator


class Pace(Protocol):
    """A rate, which several requests may share."""

    piece: int
    """How many bytes are written at a time: few, or a body would be fast and then stand still."""

    async def take(self, size: int) -> None:
        """Wait until so many bytes may be written."""
        ...


pace: Final[ContextVar[Pace | None]] = ContextVar("aiosdk_pace", default=None)
"""That of the requests of the calling code; None for as fast as they go."""


async def paced(chunks: AsyncIterable[bytes], rate: Pace) -> AsyncIterator[bytes]:
    """Give what others give, in small pieces, each when its time has come."""
    async for chunk in chunks:
        for start in range(0, len(chunk), rate.piece):
            piece = chunk[start : start + rate.piece]
            await rate.take(len(piece))
            yield piece
