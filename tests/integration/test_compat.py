"""`aiosdk.compat`: sessions for libraries that make their own, of aiobotocore."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import aiobotocore.session
import pytest
from aiobotocore.config import AioConfig
from botocore.credentials import RefreshableCredentials

from aiosdk import compat
from aiosdk._client import Client
from aiosdk.exceptions import ClientClosedError
from tests.support.aws import signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(autouse=True)
async def nothing_open() -> AsyncIterator[None]:
    yield
    await compat.close()


@pytest.fixture
def session() -> compat.AioSession:
    made = compat.get_session()
    made.set_credentials("AKIASESSION", "secret")
    made.set_config_variable("region", "eu-west-1")
    return made


async def test_it_is_a_session_of_aiobotocores_whose_clients_are_ours(session, server) -> None:
    assert isinstance(session, aiobotocore.session.AioSession)
    async with session.create_client("s3", endpoint_url=server.url) as s3:
        assert isinstance(s3, Client)
        assert s3.meta.region_name == "eu-west-1"
        await s3.list_buckets()
        assert "express" in str(s3.plan("list_buckets"))
    assert signer(server.requests[0]) == "AKIASESSION"
    assert server.requests[0].headers["user-agent"].startswith("aiosdk/")
    with pytest.raises(ClientClosedError):
        await s3.list_buckets()


async def test_what_is_set_on_it_later_counts_for_later_clients(session, server) -> None:
    async with session.create_client("s3", endpoint_url=server.url) as s3:
        await s3.list_buckets()
        session.set_credentials("AKIALATER", "secret", "token")
        session.set_config_variable("region", "eu-west-3")
        session.set_default_client_config(AioConfig(user_agent_extra="later"))
        async with session.create_client("s3", endpoint_url=server.url) as later:
            assert later.meta.region_name == "eu-west-3"
            await later.list_buckets()
        await s3.list_buckets()
    assert [signer(each) for each in server.requests] == ["AKIASESSION", "AKIALATER", "AKIASESSION"]
    assert server.requests[1].headers["user-agent"].endswith("later")
    assert server.peak == 1, "over the same pool"
    assert (await session.get_credentials()).access_key == "AKIALATER"


async def test_hooks_registered_on_it_are_called(session, server) -> None:
    sent: list[str] = []
    session.register("before-send.s3", lambda request, **_: sent.append(request.url))
    async with session.create_client("s3", endpoint_url=server.url) as s3:
        await s3.list_buckets()
    assert len(sent) == 1


async def test_a_profile_and_a_file_are_read_off_the_loop(aws_environment: Path, server) -> None:
    def write() -> None:
        (aws_environment / "config").write_text(
            "[profile p]\nregion = eu-north-1\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = hush\n"
        )

    await asyncio.to_thread(write)
    session = compat.AioSession(profile="p")
    async with session.create_client("s3", endpoint_url=server.url) as s3:
        await s3.list_buckets()
    assert (session.profile, s3.meta.region_name) == ("p", "eu-north-1")
    assert session.get_config_variable("region") == "eu-north-1"
    assert signer(server.requests[0]) == "AKIAPROFILE"


async def test_there_are_no_credentials_to_be_had(server) -> None:
    assert await compat.get_session().get_credentials() is None


async def test_credentials_of_botocores_that_were_put_into_it_are_taken(session, server) -> None:
    session._credentials = RefreshableCredentials("AKIAPUT", "hush", "hush", None, dict, "put")
    async with session.create_client("s3", endpoint_url=server.url) as s3:
        await s3.list_buckets()
    assert signer(server.requests[0]) == "AKIAPUT"


async def test_sessions_made_for_each_request_share_one_connection_and_leave_nothing(server) -> None:
    made: weakref.WeakSet[Any] = weakref.WeakSet()
    for number in range(10):
        session = compat.get_session()
        made.add(session)
        keys = {"aws_access_key_id": f"AKIA{number}", "aws_secret_access_key": "hush", "region_name": "us-east-1"}
        async with session.create_client("sqs", endpoint_url=server.url, **keys) as sqs:
            await sqs.list_queues()
    del session, sqs
    gc.collect()
    assert server.accepted == 1
    assert len(made) <= 1, "a timer of the pool may remember in which call it was set"


async def test_one_session_is_used_on_two_loops_at_once(session, server) -> None:
    here, here_too = asyncio.get_running_loop(), asyncio.Event()

    async def use(entered: asyncio.Event | None) -> None:
        async with session.create_client("s3", endpoint_url=server.url) as s3:
            await s3.list_buckets()
            if entered is None:
                here.call_soon_threadsafe(here_too.set)
            else:
                await entered.wait()  # the other loop runs, and has a connection
            await s3.list_buckets()

    other = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(use(None))))
    await use(here_too)
    await other
    assert server.accepted == 2
    assert len(server.requests) == 4
    assert server.open <= 1, "those of the other loop went with it"


async def test_closed_here_the_next_request_opens_another_connection(session, server) -> None:
    async with session.create_client("s3", endpoint_url=server.url) as s3:
        await s3.list_buckets()
        await compat.close()
        await s3.list_buckets()
    assert server.accepted == 2
