"""A server that parses requests by the letter, on connections that it keeps, and says what was left over.

A byte that follows a request before its answer was sent belongs to nothing that was framed: clients here wait for an
answer before they send the next request.
"""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass

from tests.support.on_a_thread import OnAThread

_FIRST = re.compile(r"[A-Z]+ /[!-~]* HTTP/1\.1")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass
class Received:
    """One request as it came: its line, its headers by their names in lower case, and its body without framing."""

    line: str
    headers: dict[str, str]
    body: bytes
    is_first: bool
    """Whether it was the first on its connection."""


class StrictServer(OnAThread):
    """Answers every request with `answer`, a status, headers and a body."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.received: list[Received] = []
        self.faults: list[str] = []
        self.connections = 0

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        is_first = True
        try:
            while (request := await self._read(reader, writer, is_first)) is not None:
                is_first = False
                if left := bytes(reader._buffer):  # type: ignore[attr-defined]
                    self.faults.append(f"{len(left)} bytes left over after {request.line}: {left[:100]!r}")
                self.received.append(request)
                writer.write(self._written(request))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.faults.append(f"a connection ended within a request: {error!r}")
        except ValueError as error:
            self.faults.append(str(error))
        finally:
            writer.close()

    async def _read(self, reader: StreamReader, writer: StreamWriter, is_first: bool) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        line, *lines = head[:-4].decode("latin-1").split("\r\n")
        if not _FIRST.fullmatch(line):
            raise ValueError(f"no request line: {line[:100]!r}")
        headers: dict[str, str] = {}
        for each in lines:
            name, colon, value = each.partition(":")
            if not colon or not _NAME.fullmatch(name):
                raise ValueError(f"no header: {each[:100]!r}")
            if name.lower() in headers and name.lower() in ("content-length", "transfer-encoding", "host"):
                raise ValueError(f"{name} twice in {line}")
            headers[name.lower()] = value.strip(" \t")
        if headers.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Received(line, headers, await _read_body(reader, headers, line), is_first)

    def _written(self, request: Received) -> bytes:
        status, headers, body = self.answer
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "content-length")
        head = f"HTTP/1.1 {status} Because\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
        return head if request.line.startswith("HEAD ") else head + body


async def _read_body(reader: StreamReader, headers: dict[str, str], line: str) -> bytes:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and coding is not None:
        raise ValueError(f"a length and a coding in {line}")
    if coding is None:
        if length is not None and not re.fullmatch(r"[0-9]+", length):
            raise ValueError(f"no length: {length!r} in {line}")
        return await reader.readexactly(int(length or 0))
    if coding.lower() != "chunked":
        raise ValueError(f"an unknown coding in {line}: {coding!r}")
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        if not re.fullmatch(rb"[0-9a-fA-F]+\r\n", size):
            raise ValueError(f"no size of a chunk: {size!r} in {line}")
        chunk = await reader.readexactly(int(size, 16) + 2)
        if not chunk.endswith(b"\r\n"):
            raise ValueError(f"a chunk without its end in {line}")
        if len(chunk) == 2:
            return body
        body += chunk[:-2]
