"""Gets at the bytes of an answer below aiobotocore's streaming bodies, which join, count and check them on the loop."""

from __future__ import annotations

from typing import Any, Final

from aiosdk._aws.streaming_bodies import StreamingBody, StreamingChecksumBody
from aiosdk._transport.body import Body

_UNWRAPPED: Final = (StreamingBody, StreamingChecksumBody)


def raw_body(streaming_body: Any) -> Body | None:
    """Give the transport's body below a streaming body; None for a body of somebody else, such as a stubber's.

    Nothing checks its length and its checksum any more. It lives no longer than the streaming body, which closes it.
    """
    if type(streaming_body) not in _UNWRAPPED:
        return None
    raw = streaming_body.raw_stream
    return raw if isinstance(raw, Body) else None
