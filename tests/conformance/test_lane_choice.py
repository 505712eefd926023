"""Which lane a call takes: whoever watches or changes what aiobotocore does for a call gets aiobotocore's own path.

That is a user's hook on any event of the call, a stub, a patched method, a debug log; and when it goes, the call is
compiled again.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.handlers
import pytest
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.client import AioBaseClient
from aiobotocore.config import AioConfig
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.retryhandler import create_retry_handler
from aiobotocore.stub import AioStubber
from botocore.exceptions import ClientError, ParamValidationError
from botocore.history import get_global_history_recorder
from botocore.stub import Stubber

import aiosdk
from aiosdk.exceptions import NotFoundError
from aiosdk.services.s3.existence import exists
from tests.support.lanes import UNFORCED, Canned, FakeWire
from tests.support.server import LIST_BUCKETS

pytestmark = UNFORCED

ARGUMENTS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
BUCKETS: Canned = (200, {"x-amz-request-id": "r"}, LIST_BUCKETS)
BAD: Canned = (400, {}, b"<Error><Code>Bad</Code><Message>m</Message></Error>")
DOWN: Canned = (500, {}, b"<Error><Code>InternalError</Code></Error>")

# What botocore hands to the handlers of each event of a call; `event_name` comes on top.
EVENTS: dict[str, set[str]] = {
    "provide-client-params": {"params", "model", "context"},
    "before-parameter-build": {"params", "model", "context"},
    "before-endpoint-resolution": {"builtins", "model", "params", "context"},
    "before-call": {"model", "params", "request_signer", "context"},
    "request-created": {"request", "operation_name"},
    "choose-signer": {"signing_name", "region_name", "signature_version", "context"},
    "before-sign": {
        "request",
        "signing_name",
        "region_name",
        "signature_version",
        "request_signer",
        "operation_name",
    },
    "before-send": {"request"},
    "response-received": {"response_dict", "parsed_response", "context", "exception"},
    "before-parse": {"operation_model", "response_dict", "customized_response_dict"},
    "needs-retry": {"response", "endpoint", "operation", "attempts", "caught_exception", "request_dict"},
    "after-call": {"http_response", "parsed", "model", "context"},
    "after-call-error": {"exception", "context"},
}


@asynccontextmanager
async def client_of(service: str = "s3", *answers: Canned, **options: Any) -> AsyncIterator[Any]:
    """A client whose requests get these answers, without a socket; `client.sent` is what it sent."""
    async with aiosdk.Session(**ARGUMENTS) as session:
        client = await wired(session, service, *answers, **options)
        yield client


async def wired(session: Any, service: str, *answers: Canned, **options: Any) -> Any:
    client: Any = await session.client(service, **options)

    async def no_sleep(_: float) -> None:
        """Wait for nothing between attempts."""

    client._endpoint._sleep = no_sleep
    answer(client, *answers)
    watch(client)
    return client


def answer(client: Any, *answers: Canned) -> None:
    wire = client._endpoint.http_session.exchange = FakeWire(list(answers or (BUCKETS,)))
    client.sent = wire.sent


def watch(client: Any) -> None:
    """Note the lane of each call in `client.lanes`."""
    client.lanes = []
    reference = client._reference

    async def noted(operation_name: str, api_params: Any, first: Any = None) -> Any:
        if first is None:
            client.lanes.append("reference")
        return await reference(operation_name, api_params, first)

    client._reference = noted
    lanes = client._open_lanes()
    plan_of = lanes.plan

    def plan(operation_name: str) -> Any:
        found = plan_of(operation_name)
        if found is not None:
            client.lanes.append("express")
        return found

    lanes.plan = plan


def hook_of(calls: list[dict[str, Any]], *, is_async: bool) -> Callable[..., Any]:
    def hook(**kwargs: Any) -> None:
        calls.append(kwargs)

    async def async_hook(**kwargs: Any) -> None:
        calls.append(kwargs)

    return async_hook if is_async else hook


# Hooks: where and how they are registered


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("place", ["session", "client", "client after a call"])
async def test_a_hook_on_any_event_is_called_with_what_botocore_gives(kind: str, place: str) -> None:
    for how in ("register", "register_first", "register_last"):
        for is_async in (False, True):
            for name in (f"{kind}.s3.ListBuckets", f"{kind}.s3", kind, f"{kind}.*.ListBuckets", f"{kind}.s3.*", "*"):
                if kind == "before-endpoint-resolution" and name.count(".") == 2:
                    continue  # whose name ends with the service
                if kind == "choose-signer" and "List" not in name:
                    continue  # S3 has a handler of its own for `choose-signer.s3`, and the first answer ends the event
                await _hooked(kind, place, how, name, is_async=is_async)


async def _hooked(kind: str, place: str, how: str, name: str, *, is_async: bool) -> None:
    calls: list[dict[str, Any]] = []
    hook = hook_of(calls, is_async=is_async)
    answers = (BAD,) if kind == "after-call-error" else (BUCKETS,)
    async with aiosdk.Session(**ARGUMENTS) as session:
        if place == "session":
            getattr(session.events, how)(name, hook)
        client = await wired(session, "s3", *answers)
        if place == "client after a call":
            answer(client)
            await client.list_buckets()
            assert client.lanes.pop() == "express"
            answer(client, *answers)
        if place != "session":
            getattr(client.meta.events, how)(name, hook)
        if kind == "after-call-error":
            answer(client, ValueError("no answer"))
            with pytest.raises(ValueError, match="no answer"):
                await client.list_buckets()
        else:
            await client.list_buckets()
            assert client.lanes == ["reference"], (name, how)
        wanted = [call for call in calls if call["event_name"].startswith(kind + ".")]
        assert wanted, (name, how)
        assert all(call.keys() - {"event_name"} == EVENTS[kind] for call in wanted), (name, how)
        calls.clear()
        (session.events if place == "session" else client.meta.events).unregister(name, hook)
        if place != "session":
            answer(client)
            await client.list_buckets()
            assert calls == []
            assert client.lanes[-1] == "express"


async def test_a_hook_of_one_operation_leaves_the_others_on_the_express_lane() -> None:
    calls: list[Any] = []
    async with client_of() as client:
        client.meta.events.register("before-call.s3.ListBuckets", hook_of(calls, is_async=False))
        answer(client, (200, {"etag": "e"}, b""))
        await client.head_object(Bucket="b", Key="k")
        answer(client)
        await client.list_buckets()
        assert client.lanes == ["express", "reference"]
        assert len(calls) == 1


async def test_a_hook_of_another_client_or_service_does_not_count() -> None:
    calls: list[Any] = []
    async with aiosdk.Session(**ARGUMENTS) as session:
        client = await wired(session, "s3")
        other = await wired(session, "s3", config=AioConfig(user_agent_extra="other"))
        other.meta.events.register("before-send", hook_of(calls, is_async=False))
        client.meta.events.register("before-send.sqs", hook_of(calls, is_async=False))
        await client.list_buckets()
        assert client.lanes == ["express"]
        await other.list_buckets()
        assert other.lanes == ["reference"]
    assert len(calls) == 1


async def test_a_hook_registered_under_an_older_name_of_a_service_counts() -> None:
    calls: list[Any] = []
    async with client_of("cloudwatch", (200, {}, b"{}")) as client:
        client.meta.events.register("before-call.monitoring.ListMetrics", hook_of(calls, is_async=False))
        await client.list_metrics()
        assert client.lanes == ["reference"]
    assert len(calls) == 1


async def test_a_hook_with_a_unique_id_counts_once_and_goes_by_its_id() -> None:
    calls: list[Any] = []
    async with client_of() as client:
        hook = hook_of(calls, is_async=False)
        for _ in range(2):
            client.meta.events.register("before-call.s3", hook, unique_id="mine")
        await client.list_buckets()
        assert len(calls) == 1
        client.meta.events.unregister("before-call.s3", unique_id="mine")
        await client.list_buckets()
        assert len(calls) == 1
        assert client.lanes == ["reference", "express"]


async def test_a_hook_registered_while_a_call_is_under_way_counts_for_the_next() -> None:
    calls: list[Any] = []
    async with client_of("s3", DOWN, BUCKETS) as client:
        exchange = client._endpoint.http_session.exchange

        async def registering(*args: Any, **kwargs: Any) -> Any:
            if not client.sent:
                client.meta.events.register("before-send.s3", hook_of(calls, is_async=False))
            return await exchange(*args, **kwargs)

        client._endpoint.http_session.exchange = registering
        await client.list_buckets()
        assert client.lanes == ["express"]
        assert len(client.sent) == 2
        await client.list_buckets()
        assert client.lanes == ["express", "reference"]
        assert calls


# Hooks: what they do


async def test_parameters_can_be_replaced_and_changed() -> None:
    async with client_of("s3", (200, {}, b"")) as client:

        def replace(params: Any, **_: Any) -> Any:
            return {**params, "Key": "replaced"}

        def change(params: Any, **_: Any) -> None:
            params["Bucket"] = "changed"

        client.meta.events.register("provide-client-params.s3.HeadObject", replace)
        client.meta.events.register("before-parameter-build.s3.HeadObject", change)
        await client.head_object(Bucket="b", Key="k")
        assert client.sent[0].url == "https://changed.s3.amazonaws.com/replaced"


async def test_changes_of_the_endpoint_the_url_and_the_headers_count_and_are_signed() -> None:
    async with client_of("s3", (200, {}, b"")) as client:

        def path_style(builtins: Any, **_: Any) -> None:
            builtins["AWS::S3::ForcePathStyle"] = True

        def add(params: Any, **_: Any) -> None:
            params["headers"]["x-amz-mine"] = "1"

        def move(request: Any, **_: Any) -> None:
            request.url = request.url.replace("/k", "/moved")
            request.headers["x-amz-late"] = "2"

        client.meta.events.register("before-endpoint-resolution.s3", path_style)
        client.meta.events.register("before-call.s3", add)
        client.meta.events.register("before-sign.s3", move)
        await client.head_object(Bucket="b", Key="k")
        sent = client.sent[0]
        assert sent.url == "https://s3.amazonaws.com/b/moved"
        assert "x-amz-late;x-amz-mine" in sent.headers["Authorization"]


async def test_headers_added_before_sending_are_sent_and_not_signed() -> None:
    async with client_of() as client:

        async def add(request: Any, **_: Any) -> None:
            request.headers["x-amz-late"] = "2"

        client.meta.events.register("before-send.s3", add)
        await client.list_buckets()
        assert client.sent[0].headers["x-amz-late"] in ("2", b"2")
        assert "x-amz-late" not in client.sent[0].headers["Authorization"]


async def test_a_response_given_before_sending_is_the_answer_and_nothing_is_sent() -> None:
    async with client_of() as client:

        class Raw:
            async def read(self) -> bytes:
                return LIST_BUCKETS

        client.meta.events.register(
            "before-send.s3", lambda request, **_: AioAWSResponse(request.url, 200, {"x-mine": "1"}, Raw())
        )
        found = await client.list_buckets()
        assert found["Buckets"] == [{"Name": "b"}]
        assert found["ResponseMetadata"]["HTTPHeaders"] == {"x-mine": "1"}
        assert client.sent == []


async def test_a_call_can_be_answered_before_it_is_made() -> None:
    async with client_of() as client:
        response = AioAWSResponse("http://x/", 200, {}, None)
        client.meta.events.register("before-call.s3.ListBuckets", lambda **_: (response, {"Buckets": ["mine"]}))
        assert await client.list_buckets() == {"Buckets": ["mine"]}
        assert client.sent == []


async def test_a_hook_can_have_a_call_tried_again() -> None:
    async with client_of() as client:

        def again(attempts: int, **_: Any) -> float | None:
            return 0 if attempts < 3 else None

        client.meta.events.register("needs-retry.s3.ListBuckets", again)
        found = await client.list_buckets()
        assert found["ResponseMetadata"]["RetryAttempts"] == 2
        assert len(client.sent) == 3


async def test_answers_can_be_edited_before_and_after_they_are_parsed() -> None:
    async with client_of() as client:

        def before(response_dict: Any, customized_response_dict: Any, **_: Any) -> None:
            response_dict["body"] = response_dict["body"].replace(b"<Name>b<", b"<Name>edited<")
            customized_response_dict["Mine"] = 1

        async def after(parsed: Any, **_: Any) -> None:
            parsed["Later"] = parsed["Mine"] + 1

        client.meta.events.register("before-parse.s3.ListBuckets", before)
        client.meta.events.register("after-call.s3.ListBuckets", after)
        found = await client.list_buckets()
        assert (found["Buckets"], found["Mine"], found["Later"]) == ([{"Name": "edited"}], 1, 2)


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if kind != "after-call-error"])
async def test_what_a_hook_raises_comes_out_as_it_is(kind: str) -> None:
    class MineError(Exception):
        pass

    error = MineError("mine")
    async with client_of() as client:

        def fail(**_: Any) -> None:
            raise error

        name = f"{kind}.s3" if kind == "before-endpoint-resolution" else f"{kind}.s3.ListBuckets"
        client.meta.events.register(name, fail)
        with pytest.raises(MineError) as caught:
            await client.list_buckets()
        assert caught.value is error
        client.meta.events.unregister(name, fail)
        await client.list_buckets()
        assert client.lanes[-1] == "express"


async def test_a_botocore_function_that_a_user_registers_counts() -> None:
    async with client_of() as client:
        await client.list_buckets()
        assert "Authorization" in client.sent[-1].headers
        client.meta.events.register("choose-signer.s3.*", botocore.handlers.disable_signing)
        await client.list_buckets()
        assert "Authorization" not in client.sent[-1].headers
        client.meta.events.unregister("choose-signer.s3.*", botocore.handlers.disable_signing)
        await client.list_buckets()
        assert "Authorization" in client.sent[-1].headers


async def test_a_built_in_handler_that_a_user_takes_away_is_not_called() -> None:
    async with client_of("s3", (200, {}, b"<ListBucketResult><Prefix>a%20b</Prefix></ListBucketResult>")) as client:
        events = client.meta.events
        with pytest.raises(ParamValidationError):
            await client.list_objects_v2(Bucket="no such/name")
        events.unregister(
            "before-parameter-build.s3.ListObjectsV2", botocore.handlers.set_list_objects_encoding_type_url
        )
        assert (await client.list_objects_v2(Bucket="b"))["Prefix"] == "a%20b"
        assert "encoding-type" not in client.sent[-1].url
        events.unregister("before-parameter-build.s3", botocore.handlers.validate_bucket_name)
        await client.list_objects_v2(Bucket="no such/name")
        await client._reference("ListObjectsV2", {"Bucket": "no such/name"})
        assert client.sent[-1].url == client.sent[-2].url
        assert client.lanes == ["express", "reference", "express", "express", "reference"]


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param("add_retry_headers"),
        pytest.param("add_recursion_detection_header"),
        pytest.param("handle_expires_header"),
        "add_expect_header",
        "generate_idempotent_uuid",
        "convert_body_to_file_like_object",
        "_set_extra_headers_for_unsigned_request",
        "remove_bucket_from_url_paths_from_model",
        "customize_endpoint_resolver_builtins",
        "sse_md5",
    ],
)
async def test_without_a_built_in_handler_both_lanes_do_the_same(handler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1")
    function = getattr(botocore.handlers, handler)
    names = [name for name, each, *_ in botocore.handlers.BUILTIN_HANDLERS if each is function]
    good: Canned = (200, {"expires": "Thu, 01 Jan 2026 00:00:00 GMT"}, b"")
    params = {"Bucket": "b", "Key": "k", "Body": b"x", "SSECustomerKey": "k" * 32, "SSECustomerAlgorithm": "AES256"}
    async with client_of("s3", good, endpoint_url="http://localhost:1") as client:
        for name in names:
            client.meta.events.unregister(name, function)
        for operation, given in [
            ("PutObject", params),
            ("HeadObject", {"Bucket": "b", "Key": "k"}),
            ("PutObject", {**params, "ChecksumAlgorithm": "CRC32"}),
        ]:
            client.sent.clear()
            outcomes = []
            for call in (client._make_api_call, client._reference):
                try:
                    found = await call(operation, dict(given))
                    outcomes.append(found)
                except Exception as error:
                    outcomes.append(repr(error))
            sent = [
                (each.method, each.url, each.body, sorted(set(each.headers) - {"X-Amz-Date", "Expect"}))
                for each in client.sent
            ]
            assert sent[0] == sent[1]
            assert outcomes[0] == outcomes[1]


async def test_without_the_handler_of_idempotency_tokens_an_error_is_the_services() -> None:
    body = b"<Response><Errors><Error><Code>Bad</Code><Message>m</Message></Error></Errors></Response>"
    async with client_of("ec2", (400, {}, body)) as client:
        for name, handler, *_ in botocore.handlers.BUILTIN_HANDLERS:
            if handler is botocore.handlers.generate_idempotent_uuid:
                client.meta.events.unregister(name, handler)
        with pytest.raises(ClientError, match="Bad"):
            await client.run_instances(MinCount=1, MaxCount=1)


async def test_a_client_without_its_signer_does_not_sign() -> None:
    async with client_of() as client:
        client.meta.events.unregister("request-created.s3", client._request_signer.handler)
        await client._reference("ListBuckets", {})
        await client.list_buckets()
        assert ["Authorization" in each.headers for each in client.sent] == [False, False]


async def test_a_hook_dressed_as_a_built_in_handler_is_called() -> None:
    calls: list[Any] = []

    @functools.wraps(botocore.handlers._update_status_code)
    def mine(**kwargs: Any) -> None:
        calls.append(kwargs)

    async with client_of() as client:
        client.meta.events.register("needs-retry.s3", mine)
        await client.list_buckets()
    assert calls


async def test_after_call_error_is_told_of_credentials_that_cannot_be_had() -> None:
    calls: list[Any] = []

    class Broken:
        access_key = "AKID"

        async def get_frozen_credentials(self) -> None:
            raise RuntimeError("the vault is sealed")

    async with client_of() as client:
        client.meta.events.register("after-call-error", hook_of(calls, is_async=False))
        client._request_signer._credentials = Broken()
        with pytest.raises(RuntimeError, match="sealed"):
            await client.list_buckets()
    assert [type(call["exception"]) for call in calls] == [RuntimeError]


async def test_a_retry_handler_with_rules_of_a_users_own_counts() -> None:
    policy = {"mine": {"applies_when": {"response": {"http_status_code": 200}}}}
    delay = {"type": "exponential", "base": "rand", "growth_factor": 2}
    handler = create_retry_handler({"__default__": {"max_attempts": 3, "delay": delay, "policies": policy}})
    async with client_of() as client:
        client.meta.events.register("needs-retry.s3.ListBuckets", handler)
        await client._reference("ListBuckets", {})
        assert len(client.sent) == 3
        await client.list_buckets()
        assert len(client.sent) == 6


async def test_a_class_that_a_user_mixes_in_is_called() -> None:
    called: list[str] = []

    class Mixin:
        async def _make_api_call(self, operation_name: str, api_params: Any) -> Any:
            called.append(operation_name)
            return await super()._make_api_call(operation_name, api_params)  # type: ignore[misc]

    async with aiosdk.Session(**ARGUMENTS) as session:
        session.events.register("creating-client-class.s3", lambda base_classes, **_: base_classes.insert(0, Mixin))
        client = await wired(session, "s3")
        await client.list_buckets()
        assert called == ["ListBuckets"]


# Models of a user's own

ODD_MODEL = {
    "version": "2.0",
    "metadata": {
        "apiVersion": "2020-01-01",
        "endpointPrefix": "odd",
        "protocol": "rest-json",
        "protocols": ["rest-json"],
        "serviceFullName": "Odd",
        "serviceId": "Odd",
        "signatureVersion": "v4",
        "uid": "odd-2020-01-01",
        "auth": ["aws.auth#sigv4"],
    },
    "operations": {
        "Do": {"name": "Do", "http": {"method": "GET", "requestUri": "/do"}, "output": {"shape": "Output"}},
        "Plain": {"name": "Plain", "http": {"method": "GET", "requestUri": "/plain"}},
    },
    "shapes": {
        "Output": {
            "type": "structure",
            "members": {
                "A": {"shape": "Text", "location": "header", "locationName": "x-a"},
                "B": {"shape": "Text", "location": "header", "locationName": "x-a"},
            },
        },
        "Text": {"type": "string"},
    },
}
ODD_RULES = {
    "version": "1.0",
    "parameters": {"Region": {"builtIn": "AWS::Region", "required": False, "type": "String", "documentation": "r"}},
    "rules": [
        {
            "conditions": [],
            "type": "endpoint",
            "endpoint": {"url": "https://odd.example.com", "properties": {}, "headers": {}},
        }
    ],
}


@pytest.fixture
def odd_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service that no rule of AWS's models holds for."""
    folder = tmp_path / "models" / "odd" / "2020-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(ODD_MODEL))
    (folder / "endpoint-rule-set-1.json").write_text(json.dumps(ODD_RULES))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "models"))
    return "odd"


async def test_an_operation_that_cannot_be_compiled_takes_the_reference_lane(odd_service: str) -> None:
    async with client_of(odd_service, (200, {"x-a": "1"}, b"{}")) as client:
        await client.plain()
        assert client.lanes == ["express"]
        found = await client.do()
        assert (found["A"], found["B"]) == ("1", "1")
        assert client.lanes == ["express", "reference"]
        assert client.plan("do").lane == "reference"
        assert client.plan("do").reason


# Stubs


@pytest.mark.parametrize("kind", [AioStubber, Stubber])
async def test_stubbers_answer_until_they_are_taken_away(kind: Any) -> None:
    async with client_of() as client:
        await client.list_buckets()
        stubber = kind(client)
        stubber.add_response("list_buckets", {"Buckets": [{"Name": "stub"}]}, {})
        stubber.add_client_error("list_buckets", "NoSuchThing", "none", 404)
        with stubber:
            assert (await client.list_buckets())["Buckets"] == [{"Name": "stub"}]
            with pytest.raises(ClientError) as caught:
                await client.list_buckets()
            assert caught.value.response["Error"]["Code"] == "NoSuchThing"
            stubber.assert_no_pending_responses()
        assert len(client.sent) == 1
        await client.list_buckets()
        assert len(client.sent) == 2
        assert client.lanes == ["express", "reference", "reference", "express"]


@pytest.mark.parametrize("kind", [AioStubber, Stubber])
async def test_a_stubbers_404_is_not_found_although_its_status_is_400(kind: Any) -> None:
    async with client_of() as client:
        stubber = kind(client)
        stubber.add_client_error("head_object", "404")
        stubber.add_client_error("head_bucket", "404")
        with stubber:
            with pytest.raises(NotFoundError):
                await client.head_object(Bucket="b", Key="k")
            assert not await exists(client.head_bucket(Bucket="b"))


# Patched methods


class Wrapper:
    """A wrapper object as wrapt's: callable, bound to the instance when it is looked up."""

    def __init__(self, wrapped: Any, before: Callable[[str], None]) -> None:
        self.__wrapped__, self._before = wrapped, before

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        return Wrapper(self.__wrapped__.__get__(instance, owner), self._before)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._before(getattr(self.__wrapped__, "__name__", "?"))
        return self.__wrapped__(*args, **kwargs)


PATCHED = [
    (AioBaseClient, "_make_api_call"),
    (AioBaseClient, "_make_request"),
    (AioBaseClient, "_convert_to_request_dict"),
    (AioBaseClient, "_emit_api_params"),
    (AioBaseClient, "_resolve_endpoint_ruleset"),
    (AioEndpoint, "make_request"),
    (AioEndpoint, "_send_request"),
    (AioEndpoint, "create_request"),
    (AioEndpoint, "prepare_request"),
    (AioEndpoint, "_get_response"),
    (AioEndpoint, "_do_get_response"),
    (AioEndpoint, "_needs_retry"),
    (AioEndpoint, "_send"),
]


@pytest.mark.parametrize(("owner", "name"), PATCHED)
async def test_a_patched_method_is_called_for_clients_made_before_and_after(owner: type, name: str) -> None:
    called: list[str] = []
    async with aiosdk.Session(**ARGUMENTS) as session:
        before = await wired(session, "s3")
        await before.list_buckets()
        assert before.lanes == ["express"]
        with mock.patch.object(owner, name, Wrapper(getattr(owner, name), called.append)):
            after = await wired(session, "s3", config=AioConfig(user_agent_extra="after"))
            await before.list_buckets()
            assert len(called) == 1
            await after.list_buckets()
            assert len(called) == 2
        await before.list_buckets()
        await after.list_buckets()
        assert len(called) == 2
        assert before.lanes[-1] == after.lanes[-1] == "express"


async def test_a_mock_in_place_of_the_method_answers() -> None:
    async with client_of() as client:
        with mock.patch(
            "aiobotocore.client.AioBaseClient._make_api_call", return_value={"Buckets": ["mock"]}
        ) as mocked:
            assert await client.list_buckets() == {"Buckets": ["mock"]}
            mocked.assert_called_once_with("ListBuckets", {})
        assert (await client.list_buckets())["Buckets"] == [{"Name": "b"}]


async def test_a_wrapt_wrapper_sees_the_calls_and_can_be_taken_off() -> None:
    wrapt = pytest.importorskip("wrapt")
    called: list[Any] = []

    async def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        called.append((instance, args))
        return await wrapped(*args, **kwargs)

    original = AioBaseClient.__dict__["_make_api_call"]
    async with client_of() as client:
        wrapt.wrap_function_wrapper("aiobotocore.client", "AioBaseClient._make_api_call", wrapper)
        try:
            await client.list_buckets()
        finally:
            AioBaseClient._make_api_call = original
        await client.list_buckets()
        assert called == [(client, ("ListBuckets", {}))]
        assert client.lanes == ["reference", "express"]


@pytest.mark.parametrize("name", ["_send", "make_request", "prepare_request"])
@pytest.mark.parametrize("when", ["before the first call", "after a call"])
async def test_a_method_patched_on_the_endpoint_of_one_client_is_called(name: str, when: str) -> None:
    async with client_of() as client:
        if when == "after a call":
            await client.list_buckets()
        with (
            mock.patch.object(client._endpoint, name, side_effect=ValueError("mine")),
            pytest.raises(ValueError, match="mine"),
        ):
            await client.list_buckets()
        await client.list_buckets()
        assert client.lanes[-1] == "express"


@pytest.mark.parametrize("when", ["before the first call", "after a call"])
async def test_a_send_patched_on_the_http_session_of_one_client_is_called(when: str) -> None:
    async with client_of() as client:
        if when == "after a call":
            await client.list_buckets()
        with (
            mock.patch.object(client._endpoint.http_session, "send", side_effect=ValueError("mine")),
            pytest.raises(ValueError, match="mine"),
        ):
            await client.list_buckets()
        await client.list_buckets()
        assert client.lanes[-1] == "express"


def test_what_was_wrapped_before_we_were_imported_is_called_and_counts_no_more_when_it_is_unwrapped() -> None:
    program = """
        import asyncio, functools
        import aiohttp
        from aiobotocore.client import AioBaseClient
        from aiobotocore.config import AioConfig
        from aiobotocore.endpoint import AioEndpoint
        from aiobotocore.session import AioSession
        called, originals = [], []

        def wrap(owner, name):
            original = getattr(owner, name)

            @functools.wraps(original)
            def traced(*args, **kwargs):
                called.append(name)
                return original(*args, **kwargs)

            originals.append((owner, name, original))
            setattr(owner, name, traced)

        wrap(AioBaseClient, "_make_api_call")
        wrap(AioEndpoint, "prepare_request")
        wrap(AioSession, "create_client")
        wrap(aiohttp.ClientSession, "_request")
        import aiosdk
        from aiosdk._transport.direct import _SENDING
        from tests.support.lanes import FakeWire
        from tests.support.server import LIST_BUCKETS

        async def client_of(session, **arguments):
            s3 = await session.client("s3", **arguments)
            s3._endpoint.http_session.exchange = FakeWire([(200, {}, LIST_BUCKETS)])
            return s3

        async def main():
            async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
                s3 = await client_of(session)
                await s3.list_buckets()
                await s3.list_buckets()
                print(*called, s3.plan("list_buckets").lane, _SENDING.are_own(aiohttp.ClientSession))
                print(s3.plan("list_buckets").reason)
                for owner, name, original in originals:
                    setattr(owner, name, original)
                called.clear()
                other = await client_of(session, config=AioConfig(user_agent_extra="other"))
                for each in (s3, other):
                    await each.list_buckets()
                    print(*called, each.plan("list_buckets").lane, _SENDING.are_own(aiohttp.ClientSession))

        asyncio.run(main())
    """
    assert run(program).splitlines() == [
        "create_client _make_api_call prepare_request _make_api_call prepare_request reference False",
        "AioBaseClient._make_api_call is not aiobotocore's",
        "express True",
        "express True",
    ]


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Logs and history


async def _records(call: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    caplog.clear()
    await call()
    return [(each.name, _what(each)) for each in caplog.records]


def _what(record: logging.LogRecord) -> str:
    """A message without its arguments, whether they were put into it (where they had secrets to hide) or not yet."""
    return re.split(r"[<{%]", record.msg)[0]


LOGGERS = ["botocore", "botocore.endpoint", "botocore.hooks", "botocore.parsers", "botocore.auth", "aiobotocore", ""]


@pytest.mark.parametrize("name", LOGGERS)
async def test_a_debug_log_has_the_records_of_aiobotocore(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async with client_of("s3", (200, {"etag": "e"}, b"")) as client:
        given = {"Bucket": "b", "Key": "k", "Body": b"x"}
        await client.put_object(**given)
        with caplog.at_level(logging.DEBUG, logger=name):
            ours = await _records(lambda: client._make_api_call("PutObject", dict(given)), caplog)
            theirs = await _records(lambda: client._reference("PutObject", dict(given)), caplog)
        await client.put_object(**given)
        assert ours == theirs
        assert ours or name == "aiobotocore"
        assert client.lanes[0] == client.lanes[-1] == "express"


CALLS: list[tuple[str, str, dict[str, Any], Canned]] = [
    ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": b"x"}, (200, {}, b"")),
    ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, (200, {}, b"x")),
    ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, (200, {"x-amz-checksum-crc32": "AAAA-1"}, b"x")),
    ("s3", "HeadBucket", {"Bucket": "b"}, (200, {"expires": "rubbish"}, b"")),
    ("s3", "ListObjectsV2", {"Bucket": "b"}, (200, {}, b"<ListBucketResult/>")),
    ("sqs", "SendMessage", {"QueueUrl": "http://q", "MessageBody": "m"}, (200, {}, b"{}")),
    ("dynamodb", "GetItem", {"TableName": "t", "Key": {"a": {"S": "1"}}}, (200, {}, b"{}")),
    ("iam", "GetUser", {}, (200, {}, b"<GetUserResponse><GetUserResult/></GetUserResponse>")),
    ("ec2", "DescribeInstances", {}, (200, {}, b"<Response/>")),
    ("lambda", "Invoke", {"FunctionName": "f", "Payload": b"{}"}, (200, {}, b"{}")),
    ("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [{"MetricName": "x" * 20_000}]}, (200, {}, b"{}")),
    ("route53", "GetHostedZone", {"Id": "/hostedzone/z"}, (200, {}, b"<GetHostedZoneResponse/>")),
]


@pytest.mark.parametrize(
    ("service", "operation", "given", "good"), CALLS, ids=[f"{c[0]} {c[1]} {n}" for n, c in enumerate(CALLS)]
)
async def test_each_logger_alone_gets_its_records_of_a_call(
    service: str, operation: str, given: dict[str, Any], good: Canned
) -> None:
    """A logger that only the reference lane writes to must be one that is looked at."""
    async with client_of(service, good) as client:
        await client._make_api_call(operation, dict(given))
        assert client.lanes == ["express"]
        said: dict[str, list[str]] = defaultdict(list)

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                said[record.name].append(_what(record))

        handler = Keep(1)
        loggers = [logging.getLogger(name) for name in ("botocore", "aiobotocore")]
        for logger in loggers:
            logger.addHandler(handler)
            logger.setLevel(1)
        await client._reference(operation, dict(given))
        for logger in loggers:
            logger.setLevel(logging.NOTSET)
        expected = {name: list(lines) for name, lines in said.items()}
        for name in expected:
            said.clear()
            logging.getLogger(name).setLevel(1)
            await client._make_api_call(operation, dict(given))
            logging.getLogger(name).setLevel(logging.NOTSET)
            assert said[name] == expected[name]
        for logger in loggers:
            logger.removeHandler(handler)


async def test_a_history_recorder_sees_requests_and_answers() -> None:
    seen: list[str] = []

    class Handler:
        def emit(self, event_type: str, payload: Any, source: str) -> None:
            seen.append(event_type)

    recorder = get_global_history_recorder()
    async with client_of() as client:
        await client.list_buckets()
        recorder.add_handler(Handler())
        recorder.enable()
        try:
            await client.list_buckets()
        finally:
            recorder.disable()
            recorder._handlers.clear()
        await client.list_buckets()
        assert client.lanes == ["express", "reference", "express"]
    assert {"HTTP_REQUEST", "HTTP_RESPONSE", "PARSED_RESPONSE"} <= set(seen)


# moto in the same process


def test_moto_in_the_same_process_answers_while_it_is_on() -> None:
    program = """
        import asyncio
        import aiobotocore.endpoint
        from aiobotocore.awsrequest import AioAWSResponse
        from moto import mock_aws
        import aiosdk
        original = aiobotocore.endpoint.convert_to_response_dict

        class Raw:
            def __init__(self, data, url):
                self._data, self.url = data, url

            async def read(self, *_):
                data, self._data = self._data, b""
                return data

            content = property(lambda self: self)

        async def convert(response, model):  # what aiobotocore's users do for moto, whose answers are synchronous
            if not isinstance(response, AioAWSResponse):
                raw = Raw(response.content, response.url)
                headers = {name.lower(): value for name, value in response.headers.items()}
                response = AioAWSResponse(response.url, response.status_code, headers, raw)
            return await original(response, model)

        aiobotocore.endpoint.convert_to_response_dict = convert

        async def main():
            async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
                sqs = await session.client("sqs")
                with mock_aws():
                    await sqs.create_queue(QueueName="q")
                    print(len((await sqs.list_queues())["QueueUrls"]), sqs.plan("list_queues").lane)

        asyncio.run(main())
    """
    assert run(program) == "1 reference\n"


# The plan in words


WORDS = {
    ("s3", "put_object"): ["PUT", "Body goes as it is", "checksum", "remembered by Bucket", "check the bucket's name"],
    ("s3", "list_objects_v2"): ["GET", "decode keys from URL encoding"],
    ("dynamodb", "get_item"): ["JSON in the body", "POST /"],
    ("sqs", "send_message"): ["JSON in the body"],
    ("iam", "get_role"): ["a form in the body", "read policies, which are JSON"],
    ("ec2", "run_instances"): ["as EC2 writes it", "idempotency token", "base64"],
    ("lambda", "invoke"): ["Payload goes as it is"],
    ("glacier", "list_vaults"): ["account id `-`"],
}


@pytest.mark.parametrize(("service", "method"), WORDS)
async def test_a_plan_says_in_words_what_a_call_does(service: str, method: str) -> None:
    async with client_of(service) as client:
        plan = client.plan(method)
        text = str(plan)
        assert (plan.lane, plan.reason, plan.operation) == ("express", "", f"{service}.{method}")
        assert text.startswith(f"{service}.{method} takes the express lane\n  1. ")
        for words in WORDS[service, method]:
            assert words in text
        assert len(text.splitlines()) == len(plan.steps) + 1
        assert client.sent == []


async def test_every_plan_of_a_service_can_be_said() -> None:
    for service in ("s3", "dynamodb", "ec2", "kinesis", "s3control"):
        async with client_of(service) as client:
            for method in client.meta.method_to_api_mapping:
                assert str(client.plan(method))


async def test_the_plan_of_an_unknown_operation_is_an_error_with_what_is_near() -> None:
    async with client_of() as client:
        for name in ("list_bucket", "ListBuckets", "", "_plan", "get_paginator", "close"):
            with pytest.raises(AttributeError):
                client.plan(name)
        with pytest.raises(aiosdk.exceptions.UnknownOperationError, match="list_buckets"):
            client.plan("list_bucket")


async def test_the_plan_says_why_a_call_takes_the_reference_lane(caplog: pytest.LogCaptureFixture) -> None:
    async with client_of() as client:
        assert client.plan("select_object_content").reason == "it is a stream of events"
        with caplog.at_level(logging.DEBUG, logger="botocore"):
            plan = client.plan("list_buckets")
            assert plan.lane == "reference"
            assert "logs" in plan.reason
        assert client.plan("list_buckets").lane == "express"


async def test_the_plan_names_the_hook_that_keeps_a_call_off_the_express_lane() -> None:
    def my_hook(**_: Any) -> None:
        """Do nothing."""

    async with client_of() as client:
        client.meta.events.register("before-send.s3.ListBuckets", my_hook)
        plan = client.plan("list_buckets")
        assert plan.lane == "reference"
        assert "before-send.s3.ListBuckets" in plan.reason
        assert "my_hook" in plan.reason
        assert client.plan("head_object").lane == "express"
        client.meta.events.unregister("before-send.s3.ListBuckets", my_hook)
        assert client.plan("list_buckets").lane == "express"
