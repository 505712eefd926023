"""Which requests are sent again at once, because the kept connection that they went over was no longer good.

A server closes a connection that idles, and its notice may cross with a request. That is no fault of the request's,
and no attempt: it goes over another connection, where that can do no harm. It can do none

* when nothing was written;
* when the kernel knows that the server's side took nothing of it;
* when no byte of an answer came, the method is one that may be repeated (RFC 9110, 9.2.2), and the body is still there.
  A condition such as `If-None-Match` may be true for the first of two requests alone.

Everything else is for the retry rules to judge.
"""

from __future__ import annotations

import io
import os
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError

from aiosdk._transport.block import Block

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiosdk._transport.connector import Wire
    from aiosdk._transport.http import Request

MOST_RESENT: Final = 3
"""A server that goes on like this is not closing what idles."""
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_IDEMPOTENT: Final = frozenset(("PUT", "DELETE"))
# Bodies that are still there once they were sent. A thread may be reading a file, and goes on when nobody waits for it.
_KEPT: Final = (bytes, bytearray, str, Block, io.BytesIO)
_CONDITIONS: Final = ("if-", "x-amz-if-")
# Where the kernel's `tcp_info` says what was acknowledged, and what was sent and sent again.
_ACKED_AT: Final = 120
_SENT_AT: Final = 200
_LOST: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)


def may_resend(wire: Wire, request: Request, failure: BaseException) -> bool:
    """Say whether a request that failed over this connection is to be sent again at once."""
    if not wire.is_reused or not (_is_no_answer(failure) if wire.is_answered else isinstance(failure, _LOST)):
        return False
    if not wire.was_open:  # so that nothing of its body was read either
        return True
    if 0 < wire.request_size <= wire.not_taken:
        return True
    return _may_repeat(request) and (request.body is None or isinstance(request.body, _KEPT))


def not_taken(transport: asyncio.BaseTransport | None) -> int:
    """How many of the bytes that were sent the peer's side has not taken, as Linux counts; 0 where nobody does.

    When the end of a connection has come, these came too late: they found it closed, and no program has read them.
    A reset without an end says nothing of it: a server may reset what it has read, and the kernel takes no
    acknowledgement from a reset.
    """
    found: Any = None if transport is None else transport.get_extra_info("socket")
    if found is None or not hasattr(socket, "TCP_INFO"):
        return 0
    try:
        with socket.socket(fileno=os.dup(found.fileno())) as copy:
            told = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SENT_AT + 16)
    except OSError:  # it is no TCP, or closed already
        return 0
    if len(told) < _SENT_AT + 16:
        return 0
    (acknowledged,), (sent, again) = (
        struct.unpack_from("=Q", told, _ACKED_AT),
        struct.unpack_from("=QQ", told, _SENT_AT),
    )
    return max(0, sent - again - acknowledged + 1)  # the opening of the connection counts for one


def _is_no_answer(failure: BaseException) -> bool:
    """Whether what came is not even the begin of an answer, but something that belongs to the one before, it seems."""
    cause = failure.__cause__
    return isinstance(cause, HttpProcessingError) and isinstance(cause.__cause__, BadStatusLine)


def _may_repeat(request: Request) -> bool:
    if request.method in _SAFE:
        return True
    return request.method in _IDEMPOTENT and not any(name.lower().startswith(_CONDITIONS) for name in request.headers)


def rewinder(body: Any) -> Callable[[], object]:
    """Give what has a body read from where it is now. Files have not been read where a request is sent again."""
    return partial(body.seek, body.tell()) if isinstance(body, io.BytesIO) else bool
