"""What follows an answer that is complete: it costs the connection, never the answer.

aiohttp's parser gives nothing of a packet in which it finds an error, and some servers send more than they should: an
empty chunk after the answer to a HEAD, a body where there is none, an answer that nobody asked for. A packet that
fails is therefore parsed again, up to the end of the answer.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL as _NO_CAUSE  # pyright: ignore[reportPrivateUsage]
from aiohttp.helpers import set_exception
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator


class TolerantHandler(ResponseHandler):
    """aiohttp's protocol of a connection, which hands over an answer whatever comes after it."""

    _packet: bytes = b""
    _earlier: bytearray | None = None  # of a head that has not come whole
    _params: dict[str, Any]

    def set_response_params(self, **params: Any) -> None:
        self._params = params
        self._payload = self._earlier = None
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        self._packet = data
        super().data_received(data)
        payload, self._packet = self._payload, b""
        if payload is None or (payload is EMPTY_PAYLOAD and self._is_interim()):
            self._earlier = self._earlier or bytearray()
            self._earlier += data

    def _is_interim(self) -> bool:
        """Whether what has come last is no answer yet, but one of those that announce one."""
        if self._buffer and self._buffer[-1][0][0].code < 200:
            self._payload = None
        return self._payload is None

    def set_exception(self, exc: Any, exc_cause: Any = _NO_CAUSE) -> None:
        if isinstance(exc, HttpProcessingError) and self._has_whole_answer():
            self._should_close, self._parser = True, None  # which would take the rest for the begin of a body
            self._drop_timeout()
            return
        if isinstance(exc, HttpProcessingError) and self._payload is not None:
            # Whoever reads the body would not hear of it, and wait for ever.
            set_exception(
                self._payload, aiohttp.ClientPayloadError(f"The body cannot be read: {exc.message}"), exc_cause
            )
        super().set_exception(exc, exc_cause)

    def _has_whole_answer(self) -> bool:
        """Whether an answer came to its end before that which could not be parsed."""
        if self._payload is not None:
            return self._payload.is_eof() and self._payload.exception() is None
        ResponseHandler.set_response_params(self, **self._params)
        found = list(_messages(self._parser, bytes(self._earlier or b"") + self._packet))
        if not found or found[-1][0].code < 200 or not found[-1][1].is_eof():
            return False
        for each in found:
            self.feed_data(each, 0)
        self._payload = found[-1][1]
        return True

    def has_surplus(self) -> bool:
        """Whether something came after the last answer. For a connection that waits for its next request."""
        try:
            # A parser that is told of the end gives what it has begun to read.
            return self.should_close or (self._parser is not None and self._parser.feed_eof() is not None)
        except HttpProcessingError:
            return True

    def connection_lost(self, exc: BaseException | None) -> None:
        body = self._payload
        if body is not None and body.is_eof():
            self._payload = None  # whatever ends the connection now, the body is whole, and may be read later
        elif body is not None and exc is not None:
            # Or a body that goes on until the connection ends would be taken for complete.
            set_exception(body, aiohttp.ClientPayloadError(f"The connection was lost: {exc!r}"), exc)
        super().connection_lost(exc)


def _messages(parser: Any, data: bytes) -> Iterator[tuple[Any, Any]]:
    """Give the interim answers at the beginning of these bytes, and the answer with what there is of its body."""
    start = 0
    while (end := data.find(b"\n", start) + 1) > 0:
        try:
            messages, _, _ = parser.feed_data(data[start:end])
        except HttpProcessingError:
            return
        start = end
        if messages and messages[-1][0].code >= 200:
            break
        yield from messages
    else:
        return
    with suppress(HttpProcessingError):  # for which it is parsed again
        parser.feed_data(data[start:])
    yield messages[-1]
