"""The pool, seen from both ends of real sockets: caps, waiting, reuse, timeouts, TLS and proxies."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

import aiosdk
from aiosdk._transport import http
from aiosdk._transport.loop_pool import Setup
from aiosdk.exceptions import CertificateFileError, PoolTimeoutError, SessionClosedError
from tests.support.proxy import Proxy
from tests.support.server import Answer, CountingServer, Request, answer_anything
from tests.support.waiting import Gate, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    Make = Callable[..., aiosdk.Session]

ONCE = {"total_max_attempts": 1}


@pytest.fixture
def wide_server() -> Iterator[CountingServer]:
    """One server that is many hosts: 127.0.0.1, 127.0.0.2, ..."""
    with CountingServer(host="0.0.0.0") as running:
        yield running


def urls(server: CountingServer, count: int) -> list[str]:
    return [f"http://127.0.0.{number}:{server.port}" for number in range(1, count + 1)]


def hold(server: CountingServer) -> Gate:
    """Have the server hold its answers until the gate is opened."""
    gate = Gate()

    async def held(request: Request) -> Answer:
        await gate.passed()
        return await answer_anything(request)

    server.answer = held
    return gate


# Caps


async def test_the_total_cap_holds_over_many_hosts_whose_idle_connections_are_closed_for_others(
    wide_server: CountingServer, make_session: Make
) -> None:
    async with make_session(max_connections=4) as session:
        clients = [await session.client("s3", endpoint_url=url) for url in urls(wide_server, 6)]
        for client in clients:  # one after the other: four stay idle, the fifth needs one of their slots
            await client.list_buckets()
        assert session.pool.stats().open == 4
        assert session.pool.stats().idle == 4
        await asyncio.gather(*(client.list_buckets() for client in clients * 20))
        assert session.pool.stats().in_use == 0
    assert len(wide_server.requests) == 126
    assert wide_server.peak == 4


async def test_the_cap_per_host_holds_and_leaves_room_for_others(
    wide_server: CountingServer, make_session: Make
) -> None:
    gate = hold(wide_server)
    async with make_session(max_connections=10, max_connections_per_host=2) as session:
        clients = [await session.client("s3", endpoint_url=url) for url in urls(wide_server, 3)]
        calls = asyncio.gather(*(client.list_buckets() for client in clients for _ in range(5)))
        await eventually(lambda: wide_server.active == 6)
        stats = session.pool.stats()
        assert (stats.open, stats.in_use, stats.waiting) == (6, 6, 9)
        assert stats.limit_per_host == 2
        gate.open()
        await calls
    assert wide_server.peak == 6


async def test_clients_with_different_tls_settings_share_the_cap(
    tls_server: CountingServer, ca_bundle: str, make_session: Make
) -> None:
    async with make_session(max_connections=2, endpoint_url=tls_server.url) as session:
        trusting = await session.client("s3", verify=False)
        checking = await session.client("s3", verify=ca_bundle)
        await asyncio.gather(*(client.list_buckets() for client in (trusting, checking) * 20))
        assert session.pool.stats().open <= 2
    assert tls_server.peak <= 2
    assert len(tls_server.requests) == 40


async def test_stats_and_repr_tell_what_is_going_on(server: CountingServer, make_session: Make) -> None:
    gate = hold(server)
    async with make_session(max_connections=2) as session:
        s3 = await session.client("s3")
        assert repr(session.pool) == "<ConnectionPool open=0 in_use=0 waiting=0 limit=2>"
        calls = asyncio.gather(*(s3.list_buckets() for _ in range(5)))
        await eventually(lambda: server.active == 2)
        assert repr(session.pool) == "<ConnectionPool open=2 in_use=2 waiting=3 limit=2>"
        gate.open()
        await calls
        stats = session.pool.stats()
        assert (stats.open, stats.idle, stats.in_use, stats.waiting) == (2, 2, 0, 0)
        assert (stats.connections_opened, stats.requests_sent) == (2, 5)
    assert repr(session.pool) == "<ConnectionPool closed open=0 in_use=0 waiting=0 limit=2>"
    assert session.pool.stats().requests_sent == 5


# Waiting for a connection


async def test_waiting_too_long_for_a_connection_has_its_own_error_and_sends_nothing(
    server: CountingServer, make_session: Make
) -> None:
    gate = hold(server)
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")
        hasty = await session.client("s3", config=AioConfig(connector_args={"pool_timeout": 0.2}))
        slow = asyncio.create_task(s3.list_buckets())
        await eventually(lambda: server.active == 1)
        with pytest.raises(PoolTimeoutError, match=r"No free connection to 127\.0\.0\.1.*1 of 1 connections") as caught:
            await hasty.list_buckets()
        assert not isinstance(caught.value, (TimeoutError, ReadTimeoutError, EndpointConnectionError))
        assert len(server.requests) == 1
        gate.open()
        await slow
        await hasty.list_buckets()
    assert len(server.requests) == 2


async def test_time_spent_waiting_for_a_connection_is_no_time_of_connecting_or_reading(
    server: CountingServer, make_session: Make
) -> None:
    gate = hold(server)
    async with make_session(max_connections=1) as session:
        s3 = await session.client("s3")
        impatient = await session.client("s3", config=AioConfig(connect_timeout=0.1, read_timeout=0.1, retries=ONCE))
        slow = asyncio.create_task(s3.list_buckets())
        await eventually(lambda: server.active == 1)
        waiting = asyncio.create_task(impatient.list_buckets())
        await eventually(lambda: session.pool.stats().waiting == 1)
        await asyncio.sleep(0.4)
        assert not waiting.done()
        server.answer = answer_anything
        gate.open()
        await slow
        await waiting


async def test_closing_the_session_ends_those_who_wait_and_those_who_are_served(
    server: CountingServer, make_session: Make
) -> None:
    hold(server)
    session = make_session(max_connections=1, config=AioConfig(retries=ONCE))
    s3 = await session.client("s3")
    served, waiting = asyncio.create_task(s3.list_buckets()), asyncio.create_task(s3.list_buckets())
    await eventually(lambda: server.active == 1 and session.pool.stats().waiting == 1)
    await session.close()
    with pytest.raises(SessionClosedError):
        await waiting
    with pytest.raises((SessionClosedError, ConnectionClosedError)):
        await served
    await eventually(lambda: server.open == 0)


# Keep-alive


async def test_requests_one_after_the_other_use_one_connection(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3, sqs = await session.client("s3"), await session.client("sqs")
        for _ in range(10):
            await s3.list_buckets()
            await sqs.list_queues()
    assert server.accepted == 1
    assert len(server.requests) == 20


async def test_idle_connections_are_closed_after_their_time(server: CountingServer, make_session: Make) -> None:
    config = AioConfig(connector_args={"keepalive_timeout": 0.2})
    async with make_session(config=config) as session:
        s3 = await session.client("s3")
        await asyncio.gather(*(s3.list_buckets() for _ in range(3)))
        assert session.pool.stats().idle == 3
        await eventually(lambda: session.pool.stats().open == 0 and server.open == 0)
        await s3.list_buckets()
    assert server.accepted == 4


async def test_a_client_with_a_shorter_time_has_its_idle_connections_closed_in_that_time(
    wide_server: CountingServer, make_session: Make
) -> None:
    patient_url, hasty_url = urls(wide_server, 2)
    config = AioConfig(connector_args={"keepalive_timeout": 0.2})
    async with make_session() as session:
        patient = await session.client("s3", endpoint_url=patient_url)
        hasty = await session.client("s3", endpoint_url=hasty_url, config=config)
        await patient.list_buckets()
        await hasty.list_buckets()
        await eventually(lambda: session.pool.stats().open == 1, 5)
        await patient.list_buckets()
        assert session.pool.stats().connections_opened == 2


async def test_a_connection_that_the_server_closed_while_idle_is_forgotten(
    server: CountingServer, make_session: Make
) -> None:
    async def answer_and_hang_up(request: Request) -> Answer:
        answer = await answer_anything(request)
        answer.cut = True
        return answer

    server.answer = answer_and_hang_up
    async with make_session() as session:
        s3 = await session.client("s3")
        for number in range(1, 4):
            await s3.list_buckets()
            await eventually(lambda: session.pool.stats().open == 0)
            assert server.accepted == number
    assert len(server.requests) == 3


async def test_an_answer_that_says_close_is_the_last_of_its_connection(
    server: CountingServer, make_session: Make
) -> None:
    async def closing(request: Request) -> Answer:
        answer = await answer_anything(request)
        answer.headers["Connection"] = "close"
        return answer

    server.answer = closing
    async with make_session() as session:
        s3 = await session.client("s3")
        await s3.list_buckets()
        await s3.list_buckets()
    assert server.accepted == 2


async def test_force_close_uses_each_connection_once(server: CountingServer, make_session: Make) -> None:
    async with make_session(config=AioConfig(connector_args={"force_close": True})) as session:
        s3 = await session.client("s3")
        for _ in range(3):
            await s3.list_buckets()
        await eventually(lambda: session.pool.stats().open == 0)
    assert server.accepted == 3


# Timeouts of a client


async def test_the_read_timeout_of_a_client_is_honoured(server: CountingServer, make_session: Make) -> None:
    hold(server)
    async with make_session() as session:
        s3 = await session.client("s3", config=AioConfig(read_timeout=0.2, retries=ONCE))
        with pytest.raises(ReadTimeoutError, match=r"127\.0\.0\.1"):
            await s3.list_buckets()
        await eventually(lambda: server.open == 0)
        await eventually(lambda: session.pool.stats().open == 0)


async def test_the_read_timeout_holds_between_the_parts_of_a_streaming_body(
    server: CountingServer, make_session: Make
) -> None:
    async def stuck(_: Request) -> Answer:
        return Answer(body=b"x" * 100, length=200, pause=30.0)

    server.answer = stuck
    async with make_session() as session:
        s3 = await session.client("s3", config=AioConfig(read_timeout=0.3, retries=ONCE))
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        with pytest.raises(ReadTimeoutError) as caught:
            await body.read()
        assert isinstance(caught.value, TimeoutError)
        await eventually(lambda: session.pool.stats().open == 0)


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port where connecting never ends: its queue is full and nobody accepts."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        probe = stack.enter_context(socket.socket())
        probe.settimeout(0.2)
        if probe.connect_ex(listening.getsockname()) == 0:
            pytest.skip("a full backlog does not refuse on this machine")
        yield listening.getsockname()[1]


async def test_the_connect_timeout_of_a_client_is_honoured(deaf_port: int, make_session: Make) -> None:
    async with make_session(endpoint_url=f"http://127.0.0.1:{deaf_port}") as session:
        s3 = await session.client("s3", config=AioConfig(connect_timeout=0.2, retries=ONCE))
        with pytest.raises(ConnectTimeoutError, match=str(deaf_port)):
            await s3.list_buckets()
        await eventually(lambda: session.pool.stats().open == 0)


async def test_nobody_listening_is_an_endpoint_error(make_session: Make) -> None:
    async with make_session(endpoint_url="http://127.0.0.1:1", config=AioConfig(retries=ONCE)) as session:
        s3 = await session.client("s3")
        with pytest.raises(EndpointConnectionError, match=r"http://127\.0\.0\.1:1"):
            await s3.list_buckets()
        await eventually(lambda: session.pool.stats().open == 0)


async def test_a_name_that_does_not_resolve_is_an_endpoint_error(make_session: Make) -> None:
    async with make_session(endpoint_url="http://aws.invalid", config=AioConfig(retries=ONCE)) as session:
        sqs = await session.client("sqs")
        with pytest.raises(EndpointConnectionError, match=r"aws\.invalid"):
            await sqs.list_queues()


async def test_an_answer_that_is_no_http_is_retried_like_a_closed_connection(make_session: Make) -> None:
    connections = 0

    async def rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"what do you want?\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(rubbish, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        config = AioConfig(retries={"total_max_attempts": 2, "mode": "standard"})
        async with make_session(endpoint_url=url, config=config) as session:
            s3 = await session.client("s3")
            with pytest.raises(ConnectionClosedError):
                await s3.list_buckets()
    assert connections == 2


# TLS


async def test_a_certificate_of_an_unknown_authority_is_refused(tls_server: CountingServer, make_session: Make) -> None:
    async with make_session(endpoint_url=tls_server.url, config=AioConfig(retries=ONCE)) as session:
        s3 = await session.client("s3")
        with pytest.raises(SSLError, match="certificate verify failed"):
            await s3.list_buckets()
        await eventually(lambda: session.pool.stats().open == 0)
    assert tls_server.requests == []


async def test_verify_false_accepts_any_certificate(tls_server: CountingServer, make_session: Make) -> None:
    async with make_session(endpoint_url=tls_server.url) as session:
        s3 = await session.client("s3", verify=False)
        assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]


async def test_verify_takes_the_path_of_a_bundle(
    tls_server: CountingServer, ca_bundle: str, make_session: Make
) -> None:
    async with make_session(endpoint_url=tls_server.url) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]


async def test_the_name_in_the_certificate_must_match(
    tls_server: CountingServer, ca_bundle: str, make_session: Make
) -> None:
    url = f"https://127.0.0.2:{tls_server.port}"
    async with make_session(endpoint_url=url, config=AioConfig(retries=ONCE)) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        with pytest.raises((SSLError, EndpointConnectionError)):
            await s3.list_buckets()


async def test_a_missing_ca_bundle_is_an_error_that_names_the_file_and_is_not_retried(
    tls_server: CountingServer, tmp_path: Path, make_session: Make
) -> None:
    missing = str(tmp_path / "missing.pem")
    async with make_session(endpoint_url=tls_server.url) as session:
        s3 = await session.client("s3", verify=missing)
        with pytest.raises(CertificateFileError, match=r"missing\.pem.*No such file"):
            await s3.list_buckets()
    assert tls_server.accepted == 0


async def test_a_ca_bundle_that_appears_later_is_found(
    tls_server: CountingServer, tmp_path: Path, authority: trustme.CA, make_session: Make
) -> None:
    path = tmp_path / "late.pem"
    async with make_session(endpoint_url=tls_server.url) as session:
        s3 = await session.client("s3", verify=str(path))
        with pytest.raises(CertificateFileError):
            await s3.list_buckets()
        await asyncio.to_thread(authority.cert_pem.write_to_path, str(path))
        await s3.list_buckets()


@pytest.fixture
def demanding_server(authority: trustme.CA) -> Iterator[CountingServer]:
    """A TLS server that serves only clients with a certificate of `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with CountingServer(tls=context) as running:
        yield running


@pytest.fixture
def client_files(authority: trustme.CA, tmp_path: Path) -> tuple[str, str]:
    issued = authority.issue_cert("client@example.com")
    cert, key = str(tmp_path / "client.pem"), str(tmp_path / "client.key")
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    return cert, key


async def test_a_client_certificate_is_presented(
    demanding_server: CountingServer, ca_bundle: str, client_files: tuple[str, str], make_session: Make
) -> None:
    async with make_session(endpoint_url=demanding_server.url) as session:
        config = AioConfig(client_cert=client_files)
        s3 = await session.client("s3", verify=ca_bundle, config=config)
        assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]


async def test_a_client_without_the_certificate_does_not_borrow_the_connection_of_one_that_has_it(
    demanding_server: CountingServer, ca_bundle: str, client_files: tuple[str, str], make_session: Make
) -> None:
    async with make_session(endpoint_url=demanding_server.url, config=AioConfig(retries=ONCE)) as session:
        known = await session.client("s3", verify=ca_bundle, config=AioConfig(client_cert=client_files))
        unknown = await session.client("s3", verify=ca_bundle)
        await known.list_buckets()
        with pytest.raises((SSLError, ConnectionClosedError)):
            await unknown.list_buckets()
        await eventually(lambda: session.pool.stats().open == 1)
    assert len(demanding_server.requests) == 1


# Proxies


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


@pytest.fixture
def guarded_proxy() -> Iterator[Proxy]:
    with Proxy(password="hunter2") as running:
        yield running


async def test_plain_requests_go_through_the_proxy(server: CountingServer, proxy: Proxy, make_session: Make) -> None:
    async with make_session(config=AioConfig(proxies={"http": proxy.url})) as session:
        s3 = await session.client("s3")
        await s3.list_buckets()
        await s3.put_object(Bucket="b", Key="k", Body=b"content")
    assert [asked.target for asked in proxy.asked] == [f"{server.url}/", f"{server.url}/b/k"]
    assert server.requests[1].body == b"content"
    assert proxy.accepted == 1


async def test_tls_requests_are_tunnelled_through_the_proxy_and_the_tunnel_is_kept(
    tls_server: CountingServer, proxy: Proxy, ca_bundle: str, make_session: Make
) -> None:
    config = AioConfig(proxies={"https": proxy.url})
    async with make_session(endpoint_url=tls_server.url, config=config) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        for _ in range(3):
            await s3.list_buckets()
        assert session.pool.stats().open == 1
    assert [(asked.method, asked.target) for asked in proxy.asked] == [("CONNECT", f"localhost:{tls_server.port}")]
    assert len(tls_server.requests) == 3
    await eventually(lambda: proxy.open == 0)


async def test_proxied_and_direct_requests_share_the_cap(
    server: CountingServer, proxy: Proxy, make_session: Make
) -> None:
    async with make_session(max_connections=1) as session:
        direct = await session.client("s3")
        proxied = await session.client("s3", config=AioConfig(proxies={"http": proxy.url}))
        await asyncio.gather(*(client.list_buckets() for client in (direct, proxied) * 10))
        assert session.pool.stats().open == 1
    assert len(server.requests) == 20


async def test_the_credentials_in_the_url_of_a_proxy_are_sent_to_it_and_to_nobody_else(
    server: CountingServer, guarded_proxy: Proxy, make_session: Make
) -> None:
    url = f"http://user:hunter2@127.0.0.1:{guarded_proxy.port}"
    async with make_session(config=AioConfig(proxies={"http": url})) as session:
        s3 = await session.client("s3")
        await s3.list_buckets()
        await s3.list_buckets()
    assert all(asked.headers["proxy-authorization"].startswith("Basic ") for asked in guarded_proxy.asked)
    assert len(server.requests) == 2
    assert all(request.headers["authorization"].startswith("AWS4-HMAC-SHA256") for request in server.requests)


async def test_the_credentials_of_a_proxy_are_sent_with_connect(
    tls_server: CountingServer, guarded_proxy: Proxy, ca_bundle: str, make_session: Make
) -> None:
    config = AioConfig(proxies={"https": f"http://user:hunter2@127.0.0.1:{guarded_proxy.port}"})
    async with make_session(endpoint_url=tls_server.url, config=config) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        await s3.list_buckets()
    assert guarded_proxy.asked[0].headers["proxy-authorization"].startswith("Basic ")
    assert not any("proxy-authorization" in request.headers for request in tls_server.requests)


async def test_a_proxy_that_refuses_is_a_proxy_error_without_the_password(
    tls_server: CountingServer, guarded_proxy: Proxy, ca_bundle: str, make_session: Make
) -> None:
    url = f"http://user:swordfish@127.0.0.1:{guarded_proxy.port}"
    async with make_session(
        endpoint_url=tls_server.url, config=AioConfig(proxies={"https": url}, retries=ONCE)
    ) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        with pytest.raises(ProxyConnectionError, match=rf"127\.0\.0\.1:{guarded_proxy.port}") as caught:
            await s3.list_buckets()
        assert "swordfish" not in str(caught.value)
        await eventually(lambda: session.pool.stats().open == 0 and guarded_proxy.open == 0)


async def test_a_proxy_that_is_not_there_is_a_proxy_error_without_the_password(
    server: CountingServer, make_session: Make
) -> None:
    config = AioConfig(proxies={"http": "http://user:swordfish@127.0.0.1:1"}, retries=ONCE)
    async with make_session(config=config) as session:
        s3 = await session.client("s3")
        with pytest.raises(ProxyConnectionError, match=r"127\.0\.0\.1:1") as caught:
            await s3.list_buckets()
        assert "swordfish" not in str(caught.value)
    assert server.requests == []


async def test_a_malformed_proxy_url_is_an_error_without_the_password(
    server: CountingServer, make_session: Make
) -> None:
    config = AioConfig(proxies={"http": "http://user:swordfish@proxy.example:port"}, retries=ONCE)
    async with make_session(config=config) as session:
        s3 = await session.client("s3")
        with pytest.raises(BotoCoreError) as caught:
            await s3.list_buckets()
        assert "swordfish" not in str(caught.value)
    assert server.requests == []


async def test_proxies_of_the_environment_are_used_unless_no_proxy_names_the_host(
    server: CountingServer, proxy: Proxy, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    async with make_session() as session:
        await (await session.client("s3")).list_buckets()
    assert len(proxy.asked) == 1
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    async with make_session() as session:
        await (await session.client("s3")).list_buckets()
    assert len(proxy.asked) == 1
    assert len(server.requests) == 2


@pytest.fixture
def silent_proxy() -> Iterator[Proxy]:
    with Proxy(answers_connect=False) as running:
        yield running


async def test_a_tunnel_that_the_proxy_never_opens_is_closed_when_nobody_waits_for_it_any_more(
    silent_proxy: Proxy, ca_bundle: str, make_session: Make
) -> None:
    config = AioConfig(proxies={"https": silent_proxy.url}, retries=ONCE)
    async with make_session(endpoint_url="https://localhost:1", config=config) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        call = asyncio.create_task(s3.list_buckets())
        await eventually(lambda: silent_proxy.asked)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually(lambda: silent_proxy.open == 0, 3)
        await eventually(lambda: session.pool.stats().open == 0)


async def test_a_tunnel_that_the_proxy_never_opens_is_given_up_after_the_timeouts(
    silent_proxy: Proxy, ca_bundle: str, make_session: Make
) -> None:
    config = AioConfig(proxies={"https": silent_proxy.url}, retries=ONCE, connect_timeout=0.3, read_timeout=0.3)
    async with make_session(endpoint_url="https://localhost:1", config=config) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        with pytest.raises((ConnectTimeoutError, ReadTimeoutError, ProxyConnectionError)):
            await asyncio.wait_for(s3.list_buckets(), 5)
        await eventually(lambda: silent_proxy.open == 0, 3)


# What aiohttp would do by itself


async def test_a_redirect_to_another_host_is_not_followed(
    server: CountingServer, wide_server: CountingServer, make_session: Make
) -> None:
    async def moved(_: Request) -> Answer:
        return Answer(status=301, headers={"Location": f"{wide_server.url}/elsewhere"})

    server.answer = moved
    async with make_session(config=AioConfig(retries=ONCE)) as session:
        sqs = await session.client("sqs")
        with pytest.raises(ClientError) as caught:
            await sqs.list_queues()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 301
    assert wide_server.accepted == 0
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(server: CountingServer, make_session: Make) -> None:
    async def sweet(request: Request) -> Answer:
        answer = await answer_anything(request)
        answer.headers["Set-Cookie"] = "session=1; Path=/"
        return answer

    server.answer = sweet
    async with make_session(endpoint_url=f"http://localhost:{server.port}") as session:
        sqs = await session.client("sqs")
        await sqs.list_queues()
        await sqs.list_queues()
    assert len(server.requests) == 2
    assert not any("cookie" in request.headers for request in server.requests)


async def test_an_encoded_path_arrives_as_it_was_signed(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.client("s3")
        await s3.put_object(Bucket="b", Key="a b/ü%2F+~(1)//../x", Body=b"")
    assert server.requests[0].target == "/b/a%20b/%C3%BC%252F%2B~%281%29//../x"


# Request bodies


class WatchedFile:
    """A file that notes on which threads it is read."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.threads: set[int] = set()

    def read(self, size: int = -1) -> bytes:
        self.threads.add(threading.get_ident())
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def big_file(tmp_path: Path) -> Iterator[WatchedFile]:
    path = tmp_path / "big"
    path.write_bytes(bytes(range(256)) * 4096)
    watched = WatchedFile(path)
    yield watched
    watched.close()


CHECKSUMS = pytest.mark.parametrize("checksums", ["when_required", "when_supported"])


@CHECKSUMS
async def test_a_file_is_read_off_the_event_loop_and_stays_open(
    server: CountingServer, make_session: Make, big_file: WatchedFile, checksums: str
) -> None:
    config = AioConfig(request_checksum_calculation=checksums)
    async with make_session(config=config) as session:
        s3 = await session.client("s3")
        await s3.put_object(Bucket="b", Key="k", Body=big_file)
    assert server.requests[0].body == bytes(range(256)) * 4096
    assert not big_file.closed
    assert big_file.threads
    assert threading.get_ident() not in big_file.threads


@CHECKSUMS
async def test_a_file_is_read_off_the_event_loop_over_tls_too(
    tls_server: CountingServer, ca_bundle: str, make_session: Make, big_file: WatchedFile, checksums: str
) -> None:
    config = AioConfig(request_checksum_calculation=checksums)
    async with make_session(endpoint_url=tls_server.url, config=config) as session:
        s3 = await session.client("s3", verify=ca_bundle)
        await s3.put_object(Bucket="b", Key="k", Body=big_file)
    assert bytes(range(256)) * 1024 in tls_server.requests[0].body
    assert not big_file.closed
    assert big_file.threads
    assert threading.get_ident() not in big_file.threads


async def test_an_asynchronous_iterator_is_sent_as_it_comes(server: CountingServer, make_session: Make) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(3):
            await asyncio.sleep(0)
            yield b"part %d " % number

    request = http.Request(
        method="PUT",
        url=f"{server.url}/b/k",
        headers={"Transfer-Encoding": "chunked"},
        body=parts(),
        timeouts=http.Timeouts(5, 5, 5),
    )
    async with make_session() as session:
        response = await http.exchange(session.pool, Setup(), request)
    assert response.status == 200
    assert server.requests[0].body == b"part 0 part 1 part 2 "
    assert server.requests[0].headers["transfer-encoding"] == "chunked"


async def test_a_put_waits_for_100_continue_before_it_sends_its_file(make_session: Make, big_file: WatchedFile) -> None:
    received: list[bytes] = []

    async def careful(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(TimeoutError):
            received.append(await asyncio.wait_for(reader.read(1), 0.2))  # nothing may come yet
        received.append(head)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        received.append(await reader.readexactly(1 << 20))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(careful, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with make_session(endpoint_url=url) as session:
            s3 = await session.client("s3")
            await s3.put_object(Bucket="b", Key="k", Body=big_file)
    head, body = received
    assert b"expect: 100-continue" in head.lower()
    assert len(body) == 1 << 20


async def test_a_server_that_never_says_100_continue_gets_the_file_after_a_moment(
    make_session: Make, big_file: WatchedFile
) -> None:
    async def old_fashioned(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(1 << 20)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(old_fashioned, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with make_session(endpoint_url=url, config=AioConfig(read_timeout=5, retries=ONCE)) as session:
            s3 = await session.client("s3")
            await asyncio.wait_for(s3.put_object(Bucket="b", Key="k", Body=big_file), 8)  # botocore waits for 1 s


async def test_a_put_that_is_refused_before_its_file_was_sent_raises_the_refusal(
    make_session: Make, big_file: WatchedFile
) -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    listening = await asyncio.start_server(refusing, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with make_session(endpoint_url=url, config=AioConfig(retries=ONCE)) as session:
            s3 = await session.client("s3")
            with pytest.raises(ClientError, match="AccessDenied"):
                await s3.put_object(Bucket="b", Key="k", Body=big_file)
            await eventually(lambda: session.pool.stats().open == 0)
    assert not big_file.closed
