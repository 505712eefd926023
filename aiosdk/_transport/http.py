"""One request to one response, over the pool."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import aiohttp
from aiohttp.client import URL  # pyright: ignore[reportPrivateImportUsage]
from botocore.exceptions import BotoCoreError

from aiosdk import _off_loop
from aiosdk._transport import direct
from aiosdk._transport.block import Block, slices
from aiosdk._transport.body import Body
from aiosdk._transport.bounds import MAX_BODY, MAX_ERROR_BODY
from aiosdk._transport.connector import taken_wires
from aiosdk._transport.failures import request_error, without_headers
from aiosdk._transport.framing import framed, whole
from aiosdk._transport.header_check import check_head
from aiosdk._transport.headers import as_spelled, in_lower_case
from aiosdk._transport.pacing import pace, paced
from aiosdk._transport.progress import enter, progress
from aiosdk._transport.stale import MOST_RESENT, may_resend, rewinder
from aiosdk.exceptions import BodyLengthError, SessionClosedError, hide_userinfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

    from aiosdk._transport.connector import Wire
    from aiosdk._transport.headers import RawHeaders
    from aiosdk._transport.loop_pool import Setup
    from aiosdk._transport.pool import ConnectionPool

FILE_CHUNK_SIZE: Final = 256 * 1024


class Readable(Protocol):
    """What a request body that is a file must have."""

    def read(self, size: int, /) -> bytes: ...


class Timeouts(NamedTuple):
    """Seconds to wait for a free connection, for a new one to be made, and for each read; None is for ever."""

    pool: float | None
    connect: float | None
    read: float | None


class Request(NamedTuple):
    """One HTTP request, signed and ready. `body` is bytes, text, a readable file or an asynchronous iterator."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    timeouts: Timeouts
    stream: bool = False
    proxy: str | None = None
    max_size: int = MAX_BODY
    """The most bytes of a body that is not read as a stream."""

    def __repr__(self) -> str:
        # Without headers and query: credentials stand there.
        return f"<{self.method} request for {hide_userinfo(self.url.partition('?')[0])}>"


class Response(NamedTuple):
    """What came back. `content` is the whole body, or None when it was asked for as a stream."""

    status: int
    headers: dict[str, str]
    """By their names in lower case."""
    body: Body
    content: bytes | None
    raw_headers: RawHeaders = ()

    @property
    def spelled_headers(self) -> dict[str, str]:
        """By their names as the server wrote them."""
        return as_spelled(self.raw_headers) if self.raw_headers else self.headers

    def __repr__(self) -> str:
        return f"<response of status {self.status}>"


async def exchange(pool: ConnectionPool, setup: Setup, request: Request) -> Response:
    """Send one request and give its response; redirects are the caller's business.

    Raises botocore's errors for what the network does, see `failures`; `PoolTimeoutError`, `SessionClosedError` and
    `EventLoopConflictError` for what the pool does.
    """
    if isinstance(request.body, str):
        request = request._replace(body=request.body.encode())
    headers = framed(request.method, request.headers, request.body)
    if headers is not request.headers:
        request = request._replace(headers=headers)
    try:
        http = await pool.http(setup)
        response = await _send(pool, http, request)
        body = Body(response)
        if response.status < 200:  # it speaks another protocol from here on, for which nobody has asked
            body.close()
            raise aiohttp.ServerDisconnectedError(f"HTTP status {response.status}")
        try:
            content = None if request.stream else await body.read_whole(_most(response.status, request))
        except BaseException:
            body.close()
            raise
        raw = response.raw_headers
        return Response(response.status, in_lower_case(raw), body, content, raw)
    except BotoCoreError:
        raise
    except Exception as failure:
        if pool.closed:  # which is why it failed; the retry rules need not try again to find out
            raise SessionClosedError(doing="finish a request") from failure
        if isinstance(failure.__cause__, BodyLengthError):  # aiohttp tells what its source raises as a lost connection
            raise failure.__cause__ from None
        raise request_error(failure, request.url, request.proxy) from without_headers(failure)


async def _send(
    pool: ConnectionPool, http: aiohttp.ClientSession, request: Request
) -> direct.DirectResponse | aiohttp.ClientResponse:
    """Send a request, over another connection where the first turns out to have been closed."""
    body, headers = request.body, request.headers
    if "Expect" in headers and headers.get("Content-Length") == "0":
        # RFC 9110, 10.1.1: never without content. aiohttp waits for leave to send it, and gives the connection up.
        request = request._replace(headers={name: value for name, value in headers.items() if name != "Expect"})
    rewind = None if body is None or type(body) is bytes else rewinder(body)
    resent = 0
    while True:
        wires: list[Wire] = []
        try:
            return await direct.send(http, request, wires) or await _by_aiohttp(http, request, wires)
        except Exception as failure:
            if not wires or resent == MOST_RESENT or pool.closed or not may_resend(wires[-1], request, failure):
                raise
        resent += 1
        if rewind is not None:
            rewind()


def _most(status: int, request: Request) -> int:
    return request.max_size if status < 300 else min(request.max_size, MAX_ERROR_BODY)


async def _by_aiohttp(http: aiohttp.ClientSession, request: Request, wires: list[Wire]) -> aiohttp.ClientResponse:
    check_head(request.method, request.url, request.headers)
    token = taken_wires.set(wires)
    try:
        return await _with_body(http, request)
    finally:
        taken_wires.reset(token)


async def _with_body(http: aiohttp.ClientSession, request: Request) -> aiohttp.ClientResponse:
    data = direct.large_body(request)
    if data is None:
        data, rate = _payload(request), pace.get()
        if rate is not None and hasattr(data, "__aiter__"):
            data = paced(data, rate)
        return await _request(http, request, data)
    # aiohttp itself would wait for ever for a peer that does not take the body.
    async with asyncio.timeout(None) as patience:
        return await _request(http, request, slices(data, patience, request.timeouts.read))


async def _request(http: aiohttp.ClientSession, request: Request, data: Any) -> aiohttp.ClientResponse:
    if progress.get() is not None:
        data = _told(data)
    headers = dict(request.headers)
    chunked = headers.pop("Transfer-Encoding", None) is not None
    return await http.request(
        request.method,
        URL(request.url, encoded=True),
        headers=headers,
        data=data,
        chunked=chunked or None,
        allow_redirects=False,
        proxy=request.proxy,
        timeout=aiohttp.ClientTimeout(
            total=None,
            connect=request.timeouts.pool,
            sock_connect=request.timeouts.connect,
            sock_read=request.timeouts.read,
        ),
    )


def _payload(request: Request) -> Any:
    if request.body is None:
        # Empty, or aiohttp would not write the last chunk.
        return io.BytesIO() if "Transfer-Encoding" in request.headers else None
    body: Any = bytes(request.body.data) if isinstance(request.body, Block) else request.body
    if isinstance(body, (bytes, bytearray, io.BytesIO)):
        # As a file in memory, whatever it was: aiohttp warns of large bytes, and closes files that it has sent.
        return io.BytesIO(body.read() if isinstance(body, io.BytesIO) else body)
    if hasattr(body, "read") and not hasattr(body, "__aiter__"):
        body = _file_chunks(body)
    told = request.headers.get("Content-Length")
    return whole(body, int(told)) if told is not None and hasattr(body, "__aiter__") else body


def _told(data: Any) -> Any:
    """Have a body that takes a while to send tell when it is being sent."""
    if isinstance(data, io.BytesIO) and data.getbuffer().nbytes > direct.SMALL_BODY:
        return _tell(_memory_chunks(data))
    chunks: Any = data
    return _tell(chunks) if hasattr(chunks, "__aiter__") else chunks


async def _tell(chunks: AsyncIterable[Any]) -> AsyncIterator[Any]:
    enter("send")
    async for chunk in chunks:
        yield chunk
    enter("read")


async def _memory_chunks(data: io.BytesIO) -> AsyncIterator[bytes]:
    while chunk := data.read(FILE_CHUNK_SIZE):
        yield chunk


async def _file_chunks(file: Readable) -> AsyncIterator[bytes]:
    """Read a file off the event loop. It stays open: it is the user's, and a retry reads it again."""
    while chunk := await _off_loop.call(file.read, FILE_CHUNK_SIZE):
        yield chunk
