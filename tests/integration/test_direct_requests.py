"""Requests written straight to an idle connection: the same bytes, answers and errors as down aiohttp's own way.

Each case runs twice against a server that follows a script, once with `direct.send` switched off. What goes over the
wire must be equal but for the order of the headers, and so must what comes of it, and what is left in the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import aiohttp
import pytest
import uvloop
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from aiosdk._transport import connector, direct, http
from aiosdk._transport.connector import ConnectorOptions
from aiosdk._transport.loop_pool import Setup
from aiosdk._transport.pool import ConnectionPool
from aiosdk._transport.tls import TLSSettings
from aiosdk.exceptions import InvalidHeaderError
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"
CLOSE, RESET, BODY = "close", "reset", "read the body"
Part = bytes | float | str
Script = list[Part]


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait 0.3 seconds for `100 Continue`, not one."""
    monkeypatch.setattr(direct, "CONTINUE_TIMEOUT", 0.3)
    monkeypatch.setattr(connector, "CONTINUE_TIMEOUT", 0.3)


@dataclass
class Scripted:
    """A server that answers `/warm` properly, and everything else by its script."""

    script: Script
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    _tasks: set[Any] = field(default_factory=set)

    async def __aenter__(self) -> Scripted:
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self.tls)
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{self.host}]" if ":" in self.host else "localhost" if self.tls else self.host
        self.url = f"{'https' if self.tls else 'http'}://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError
            ):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    if b" /warm" in head:
                        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    else:
                        self.heads.append(head)
                        await self._follow(reader, writer, head)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        if b"100-continue" not in head.lower():
            await self._body(reader, head)
        for part in self.script:
            if part == BODY:
                await self._body(reader, head)
            elif part == CLOSE:
                writer.close()
                raise ConnectionError
            elif part == RESET:
                writer.transport.abort()
                raise ConnectionError
            elif isinstance(part, float):
                await asyncio.sleep(part)
            else:
                assert isinstance(part, bytes)
                writer.write(part)
                await writer.drain()

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> None:
        found = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if found and int(found[1]):
            self.bodies.append(await reader.readexactly(int(found[1])))


@dataclass
class Result:
    outcome: Any
    line: bytes
    headers: list[bytes]
    bodies: list[bytes]
    connections: int
    open: int
    took: int


def _kept(text: str) -> str:
    return re.sub(r":\d{4,5}\b", ":PORT", re.sub(r"0x[0-9a-f]+", "0x", text))


async def read(response: http.Response) -> Any:
    return response.status, response.headers, response.content


async def run(
    way: str,
    script: Script,
    *,
    method: str = "GET",
    target: str = "/k",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    read_timeout: float | None = 5.0,
    use: Callable[[http.Response], Awaitable[Any]] = read,
    stream: bool = False,
    host: str = "127.0.0.1",
    tls: tuple[ssl.SSLContext, str] | None = None,
    options: ConnectorOptions | None = None,
    between: Callable[[ConnectionPool], Awaitable[None]] | None = None,
    limit: int = 4,
) -> Result:
    """Warm a connection up, then send one request over it; `way` is `direct` or `aiohttp`."""
    took = 0
    exchange = direct._exchange

    async def counted(*args: Any) -> Any:
        nonlocal took
        took += 1
        return await exchange(*args)

    async def none(*_: Any) -> None:
        return None

    switch = mock.patch.object(direct, *(("_exchange", counted) if way == "direct" else ("send", none)))
    more = {"Content-Length": str(len(body))} if body is not None else {}
    async with Scripted(script, tls and tls[0], host) as server:
        pool = ConnectionPool(limit)
        setup = Setup(options=options or ConnectorOptions())
        if tls is not None:
            setup = Setup(tls=TLSSettings(find_ca=lambda _: tls[1]), options=options or ConnectorOptions())
        timeouts = http.Timeouts(5.0, 5.0, read_timeout)
        await http.exchange(pool, setup, http.Request("GET", server.url + "/warm", {}, None, timeouts))
        if between is not None:
            await between(pool)
        request = http.Request(method, server.url + target, {**(headers or {}), **more}, body, timeouts, stream)
        with switch:
            try:
                outcome = await use(await http.exchange(pool, setup, request))
            except Exception as error:
                outcome = type(error), _kept(str(error))
        if stream:
            gc.collect()
        await eventually(lambda: pool.stats().in_use == 0)
        still_open = pool.stats().open
        pool.abandon()
        await pool.wait_closed()
        await asyncio.sleep(0)
        head = server.heads[0] if server.heads else b""
        line, *rest = head.rstrip(b"\r\n").split(b"\r\n")
        host_header = [
            re.sub(rb":\d+$", b":PORT", each) if each.lower().startswith(b"host:") else each for each in rest
        ]
        return Result(outcome, line, sorted(host_header), server.bodies, server.connections, still_open, took)


async def same(script: Script, *, directly: int = 1, **request: Any) -> Result:
    """Run a case both ways; gives what comes of it, which must be equal."""
    theirs = await run("aiohttp", script, **request)
    ours = await run("direct", script, **request)
    assert ours.took == directly, "it went the other way"
    ours.took = theirs.took
    assert ours == theirs
    return ours


# Answers


def chunks(data: bytes, size: int = 1) -> Script:
    parts: Script = []
    for start in range(0, len(data), size):
        parts += [data[start : start + size], 0.0]
    return parts


ANSWERS: dict[str, Script] = {
    "with a length": [OK],
    "in tiny pieces": chunks(OK),
    "chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"],
    "chunked in pieces with a trailer": chunks(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n"
    ),
    "that says close": [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", CLOSE],
    "that says close and stays": [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
    "of HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\nuntil the end", CLOSE],
    "of HTTP/1.0 with a length": [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    "of HTTP/1.0 kept alive": [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"],
    "until the connection ends": [b"HTTP/1.1 200 OK\r\n\r\nuntil ", 0.02, b"the end", CLOSE],
    "after 100": [b"HTTP/1.1 100 Continue\r\n\r\n" + OK],
    "after 103 and 102": [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 0.02, b"HTTP/1.1 102 P\r\n\r\n", 0.02, OK],
    "204": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "204 with a length": [b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"],
    "304 with a length": [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: e\r\n\r\n"],
    "301": [b"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"],
    "without a reason": [b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"],
    "with cookies": [b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n"],
    "with one header twice": [b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"],
    "with UTF-8": ["HTTP/1.1 200 OK\r\nx-amz-meta-a: ü\r\nContent-Length: 0\r\n\r\n".encode()],
    "with Latin-1": ["HTTP/1.1 200 OK\r\nx-amz-meta-a: ü\r\nContent-Length: 0\r\n\r\n".encode("latin-1")],
    "compressed": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"],
    "with more than was promised": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokrubbish"],
    "and a second one that nobody asked for": [OK + OK],
    "cut in the head": [b"HTTP/1.1 200 OK\r\nContent-", CLOSE],
    "cut in the body": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", CLOSE],
    "cut in a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", CLOSE],
    "reset in the body": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0.02, RESET],
    "none": [CLOSE],
    "none but a reset": [RESET],
    "with a line that is too long": [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000 + b"\r\n\r\n"],
    "with too many headers": [b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n"],
    "that is no HTTP": [b"what do you want?\r\n\r\n"],
    "with a bad header": [b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"],
    "with a bad length": [b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok"],
    "with two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
    "with a bad chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n"],
    "of status 99": [b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n"],
    "of status 1000": [b"HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n"],
    "that upgrades": [b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"],
    "large": [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", b"x" * 300_000],
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers_are_read_as_by_aiohttp(name: str) -> None:
    result = await same(ANSWERS[name])
    # As in Python's own client, which botocore uses, a status that is none of three digits is no HTTP either.
    is_none = name.startswith("none") or name in ("that is no HTTP", "of status 99", "of status 1000")  # sent again
    assert result.connections == (2 if is_none else 1)
    await same(ANSWERS[name], method="HEAD")


async def test_a_head_with_a_length_keeps_its_connection() -> None:
    result = await same([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], method="HEAD")
    assert result.outcome == (200, {"content-length": "5"}, b"")
    assert result.open == 1


# Time


async def test_no_answer_in_time_is_a_read_timeout() -> None:
    result = await same([0.5, OK], read_timeout=0.1)
    assert result.outcome[0] is ReadTimeoutError
    assert result.open == 0


async def test_a_body_that_stops_is_a_read_timeout() -> None:
    result = await same([OK[:-1], 0.5, b"k"], read_timeout=0.1)
    assert result.outcome[0] is ReadTimeoutError


async def test_each_part_of_a_body_has_its_own_time() -> None:
    result = await same([OK[:-2], 0.15, b"o", 0.15, b"k"], read_timeout=0.25)
    assert result.outcome[0] == 200


async def test_the_time_of_one_request_is_not_that_of_the_next_on_the_connection() -> None:
    async with Scripted([0.3, OK]) as server:
        pool, setup = ConnectionPool(1), Setup()
        hasty, patient = http.Timeouts(5.0, 5.0, 0.1), http.Timeouts(5.0, 5.0, None)
        for target, timeouts in [("/warm", hasty), ("/warm", hasty), ("/k", patient)]:
            request = http.Request("GET", server.url + target, {}, None, timeouts)
            assert (await http.exchange(pool, setup, request)).status == 200
        assert server.connections == 1
        pool.abandon()
        await pool.wait_closed()


# Connections


async def test_a_connection_that_the_server_closed_while_idle_is_not_used() -> None:
    async with Scripted([OK]) as server:
        pool, setup, timeouts = ConnectionPool(4), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        await http.exchange(pool, setup, http.Request("GET", server.url + "/warm", {}, None, timeouts))
        for task in list(server._tasks):
            task.cancel()
        await eventually(lambda: pool.stats().open == 0)
        await http.exchange(pool, setup, http.Request("GET", server.url + "/k", {}, None, timeouts))
        assert server.connections == 2
        pool.abandon()
        await pool.wait_closed()


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_what_a_connection_closed_in_the_moment_of_use_did_not_answer_is_sent_again_if_it_may_be(
    method: str,
) -> None:
    body = None if method == "GET" else b"abc"
    for end in (CLOSE, RESET):
        result = await same([end], method=method, body=body)
        assert result.outcome[0] is ConnectionClosedError
        assert result.connections == (1 if method == "POST" else 2)


@pytest.mark.parametrize(("header", "connections"), [("If-None-Match", 1), ("x-amz-if-match-size", 1), ("X-A", 2)])
async def test_what_holds_for_the_first_of_two_requests_alone_is_not_sent_again(header: str, connections: int) -> None:
    result = await same([CLOSE], method="PUT", body=b"abc", headers={header: "*"})
    assert result.connections == connections


async def test_a_connection_idle_for_too_long_is_not_used() -> None:
    async def wait(pool: ConnectionPool) -> None:
        await asyncio.sleep(0.1)

    result = await same([OK], options=ConnectorOptions(keepalive_timeout=0.05), between=wait, directly=0)
    assert result.connections == 2


async def test_data_that_comes_while_a_connection_idles_ends_it() -> None:
    async with Scripted([OK, 0.05, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", 5.0]) as server:
        pool, setup, timeouts = ConnectionPool(4), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        await http.exchange(pool, setup, http.Request("GET", server.url + "/warm", {}, None, timeouts))
        await http.exchange(pool, setup, http.Request("GET", server.url + "/k", {}, None, timeouts))
        await asyncio.sleep(0.15)
        found = await http.exchange(pool, setup, http.Request("GET", server.url + "/k", {}, None, timeouts))
        assert found.status == 200
        assert server.connections == 2
        pool.abandon()
        await pool.wait_closed()


async def test_connections_used_once_only_go_aiohttps_way() -> None:
    result = await same([OK], options=ConnectorOptions(force_close=True), directly=0)
    assert b"Connection: close" in result.headers
    assert result.connections == 2


async def test_requests_that_wait_for_a_connection_are_served_in_their_order() -> None:
    async with Scripted([0.005, OK]) as server:
        pool, setup, timeouts = ConnectionPool(2), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        done: list[int] = []

        async def one(number: int) -> None:
            request = http.Request("GET", f"{server.url}/{number}", {}, None, timeouts)
            await http.exchange(pool, setup, request)
            done.append(number)

        await one(-1)
        await asyncio.gather(*(one(number) for number in range(30)))
        assert server.connections == 2
        assert all(abs(number - place) <= 3 for place, number in enumerate(done[1:]))
        assert pool.stats().requests_sent == 31
        pool.abandon()
        await pool.wait_closed()


async def test_an_ipv6_host_is_written_as_aiohttp_writes_it() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    result = await same([OK], host="::1")
    assert b"Host: [::1]:PORT" in result.headers


async def test_over_tls_all_is_the_same(authority: Any, ca_bundle: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await asyncio.to_thread(lambda: authority.issue_cert("localhost").configure_cert(context))
    for script in ([OK], chunks(OK), [OK[:-1], CLOSE], [CLOSE], [RESET], ANSWERS["large"]):
        result = await same(script, tls=(context, ca_bundle), method="PUT", body=b"b" * 60_000)
        assert result.connections == (2 if script in ([CLOSE], [RESET]) else 1)
        assert result.bodies == [b"b" * 60_000] * result.connections


# Requests


REQUESTS: dict[str, dict[str, Any]] = {
    "a plain one": {},
    "with headers": {"headers": {"X-A": "b", "x-amz-date": "d", "Authorization": "AWS4 x, y=z"}},
    "with an empty header": {"headers": {"X-A": ""}},
    "with spaces around a value": {"headers": {"X-A": "  b  "}},
    "with a tab in a value": {"headers": {"X-A": "a\tb"}},
    "with UTF-8 in a value": {"headers": {"X-A": "ü€"}},
    "with a content type": {"method": "POST", "body": b"{}", "headers": {"Content-Type": "application/json"}},
    "without a content type": {"method": "POST", "body": b"{}"},
    "with an empty body": {"method": "PUT", "body": b""},
    "of no body": {"method": "DELETE", "headers": {"Content-Length": "0"}},
    "with an encoded path": {"target": "/a%2Fb/%C3%BC/%20+~'()*!;=@:$&,"},
    "with dots in the path": {"target": "/a/../b/./c//d"},
    "with an empty path segment first": {"target": "//a"},
    "with a query": {"target": "/k?a=b%20c&d=&e"},
    "with a question mark in the query": {"target": "/k?a=?&b=/"},
    "with an odd percent": {"target": "/%zz%2"},
    "with brackets": {"target": '/[a]{b}|c^d`e\\f"g<h>'},
    "that is as large as can be": {"method": "PUT", "body": b"x" * direct.SMALL_BODY},
    "that is large": {"method": "PUT", "body": b"x" * 700_000},
    "that is long": {"target": "/" + "k" * 20_000},
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_requests_are_written_as_by_aiohttp(name: str) -> None:
    may_go_either_way = "tab" in name  # a control character, which aiohttp lets pass
    theirs, result = await run("aiohttp", [OK], **REQUESTS[name]), await run("direct", [OK], **REQUESTS[name])
    assert result.took == 1 or may_go_either_way
    theirs.took = result.took
    assert result == theirs
    assert result.outcome == (200, {"content-length": "2", "x-a": "b"}, b"ok")
    assert result.open == result.connections == 1


NOT_DIRECT: dict[str, dict[str, Any]] = {
    "ending with a question mark": {"target": "/k?"},
    "with a fragment": {"target": "/k#f"},
    "with a space": {"target": "/a b"},
    "with a path that is not ASCII": {"target": "/ü"},
    "without a path": {"target": ""},
    "with a query and no path": {"target": "?a=/b"},
    "with a host of its own": {"headers": {"Host": "other"}},
    "with a host of its own in small letters": {"headers": {"host": "other"}},
    "with a connection header": {"headers": {"Connection": "close"}},
    "whose body may be changed": {"method": "PUT", "body": bytearray(b"x")},
}


@pytest.mark.parametrize("name", NOT_DIRECT)
async def test_odd_requests_go_aiohttps_way(name: str) -> None:
    result = await same([OK], directly=0, **NOT_DIRECT[name])
    assert result.line


FORBIDDEN = [
    *["\r\nX-Injected: 1", "\n", "\r", "\0"],
    *[pytest.param(text) for text in ("\x01", "\x1b", "\x7f", "\x0b")],
]


@pytest.mark.parametrize("text", FORBIDDEN)
@pytest.mark.parametrize("where", ["value", "name", "target"])
async def test_what_aiohttp_refuses_to_write_is_refused(where: str, text: str) -> None:
    request: dict[str, Any] = {"headers": {f"X-A{text if where == 'name' else ''}": text if where == "value" else "b"}}
    if where == "target":
        request["target"] = f"/a{text}b"
    theirs = await run("aiohttp", [OK], **request)
    ours = await run("direct", [OK], **request)
    assert ours.line == theirs.line
    assert ours.headers == theirs.headers
    assert ours.outcome == theirs.outcome
    if where != "target":
        assert theirs.outcome[0] is InvalidHeaderError
        assert not theirs.line


async def test_a_host_header_of_one_request_is_not_that_of_the_next() -> None:
    async with Scripted([OK]) as server:
        pool, setup, timeouts = ConnectionPool(4), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        for headers in ({}, {"Host": "other"}, {}):
            await http.exchange(pool, setup, http.Request("GET", server.url + "/k", headers, None, timeouts))
        hosts = [re.search(rb"Host: (\S+)", head)[1].decode() for head in server.heads]  # type: ignore[index]
        own = server.url.removeprefix("http://")
        pool.abandon()
        await pool.wait_closed()
        assert hosts == [own, "other", own]


async def test_who_traces_aiohttps_requests_sees_them_all() -> None:
    seen: list[str] = []
    async with Scripted([OK]) as server:
        pool, setup, timeouts = ConnectionPool(4), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        request = http.Request("GET", server.url + "/k", {}, None, timeouts)
        await http.exchange(pool, setup, request)
        await http.exchange(pool, setup, request)
        tracing = aiohttp.TraceConfig()

        async def started(*_: Any) -> None:
            seen.append("start")

        tracing.on_request_start.append(started)
        tracing.freeze()
        session = await pool.http(setup)
        session.trace_configs.append(tracing)
        await http.exchange(pool, setup, request)
        assert seen == ["start"]
        pool.abandon()
        await pool.wait_closed()


async def test_who_patches_aiohttps_requests_answers_them_until_the_patch_is_gone() -> None:
    called: list[str] = []
    original = aiohttp.ClientSession._request

    async def patched(self: Any, method: str, url: Any, **kwargs: Any) -> Any:
        called.append(str(url))
        return await original(self, method, url, **kwargs)

    async with Scripted([OK]) as server:
        pool, setup, timeouts = ConnectionPool(4), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        request = http.Request("GET", server.url + "/k", {}, None, timeouts)
        await http.exchange(pool, setup, request)
        with mock.patch.object(aiohttp.ClientSession, "_request", patched):
            await http.exchange(pool, setup, request)
        await http.exchange(pool, setup, request)
        assert called == [server.url + "/k"]
        assert server.connections == 1
        pool.abandon()
        await pool.wait_closed()


def test_who_patches_aiohttps_requests_before_we_are_imported_answers_them_all() -> None:
    import subprocess
    import textwrap

    program = """
        import asyncio, aiohttp
        original, called = aiohttp.ClientSession._request, []

        async def patched(self, *args, **kwargs):
            called.append(args)
            return await original(self, *args, **kwargs)

        aiohttp.ClientSession._request = patched
        import aiosdk
        from tests.support.server import CountingServer

        async def main(url):
            async with aiosdk.Session("a", "b", region_name="us-east-1", endpoint_url=url) as session:
                s3 = await session.client("s3")
                for _ in range(3):
                    await s3.list_buckets()
            print(len(called))

        with CountingServer() as server:
            asyncio.run(main(server.url))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "3\n"


# Expect: 100-continue


EXPECT = {"method": "PUT", "body": b"b" * 5000, "headers": {"Expect": "100-continue"}}
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
NO = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
EXPECTED: dict[str, Script] = {
    "goes on": [GO_ON, BODY, OK],
    "goes on in tiny pieces": [*chunks(GO_ON), BODY, OK],
    "goes on later": [0.1, GO_ON, BODY, OK],
    "goes on after early hints": [b"HTTP/1.1 103 Early\r\n\r\n", 0.02, GO_ON, BODY, OK],
    "goes on twice": [GO_ON + GO_ON, BODY, OK],
    "takes the body before it goes on": [BODY, GO_ON, OK],
    "ignores it": [BODY, OK],
    "refuses at once": [NO, 0.1, CLOSE],
    "refuses at once and stays": [NO, 5.0],
    "refuses at once and closes": [b"HTTP/1.1 417 E\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", CLOSE],
    "refuses in pieces": [*chunks(NO), 5.0],
    "refuses after the body": [GO_ON, BODY, NO],
    "hangs up": [CLOSE],
    "hangs up in the body": [GO_ON, 0.02, RESET],
    "is content without the body": [OK, 5.0],
    "speaks rubbish": [b"rubbish\r\n\r\n", CLOSE],
}


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_body_is_held_back_until_the_server_wants_it(name: str) -> None:
    result = await same(EXPECTED[name], **EXPECT)
    assert result.connections == (2 if name in ("hangs up", "speaks rubbish") else 1)  # it is sent again
    if "refuses at once" in name or "content" in name:
        assert result.bodies == []
        assert result.open == 0


async def test_a_server_that_says_nothing_gets_the_body_though_the_read_timeout_is_short() -> None:
    result = await same([BODY, OK], read_timeout=0.15, **EXPECT)
    assert result.outcome[0] == 200


async def test_a_server_that_never_answers_is_a_read_timeout() -> None:
    result = await same([BODY, 9.0], read_timeout=0.5, **EXPECT)
    assert result.outcome[0] is ReadTimeoutError


async def test_an_empty_body_is_not_held_back() -> None:
    request: dict[str, Any] = {"method": "PUT", "body": b"", "headers": {"Expect": "100-continue"}}
    result = await same([OK], **request)
    assert not any(header.startswith(b"Expect") for header in result.headers)
    assert (result.open, result.connections) == (1, 1)


# Bodies that are streamed


async def _unread(response: http.Response) -> Any:
    return response.status, response.content


async def _part(response: http.Response) -> Any:
    return await response.body.read(10)


async def _all(response: http.Response) -> Any:
    found = b""
    while part := await response.body.read(7000):
        found += part
    return found, await response.body.read(), response.body.at_eof()


async def _closed(response: http.Response) -> Any:
    await response.body.read(10)
    response.body.close()
    response.body.close()
    try:
        return await response.body.read()
    except Exception as error:
        return type(error), _kept(str(error))


async def _chunked(response: http.Response) -> Any:
    return b"".join([part async for part, _ in response.body.iter_chunks()])


async def _cancelled(response: http.Response) -> Any:
    task = asyncio.create_task(response.body.read())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return "cancelled"


LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n"
STREAMS: dict[str, Script] = {
    "at once": [OK],
    "large": [LARGE, b"x" * 400_000],
    "slow": [LARGE, b"x" * 100, 0.2, b"x" * 399_900],
    "stuck": [LARGE, b"x" * 100, 3.0],
    "cut": [LARGE, b"x" * 100_000, 0.05, CLOSE],
    "reset": [LARGE, b"x" * 100, 0.05, RESET],
    "chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"],
    "without an end": [b"HTTP/1.1 200 OK\r\n\r\nabcd", 0.02, CLOSE],
}


@pytest.mark.parametrize("use", [_unread, _part, _all, _closed, _chunked], ids=lambda use: use.__name__)
async def test_a_streamed_body_is_read_as_by_aiohttp_and_leaves_nothing(use: Any) -> None:
    for script in STREAMS.values():
        await same(script, stream=True, use=use, read_timeout=0.4)


async def test_a_streamed_body_that_is_cancelled_leaves_nothing() -> None:
    result = await same(STREAMS["stuck"], stream=True, use=_cancelled)
    assert result.open == 0


# Cancellation


@pytest.mark.parametrize("name", ["put", "put that expects", "get", "get with a slow body"])
async def test_a_request_cancelled_at_any_step_leaves_nothing(name: str) -> None:
    slow: Script = [0.002, *chunks(OK, 9)]
    script, given = {
        "put": (slow, {"method": "PUT", "body": b"abc"}),
        "put that expects": ([0.002, GO_ON, BODY, *slow], EXPECT),
        "get": ([OK], {}),
        "get with a slow body": (slow, {}),
    }[name]
    body = given.get("body")
    headers = {**given.get("headers", {}), **({"Content-Length": str(len(body))} if body else {})}
    async with Scripted(script) as server:
        pool, setup, timeouts = ConnectionPool(2), Setup(), http.Timeouts(5.0, 5.0, 5.0)
        request = http.Request(given.get("method", "GET"), server.url + "/k", headers, body, timeouts)
        for steps in range(40):
            warm = http.Request("GET", server.url + "/warm", {}, None, timeouts)
            await http.exchange(pool, setup, warm)
            task = asyncio.create_task(http.exchange(pool, setup, request))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            del task
            await eventually(lambda: pool.stats().in_use == 0)
        assert (await http.exchange(pool, setup, request)).content == b"ok"
        pool.abandon()
        await pool.wait_closed()


# Loops


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_on_either_loop_requests_and_answers_are_the_same(factory: Any) -> None:
    async def main() -> None:
        for name in ("with a length", "in tiny pieces", "chunked", "cut in the body", "none", "large", "after 100"):
            await same(ANSWERS[name])
        for name in ("goes on", "ignores it", "refuses at once", "hangs up"):
            await same(EXPECTED[name], **EXPECT)
        for name in ("large", "cut", "stuck"):
            for use in (_unread, _part, _all, _closed):
                await same(STREAMS[name], stream=True, use=use, read_timeout=0.5)

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def test_a_second_loop_gets_connections_of_its_own() -> None:
    pool, setup, timeouts = ConnectionPool(2), Setup(), http.Timeouts(5.0, 5.0, 5.0)

    async def main() -> None:
        async with Scripted([OK]) as server:
            for target in ("/warm", "/k", "/k"):
                await http.exchange(pool, setup, http.Request("GET", server.url + target, {}, None, timeouts))
            assert server.connections == 1

    asyncio.run(main())
    asyncio.run(main())
    assert pool.stats().connections_opened == 2
    assert pool.stats().requests_sent == 6
    pool.abandon()
