"""The server of the benchmark of transfers, in a process of its own: it forgets uploads and serves one object.

It hashes nothing, keeps nothing and copies nothing that it need not, so that the client is what is measured. Every key
is the same object, `--size` bytes long. With `--tls` it makes itself a certificate that nobody trusts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from tests.support.processes import running

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 2**18
_SCRATCH = memoryview(bytearray(2**20))
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)
_CONTINUE = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)
_END_OF_CHUNKS = b"0\r\n\r\n"
ETAG = b'"0123456789abcdef0123456789abcdef-128"'
_ABOUT = (
    b"ETag: " + ETAG + b"\r\nLast-Modified: Fri, 02 Jan 2026 03:04:05 GMT\r\nAccept-Ranges: bytes\r\n"
    b"Content-Type: binary/octet-stream\r\nServer: AmazonS3\r\nx-amz-request-id: 0123456789ABCDEF\r\n"
)
_CREATED = (
    b"<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>key</Key><UploadId>u</UploadId>"
    b"</InitiateMultipartUploadResult>"
)
_COMPLETED = (
    b"<CompleteMultipartUploadResult><Bucket>bucket</Bucket><Key>key</Key><ETag>" + ETAG + b"</ETag>"
    b"</CompleteMultipartUploadResult>"
)


class Connection(asyncio.BufferedProtocol):
    """One connection, without pipelining: a head, a body that is forgotten, an answer."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._transport: Any = None
        self._head = b""
        self._left = 0  # bytes of the body that are to come; -1 when it comes in chunks
        self._tail = b""
        self._to_send = memoryview(b"")
        self._paused = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def get_buffer(self, _: int) -> memoryview:
        return _SCRATCH[: self._left] if self._left > 0 else _SCRATCH

    def buffer_updated(self, count: int) -> None:
        if self._left > 0:
            self._left -= count
            if self._left == 0:
                self._answer()
        elif self._left < 0:
            self._forget_chunks(bytes(_SCRATCH[max(count - 5, 0) : count]))
        else:
            self._head += _SCRATCH[:count]
            end = self._head.find(b"\r\n\r\n")
            if end >= 0:
                body, self._head = self._head[end + 4 :], self._head[: end + 2]
                self._begin(body)

    def _begin(self, body: bytes) -> None:
        if _CONTINUE.search(self._head) and not body:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if _CHUNKED.search(self._head):
            self._left = -1
            self._forget_chunks(body[-5:])
            return
        found = _LENGTH.search(self._head)
        self._left = int(found[1]) - len(body) if found else 0
        if self._left == 0:
            self._answer()

    def _forget_chunks(self, tail: bytes) -> None:
        self._tail = (self._tail + tail)[-5:]
        if self._tail == _END_OF_CHUNKS:  # as good as never within the data, at the end of what was received
            self._left, self._tail = 0, b""
            self._answer()

    def _answer(self) -> None:
        method, target, _ = self._head.split(b" ", 2)
        if method == b"GET":
            self._serve()
        elif method == b"HEAD":
            self._write(b"200 OK", length=len(self._content))
        elif method == b"POST":
            self._write(b"200 OK", _CREATED if target.split(b"?")[1].startswith(b"uploads") else _COMPLETED)
        else:
            self._write(b"204 No Content" if method == b"DELETE" else b"200 OK")
        self._head = b""

    def _write(self, status: bytes, body: bytes = b"", more: bytes = b"", length: int | None = None) -> None:
        size = len(body) if length is None else length
        self._transport.write(b"HTTP/1.1 %s\r\n%s%sContent-Length: %d\r\n\r\n%s" % (status, _ABOUT, more, size, body))

    def _serve(self) -> None:
        size = len(self._content)
        if found := _RANGE.search(self._head):
            start, last = int(found[1]), min(int(found[2] or size), size - 1)
            said = b"Content-Range: bytes %d-%d/%d\r\n" % (start, last, size)
            self._to_send = self._content[start : last + 1]
            self._write(b"206 Partial Content", more=said, length=len(self._to_send))
        else:
            self._to_send = self._content
            self._write(b"200 OK", length=size)
        self._send()

    def _send(self) -> None:
        while self._to_send and not self._paused:
            piece, self._to_send = self._to_send[:PIECE], self._to_send[PIECE:]
            self._transport.write(piece)

    def connection_lost(self, _: Exception | None) -> None:
        self._paused = True  # for ever: nobody is there

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._send()


@contextlib.contextmanager
def serving_object(size: int, *, tls: bool = False) -> Iterator[str]:
    """The address of a server that runs until the block ends, or until this process does, however it ends."""
    tls_or_not = ("--tls",) if tls else ()
    with running("tests.benchmarks.transfer_server", "--size", str(size), *tls_or_not) as url:
        yield url


def content(size: int) -> memoryview:
    """So many bytes, none of which says where in the object it is but by its place in its MiB."""
    block = os.urandom(2**20)
    return memoryview(block * (size // len(block) + 1))[:size]


def _tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        about = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run([*make, *about, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        context.load_cert_chain(certificate, key)
    return context


async def serve(size: int, tls: ssl.SSLContext | None) -> None:
    served = content(size)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(served), "127.0.0.1", 0, backlog=1024, ssl=tls)
    print(f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # which ends with the process that has started us


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.size, _tls_context() if arguments.tls else None))


if __name__ == "__main__":
    main()
