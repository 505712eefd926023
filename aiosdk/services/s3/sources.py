"""Makes the source of an upload out of what the user gives: a path, bytes, a file, an iterator."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import stat
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from aiosdk import _off_loop
from aiosdk.services.s3.source_kinds import FileOnDisk, Memory, RestOfBytesIO, Sequence, Source, as_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

# Files up to this size are read when they are opened.
_SMALL_FILE: Final = 256 * 1024
_PLAIN: Final = (io.BufferedReader, io.BufferedRandom, io.FileIO)


async def open_path(path: str) -> Source:
    """Open a file by its path. Pipes and devices are read in order."""

    def opened() -> tuple[Source | None, int]:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            mode = os.fstat(number).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(21, "Is a directory: upload_dir() of a bucket uploads directories", path)
            if not stat.S_ISREG(mode):
                return None, number
            source = FileOnDisk(path, number)
            return (source.read_whole() if source.size <= _SMALL_FILE else source), number
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
        return RestOfBytesIO(name, file)
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
            if as_bytes(name, data):  # an empty one is not the end
                return data
        return b""

    return Sequence(name, chunk)


def _of_iterator(name: str, chunks: Iterator[Any]) -> Sequence:
    def gather(size: int) -> bytes:
        pieces: list[memoryview] = []
        for data in chunks:
            pieces.append(as_bytes(name, data))
            size -= len(pieces[-1])
            if size <= 0:
                break
        return b"".join(pieces)

    return Sequence(name, lambda size: _off_loop.call(gather, size))
