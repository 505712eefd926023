"""A library that replaces what emits events, by something that needs an event loop: aiomoto makes a task for each."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.hooks import AioHierarchicalEmitter
from aiobotocore.session import AioSession
from botocore.awsrequest import AWSResponse

import aiosdk
from aiosdk._aws import client_parts
from tests.conformance.test_lane_choice import ARGUMENTS
from tests.support.server import LIST_BUCKETS

ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


@pytest.fixture(autouse=True)
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace `emit` as aiomoto does, give what it has emitted, and forget the classes that there are already."""
    names: list[str] = []

    def emit(self: Any, event_name: str, **kwargs: Any) -> Any:
        names.append(event_name)
        return asyncio.get_running_loop().create_task(self._emit(event_name, kwargs))

    monkeypatch.setattr(AioHierarchicalEmitter, "emit", emit)
    monkeypatch.setattr(client_parts, "_parts", {})
    return names


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give each new client a hook that answers for AWS, as aiomoto does, and give the requests."""
    create, requests = AioSession._create_client, list[Any]()

    async def answer(request: Any, **_: Any) -> AWSResponse:
        requests.append(request)
        body = ASSUMED.encode() if "sts." in request.url else LIST_BUCKETS
        return AWSResponse(request.url, 200, {}, io.BytesIO(body))

    async def creating(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = await create(self, *args, **kwargs)
        client.meta.events.register("before-send", answer)
        return client

    monkeypatch.setattr(AioSession, "_create_client", creating)
    return requests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to send."""
    path = tmp_path / "file"
    path.write_bytes(b"from a file")
    return path


@pytest.fixture
def role(aws_environment: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A profile with a role that is assumed with the keys in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (aws_environment / "config").write_text(
        "[profile role]\nregion=us-east-1\nrole_arn=arn:aws:iam::123456789012:role/r\ncredential_source=Environment\n"
    )
    return "role"


async def test_the_first_client_of_a_service_is_made(emitted: list[str]) -> None:
    async with aiosdk.Session(**ARGUMENTS) as session:
        client = await session.client("sqs")
        assert "doc" not in client.__dict__
        assert "queue" in str(client.create_queue.__doc__)
        assert client.plan("list_queues").reason == "somebody has replaced what emits events"


async def test_calls_are_answered_and_a_body_that_is_a_file_is_sent(
    emitted: list[str], answering: list[Any], path: Path
) -> None:
    async with aiosdk.Session(**ARGUMENTS) as session:
        s3 = await session.client("s3")
        assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]
        file = await asyncio.to_thread(path.open, "rb")
        await s3.put_object(Bucket="b", Key="k", Body=file)
        await asyncio.to_thread(file.close)
        await s3.upload_file(str(path), "b", "k")
        assert "before-call.s3.PutObject" not in emitted  # it is emitted until somebody responds
        assert {"before-send.s3.ListBuckets", "before-send.s3.PutObject"} <= set(emitted)
    assert len(answering) == 3


async def test_a_role_is_assumed(emitted: list[str], answering: list[Any], role: str) -> None:
    async with aiosdk.Session(profile_name=role) as session:
        await (await session.client("s3")).list_buckets()
    assert "Credential=ASIAROLE/" in str(answering[-1].headers["Authorization"])
