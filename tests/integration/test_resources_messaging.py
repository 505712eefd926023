"""The resources of SQS and SNS, side by side with boto3's."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from tests.integration.conftest import Boto3
from tests.support.server import Answer
from tests.support.side_by_side import both, requests_of, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import CountingServer, Request
    from tests.support.side_by_side import Side

ACCOUNT = "123456789012"


async def test_a_queue_lives_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        sqs = await side.resource("sqs")
        await side.fail(lambda: sqs.get_queue_by_name(QueueName="jobs"))
        await side.do(lambda: sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "40"}))
        queue = await side.do(lambda: sqs.get_queue_by_name(QueueName="jobs"))
        await side.load(queue)
        await side.do(lambda: queue.set_attributes(Attributes={"VisibilityTimeout": "50"}))
        await side.load(queue)
        await side.do(lambda: queue.attributes["VisibilityTimeout"])
        await side.do(lambda: queue.add_permission(Label="all", AWSAccountIds=[ACCOUNT], Actions=["SendMessage"]))
        await side.load(queue)
        await side.do(lambda: queue.remove_permission(Label="all"))
        await side.do(lambda: queue.Message("handle"))
        await side.do(lambda: queue.Message("handle").Queue())
        await side.do(lambda: queue.delete())
        await side.fail(lambda: queue.load())
        await side.do(lambda: sqs.queues.all())

    await side_by_side(life, aws, ours, theirs)


async def test_messages_are_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        sqs = await side.resource("sqs")
        queue = await side.do(lambda: sqs.create_queue(QueueName="jobs"))
        await side.do(lambda: queue.receive_messages())
        said = {"lang": {"DataType": "String", "StringValue": "en"}}
        await side.do(lambda: queue.send_message(MessageBody="one", MessageAttributes=said))
        entries = [{"Id": number, "MessageBody": number} for number in "23456"]
        await side.do(lambda: queue.send_messages(Entries=entries))
        more = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
        messages = await side.do(lambda: queue.receive_messages(**more))
        assert [message.body for message in messages] == ["one", *"23456"]
        await side.do(lambda: messages[0].Queue())
        await side.do(lambda: messages[0].delete())
        await side.do(lambda: messages[1].change_visibility(VisibilityTimeout=0))
        handles = [{"Id": message.body, "ReceiptHandle": message.receipt_handle} for message in messages]
        shown = [{**each, "VisibilityTimeout": 0} for each in handles[2:4]]
        await side.do(lambda: queue.change_message_visibility_batch(Entries=shown))
        await side.do(lambda: queue.delete_messages(Entries=[*handles[4:], {"Id": "x", "ReceiptHandle": "none"}]))
        await side.do(lambda: queue.receive_messages(MaxNumberOfMessages=10))
        await side.fail(lambda: messages[0].change_visibility(VisibilityTimeout=0))
        await side.fail(lambda: queue.Message("none").delete())
        await side.do(lambda: queue.purge())
        await side.do(lambda: queue.receive_messages())

    await side_by_side(life, aws, ours, theirs)


async def test_dead_letter_queues_know_their_sources_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        sqs = await side.resource("sqs")
        dead = await side.do(lambda: sqs.create_queue(QueueName="dead"))
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
        attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})}
        for name in ("one", "three", "two"):
            await side.do(lambda name=name: sqs.create_queue(QueueName=name, Attributes=attributes))
        await side.do(lambda: dead.dead_letter_source_queues.all())
        await side.do(lambda: dead.dead_letter_source_queues.limit(2))
        await side.do(lambda: dead.dead_letter_source_queues.page_size(1))
        await side.do(lambda: sqs.Queue(dead.url + "-not").url)
        await side.fail(lambda: sqs.Queue(dead.url + "-not").dead_letter_source_queues.all())

    await side_by_side(life, aws, ours, theirs)


async def test_queues_are_listed_as_in_boto3(ours: aiosdk.Session, theirs: Boto3) -> None:
    sqs = await ours.resource("sqs")
    other = await asyncio.to_thread(theirs.resource, "sqs")
    for number in range(7):
        await sqs.create_queue(QueueName=f"{'ab'[number % 2]}-{number}")
    every = await both(sqs.queues, other.queues.all)
    assert len(every) == 7
    for limit in (0, 1, 7, 8):
        assert await both(sqs.queues.limit(limit), other.queues.limit(limit).all) == every[:limit]
    found = await both(sqs.queues.filter(QueueNamePrefix="a-"), other.queues.filter(QueueNamePrefix="a-").all)
    assert [queue.url[-3:] for queue in found] == ["a-0", "a-2", "a-4", "a-6"]
    assert await both(sqs.queues.filter(QueueNamePrefix="c-"), other.queues.filter(QueueNamePrefix="c-").all) == []


async def list_queues(request: Request) -> Answer:
    """Plays SQS, which moto does not: pages only for those who ask for a number."""
    asked = json.loads(request.body)
    urls = [f"https://sqs.example.com/{ACCOUNT}/job-{number:04}" for number in range(2500)]
    start, most = int(asked.get("NextToken", "0")), asked.get("MaxResults")
    end = start + (most or 1000)
    answer: dict[str, Any] = {"QueueUrls": urls[start:end], "queueUrls": urls[start:end]}
    if most and end < len(urls):
        answer["NextToken"] = str(end)
    return Answer(body=json.dumps(answer).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


@pytest.mark.parametrize("dead", [False, True])
async def test_all_of_2500_queues_are_listed_of_which_boto3_sees_a_thousand(
    dead: bool, make_session: Callable[..., aiosdk.Session], server: CountingServer
) -> None:
    server.answer = list_queues
    async with make_session() as session:
        sqs = await session.resource("sqs")
        queues = sqs.Queue(server.url + "/dead").dead_letter_source_queues if dead else sqs.queues
        every = await queues
        assert [queue.url[-4:] for queue in every] == [f"{number:04}" for number in range(2500)]
        assert len(server.requests) == 3
        other = await asyncio.to_thread(lambda: Boto3(server.url).resource("sqs"))
        theirs = other.Queue(server.url + "/dead").dead_letter_source_queues if dead else other.queues
        assert await both(queues.limit(1000), theirs.all) == every[:1000]
        for limit in (0, 1, 1000, 2500, 2501):
            found = await both(
                queues.page_size(700).limit(limit), lambda limit=limit: theirs.page_size(700).limit(limit).all()
            )
            assert found == every[:limit]
        server.requests.clear()
        assert await queues.limit(5) == every[:5]
        assert await queues.first() == every[0]
        assert await queues.page_size(2).limit(3) == every[:3]
        assert [json.loads(request.body)["MaxResults"] for request in server.requests] == [5, 1, 2, 1]


async def test_a_topic_and_its_subscriptions_live_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        sns, sqs = await side.resource("sns"), await side.resource("sqs")
        await side.do(lambda: sqs.create_queue(QueueName="inbox"))
        topic = await side.do(lambda: sns.create_topic(Name="news", Attributes={"DisplayName": "News"}))
        await side.load(topic)
        await side.do(lambda: topic.set_attributes(AttributeName="DisplayName", AttributeValue="Old news"))
        await side.load(topic)
        await side.do(lambda: topic.add_permission(Label="all", AWSAccountId=[ACCOUNT], ActionName=["Publish"]))
        await side.load(topic)
        await side.do(lambda: topic.remove_permission(Label="all"))
        inbox = f"arn:aws:sqs:us-east-1:{ACCOUNT}:inbox"
        subscription = await side.do(lambda: topic.subscribe(Protocol="sqs", Endpoint=inbox))
        await side.load(subscription)
        raw = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
        await side.do(lambda: subscription.set_attributes(**raw))
        await side.load(subscription)
        await side.do(lambda: topic.publish(Message="hello", Subject="news"))
        await side.do(lambda: sqs.Queue(f"{aws}/{ACCOUNT}/inbox").receive_messages())
        await side.do(lambda: topic.confirm_subscription(Token="any"))
        await side.do(lambda: topic.subscriptions.all())
        await side.do(lambda: sns.subscriptions.all())
        await side.do(lambda: sns.topics.all())
        await side.do(lambda: [sns.Topic(topic.arn), sns.Subscription(subscription.arn), sns.PlatformEndpoint("e")])
        await side.do(lambda: subscription.delete())
        await side.fail(lambda: subscription.load())
        await side.do(lambda: topic.delete())
        await side.fail(lambda: topic.load())
        await side.fail(lambda: topic.publish(Message="hello"))

    await side_by_side(life, aws, ours, theirs)


async def test_platform_applications_live_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        sns = await side.resource("sns")
        make = {"Platform": "APNS", "Attributes": {"PlatformCredential": "hush", "PlatformPrincipal": "hush"}}
        for name in ("one", "two", "three"):
            application = await side.do(lambda name=name: sns.create_platform_application(Name=name, **make))
        await side.load(application)
        await side.do(lambda: application.set_attributes(Attributes={"EventEndpointCreated": "arn:x"}))
        await side.load(application)
        await side.do(lambda: sns.platform_applications.all())
        await side.do(lambda: sns.platform_applications.limit(2))
        for token in ("a", "b", "c"):
            endpoint = await side.do(lambda token=token: application.create_platform_endpoint(Token=token))
        await side.load(endpoint)
        await side.do(lambda: endpoint.set_attributes(Attributes={"CustomUserData": "mine"}))
        await side.load(endpoint)
        await side.do(lambda: endpoint.publish(Message="hello"))
        await side.do(lambda: endpoint.set_attributes(Attributes={"Enabled": "false"}))
        await side.fail(lambda: endpoint.publish(Message="hello"))
        await side.do(lambda: application.endpoints.all())
        await side.do(lambda: endpoint.delete())
        await side.do(lambda: application.endpoints.limit(1))
        await side.do(lambda: application.delete())
        await side.fail(lambda: application.load())
        await side.do(lambda: sns.platform_applications.all())

    await side_by_side(life, aws, ours, theirs)


async def test_topics_and_subscriptions_come_in_pages(ours: aiosdk.Session, theirs: Boto3) -> None:
    sns = await ours.resource("sns")
    other = await asyncio.to_thread(theirs.resource, "sns")
    topics = await asyncio.gather(*[sns.create_topic(Name=f"topic-{number}") for number in range(250)])
    with requests_of(sns) as sent:
        every = await both(sns.topics, other.topics.all)
    assert set(every) == set(topics)
    assert len(sent) == 3
    for limit in (0, 1, 100, 101, 250, 251):
        with requests_of(sns) as sent:
            found = await both(sns.topics.limit(limit), other.topics.limit(limit).all)
        assert found == every[:limit]
        assert len(sent) == min((limit + 99) // 100, 3)
    topic = topics[0]
    await asyncio.gather(
        *[topic.subscribe(Protocol="http", Endpoint=f"http://{number}.example.com") for number in range(210)]
    )
    mine, expected = topic.subscriptions, other.Topic(topic.arn).subscriptions
    subscriptions = await both(mine, expected.all)
    assert len(subscriptions) == 210
    assert [len(page) async for page in mine.pages()] == [100, 100, 10]
    assert await both(mine.limit(150), expected.limit(150).all) == subscriptions[:150]
    assert await both(sns.subscriptions, other.subscriptions.all) == subscriptions


async def test_what_a_listing_does_not_tell_is_loaded_by_name(ours: aiosdk.Session) -> None:
    sns, sqs = await ours.resource("sns"), await ours.resource("sqs")
    await sns.create_topic(Name="news")
    await sqs.create_queue(QueueName="jobs")
    topic, queue = await sns.topics.first(), await sqs.queues.first()
    for resource in (topic, queue):
        with pytest.raises(aiosdk.NotLoadedError, match=r"has no attributes yet: .*`await (topic|queue)\.load\(\)`"):
            _ = resource.attributes
        assert await resource.load() is resource
    assert topic.attributes["TopicArn"] == topic.arn
    assert queue.attributes["QueueArn"] == f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
    await queue.receive_messages()
    with pytest.raises(aiosdk.NotLoadedError, match=r"any more: receive_messages\(\) dropped the data"):
        _ = queue.attributes
    message = queue.Message("handle")
    with pytest.raises(aiosdk.NotLoadedError, match=r"no load\(\) to fetch it"):
        _ = message.body


async def test_resources_compare_hash_pickle_and_await_to_themselves(ours: aiosdk.Session) -> None:
    sqs = await ours.resource("sqs")
    queue = await sqs.create_queue(QueueName="jobs")
    await queue.send_message(MessageBody="hello")
    (message,) = await queue.receive_messages()
    with requests_of(sqs) as sent:
        assert await message is message
        again = pickle.loads(pickle.dumps(message))
        assert again == message == queue.Message(message.receipt_handle)
        assert hash(again) == hash(message)
        assert type(again) is aiosdk.types.sqs.Message
        assert again.body == "hello"
        assert {queue, sqs.Queue(queue.url)} == {queue}
        assert queue != sqs.Queue(queue.url + "-not")
    assert sent == []
    with pytest.raises(aiosdk.exceptions.NoClientError):
        await again.delete()
    again.meta.client = sqs.meta.client
    await again.delete()
    assert await queue.receive_messages() == []
