"""A server that answers keys of a bucket with bytes as they are, for ours and boto3 to ask the same questions."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.support.on_a_thread import OnAThread, read_head

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

Part = bytes | float | str
"""Bytes to write, seconds to wait, `CLOSE` or `RESET`."""
Script = list[Part]
CLOSE, RESET = "close", "reset"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
GOOD_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nx-amz-meta-good: yes\r\n\r\n"


class ScriptedServer(OnAThread):
    """Follows the script of the last part of the path, and answers everything else as an object `good`.

    A script is followed whatever the client does meanwhile; then the next request is read.
    """

    def __init__(self, scripts: dict[str, Script], tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.scripts = scripts
        self.requests: Counter[str] = Counter()
        self.connections = 0
        self._tls = tls

    async def _listen(self, serve: Any) -> asyncio.Server:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        if self._tls is not None:
            self.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        return server

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while await self._answer(reader, writer):
                    pass
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.5):  # over TLS the client may never say goodbye
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> bool:
        head = await read_head(reader)
        if head is None:
            return False
        method, target, headers, _ = head
        name = target.partition("?")[0].rpartition("/")[2]
        self.requests[name] += 1
        await reader.readexactly(int(headers.get("content-length", "0")))
        for part in self.scripts.get(name, [GOOD_HEAD if method == "HEAD" else GOOD]):
            if part == CLOSE:
                return False
            if part == RESET:
                writer.transport.abort()
                return False
            if isinstance(part, float):
                await asyncio.sleep(part)
            else:
                assert isinstance(part, bytes)
                writer.write(part)
                await writer.drain()
        return True
