"""A response body that gives its connection back however it ends: read, failed, cancelled, closed or dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiosdk._transport.failures import body_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from aiosdk._transport.direct import DirectResponse


class Body:
    """The bytes of one response, read in order.

    Stands in for aiohttp's response below aiobotocore's streaming bodies and event streams, which use `url`,
    `content` (here the body itself), `close()` and `read()`.
    """

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

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        """Give the bytes as they arrive; the flag is aiohttp's and always False here."""
        while True:
            try:
                chunk = await self._stream.readany()
            except BaseException as failure:
                self.close()
                if isinstance(failure, Exception):
                    raise body_error(failure, self.url) from failure
                raise
            if not chunk:
                return
            yield chunk, False

    def close(self) -> None:
        """Give the connection back: to the pool when everything was read, closed otherwise."""
        if not self._response.closed:
            self._response.close()

    def __del__(self) -> None:
        # Before aiohttp's own finalizer, which in debug mode reports an unread response as a mistake. Here it is none.
        response = getattr(self, "_response", None)
        if response is not None and not response.closed:
            response.close()
