"""moto in the same process answers for AWS, as it does for boto3: nothing is patched for it, and nothing leaves."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.handlers
import pytest

import aiosdk
from aiosdk._aws import lanes
from aiosdk.s3 import TransferConfig

MB = 1024 * 1024


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    """moto, whose import puts a handler among botocore's built-in ones: it is taken away again for other tests."""
    before = list(botocore.handlers.BUILTIN_HANDLERS)
    import moto

    added = [each for each in botocore.handlers.BUILTIN_HANDLERS if each not in before]
    yield moto
    for each in added:
        botocore.handlers.BUILTIN_HANDLERS.remove(each)


@pytest.fixture(autouse=True)
def detect_blocking_calls() -> None:
    """moto is no asynchronous library: it reads files on the event loop when a service is first used."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **_: Any) -> None:
        raise AssertionError(f"something leaves for {args}")

    for owner, name in ((socket.socket, "connect"), (socket.socket, "connect_ex"), (socket, "getaddrinfo")):
        monkeypatch.setattr(owner, name, refuse)


@pytest.fixture(params=["", "express", "reference"])
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What AIOSDK_LANE says."""
    monkeypatch.setattr(lanes, "FORCED", request.param)
    return request.param


async def test_the_services_answer_their_clients(moto: Any, lane: str) -> None:
    with moto.mock_aws():
        async with aiosdk.Session(region_name="us-east-1") as session:
            sts, sqs, ssm, iam = await asyncio.gather(*map(session.client, ("sts", "sqs", "ssm", "iam")))
            assert (await sts.get_caller_identity())["Account"] == "123456789012"
            url = (await sqs.create_queue(QueueName="q"))["QueueUrl"]
            await sqs.send_message(QueueUrl=url, MessageBody="hello")
            assert (await sqs.receive_message(QueueUrl=url))["Messages"][0]["Body"] == "hello"
            await ssm.put_parameter(Name="/a", Value="1", Type="String")
            assert (await ssm.get_parameter(Name="/a"))["Parameter"]["Value"] == "1"
            with pytest.raises(ssm.exceptions.ParameterNotFound):
                await ssm.get_parameter(Name="/b")
            await iam.create_user(UserName="u")
            assert [user["UserName"] for user in (await iam.list_users())["Users"]] == ["u"]
            plan = sqs.plan("send_message")
            assert plan.lane == "reference"
            assert "moto" in plan.reason


async def test_s3_answers_clients_transfers_and_resources(moto: Any, lane: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * (6 * MB // 256)
    parts = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB)
    with moto.mock_aws():
        async with aiosdk.Session(region_name="us-east-1") as session:
            s3 = await session.client("s3")
            bucket = (await session.resource("s3")).Bucket("bucket")
            await bucket.create()
            await s3.put_object(Bucket="bucket", Key="small", Body=b"0123456789", Metadata={"a": "1"})
            (tmp_path / "file").write_bytes(b"from a file")
            with (tmp_path / "file").open("rb") as file:
                await s3.put_object(Bucket="bucket", Key="file", Body=file)
            await s3.upload_fileobj(io.BytesIO(data), "bucket", "large", Config=parts)
            async with (await s3.get_object(Bucket="bucket", Key="small", Range="bytes=2-4"))["Body"] as body:
                assert await body.read() == b"234"
            assert (await s3.head_object(Bucket="bucket", Key="small"))["Metadata"] == {"a": "1"}
            kept = io.BytesIO()
            await s3.download_fileobj("bucket", "large", kept, Config=parts)
            assert kept.getvalue() == data
            await s3.download_file("bucket", "file", str(tmp_path / "again"))
            assert (tmp_path / "again").read_bytes() == b"from a file"
            assert [each.key async for each in bucket.objects.all()] == ["file", "large", "small"]
            with pytest.raises(aiosdk.NotFoundError):
                await s3.get_object(Bucket="bucket", Key="none")
            with pytest.raises(aiosdk.NotFoundError):
                await s3.head_object(Bucket="bucket", Key="none")
            assert not await bucket.Object("none").exists()
            theirs = boto3.client("s3", region_name="us-east-1")
            assert theirs.get_object(Bucket="bucket", Key="large")["Body"].read() == data
            await bucket.objects.all().delete()
            await bucket.delete()


async def test_the_dynamodb_resource_answers(moto: Any, lane: str) -> None:
    with moto.mock_aws():
        async with aiosdk.Session(region_name="eu-west-1") as session:
            dynamodb = await session.resource("dynamodb")
            table = await dynamodb.create_table(
                TableName="t",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            await table.wait_until_exists()
            async with table.batch_writer() as batch:
                for number in range(30):
                    await batch.put_item(Item={"id": str(number), "n": number})
            assert (await table.get_item(Key={"id": "7"}))["Item"] == {"id": "7", "n": 7}
            assert len([each async for each in table.scan_items()]) == 30


async def test_a_session_works_whenever_it_was_made(moto: Any) -> None:
    """As boto3's after moto was imported; and nobody sees what was there when the mock has gone."""
    async with aiosdk.Session("a", "b", region_name="us-east-1") as before:
        client = await before.client("sqs")
        with moto.mock_aws():
            async with aiosdk.Session(region_name="us-east-1") as within:
                await (await within.client("sqs")).create_queue(QueueName="q")
                with moto.mock_aws():
                    assert len((await client.list_queues())["QueueUrls"]) == 1
                assert len((await client.list_queues())["QueueUrls"]) == 1
        async with aiosdk.Session("a", "b", region_name="us-east-1") as after:
            with moto.mock_aws():
                for session in (before, after):
                    assert (await (await session.client("sqs")).list_queues()).get("QueueUrls", []) == []
        assert "something leaves" in await outcome(client)


async def outcome(client: Any) -> str:
    try:
        await client.with_options(attempts=1).list_queues()
    except Exception as error:
        return f"{error} {error.__cause__}"
    return "an answer"


async def test_the_credentials_are_those_that_moto_puts_into_the_environment(moto: Any) -> None:
    signed: list[str] = []
    with moto.mock_aws():
        async with aiosdk.Session(region_name="us-east-1") as session:
            session.events.register_first(
                "before-send.sts", lambda request, **_: signed.append(str(request.headers["Authorization"]))
            )
            await (await session.client("sts")).get_caller_identity()
    assert "Credential=FOOBARKEY/" in signed[0]


def test_a_decorated_function_may_run_an_event_loop_of_its_own(moto: Any) -> None:
    @moto.mock_aws
    def decorated() -> str:
        async def main() -> str:
            async with aiosdk.Session(region_name="us-east-1") as session:
                return (await (await session.client("sts")).get_caller_identity())["Account"]

        return asyncio.run(main())

    assert decorated() == "123456789012"


async def test_a_role_that_is_assumed_is_moto_s(moto: Any, aws_environment: Path) -> None:
    (aws_environment / "config").write_text(
        "[profile role]\nregion=us-east-1\nrole_arn=arn:aws:iam::123456789012:role/r\ncredential_source=Environment\n"
    )
    with moto.mock_aws():
        async with aiosdk.Session(profile_name="role") as session:
            found = await (await session.client("sts")).get_caller_identity()
    assert found["Arn"].startswith("arn:aws:sts::123456789012:assumed-role/r/")


async def test_a_client_that_was_there_before_moto_was_imported_is_patched_as_boto3s(moto: Any) -> None:
    listed = [each for each in botocore.handlers.BUILTIN_HANDLERS if each[1] is not moto.core.models.botocore_stubber]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", listed)
        async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
            client = await session.client("sts")
            assert client.plan("get_caller_identity").lane == "express"
            with moto.mock_aws():
                moto.core.patch_client(client)
                assert (await client.get_caller_identity())["Account"] == "123456789012"
