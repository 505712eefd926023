"""Sessions and clients against a real server."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import botocore
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from aiobotocore.stub import AioStubber
from botocore.config import Config

import aiosdk
from aiosdk import exceptions
from tests.support.server import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]


async def test_the_same_arguments_give_the_same_client(make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.client("s3")
        assert await session.client("s3") is s3
        assert await session.client("s3", region_name="eu-west-1") is not s3
        assert await session.client("s3", config=AioConfig(read_timeout=5)) is await session.client(
            "s3", config=AioConfig(read_timeout=5)
        )
        assert await session.client("s3", config=AioConfig(read_timeout=6)) is not s3
        retries = {"mode": "standard", "max_attempts": 2}
        assert await session.client("s3", config=Config(retries=retries)) is await session.client(
            "s3", config=Config(retries=dict(retries))
        )


async def test_a_hundred_first_requests_for_one_client_make_one(make_session: Make) -> None:
    async with make_session() as session:
        made: list[Any] = []
        session.events.register("creating-client-class", lambda **_: made.append(1))
        first = asyncio.ensure_future(_awaited(session.client("sqs")))
        others = [asyncio.ensure_future(_awaited(session.client("sqs"))) for _ in range(99)]
        await asyncio.sleep(0)
        first.cancel()
        clients = await asyncio.gather(*others)
        assert {id(client) for client in clients} == {id(clients[0])}
        assert len(made) == 1
        assert first.cancelled()


async def _awaited(pending: Any) -> Any:
    return await pending


async def test_async_with_gives_the_shared_client_and_leaves_it_open(
    make_session: Make, server: CountingServer
) -> None:
    async with make_session() as session:
        async with session.client("s3") as s3:
            await s3.list_buckets()
        await s3.list_buckets()
        assert await session.client("s3") is s3
        async with s3:
            pass
        await s3.list_buckets()
    assert server.accepted == 1


async def test_making_clients_opens_no_connection(make_session: Make, server: CountingServer) -> None:
    async with make_session() as session:
        for name in ("s3", "ec2", "dynamodb"):
            await session.client(name)
        assert session.pool.stats().connections_opened == 0
    assert server.accepted == 0


async def test_a_closed_client_is_retired_alone(make_session: Make) -> None:
    async with make_session() as session:
        s3, sqs = await session.client("s3"), await session.client("sqs")
        await s3.close()
        await s3.close()
        with pytest.raises(exceptions.ClientClosedError, match=r"s3\.list_buckets.*gives a new one"):
            await s3.list_buckets()
        await sqs.list_queues()
        again = await session.client("s3")
        assert again is not s3
        await again.list_buckets()
        assert "closed" in repr(s3)


async def test_after_the_session_is_closed_everything_says_so(make_session: Make) -> None:
    session = make_session()
    s3 = await session.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="b")
    body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
    await session.close()
    await session.close()
    with pytest.raises(exceptions.SessionClosedError, match=r"call s3\.list_buckets"):
        await s3.list_buckets()
    with pytest.raises(exceptions.SessionClosedError):
        await pages.__aiter__().__anext__()
    with pytest.raises(exceptions.SessionClosedError, match="make a client for 's3'"):
        await session.client("s3")
    with pytest.raises(exceptions.SessionClosedError):
        await session.get_credentials()
    with pytest.raises(exceptions.SessionClosedError):
        async with session:
            pass
    assert session.pool.stats().open == 0
    del body


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.list_buckets,
        lambda c: c.meta,
        lambda c: c(),
        lambda c: c["x"],
        lambda c: list(c),
        lambda c: c.__enter__(),
        lambda c: c.__aiter__(),
    ],
)
async def test_an_unawaited_client_says_to_await_it(make_session: Make, use: Callable[[Any], Any]) -> None:
    pending = make_session().client("s3")
    with pytest.raises(exceptions.NotAwaitedError, match=r"await session\.client\('s3'\)"):
        use(pending)
    assert "not awaited" in repr(pending)
    assert not hasattr(pending, "list_buckets")


async def test_unknown_names_come_with_the_nearest_ones(make_session: Make) -> None:
    async with make_session() as session:
        with pytest.raises(exceptions.UnknownServiceError, match="'dynamodb'"):
            await session.client("dynamo_db")
        s3 = await session.client("s3")
        with pytest.raises(exceptions.UnknownOperationError, match="'list_buckets'"):
            s3.list_bucket  # noqa: B018
        assert not hasattr(s3, "_repr_html_")
        with pytest.raises(exceptions.UnknownPaginatorError, match="'list_objects_v2'"):
            s3.get_paginator("list_object_v2")
        with pytest.raises(exceptions.UnknownWaiterError, match="'bucket_exists'"):
            s3.get_waiter("bucket_exist")
        with pytest.raises(exceptions.ResourceNotExistsError, match=r"session\.client"):
            await session.resource("lambda")


async def test_no_region_no_profile_no_endpoint(aws_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with aiosdk.Session("a", "b") as session:
        with pytest.raises(exceptions.NoRegionError, match=r"region_name=.*sqs|sqs.*region_name="):
            await session.client("sqs")
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "nonsense")
        with pytest.raises(exceptions.InvalidEndpointError, match="configured for sqs"):
            await session.client("sqs", region_name="us-east-1")
    with pytest.raises(exceptions.ProfileNotFoundError, match=r"no profile 'prod'.*config"):
        async with aiosdk.Session(profile_name="prod"):
            pass


async def test_missing_credentials_say_what_to_do(server: CountingServer) -> None:
    async with aiosdk.Session(region_name="us-east-1", endpoint_url=server.url) as session:
        s3 = await session.client("s3")
        with pytest.raises(exceptions.NoCredentialsError, match="aws configure"):
            await s3.list_buckets()
        with pytest.raises(exceptions.NoCredentialsError, match="aws configure"):
            await s3.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
        assert await session.get_credentials() is None
    assert server.requests == []


async def test_look_ups(aws_environment: Path) -> None:
    await asyncio.to_thread(
        (aws_environment / "config").write_text, "[default]\nregion = eu-north-1\n[profile other]\nregion = sa-east-1\n"
    )
    session = aiosdk.Session(profile_name="other")
    assert session.profile_name == "other"
    with pytest.raises(exceptions.ConfigNotReadError, match="async with session"):
        session.region_name  # noqa: B018
    with pytest.raises(exceptions.ConfigNotReadError):
        list(session.available_profiles)
    assert sorted(await session.available_profiles) == ["default", "other"]
    async with session:
        assert session.region_name == "sa-east-1"
        assert sorted(session.available_profiles) == ["default", "other"]
        assert sorted(await session.available_profiles) == ["default", "other"]
        assert (await session.client("sqs")).meta.region_name == "sa-east-1"
        assert {"s3", "ec2", "iam"} <= set(await session.get_available_services())
        assert (await session.get_available_resources())[:4] == ["cloudformation", "cloudwatch", "dynamodb", "ec2"]
        assert "aws-cn" in await session.get_available_partitions()
        assert "eu-west-1" in await session.get_available_regions("sqs")
        assert await session.get_available_regions("nonsense") == []
        assert await session.get_partition_for_region("cn-north-1") == "aws-cn"
    async with aiosdk.Session(region_name="eu-west-3") as plain:
        assert plain.region_name == "eu-west-3"
        assert plain.profile_name == "default"


def test_look_ups_outside_an_event_loop_read_the_files_at_once(aws_environment: Path) -> None:
    (aws_environment / "config").write_text("[default]\nregion = eu-north-1\n")
    session = aiosdk.Session()
    assert session.region_name == "eu-north-1"
    assert session.available_profiles == ["default"]


async def test_config_and_endpoint_of_the_session_are_every_clients_default(make_session: Make, server: Any) -> None:
    async with make_session(config=AioConfig(retries={"max_attempts": 7}, user_agent_extra="mine")) as session:
        s3 = await session.client("s3", config=AioConfig(read_timeout=3))
        assert s3.meta.config.read_timeout == 3
        assert s3.meta.config.retries["total_max_attempts"] == 8
        await s3.list_buckets()
        assert "mine" in server.requests[0].headers["user-agent"]
        assert server.requests[0].headers["user-agent"].startswith("aiosdk/")
        other = await session.client("s3", endpoint_url="http://127.0.0.1:1")
        assert other.meta.endpoint_url == "http://127.0.0.1:1"


async def test_max_pool_connections_of_the_sessions_config_is_the_cap() -> None:
    assert aiosdk.Session(config=AioConfig(max_pool_connections=7)).pool.stats().limit == 7
    assert aiosdk.Session(config=AioConfig(max_pool_connections=7), max_connections=9).pool.stats().limit == 9
    assert aiosdk.Session(config=AioConfig()).pool.stats().limit == 100


async def test_hooks_may_be_plain_functions_or_coroutines(make_session: Make, server: CountingServer) -> None:
    async with make_session() as session:

        async def slow(request: Any, **_: Any) -> None:
            await asyncio.sleep(0)
            request.headers["X-Slow"] = "yes"

        session.events.register("before-send.s3", slow)
        s3 = await session.client("s3")
        s3.meta.events.register(
            "before-send.s3.ListBuckets", lambda request, **_: request.headers.update({"X-Own": "1"})
        )
        await s3.list_buckets()
        assert server.requests[0].headers["x-slow"] == "yes"
        assert server.requests[0].headers["x-own"] == "1"


async def test_a_users_class_hook_adds_methods_to_a_client(make_session: Make) -> None:
    async with make_session() as session:

        def add(class_attributes: dict[str, Any], **_: Any) -> None:
            class_attributes["count_buckets"] = count

        async def count(self: Any) -> int:
            return len((await self.list_buckets())["Buckets"])

        session.events.register("creating-client-class.s3", add)
        assert await (await session.client("s3")).count_buckets() == 1


async def test_the_stubber_of_aiobotocore_works(make_session: Make, server: CountingServer) -> None:
    async with make_session() as session:
        sqs = await session.client("sqs")
        with AioStubber(sqs) as stub:
            stub.add_response("list_queues", {"QueueUrls": ["u"]})
            assert (await sqs.list_queues())["QueueUrls"] == ["u"]
    assert server.requests == []


async def test_a_users_aiobotocore_session_keeps_its_hooks_and_variables(server: CountingServer) -> None:
    aio = AioSession()
    aio.set_credentials("AKIDMINE", "secret")
    aio.set_config_variable("region", "ap-south-1")
    seen: list[str] = []
    aio.register("before-call.s3", lambda **_: seen.append("hook"))
    async with aiosdk.Session(botocore_session=aio, endpoint_url=server.url) as session:
        s3 = await session.client("s3")
        await s3.list_buckets()
        assert s3.meta.region_name == "ap-south-1"
    assert seen == ["hook"]
    assert "Credential=AKIDMINE/" in server.requests[0].headers["authorization"]


async def test_paginators_and_waiters(make_session: Make, server: CountingServer) -> None:
    async def pages(request: Request) -> Answer:
        if request.method == "HEAD":
            return Answer(status=404 if len(server.requests) < 6 else 200)
        last = "continuation-token=t2" in request.target
        more = b"" if last else b"<IsTruncated>true</IsTruncated><NextContinuationToken>t2</NextContinuationToken>"
        name = b"b" if last else b"a"
        return Answer(body=b"<ListBucketResult>%s<Contents><Key>%s</Key></Contents></ListBucketResult>" % (more, name))

    server.answer = pages
    async with make_session() as session:
        s3 = await session.client("s3")
        listing = s3.get_paginator("list_objects_v2").paginate(Bucket="b")
        assert [page["Contents"][0]["Key"] async for page in listing] == ["a", "b"]
        assert [key async for key in listing.search("Contents[].Key")] == ["a", "b"]
        assert len((await listing.build_full_result())["Contents"]) == 2
        await s3.get_waiter("bucket_exists").wait(Bucket="b", WaiterConfig={"Delay": 0, "MaxAttempts": 5})


def test_a_session_pickles_as_its_settings() -> None:
    session = aiosdk.Session(profile_name="p", region_name="r", max_connections=3, config=AioConfig(read_timeout=4))
    twin = pickle.loads(pickle.dumps(session))
    assert repr(twin) == repr(session) == "Session(profile_name='p', region_name='r')"
    assert twin.pool.limit == 3
    assert copy.copy(session).pool is not session.pool
    assert b"hush" in pickle.dumps(aiosdk.Session("AKID", "hush"))
    assert "hush" not in repr(aiosdk.Session("AKID", "hush"))
    with pytest.raises(TypeError, match="botocore_session"):
        pickle.dumps(aiosdk.Session(botocore_session=AioSession()))


async def test_resolved_secrets_do_not_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    async with aiosdk.Session(region_name="us-east-1") as session:
        credentials = await session.get_credentials()
        assert credentials.secret_key == "hush"
        assert b"hush" not in pickle.dumps(session)


async def test_uploads_of_files_read_them_off_the_loop(
    make_session: Make, server: CountingServer, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 40_000  # 10 MB
    await asyncio.to_thread((tmp_path / "file").write_bytes, content)
    file = await asyncio.to_thread(open, tmp_path / "file", "rb")
    async with make_session() as session:
        s3 = await session.client("s3")
        await s3.put_object(Bucket="b", Key="k", Body=file)
        assert server.requests[0].body == content
        assert not file.closed
        await asyncio.to_thread(file.close)


async def test_a_file_is_sent_again_when_the_first_attempt_fails(
    make_session: Make, server: CountingServer, tmp_path: Path
) -> None:
    async def refuse_once(request: Request) -> Answer:
        return Answer(status=503 if len(server.requests) == 1 else 200)

    server.answer = refuse_once
    await asyncio.to_thread((tmp_path / "file").write_bytes, b"content")
    file = await asyncio.to_thread(open, tmp_path / "file", "rb")
    async with make_session() as session:
        answer = await (await session.client("s3")).put_object(Bucket="b", Key="k", Body=file)
        assert answer["ResponseMetadata"]["RetryAttempts"] == 1
        assert [request.body for request in server.requests] == [b"content", b"content"]
        await asyncio.to_thread(file.close)


async def test_modelled_errors(make_session: Make, server: CountingServer) -> None:
    async def refuse(_: Request) -> Answer:
        return Answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")

    server.answer = refuse
    async with make_session() as session:
        s3 = await session.client("s3")
        with pytest.raises(s3.exceptions.NoSuchKey) as raised:
            await s3.get_object(Bucket="b", Key="k")
        assert raised.value.response["Error"]["Code"] == "NoSuchKey"
        assert session.pool.stats().in_use == 0


def test_what_is_plain_is_there_before_anything_heavy_is_imported() -> None:
    program = """
import asyncio, sys, aiosdk

async def main():
    session = aiosdk.Session(region_name="eu-west-1")
    session.events.register("before-call", print)
    print(session.profile_name, session.region_name, session.pool.stats().open, session)
    print([name for name in ("aiohttp", "aiobotocore") if name in sys.modules])

asyncio.run(main())
"""
    said = subprocess.check_output([sys.executable, "-W", "error", "-c", program], text=True)
    assert said.splitlines() == ["default eu-west-1 0 Session(region_name='eu-west-1')", "[]"]


async def test_hooks_registered_before_the_first_client_are_called(make_session: Make) -> None:
    async with make_session() as session:
        seen: list[str] = []

        def first(**_: Any) -> None:
            seen.append("first")

        def never(**_: Any) -> None:
            seen.append("never")

        session.events.register("before-call.s3", never)
        session.events.register_first("before-call.s3", first)
        session.events.unregister("before-call.s3", never)
        await (await session.client("s3")).list_buckets()
        assert seen == ["first"]


class SlowHook:
    """A callable that gives a coroutine, which nobody can see by looking at it."""

    async def __call__(self, **_: Any) -> None:
        await asyncio.sleep(0.001)


async def test_a_hook_of_any_kind_may_wait_also_while_a_file_is_sent(make_session: Make, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "file").write_bytes, b"content")
    file = await asyncio.to_thread(open, tmp_path / "file", "rb")
    async with make_session() as session:
        session.events.register("before-call.s3", SlowHook())
        session.events.register("before-send.s3", lambda **_: asyncio.sleep(0.001))
        await (await session.client("s3")).put_object(Bucket="b", Key="k", Body=file)
    await asyncio.to_thread(file.close)


async def test_the_documentation_of_an_operation_is_botocores(make_session: Make) -> None:
    async with make_session() as session:
        text = str((await session.client("s3")).put_object.__doc__)
    assert "Bucket" in text
    assert "**Request Syntax**" in text


async def test_clients_asked_for_at_once_let_the_loop_run_in_between(make_session: Make) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with make_session() as session:
        await session.client("sqs")
        counting = asyncio.create_task(count())
        await asyncio.gather(*(_awaited(session.client("sqs", region_name=f"us-east-{n}")) for n in range(1, 11)))
        counting.cancel()
    assert turns > 10


def test_a_wrong_argument_is_one_error_and_no_more() -> None:
    with pytest.raises(TypeError, match="foo"):
        aiosdk.Session(foo=1)  # pyright: ignore
    gc.collect()
    with pytest.raises(TypeError, match="AioConfig"):
        aiosdk.Session(config={"read_timeout": 3})  # pyright: ignore


def test_a_password_in_an_endpoint_is_refused_and_not_repeated() -> None:
    with pytest.raises(
        exceptions.InvalidEndpointError, match="before its host"
    ) as refused:  # requests have a signature instead
        aiosdk.Session(endpoint_url="http://user:hush@host:9/")
    assert "hush" not in str(refused.value) + repr(refused.value)


def test_a_session_without_signatures_pickles() -> None:
    session = aiosdk.Session(config=AioConfig(signature_version=botocore.UNSIGNED, read_timeout=4))
    twin = pickle.loads(pickle.dumps(session))
    assert twin._settings.config.signature_version is botocore.UNSIGNED
    assert twin._settings.config.read_timeout == 4


def test_many_first_sessions_at_once_import_nothing_on_the_event_loop() -> None:
    program = """
import asyncio
from blockbuster import blockbuster_ctx
import aiosdk

async def enter():
    async with aiosdk.Session("a", "b", region_name="us-east-1"):
        pass

async def main():
    with blockbuster_ctx():
        first = asyncio.create_task(enter())
        others = []
        while not first.done():
            others.append(asyncio.create_task(enter()))
            await asyncio.sleep(0.0005)
        await asyncio.gather(first, *others)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
