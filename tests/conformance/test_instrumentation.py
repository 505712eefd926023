"""Whoever wraps a method of aiobotocore's is called, whatever the wrapper says of itself, until it is taken off.

Tracing libraries wrap with wrapt, whose proxies equal what they wrap.
"""

from __future__ import annotations

import functools
from typing import Any

import aiohttp
import pytest
import wrapt
from aiobotocore.client import AioClientCreator
from aiobotocore.config import AioConfig
from aiobotocore.context import with_current_context
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.hooks import AioHierarchicalEmitter
from aiobotocore.session import AioSession
from botocore.endpoint import Endpoint
from botocore.hooks import HierarchicalEmitter

import aiosdk
from aiosdk._seams import Seams
from aiosdk._transport import direct
from tests.conformance.test_lane_choice import ARGUMENTS, PATCHED, client_of, wired
from tests.support.lanes import UNFORCED

pytestmark = UNFORCED
UPSTREAM = ("botocore", "aiobotocore")


def wrap(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, called: list[str]) -> None:
    """Put a wrapt proxy in the place of a method, as tracing libraries do."""

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        called.append(name)
        return wrapped(*args, **kwargs)

    original: Any = getattr(owner, name)
    proxy: Any = wrapt.FunctionWrapper(original, wrapper)
    assert proxy == original
    monkeypatch.setattr(owner, name, proxy)


@pytest.mark.parametrize(
    ("owner", "name"),
    [*PATCHED, (Endpoint, "prepare_request"), (HierarchicalEmitter, "emit"), (AioHierarchicalEmitter, "_emit")],
)
async def test_a_proxy_around_a_method_is_called_until_it_is_taken_off(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    async with client_of() as client:
        await client.list_buckets()
        with monkeypatch.context() as patch:
            wrap(patch, owner, name, called)
            plan = client.plan("list_buckets")
            await client.list_buckets()
        await client.list_buckets()
        assert client.lanes == ["express", "reference", "express"]
        assert set(called) == {name}
        assert plan.lane == "reference"
        assert name in plan.reason or "emits events" in plan.reason


@pytest.mark.parametrize(
    ("owner", "name"),
    [(AioSession, "create_client"), (AioSession, "_create_client")]
    + [(AioClientCreator, name) for name in ("create_client", "_create_client_class", "_get_client_args")],
)
async def test_a_proxy_around_what_makes_clients_is_called_until_it_is_taken_off(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    async with aiosdk.Session(**ARGUMENTS) as session:
        before = await session.client("s3")
        with monkeypatch.context() as patch:
            wrap(patch, owner, name, called)
            wrapped = await wired(session, "s3", config=AioConfig(user_agent_extra="wrapped"))
            assert called == [name]
            assert (await wrapped.list_buckets())["Buckets"] == [{"Name": "b"}]
        after = await session.client("s3", config=AioConfig(user_agent_extra="after"))
        assert called == [name]
        assert type(after) is type(before), "it is made of shared parts again"


async def test_a_session_of_a_class_or_with_an_attribute_of_its_own_makes_its_clients_itself() -> None:
    made: list[str] = []

    class Mine(AioSession):
        def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
            made.append(service_name)
            return super().create_client(service_name, *args, **kwargs)

    async with aiosdk.Session(**ARGUMENTS, botocore_session=Mine()) as session:
        await session.client("sqs")
    theirs = AioSession()
    original = theirs._create_client

    async def counted(*args: Any, **kwargs: Any) -> Any:
        made.append("attribute")
        return await original(*args, **kwargs)

    theirs._create_client = counted
    async with aiosdk.Session(**ARGUMENTS, botocore_session=theirs) as session:
        await session.client("sqs")
    assert made == ["sqs", "attribute"]


@pytest.mark.parametrize("name", ["_make_request", "_convert_to_request_dict", "_emit_api_params"])
async def test_a_method_put_on_one_client_is_called(name: str) -> None:
    called: list[str] = []
    async with client_of() as client:
        await client.list_buckets()
        original = getattr(client, name)

        @functools.wraps(original)
        async def traced(*args: Any, **kwargs: Any) -> Any:
            called.append(name)
            return await original(*args, **kwargs)

        setattr(client, name, traced)
        assert name in client.plan("list_buckets").reason
        await client.list_buckets()
        delattr(client, name)
        await client.list_buckets()
    assert called == [name]
    assert client.lanes == ["express", "reference", "express"]


def test_a_method_that_was_replaced_when_it_was_first_looked_at_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    seams, called = Seams(("_send", "prepare_request"), UPSTREAM), list[str]()
    with monkeypatch.context() as patch:
        wrap(patch, AioEndpoint, "_send", called)
        assert not seams.are_own(AioEndpoint)
        assert seams.changed(AioEndpoint) == "_send"
    assert seams.are_own(AioEndpoint)
    assert seams.changed(AioEndpoint) == ""
    wrap(monkeypatch, AioEndpoint, "prepare_request", called)
    assert not seams.are_own(AioEndpoint)


def test_a_function_is_known_by_its_code_and_not_by_what_it_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    original = AioEndpoint._send

    @functools.wraps(original)
    async def dressed(self: Any, request: Any) -> Any:
        return None

    async def bare(self: Any, request: Any) -> Any:
        return None

    for each in (
        dressed,
        with_current_context()(dressed),  # aiobotocore's decorator around what is none of its own
        with_current_context()(bare),
        functools.partial(original),
        AioEndpoint.create_request,
        len,
    ):
        monkeypatch.setattr(AioEndpoint, "_send", each)
        assert not Seams(("_send",), UPSTREAM).are_own(AioEndpoint)
    monkeypatch.setattr(AioEndpoint, "_send", with_current_context()(original))
    assert Seams(("_send",), UPSTREAM).are_own(AioEndpoint)


@pytest.mark.parametrize("name", ["_request", "request"])
async def test_a_proxy_around_aiohttps_client_sees_all_requests(
    name: str, monkeypatch: pytest.MonkeyPatch, make_session: Any
) -> None:
    called: list[str] = []
    async with make_session() as session:
        s3 = await session.client("s3")
        await s3.head_bucket(Bucket="b")
        with monkeypatch.context() as patch:
            wrap(patch, aiohttp.ClientSession, name, called)
            for _ in range(2):
                await s3.head_bucket(Bucket="b")
        assert called == [name, name]
        assert direct._SENDING.are_own(aiohttp.ClientSession)
        wrap(monkeypatch, aiohttp.ClientSession, "_ws_connect", called)
        await s3.head_bucket(Bucket="b")
        assert called == [name, name]


async def test_a_proxy_around_a_built_in_handler_is_called_as_a_hook() -> None:
    called: list[str] = []

    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        called.append("hook")
        return wrapped(*args, **kwargs)

    from botocore.handlers import validate_bucket_name

    async with client_of("s3", (200, {}, b"")) as client:
        hook = wrapt.FunctionWrapper(validate_bucket_name, wrapper)
        client.meta.events.register("before-parameter-build.s3.HeadBucket", hook)
        await client.head_bucket(Bucket="b")
    assert called == ["hook"]
    assert client.lanes == ["reference"]
