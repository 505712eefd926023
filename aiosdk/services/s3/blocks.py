"""What is done with a block, a list of pieces of bytes, on a thread: it is written, joined, added to a checksum."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    Block = list[bytes]

# What one system call takes is 1,024 pieces.
_MOST_PIECES: Final = 512
_JOINED: Final = 1024 * 1024


def write_at(fd: int, offset: int, block: Block, lock: threading.Lock) -> None:
    """Write a block at a place in a file, whatever others do there at the same time."""
    if not hasattr(os, "pwritev"):  # Windows, and macOS before 11
        with lock:
            os.lseek(fd, offset, os.SEEK_SET)
            for piece in block:
                write_rest(lambda rest: os.write(fd, rest), piece, os.write(fd, piece))
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


def write_rest(write: Callable[[bytes], int | None], piece: bytes, written: int | None) -> None:
    """Write what a file of the system's has left over: it writes as much as it can."""
    while True:
        if written is None:
            raise BlockingIOError(errno.EAGAIN, "The file is in non-blocking mode and takes no more bytes now")
        if written >= len(piece):
            return
        piece = piece[written:]
        written = write(piece)


def add_to(checksum: Any, block: Block) -> None:
    """Add a block to a checksum, if there is one."""
    if checksum is not None:
        for piece in block:
            checksum.update(piece)


def join(block: Block, checksum: Any) -> Block:
    """Join small pieces to large ones, for whom each write costs; and add them to a checksum, if there is one."""
    add_to(checksum, block)
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
