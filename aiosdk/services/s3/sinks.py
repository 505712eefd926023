"""Where the bytes of a download go: what all sinks have in common, and which is for what."""

from __future__ import annotations

import asyncio
import errno
import inspect
import io
import os
import stat
from typing import TYPE_CHECKING, Any, Protocol

from aiosdk.services.s3.file_sinks import AsyncFile, AsyncStream, OpenFile
from aiosdk.services.s3.path_sinks import SpecialFile, TemporaryFile

if TYPE_CHECKING:
    from aiosdk.services.s3.blocks import Block
    from aiosdk.services.s3.threads import Thread


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
