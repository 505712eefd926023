"""How long clients and resources live: for good once awaited, else as long as somebody holds them, and 16 more."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from aiosdk._shelf import MOST_IDLE
from aiosdk.exceptions import ClientClosedError, PartialCredentialsError, SessionClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def session(make_session) -> AsyncIterator[aiosdk.Session]:
    async with make_session() as made:
        yield made


def keys(tenant: object) -> dict[str, Any]:
    return {"aws_access_key_id": f"AKIA{tenant}", "aws_secret_access_key": f"secret of {tenant}"}


async def others(session: aiosdk.Session, count: int = MOST_IDLE + 2) -> None:
    """Tenants enough to have whatever is idle forgotten."""
    for number in range(count):
        async with session.client("sqs", **keys(f"OTHER{number}")), session.resource("sqs", **keys(f"OTHER{number}")):
            pass


async def test_of_the_clients_of_many_tenants_the_last_few_stay(session, server) -> None:
    made: weakref.WeakSet[Any] = weakref.WeakSet()
    for number in range(3 * MOST_IDLE):
        async with session.client("s3", **keys(number)) as s3:
            made.add(s3)
            await s3.list_buckets()
        async with session.resource("s3", **keys(number)) as resource:
            made.add(resource.meta.client)
        del s3, resource
    gc.collect()
    assert len(made) == 2 * MOST_IDLE, "those of resources say so in their User-Agent"
    assert server.peak == 1, "all of them over the session's pool"


async def test_the_same_client_again_is_looked_up(session) -> None:
    async with session.client("s3") as first:
        pass
    for _ in range(3):
        async with session.client("s3") as again:
            assert again is first
    assert await session.client("s3") is first


async def test_a_client_that_somebody_has_awaited_stays(session) -> None:
    async with session.client("s3") as entered:
        awaited = await session.client("s3")
    await others(session)
    assert await session.client("s3") is awaited is entered
    async with session.client("s3") as again:
        assert again is awaited


async def test_a_client_that_somebody_else_is_in_stays_the_same_for_all(session) -> None:
    pending = session.client("s3")
    async with pending as outer:
        async with pending as inner, session.client("s3") as third:
            assert outer is inner is third
        await others(session)
        assert await outer.list_buckets()
        async with session.client("s3") as again:
            assert again is outer


async def test_a_client_that_was_forgotten_goes_on_for_whoever_uses_it(session) -> None:
    async with session.client("s3", **keys(1)) as s3:
        view, paginator = s3.with_options(attempts=1), s3.get_paginator("list_buckets")
    async with session.resource("s3", **keys(1)) as resource:
        bucket = resource.Bucket("b")
    await others(session)
    async with session.client("s3", **keys(1)) as another:
        assert another is not s3
    assert await s3.list_buckets()
    assert await view.list_buckets()
    assert [page async for page in paginator.paginate()]
    assert await bucket.load()


async def test_a_resource_that_was_awaited_keeps_its_client_for_all(session) -> None:
    async with session.resource("sqs") as entered:
        awaited = await session.resource("sqs")
    await others(session)
    assert await session.resource("sqs") is awaited is entered


async def test_an_error_in_the_block_and_a_cancelled_entry_leave_nothing_held(session) -> None:
    with pytest.raises(ZeroDivisionError):
        async with session.client("s3", **keys(1)):
            raise ZeroDivisionError
    entering = asyncio.create_task(session.client("s3", **keys(2)).__aenter__())
    await asyncio.sleep(0)
    entering.cancel()
    await asyncio.wait([entering])
    await others(session)
    assert len(session._clients) == 2 * MOST_IDLE
    assert [each for each in session._clients if each.meta.service_model.service_name == "s3"] == []


async def test_what_a_client_has_to_do_before_the_session_closes_is_done_though_it_was_forgotten(make_session) -> None:
    done: list[str] = []

    async def end() -> None:
        done.append("ended")

    async with make_session() as session:
        async with session.client("s3", **keys(1)) as s3:
            s3.at_close(end, end)
        await others(session)
    assert done == ["ended"]
    with pytest.raises(SessionClosedError):
        await s3.list_buckets()


# As of aiobotocore


async def test_create_client_gives_a_client_of_its_own_that_is_closed_when_it_is_left(session, server) -> None:
    shared = await session.client("s3")
    async with session.create_client("s3") as first, session.create_client("s3") as second:
        assert len({id(each) for each in (shared, first, second)}) == 3
        first.meta.events.register("before-send.s3", lambda **_: 1 / 0)
        await shared.list_buckets()
        await second.list_buckets()
        with pytest.raises(ZeroDivisionError):
            await first.list_buckets()
    for client in (first, second, first.with_options(attempts=1)):
        with pytest.raises(ClientClosedError):
            await client.list_buckets()
    await shared.list_buckets()
    assert server.peak == 1, "over the session's pool"


async def test_create_client_is_entered_and_left_by_hand_as_libraries_do(session) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(session.create_client("sqs"))
        await client.list_queues()
    creating = session.create_client("sqs", "eu-west-1", None, True, **keys(1))
    client = await creating.__aenter__()
    assert (client.meta.region_name, creating._client) == ("eu-west-1", client)
    await client.__aexit__(None, None, None)
    await creating.__aexit__(None, None, None)
    with pytest.raises(ClientClosedError):
        await client.list_queues()


async def test_create_client_refuses_what_it_does_not_know(session) -> None:
    with pytest.raises(TypeError, match="profile"):
        session.create_client("s3", profile="x")
    with pytest.raises(TypeError, match="region_name twice"):
        session.create_client("s3", "eu-west-1", region_name="us-east-1")
    with pytest.raises(PartialCredentialsError):
        session.create_client("s3", aws_access_key_id="AKIA")


async def test_s3fs_is_told_whether_a_client_is_open(make_session) -> None:
    async with make_session() as session:
        shared = await session.client("s3")
        async with session.create_client("s3") as client:
            assert client._endpoint.http_session._sessions == {}
        assert client._endpoint.http_session._sessions is None
        assert shared._endpoint.http_session._sessions == {}
    assert shared._endpoint.http_session._sessions is None


async def test_clients_of_create_client_that_nobody_leaves_go_with_their_last_reference(session) -> None:
    made: weakref.WeakSet[Any] = weakref.WeakSet()
    for _ in range(5):
        made.add(await session.create_client("s3").__aenter__())
    gc.collect()
    assert len(made) == 0
