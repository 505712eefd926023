"""Says where the body of a request ends: by its length or by chunks, decided where the bytes are written.

A server that is not told takes the rest of a body for the beginning of the next request on that connection, which may
be anybody's. So each way of sending passes through here, whoever has prepared the request (RFC 9112, 6).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from aiosdk._transport.block import Block
from aiosdk.exceptions import BodyLengthError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

# botocore gives these no length unless they have a body.
_NEED_NO_LENGTH: Final = ("GET", "HEAD", "OPTIONS")
_LENGTH: Final = "Content-Length"
_CODING: Final = "Transfer-Encoding"
_BY_LOWER: Final = {_LENGTH.lower(): _LENGTH, _CODING.lower(): _CODING}


def size_of(body: Any) -> int | None:
    """The number of bytes that a body in memory has; None for a file or an iterator."""
    if body is None:
        return 0
    if isinstance(body, (bytes, bytearray, Block)):
        return len(body)
    if isinstance(body, io.BytesIO):
        return max(0, body.getbuffer().nbytes - body.tell())
    return None


def framed(method: str, headers: Mapping[str, str], body: Any) -> Mapping[str, str]:
    """Give the headers with what says where the body ends: `Content-Length`, or `Transfer-Encoding: chunked`.

    A body whose size is not known is sent in chunks unless a length is told.

    Raises:
        BodyLengthError: The headers tell another length than the body has, or a coding other than chunks.
    """
    told, coding = headers.get(_LENGTH), headers.get(_CODING)
    if told is None and coding is None and not _BY_LOWER.keys().isdisjoint(map(str.lower, headers)):
        headers = {_BY_LOWER.get(name.lower(), name): value for name, value in headers.items()}
        told, coding = headers.get(_LENGTH), headers.get(_CODING)
    if coding is not None:
        if coding.lower() != "chunked":
            raise BodyLengthError(problem=f"`{_CODING}: {coding[:80]}` is nothing that can be sent, only `chunked` is")
        return headers if told is None else {name: value for name, value in headers.items() if name != _LENGTH}
    size = size_of(body)
    if told is not None:
        if not (told.isascii() and told.isdecimal()):
            raise BodyLengthError(problem=f"its length is given as {told[:80]!r}")
        if size is not None and int(told) != size:
            raise BodyLengthError(problem=f"its length is given as {told} bytes, and it has {size}")
        return headers
    if size is None:
        return {**headers, _CODING: "chunked"}
    return headers if size == 0 and method in _NEED_NO_LENGTH else {**headers, _LENGTH: str(size)}


def is_framed(headers: Mapping[str, str], body: Any) -> bool:
    """Whether the headers say where a body that is not empty ends."""
    return not body or _LENGTH in headers or _CODING in headers


async def whole(chunks: AsyncIterable[Any], told: int) -> AsyncIterator[Any]:
    """Give the chunks of a body; raises `BodyLengthError` when they end before as many bytes as the server was told."""
    left = told
    async for chunk in chunks:
        left -= len(chunk)
        yield chunk
    if left > 0:
        raise BodyLengthError(problem=f"its length is given as {told} bytes, and it ended after {told - left}")
