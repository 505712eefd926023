"""A request over a connection that is open already, written to it straight.

aiohttp makes the connections, and its parser reads the answers; what is left out is the machinery of its client
around a request, which costs more than the request. What is out of the ordinary (no idle connection, a proxy, a large
body or one that is read in pieces, somebody who traces aiohttp's requests) takes aiohttp's own way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.client import URL  # pyright: ignore[reportPrivateImportUsage]
from aiohttp.http_exceptions import HttpProcessingError

from aiosdk._seams import Seams
from aiosdk._transport.block import Block, write
from aiosdk._transport.bounds import MAX_HEADER
from aiosdk._transport.connector import CONTINUE_TIMEOUT, SlotConnector, Wire
from aiosdk._transport.framing import is_framed
from aiosdk._transport.header_check import good_names, is_good_name
from aiosdk._transport.pacing import pace
from aiosdk._transport.progress import enter

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.http_parser import RawResponseMessage

    from aiosdk._transport.http import Request

# What fits into the buffers of a socket is not held up by a slow peer.
SMALL_BODY: Final = 64 * 1024
# What is wrapped to trace requests, or replaced to answer them.
_SENDING: Final = Seams(("_request", "request"), ("aiohttp",))
_ONLY_AIOHTTP: Final = frozenset(("Host", "host", "Connection", "connection"))
_WITHOUT_BODY: Final = "HEAD"


class DirectResponse:
    """An answer, with what a `Body` uses of aiohttp's responses."""

    __slots__ = ("_connector", "_key", "_message", "_url", "_wire", "closed", "content", "status")

    def __init__(
        self, connector: SlotConnector, key: ConnectionKey, wire: Wire, url: str, message: RawResponseMessage, body: Any
    ) -> None:
        self._connector, self._key, self._wire, self._url = connector, key, wire, url
        self._message = message
        self.status: int = message.code
        self.content: aiohttp.StreamReader = body
        self.closed = False
        body.on_eof(self._ended)

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers as they came."""
        return self._message.raw_headers

    @property
    def headers(self) -> Any:
        """The headers by name."""
        return self._message.headers

    @property
    def url(self) -> str:
        """Where the request went."""
        return self._url

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Where it is read."""
        return self._connector.loop

    def _ended(self) -> None:
        if not self.closed:
            self.closed = True
            self._connector.give_back(self._key, self._wire)

    def close(self) -> None:
        """Close the connection unless everything was read; whoever reads gets an error."""
        if self.closed:
            return
        self.closed = True
        if self.content.exception() is None:
            self.content.set_exception(aiohttp.ClientConnectionError("Connection closed"))
        self._connector.give_back(self._key, self._wire, should_close=True)


async def send(http: aiohttp.ClientSession, request: Request, wires: list[Wire]) -> DirectResponse | None:
    """Send a request over an idle connection, or give None when it must go aiohttp's way.

    `wires` is told the connection.
    """
    connector: Any = http.connector
    body = request.body
    if isinstance(body, Block) and _is_small(body):
        body = bytes(body.data)
    elif body is not None and (type(body) is not bytes or not _is_small(body)):
        body = large_body(request)
        if body is None:
            return None
    if request.proxy is not None or http.trace_configs or not _SENDING.are_own(type(http)):
        return None
    start = request.url.find("/", 8)  # after `https://`
    route = connector.known_route(request.url[:start])
    if route is None:
        return None
    key, host = route
    head = _head(request, request.url[start:], host)
    if head is None or (wire := connector.take_idle(key)) is None:
        return None
    wires.append(wire)
    try:
        return await _exchange(connector, key, wire, request, head, body or b"")
    except BaseException:
        connector.give_back(key, wire, should_close=True)
        raise


def _head(request: Request, target: str, host: str) -> bytes | None:
    """The request line and the headers; None for what only aiohttp knows to write or to refuse."""
    headers = request.headers
    if not target or " " in target or "#" in target or target[-1] == "?" or not target.isascii():
        return None
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}"]
    for name, value in headers.items():
        if name in _ONLY_AIOHTTP or (name not in good_names and not is_good_name(name)):
            return None
        lines.append(name + ": " + value)  # no format: that of an enum's member is not its value
    # A control character came with a parameter. aiohttp refuses it.
    if not "".join(lines).isprintable():
        return None
    lines.append("\r\n")
    return "\r\n".join(lines).encode()


def _is_small(body: Block | bytes | memoryview) -> bool:
    """Whether a body is written at one go: below a rate none is that is not empty."""
    return len(body) <= SMALL_BODY and (pace.get() is None or not body)


def large_body(request: Request) -> bytes | memoryview | None:
    """Give a body in memory that is to be written piece by piece, if it is one, and of the length that is told."""
    body = request.body
    if not isinstance(body, (bytes, Block)) or _is_small(body) or "Content-Length" not in request.headers:
        return None
    return body.data if isinstance(body, Block) else body


async def _exchange(
    connector: SlotConnector, key: ConnectionKey, wire: Wire, request: Request, head: bytes, payload: Any
) -> DirectResponse:
    transport = wire.transport
    assert transport is not None
    wire.set_response_params(
        skip_payload=request.method == _WITHOUT_BODY,
        read_until_eof=True,
        auto_decompress=False,
        read_timeout=request.timeouts.read,
        max_field_size=MAX_HEADER,
    )
    is_small = _is_small(payload)
    assert is_framed(request.headers, payload), f"nothing says where the body of {request!r} ends"
    if "Transfer-Encoding" in request.headers:  # which is chunked
        payload = b"%x\r\n%s\r\n0\r\n\r\n" % (len(payload), payload) if payload else b"0\r\n\r\n"
    enter("read" if is_small else "send")
    wire.was_open = True  # just now
    expects = bool(payload) and request.headers.get("Expect") == "100-continue"
    first = head if expects or not is_small else head + payload
    wire.request_size = len(first) if expects or is_small else 0
    transport.write(first)
    message, body = None, None
    if expects:
        message, body = await _continued(wire, request)
        if message is not None:  # the server has answered without the body, and may still wait for it
            wire.force_close()
        elif is_small:
            transport.write(payload)
    if message is None and is_small:
        wire.start_timeout()
    elif message is None:
        message, body = await _answered(wire, request, payload)
    while message is None or (100 <= message.code <= 199 and message.code != 101):
        message, body = await _read(wire, request)
    return DirectResponse(connector, key, wire, request.url, message, body)


async def _answered(wire: Wire, request: Request, payload: bytes | memoryview) -> tuple[RawResponseMessage, Any]:
    """Write a large body and give the answer, which may come before the server has taken all of it."""
    loop = asyncio.get_running_loop()
    reading = loop.create_task(_read(wire, request))
    writing = loop.create_task(write(wire, payload, request.timeouts.read))
    writing.add_done_callback(lambda done: None if done.cancelled() else enter("read"))
    try:
        await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done() and isinstance(writing.exception(), TimeoutError):
            raise aiohttp.SocketTimeoutError("The server does not take the body")
        # Where writing has failed otherwise, the connection is lost, unless an answer came before that.
        message, body = await reading
        await asyncio.sleep(0)  # the writer may be about to hear that all is written
        if not writing.done():
            wire.force_close()
        return message, body
    finally:
        reading.cancel()
        writing.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def _continued(wire: Wire, request: Request) -> tuple[RawResponseMessage | None, Any]:
    """Wait until the server wants the body, or for a second; gives its answer if it does not want it."""
    try:
        async with asyncio.timeout(CONTINUE_TIMEOUT):
            while True:
                message, body = await _read(wire, request)
                if message.code == 100:
                    return None, None
                if not 100 <= message.code <= 199:
                    return message, body
    except TimeoutError:
        if wire.exception() is not None:  # the time-out was for reading
            raise
        return None, None


async def _read(wire: Wire, request: Request) -> tuple[RawResponseMessage, Any]:
    try:
        return await wire.read()
    except HttpProcessingError as error:
        url = URL(request.url, encoded=True)
        info: Any = aiohttp.RequestInfo(url, request.method, request.headers, url)  # pyright: ignore[reportArgumentType]
        raise aiohttp.ClientResponseError(
            info, (), status=error.code, message=error.message, headers=error.headers
        ) from error
