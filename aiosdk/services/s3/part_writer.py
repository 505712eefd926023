"""Writes the blocks of one part of a download while the next ones come, in the part's turn where there are turns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiosdk.services.s3.errors import doing

if TYPE_CHECKING:
    from aiosdk.services.s3.progress import Progress
    from aiosdk.services.s3.sinks import Sink
    from aiosdk.services.s3.threads import Thread


class Turns:
    """Whose turn it is to write: that of each part after the one before it, or always everybody's."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._number = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}

    def has_come(self, number: int) -> bool:
        """Whether a part may be written."""
        return not self._ordered or number == self._number

    async def wait(self, number: int) -> None:
        """Wait until it may."""
        if not self.has_come(number):
            turn = self._waiting[number] = asyncio.get_running_loop().create_future()
            await turn

    def pass_on(self) -> None:
        """Say that a part is written."""
        self._number += 1
        turn = self._waiting.pop(self._number, None)
        if turn is not None and not turn.done():
            turn.set_result(None)


class PartWriter:
    """Holds what came of a part until it is written, one block at a time.

    Args:
        sink: Where it goes.
        thread: The thread that writes.
        turns: Whose turn it is.
        number: The part.
        start: Where it begins.
        most: How many bytes may wait while others are written.
        checksum: Of the part, if one is wanted: it has all bytes when the part is finished.
        progress: Is told what is written.
        what: Says in errors what is written.
    """

    def __init__(
        self,
        sink: Sink,
        thread: Thread,
        turns: Turns,
        number: int,
        start: int,
        most: int,
        checksum: Any,
        progress: Progress,
        what: str,
    ) -> None:
        self._sink, self._thread, self._turns, self._number = sink, thread, turns, number
        self._offset, self._most, self._checksum, self._progress, self._what = start, most, checksum, progress, what
        self._held: list[bytes] = []
        self._held_size = 0
        self._writing: asyncio.Future[None] | None = None
        self._writing_size = 0

    async def put(self, block: list[bytes]) -> None:
        """Take a block; waits while too much waits to be written."""
        self._held += block
        self._held_size += sum(map(len, block))
        writing = self._writing
        if writing is not None and (writing.done() or self._held_size >= self._most):
            await self._written(writing)
        if self._writing is None and self._turns.has_come(self._number):
            self._write()

    async def finish(self) -> None:
        """Write all that is held, and wait until it is written."""
        await self._turns.wait(self._number)
        while self._writing is not None or self._held:
            if self._writing is not None:
                await self._written(self._writing)
            if self._held:
                self._write()
        self._turns.pass_on()

    async def stop(self) -> None:
        """Write no more. Does nothing when the part is finished."""
        writing, self._writing = self._writing, None
        self._held.clear()
        if writing is not None:
            await self._sink.stop_write(self._thread, writing)

    def _write(self) -> None:
        block, size, offset = self._held, self._held_size, self._offset
        self._held, self._held_size = [], 0
        self._offset, self._writing_size = offset + size, size
        self._writing = self._sink.start_write(self._thread, offset, block, self._checksum)

    async def _written(self, writing: asyncio.Future[None]) -> None:
        with doing(f"writing {self._what}"):
            await writing
        self._writing = None
        await self._progress.add(self._writing_size)
