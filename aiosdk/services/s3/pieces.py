"""Cuts a source into the parts of an upload, for several tasks that send them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiosdk.services.s3.buffers import make_buffer
from aiosdk.services.s3.source_kinds import FileOnDisk, Memory, Source, copy_into

if TYPE_CHECKING:
    from collections.abc import Callable


class InTurn:
    """Fills the buffers of several tasks with the pieces of a source, which are numbered from 1.

    Args:
        source: The source.
        size_of: Gives the size of a piece by its number.
        first: What was taken from the source already, and comes before the rest.
    """

    def __init__(self, source: Source, size_of: Callable[[int], int], first: memoryview) -> None:
        self._source = source
        self._size_of = size_of
        self._first = first
        self._number = 0
        self._is_over = False
        self._lock = asyncio.Lock()

    async def fill(self, buffer: memoryview) -> tuple[int, memoryview, memoryview] | None:
        """Put the next piece into a buffer, or a larger one; gives its number, the buffer, and what it fills of it.

        None when there are no more.
        """
        if isinstance(self._source, (FileOnDisk, Memory)) and not self._first:
            return await self._fill(buffer)  # it knows at once where the next one begins
        async with self._lock:
            return await self._fill(buffer)

    async def _fill(self, buffer: memoryview) -> tuple[int, memoryview, memoryview] | None:
        if self._is_over:
            return None
        self._number += 1
        number, size = self._number, self._size_of(self._number)
        if isinstance(self._source, Memory):
            piece = self._source.slice(size)
            return (number, buffer, piece) if piece else None
        if len(buffer) < size:
            buffer = make_buffer(size)
        view = buffer[:size]
        first, self._first = self._first[:size], self._first[size:]
        if first:
            await copy_into(first, view)
        done = len(first)
        if done < size:
            done += await self._source.fill(view[done:])
        if done < size:
            self._is_over = True
        return (number, buffer, view[:done]) if done else None
