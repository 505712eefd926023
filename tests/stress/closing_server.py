"""A server that closes connections when they have idled for a moment, and says how many requests it saw.

python -m tests.stress.closing_server IDLE SPREAD
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

_seen = {"requests": 0, "connections": 0}
_EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}"


class Connection(asyncio.Protocol):
    """Answers each request, and is closed a moment after an answer unless the next request has come."""

    def __init__(self, idle: float, spread: float, rng: random.Random) -> None:
        self._idle, self._spread, self._rng = idle, spread, rng
        self._data = b""
        self._is_asked = False
        self._closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        _seen["connections"] += 1
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            if b"100-continue" in head and not self._is_asked:
                self._is_asked = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._data) < end + 4 + length:
                return
            self._data, self._is_asked = self._data[end + 4 + length :], False
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"get /seen "):
            body = json.dumps(_seen).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        _seen["requests"] += 1
        self._transport.write(_JSON if head.startswith(b"post") else _EMPTY)
        after = self._idle * self._rng.uniform(1 - self._spread, 1 + self._spread)
        self._closing = asyncio.get_running_loop().call_later(after, self._transport.close)


async def main(idle: float, spread: float) -> None:
    rng = random.Random(13)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(idle, spread, rng), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2])))
