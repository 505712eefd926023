"""The options of a client's configuration have their effect: seen on sockets, or compared with boto3's."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from tests.support.server import CountingServer
from tests.support.sockets import CountedSockets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., aiosdk.Session]


def sockets_of(session: aiosdk.Session) -> list[socket.socket]:
    current = session.pool._current
    assert current is not None
    return [wire.transport.get_extra_info("socket") for wire in current.slots.leases()]


def kept_alive(session: aiosdk.Session) -> set[bool]:
    return {bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) for each in sockets_of(session)}


@pytest.mark.parametrize("where", ["the session", "the client", "the config file", "nowhere"])
async def test_tcp_keepalive_is_set_on_each_socket(
    server: CountingServer, make_session: Make, aws_environment: Path, where: str
) -> None:
    if where == "the config file":
        text = "[default]\ntcp_keepalive = true\n"
        await asyncio.to_thread((aws_environment / "config").write_text, text)
    config = AioConfig(tcp_keepalive=True)
    async with make_session(**({"config": config} if where == "the session" else {})) as session:
        sqs = await session.client("sqs", **({"config": config} if where == "the client" else {}))
        await asyncio.gather(*(sqs.list_queues() for _ in range(3)))
        assert kept_alive(session) == {where != "nowhere"}


async def test_tcp_keepalive_is_set_on_sockets_that_the_user_makes(server: CountingServer, make_session: Make) -> None:
    sockets = CountedSockets()
    config = sockets.config().merge(AioConfig(tcp_keepalive=True))
    async with make_session(config=config) as session:
        await (await session.client("sqs")).list_queues()
        assert kept_alive(session) == {True}
        assert sockets.peak == 1


async def test_a_client_with_tcp_keepalive_takes_no_connection_without_and_shares_the_cap(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session(max_connections=1) as session:
        plain = await session.client("sqs")
        kept = await session.client("sqs", config=AioConfig(tcp_keepalive=True))
        for client, expected in ((plain, False), (kept, True), (plain, False)):
            await client.list_queues()
            assert kept_alive(session) == {expected}
    assert server.peak == 1


@pytest.mark.parametrize(
    "options",
    [
        {"read_timeout": "5"},
        {"connect_timeout": "1"},
        {"connect_timeout": 0},
        {"read_timeout": -1},
        {"read_timeout": (1, 2)},
        {"read_timeout": float("nan")},
        {"read_timeout": True},
        {"max_pool_connections": "10"},
        {"retries": {"max_attempts": 2.5}},
    ],
)
async def test_a_number_that_is_none_is_refused_at_the_door(make_session: Make, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        make_session(config=AioConfig(**options))
    async with make_session() as session:
        for ask in (session.client, session.resource):
            with pytest.raises(ValueError, match=next(iter(options))):
                ask("s3", config=AioConfig(**options))


async def test_numbers_and_no_limit_are_taken(server: CountingServer, make_session: Make) -> None:
    config = AioConfig(connect_timeout=None, read_timeout=2.5, max_pool_connections=3, retries={"max_attempts": 0})
    async with make_session(config=config) as session:
        await (await session.client("sqs", config=config)).list_queues()
