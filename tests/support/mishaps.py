"""What can happen to an answer on its way: cut off, hung, dripped, garbled, told to be of another length.

An `Answer` of a `CountingServer` can have a mishap, which writes it as it pleases; the connection ends after that,
unless it `lives`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

GARBAGE = bytes(range(256)) * 4


@dataclass(frozen=True)
class Mishap:
    """Writes the head and the body of an answer, or not."""

    name: str
    write: Callable[[StreamWriter, bytes, bytes], Awaitable[None]]
    lives: bool = False


def reset(writer: StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _ends(name: str, part: Callable[[bytes, bytes], bytes], *, by_reset: bool) -> Mishap:
    async def write(writer: StreamWriter, head: bytes, body: bytes) -> None:
        if sent := part(head, body):
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(0.002)  # or a reset may overtake it
        if by_reset:
            reset(writer)

    return Mishap(f"{'reset' if by_reset else 'closed'} {name}", write)


def ending(*, by_reset: bool) -> list[Mishap]:
    """The connection ends too early, at each part of the answer."""
    return [
        _ends("before the headers", lambda head, body: b"", by_reset=by_reset),
        _ends("within the headers", lambda head, body: _half(head), by_reset=by_reset),
        _ends("after the headers", lambda head, body: head, by_reset=by_reset),
        _ends("within the body", lambda head, body: head + _half(body), by_reset=by_reset),
    ]


def hanging(released: Callable[[], Awaitable[None]]) -> list[Mishap]:
    """The connection stays open, and nothing comes any more, at each part of the answer."""

    def at(name: str, part: Callable[[bytes, bytes], bytes]) -> Mishap:
        async def write(writer: StreamWriter, head: bytes, body: bytes) -> None:
            writer.write(part(head, body))
            await writer.drain()
            await released()

        return Mishap(f"hangs {name}", write)

    return [
        at("before the headers", lambda head, body: b""),
        at("within the headers", lambda head, body: _half(head)),
        at("within the body", lambda head, body: head + _half(body)),
    ]


async def _drip(writer: StreamWriter, head: bytes, body: bytes) -> None:
    data = head + body
    size = max(1, len(data) // 20)
    for start in range(0, len(data), size):
        writer.write(data[start : start + size])
        await writer.drain()
        await asyncio.sleep(0.002)


async def _overlong(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(head + body + GARBAGE)


async def _second_answer(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(head + body + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")


async def _garbage(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(GARBAGE)


async def _chunked_garbage(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(_with_headers(head, b"Transfer-Encoding: chunked") + b"zz\r\n" + body)


async def _chunked(writer: StreamWriter, head: bytes, body: bytes) -> None:
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (_half(body), body[len(body) // 2 :]) if piece)
    writer.write(_with_headers(head, b"Transfer-Encoding: chunked") + pieces + b"0\r\n\r\n")


async def _chunked_and_cut(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(_with_headers(head, b"Transfer-Encoding: chunked") + b"%x\r\n%s" % (len(body), _half(body)))


async def _until_closed(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(_with_headers(head, b"Connection: close") + body)


async def _too_long(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(_with_headers(head, b"Content-Length: %d" % (len(body) + 10)) + body)


async def _continues(writer: StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head + body)


def _with_headers(head: bytes, *more: bytes) -> bytes:
    """The head with other words on how long the body is."""
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, *more]) + b"\r\n\r\n"


DRIPS = Mishap("drips", _drip, lives=True)
OVERLONG = Mishap("longer than its Content-Length", _overlong, lives=True)
SECOND_ANSWER = Mishap("followed by an answer that nobody asked for", _second_answer, lives=True)
NOT_HTTP = Mishap("garbage instead of HTTP", _garbage)
CHUNKED = Mishap("in chunks", _chunked, lives=True)
CHUNKED_GARBAGE = Mishap("chunks of no length", _chunked_garbage)
CHUNKED_AND_CUT = Mishap("closed within a chunk", _chunked_and_cut)
UNTIL_CLOSED = Mishap("without a Content-Length", _until_closed)
TOO_LONG = Mishap("closed before its Content-Length", _too_long)
CONTINUES = Mishap("after informational answers", _continues, lives=True)
