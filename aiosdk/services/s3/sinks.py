"""Where the bytes of a download go: into a file beside the target, a special file, or an open file of the user's.

What is not asynchronous runs on threads. A thread cannot be cancelled: each kind says what a write that is under way
may still do when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import io
import os
import secrets
import stat
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiosdk import _off_loop
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk.services.s3.threads import Thread

    Block = list[bytes]

_MOST_NAME: Final = 255
# What one system call takes is 1,024 pieces.
_MOST_PIECES: Final = 512
_JOINED: Final = 1024 * 1024
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Sink(Protocol):
    """Takes the bytes of one download."""

    is_ordered: bool
    """Whether blocks must come in the order of the object, one after the other."""

    def start_write(self, thread: Thread, offset: int, block: Block, checksum: Any) -> asyncio.Future[None]:
        """Begin to write a block, and to add it to a checksum if there is one, and give what tells of its end."""
        ...

    async def stop_write(self, thread: Thread, writing: asyncio.Future[None]) -> None:
        """See to a write whose end nobody waits for: what can be waited for in reasonable time has ended then."""
        ...

    async def commit(self, thread: Thread) -> None:
        """Say that all bytes are written."""
        ...

    async def give_up(self) -> None:
        """Undo what is to be undone."""
        ...


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
            _add(checksum, block)
            _write_at(fd, offset, block, self._lock)
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
        _add(checksum, block)
        for piece in block:
            if self._stopped:
                return
            result = self._file.write(piece)
            if self._is_raw:
                _write_rest(self._file.write, piece, result)
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

    async def commit(self, thread: Thread) -> None:
        pass

    async def give_up(self) -> None:
        pass

    async def _write(self, thread: Thread, block: Block, checksum: Any) -> None:
        for piece in await thread.start(_joined, block, checksum):
            rest = piece
            while rest:
                written = await self._file.write(rest)
                rest = rest[written:] if self._is_raw and written else b""


class AsyncStream(AsyncFile):
    """A stream of asyncio's: its `write` does not wait, its `drain` does."""

    async def _write(self, thread: Thread, block: Block, checksum: Any) -> None:
        for piece in await thread.start(_joined, block, checksum):
            self._file.write(piece)
            await self._file.drain()


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
        _add(checksum, block)
        file = self._file or open(self._path, "wb", buffering=0)  # noqa: SIM115 - it is closed by _close
        with self._lock:
            self._file, self._is_in_use = file, True
        try:
            for piece in () if self._given_up else block:
                _write_rest(file.write, piece, file.write(piece))
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


def sink_for_path(path: str) -> Sink:
    """Give the sink for a path, which is not touched yet. Runs on a thread.

    A link is replaced by the file, as boto3 does, and what it points to stays as it is; unless that is a special file.

    Raises:
        OSError: The path is a folder, or in none.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, f"{os.strerror(errno.ENOENT)}: make the folder first", path) from None
        if not os.path.basename(path):
            raise IsADirectoryError(errno.EISDIR, "A download needs the name of a file", path) from None
        return TemporaryFile(path)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "A download needs the name of a file, and this is a folder", path)
    # A link there stands for an open file: of /dev/stdout, say, which may be a plain file.
    folder = os.path.dirname(os.path.abspath(path))
    if not stat.S_ISREG(mode) or folder == "/dev" or folder.startswith(("/proc/", "/dev/fd")):
        return SpecialFile(path)
    return TemporaryFile(path)


def sink_for_file(file: Any) -> Sink:
    """Give the sink for an open file.

    Raises:
        ValueError: It has no `write`.
        TypeError: It takes text.
    """
    write = getattr(file, "write", None)
    if write is None:
        raise ValueError("Fileobj must implement write")
    below = getattr(file, "wrapped", None) or getattr(file, "_file", None)
    if isinstance(file, io.TextIOBase) or isinstance(below, io.TextIOBase):
        raise TypeError(f"Fileobj={file!r} takes text, and objects are bytes: open it with mode 'wb'.")
    if isinstance(file, asyncio.StreamWriter):
        return AsyncStream(file)
    if inspect.iscoroutinefunction(write):
        return AsyncFile(file)
    return OpenFile(file)


def temporary_name(target: str) -> str:
    """Make up a name beside a target's, which says whose it is."""
    folder, name = os.path.split(target)
    ending = "." + secrets.token_hex(4)
    while len(os.fsencode(name)) + len(ending) > _MOST_NAME:
        name = name[:-1]
    return os.path.join(folder, name + ending)


def _can_hang(file: Any) -> bool:
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (AttributeError, OSError, ValueError, TypeError):
        return False  # it is no file of the system's
    return not (stat.S_ISREG(mode) or stat.S_ISBLK(mode))


def _write_at(fd: int, offset: int, block: Block, lock: threading.Lock) -> None:
    """Write a block at a place in a file, whatever others do there at the same time."""
    if not hasattr(os, "pwritev"):  # Windows, and macOS before 11
        with lock:
            os.lseek(fd, offset, os.SEEK_SET)
            for piece in block:
                _write_rest(lambda rest: os.write(fd, rest), piece, os.write(fd, piece))
        return
    for first in range(0, len(block), _MOST_PIECES):
        pieces: list[bytes] = block[first : first + _MOST_PIECES]
        size = sum(map(len, pieces))
        written = os.pwritev(fd, pieces, offset)
        if written < size:  # the disk is all but full, or a signal came
            data = b"".join(pieces)
            while written < size:
                written += os.pwrite(fd, data[written:], offset + written)
        offset += size


def _write_rest(write: Callable[[bytes], int | None], piece: bytes, written: int | None) -> None:
    """Write what a file of the system's has left over: it writes as much as it can."""
    while True:
        if written is None:
            raise BlockingIOError(errno.EAGAIN, "The file is in non-blocking mode and takes no more bytes now")
        if written >= len(piece):
            return
        piece = piece[written:]
        written = write(piece)


def _add(checksum: Any, block: Block) -> None:
    if checksum is not None:
        for piece in block:
            checksum.update(piece)


def _joined(block: Block, checksum: Any) -> Block:
    """Join small pieces to large ones: for each, an asynchronous file may use a thread."""
    _add(checksum, block)
    joined, some, size = list[bytes](), list[bytes](), 0
    for piece in block:
        if some and size + len(piece) > _JOINED:
            joined.append(b"".join(some))
            some, size = [], 0
        some.append(piece)
        size += len(piece)
    if some:
        joined.append(b"".join(some))
    return joined


async def _awaited(result: Any) -> Any:
    return await result


def _nothing() -> None:
    pass
