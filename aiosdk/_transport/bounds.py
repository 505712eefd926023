"""How much an answer may be: its head, the framing of its body, and a body that is read as a whole.

A server that never comes to an end would otherwise be listened to until the memory is full. What is refused here is
not tried again. A body that the caller reads as a stream has no bound: it is the caller who takes it piece by piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import http_exceptions
from aiohttp.helpers import _EXC_SENTINEL as _NO_CAUSE  # pyright: ignore[reportPrivateUsage]
from aiohttp.helpers import set_exception

from aiosdk._transport.surplus import TolerantHandler

if TYPE_CHECKING:
    from aiohttp import StreamReader

# EC2 describes all public images in some 250 MB; nothing else that is read as a whole comes near that.
MAX_BODY: Final = 1024**3
MAX_ERROR_BODY: Final = 16 * 1024**2
# As in Python's own client, which botocore uses. aiohttp would have 8 KiB, and Lex answers with more.
MAX_HEADER: Final = 65536
# Of everything in an answer that is no body: heads of preliminary answers, headers, chunk sizes, trailers.
MAX_FRAMING: Final = 1024**2
# A body in chunks of one byte has five bytes around each.
FRAMING_PER_BYTE: Final = 16


class TooMuchError(Exception):
    """Raised for an answer that is refused for its size; it says what there is too much of."""


async def read_whole(stream: StreamReader, most: int, headers: Any) -> bytes:
    """Read a body to its end, which must come before it has more than `most` bytes."""
    told = headers.get("Content-Length", "")
    if len(told) > 6 and int(told) > most and not stream.at_eof():  # the answer to a HEAD has a length and no body
        raise _too_large(most)
    stream.set_read_chunk_size(most)  # no pause for a slow reader: it reads as fast as the body comes
    first = await stream.readany()
    size = len(first)
    if size > most:
        raise _too_large(most)
    if stream.at_eof():
        return first
    blocks = [first]
    while block := await stream.readany():
        blocks.append(block)
        size += len(block)
        if size > most:
            raise _too_large(most)
    return b"".join(blocks)


def _too_large(most: int) -> TooMuchError:
    return TooMuchError(f"its body has more than {most:,} bytes")


def too_much(failure: BaseException) -> str | None:
    """Say what there is too much of in an answer that failed for that; None for other failures."""
    if isinstance(failure, TooMuchError):
        return str(failure)
    cause = failure.__cause__
    for _ in range(3):  # aiohttp wraps what its parser raises
        if isinstance(cause, http_exceptions.LineTooLong):
            return f"a line of its head has more than {cause.args[1]} bytes"
        if isinstance(cause, http_exceptions.BadHttpMessage) and cause.message.startswith("Too many headers"):
            return "it has too many headers"
        cause = None if cause is None else cause.__cause__
    return None


class BoundedHandler(TolerantHandler):
    """aiohttp's protocol of a connection, which counts what comes and breaks off when too little of it is body."""

    _received = 0
    _look_at = MAX_FRAMING
    _refusal: TooMuchError | None = None

    @property
    def is_answered(self) -> bool:
        """Whether a byte has come since the last request."""
        return self._received > 0

    def set_response_params(self, **params: Any) -> None:
        self._received, self._look_at = 0, MAX_FRAMING
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._look_at and self._is_refused():
            return
        super().data_received(data)

    def _is_refused(self) -> bool:
        """Look at what has come so far; also while nothing is awaited, on an idle connection."""
        if self._refusal is not None:
            return True
        body = 0 if self._payload is None else getattr(self._payload, "total_bytes", 0)
        self._look_at = self._received + MAX_FRAMING
        if self._received - body <= 2 * MAX_FRAMING + FRAMING_PER_BYTE * body:
            return False
        self._refuse(TooMuchError(f"it has more than {MAX_FRAMING:,} bytes of headers, chunk sizes and the like"))
        return True

    def _refuse(self, refusal: TooMuchError) -> None:
        self._refusal = refusal
        self.set_exception(refusal)
        if self._payload is not None:
            set_exception(self._payload, refusal)
        self._payload = self._parser = None  # or the end of the connection would be told in place of the reason
        if self.transport is not None:
            self.transport.abort()

    def set_exception(self, exc: Any, exc_cause: Any = _NO_CAUSE) -> None:
        super().set_exception(exc if self._refusal is None else self._refusal, exc_cause)
