"""Clients have what boto3's have, and send and sign what boto3's do."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

import aiosdk

NOW = datetime.datetime(2026, 11, 21, 12, 0, 0, tzinfo=datetime.UTC)
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "eu-central-1"}

UPSTREAM = botocore.session.Session()


@pytest.fixture
def frozen_clock() -> Any:
    with (
        mock.patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)),
        mock.patch("botocore.signers.get_current_datetime", return_value=NOW.replace(tzinfo=None)),
        mock.patch("aiobotocore.signers.get_current_datetime", return_value=NOW.replace(tzinfo=None)),
    ):
        yield


def _pageable(client: Any) -> list[str]:
    return [name for name in client._PY_TO_OP_NAME if client.can_paginate(name)]


def _public(client: Any) -> set[str]:
    return {name for name in dir(client) if not name.startswith("_")}


async def _boto3(service: str, **arguments: Any) -> Any:
    """botocore's own client; it reads its files where that does not block the loop."""
    return await asyncio.to_thread(UPSTREAM.create_client, service, **KEYS, **arguments)


@pytest.mark.timeout(600)
async def test_every_client_of_every_service_has_boto3s_operations_paginators_and_waiters() -> None:
    async with aiosdk.Session(**KEYS) as session:
        services = await session.get_available_services()
        assert services == await asyncio.to_thread(UPSTREAM.get_available_services)
        assert len(services) > 400
        for name in services:
            ours = await session.client(name)
            theirs = await _boto3(name)
            await asyncio.to_thread(theirs._get_waiter_config)
            assert _public(theirs) - _public(ours) == set(), name
            assert ours.waiter_names == theirs.waiter_names, name
            pageable = await asyncio.to_thread(_pageable, theirs)
            assert _pageable(ours) == pageable, name
            assert ours.meta.endpoint_url == theirs.meta.endpoint_url, name
            assert {name for name in dir(ours.exceptions) if name[0].isupper()} == {
                name for name in dir(theirs.exceptions) if name[0].isupper()
            }, name
            await ours.close()


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "list_objects_v2", {"Bucket": "logs", "Prefix": "a b/ü", "MaxKeys": 7}),
    ("s3", "get_object", {"Bucket": "logs", "Key": "a/../b//c ?#+%.txt", "Range": "bytes=0-9"}),
    ("s3", "put_object", {"Bucket": "logs", "Key": "k", "Body": b"hello", "Metadata": {"x": "y"}}),
    ("s3", "delete_objects", {"Bucket": "logs", "Delete": {"Objects": [{"Key": "a\r\n"}], "Quiet": True}}),
    ("s3", "create_bucket", {"Bucket": "x", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"id": {"S": "1"}}}),
    ("dynamodb", "put_item", {"TableName": "t", "Item": {"id": {"N": "1"}, "b": {"B": b"\x00\xff"}}}),
    ("sqs", "send_message", {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/q", "MessageBody": "hi"}),
    ("sns", "publish", {"TopicArn": "arn:aws:sns:eu-central-1:1:t", "Message": "hi & bye"}),
    ("iam", "list_users", {"PathPrefix": "/x/", "MaxItems": 3}),
    ("sts", "get_caller_identity", {}),
    ("ec2", "describe_instances", {"Filters": [{"Name": "tag:a", "Values": ["1", "2"]}]}),
    ("ec2", "run_instances", {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 2, "ClientToken": "t", "UserData": "x"}),
    ("route53", "list_resource_record_sets", {"HostedZoneId": "/hostedzone/Z1", "StartRecordName": "a."}),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.5}]}),
    ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"}),
    ("logs", "describe_log_groups", {"limit": 5}),
    ("glacier", "list_vaults", {}),
    ("apigateway", "get_rest_apis", {"limit": 2}),
    ("kinesis", "put_record", {"StreamName": "s", "Data": b"d", "PartitionKey": "p"}),
]


def _comparable(request: Any) -> tuple[Any, ...]:
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    headers.pop("user-agent", None)
    headers.pop("amz-sdk-invocation-id", None)
    body = request.body
    if hasattr(body, "_raw"):  # a checksum follows the body, computed while it is sent
        body = body._raw, body._checksum_name
    return request.method, request.url, headers, *(_bytes(each) for each in (body if type(body) is tuple else [body]))


def _bytes(body: Any) -> Any:
    return body.getvalue() if hasattr(body, "getvalue") else body


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class SentError(Exception):
    pass


@pytest.mark.parametrize(("service", "operation", "parameters"), CALLS, ids=[f"{s}.{o}" for s, o, _ in CALLS])
async def test_the_request_that_is_sent_is_boto3s(
    service: str, operation: str, parameters: dict[str, Any], frozen_clock: None
) -> None:
    sent: list[tuple[Any, ...]] = []

    def catch(request: Any, **_: Any) -> AWSResponse:
        sent.append(_comparable(request))
        raise SentError

    theirs = await _boto3(service)
    theirs.meta.events.register("before-send", catch)
    with pytest.raises(SentError):
        getattr(theirs, operation)(**parameters)
    async with aiosdk.Session(**KEYS) as session:
        ours = await session.client(service)
        ours.meta.events.register("before-send", catch)
        with pytest.raises(SentError):
            await getattr(ours, operation)(**parameters)
    assert sent[0] == sent[1]


async def test_presigned_urls_and_posts_are_boto3s(frozen_clock: None) -> None:
    config = Config(signature_version="s3v4")
    theirs = await _boto3("s3", config=config)
    async with aiosdk.Session(**KEYS) as session:
        ours = await session.client("s3", config=config)
        for key in ("a/b c.txt", "ü/../x", "//double", "+%41"):
            arguments = {"Params": {"Bucket": "logs", "Key": key}, "ExpiresIn": 60}
            assert await ours.generate_presigned_url("get_object", **arguments) == theirs.generate_presigned_url(
                "get_object", **arguments
            )
        post = {
            "Bucket": "logs",
            "Key": "${filename}",
            "Fields": {"acl": "private"},
            "Conditions": [{"acl": "private"}],
        }
        # Both add to the caller's conditions.
        expected = theirs.generate_presigned_post(**copy.deepcopy(post))
        assert await ours.generate_presigned_post(**copy.deepcopy(post)) == expected
    url = urlsplit(await _presign_default(session_arguments=KEYS))
    assert dict(parse_qsl(url.query))["AWSAccessKeyId"] == "AKIDEXAMPLE"


async def _presign_default(session_arguments: dict[str, str]) -> str:
    async with aiosdk.Session(**session_arguments | {"region_name": "us-east-1"}) as session:
        client = await session.client("s3")
        return await client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})


async def test_the_model_of_a_service_is_boto3s_after_calls_have_used_it(frozen_clock: None) -> None:
    theirs = (await _boto3("iam")).meta.service_model
    async with aiosdk.Session(**KEYS) as session:
        ours = (await session.client("iam")).meta.service_model
        assert [each.name for each in ours.error_shapes] == [each.name for each in theirs.error_shapes]
        for name in theirs.operation_names:
            for part in ("input_shape", "output_shape"):
                expected, found = getattr(theirs.operation_model(name), part), getattr(ours.operation_model(name), part)
                assert (found is None) == (expected is None)
                if expected is not None:
                    assert json.dumps(found.metadata, default=str) == json.dumps(expected.metadata, default=str)
                    assert list(found.members) == list(expected.members)
