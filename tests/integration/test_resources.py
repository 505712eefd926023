"""Resources as a session hands them out: caching, configuration, copies, pickles, other people's descriptions."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
import aiosdk.types
from aiosdk.exceptions import (
    ClassesNotReadError,
    ClientClosedError,
    NoClientError,
    NotLoadedError,
    ResourceNotExistsError,
    SessionClosedError,
    UnknownAPIVersionError,
)
from aiosdk.resources.resource import restored
from aiosdk.resources.unread import unread_class
from tests.support.listings import OBJECTS, Shelf, parameters
from tests.support.server import Answer, CountingServer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., aiosdk.Session]

NINE = ["cloudformation", "cloudwatch", "dynamodb", "ec2", "glacier", "iam", "s3", "sns", "sqs"]


async def awaited(pending: Any) -> Any:
    return await pending


def run(program: str, **environment: str) -> list[str]:
    """What a program prints, in a fresh process; a warning is an error there."""
    environ = {**os.environ, **environment}
    said = subprocess.run([sys.executable, "-W", "error", "-c", program], env=environ, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines()


# One resource for the same arguments


async def test_the_same_arguments_give_the_same_resource(make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.resource("s3")
        assert await session.resource("s3") is s3
        assert await session.resource("s3", region_name="eu-west-1") is not s3
        config = [AioConfig(read_timeout=5) for _ in range(2)]
        assert await session.resource("s3", config=config[0]) is await session.resource("s3", config=config[1])
        async with session.resource("s3") as entered:
            assert entered is s3
        assert await s3 is s3


async def test_asking_at_once_gives_one_resource(make_session: Make) -> None:
    async with make_session() as session:
        made = await asyncio.gather(*(awaited(session.resource("sqs")) for _ in range(20)))
        assert {id(each) for each in made} == {id(await session.resource("sqs"))}


async def test_after_its_client_was_closed_there_is_a_new_resource(make_session: Make, server: CountingServer) -> None:
    async with make_session() as session:
        s3 = await session.resource("s3")
        await s3.meta.client.close()
        new = await session.resource("s3")
        assert new is not s3
        assert [each.name for each in await new.buckets] == ["b"]
        with pytest.raises(ClientClosedError):
            await s3.buckets
        assert len(server.requests) == 1


async def test_after_a_view_was_its_client_and_closed_there_is_a_new_resource(make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.resource("s3")
        s3.meta.client = s3.meta.client.with_options(attempts=1)
        await s3.meta.client.close()
        assert await session.resource("s3") is not s3


async def test_after_the_session_was_closed_nothing_is_sent(make_session: Make, server: CountingServer) -> None:
    session = make_session()
    s3 = await session.resource("s3")
    pending = session.resource("s3")
    await session.close()
    with pytest.raises(SessionClosedError):
        await pending
    with pytest.raises(SessionClosedError):
        await session.resource("sqs")
    for sending in (awaited(s3.buckets), s3.Bucket("b").create(), s3.Bucket("b").wait_until_exists()):
        with pytest.raises(SessionClosedError):
            await sending
    assert s3.Bucket("b").name == "b"
    assert server.requests == []


# Arguments


@pytest.mark.parametrize(
    ("session_extra", "own_extra", "said"),
    [(None, None, "Resource"), (None, "mine", "mine"), ("ours", None, "ours"), ("ours", "mine", "mine")],
)
async def test_the_user_agent_says_resource_unless_the_user_says_something(
    make_session: Make, server: CountingServer, session_extra: str | None, own_extra: str | None, said: str
) -> None:
    config = AioConfig(user_agent_extra=session_extra) if session_extra else None
    own = AioConfig(user_agent_extra=own_extra) if own_extra else AioConfig(read_timeout=9)
    async with make_session(config=config) as session:
        await (await session.resource("s3", config=own)).buckets
        await (await session.client("s3")).list_buckets()
    words = [request.headers["user-agent"].split() for request in server.requests]
    assert [word for word in words[0] if word in ("Resource", "mine", "ours")] == [said]
    assert "Resource" not in words[1]


@pytest.fixture
def other_server() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running


async def test_arguments_are_those_of_the_client(
    make_session: Make, server: CountingServer, other_server: CountingServer
) -> None:
    async with make_session() as session:
        s3 = await session.resource(
            "s3",
            region_name="eu-west-1",
            endpoint_url=other_server.url,
            aws_access_key_id="AKIDOTHER",
            aws_secret_access_key="hush",
            config=AioConfig(s3={"addressing_style": "path"}, read_timeout=7),
        )
        await s3.buckets
    assert server.requests == []
    (request,) = other_server.requests
    assert "AKIDOTHER/" in request.headers["authorization"]
    assert "/eu-west-1/s3/" in request.headers["authorization"]
    assert s3.meta.client.meta.region_name == "eu-west-1"
    assert s3.meta.client.meta.config.read_timeout == 7


async def test_a_service_without_resources_is_an_error_that_lists_those_with(make_session: Make) -> None:
    async with make_session() as session:
        for name in ("lambda", "s4"):
            with pytest.raises(ResourceNotExistsError) as raised:
                await session.resource(name)
            message = str(raised.value)
            assert ", ".join(NINE) in message
            assert f"await session.client({name!r})" in message
        assert await session.get_available_resources() == NINE


async def test_a_version_without_resources_is_an_error_that_lists_those_with(make_session: Make) -> None:
    async with make_session() as session:
        with pytest.raises(UnknownAPIVersionError, match=r"'ec2'.*'1999-01-01'.*2014-10-01.*2016-11-15"):
            await session.resource("ec2", api_version="1999-01-01")
        # botocore has this one, boto3 has no resources for it.
        with pytest.raises(UnknownAPIVersionError, match="2014-09-01"):
            await session.resource("ec2", api_version="2014-09-01")
        old, new = await session.resource("ec2", api_version="2015-10-01"), await session.resource("ec2")
        assert old.meta.client.meta.service_model.api_version == "2015-10-01"
        assert type(old) is not type(new)
        assert old.Instance("i").meta.resource_model.name == "Instance"


@pytest.mark.parametrize("service", NINE)
async def test_classes_are_the_same_however_their_description_was_asked_for(
    make_session: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    async with make_session() as session:
        plain = await session.resource(service)
        version = plain.meta.client.meta.service_model.api_version
        by_version = await session.resource(service, api_version=version)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))  # another loader, which finds the same files
    async with make_session() as session:
        elsewhere = await session.resource(service)
    assert type(by_version) is type(plain)
    assert type(elsewhere) is type(plain)
    assert pickle.loads(pickle.dumps(elsewhere)) == plain


# Copies and pickles


async def with_data(make_session: Make, server: CountingServer) -> Any:
    server.answer = Shelf(OBJECTS, ["k"])
    async with make_session() as session:
        return await (await session.resource("s3")).Bucket("b").objects.first()


async def test_copies_share_the_client_and_deep_ones_have_data_of_their_own(
    make_session: Make, server: CountingServer
) -> None:
    found = await with_data(make_session, server)
    shallow, deep = copy.copy(found), copy.deepcopy(found)
    for twin in (shallow, deep):
        assert twin == found
        assert type(twin) is type(found)
        assert twin.meta.client is found.meta.client
        assert twin.meta.data == found.meta.data
    assert shallow.meta.data is found.meta.data
    assert deep.owner is not found.owner
    shallow.meta.data = None
    assert found.size == 1024
    with pytest.raises(NotLoadedError):
        _ = shallow.size


async def test_a_pickle_is_an_equal_resource_with_its_data_and_without_a_client(
    make_session: Make, server: CountingServer
) -> None:
    found = await with_data(make_session, server)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(found, protocol))
        assert twin == found
        assert type(twin) is type(found)
        assert (twin.size, twin.last_modified) == (1024, found.last_modified)
        assert twin.meta.client is None


class MyBucket(aiosdk.types.s3.Bucket):
    """A subclass in a user's module."""


async def test_classes_pickle_by_their_names(make_session: Make) -> None:
    async with make_session() as session:
        kinds = [kind for name in NINE for kind in type(await session.resource(name))._family.classes.values()]
        old = type(await session.resource("ec2", api_version="2015-10-01"))
    for kind in (*kinds, old, MyBucket):
        assert pickle.loads(pickle.dumps(kind)) is kind
    twin = pickle.loads(pickle.dumps(MyBucket("b")))
    assert type(twin) is MyBucket


UNPICKLE = """
import asyncio, pickle, sys
import aiosdk

found = bytes.fromhex(sys.stdin.read())

async def on_a_loop():
    each, old = pickle.loads(found)
    assert "aiosdk.services.families" not in sys.modules
    print(each, old, each.key, each == pickle.loads(pickle.dumps(each)), len({each, pickle.loads(found)[0]}))
    assert "botocore.model" not in sys.modules, "nothing of this needs a class"
    assert isinstance(each, aiosdk.types.s3.ObjectSummary)
    print(each.size, type(each) is aiosdk.types.s3.ObjectSummary)
    print(type(pickle.loads(found)[0]) is type(each), each.meta.client, old.id)

if sys.argv[1] == "loop":
    asyncio.run(on_a_loop())
else:
    each, kind, old = pickle.loads(found)
    print(each, each.size, kind.__name__, old)
    each = asyncio.run(asyncio.wait_for(asyncio.sleep(0, each), 9))
    try:
        asyncio.run(each.load())
    except aiosdk.exceptions.NoClientError as error:
        print(error)
assert "boto3" not in sys.modules
"""


@pytest.mark.parametrize("where", ["no loop", "loop"])
async def test_a_pickle_in_a_fresh_process(make_session: Make, server: CountingServer, where: str) -> None:
    found = await with_data(make_session, server)
    async with make_session() as session:
        old = (await session.resource("ec2", api_version="2015-10-01")).Instance("i-1")
    pickled = pickle.dumps((found, old) if where == "loop" else (found, type(found), old)).hex()
    said = await asyncio.to_thread(
        subprocess.check_output, [sys.executable, "-W", "error", "-c", UNPICKLE, where], input=pickled, text=True
    )
    lines = said.splitlines()
    shown = "s3.ObjectSummary(bucket_name='b', key='k')"
    if where == "loop":
        assert lines == [f"{shown} ec2.Instance(id='i-1') k True 1", "1024 True", "True None i-1"]
    else:
        assert lines[0] == f"{shown} 1024 s3.ObjectSummary ec2.Instance(id='i-1')"
        assert "has no client to send with: it was unpickled" in lines[1]


async def test_what_stands_for_a_resource_can_become_one_of_any_class(make_session: Make) -> None:
    async with make_session() as session:
        kinds = [kind for name in NINE for kind in type(await session.resource(name))._family.classes.values()]
    for kind in kinds:
        stands = unread_class(lambda kind=kind: kind, print, "x", "Y", kind._names, tuple(kind._secret))
        each = restored(stands, ("a",) * len(kind._names), None)
        assert [getattr(each, name) for name in kind._names] == ["a"] * len(kind._names)
        assert type(each) is stands
        assert isinstance(each, kind)
        assert each.meta.service_name == kind._family.service_name
        assert type(each) is kind


async def test_classes_that_were_not_read_are_not_read_on_the_loop() -> None:
    with pytest.raises(ClassesNotReadError, match="'no-such-service'"):
        _ = getattr(aiosdk.types, "no-such-service").Thing


async def test_a_resource_without_a_client_says_so_before_anything(make_session: Make, server: CountingServer) -> None:
    async with make_session() as session:
        client = (await session.resource("s3")).meta.client
        bucket = aiosdk.types.s3.Bucket("b")
        objects = bucket.objects.filter(Prefix="x").limit(3)
        for sending in (bucket.load(), bucket.create(), bucket.wait_until_exists(), awaited(objects), objects.delete()):
            with pytest.raises(
                NoClientError, match=r"(?s)s3\.Bucket\(name='b'\) has no client.*session\.resource\('s3'\)"
            ):
                await sending
        assert server.requests == []
        bucket.meta.client = client
        await bucket.create()
        assert len(server.requests) == 1


# Building


CONCURRENT = """
import asyncio, sys
from blockbuster import blockbuster_ctx
import aiosdk

async def main():
    async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
        names = await session.get_available_resources()
        async def one(name):
            return type(await session.resource(name))
        found = await asyncio.gather(*(one(name) for name in names * 20))
        print(len(names), len(found), len(set(found)))
        for name in names:
            resource = await session.resource(name)
            for kind in dir(getattr(aiosdk.types, name)):
                dir(getattr(aiosdk.types, name).__getattr__(kind))
    print("boto3" in sys.modules, any(name.startswith("boto3.") for name in sys.modules))

with blockbuster_ctx():
    asyncio.run(main())
"""


def test_the_first_resources_of_all_services_at_once_block_nothing_and_import_no_boto3() -> None:
    assert run(CONCURRENT) == ["9 180 9", "False False"]


THREADS = """
import asyncio, threading, sys
import aiosdk

found = {}
start = threading.Barrier(4)

async def main(number):
    async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
        names = await session.get_available_resources()
        start.wait()
        found[number] = [type(await session.resource(name)) for name in names]

threads = [threading.Thread(target=lambda n=n: asyncio.run(main(n))) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len({id(kind) for kinds in found.values() for kind in kinds}))
"""


def test_sessions_in_several_threads_build_the_same_classes_at_once() -> None:
    assert run(THREADS) == ["4 9"]


async def test_two_buckets_of_any_sessions_are_of_one_class(make_session: Make) -> None:
    kinds: list[type] = []

    def elsewhere() -> None:
        async def main() -> None:
            async with make_session(region_name="eu-west-1") as session:
                kinds.append(type((await session.resource("s3")).Bucket("b")))

        asyncio.run(main())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)
    async with make_session() as session:
        kinds.append(type((await session.resource("s3")).Bucket("a")))
    assert kinds == [aiosdk.types.s3.Bucket] * 2


# A description of the user's own

SHELF_MODEL = {
    "version": "2.0",
    "metadata": {
        "apiVersion": "2020-02-02",
        "endpointPrefix": "shelf",
        "jsonVersion": "1.0",
        "protocol": "json",
        "protocols": ["json"],
        "serviceFullName": "A shelf",
        "serviceId": "Shelf",
        "signatureVersion": "v4",
        "targetPrefix": "Shelf",
        "uid": "shelf-2020-02-02",
    },
    "operations": {
        name: {"name": name, "http": {"method": "POST", "requestUri": "/"}, **shapes}
        for name, shapes in {
            "ListBooks": {"input": {"shape": "ListBooksRequest"}, "output": {"shape": "ListBooksResponse"}},
            "GetBook": {"input": {"shape": "BookRequest"}, "output": {"shape": "GetBookResponse"}},
            "BurnBooks": {"input": {"shape": "BurnBooksRequest"}},
        }.items()
    },
    "shapes": {
        "String": {"type": "string"},
        "Integer": {"type": "integer"},
        "Book": {"type": "structure", "members": {"Title": {"shape": "String"}, "Pages": {"shape": "Integer"}}},
        "Books": {"type": "list", "member": {"shape": "Book"}},
        "Titles": {"type": "list", "member": {"shape": "String"}, "max": 2},
        "BookRequest": {"type": "structure", "members": {"Title": {"shape": "String"}}},
        "GetBookResponse": {"type": "structure", "members": {"Book": {"shape": "Book"}}},
        "BurnBooksRequest": {"type": "structure", "members": {"Titles": {"shape": "Titles"}}},
        "ListBooksRequest": {
            "type": "structure",
            "members": {"NextToken": {"shape": "String"}, "MaxResults": {"shape": "Integer"}},
        },
        "ListBooksResponse": {
            "type": "structure",
            "members": {"NextToken": {"shape": "String"}, "Books": {"shape": "Books"}},
        },
    },
}
TITLE = {"target": "Title", "source": "identifier", "name": "Title"}
SHELF_RESOURCES = {
    "service": {
        "hasMany": {
            "Books": {
                "request": {"operation": "ListBooks"},
                "resource": {
                    "type": "Book",
                    "identifiers": [{"target": "Title", "source": "response", "path": "Books[].Title"}],
                    "path": "Books[]",
                },
            }
        }
    },
    "resources": {
        "Book": {
            "identifiers": [{"name": "Title", "memberName": "Title"}],
            "shape": "Book",
            "load": {"request": {"operation": "GetBook", "params": [TITLE]}, "path": "Book"},
            "batchActions": {
                "Burn": {"request": {"operation": "BurnBooks", "params": [{**TITLE, "target": "Titles[]"}]}}
            },
        }
    },
}


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service `shelf`, in a folder of the user's."""
    folder = tmp_path / "models" / "shelf" / "2020-02-02"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(SHELF_MODEL))
    (folder / "resources-1.json").write_text(json.dumps(SHELF_RESOURCES))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "models"))


async def answer_as_a_shelf(request: Request) -> Answer:
    asked = parameters(request)
    match request.headers["x-amz-target"]:
        case "Shelf.ListBooks":
            start = int(asked.get("NextToken", 0))
            end = min(start + asked.get("MaxResults", 3), 5)
            books = [{"Title": f"t{number}", "Pages": number} for number in range(start, end)]
            found: dict[str, Any] = {"Books": books, **({"NextToken": str(end)} if end < 5 else {})}
        case "Shelf.GetBook":
            found = {"Book": {**asked, "Pages": 99}}
        case _:
            found = {}
    return Answer(body=json.dumps(found).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


async def test_a_description_of_the_users_own_makes_resources(
    described: None, make_session: Make, server: CountingServer
) -> None:
    server.answer = answer_as_a_shelf
    async with make_session() as session:
        assert await session.get_available_resources() == [*NINE[:6], "s3", "shelf", "sns", "sqs"]
        shelf = await session.resource("shelf")
        assert [(book.title, book.pages) async for book in shelf.books] == [(f"t{n}", n) for n in range(5)]
        book = await shelf.Book("mine").load()
        assert repr(book) == "shelf.Book(title='mine')"
        assert book.pages == 99
        server.requests.clear()
        assert len(await shelf.books.limit(4).burn()) == 2
        sent = [parameters(request) for request in server.requests]
        assert sent == [{"MaxResults": 4}, {"Titles": ["t0", "t1"]}, {"Titles": ["t2", "t3"]}]
        # The others are there as ever, and of the same classes.
        assert type((await session.resource("s3")).Bucket("b")) is aiosdk.types.s3.Bucket
        assert pickle.loads(pickle.dumps(book)) == book
