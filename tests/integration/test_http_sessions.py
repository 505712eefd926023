"""HTTP sessions of the user's, `AioConfig(http_session_cls=...)`: entered on each loop that uses them, and exited."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from botocore.exceptions import ClientError

import aiosdk
from aiosdk.exceptions import ClientClosedError, SessionClosedError
from tests.support.server import Answer, CountingServer, Request, answer_anything
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., aiosdk.Session]


class Told(AIOHTTPSession):
    """aiobotocore's, which tells what becomes of it."""

    living: ClassVar[list[Told]] = []
    entered: ClassVar[int] = 0

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await asyncio.sleep(0)  # as one that has to wait for something
        Told.living.append(self)
        Told.entered += 1
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await super().__aexit__(*exc_info)
        Told.living.remove(self)


@pytest.fixture(autouse=True)
def nothing_entered_is_left() -> Any:
    Told.living.clear()
    Told.entered = 0
    yield
    gc.collect()
    assert Told.living == []


TOLD = AioConfig(http_session_cls=Told)


@pytest.mark.parametrize("where", ["session", "client"])
@pytest.mark.parametrize("kind", [AIOHTTPSession, Told])
async def test_calls_are_sent_by_the_users_http_session(
    server: CountingServer, make_session: Make, kind: Any, where: str
) -> None:
    config = AioConfig(http_session_cls=kind)
    session = make_session(**({"config": config} if where == "session" else {}))
    async with session:
        s3 = await session.client("s3", **({"config": config} if where == "client" else {}))
        assert isinstance(s3._endpoint.http_session, kind)
        results = await asyncio.gather(*(s3.list_buckets() for _ in range(5)))
        assert all(each["ResponseMetadata"]["HTTPStatusCode"] == 200 for each in results)
        await s3.put_object(Bucket="b", Key="k", Body=b"data")
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        await body.read()
        assert (session.pool.stats().requests_sent, len(server.requests)) == (0, 7)
        plan = s3.plan("list_buckets")
        assert "its HTTP session is the user's" in str(plan)
    await eventually(lambda: server.open == 0)


async def test_an_error_is_of_its_kind_there_too(server: CountingServer, make_session: Make) -> None:
    async def refuse(_: Request) -> Answer:
        return Answer(status=403, body=b"<Error><Code>AccessDenied</Code></Error>")

    server.answer = refuse
    async with make_session(config=TOLD) as session:
        with pytest.raises(aiosdk.AccessDeniedError):
            await (await session.client("s3")).get_object(Bucket="b", Key="k")


async def test_it_is_entered_once_and_exited_with_its_client(server: CountingServer, make_session: Make) -> None:
    async with make_session(config=TOLD) as session:
        s3 = await session.client("s3")
        assert Told.entered == 0, "making a client opens nothing"
        await asyncio.gather(*(s3.list_buckets() for _ in range(5)))
        await (await session.client("sqs")).list_queues()
        assert Told.entered == 2
        await s3.close()
        assert len(Told.living) == 1
        with pytest.raises(ClientClosedError):
            await s3.list_buckets()
        await (await session.client("s3")).list_buckets()
        assert len(Told.living) == 2
    assert Told.living == []


def test_each_event_loop_has_its_own(server: CountingServer, make_session: Make) -> None:
    session = make_session(config=TOLD)

    async def use() -> None:
        s3 = await session.client("s3")
        await asyncio.gather(s3.list_buckets(), s3.list_buckets())
        assert len(Told.living) == 1

    for count in (1, 2, 3):
        asyncio.run(use())
        assert Told.living == [], "it is exited when its loop ends"
        assert Told.entered == count
    asyncio.run(session.close())


async def test_closing_the_session_under_its_calls_says_so(server: CountingServer, make_session: Make) -> None:
    async def never(request: Request) -> Answer:
        await asyncio.sleep(60)
        return await answer_anything(request)

    server.answer = never
    session = make_session(config=TOLD)
    s3 = await session.client("s3")
    call = asyncio.create_task(s3.list_buckets())
    await eventually(lambda: server.active == 1)
    async with asyncio.timeout(20):
        await session.close()
        with pytest.raises(SessionClosedError):
            await call
    assert Told.living == []


async def test_a_role_is_assumed_over_it(server: CountingServer, make_session: Make, aws_environment: Path) -> None:
    await asyncio.to_thread(
        (aws_environment / "config").write_text,
        "[profile base]\naws_access_key_id = AK\naws_secret_access_key = SK\n"
        "[profile role]\nsource_profile = base\nrole_arn = arn:aws:iam::123456789012:role/r\n"
        f"endpoint_url = {server.url}\nregion = us-east-1\n",
    )

    async def refuse(_: Request) -> Answer:
        body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        return Answer(status=403, body=body)

    server.answer = refuse
    async with aiosdk.Session(profile_name="role", config=TOLD) as session:
        with pytest.raises(ClientError, match="AssumeRole"):
            await (await session.client("s3")).list_buckets()
    assert Told.entered == 1
