"""Everything that a transfer can read from and write to, with ways to make it and to see what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import mmap
import os
import pathlib
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiofiles.threadpool
import anyio

CHUNK = 10_007
"""How much iterators give at once: nothing that parts are a multiple of."""


class ShortReader:
    """A file that gives less than it is asked for, as pipes and sockets do, and cannot be moved."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size if size < 0 else min(size, 7_001))


class AsyncShortReader:
    """An asynchronous stream with nothing but `read`, which gives what has come."""

    def __init__(self, data: bytes) -> None:
        self._file = ShortReader(data)

    async def read(self, size: int = -1) -> bytes:
        await asyncio.sleep(0)
        return self._file.read(size)


def chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


async def async_chunks(data: bytes) -> AsyncIterator[bytes]:
    yield b""  # an empty chunk is not the end
    for chunk in chunks(data):
        await asyncio.sleep(0)
        yield chunk


def _file(data: bytes, folder: pathlib.Path) -> pathlib.Path:
    path = folder / "source"
    path.write_bytes(data)
    return path


def _spooled(data: bytes, _: pathlib.Path) -> Any:
    file = tempfile.SpooledTemporaryFile(max_size=1000)  # noqa: SIM115 - the test closes it
    file.write(data)
    file.seek(0)
    return file


def _pipe(data: bytes, _: pathlib.Path) -> Any:
    reading, writing = os.pipe()

    def fill() -> None:
        with contextlib.suppress(BrokenPipeError), open(writing, "wb") as file:
            file.write(data)

    threading.Thread(target=fill, daemon=True).start()
    return open(reading, "rb")


def _offset(data: bytes, folder: pathlib.Path) -> Any:
    file = _file(b"skipped" + data, folder).open("rb")
    file.read(7)
    return file


def _mapped(data: bytes, folder: pathlib.Path) -> Any:
    if not data:
        return memoryview(data)
    with _file(data, folder).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


SOURCES: dict[str, Callable[[bytes, pathlib.Path], Any]] = {
    "path": lambda data, folder: str(_file(data, folder)),
    "Path": _file,
    "bytes": lambda data, _: data,
    "bytearray": lambda data, _: bytearray(data),
    "memoryview": lambda data, _: memoryview(data),
    "mmap": _mapped,
    "BytesIO": lambda data, _: io.BytesIO(data),
    "file": lambda data, folder: _file(data, folder).open("rb"),
    "unbuffered file": lambda data, folder: _file(data, folder).open("rb", buffering=0),
    "file, from where it stands": _offset,
    "spooled file": _spooled,
    "pipe": _pipe,
    "short reader": lambda data, _: ShortReader(data),
    "async file": lambda data, folder: aiofiles.threadpool.wrap(_file(data, folder).open("rb")),
    "async file of anyio": lambda data, folder: anyio.wrap_file(_file(data, folder).open("rb")),
    "async short reader": lambda data, _: AsyncShortReader(data),
    "list of chunks": lambda data, _: list(chunks(data)),
    "iterator": lambda data, _: chunks(data),
    "async iterator": lambda data, _: async_chunks(data),
}
"""By kind: makes a source of bytes, with files in a folder. Blocks."""


class Writer:
    """A file that can be written to and nothing else."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


class AsyncWriter(Writer):
    async def write(self, data: Any) -> int:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().write(data)


@dataclass
class Sink:
    """What a download goes to, and how to see what has come."""

    target: Any
    read: Callable[[], bytes]


def _to_path(path: Any) -> Sink:
    return Sink(path, pathlib.Path(path).read_bytes)


def _to_file(
    folder: pathlib.Path, mode: str = "wb", buffering: int = -1, wrap: Callable[[Any], Any] = lambda file: file
) -> Sink:
    path = folder / "target"
    file = path.open(mode, buffering)

    def read() -> bytes:
        file.flush()
        return path.read_bytes()

    return Sink(wrap(file), read)


def _to_memory(folder: pathlib.Path) -> Sink:
    file = io.BytesIO()
    return Sink(file, file.getvalue)


def _to_writer(writer: Writer) -> Sink:
    return Sink(writer, lambda: bytes(writer.data))


SINKS: dict[str, Callable[[pathlib.Path], Sink]] = {
    "path": lambda folder: _to_path(str(folder / "target")),
    "Path": lambda folder: _to_path(folder / "target"),
    "BytesIO": _to_memory,
    "file": _to_file,
    "unbuffered file": lambda folder: _to_file(folder, buffering=0),
    "file to read and write": lambda folder: _to_file(folder, "w+b"),
    "writer": lambda _: _to_writer(Writer()),
    "async file": lambda folder: _to_file(folder, wrap=aiofiles.threadpool.wrap),
    "async file of anyio": lambda folder: _to_file(folder, wrap=anyio.wrap_file),
    "async writer": lambda _: _to_writer(AsyncWriter()),
}
"""By kind: makes a sink, with files in a folder. Blocks."""


def close(given: Any) -> None:
    """Close a source or a sink that can be closed. Blocks."""
    given = getattr(given, "_file", getattr(given, "wrapped", given))  # of aiofiles, of anyio
    if hasattr(given, "close"):
        given.close()


async def upload(client: Any, source: Any, bucket: str, key: str, **arguments: Any) -> None:
    """Upload a source of any kind: a path by `upload_file`, all else by `upload_fileobj`."""
    method = client.upload_file if isinstance(source, (str, pathlib.Path)) else client.upload_fileobj
    await method(source, bucket, key, **arguments)


async def download(client: Any, bucket: str, key: str, sink: Sink, **arguments: Any) -> None:
    """Download to a sink of any kind."""
    method = client.download_file if isinstance(sink.target, (str, pathlib.Path)) else client.download_fileobj
    await method(bucket, key, sink.target, **arguments)
