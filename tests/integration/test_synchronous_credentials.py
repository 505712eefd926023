"""Credentials and providers written for boto3, which wait for what they ask: off the event loop, once for all."""

from __future__ import annotations

import asyncio
import datetime
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
    RefreshableCredentials,
)
from botocore.tokens import DeferredRefreshableToken, FrozenAuthToken

import aiosdk
from tests.support.aws import HUSH, signer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.server import CountingServer

off = asyncio.to_thread


class Vendor:
    """Makes credentials that end, with a plain function that gives the next, on a clock that the test turns."""

    def __init__(self) -> None:
        self.now = datetime.datetime.now(datetime.UTC)
        self.runs = 0
        self.threads: set[int] = set()
        self.error: Exception | None = None

    def refresh(self) -> dict[str, str]:
        time.sleep(0.01)  # which the detector of blocking calls would not let pass on the loop
        self.runs += 1
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        end = (self.now + datetime.timedelta(hours=1)).isoformat()
        return {"access_key": f"AKIAVENDOR{self.runs}", "secret_key": HUSH, "token": HUSH, "expiry_time": end}

    def turn(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)

    def clock(self) -> datetime.datetime:
        return self.now

    def refreshable(self, kind: type[RefreshableCredentials]) -> RefreshableCredentials:
        end = self.now + datetime.timedelta(hours=1)
        return kind("AKIAVENDOR0", HUSH, HUSH, end, self.refresh, "vendor", time_fetcher=self.clock)


class Vault(CredentialProvider):
    """A provider of a user's own that waits for its vault, as one for boto3 may."""

    METHOD = "vault"
    CANONICAL_NAME = "Vault"

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.found = found
        self.runs = 0

    def load(self) -> Any:
        time.sleep(0.01)
        self.runs += 1
        return self.found


@pytest.fixture
def make(server: CountingServer) -> Callable[..., Awaitable[aiosdk.Session]]:
    """Make a session without keys, over an aiobotocore session whose credentials are these."""

    async def make(credentials: Any = None, provider: Any = None, resolver: Any = None) -> aiosdk.Session:
        def prepare() -> AioSession:
            aio = AioSession()
            if provider is not None:
                aio.get_component("credential_provider").insert_before("env", provider)
            if resolver is not None:
                aio.register_component("credential_provider", resolver)
            if credentials is not None:
                aio._credentials = credentials
            return aio

        aio = await off(prepare)
        return aiosdk.Session(botocore_session=aio, region_name="us-east-1", endpoint_url=server.url)

    return make


async def calls_at_once(session: aiosdk.Session) -> None:
    client = await session.client("s3")
    await asyncio.gather(*(client.list_buckets() for _ in range(20)))


async def test_plain_credentials_of_botocore_sign(make, server) -> None:
    async with await make(Credentials("AKIAPLAIN", HUSH)) as session:
        await calls_at_once(session)
        found = await session.get_credentials()
        assert (found.access_key, found.method) == ("AKIAPLAIN", "explicit")
    assert {signer(each) for each in server.requests} == {"AKIAPLAIN"}


@pytest.mark.parametrize("kind", [RefreshableCredentials, AioRefreshableCredentials])
async def test_credentials_that_a_plain_function_refreshes_are_refreshed_once_off_the_loop(kind, make, server) -> None:
    vendor = Vendor()
    async with await make(await off(vendor.refreshable, kind)) as session:
        for _ in range(3):
            await calls_at_once(session)
            vendor.turn(3600 - 540)  # in which they must be waited for
    assert [signer(each) for each in server.requests[::20]] == ["AKIAVENDOR0", "AKIAVENDOR1", "AKIAVENDOR2"]
    assert vendor.runs == 2
    assert threading.get_ident() not in vendor.threads


async def test_deferred_credentials_of_botocore_are_asked_for_once_at_the_first_request(make, server) -> None:
    vendor = Vendor()
    deferred = DeferredRefreshableCredentials(vendor.refresh, "vendor", vendor.clock)
    async with await make(deferred) as session:
        await session.client("s3")
        assert vendor.runs == 0
        await calls_at_once(session)
    assert {signer(each) for each in server.requests} == {"AKIAVENDOR1"}
    assert vendor.runs == 1


async def test_a_refresh_that_fails_says_what_the_users_function_said_and_is_tried_again(make, server) -> None:
    vendor = Vendor()
    async with await make(vendor.refreshable(RefreshableCredentials)) as session:
        client = await session.client("s3")
        vendor.turn(3600)
        vendor.error = OSError("the vault is sealed")
        with pytest.raises(OSError, match="the vault is sealed"):
            await client.list_buckets()
        vendor.error = None
        await client.list_buckets()
    assert [signer(each) for each in server.requests] == ["AKIAVENDOR2"]


async def test_a_refresh_function_may_give_something_to_await(make, server) -> None:
    vendor = Vendor()

    async def refresh() -> dict[str, str]:
        await asyncio.sleep(0)
        return await off(vendor.refresh)

    end = vendor.now
    credentials = AioRefreshableCredentials(
        "AKIAVENDOR0", HUSH, HUSH, end, lambda: refresh(), "vendor", time_fetcher=vendor.clock
    )
    async with await make(credentials) as session:
        await calls_at_once(session)
    assert {signer(each) for each in server.requests} == {"AKIAVENDOR1"}


async def test_a_plain_provider_is_asked_once_off_the_loop_and_its_credentials_refresh(make, server) -> None:
    vendor = Vendor()
    vault = Vault(vendor.refreshable(RefreshableCredentials))
    async with await make(provider=vault) as session:
        await calls_at_once(session)
        vendor.turn(3600)
        await calls_at_once(session)
    assert vault.runs == vendor.runs == 1
    assert [signer(each) for each in server.requests[::20]] == ["AKIAVENDOR0", "AKIAVENDOR1"]


async def test_a_chain_of_botocores_own_is_walked_off_the_loop(make, server) -> None:
    vault = Vault(Credentials("AKIACHAIN", HUSH))
    async with await make(resolver=CredentialResolver([vault])) as session:
        await calls_at_once(session)
    assert vault.runs == 1
    assert {signer(each) for each in server.requests} == {"AKIACHAIN"}


async def test_a_plain_function_that_refreshes_a_token_runs_off_the_loop_once(server) -> None:
    runs = 0

    def refresh() -> FrozenAuthToken:
        nonlocal runs
        time.sleep(0.01)
        runs += 1
        return FrozenAuthToken(f"{HUSH}{runs}", datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))

    class Tokens:
        METHOD = "tokens"

        def load_token(self, **_: Any) -> DeferredRefreshableToken:
            return DeferredRefreshableToken("tokens", refresh)

    aio = await off(AioSession)
    await off(lambda: aio.get_component("token_provider").insert_before("env", Tokens()))
    async with aiosdk.Session(botocore_session=aio, region_name="us-east-1", endpoint_url=server.url) as session:
        client = await session.client("codecatalyst")
        await asyncio.gather(*(client.list_spaces() for _ in range(20)))
        await client.list_spaces()
    assert runs == 1
    assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {HUSH}1"}
