"""Errors as callers meet them: of a kind on every way to AWS, with their attempts, and the same after a pickle."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
    WaiterError,
)
from botocore.parsers import ResponseParserError

import aiosdk
from aiosdk._transport.failures import TABLE, request_error
from aiosdk.exceptions import (
    Attempt,
    BatchWriteError,
    S3UploadFailedError,
    SessionClosedError,
    UnreadableAnswerError,
)
from tests.support.server import Answer, CountingServer, Request, answer_anything
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Make = Callable[..., aiosdk.Session]


def xml(code: str, message: str = "m") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


DOWN = Answer(500, xml("InternalError"))
SLOW_DOWN = Answer(503, xml("SlowDown"))
CUT = Answer(200, b"x", length=10, cut=True)


def always(server: CountingServer, given: Answer) -> None:
    async def answer(_: Request) -> Answer:
        return given

    server.answer = answer


def answers(server: CountingServer, *given: Answer) -> None:
    """Have the server give these answers in turn, and good ones after them."""
    left = list(given)

    async def answer(request: Request) -> Answer:
        return left.pop(0) if left else await answer_anything(request)

    server.answer = answer


async def configured(session: Any, service: str = "s3", **config: Any) -> Any:
    """A client with a configuration of its own."""
    return await session.client(service, config=AioConfig(**config))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retryhandler.random.random", lambda: 0.001)
    monkeypatch.setattr("botocore.retries.standard.random.random", lambda: 0.001)


def same(error: BaseException, twin: BaseException) -> None:
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert repr(twin) == repr(error)
    assert twin.args == error.args
    assert getattr(twin, "__notes__", None) == getattr(error, "__notes__", None)
    assert getattr(twin, "attempts", None) == getattr(error, "attempts", None)
    assert getattr(twin, "response", None) == getattr(error, "response", None)
    assert getattr(twin, "last_response", None) == getattr(error, "last_response", None)


def survives(error: BaseException) -> None:
    """An error is the same after a pickle, and as a copy."""
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        same(error, pickle.loads(pickle.dumps(error, protocol)))
    same(error, copy.copy(error))


# Kinds


async def of_call(s3: Any) -> None:
    await s3.get_object(Bucket="b", Key="k")


async def of_head(s3: Any) -> None:
    await s3.head_object(Bucket="b", Key="k")


async def of_reference_lane(s3: Any) -> None:
    await s3._reference("GetObject", {"Bucket": "b", "Key": "k"})


async def of_paginator(s3: Any) -> None:
    async for _ in s3.get_paginator("list_objects_v2").paginate(Bucket="b"):
        pass


async def of_file(s3: Any) -> None:
    await s3.put_object(Bucket="b", Key="k", Body=iter_bytes())


def iter_bytes() -> Any:
    import io

    return io.BufferedReader(io.BytesIO(b"x" * 100))  # type: ignore[arg-type]


async def of_download(s3: Any) -> None:
    import io

    await s3.download_fileobj("b", "k", io.BytesIO())


async def of_upload(s3: Any) -> None:
    await s3.upload_fileobj(b"x", "b", "k")


async def of_copy(s3: Any) -> None:
    await s3.copy({"Bucket": "a", "Key": "k"}, "b", "k")


WAYS = [of_call, of_head, of_reference_lane, of_paginator, of_file, of_download, of_upload, of_copy]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, aiosdk.NotFoundError),
        (403, aiosdk.AccessDeniedError),
        (429, aiosdk.ThrottledError),
        (409, aiosdk.ConflictError),
        (500, aiosdk.ServerError),
    ],
)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_an_error_is_of_its_kind_whichever_way_it_comes(
    server: CountingServer, make_session: Make, way: Callable[[Any], Awaitable[None]], status: int, kind: Any
) -> None:
    always(server, Answer(status))
    async with make_session() as session:
        s3 = await configured(session, retries={"total_max_attempts": 2})
        with pytest.raises(kind) as caught:
            await way(s3)
        error = caught.value
        assert isinstance(error, ClientError)
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert str(status) in str(error)
        assert len(error.attempts) == (2 if status in (429, 500) else 1)
        assert isinstance(error, S3UploadFailedError) == (way is of_upload)
        survives(error)


@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_modelled_errors_are_caught_by_all_their_names(
    server: CountingServer, make_session: Make, lane: str
) -> None:
    always(server, Answer(404, xml("NoSuchKey", "The specified key does not exist.")))
    async with make_session() as session:
        s3: Any = await session.client("s3")
        call = s3._make_api_call if lane == "express" else s3._reference
        for name in (s3.exceptions.NoSuchKey, s3.exceptions.ClientError, aiosdk.NotFoundError, ClientError):
            with pytest.raises(name) as caught:
                await call("GetObject", {"Bucket": "b", "Key": "k"})
            assert type(caught.value) is s3.exceptions.NoSuchKey
            assert str(caught.value) == (
                "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist."
            )
            assert repr(caught.value).startswith("NoSuchKey('An error occurred")
            survives(caught.value)


async def test_an_error_without_a_kind_is_shown_as_botocores(server: CountingServer, make_session: Make) -> None:
    always(server, Answer(400, xml("MalformedXML")))
    async with make_session() as session:
        s3: Any = await session.client("s3")
        with pytest.raises(aiosdk.exceptions.ClientError) as caught:
            await s3.get_object(Bucket="b", Key="k")
        assert repr(caught.value).startswith("ClientError(")
        assert type(caught.value).__module__ == "botocore.exceptions"
        survives(caught.value)


async def test_a_users_own_class_of_error_under_ours_pickles_by_its_name(make_session: Make) -> None:
    async with make_session() as session:
        s3: Any = await session.client("s3")
        twin = pickle.loads(pickle.dumps(s3.exceptions.NoSuchKey))
        assert twin is s3.exceptions.NoSuchKey
    error = OfMine({"Error": {"Code": "NoSuchKey"}}, "GetObject")
    survives(error)


class OfMine(aiosdk.NotFoundError):
    pass


async def test_json_services_have_kinds_too(server: CountingServer, make_session: Make) -> None:
    body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}'
    always(server, Answer(400, body, {"Content-Type": "application/x-amz-json-1.0"}))
    async with make_session() as session:
        dynamodb: Any = await session.client("dynamodb")
        with pytest.raises(aiosdk.NotFoundError) as caught:
            await dynamodb.get_item(TableName="t", Key={"id": {"S": "1"}})
        assert isinstance(caught.value, dynamodb.exceptions.ResourceNotFoundException)
        survives(caught.value)


async def test_a_failed_batch_writer_is_of_the_kind_of_its_cause(server: CountingServer, make_session: Make) -> None:
    body = b'{"__type": "x#AccessDeniedException", "message": "no"}'
    always(server, Answer(400, body, {"Content-Type": "application/x-amz-json-1.0"}))
    async with make_session() as session:
        table = (await session.resource("dynamodb")).Table("t")
        with pytest.raises(aiosdk.AccessDeniedError) as caught:
            async with table.batch_writer() as batch:
                await batch.put_item(Item={"id": "1"})
        assert isinstance(caught.value, BatchWriteError)
        survives(caught.value)


async def test_waiters_go_on_at_a_404_and_stop_at_a_403(server: CountingServer, make_session: Make) -> None:
    answers(server, Answer(404), Answer(404), Answer(403))
    async with make_session() as session:
        s3: Any = await session.client("s3")
        with pytest.raises(WaiterError, match="403") as caught:
            await s3.get_waiter("object_exists").wait(Bucket="b", Key="k", WaiterConfig={"Delay": 0.01})
        assert caught.value.last_response["Error"]["Code"] == "403"
        assert repr(caught.value).startswith("WaiterError(")
        survives(caught.value)
    assert len(server.requests) == 3


# Whether something is there


@pytest.mark.parametrize("what", ["Object", "ObjectSummary", "ObjectVersion", "Bucket"])
async def test_exists_is_true_for_200_and_false_for_404_and_raises_otherwise(
    server: CountingServer, make_session: Make, what: str
) -> None:
    async with make_session() as session:
        s3 = await session.resource("s3")
        asked = {
            "Object": s3.Object("b", "k"),
            "ObjectSummary": s3.ObjectSummary("b", "k"),
            "ObjectVersion": s3.ObjectVersion("b", "k", "v"),
            "Bucket": s3.Bucket("b"),
        }[what]
        always(server, Answer(200))
        assert await asked.exists() is True
        always(server, Answer(404))
        assert await asked.exists() is False
        assert {request.method for request in server.requests} == {"HEAD"}
        assert ("versionId=v" in server.requests[0].target) == (what == "ObjectVersion")
        for status, kind in [(403, aiosdk.AccessDeniedError), (405, ClientError), (416, ClientError)]:
            always(server, Answer(status))
            with pytest.raises(kind):
                await asked.exists()
        assert len(server.requests) == 5
        assert asked.meta.data is None


async def test_exists_leaves_what_was_loaded(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        obj = (await session.resource("s3")).Object("b", "k")
        await obj.load()
        size = obj.content_length
        always(server, Answer(404))
        assert await obj.exists() is False
        assert obj.content_length == size


# Attempts


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_the_error_that_ends_a_call_has_the_history_of_its_attempts(
    server: CountingServer, make_session: Make, mode: str, lane: str
) -> None:
    answers(server, SLOW_DOWN, CUT, Answer(502), Answer(403, xml("AccessDenied")))
    async with make_session() as session:
        s3 = await configured(session, retries={"mode": mode, "total_max_attempts": 6})
        call = s3._make_api_call if lane == "express" else s3._reference
        with pytest.raises(aiosdk.AccessDeniedError) as caught:
            await call("ListBuckets", {})
    attempts = caught.value.attempts
    assert [(each.number, each.status, each.code, each.error) for each in attempts] == [
        (1, 503, "SlowDown", None),
        (2, None, None, "ConnectionClosedError"),
        (3, 502, "502", None),
        (4, 403, "AccessDenied", None),
    ]
    assert all(each.seconds > 0 for each in attempts)
    assert [each.delay is None for each in attempts] == [False, False, False, True]
    assert "4 attempts: 503 SlowDown after " in caught.value.__notes__[0]
    assert "ConnectionClosedError after " in caught.value.__notes__[0]
    assert len(caught.value.__notes__) == 1
    assert len(server.requests) == 4
    survives(caught.value)


async def test_a_failure_of_the_network_has_the_history_too(server: CountingServer, make_session: Make) -> None:
    answers(server, DOWN, CUT, CUT)
    async with make_session() as session:
        s3 = await configured(session, retries={"total_max_attempts": 3})
        with pytest.raises(ConnectionClosedError) as caught:
            await s3.list_buckets()
        error: Any = caught.value
        assert [each.error or each.status for each in error.attempts] == [
            500,
            "ConnectionClosedError",
            "ConnectionClosedError",
        ]
        assert repr(error).startswith("ConnectionClosedError(")
        survives(error)
        always(server, Answer(200, b"x", length=2, pause=5))
        slow = await configured(session, retries={"total_max_attempts": 2}, read_timeout=0.05)
        with pytest.raises(ReadTimeoutError) as timed_out:
            await slow.list_buckets()
        error = timed_out.value
        assert [each.error for each in error.attempts] == ["ReadTimeoutError"] * 2
        survives(error)


@pytest.mark.parametrize(
    ("service", "method", "body"),
    [
        ("dynamodb", "list_tables", b"[]"),
        ("dynamodb", "list_tables", b'{"__type": {"a": 1}}'),
        ("lambda", "list_functions", b'{"code": ["a"]}'),
        ("ec2", "describe_instances", b"no XML"),
    ],
)
async def test_an_answer_that_cannot_be_read_has_the_history_too(
    server: CountingServer, make_session: Make, service: str, method: str, body: bytes
) -> None:
    answers(server, Answer(500), Answer(400, body))
    async with make_session() as session:
        client = await configured(session, service)
        with pytest.raises((UnreadableAnswerError, ResponseParserError)) as caught:
            await getattr(client, method)()
        error: Any = caught.value
        assert [each.error or each.status for each in error.attempts] == [500, type(error).__name__]
        assert len(error.__notes__) == 1
        survives(error)


async def test_one_attempt_is_listed_without_a_note_and_none_where_nothing_was_sent(
    server: CountingServer, make_session: Make
) -> None:
    always(server, Answer(404))
    async with make_session() as session:
        s3: Any = await session.client("s3")
        with pytest.raises(aiosdk.NotFoundError) as caught:
            await s3.head_bucket(Bucket="b")
        (attempt,) = caught.value.attempts
        assert (attempt.number, attempt.status, attempt.code, attempt.delay) == (1, 404, "404", None)
        assert not hasattr(caught.value, "__notes__")
        with pytest.raises(ParamValidationError) as invalid:
            await s3.list_objects_v2(Bucket="b", MaxKeys="many")
        assert not hasattr(invalid.value, "attempts")
        await session.close()
        with pytest.raises(SessionClosedError) as closed:
            await s3.head_bucket(Bucket="b")
        assert closed.value.attempts == ()


async def test_a_refused_connection_has_a_history_and_no_trace_of_the_one_before(make_session: Make) -> None:
    async with make_session(endpoint_url="http://127.0.0.1:9") as session:
        s3 = await configured(session, retries={"total_max_attempts": 2})
        for _ in range(2):
            with pytest.raises(EndpointConnectionError) as caught:
                await s3.list_buckets()
            error: Any = caught.value
            assert [each.number for each in error.attempts] == [1, 2]
            assert len(error.__notes__) == 1
            survives(error)


def test_an_attempt_says_what_happened() -> None:
    assert str(Attempt(1, 503, "SlowDown", None, 0.0213, 0.5)) == "503 SlowDown after 0.0213 s, 0.5 s pause"
    assert str(Attempt(2, None, None, "ReadTimeoutError", 60.0, None)) == "ReadTimeoutError after 60 s"
    assert str(Attempt(2, None, None, None, 1.5, None)) == "no answer yet after 1.5 s"


# Pickles


@pytest.mark.parametrize("failure", [each for each, _ in TABLE], ids=lambda each: each.__name__)
def test_every_failure_of_the_network_pickles_whatever_it_holds(failure: type[BaseException]) -> None:
    import ssl

    class Unpicklable(failure):  # type: ignore[valid-type,misc]
        def __init__(self) -> None:
            self.context = ssl.create_default_context()

        def __str__(self) -> str:
            return "what happened"

        def __reduce__(self) -> Any:
            raise TypeError("cannot pickle 'SSLContext' object")

    from aiosdk._aws.calls import Call

    error = request_error(Unpicklable(), "http://server/", "http://proxy/")
    call = Call(None, None)
    call.ended(None, error)
    call.tell(error)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert isinstance(twin, BotoCoreError)
    assert str(twin) == str(error)
    assert twin.attempts == error.attempts  # type: ignore[attr-defined]


async def test_a_connector_error_of_aiohttp_pickles_over_tls(make_session: Make) -> None:
    async with make_session(endpoint_url="https://127.0.0.1:9") as session:
        s3 = await configured(session, retries={"total_max_attempts": 1})
        with pytest.raises(EndpointConnectionError) as caught:
            await s3.list_buckets()
        assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorError)
        survives(caught.value)


async def test_what_a_transfer_adds_to_a_message_survives(server: CountingServer, make_session: Make) -> None:
    import io

    always(server, Answer(404))
    async with make_session() as session:
        s3: Any = await session.client("s3")
        with pytest.raises(aiosdk.NotFoundError, match=r"downloading s3://b/k") as caught:
            await s3.download_fileobj("b", "k", io.BytesIO())
        survives(caught.value)
    async with make_session(endpoint_url="http://127.0.0.1:9") as session:
        s3 = await configured(session, retries={"total_max_attempts": 1})
        with pytest.raises(EndpointConnectionError, match=r"downloading s3://b/k") as failed:
            await s3.download_fileobj("b", "k", io.BytesIO())
        survives(failed.value)
