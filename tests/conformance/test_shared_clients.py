"""Clients share what does not depend on their session, and nobody can tell, nor can a hook get from one to another."""

from __future__ import annotations

import asyncio
import enum
import gc
import inspect
import json
import os
import random
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiobotocore.session
import botocore.handlers
import botocore.session
import pytest
from aiobotocore.client import AioBaseClient, AioClientCreator
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.client import BaseClient

import aiosdk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "eu-central-1"}
UPSTREAM = botocore.session.Session()
LOADER = UPSTREAM.get_component("data_loader")
AIO = AioSession()
DEEP = os.environ.get("AIOSDK_DEEP") == "1"
SERVICES = [
    "s3",
    "ec2",
    "dynamodb",
    "iam",
    "sqs",
    "lambda",
    "importexport",
    "bedrock-runtime",
    "polly",
    "timestream-write",
]


def _services() -> list[str]:
    return UPSTREAM.get_available_services() if DEEP else SERVICES


def _ordinary(service: str) -> Any:
    """Make aiobotocore's own client, where it may read files: it awaits nothing that has to be waited for."""
    try:
        AIO._create_client(service, **KEYS, config=AioConfig()).send(None)
    except StopIteration as stopped:
        stopped.value._get_waiter_config()
        return stopped.value
    raise AssertionError


def _docstrings(client: Any, names: list[str]) -> list[str]:
    return [str(inspect.getdoc(getattr(client, name))) for name in names]


@pytest.mark.timeout(3600 if DEEP else 120)
@pytest.mark.parametrize("service", _services())
async def test_a_client_of_shared_parts_is_an_ordinary_one(service: str) -> None:
    theirs = await asyncio.to_thread(UPSTREAM.create_client, service, **KEYS)
    plain = await asyncio.to_thread(_ordinary, service)
    async with aiosdk.Session(**KEYS) as first, aiosdk.Session(**KEYS) as second:
        ours = await first.client(service)
        assert type(await second.client(service)) is type(ours)
        kind, plain_kind = type(ours), type(plain)
        assert (kind.__name__, kind.__module__, kind.__doc__ is None) == (
            plain_kind.__name__,
            plain_kind.__module__,
            True,
        )
        methods = {name for name in vars(plain_kind) if not name.startswith("_")}
        assert {name for name in vars(kind) if not name.startswith("_")} == methods
        assert {name for name in dir(plain) if name not in _ASIDE} - set(dir(ours)) == set()
        for name in methods:
            expected, found = getattr(plain, name), getattr(ours, name)
            assert found.__name__ == expected.__name__
            # Python's warning of a coroutine that nobody awaits names it by this.
            assert found.__qualname__ in (expected.__qualname__, f"{service}.{name}")
            assert inspect.signature(found) == inspect.signature(expected)
        some = sorted(methods & ours._PY_TO_OP_NAME.keys())
        some = random.Random(service).sample(some, min(len(some), 20 if DEEP else 8))  # they take long to write
        assert await asyncio.to_thread(_docstrings, ours, some) == await asyncio.to_thread(_docstrings, theirs, some)
        _same_meta(ours, plain)
        _same_rules(ours, plain)


# What the metadata of one client and another's differ in by design: the pool, the user agent, our own state.
_ASIDE = {"_async_getattr", "__weakref__"}


def _same_meta(ours: Any, plain: Any) -> None:
    for name in ("endpoint_url", "region_name", "partition", "method_to_api_mapping"):
        assert getattr(ours.meta, name) == getattr(plain.meta, name), name
    aside = {"user_agent", "user_agent_extra", "http_session_cls"}
    found, expected = (
        {name: value for name, value in vars(client.meta.config).items() if name not in aside}
        for client in (ours, plain)
    )
    for options in (found["_user_provided_options"], expected["_user_provided_options"]):
        for name in aside:
            options.pop(name, None)
    assert found == expected
    assert ours.meta.service_model.metadata == plain.meta.service_model.metadata
    assert ours.meta.service_model.service_name == plain.meta.service_model.service_name
    assert ours.meta.service_model.operation_names == plain.meta.service_model.operation_names
    shapes = [[each.name for each in client.meta.service_model.error_shapes] for client in (ours, plain)]
    assert shapes[0] == shapes[1]
    codes = [sorted(client.exceptions._code_to_exception) for client in (ours, plain)]
    assert codes[0] == codes[1]
    assert ours.waiter_names == plain.waiter_names


def _same_rules(ours: Any, plain: Any) -> None:
    found, expected = ours._ruleset_resolver, plain._ruleset_resolver
    assert found._param_definitions is found._provider.ruleset.parameters
    assert _plain(found._provider.ruleset) == _plain(expected._provider.ruleset)
    assert found._provider._excluded_params == expected._provider._excluded_params
    builtins = [
        {name: value for name, value in resolver._builtins.items() if not callable(value)}
        for resolver in (found, expected)
    ]
    assert builtins[0] == builtins[1]
    assert found._client_context == expected._client_context


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if hasattr(value, "__dict__") and not isinstance(value, type | enum.Enum):
        return type(value).__name__, {name: _plain(each) for name, each in vars(value).items()}
    return value


async def test_clients_of_two_sessions_share_what_no_session_owns_and_nothing_else(make_session: Make) -> None:
    async with make_session() as one, make_session(region_name="eu-west-1") as two:
        a, b = await one.client("s3"), await two.client("s3")
        assert type(a) is type(b)
        assert a.meta.service_model is b.meta.service_model
        assert a.exceptions is b.exceptions
        assert a._ruleset_resolver._provider.ruleset is b._ruleset_resolver._provider.ruleset
        for name in ("_ruleset_resolver", "_request_signer", "_endpoint", "_client_config", "_user_agent_creator"):
            assert getattr(a, name) is not getattr(b, name)
        assert a._ruleset_resolver._provider is not b._ruleset_resolver._provider
        assert (a.meta.region_name, b.meta.region_name) == ("us-east-1", "eu-west-1")
        heard: list[str] = []
        a.meta.events.register("before-call", lambda **_: heard.append("a"))
        await b.list_buckets()
        assert heard == []
        await a.list_buckets()
        assert heard == ["a"]


async def test_a_clients_configuration_is_its_own(make_session: Make) -> None:
    async with make_session() as session:
        few = await session.client("s3", config=AioConfig(retries={"max_attempts": 1, "mode": "legacy"}))
        many = await session.client("s3", config=AioConfig(retries={"max_attempts": 7, "mode": "legacy"}))
        handlers = [_retry_handler(client) for client in (few, many, await session.client("s3"))]
        assert [handler._checker._max_attempts for handler in handlers] == [2, 8, 5]
        dynamodb = await session.client("dynamodb")
        assert _retry_handler(dynamodb)._checker._max_attempts == 10
        assert len({id(handler) for handler in handlers}) == 3


def _retry_handler(client: Any) -> Any:
    service = client.meta.service_model.service_id.hyphenize()
    return client.meta.events._emitter._unique_id_handlers[f"retry-config-{service}"]["handler"]


@pytest.mark.parametrize("event", ["creating-client-class", "creating-client-class.s3", "creating-client-class.*", "*"])
async def test_a_class_hook_is_for_the_clients_that_its_session_makes_later(make_session: Make, event: str) -> None:
    def add(class_attributes: dict[str, Any] | None = None, **_: Any) -> None:
        if class_attributes is not None:
            class_attributes["shout"] = lambda self: "hey"  # pyright: ignore[reportUnknownLambdaType]

    async with make_session() as hooked, make_session() as other:
        before = await hooked.client("s3")
        hooked.events.register(event, add)
        later = await hooked.client("s3", region_name="eu-west-1")
        assert later.shout() == "hey"
        assert type(later) is not type(before)
        for client in (before, await other.client("s3"), await other.client("s3", region_name="eu-west-1")):
            assert not hasattr(client, "shout")
            assert type(client) is type(before)
        assert later.meta.service_model is not before.meta.service_model
        assert later.exceptions is before.exceptions
        hooked.events.unregister(event, add)
        again = await hooked.client("s3", region_name="eu-west-2")
        assert type(again) is type(before)


async def test_a_hook_is_run_for_each_client(make_session: Make) -> None:
    made: list[int] = []

    async def count(**_: Any) -> None:
        await asyncio.sleep(0)
        made.append(1)

    async with make_session() as session:
        session.events.register("creating-client-class.sqs", count)
        classes = {type(await session.client("sqs", region_name=region)) for region in ("us-east-1", "eu-west-1")}
        assert len(made) == 2
        assert len(classes) == 2


async def test_a_hook_on_documentation_is_its_sessions(make_session: Make) -> None:
    def add(section: Any, **_: Any) -> None:
        section.write("HOOKED")

    async with make_session() as hooked, make_session() as other:
        hooked.events.register("docs.*.sqs.SendMessage.complete-section", add)
        assert "HOOKED" in str((await hooked.client("sqs")).send_message.__doc__)
        assert "HOOKED" not in str((await other.client("sqs")).send_message.__doc__)


async def test_a_built_in_hook_taken_away_is_away_for_its_session_alone(make_session: Make) -> None:
    from aiobotocore.signers import add_generate_presigned_post

    async with make_session() as stripped, make_session() as other:
        stripped.events.unregister("creating-client-class.s3", add_generate_presigned_post)
        assert not hasattr(await stripped.client("s3"), "generate_presigned_post")
        assert hasattr(await other.client("s3"), "generate_presigned_post")


async def test_a_handler_that_a_library_builds_in_later_counts_for_new_sessions(make_session: Make) -> None:
    def add(class_attributes: dict[str, Any], **_: Any) -> None:
        class_attributes["mine"] = 7

    async with make_session() as session:
        usual = type(await session.client("sqs"))
    for event, mine in (("creating-client-class.sqs", 7), ("before-send", None)):
        listed = [*botocore.handlers.BUILTIN_HANDLERS, (event, add)]
        with mock.patch.object(botocore.handlers, "BUILTIN_HANDLERS", listed):
            async with make_session() as session:
                client = await session.client("sqs")
        assert vars(type(client)).get("mine") == mine
        assert (type(client) is usual) == (mine is None)
    async with make_session() as session:
        assert type(await session.client("sqs")) is usual


async def test_a_session_without_our_own_hook_makes_aiobotocores_clients(make_session: Make) -> None:
    from aiosdk._aws.client_class import HOOK_ID, class_hook
    from aiosdk.services.clients import client_class

    async with make_session() as by_name, make_session() as by_handler:
        by_name.events.unregister("creating-client-class", unique_id=HOOK_ID)
        by_handler.events.unregister("creating-client-class", class_hook(client_class))
        for session in (by_name, by_handler):
            assert not isinstance(await session.client("sqs"), aiosdk.Client)


async def test_a_hook_that_chooses_another_service_is_heard(make_session: Make) -> None:
    async with make_session() as session:
        session.events.register_first(
            "choose-service-name", lambda service_name, **_: "sqs" if service_name == "sns" else None
        )
        chosen = await session.client("sns")
        assert chosen.meta.service_model.service_name == "sqs"
        assert hasattr(chosen, "send_message")


async def test_what_a_library_patches_is_used(make_session: Make) -> None:
    seen: list[str] = []
    inherited: Any = AioClientCreator._create_api_method

    def create(self: Any, py_operation_name: str, *args: Any) -> Any:
        seen.append(py_operation_name)
        return inherited(self, py_operation_name, *args)

    async with make_session() as session:
        before = await session.client("sqs")
        with mock.patch.object(AioClientCreator, "_create_api_method", create):
            traced = await session.client("sqs", region_name="eu-west-1")
        assert "send_message" in seen
        assert type(traced) is not type(before)
        assert type(await session.client("sqs", region_name="eu-west-2")) is type(before)

        class Creator(AioClientCreator):
            async def create_client(self, *args: Any, **kwargs: Any) -> Any:
                seen.append("creator")
                return await super().create_client(*args, **kwargs)

        with mock.patch.object(aiobotocore.session, "AioClientCreator", Creator):
            await session.client("sqs", region_name="eu-west-3")
        assert seen[-1] == "creator"


async def test_a_patched_call_and_a_patched_constructor_reach_clients_made_before_and_after(
    make_session: Make,
) -> None:
    calls: list[str] = []
    inherited: Any = AioBaseClient._make_api_call
    constructor: Any = BaseClient.__init__

    async def traced(self: Any, operation_name: str, api_params: Any) -> Any:
        calls.append(operation_name)
        return await inherited(self, operation_name, api_params)

    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        calls.append("made")
        constructor(self, *args, **kwargs)

    async with make_session() as session:
        before = await session.client("s3")
        with (
            mock.patch.object(AioBaseClient, "_make_api_call", traced),
            mock.patch.object(BaseClient, "__init__", construct),
        ):
            after = await session.client("s3", region_name="eu-west-1")
            await before.list_buckets()
            await after.list_buckets()
        await before.list_buckets()
    assert calls == ["made", "ListBuckets", "ListBuckets"]


async def test_a_users_session_and_loader_share_nothing(tmp_path: Path, server: CountingServer) -> None:
    folder = tmp_path / "models" / "sqs" / "2012-11-05"
    await asyncio.to_thread(folder.mkdir, parents=True)
    model = await asyncio.to_thread(LOADER.load_service_model, "sqs", "service-2")
    model = {**model, "operations": {"ListQueues": model["operations"]["ListQueues"]}}
    await asyncio.to_thread((folder / "service-2.json").write_text, json.dumps(model))
    rules = {"version": "1.0", "parameters": {}, "rules": []}
    rules["rules"] = [{"type": "endpoint", "conditions": [], "endpoint": {"url": server.url}}]
    await asyncio.to_thread((folder / "endpoint-rule-set-1.json").write_text, json.dumps(rules))
    async with aiosdk.Session(**KEYS) as shared:
        usual = await shared.client("sqs")
        aio = AioSession()
        loader = await asyncio.to_thread(aio.get_component, "data_loader")
        loader.search_paths.insert(0, str(tmp_path / "models"))
        async with aiosdk.Session(**KEYS, botocore_session=aio) as session:
            own = await session.client("sqs")
            assert list(own._PY_TO_OP_NAME) == ["list_queues"]
            assert own._loader is loader
            assert type(own) is not type(await session.client("sqs", region_name="eu-west-1"))
            assert own._ruleset_resolver._provider.ruleset.rules[0].endpoint == {"url": server.url}
            assert own.exceptions is not usual.exceptions
        assert hasattr(usual, "send_message")
        assert hasattr(await shared.client("sqs", region_name="eu-west-1"), "send_message")


async def test_another_data_path_has_other_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models" / "sqs" / "2012-11-05"
    await asyncio.to_thread(folder.mkdir, parents=True)
    for name in ("service-2", "endpoint-rule-set-1"):
        data = dict(await asyncio.to_thread(LOADER.load_service_model, "sqs", name))
        if name == "service-2":
            data["operations"] = {"ListQueues": data["operations"]["ListQueues"]}
        await asyncio.to_thread((folder / f"{name}.json").write_text, json.dumps(data))
    async with aiosdk.Session(**KEYS) as usual:
        await usual.client("sqs")
        monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "models"))
        async with aiosdk.Session(**KEYS) as one, aiosdk.Session(**KEYS) as two:
            a, b = await one.client("sqs"), await two.client("sqs")
            assert list(a._PY_TO_OP_NAME) == ["list_queues"]
            assert type(a) is type(b) is not type(await usual.client("sqs"))
        assert hasattr(await usual.client("sqs", region_name="eu-west-1"), "send_message")


async def test_models_that_are_added_and_changed_later_count_for_new_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models" / "mine" / "2012-11-05"
    await asyncio.to_thread(folder.mkdir, parents=True)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "models"))
    data = {name: dict(await asyncio.to_thread(LOADER.load_service_model, "sqs", name)) for name in MODEL}
    operations = data["service-2"]["operations"]
    async with aiosdk.Session(**KEYS) as session:
        with pytest.raises(aiosdk.exceptions.UnknownServiceError):
            await session.client("mine")
    kinds = []
    for some in (["ListQueues"], ["ListQueues", "CreateQueue"], ["ListQueues", "CreateQueue"]):
        data["service-2"]["operations"] = {name: operations[name] for name in some}
        for name in MODEL if len(kinds) < 2 else ():
            await asyncio.to_thread((folder / f"{name}.json").write_text, json.dumps(data[name]))
        async with aiosdk.Session(**KEYS) as session:
            client = await session.client("mine")
            assert list(client._PY_TO_OP_NAME.values()) == some
            kinds.append(type(client))
    assert kinds[0] is not kinds[1] is kinds[2]


MODEL = ("service-2", "endpoint-rule-set-1")


async def test_a_version_by_name_and_the_latest_are_the_same(make_session: Make) -> None:
    async with make_session() as session:
        latest = await session.client("cloudfront")
        named = await session.client("cloudfront", api_version=latest.meta.service_model.api_version)
        old = await session.client("cloudfront", api_version="2014-11-06")
        assert type(latest) is type(named) is not type(old)
        assert set(old._PY_TO_OP_NAME) < set(latest._PY_TO_OP_NAME)


async def test_an_edit_of_the_model_at_the_first_call_is_seen_by_every_client(make_session: Make) -> None:
    async with make_session() as one, make_session() as two:
        a, b = await one.client("s3"), await two.client("s3")
        known = b.meta.service_model.operation_model("PutBucketCors")
        parameters = {"Bucket": "logs", "CORSConfiguration": {"CORSRules": []}}
        await a.put_bucket_cors(**parameters)
        assert known.http["authPath"] == "/{Bucket}/"
        assert known.http["requestUri"] == "?cors"
        await b.put_bucket_cors(**parameters)


async def test_two_hundred_sessions_leave_nothing_behind(make_session: Make) -> None:
    refs: list[weakref.ref[Any]] = []

    async def use(region: str) -> None:
        async with make_session(region_name=region) as session:
            for service in ("s3", "sqs"):
                client = await session.client(service)
                refs.extend(
                    weakref.ref(each)
                    for each in (client, client._endpoint, client._ruleset_resolver, client.meta.events._emitter)
                )
            await (await session.client("sqs")).list_queues()
            refs.extend([weakref.ref(session), weakref.ref(session._botocore)])

    for number in range(10):
        await use(f"eu-west-{number}")
    await asyncio.to_thread(gc.collect)
    before = len(gc.get_objects())
    for number in range(200):
        await use(f"eu-west-{number % 10}")
    await asyncio.to_thread(gc.collect)
    after = len(gc.get_objects())
    alive = [each() for each in refs if each() is not None]
    assert alive == []
    assert after - before < 2000 + len(refs), after - before


def test_threads_that_make_a_service_at_once_make_one_class() -> None:
    async def make() -> type[Any]:
        async with aiosdk.Session(**KEYS) as session:
            return type(await session.client("opensearch"))

    with ThreadPoolExecutor(4) as threads:
        kinds = list(threads.map(lambda _: asyncio.run(make()), range(4)))
    assert len(set(kinds)) == 1


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "all_proxy"])
async def test_a_proxy_in_the_environment_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with aiosdk.Session(**KEYS) as session:
        without = await session.client("sqs")
        assert without._endpoint.http_session._proxies.proxy_url_for("https://x") is None
        monkeypatch.setenv(name, "http://proxy:3128")
        client = await session.client("sqs", region_name="eu-west-1")
        assert client.meta.config.proxies is None
        assert without.meta.config.proxies is None
        if name != "all_proxy":
            assert client._endpoint.http_session._proxies.proxy_url_for("https://x") == "http://proxy:3128"
        given = await session.client("sqs", config=AioConfig(proxies={"https": "http://other:1"}))
        assert given.meta.config.proxies == {"https": "http://other:1"}
