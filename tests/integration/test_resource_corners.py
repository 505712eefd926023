"""Corners of the resource layer that an independent examination found wanting."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from aiosdk.exceptions import CollectionArgumentError, NotIterableError, NotLoadedError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., aiosdk.Session]


class Recorder:
    """A client that answers everything with nothing, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(**params: Any) -> dict[str, Any]:
            self.calls.append((name, params))
            return {}

        return call


async def test_a_tag_made_without_a_value_is_not_lost(make_session: Make) -> None:
    async with make_session() as session:
        ec2 = await session.resource("ec2")
        for kind in ("Instance", "Vpc", "Image", "Volume", "SecurityGroup"):
            resource = getattr(ec2, kind)("x-1")
            resource.meta.client = Recorder()
            tags = await resource.create_tags(Tags=[{"Key": "a"}, {"Key": "b", "Value": "c"}])
            assert [(tag.resource_id, tag.key, tag.value) for tag in tags] == [("x-1", "a", ""), ("x-1", "b", "c")]


async def test_only_the_ids_of_what_is_listed_forbid_a_number_of_items(make_session: Make) -> None:
    async with make_session() as session:
        ec2 = type(await session.resource("ec2"))(client=Recorder())
        await ec2.snapshots.filter(OwnerIds=["self"]).limit(10)
        await ec2.snapshots.filter(SnapshotIds=["snap-1"]).limit(10)
        assert ec2.meta.client.calls == [
            ("describe_snapshots", {"OwnerIds": ["self"], "MaxResults": 10}),
            ("describe_snapshots", {"SnapshotIds": ["snap-1"]}),
        ]


async def test_pages_refuse_to_be_a_list_and_may_be_awaited(make_session: Make) -> None:
    async with make_session() as session:
        bucket = (await session.resource("s3")).Bucket("b")
        bucket.meta.client = Recorder()
        for misuse in (list, len, bool, lambda pages: pages[0], lambda pages: 1 in pages):
            with pytest.raises(NotIterableError, match=r"<pages of s3\.Bucket\.objectsCollection"):
                misuse(bucket.objects.pages())
        assert await bucket.objects.pages() == [[]]


async def test_a_marker_does_without_what_version_2_alone_knows(make_session: Make) -> None:
    async with make_session() as session:
        bucket = (await session.resource("s3")).Bucket("b")
        bucket.meta.client = Recorder()
        await bucket.objects.filter(FetchOwner=False).filter(Marker="a")
        assert bucket.meta.client.calls == [("list_objects", {"Bucket": "b", "Marker": "a"})]
        for name in ("StartAfter", "ContinuationToken"):
            with pytest.raises(CollectionArgumentError, match=f"Marker belongs to ListObjects and {name}"):
                bucket.objects.filter(Marker="a").filter(**{name: "b"})


async def test_collections_pickle(make_session: Make) -> None:
    async with make_session() as session:
        bucket = (await session.resource("s3")).Bucket("b")
        narrowed = bucket.objects.filter(Prefix="a").limit(3).page_size(2)
        twin = pickle.loads(pickle.dumps(narrowed))
        assert type(twin) is type(narrowed)
        twin._parent.meta.client = Recorder()
        await twin
        assert twin._parent.meta.client.calls == [
            ("list_objects_v2", {"Bucket": "b", "Prefix": "a", "FetchOwner": True, "MaxKeys": 2})
        ]


async def test_a_class_derived_from_a_hooked_one_pickles_as_the_shared_one(make_session: Make) -> None:
    async with make_session() as session:
        session.events.register("creating-resource-class.s3.Bucket", lambda class_attributes, **_: None)
        bucket = (await session.resource("s3")).Bucket("b")
        mine: Any = type("Mine", (type(bucket),), {})
        assert type(pickle.loads(pickle.dumps(mine("b")))) is aiosdk.types.s3.Bucket


async def test_an_update_without_a_new_name_gives_the_resource(make_session: Make) -> None:
    async with make_session() as session:
        user = (await session.resource("iam")).User("ann")
        user.meta.client = Recorder()
        assert (await user.update(NewPath="/x/")) == user
        assert (await user.update(NewUserName="bob")).name == "bob"


async def test_what_cannot_be_set_cannot_be_deleted(make_session: Make) -> None:
    async with make_session() as session:
        bucket = (await session.resource("s3")).Bucket("b")
        for name in ("name", "creation_date", "objects"):
            with pytest.raises(AttributeError, match="cannot be set"):
                delattr(bucket, name)


async def test_texts_name_where_things_come_from(make_session: Make) -> None:
    async with make_session() as session:
        sqs, ec2, s3 = [await session.resource(name) for name in ("sqs", "ec2", "s3")]
        with pytest.raises(NotLoadedError, match=r"queue\.receive_messages"):
            sqs.Message("u", "r").body  # noqa: B018
        assert "Wait until the ec2.Instance is running." in inspect.getdoc(ec2.Instance("i").wait_until_running)
        assert "Wait until the s3.Bucket does not exist." in inspect.getdoc(s3.Bucket("b").wait_until_not_exists)
        assert "Loaded data are dropped." in inspect.getdoc(s3.Object("b", "k").put)
        assert "dropped" not in inspect.getdoc(s3.Object("b", "k").get)


def test_no_module_is_opened_on_the_event_loop() -> None:
    code = """
import asyncio, sys, threading, aiosdk

opened = []

def audit(event, args):
    on_loop = threading.current_thread() is threading.main_thread()
    if event == "open" and on_loop and str(args[0]).endswith((".py", ".pyc")):
        opened.append(args[0])

async def main():
    sys.addaudithook(audit)
    async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
        await session.resource("s3")
        await session.client("sqs")
    print([each for each in opened if "aiosdk" in each])

asyncio.run(main())
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
