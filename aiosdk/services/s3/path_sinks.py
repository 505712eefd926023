"""Paths that downloads are written to: the place of a file, or a special file.

A thread cannot be cancelled: each says what a write that is under way may still do when nobody waits for it any more.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final

from aiosdk import _off_loop
from aiosdk.services.s3.blocks import add_to, write_at, write_rest
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    import asyncio
    import io

    from aiosdk.services.s3.blocks import Block
    from aiosdk.services.s3.threads import Thread

_MOST_NAME: Final = 255
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class TemporaryFile:
    """A file beside the target, which takes its place when all is written.

    It comes into being with the first block, so that downloads that wait for a connection hold no file open. A write
    that is under way when the download is given up ends in a file that has no name any more: the descriptor is closed,
    and its number free for others, after that.
    """

    is_ordered = False

    def __init__(self, target: str) -> None:
        self._target = target
        self._lock = threading.Lock()  # taken on threads only
        self._path: str | None = None
        self._fd: int | None = None
        self._writes = 0
        self._given_up = False
        self._was_used = False

    def start_write(self, thread: Thread, offset: int, block: Block, checksum: Any) -> asyncio.Future[None]:
        self._was_used = True
        return thread.start(self._write, offset, block, checksum)

    async def stop_write(self, thread: Thread, writing: asyncio.Future[None]) -> None:
        writing.cancel()

    async def commit(self, thread: Thread) -> None:
        self._was_used = True
        await thread.start(self._replace_target)

    async def give_up(self) -> None:
        if self._was_used:
            await finish(_off_loop.call(self._remove))

    def _write(self, offset: int, block: Block, checksum: Any) -> None:
        fd = self._enter()
        if fd is None:
            return
        try:
            add_to(checksum, block)
            write_at(fd, offset, block, self._lock)
        finally:
            self._leave()

    def _enter(self) -> int | None:
        """Give the descriptor to a write; None when the download was given up."""
        with self._lock:
            if self._given_up:
                return None
            if self._fd is None:
                self._create()
            self._writes += 1
            return self._fd

    def _leave(self) -> None:
        with self._lock:
            self._writes -= 1
            if self._given_up and not self._writes:
                self._close()
                self._unlink()  # where a file that is open could not be removed

    def _create(self) -> None:
        while True:
            path = temporary_name(self._target)
            try:
                self._fd = os.open(path, _FLAGS, 0o666)  # what the umask leaves of it, as for any file
            except FileExistsError:
                continue
            self._path = path
            return

    def _replace_target(self) -> None:
        with self._lock:
            if self._given_up:
                return
            if self._fd is None:  # there was not one byte
                self._create()
            self._close()
            assert self._path is not None
            os.replace(self._path, self._target)
            self._path = None

    def _remove(self) -> None:
        with self._lock:
            self._given_up = True
            if not self._writes:
                self._close()
            self._unlink()

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _unlink(self) -> None:
        if self._path is None:
            return
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass
        except PermissionError:
            if not self._writes:
                raise
            return  # Windows, while it is open
        self._path = None


class SpecialFile:
    """A path where there is a pipe, a device or the like, which is written to as it is.

    To open it or to write to it may take for ever. A thread that does when the download is given up is left to itself,
    and closes the file when it comes back.
    """

    is_ordered = True

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()  # taken on threads only
        self._file: io.FileIO | None = None
        self._is_in_use = False
        self._given_up = False

    def start_write(self, thread: Thread, offset: int, block: Block, checksum: Any) -> asyncio.Future[None]:
        return thread.start(self._write, block, checksum)

    async def stop_write(self, thread: Thread, writing: asyncio.Future[None]) -> None:
        writing.cancel()

    async def commit(self, thread: Thread) -> None:
        await thread.start(self._write, [], None)
        await thread.start(self._close)

    async def give_up(self) -> None:
        await finish(_off_loop.call(self._close))

    def _write(self, block: Block, checksum: Any) -> None:
        add_to(checksum, block)
        file = self._file or open(self._path, "wb", buffering=0)  # noqa: SIM115 - it is closed by _close
        with self._lock:
            self._file, self._is_in_use = file, True
        try:
            for piece in () if self._given_up else block:
                write_rest(file.write, piece, file.write(piece))
        finally:
            with self._lock:
                self._is_in_use = False
                if self._given_up:
                    file.close()

    def _close(self) -> None:
        with self._lock:
            self._given_up = True
            if self._file is not None and not self._is_in_use:
                self._file.close()


def temporary_name(target: str) -> str:
    """Make up a name beside a target's, which says whose it is."""
    folder, name = os.path.split(target)
    ending = "." + secrets.token_hex(4)
    while len(os.fsencode(name)) + len(ending) > _MOST_NAME:
        name = name[:-1]
    return os.path.join(folder, name + ending)
