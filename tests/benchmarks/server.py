"""The server of the benchmarks, in a process of its own: plain HTTP/1.1, kept alive, with answers made beforehand.

It does as little per request as Python can, so that the client is what is measured. `--items` is how many there are on
a page, `--pages` how many pages a listing has.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
from typing import TYPE_CHECKING, Any

from tests.benchmarks import answers
from tests.support.processes import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *([^\r]+)", re.IGNORECASE)


class Service:
    """From a request's head and body to the bytes of its answer."""

    def __init__(self, pages: int, items: int) -> None:
        self._objects = answers.Objects(pages, items)
        self._actions: dict[bytes, Callable[[bytes], bytes]] = {
            b"ListUsers": answers.Users(pages, items).page,
            b"DescribeInstances": answers.Instances(pages, items).page,
        }
        self._targets = answers.targets(min(items, 200))

    def answer(self, head: bytes, body: bytes) -> bytes:
        method, target, _ = head.split(b" ", 2)
        if method == b"POST":
            return self._post(head, target, body)
        if target.startswith(b"/bucket/key"):
            return {b"GET": answers.GET, b"HEAD": answers.HEAD, b"PUT": answers.PUT}[method]
        if target.startswith(b"/bucket"):
            return self._objects.page(target)
        if target == b"/" or target.startswith(b"/?"):
            return answers.BUCKETS
        return answers.empty_xml(b"") if b"/2013-04-01/" in target else answers.EMPTY_JSON

    def _post(self, head: bytes, target: bytes, body: bytes) -> bytes:
        if found := _TARGET.search(head):
            return self._targets.get(found[1], answers.EMPTY_JSON)
        if body.startswith(b"Action="):
            action = body[7:].partition(b"&")[0]
            page = self._actions.get(action)
            return page(body) if page else answers.empty_xml(action)
        return answers.EMPTY_CBOR if b"/operation/" in target else answers.EMPTY_JSON


class Connection(asyncio.Protocol):
    """One connection: finds where requests end, and answers in their order."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = b""
        self._continued = False
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, start = self._buffer[:end], end + 4
            stop = start
            if not head.startswith((b"GET", b"HEAD")):
                found = _LENGTH.search(head)
                assert found, "the server wants a Content-Length"
                stop += int(found[1])
            if len(self._buffer) < stop:
                if b"100-continue" in head and not self._continued:
                    self._continued = True
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, self._buffer, self._continued = self._buffer[start:stop], self._buffer[stop:], False
            self._transport.write(self._service.answer(head, body))


@contextlib.contextmanager
def serving(pages: int = 1, items: int = 1000) -> Iterator[str]:
    """The address of a server that runs until the block ends, or until this process does, however it ends."""
    with running("tests.benchmarks.server", "--pages", str(pages), "--items", str(items)) as url:
        yield url


async def serve(pages: int, items: int) -> None:
    service = Service(pages, items)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # which ends with the process that has started us


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1)
    parser.add_argument("--items", type=int, default=1000)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.pages, arguments.items))


if __name__ == "__main__":
    main()
