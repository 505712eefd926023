"""Batch actions of collections: page by page, as much at a time as the service takes, nothing silently lost."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from aiosdk.resources.actions import BatchAction
from tests.support.listings import ALARMS, OBJECTS, VERSIONS, Book, Deleting, Shelf, numbered, parameters
from tests.support.server import Answer, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiosdk
    from tests.support.server import CountingServer


@pytest.fixture
async def session(make_session: Callable[..., aiosdk.Session]) -> AsyncIterator[aiosdk.Session]:
    async with make_session() as session:
        yield session


@pytest.fixture
async def bucket(session: aiosdk.Session) -> Any:
    return (await session.resource("s3")).Bucket("b")


async def test_a_batch_delete_follows_the_pages_and_is_not_stopped_by_empty_ones(
    bucket: Any, server: CountingServer
) -> None:
    server.answer = deleting = Deleting(Book(OBJECTS, [["a"], [], ["b", "c"], [], [], ["d"]]))
    responses = await bucket.objects.filter(Prefix="x").delete()
    assert deleting.batches == [["a"], ["b", "c"], ["d"]]
    assert [[each["Key"] for each in response["Deleted"]] for response in responses] == deleting.batches
    assert {each["prefix"] for each in deleting.listing.asked} == {"x"}


async def test_a_batch_delete_of_nothing_sends_nothing_but_the_listing(bucket: Any, server: CountingServer) -> None:
    server.answer = deleting = Deleting(Book(OBJECTS, [[]]))
    assert await bucket.objects.delete() == []
    assert await bucket.objects.limit(0).delete() == []
    assert [request.method for request in server.requests] == ["GET"]
    assert deleting.batches == []


async def test_a_page_longer_than_the_service_takes_is_split(bucket: Any, server: CountingServer) -> None:
    keys = numbered("k", 2500)
    server.answer = deleting = Deleting(Book(OBJECTS, [keys]))
    responses = await bucket.objects.delete()
    assert [len(batch) for batch in deleting.batches] == [1000, 1000, 500]
    assert [key for batch in deleting.batches for key in batch] == keys
    assert len(responses) == 3


async def test_a_limit_holds_for_a_batch_action(bucket: Any, server: CountingServer) -> None:
    server.answer = deleting = Deleting(Shelf(OBJECTS, numbered("k", 10), most=2))
    await bucket.objects.limit(3).delete()
    assert deleting.batches == [["k00000", "k00001"], ["k00002"]]


async def test_quiet_stands_beside_the_keys(bucket: Any, server: CountingServer) -> None:
    server.answer = deleting = Deleting(Shelf(OBJECTS, ["a", "b", "c"], most=2), refused=frozenset("b"))
    responses = await bucket.objects.delete(Delete={"Quiet": True}, BypassGovernanceRetention=True)
    assert deleting.batches == [["a", "b"], ["c"]]
    assert all(b"<Quiet>true</Quiet>" in body for body in deleting.bodies)
    assert server.requests[1].headers["x-amz-bypass-governance-retention"] == "true"
    # What failed inside of a good answer is never silent.
    assert responses[0]["Errors"] == [{"Key": "b", "Code": "AccessDenied"}]
    assert "Deleted" not in responses[0]


async def test_a_batch_that_fails_raises_and_nothing_is_sent_after_it(bucket: Any, server: CountingServer) -> None:
    server.answer = deleting = Deleting(Book(OBJECTS, [["a"], ["b"], ["c"]]), fail_at=1)
    with pytest.raises(ClientError, match="AccessDenied") as raised:
        await bucket.objects.delete()
    assert raised.value.operation_name == "DeleteObjects"
    assert deleting.batches == [["a"], ["b"]]
    await asyncio.sleep(0.01)
    assert [request.method for request in server.requests] == ["GET", "POST", "GET", "POST"]


async def test_versions_are_deleted_with_their_ids(bucket: Any, server: CountingServer) -> None:
    server.answer = deleting = Deleting(Book(VERSIONS, [["v1", "v2"], ["v3"]]))
    await bucket.object_versions.delete()
    assert [re.findall(rb"<VersionId>(\w+)", body) for body in deleting.bodies] == [[b"v1", b"v2"], [b"v3"]]


async def test_a_hundred_alarms_at_most_are_deleted_by_one_request(
    session: aiosdk.Session, server: CountingServer
) -> None:
    alarms = Book(ALARMS, [numbered("a", 250)])
    batches: list[list[str]] = []

    async def answer(request: Request) -> Answer:
        if request.headers["x-amz-target"].endswith(".DeleteAlarms"):
            batches.append(parameters(request)["AlarmNames"])
            return Answer()
        return await alarms(request)

    server.answer = answer
    responses = await (await session.resource("cloudwatch")).alarms.delete()
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert [name for batch in batches for name in batch] == alarms.pages[0]
    assert len(responses) == 3


async def test_ten_messages_at_most_are_deleted_by_one_request(session: aiosdk.Session, server: CountingServer) -> None:
    sqs = await session.resource("sqs")
    messages = [sqs.Message("https://sqs/q", f"r{number}") for number in range(25)]
    for number, message in enumerate(messages):
        message.meta.data = {"MessageId": f"m{number}"}

    class Held:
        """No collection of SQS has messages; a description of the user's own may."""

        async def pages(self) -> AsyncIterator[list[Any]]:
            yield messages

    action = BatchAction(type(messages[0])._definition.batch_actions[0], type(sqs)._family)
    await action.run(Held(), {})  # pyright: ignore
    sent = [parameters(request) for request in server.requests]
    assert [len(each["Entries"]) for each in sent] == [10, 10, 5]
    assert sent[2]["Entries"][4] == {"Id": "m24", "ReceiptHandle": "r24"}
    assert {each["QueueUrl"] for each in sent} == {"https://sqs/q"}
