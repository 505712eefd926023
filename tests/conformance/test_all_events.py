"""A hook on any event is called as often as with aiobotocore, and with the same arguments, whichever lane a call takes.

What is compared comes of aiobotocore's own client: every event that it emits is noted there by one hook on all of them,
and then a hook on each of these events alone must be called as often by ours.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

import aiosdk
from tests.conformance.test_lane_choice import ARGUMENTS, BAD, BUCKETS, DOWN, answer
from tests.support.lanes import UNFORCED, Canned, FakeBody

pytestmark = UNFORCED
LOST = EndpointConnectionError(endpoint_url="http://server/")
JSON: Canned = (200, {}, b"{}")
XML: Canned = (200, {}, b"<Response/>")
COPIED: Canned = (200, {}, b"<CopyDBSnapshotResponse><CopyDBSnapshotResult/></CopyDBSnapshotResponse>")
CALLS: list[tuple[str, str, dict[str, Any], list[Canned]]] = [
    ("s3", "list_buckets", {}, [BUCKETS]),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}, [(200, {"etag": "e"}, b"")]),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}, [(200, {}, b"x")]),
    ("s3", "list_buckets", {}, [DOWN, BUCKETS]),
    ("s3", "list_buckets", {}, [BAD]),
    ("s3", "list_buckets", {}, [LOST, BUCKETS]),
    ("s3", "list_buckets", {}, [LOST]),
    ("s3", "generate_presigned_url", {"ClientMethod": "get_object", "Params": {"Bucket": "b", "Key": "k"}}, []),
    ("s3", "generate_presigned_post", {"Bucket": "b", "Key": "k"}, []),
    ("s3", "head_object", {"Bucket": "no such name", "Key": "k"}, [BUCKETS]),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "1"}}}, [JSON]),
    ("sqs", "list_queues", {}, [JSON]),
    ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"}, [JSON]),
    ("iam", "get_user", {}, [(200, {}, b"<GetUserResponse><GetUserResult/></GetUserResponse>")]),
    ("ec2", "describe_vpcs", {}, [XML]),
    ("rds", "copy_db_snapshot", {"SourceDBSnapshotIdentifier": "a", "TargetDBSnapshotIdentifier": "b"}, [COPIED]),
]
NAMES = [f"{service}.{method} {number}" for number, (service, method, *_) in enumerate(CALLS)]
THEIRS = AioSession()
Told = tuple[str, tuple[str, ...]]


class Sends:
    """Stands in for aiobotocore's HTTP session."""

    def __init__(self, answers: list[Canned]) -> None:
        self._answers = list(answers)

    async def send(self, request: Any) -> AioAWSResponse:
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(given, Exception):
            raise given
        return AioAWSResponse(request.url, given[0], given[1], FakeBody(given[2]))


def noting(told: list[Told]) -> Any:
    def note(event_name: str, **kwargs: Any) -> None:
        told.append((event_name, tuple(sorted(kwargs))))

    return note


async def no_sleep(_: float) -> None:
    """Wait for nothing between attempts."""


async def call(client: Any, method: str, given: dict[str, Any]) -> str:
    try:
        await getattr(client, method)(**given)
    except (ClientError, BotoCoreError) as error:
        return str(error).partition("\n")[0]
    return "answered"


_theirs: dict[str, Any] = {}


async def expected(number: int) -> tuple[list[Told], str]:
    """What a hook on all events is told by aiobotocore's client."""
    service, method, given, answers = CALLS[number]
    told: list[Told] = []
    if service not in _theirs:
        made = THEIRS.create_client(service, config=AioConfig(), **ARGUMENTS)
        _theirs[service] = await made._coro
    client = _theirs[service]
    client._endpoint._sleep = no_sleep
    client._endpoint.http_session = Sends(answers or [BUCKETS])
    client.meta.events.register_first("*", hook := noting(told))
    outcome = await call(client, method, dict(given))
    client.meta.events.unregister("*", hook)
    return told, outcome


@pytest.fixture(autouse=True)
def detect_blocking_calls() -> None:
    """aiobotocore's own client reads its files on the event loop."""


@pytest.mark.parametrize("number", range(len(CALLS)), ids=NAMES)
async def test_each_event_of_a_call_is_told_as_aiobotocore_tells_it(number: int) -> None:
    service, method, given, answers = CALLS[number]
    told, outcome = await expected(number)
    assert told
    async with aiosdk.Session(**ARGUMENTS) as session:
        client: Any = await session.client(service)
        client._endpoint._sleep = no_sleep
        ours: list[Told] = []
        answer(client, *answers)
        client.meta.events.register_first("*", hook := noting(ours))
        assert (await call(client, method, dict(given))).startswith(outcome[:60])
        client.meta.events.unregister("*", hook)
        assert ours == told
        for (name, arguments), times in Counter(told).items():
            alone: list[Told] = []
            answer(client, *answers)
            client.meta.events.register_first(name, hook := noting(alone))
            await call(client, method, dict(given))
            client.meta.events.unregister(name, hook)
            assert alone == [(name, arguments)] * times


@pytest.mark.parametrize("service", ["s3", "sqs", "mturk"])
async def test_each_event_of_making_a_client_is_told_as_aiobotocore_tells_it(service: str) -> None:
    told: list[Told] = []
    theirs = AioSession()
    theirs.register("*", noting(told))
    made = theirs.create_client(service, **ARGUMENTS)
    await made._coro
    ours: list[Told] = []
    async with aiosdk.Session(**ARGUMENTS) as session:
        session.events.register("*", noting(ours))
        await session.client(service)
    kinds = {name.partition(".")[0] for name, _ in told}
    assert "creating-client-class" in kinds
    assert [each for each in ours if not each[0].startswith("docs.")] == [
        each for each in told if not each[0].startswith("docs.")
    ]


async def test_a_body_that_is_a_file_is_told_of_as_often() -> None:
    number = NAMES.index("s3.put_object 1")
    told, _ = await expected(number)
    async with aiosdk.Session(**ARGUMENTS) as session:
        client: Any = await session.client("s3")
        ours: list[Told] = []
        client.meta.events.register("*", noting(ours))
        answer(client, *CALLS[number][3])
        await client.put_object(Bucket="b", Key="k", Body=io.BufferedReader(io.BytesIO(b"x")))  # type: ignore[arg-type]
    assert ours == told
