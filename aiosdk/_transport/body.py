"""A response body that gives its connection back however it ends: read, failed, cancelled, closed or dropped."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final, Self

from aiosdk._transport.bounds import read_whole
from aiosdk._transport.failures import body_error
from aiosdk._transport.finalizers import hand_over

if TYPE_CHECKING:
    import aiohttp

    from aiosdk._transport.direct import DirectResponse

_MOST_PIECES: Final = 500


class Body:
    """The bytes of one response, read in order.

    Stands in for aiohttp's response below aiobotocore's streaming bodies and event streams, which use `url`,
    `content` (here the body itself), `close()` and `read()`.
    """

    signature: str | None = None
    """What the request was signed with, where it was refused."""
    signed_at: str | None = None
    """And the time that it was signed with."""

    def __init__(self, response: aiohttp.ClientResponse | DirectResponse) -> None:
        self._response = response
        self._stream = response.content
        self.url = str(response.url)
        self.status = response.status
        self.headers = response.headers

    @property
    def content(self) -> Body:
        return self

    def at_eof(self) -> bool:
        return self._stream.at_eof()

    async def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, or everything that is left; empty at the end."""
        try:
            return await self._stream.read(size)
        except BaseException as failure:
            self.close()
            if isinstance(failure, Exception):
                raise body_error(failure, self.url) from failure
            raise

    async def read_whole(self, most: int) -> bytes:
        """Read everything; fails when that is more than `most` bytes. Raises what aiohttp raises."""
        return await read_whole(self._stream, most, self.headers)

    async def read_pieces(self, size: int, seconds: float) -> list[bytes]:
        """Read bytes in the pieces in which they arrived, as many as are many; nothing at the end.

        Args:
            size: How many bytes are enough. The last piece may go beyond.
            seconds: When to give what has come so far, if that is something.
        """
        stream, pieces, until = self._stream, list[bytes](), None
        try:
            while size > 0 and not stream.at_eof() and len(pieces) < _MOST_PIECES:
                piece, _ = await stream.readchunk()
                if not piece:
                    continue
                pieces.append(piece)
                size -= len(piece)
                now = monotonic()
                until = until or now + seconds
                if now > until:
                    break
        except BaseException as failure:
            if pieces and isinstance(failure, Exception):
                return pieces  # the stream fails again when it is read again
            self.close()
            if isinstance(failure, Exception):
                raise body_error(failure, self.url) from failure
            raise
        return pieces

    def read_ahead(self, size: int) -> None:
        """Let so many bytes come before they are read, at least."""
        self._stream.set_read_chunk_size(size)

    def iter_chunks(self) -> Chunks:
        """Give the bytes as they arrive; the flag is aiohttp's and always False here."""
        return Chunks(self)

    async def read_any(self) -> bytes:
        """Read what has come, or comes first; empty at the end."""
        try:
            return await self._stream.readany()
        except BaseException as failure:
            self.close()
            if isinstance(failure, Exception):
                raise body_error(failure, self.url) from failure
            raise

    def close(self) -> None:
        """Give the connection back: to the pool when everything was read, closed otherwise."""
        if not self._response.closed:
            self._response.close()

    def __del__(self) -> None:
        response = getattr(self, "_response", None)
        if response is not None and not response.closed:
            hand_over(response._loop, response.close)  # pyright: ignore[reportPrivateUsage]


class Chunks:
    """A body, piece by piece. Not a generator, which would keep the body until its loop comes to end it."""

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[bytes, bool]:
        chunk = await self._body.read_any()
        if not chunk:
            raise StopAsyncIteration
        return chunk, False
