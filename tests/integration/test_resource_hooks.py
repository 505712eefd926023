"""Hooks that change the classes of resources: what they are told, what they change, and for whom."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

import boto3
import boto3.utils
import pytest

import aiosdk
import aiosdk.types
from aiosdk.resources.resource import Resource
from tests.support.listings import OBJECTS, Shelf, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]


async def awaited(pending: Any) -> Any:
    return await pending


class Counter:
    """A base class that a hook adds, with a constructor and so with state of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = 0

    def up(self) -> int:
        self.count += 1
        return self.count


async def url(self: Any) -> str:
    return f"s3://{self.name}"


async def test_a_hook_adds_attributes_and_base_classes(make_session: Make, server: CountingServer) -> None:
    server.answer = Shelf(OBJECTS, numbered("k", 5), most=2)

    def add(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
        class_attributes["url"] = url
        class_attributes["shout"] = property(lambda self: self.name.upper())
        base_classes.insert(0, Counter)

    async with make_session() as session:
        session.events.register("creating-resource-class.s3.Bucket", add)
        s3 = await session.resource("s3")
        bucket = s3.Bucket("logs")
        assert await bucket.url() == "s3://logs"
        assert bucket.shout == "LOGS"
        assert [bucket.up(), bucket.up()] == [1, 2]
        assert type(bucket).__mro__[1] is Counter
        assert isinstance(bucket, Resource)
        # And it is a bucket as ever, wherever it comes from.
        assert [each.key async for each in bucket.objects] == numbered("k", 5)
        assert type(s3.Object("logs", "k").Bucket()) is type(bucket)
        assert s3.Object("logs", "k").Bucket().up() == 1
        assert repr(bucket) == "s3.Bucket(name='logs')"
        assert bucket == s3.Bucket("logs")
        assert not hasattr(s3.Object("logs", "k"), "url")


async def test_listed_and_created_resources_run_the_constructor_of_a_base_class(
    make_session: Make, server: CountingServer
) -> None:
    server.answer = Shelf(OBJECTS, numbered("k", 3), most=2)
    async with make_session() as session:
        session.events.register(
            "creating-resource-class.s3.ObjectSummary", lambda base_classes, **_: base_classes.insert(0, Counter)
        )
        found = await (await session.resource("s3")).Bucket("b").objects
        assert [each.up() for each in found] == [1, 1, 1]
        assert {each.size for each in found} == {1024}


async def test_a_copy_keeps_what_a_base_class_holds(make_session: Make) -> None:
    async with make_session() as session:
        session.events.register(
            "creating-resource-class.s3.Bucket", lambda base_classes, **_: base_classes.insert(0, Counter)
        )
        bucket = (await session.resource("s3")).Bucket("b")
        bucket.up()
        assert copy.copy(bucket).up() == 2
        assert copy.deepcopy(bucket).up() == 2
        assert bucket.count == 1


async def test_a_hook_may_be_a_coroutine(make_session: Make) -> None:
    async def add(class_attributes: dict[str, Any], **_: Any) -> None:
        await asyncio.sleep(0.001)
        class_attributes["url"] = url

    async with make_session() as session:
        session.events.register("creating-resource-class.s3.Bucket", add)
        assert await (await session.resource("s3")).Bucket("b").url() == "s3://b"


async def test_the_service_resource_has_a_hook_of_its_own(make_session: Make) -> None:
    async with make_session() as session:
        session.events.register(
            "creating-resource-class.s3.ServiceResource",
            lambda class_attributes, **_: class_attributes.update(logs=lambda self: self.Bucket("logs")),
        )
        s3 = await session.resource("s3")
        assert s3.logs() == s3.Bucket("logs")
        assert not hasattr(await session.resource("sqs"), "logs")


@pytest.mark.parametrize(
    ("event", "services"),
    [
        ("creating-resource-class.s3.*", ["s3"]),
        ("creating-resource-class.s3", ["s3"]),
        ("creating-resource-class.*.Bucket", ["s3"]),
        ("creating-resource-class.*", ["s3", "sqs"]),
        ("creating-resource-class", ["s3", "sqs"]),
    ],
)
async def test_a_hook_for_many_classes(make_session: Make, event: str, services: list[str]) -> None:
    async with make_session() as session:
        told: list[str] = []

        def mark(class_attributes: dict[str, Any], event_name: str, **_: Any) -> None:
            told.append(event_name.removeprefix("creating-resource-class."))
            class_attributes["marked"] = True

        session.events.register(event, mark)
        s3, sqs = await session.resource("s3"), await session.resource("sqs")
        assert hasattr(s3.Bucket("b"), "marked") == ("s3" in services)
        assert hasattr(sqs.Queue("q"), "marked") == ("sqs" in services)
        assert "s3.Bucket" in told
        assert len(told) == len(set(told))
        every = [f"s3.{name}" for name in type(s3)._family.classes]
        assert event.endswith("Bucket") or set(every) <= set(told)


async def test_a_hooked_class_is_that_sessions_alone(make_session: Make) -> None:
    async with make_session() as plain, make_session() as hooked, make_session() as other:
        hooked.events.register(
            "creating-resource-class.s3.Bucket", lambda class_attributes, **_: class_attributes.update(url=url)
        )
        mine = (await hooked.resource("s3")).Bucket("b")
        shared = [(await session.resource("s3")).Bucket("b") for session in (plain, other)]
        assert {type(each) for each in shared} == {aiosdk.types.s3.Bucket}
        assert type(mine) is not aiosdk.types.s3.Bucket
        assert not any(hasattr(each, "url") for each in shared)
        assert mine == shared[0]
        assert hash(mine) == hash(shared[0])
        again = await hooked.resource("s3", region_name="eu-west-1")
        assert type(again.Bucket("b")) is type(mine)


async def test_a_hook_counts_from_when_it_is_registered_to_when_it_is_not(make_session: Make) -> None:
    def add(class_attributes: dict[str, Any], **_: Any) -> None:
        class_attributes["url"] = url

    async with make_session() as session:
        before = await session.resource("s3")
        session.events.register("creating-resource-class.s3.Bucket", add)
        during = await session.resource("s3")
        assert await session.resource("s3") is during
        assert not hasattr(before.Bucket("b"), "url")
        assert await during.Bucket("b").url() == "s3://b"
        session.events.unregister("creating-resource-class.s3.Bucket", add)
        after = await session.resource("s3")
        assert type(after) is type(before)
        assert hasattr(during.Bucket("b"), "url")


async def test_a_hook_for_another_service_changes_no_class(make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.resource("s3")
        session.events.register("creating-resource-class.ec2.Instance", lambda **_: None)
        assert await session.resource("s3") is s3


async def test_a_hook_is_called_once_for_a_session_however_many_ask_at_once(make_session: Make) -> None:
    calls: list[int] = []

    async def add(**_: Any) -> None:
        calls.append(1)
        await asyncio.sleep(0.01)

    async with make_session() as session:
        session.events.register("creating-resource-class.s3.Bucket", add)
        regions = ["us-east-1", "us-east-1", "eu-west-1", "eu-west-1"]
        made = await asyncio.gather(*(awaited(session.resource("s3", region_name=region)) for region in regions))
        assert len({type(each) for each in made}) == 1
        assert len(calls) == 1


async def test_an_error_of_a_hook_is_raised_and_the_next_time_it_is_asked_again(make_session: Make) -> None:
    calls: list[int] = []

    def fail_once(**_: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise LookupError("not now")

    async with make_session() as session:
        session.events.register("creating-resource-class.s3.Bucket", fail_once)
        with pytest.raises(LookupError, match="not now"):
            await session.resource("s3")
        assert (await session.resource("s3")).Bucket("b").name == "b"
        assert len(calls) == 2


async def test_a_hook_is_told_of_the_service_as_by_boto3(make_session: Make) -> None:
    contexts: list[Any] = []
    async with make_session() as session:
        session.events.register(
            "creating-resource-class.ec2.Instance", lambda service_context, **_: contexts.append(service_context)
        )
        ec2 = await session.resource("ec2")
    (context,) = contexts
    assert context._fields == boto3.utils.ServiceContext._fields
    assert context.service_name == "ec2"
    assert context.service_model is ec2.meta.client.meta.service_model
    assert context.service_waiter_model.get_waiter("InstanceRunning").operation == "DescribeInstances"
    folder = os.path.dirname(boto3.__file__)
    with_boto3 = await asyncio.to_thread(_read, f"{folder}/data/ec2/2016-11-15/resources-1.json")
    assert context.resource_json_definitions == with_boto3["resources"]


def _read(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


async def test_the_pickle_of_a_hooked_resource_is_one_of_the_shared_class(make_session: Make) -> None:
    async with make_session() as session:
        session.events.register(
            "creating-resource-class.s3.Bucket", lambda class_attributes, **_: class_attributes.update(url=url)
        )
        bucket = (await session.resource("s3")).Bucket("b")
        twin = pickle.loads(pickle.dumps(bucket))
        assert twin == bucket
        assert type(twin) is aiosdk.types.s3.Bucket
