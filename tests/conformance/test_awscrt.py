"""awscrt beside botocore: its signers take the places of botocore's, and a call keeps its lane.

They make the same signatures of version 4. Signers of anybody else's take the call down the reference lane, where they
are asked, and so does what only awscrt can sign. `client.plan()` says what is so.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import botocore.auth
import pytest
from aiobotocore.config import AioConfig

from aiosdk._aws.targets import unusual_signature
from tests.conformance.test_lane_choice import Canned, client_of
from tests.support.lanes import UNFORCED

pytestmark = UNFORCED
NAMES = {
    "v4": "CrtSigV4Auth",
    "v4-query": "CrtSigV4QueryAuth",
    "s3v4": "CrtS3SigV4Auth",
    "s3v4-query": "CrtS3SigV4QueryAuth",
}
GOOD: Canned = (200, {}, b"{}")
XML: Canned = (200, {}, b"<Response/>")
EMPTY: Canned = (200, {}, b"")
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x", "ChecksumAlgorithm": "CRC32"}),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "1"}}}),
    ("sqs", "list_queues", {}),
    ("ec2", "describe_vpcs", {}),
]


@pytest.fixture
def crt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in for awscrt where it is not installed: its signers are botocore's by other names."""
    if "botocore.crt.auth" not in sys.modules:
        module: Any = types.ModuleType("botocore.crt.auth")
        for version, name in NAMES.items():
            base = botocore.auth.AUTH_TYPE_MAPS[version]
            setattr(module, name, type(name, (base,), {"__module__": "botocore.crt.auth"}))
            monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, version, getattr(module, name))
        monkeypatch.setitem(sys.modules, "botocore.crt.auth", module)
    yield
    assert not any(unusual_signature(version) for version in NAMES)


@pytest.mark.parametrize(("service", "method", "given"), CALLS)
async def test_signed_calls_keep_the_express_lane(crt: None, service: str, method: str, given: dict[str, Any]) -> None:
    async with client_of(service, {"s3": EMPTY, "ec2": XML}.get(service, GOOD)) as client:
        for _ in range(2):
            await getattr(client, method)(**given)
            assert client.plan(method).lane == "express"
        assert client.lanes == ["express", "express"]
        assert "Signature=" in client.sent[0].headers["Authorization"]


async def test_a_presigned_url_is_made_as_ever(crt: None) -> None:
    async with client_of(config=AioConfig(signature_version="s3v4")) as client:
        url = await client.presigned("get_object", {"Bucket": "b", "Key": "k"})
        assert url is not None
        assert "X-Amz-Signature=" in url


@pytest.mark.parametrize("when", ["before the first call", "after a call"])
async def test_a_signer_of_somebody_elses_is_asked(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[str] = []

    class Mine(botocore.auth.S3SigV4Auth):
        def add_auth(self, request: Any) -> None:
            signed.append(request.url)
            super().add_auth(request)

    async with client_of("s3", EMPTY) as client:
        if when == "after a call":
            await client.head_bucket(Bucket="b")
        with monkeypatch.context() as patch:
            patch.setitem(botocore.auth.AUTH_TYPE_MAPS, "s3v4", Mine)
            await client.head_bucket(Bucket="b")
            plan = client.plan("head_bucket")
            assert (len(signed), plan.lane) == (1, "reference")
            assert plan.reason == "requests are signed with s3v4 by Mine"
        await client.head_bucket(Bucket="b")
        assert len(signed) == 1
        assert client.plan("head_bucket").lane == "express"


def test_what_only_awscrt_can_sign_is_unusual() -> None:
    assert unusual_signature("v4a") == "requests are signed with v4a"
    assert unusual_signature("s3v4a") == "requests are signed with s3v4a"


async def test_a_service_that_takes_a_bearer_token_says_so() -> None:
    async with client_of("codecatalyst", GOOD) as client:
        plan = client.plan("list_spaces")
        assert (plan.lane, plan.reason) == ("reference", "requests are signed with bearer")
