"""What the servers of the tests have in common: an event loop on a thread of its own, and the heads of requests."""

from __future__ import annotations

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine


class OnAThread:
    """Listens at `url` between `with` and its end; each connection is given to `_serve`."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        raise NotImplementedError

    async def _listen(self, serve: Any) -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: StreamReader, writer: StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._serve(reader, writer)
            except asyncio.CancelledError:
                pass  # the server stops; asyncio would report it as a mistake
            finally:
                tasks.discard(task)

        server = await self._listen(serve)
        self.port = server.sockets[0].getsockname()[1]
        self.url = self.url or f"http://127.0.0.1:{self.port}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_head(reader: StreamReader) -> tuple[str, str, dict[str, str], list[str]] | None:
    """Read a request's method, target, headers by their names in lower case, and its header lines; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return method, target, headers, lines


async def until_one_ends(*ways: Coroutine[Any, Any, None]) -> None:
    """Run what carries data each way between two sides until one has no more, or whoever waits is cancelled."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
