"""A small HTTP proxy on a thread: forwards plain requests, tunnels CONNECT, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.on_a_thread import OnAThread, read_head, until_one_ends


@dataclass
class Asked:
    method: str
    target: str
    headers: dict[str, str]


class Proxy(OnAThread):
    """`with Proxy() as proxy:` listens at `proxy.url`; with `password`, only to `user` with that password.

    `answers_connect=False` makes one that takes a CONNECT and never answers it.
    """

    def __init__(self, password: str | None = None, answers_connect: bool = True) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.open = 0
        self.accepted = 0
        self._authorization = None
        if password is not None:
            self._authorization = "Basic " + base64.b64encode(f"user:{password}".encode()).decode()
        self._answers_connect = answers_connect

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        try:
            await self._proxy(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the end of a client
        finally:
            self.open -= 1
            writer.close()

    async def _proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while head := await read_head(reader):
                *said, lines = head
                asked = Asked(*said)
                self.asked.append(asked)
                if self._authorization not in (None, asked.headers.get("proxy-authorization")):
                    writer.write(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    await writer.drain()
                    return
                if asked.method == "CONNECT":
                    await self._tunnel(asked, reader, writer)
                    return
                url = urlsplit(asked.target)
                assert url.hostname is not None
                upstream = upstream or await asyncio.open_connection(url.hostname, url.port or 80)
                path = url._replace(scheme="", netloc="").geturl() or "/"
                kept = [line for line in lines if not line.lower().startswith(("proxy-", "expect:"))]
                if "expect" in asked.headers:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                upstream[1].write("\r\n".join([f"{asked.method} {path} HTTP/1.1", *kept, "", ""]).encode("latin-1"))
                await _copy(reader, upstream[1], int(asked.headers.get("content-length", "0")))
                answer = await upstream[0].readuntil(b"\r\n\r\n")
                writer.write(answer)
                await _copy(upstream[0], writer, _content_length(answer))
        finally:
            if upstream is not None:
                upstream[1].close()

    async def _tunnel(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._answers_connect:
            await reader.read(1)
            return
        host, _, port = asked.target.rpartition(":")
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Tunnel\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

        try:
            await until_one_ends(pump(reader, up_writer), pump(up_reader, writer))
        finally:
            up_writer.close()


def _content_length(head: bytes) -> int:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, size: int) -> None:
    if size:
        sink.write(await source.readexactly(size))
    await sink.drain()
