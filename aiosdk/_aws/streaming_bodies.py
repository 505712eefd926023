"""aiobotocore's streaming bodies, whose lines take time in proportion to their length, and which say how to read them.

aiobotocore makes the bodies in several places, with or without a check of their checksum. So one becomes ours when it
is there, by its class.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiobotocore.httpchecksum import AioHttpxStreamingChecksumBody, AioStreamingChecksumBody
from aiobotocore.response import AioHttpxStreamingBody, AioStreamingBody

from aiosdk._aws.body_refusals import RefusingBody

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class _Lines:
    """Any streaming body: what is there of a line is neither copied nor searched again when more of it comes."""

    async def iter_lines(self: Any, chunk_size: int = 1024, keepends: bool = False) -> AsyncGenerator[bytes]:
        """Give the lines of the body, without their ends unless `keepends`.

        They are those that `bytes.splitlines` would find in the whole of it: a line ends in a line feed, a carriage
        return, or both.

        Args:
            chunk_size: How many bytes are read at once.
            keepends: Whether the lines have their ends.
        """
        pending = bytearray()  # the last line so far, which may be complete
        async for chunk in self.iter_chunks(chunk_size):
            if pending.endswith(b"\n") or (pending.endswith(b"\r") and not chunk.startswith(b"\n")):
                yield _line(pending, keepends)
                pending.clear()
            *complete, rest = chunk.splitlines(True)
            if pending and complete:
                complete[0] = pending + complete[0]
                pending.clear()
            for line in complete:
                yield _line(line, keepends)
            pending += rest
        if pending:
            yield _line(pending, keepends)


def _line(line: bytes | bytearray, keepends: bool) -> bytes:
    return bytes(line.splitlines(keepends)[0])


class StreamingBody(RefusingBody, _Lines, AioStreamingBody):
    """A body that came over aiohttp."""


class StreamingChecksumBody(RefusingBody, _Lines, AioStreamingChecksumBody):
    """One that is checked by its checksum."""


class HttpxStreamingBody(RefusingBody, _Lines, AioHttpxStreamingBody):
    """A body that came over httpx, from a `http_session_cls` of the user's."""


class HttpxStreamingChecksumBody(RefusingBody, _Lines, AioHttpxStreamingChecksumBody):
    """One that is checked by its checksum."""


_OURS: Final[dict[type[Any], type[Any]]] = {
    AioStreamingBody: StreamingBody,
    AioStreamingChecksumBody: StreamingChecksumBody,
    AioHttpxStreamingBody: HttpxStreamingBody,
    AioHttpxStreamingChecksumBody: HttpxStreamingChecksumBody,
}


def adopt_body(body: Any) -> None:
    """Make a streaming body ours that aiobotocore has made; leave whatever else it is."""
    ours = _OURS.get(type(body))
    if ours is not None:
        body.__class__ = ours
