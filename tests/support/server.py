"""A small HTTP/1.1 server that counts what it sees, on a thread and an event loop of its own.

moto's server closes every connection after one answer; this one keeps them alive, so that reuse can be seen. It
counts sockets, TLS handshakes and requests, and answers with what a function makes of the request. A socket counts
until its client has closed it, whatever the server is doing with it.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.on_a_thread import OnAThread, read_head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.mishaps import Mishap


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Answer:
    """What to send back. `length` overrides the Content-Length, to lie about it; `cut` closes after the body.

    A `mishap` befalls it on its way.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: bool = False
    pause: float = 0.0
    mishap: Mishap | None = None


LIST_BUCKETS = (
    b'<?xml version="1.0"?><ListAllMyBucketsResult><Owner><ID>o</ID></Owner>'
    b"<Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>"
)


async def answer_anything(request: Request) -> Answer:
    """An answer that any protocol parses: XML for S3 and query services, JSON for the JSON ones."""
    if "x-amz-target" in request.headers or request.headers.get("content-type", "").startswith("application/json"):
        return Answer(body=b"{}", headers={"Content-Type": "application/x-amz-json-1.0"})
    if request.method == "POST" and request.body.startswith(b"Action="):
        action = request.body[len(b"Action=") :].partition(b"&")[0]
        return Answer(body=b"<%sResponse><%sResult/></%sResponse>" % (action, action, action))
    if request.method == "GET" and request.path.strip("/").count("/") == 0:
        return Answer(body=LIST_BUCKETS, headers={"Content-Type": "application/xml"})
    return Answer(body=b"" if request.method == "PUT" else b"x" * 1024, headers={"ETag": '"e"'})


class CountingServer(OnAThread):
    """`with CountingServer() as server:` listens at `server.url` and counts."""

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Answer]] = answer_anything,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__()
        self.answer = answer
        self._tls = tls
        self._host = host  # 0.0.0.0 makes it reachable as 127.0.0.2 and so on too, which are other hosts to a client
        self.open = 0
        self.peak = 0
        self.accepted = 0
        self.requests: list[Request] = []
        self.active = 0
        self.peak_active = 0

    async def _listen(self, serve: Any) -> asyncio.Server:
        def connected() -> asyncio.BaseProtocol:
            return _Counted(self, asyncio.StreamReader(), serve)

        server = await self._loop.create_server(connected, self._host, 0, ssl=self._tls, backlog=1024)
        if self._tls:
            self.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader, writer)) is not None:
                self.requests.append(request)
                self.active += 1
                self.peak_active = max(self.peak_active, self.active)
                try:
                    answer = await self.answer(request)
                finally:
                    self.active -= 1
                await _send(writer, request, answer)
                if answer.cut or (answer.mishap is not None and not answer.mishap.lives):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # clients under test break off; what matters is counted
        finally:
            writer.close()


class _Counted(asyncio.StreamReaderProtocol):
    """One connection, which counts as open until either side has closed it."""

    def __init__(self, server: CountingServer, reader: asyncio.StreamReader, serve: Any) -> None:
        super().__init__(reader, serve)
        self._server = server
        self._counts = False

    def connection_made(self, transport: Any) -> None:
        self._counts = True
        self._server.accepted += 1
        self._server.open += 1
        self._server.peak = max(self._server.peak, self._server.open)
        super().connection_made(transport)

    def eof_received(self) -> bool | None:
        self._gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        super().connection_lost(exc)

    def _gone(self) -> None:
        self._server.open -= self._counts
        self._counts = False


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    head = await read_head(reader)
    if head is None:
        return None
    method, target, headers, _ = head
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    elif length := int(headers.get("content-length", "0")):
        body = await reader.readexactly(length)
    return Request(method, target, headers, body)


async def _send(writer: asyncio.StreamWriter, request: Request, answer: Answer) -> None:
    length = len(answer.body) if answer.length is None else answer.length
    headers = {"Content-Length": str(length), **answer.headers}
    head = f"HTTP/1.1 {answer.status} Because\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    body: Any = b"" if request.method == "HEAD" else answer.body
    if answer.mishap is not None:
        await answer.mishap.write(writer, head.encode("latin-1") + b"\r\n", body)
        await writer.drain()
        return
    writer.write(head.encode("latin-1") + b"\r\n")
    if answer.pause:
        half = len(body) // 2
        writer.write(body[:half])
        await writer.drain()
        await asyncio.sleep(answer.pause)
        body = body[half:]
    writer.write(body)
    await writer.drain()
