"""Where the bytes of an upload come from: a file, memory, or something that gives them one after the other.

A source fills a buffer with its next bytes, off the event loop where that may block. Short reads are not its end.
Files on a disk and memory are read anywhere at any time; everything else is read by one task after the other. Buffers
are used again and again: fresh memory costs as much as sending what it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import os
import stat
import threading
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiosdk import _off_loop
from aiosdk.exceptions import FileChangedError
from aiosdk.services.s3.buffers import make_buffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

# What is sliced or copied at once without being felt.
_QUICK: Final = 64 * 1024
_PLAIN: Final = (io.BufferedReader, io.BufferedRandom, io.FileIO)


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

    async def fill(self, buffer: memoryview) -> int:
        piece = self._data[self._at : self._at + len(buffer)]
        self._at += len(piece)
        await _copy(piece, buffer)
        return len(piece)

    async def close(self) -> None:
        self._data.release()


class FileOnDisk:
    """A file that is read at any place, by several threads at once, which share no position.

    Args:
        name: What it is.
        number: The descriptor, which is closed at the end, when no thread reads any more.
        start: Where to begin.
        on_end: Called off the event loop when all is over, with the position after the last byte that was taken.
    """

    def __init__(self, name: str, number: int, start: int = 0, on_end: Callable[[int], Any] | None = None) -> None:
        self.name = name
        self.size: int = max(0, os.fstat(number).st_size - start)
        self._number = number
        self._start, self._at = start, 0
        self._on_end = on_end
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
                    raise FileChangedError(path=self.name, expected=self.size, found=at + done)
                done += read
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_done()

    def _read_at(self, position: int, buffer: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._number, [buffer], position)
        with self._lock:
            os.lseek(self._number, position, os.SEEK_SET)
            data = os.read(self._number, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    async def close(self) -> None:
        await _off_loop.call(self._close)

    def _close(self) -> None:
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
                self._left = _as_bytes(self.name, await self._read(len(buffer) - done))
                if not self._left:
                    self._is_over = True
                    break
            piece, self._left = self._left[: len(buffer) - done], self._left[len(buffer) - done :]
            await _copy(piece, buffer[done:])
            done += len(piece)
        return done

    async def close(self) -> None:
        self._left.release()
        if self._end is not None:
            await self._end()


async def _copy(piece: memoryview, buffer: memoryview) -> None:
    size = len(piece)
    if size <= _QUICK:
        buffer[:size] = piece
    else:
        await _off_loop.call(buffer[:size].__setitem__, slice(None), piece)


def _as_bytes(name: str, data: Any) -> memoryview:
    """The bytes of what was read, whatever kind of buffer it is in."""
    if isinstance(data, str):
        raise TypeError(f"{name} gives text, and objects are made of bytes: open the file in binary mode, or encode.")
    if data is None:
        raise BlockingIOError(f"{name} has no bytes yet and does not wait for them: open it in blocking mode.")
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"{name} gives {type(data).__name__} objects; objects are made of bytes.") from None
    return view.cast("B") if view.nbytes else memoryview(b"")


async def open_path(path: str) -> Source:
    """Open a file by its path. Pipes and devices are read in order."""

    def opened() -> tuple[Any, int]:
        # A pipe to which nobody writes yet must not be waited for here by a thread that nobody can stop.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            mode = os.fstat(number).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(21, "Is a directory: upload_dir() of a bucket uploads directories", path)
            return (FileOnDisk(path, number) if stat.S_ISREG(mode) else None), number
        except BaseException:
            os.close(number)
            raise

    source, number = await _off_loop.call(opened)
    if source is not None:
        return source
    raw = os.fdopen(number, "rb", buffering=0)
    return Sequence(path, _reader(raw.read), end=lambda: _off_loop.call(raw.close))


async def open_object(given: Any) -> Source:
    """Make a source of whatever a user gives that bytes can be read from."""
    if isinstance(given, str):
        raise TypeError(
            "Fileobj is a text. To upload the file of that name call upload_file(); to upload the text, encode it."
        )
    read = getattr(given, "read", None)
    if read is not None:
        return await _open_file(given, read)
    with contextlib.suppress(TypeError):
        return Memory(f"{type(given).__name__} in memory", memoryview(given).cast("B"))
    name = f"the {type(given).__name__}"
    if isinstance(given, AsyncIterable):
        return _of_chunks(name, aiter(cast("AsyncIterable[Any]", given)))
    if isinstance(given, Iterable):
        return _of_iterator(name, iter(cast("Iterable[Any]", given)))
    raise ValueError("Fileobj must implement read, or be bytes or an iterator of bytes")


async def _open_file(file: Any, read: Any) -> Source:
    name = f"the file {file.name!r}" if isinstance(getattr(file, "name", None), str) else f"the {type(file).__name__}"
    if type(file) is io.BytesIO:
        return _RestOfBytesIO(name, file)
    if inspect.iscoroutinefunction(read):
        return Sequence(name, _reader(read, is_async=True), await _length(file, is_async=True))
    if type(file) in _PLAIN and (source := await _off_loop.call(_of_plain_file, name, file)) is not None:
        return source
    return Sequence(name, _reader(read), await _length(file, is_async=False))


def _of_plain_file(name: str, file: Any) -> Source | None:
    """Read a file on a disk past its own position, which is moved at the end as if it had been read."""
    raw = file if isinstance(file, io.FileIO) else file.raw
    if type(raw) is not io.FileIO or not file.readable() or not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        return None
    if file.writable():
        file.flush()
    return FileOnDisk(name, os.dup(raw.fileno()), file.tell(), lambda position: file.closed or file.seek(position))


class _RestOfBytesIO(Memory):
    """The bytes of a file in memory, from where it stands."""

    def __init__(self, name: str, file: io.BytesIO) -> None:
        at = file.tell()
        super().__init__(name, file.getbuffer()[at:])
        self._file, self._first = file, at

    async def close(self) -> None:
        await super().close()
        if not self._file.closed:
            self._file.seek(self._first + self._at)


async def _length(file: Any, *, is_async: bool) -> int | None:
    """How many bytes are left in a file; None where it cannot be moved to its end and back."""

    async def do(name: str, *arguments: int) -> Any:
        method = getattr(file, name)
        result = method(*arguments) if is_async else await _off_loop.call(method, *arguments)
        return await result if inspect.isawaitable(result) else result

    if not all(hasattr(file, name) for name in ("seek", "tell")):
        return None
    try:
        if hasattr(file, "seekable") and not await do("seekable"):
            return None
        start = await do("tell")
        await do("seek", 0, os.SEEK_END)
        end = await do("tell")
        await do("seek", start)
    except (OSError, NotImplementedError, TypeError, AttributeError):
        return None
    return max(0, end - start)


def _reader(read: Callable[[int], Any], *, is_async: bool = False) -> Callable[[int], Awaitable[Any]]:
    """Make the function that reads a file: one that blocks goes on until it has enough, on one thread."""

    def gather(size: int) -> Any:
        pieces: list[Any] = []
        while size > 0:
            data = read(size)
            if not isinstance(data, bytes):  # to be awaited, or to be complained of
                return data
            if not data:
                break
            pieces.append(data)
            size -= len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunk(size: int) -> Any:
        data = read(size) if is_async else await _off_loop.call(gather, size)
        return await data if inspect.isawaitable(data) else data

    return chunk


def _of_chunks(name: str, chunks: AsyncIterator[Any]) -> Sequence:
    async def chunk(_: int) -> Any:
        async for data in chunks:
            if _as_bytes(name, data):  # an empty one is not the end
                return data
        return b""

    return Sequence(name, chunk)


def _of_iterator(name: str, chunks: Iterator[Any]) -> Sequence:
    def gather(size: int) -> bytes:
        pieces: list[memoryview] = []
        for data in chunks:
            pieces.append(_as_bytes(name, data))
            size -= len(pieces[-1])
            if size <= 0:
                break
        return b"".join(pieces)

    return Sequence(name, lambda size: _off_loop.call(gather, size))


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
        if len(buffer) < size:
            buffer = make_buffer(size)
        view = buffer[:size]
        first, self._first = self._first[:size], self._first[size:]
        if first:
            await _copy(first, view)
        done = len(first)
        if done < size:
            done += await self._source.fill(view[done:])
        if done < size:
            self._is_over = True
        return (number, buffer, view[:done]) if done else None
