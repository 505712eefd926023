"""An S3 server for tests: it keeps objects in memory, checks all that it is sent, and misbehaves when it is told to.

    with S3Server("bucket") as server:
        server.faults.add(refuse(503, "SlowDown"), operation="UploadPart", part=2)
        ...
        assert server.open_uploads() == []

It runs on a thread and an event loop of its own and keeps connections alive. Buckets stand in the path of a URL or in
its host, if that ends with `.localhost`. Signatures are not checked.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING

from tests.support.on_a_thread import read_head
from tests.support.s3_answers import Answer, error
from tests.support.s3_faults import Action, ConnectionEndsError, Faults
from tests.support.s3_operations import Operations
from tests.support.s3_requests import S3Request
from tests.support.s3_store import S3Error, Store, Version
from tests.support.server import CountingServer

if TYPE_CHECKING:
    from collections.abc import Mapping

PIECE = 2**18


class S3Server(CountingServer):
    """Listens at `url` while it is entered. `store` is what it has, `faults` what it does wrong."""

    def __init__(
        self, *buckets: str, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", minimum_part_size: int = 0
    ) -> None:
        super().__init__(tls=tls, host=host)
        self.store = Store(minimum_part_size)
        for bucket in buckets:
            self.store.create(bucket)
        self.faults = Faults()
        self.seen: list[S3Request] = []
        self.operations: collections.Counter[str] = collections.Counter()
        self.peak_operations: collections.Counter[str] = collections.Counter()
        self.bytes_received = 0
        self.bytes_sent = 0
        self._under_way: collections.Counter[str] = collections.Counter()
        self._perform = Operations(self.store).perform
        self._release = threading.Event()

    def release(self) -> None:
        """Let go on what hangs, now and later; `hold()` ends that."""
        self._release.set()

    def hold(self) -> None:
        self._release.clear()

    async def released(self) -> None:
        while not self._release.is_set():
            await asyncio.sleep(0.005)

    def __exit__(self, *exc_info: object) -> None:
        self.release()
        super().__exit__(*exc_info)

    def open_uploads(self) -> list[str]:
        """The uploads that were neither completed nor aborted: `bucket/key`."""
        return [
            f"{name}/{each.key}"
            for name, bucket in list(self.store.buckets.items())
            for each in list(bucket.uploads.values())
        ]

    def put(self, key: str, body: bytes, bucket: str = "bucket", headers: Mapping[str, str] | None = None) -> Version:
        return self.store.find(bucket).put(Version(key, body, dict(headers or {})))

    def body(self, key: str, bucket: str = "bucket") -> bytes:
        return self.store.find(bucket).find(key).body

    def forget(self) -> None:
        """Forget what was counted, and the faults."""
        self.faults.clear()
        self.seen.clear()
        for counter in (self.operations, self.peak_operations):
            counter.clear()
        self.bytes_received = self.bytes_sent = 0
        self.hold()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await self._receive_head(reader)) is not None and await self._exchange(
                request, reader, writer
            ):
                pass
        except ConnectionEndsError as closing:
            if closing.reset:
                _reset(writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # clients under test break off
        finally:
            writer.close()

    async def _receive_head(self, reader: asyncio.StreamReader) -> S3Request | None:
        head = await read_head(reader)
        if head is None:
            return None
        method, target, headers, _ = head
        request = S3Request(method, target, headers)
        self.seen.append(request)
        self.operations[request.operation] += 1
        return request

    async def _exchange(self, request: S3Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; whether the connection lives on."""
        action = self.faults.of(request)
        self.active += 1
        self.peak_active = max(self.peak_active, self.active)
        self._under_way[request.operation] += 1
        counts = self._under_way[request.operation]
        self.peak_operations[request.operation] = max(self.peak_operations[request.operation], counts)
        try:
            early = action is not None and action.receive_at_most is not None
            if not early and request.headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            complete = await self._receive_body(request, reader, action.receive_at_most if action else None)
            answer = await self._answer(request, action)
            request.body = b""
            await self._send(writer, request, answer)
            return complete and answer.headers.get("Connection") != "close" and answer.stop_at is None
        finally:
            self.active -= 1
            self._under_way[request.operation] -= 1
            request.body = b""

    async def _receive_body(self, request: S3Request, reader: asyncio.StreamReader, most: int | None) -> bool:
        """Read the body, or so much of it; whether it has come to its end."""
        if request.headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._receive_chunks(request, reader, most)
        length = int(request.headers.get("content-length", "0"))
        return await self._receive_piece(request, reader, length, most)

    async def _receive_chunks(self, request: S3Request, reader: asyncio.StreamReader, most: int | None) -> bool:
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            if not await self._receive_piece(request, reader, size, most):
                return False
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return True

    async def _receive_piece(
        self, request: S3Request, reader: asyncio.StreamReader, size: int, most: int | None
    ) -> bool:
        pieces = [request.body] if request.body else []
        try:
            while size:
                room = PIECE if most is None else most - request.received
                if room <= 0:
                    return False
                piece = await reader.read(min(size, room, PIECE))
                if not piece:
                    raise ConnectionError("the client broke off")
                pieces.append(piece)
                size -= len(piece)
                request.received += len(piece)
                self.bytes_received += len(piece)
            return True
        finally:
            request.body = b"".join(pieces)

    async def _answer(self, request: S3Request, action: Action | None) -> Answer:
        answer = None
        if action is not None and action.asked is not None:
            answer = await action.asked(self, request)
        if answer is None:
            try:
                answer = self._perform(request)
            except S3Error as problem:
                answer = error(problem, request.key)
        if action is not None and action.performed is not None:
            await action.performed(self, request, answer)
        return answer

    async def _send(self, writer: asyncio.StreamWriter, request: S3Request, answer: Answer) -> None:
        without_body = request.method == "HEAD" or answer.status in (204, 304)
        body = memoryview(b"" if without_body else answer.body)
        length = {} if answer.status in (204, 304) else {"Content-Length": str(len(answer.body))}
        headers = {**length, "x-amz-request-id": f"R{len(self.seen)}", **answer.headers}
        if answer.stop_at != -1:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"HTTP/1.1 {answer.status} Because\r\n{lines}\r\n".encode("latin-1"))
            await self._send_body(writer, body[: answer.stop_at], answer.drip or PIECE, drips=bool(answer.drip))
        if answer.stop_at is not None:
            await writer.drain()
            if answer.stop == "hang":
                await self.released()
            raise ConnectionEndsError(reset=answer.stop == "reset")

    async def _send_body(self, writer: asyncio.StreamWriter, body: memoryview, piece: int, *, drips: bool) -> None:
        for start in range(0, len(body), piece):
            sent = body[start : start + piece]
            self.bytes_sent += len(sent)
            writer.write(sent)
            await writer.drain()
            if drips:
                await asyncio.sleep(0.001)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
