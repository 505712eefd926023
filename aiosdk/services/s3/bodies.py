"""Reads the body of an answer in blocks, which are lists of the pieces that arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import HTTPClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from aiosdk._aws.raw_bodies import raw_body

if TYPE_CHECKING:
    from collections.abc import Mapping

# What may be on its way from the socket while a block is written.
READ_AHEAD: Final = 1024 * 1024
# A slow body is written, and told of, as often as this.
_SECONDS: Final = 0.25
# Small pieces take more memory than what is in them.
_MANY: Final = 100

BREAKS: Final = (ResponseStreamingError, ReadTimeoutError, IncompleteReadError, HTTPClientError)
"""The errors of a body that breaks off."""


class ObjectBody:
    """The bytes of an object from `position` on, as one answer has them.

    Args:
        answer: What `GetObject` gave.
        start: Where its bytes begin in the object.
        end: Where they end; None if nobody knows.
    """

    def __init__(self, answer: Mapping[str, Any], start: int, end: int | None) -> None:
        self.position, self.end = start, end
        self._whole: Any = answer["Body"]  # which closes the raw one when it is dropped
        self._raw = raw_body(self._whole)
        if self._raw is not None:
            self._raw.read_ahead(READ_AHEAD)
        self._left = b""

    async def read(self, size: int) -> list[bytes]:
        """Read a block of at most `size` bytes; nothing at the end. A body that ends too early raises."""
        pieces = [self._left] if self._left else await self._pieces(size)
        self._left = b""
        got = sum(map(len, pieces))
        if got > size:
            last = pieces[-1]
            keep = len(last) - (got - size)
            pieces[-1], self._left, got = last[:keep], last[keep:], size
        self.position += got
        if not pieces and self.end is not None and self.position < self.end:
            raise IncompleteReadError(actual_bytes=self.position, expected_bytes=self.end)
        return pieces

    async def _pieces(self, size: int) -> list[bytes]:
        if self._raw is not None:
            try:
                pieces = await self._raw.read_pieces(size, _SECONDS)
            except TimeoutError as error:
                raise ReadTimeoutError(endpoint_url=self._raw.url, error=error) from error
            return pieces if len(pieces) < _MANY else [b"".join(pieces)]
        piece = await self._whole.read(min(size, READ_AHEAD))
        return [piece] if piece else []

    async def finish(self) -> None:
        """Read the end of a body whose bytes were all read, which gives its connection back."""
        if self._raw is not None and not self._raw.at_eof() and not self._left:
            try:
                await self._raw.read_pieces(1, 0)
            except (*BREAKS, TimeoutError):
                pass  # nothing of it is missing
        self.close()

    def close(self) -> None:
        """Give the connection back: closed, if not all was read."""
        if self._raw is not None:
            self._raw.close()
        else:
            self._whole.close()
