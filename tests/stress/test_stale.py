"""Connections that the server has closed while the program was busy: no call fails for it, and none is a retry.

Every connection is closed as soon as it has answered, and no loop looks at it before the next call is made. boto3 makes
the same calls beside it. `python -m tests.stress.stale` has a server that closes at about the pace of the calls.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamWriter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ConnectionClosedError

import aiosdk
from aiosdk._transport import connector
from aiosdk._transport.stale import not_taken
from tests.stress.stale import CALLS, KEYS, busy, options, ours, seen, theirs
from tests.support.mishaps import reset
from tests.support.processes import running
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

CALLS_MADE = 3 * len(CALLS)
WAITS = [0.003] * CALLS_MADE


@pytest.fixture(scope="module")
def closing_server() -> Iterator[str]:
    with running("tests.stress.closing_server", "0", "0") as url:
        yield url


async def test_calls_over_connections_that_were_closed_meanwhile_succeed_at_once(closing_server: str) -> None:
    before = await asyncio.to_thread(seen, closing_server)
    assert +await ours(closing_server, WAITS, 1) == {}
    after = await asyncio.to_thread(seen, closing_server)
    assert after["requests"] - before["requests"] == CALLS_MADE
    assert +await asyncio.to_thread(theirs, closing_server, WAITS, 1) == {}


@pytest.mark.parametrize("kind", sorted({kind for kind, *_ in CALLS}))
async def test_a_connection_that_ends_under_a_request_is_no_attempt(
    closing_server: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The server's notice comes between the look at the socket and the first byte."""
    _, service, operation, params = next(call for call in CALLS if call[0] == kind)
    is_quiet = connector.Wire.is_quiet

    def look_too_early(wire: connector.Wire) -> bool:
        found = is_quiet(wire)
        busy(0.003)
        return found

    config = AioConfig(**options(1))
    async with (
        aiosdk.Session(**KEYS, endpoint_url=closing_server, config=config) as session,
        session.client(service) as client,
    ):
        monkeypatch.setattr(connector, "watch", lambda _: bool)  # it sees nothing yet
        monkeypatch.setattr(connector.Wire, "is_quiet", look_too_early)
        for _ in range(6):
            if kind == "POST":  # of others nobody would be surprised to see them again
                before = await asyncio.to_thread(seen, closing_server)
                await getattr(client, operation)(**params)
                after = await asyncio.to_thread(seen, closing_server)
                assert after["requests"] - before["requests"] == 1
            else:
                await getattr(client, operation)(**params)


@pytest.mark.parametrize("end", [StreamWriter.close, reset])
async def test_what_a_server_has_taken_without_an_answer_is_not_sent_again(end: Callable[[StreamWriter], None]) -> None:
    """Neither what it has read nor what it has not: only what never got there. A reset does not say which it was."""
    taken: list[bytes] = []
    first = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        head = await reader.readuntil(b"\r\n\r\n")
        if first:
            first = False
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        taken.append(head)
        end(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        aiosdk.Session(**KEYS, endpoint_url=url, config=AioConfig(**options(1))) as session,
        session.client("dynamodb") as client,
    ):
        item: Any = {"TableName": "t", "Item": {"k": {"S": "v"}}}
        await client.put_item(**item)
        with pytest.raises(ConnectionClosedError) as failed:
            await client.put_item(**item)
        assert len(failed.value.attempts) == 1  # type: ignore[attr-defined]
    assert len(taken) == 1
    server.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="only Linux counts")
def test_the_kernel_tells_what_the_other_side_has_not_taken() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as ours_, listener.accept()[0] as other:

        class Transport(asyncio.BaseTransport):
            def get_extra_info(self, name: str, default: Any = None) -> Any:
                return ours_

        ours_.sendall(b"a" * 100)
        other.recv(100)
        assert not_taken(Transport()) <= 1
        other.close()
        ours_.sendall(b"b" * 50)
        assert 50 <= not_taken(Transport()) <= 51
        ours_.close()
        assert not_taken(Transport()) == 0
    assert not_taken(None) == 0
