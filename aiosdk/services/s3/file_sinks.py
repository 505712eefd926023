"""Open files of the user's that downloads are written to, in order; plain ones on threads."""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import stat
from typing import TYPE_CHECKING, Any

from aiosdk.services.s3.blocks import add_to, join, write_rest
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    from aiosdk.services.s3.blocks import Block
    from aiosdk.services.s3.threads import Thread


class OpenFile:
    """A plain file object of the user's, which is written to in order, on a thread, and stays open.

    A write that is under way when the download fails is waited for, so that nothing comes into the file afterwards;
    unless it is a pipe, a socket or a terminal, where nobody knows how long that takes.
    """

    is_ordered = True

    def __init__(self, file: Any) -> None:
        self._file = file
        self._is_raw = isinstance(file, io.RawIOBase)
        self._can_hang: bool | None = None
        self._stopped = False

    def start_write(self, thread: Thread, offset: int, block: Block, checksum: Any) -> asyncio.Future[None]:
        return thread.start(self._write, asyncio.get_running_loop(), block, checksum)

    async def stop_write(self, thread: Thread, writing: asyncio.Future[None]) -> None:
        self._stopped = True
        writing.cancel()
        if not self._can_hang:
            await finish(thread.start(_nothing))

    async def commit(self, thread: Thread) -> None:
        pass

    async def give_up(self) -> None:
        pass

    def _write(self, loop: asyncio.AbstractEventLoop, block: Block, checksum: Any) -> None:
        if self._can_hang is None:
            self._can_hang = _can_hang(self._file)
        add_to(checksum, block)
        for piece in block:
            if self._stopped:
                return
            result = self._file.write(piece)
            if self._is_raw:
                write_rest(self._file.write, piece, result)
            elif inspect.isawaitable(result):  # of a function that does not look like a coroutine function
                asyncio.run_coroutine_threadsafe(_awaited(result), loop).result()


class AsyncFile:
    """An asynchronous file object of the user's, as of aiofiles and anyio, which is written to in order."""

    is_ordered = True

    def __init__(self, file: Any) -> None:
        self._file = file
        below = getattr(file, "wrapped", None) or getattr(file, "_file", None)
        self._is_raw = isinstance(below, io.RawIOBase)

    def start_write(self, thread: Thread, offset: int, block: Block, checksum: Any) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._write(thread, block, checksum))

    async def stop_write(self, thread: Thread, writing: asyncio.Future[None]) -> None:
        writing.cancel()
        await finish(asyncio.wait([writing]))
        if not writing.cancelled():
            writing.exception()  # seen, so that asyncio does not complain

    async def commit(self, thread: Thread) -> None:
        pass

    async def give_up(self) -> None:
        pass

    async def _write(self, thread: Thread, block: Block, checksum: Any) -> None:
        for piece in await thread.start(join, block, checksum):
            rest = piece
            while rest:
                written = await self._file.write(rest)
                rest = rest[written:] if self._is_raw and written else b""


class AsyncStream(AsyncFile):
    """A stream of asyncio's: its `write` does not wait, its `drain` does."""

    async def _write(self, thread: Thread, block: Block, checksum: Any) -> None:
        for piece in await thread.start(join, block, checksum):
            self._file.write(piece)
            await self._file.drain()


def _can_hang(file: Any) -> bool:
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (AttributeError, OSError, ValueError, TypeError):
        return False  # it is no file of the system's
    return not (stat.S_ISREG(mode) or stat.S_ISBLK(mode))


async def _awaited(result: Any) -> Any:
    return await result


def _nothing() -> None:
    pass
