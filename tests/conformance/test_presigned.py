"""Presigned URLs and posts: byte for byte those of aiobotocore and boto3, under a stopped clock."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from typing import Any
from unittest import mock

import boto3
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.signers import generate_presigned_url
from botocore.config import Config
from botocore.exceptions import ParamValidationError, UnknownClientMethodError

from tests.conformance.test_lanes import SERVICES, client_of, express_operations, sampled, usual
from tests.support.inputs import Inputs
from tests.support.lanes import NEEDS_EXPRESS, NOW, frozen

KEYS = (
    "key",
    "a b",
    "a+b",
    "100%",
    "a%20b",
    "grüße ✓ 𝄞",
    "/lead",
    "//two",
    "end/",
    "../up",
    "./here",
    "a/../b",
    "q?x=1&y",
    "hash#tag",
    "tilde~-._",
    "'()*!;:@,$[]",
    "a=b",
    "tab\tnl\n",
    "*" * 300,
)
SETTINGS: dict[str, dict[str, Any]] = {
    "": {},
    "version 4": {"signature_version": "s3v4"},
    "version 2": {"signature_version": "s3"},
    "path": {"signature_version": "s3v4", "s3": {"addressing_style": "path"}},
    "virtual": {"signature_version": "s3v4", "s3": {"addressing_style": "virtual"}},
    "dual stack": {"signature_version": "s3v4", "use_dualstack_endpoint": True},
}
CALLS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("get_object", {}, {}),
    ("get_object", {"VersionId": "v 1", "ResponseContentDisposition": 'attachment; filename="ü.txt"'}, {}),
    ("get_object", {"SSECustomerKey": "k" * 32, "SSECustomerAlgorithm": "AES256"}, {"ExpiresIn": 60}),
    ("put_object", {"ContentType": "text/plain", "Metadata": {"a": "b"}, "ACL": "private"}, {"ExpiresIn": 604800}),
    ("put_object", {"Body": b""}, {}),
    ("head_object", {}, {"HttpMethod": "GET"}),
    ("delete_object", {}, {}),
    ("upload_part", {"UploadId": "u/1", "PartNumber": 3}, {}),
)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
async def test_urls_of_awkward_keys_are_boto3s(settings: dict[str, Any], region: str) -> None:
    async with client_of("s3", region_name=region, config=AioConfig(**settings)) as client:
        theirs = await asyncio.to_thread(
            boto3.client,
            "s3",
            region_name=region,
            config=Config(**settings),
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            aws_session_token="to/ken==",
        )
        for key in KEYS:
            for bucket in ("bucket", "my.dotted.bucket"):
                for method, more, options in CALLS:
                    params = {"Bucket": bucket, "Key": key, **more}
                    with _stopped():
                        ours = await client.generate_presigned_url(method, Params=dict(params), **options)
                        expected = theirs.generate_presigned_url(method, Params=dict(params), **options)
                    assert ours == expected, (method, params)
            with _stopped():
                conditions = [["content-length-range", 0, 10]]
                post = await client.generate_presigned_post("bucket", key, {"acl": "private"}, list(conditions), 60)
                expected = theirs.generate_presigned_post("bucket", key, {"acl": "private"}, list(conditions), 60)
            assert post == expected


def _stopped() -> Any:
    now = mock.Mock(side_effect=lambda remove_tzinfo=True: NOW.replace(tzinfo=None) if remove_tzinfo else NOW)
    clock = mock.Mock(wraps=datetime.datetime)
    clock.now.return_value = NOW
    stopped = contextlib.ExitStack()
    for module in ("botocore.signers", "aiobotocore.signers"):  # which say until when a post may be made
        stopped.enter_context(mock.patch(f"{module}.get_current_datetime", now))
    stopped.enter_context(
        mock.patch.multiple("botocore.auth", get_current_datetime=now, time=mock.Mock(time=NOW.timestamp))
    )
    return stopped


@NEEDS_EXPRESS
async def test_urls_of_all_services_are_aiobotocores() -> None:
    compiled = made = 0
    for service in SERVICES:
        async with client_of(service) as client:
            names = {operation: method for method, operation in client._PY_TO_OP_NAME.items()}
            for operation in sampled(service, express_operations(client), 60):
                for fill in (0, 0.5):
                    seed = f"{service} {operation.name} {fill}"

                    def params(operation: Any = operation, seed: str = seed, fill: float = fill) -> dict[str, Any]:
                        return usual(Inputs(seed, fill).of(operation), seed)

                    method = names[operation.name]
                    with frozen():
                        compiled += await client.presigned(method, params()) is not None
                        ours = await _outcome(client.generate_presigned_url, method, params())
                        assert ours == await _outcome(generate_presigned_url, client, method, params()), seed
                    made += 1
    assert compiled > made * 0.3, "those with a body are botocore's"


async def _outcome(generate: Any, *arguments: Any) -> Any:
    try:
        return await generate(*arguments)
    except Exception as error:
        return type(error), str(error)


async def test_what_is_wrong_is_said_by_botocore() -> None:
    async with client_of("s3") as client:
        with pytest.raises(ParamValidationError, match="Missing required parameter"):
            await client.generate_presigned_url("get_object", Params={"Bucket": "b"})
        with pytest.raises(UnknownClientMethodError):
            await client.generate_presigned_url("get_objects")
        with pytest.raises(TypeError, match="generate_presigned_url"):
            await client.generate_presigned_url()


async def test_a_hook_on_signing_counts() -> None:
    async with client_of("s3", region_name="eu-central-1") as client:
        plain = await client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})

        def add(request: Any, **_: Any) -> None:
            request.url += "&x=1" if "?" in request.url else "?x=1"

        client.meta.events.register("before-sign.s3.GetObject", add)
        assert "x=1" not in plain
        assert "x=1" in await client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
