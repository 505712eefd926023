"""Makes the source of an upload out of what the user gives: a path, bytes, a file, an iterator."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import stat
from collections.abc import AsyncIterable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from aiosdk import _off_loop
from aiosdk.exceptions import FileobjError
from aiosdk.services.s3.reading import Reader, as_bytes, opened
from aiosdk.services.s3.source_kinds import FileOnDisk, Memory, RestOfBytesIO, Sequence, Source, state_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

# Files up to this size are read when they are opened.
_SMALL_FILE: Final = 256 * 1024
_PLAIN: Final = (io.BufferedReader, io.BufferedRandom, io.FileIO)


class InOneState:
    """A file, by its path, that is uploaded as it is when it is opened, or not at all if it is written to meanwhile.

    An object with some bytes of before and some of after would pass for the file: it is newer.

    Args:
        path: The path.
        may_grow: Whether it may become longer meanwhile, as a log does, for which what was read is read once more: the
            object is of the file as it was before.
    """

    def __init__(self, path: str, *, may_grow: bool = False) -> None:
        self.path, self.may_grow = path, may_grow
        self.state: tuple[int, int] = (0, 0)
        """What `state_of` gives, once it is opened."""


async def open_path(path: str, watched: InOneState | None = None) -> Source:
    """Open a file by its path. Pipes and devices are read in order."""

    def open_it() -> tuple[Source, Callable[[], object]]:
        """The source, and what closes it at once."""
        number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            about = os.fstat(number)
            if watched is not None:
                watched.state = state_of(about)
            if stat.S_ISDIR(about.st_mode):
                raise IsADirectoryError(21, "Is a directory: upload_dir() of a bucket uploads directories", path)
            if stat.S_ISREG(about.st_mode) and not _tells_no_size(number, about.st_size):
                if watched is None:
                    source = FileOnDisk(path, number)
                else:
                    source = FileOnDisk(path, number, state=watched.state, may_grow=watched.may_grow)
                small = source.size <= _SMALL_FILE
                return (source.read_whole() if small else source), source.close_now
        except BaseException:
            os.close(number)
            raise
        raw = os.fdopen(number, "rb", buffering=0)
        reader = Reader(path, raw.read, returns=False)

        async def end() -> None:
            await reader.stop()
            await _off_loop.call(raw.close)

        return Sequence(path, reader.read, end=end), raw.close

    source, _ = await opened(open_it, lambda found: found[1]())
    return source


def _tells_no_size(number: int, size: int) -> bool:
    """Whether a file says that it is empty and is not, as those of `/proc` do. Blocks."""
    if size or not os.read(number, 1):
        return False
    os.lseek(number, 0, os.SEEK_SET)
    return True


async def open_object(given: Any) -> Source:
    """Make a source of whatever a user gives that bytes can be read from."""
    if isinstance(given, str):
        raise FileobjError(
            problem="Fileobj is a text. To upload the file of that name call upload_file(); to upload the text, "
            "encode it"
        )
    if isinstance(given, InOneState):
        return await open_path(given.path, given)
    read = getattr(given, "read", None)
    if read is not None:
        return await _open_file(given, read)
    name = f"the {type(given).__name__}"
    with contextlib.suppress(TypeError):
        view = memoryview(given)
        # One with gaps, such as every other element of an array, is copied.
        data = as_bytes(name, view) if view.c_contiguous else await _off_loop.call(as_bytes, name, view)
        return Memory(f"{type(given).__name__} in memory", data)
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
        return Sequence(name, read, await _length(file, is_async=True))
    if type(file) in _PLAIN and (source := await opened(partial(_of_plain_file, name, file), _close)) is not None:
        return source
    size = await _length(file, is_async=False)
    reader = Reader(name, read, returns=size is not None)
    return Sequence(name, reader.read, size, reader.stop)


def _close(source: FileOnDisk | None) -> None:
    if source is not None:
        source.close_now()


def _of_plain_file(name: str, file: Any) -> FileOnDisk | None:
    """Read a file on a disk past its own position, which is moved at the end as if it had been read."""
    raw = file if isinstance(file, io.FileIO) else file.raw
    if type(raw) is not io.FileIO or not file.readable() or not stat.S_ISREG((about := os.fstat(raw.fileno())).st_mode):
        return None
    if file.writable():
        file.flush()
    elif not about.st_size:  # or it does not tell, as those of `/proc`
        return None
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
    except (OSError, NotImplementedError, TypeError, AttributeError, ValueError):
        return None
    end = await do("tell")
    await do("seek", start)  # an error from here on is raised: read where it now stands, the file would look empty
    return max(0, end - start)


def _of_chunks(name: str, chunks: AsyncIterator[Any]) -> Sequence:
    async def chunk(_: int) -> Any:
        async for data in chunks:
            if as_bytes(name, data):  # an empty one is not the end
                return data
        return b""

    return Sequence(name, chunk)


def _of_iterator(name: str, chunks: Iterator[Any]) -> Sequence:
    def take(_: int) -> Any:
        for data in chunks:
            if as_bytes(name, data):  # an empty one is not the end
                return data
        return b""

    reader = Reader(name, take, returns=False)
    return Sequence(name, reader.read, end=reader.stop)
