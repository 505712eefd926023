"""The kinds of places that the bytes of an upload come from: memory, a file on a disk, and what gives them in order.

A source fills a buffer with its next bytes, off the event loop where that may block. Short reads are not its end.
Files on a disk and memory are read anywhere at any time; everything else is read by one task after the other. Buffers
are used again and again: fresh memory costs as much as sending what it holds.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiosdk import _off_loop
from aiosdk.exceptions import FileChangedError
from aiosdk.services.s3.reading import as_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# What is copied at once without being felt.
_QUICK: Final = 64 * 1024
_CHUNK: Final = 1024 * 1024


class Source(Protocol):
    """The bytes of one upload."""

    name: str
    """What it is, for messages."""

    @property
    def size(self) -> int | None:
        """How many bytes there are, where that is known."""
        ...

    async def fill(self, buffer: memoryview) -> int:
        """Put the next bytes into a buffer and say how many; they fill it, unless the end comes before that."""
        ...

    async def close(self) -> None:
        """Let go of it. What is the user's stays open."""
        ...


class Memory:
    """Bytes that are there already."""

    def __init__(self, name: str, data: memoryview) -> None:
        self.name, self.size = name, data.nbytes
        self._data = data
        self._at = 0
        self._pieces: list[memoryview] = []

    def slice(self, size: int) -> memoryview:
        """Give the next bytes themselves, until this is closed."""
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        self._pieces.append(piece)
        return piece

    async def fill(self, buffer: memoryview) -> int:
        piece = self.slice(len(buffer))
        await copy_into(piece, buffer)
        return len(piece)

    async def close(self) -> None:
        # A bytearray cannot change its size as long as somebody has a piece of it: the traceback of an attempt, say.
        for view in (*self._pieces, self._data):
            with contextlib.suppress(BufferError):  # a thread is still at it, and lets go by itself
                view.release()


def state_of(about: os.stat_result) -> tuple[int, int]:
    """The size of a file and its time, which change when it is written to."""
    return about.st_size, about.st_mtime_ns


class FileOnDisk:
    """A file that is read at any place, by several threads at once, which share no position.

    Args:
        name: What it is.
        number: The descriptor, which is closed at the end, when no thread reads any more.
        start: Where to begin.
        on_end: Called off the event loop when all is over, with the position after the last byte that was taken.
        state: If given, the file's state by `state_of`: its last bytes are given only if it is still in that.
        may_grow: Whether they are given, too, if it is longer by then and what was read is still there.
    """

    def __init__(
        self,
        name: str,
        number: int,
        start: int = 0,
        on_end: Callable[[int], Any] | None = None,
        state: tuple[int, int] | None = None,
        *,
        may_grow: bool = False,
    ) -> None:
        self.name = name
        self.size: int = max(0, (os.fstat(number).st_size if state is None else state[0]) - start)
        self._number = number
        self._start, self._at = start, 0
        self._on_end = on_end
        self._state = state
        self._unread = self.size
        self._sums: dict[int, tuple[int, int]] | None = {} if may_grow else None
        """By its place, how long each piece was that was read, and its CRC."""
        self._lock = threading.Lock()
        self._readers = 0
        self._ended = False

    async def fill(self, buffer: memoryview) -> int:
        at, size = self._at, min(len(buffer), self.size - self._at)
        self._at += size
        if size:
            await _off_loop.call(self._read, at, buffer[:size])
        return size

    def _read(self, at: int, buffer: memoryview) -> None:
        with self._lock:
            if self._ended:
                raise ValueError(f"{self.name} is closed")
            self._readers += 1
        try:
            done = 0
            while done < len(buffer):
                read = self._read_at(self._start + at + done, buffer[done:])
                if not read:
                    problem = f"it had {self.size} bytes, and ended after {at + done}"
                    raise FileChangedError(path=self.name, problem=problem)
                done += read
            self._look_after(at, buffer)
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_done()

    def _look_after(self, at: int, buffer: memoryview) -> None:
        """See that a file is as it was, once as many bytes were read as it has: from then on, any may be the last."""
        if self._sums is not None:
            self._sums[at] = len(buffer), zlib.crc32(buffer)
        with self._lock:
            self._unread -= len(buffer)
            is_over = self._unread <= 0
        if is_over and self._state is not None and (now := state_of(os.fstat(self._number))) != self._state:
            if now[0] <= self._state[0] or not self._has_what_was_read():
                raise FileChangedError(path=self.name, problem="it was written to while it was read")
            self._state = now

    def _has_what_was_read(self) -> bool:
        """Whether all that was read is there as it was: then it was there together, as the file before it grew."""
        if self._sums is None:
            return False
        return all(self._crc(at, size) == crc for at, (size, crc) in self._sums.copy().items())

    def _crc(self, at: int, size: int) -> int:
        chunk, crc = memoryview(bytearray(min(size, _CHUNK))), 0
        while size and not self._ended and (done := self._read_at(at, chunk[:size])):
            crc, at, size = zlib.crc32(chunk[:done], crc), at + done, size - done
        return crc

    async def look(self) -> None:
        """Raise `FileChangedError` if it was to stay in a state and is in another, when it was read to its end."""
        if self._state is not None:
            await _off_loop.call(self._read, self.size, memoryview(b""))

    def read_whole(self) -> Memory:
        """Read a small file at once, and close it. Blocks."""
        data = memoryview(bytearray(self.size))
        self._read(0, data)
        self.close_now()
        return Memory(self.name, data)

    def as_file(self) -> io.RawIOBase:
        """Give it as a file that blocks, with a position of its own."""
        return _FileView(self)

    def read_at(self, position: int, buffer: memoryview) -> int:
        """Fill a buffer from a position; gives how many bytes there were. Blocks."""
        size = max(0, min(len(buffer), self.size - position))
        self._read(position, buffer[:size])
        return size

    def _read_at(self, position: int, buffer: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._number, [buffer], position)
        with self._lock:
            os.lseek(self._number, position, os.SEEK_SET)
            data = os.read(self._number, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    async def close(self) -> None:
        await _off_loop.call(self.close_now)

    def close_now(self) -> None:
        """Let go of it. Blocks."""
        with self._lock:
            if not self._ended:
                self._ended = True
                self._close_if_done()
        if self._on_end is not None:
            self._on_end(self._start + self._at)
            self._on_end = None

    def _close_if_done(self) -> None:
        if self._ended and not self._readers:
            os.close(self._number)


class _FileView(io.RawIOBase):
    """A file on a disk as a file object."""

    def __init__(self, file: FileOnDisk) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        done = self._file.read_at(self._at, memoryview(buffer).cast("B"))
        self._at += done
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = max(0, offset + (0, self._at, self._file.size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at


class Sequence:
    """Something that gives its bytes one after the other, as it likes: reads are made one at a time.

    Args:
        name: What it is.
        read: Gives some bytes, at most as many as it is told; none at the end.
        size: How many there are, where that is known.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[int], Awaitable[Any]],
        size: int | None = None,
        end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name, self.size = name, size
        self._read = read
        self._end = end
        self._left: memoryview = memoryview(b"")
        self._is_over = False

    async def fill(self, buffer: memoryview) -> int:
        done = 0
        while done < len(buffer):
            if not self._left:
                if self._is_over:
                    break
                self._left = as_bytes(self.name, await self._read(len(buffer) - done))
                if not self._left:
                    self._is_over = True
                    break
            piece = self._left[: len(buffer) - done]
            await copy_into(piece, buffer[done:])
            done += len(piece)
            # Whoever gave it may want to fill it again, or make it larger: nobody is to have a piece of it then.
            with self._left as left:
                self._left = left[len(piece) :] if len(piece) < len(left) else memoryview(b"")
            piece.release()
        return done

    async def close(self) -> None:
        self._left.release()
        if self._end is not None:
            await self._end()


async def copy_into(piece: memoryview, buffer: memoryview) -> None:
    size = len(piece)
    if size <= _QUICK:
        buffer[:size] = piece
    else:
        await _off_loop.call(buffer[:size].__setitem__, slice(None), piece)


class RestOfBytesIO(Memory):
    """The bytes of a file in memory, from where it stands.

    They are shared with the file, and copied only if that is written to. A buffer of the file instead would keep it
    from being closed as long as anything knows the buffer: the traceback of an attempt that failed, say.
    """

    def __init__(self, name: str, file: io.BytesIO) -> None:
        at = file.tell()
        super().__init__(name, memoryview(file.getvalue())[at:])
        self._file, self._first = file, at

    async def close(self) -> None:
        await super().close()
        if not self._file.closed:
            self._file.seek(self._first + self._at)
