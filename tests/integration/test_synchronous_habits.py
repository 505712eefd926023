"""What is typed out of habit by who comes from boto3 meets an error that says what to type instead."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.response import AioStreamingBody

import aiosdk
from aiosdk.exceptions import (
    CollectionArgumentError,
    IdentifierError,
    NotAwaitedError,
    NotIterableError,
    SynchronousUseError,
    UnknownOperationError,
)
from tests.support.server import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.server import CountingServer, Request

    Make = Callable[..., aiosdk.Session]
    Names = dict[str, Any]

PAGES = "s3.get_paginator('list_objects_v2').paginate(Bucket='b')"
# What is typed, the error, and what it says to type.
REFUSED = [
    (f"[page for page in {PAGES}]", NotIterableError, "`async for page in ...`"),
    (f"list({PAGES})", NotIterableError, "`[page async for page in ...]` for a list"),
    (f"next(iter({PAGES}))", NotIterableError, "`async for page in ...`"),
    (f"next({PAGES})", NotIterableError, "`await anext(aiter(...))`"),
    (f"len({PAGES})", NotIterableError, "len([page async for page in ...])"),
    (f"bool({PAGES})", NotIterableError, "`async for page in ...` to know if there is any"),
    (f"{PAGES}[0]", NotIterableError, "`await anext(aiter(...))`"),
    (f"'x' in {PAGES}", NotIterableError, "[page async for page in ...]"),
    ("list(s3.get_paginator('list_objects_v2'))", NotIterableError, "`async for page in paginator.paginate(...)`"),
    (f"list({PAGES}.search('Contents[].Key'))", NotIterableError, "`async for item in ...`"),
    (f"{PAGES}.search('Contents')[0]", NotIterableError, "`await anext(...)`"),
    (f"len({PAGES}.search('Contents'))", NotIterableError, "len([item async for item in ...])"),
    (f"[list(each) for each in {PAGES}.result_key_iters()]", NotIterableError, "`async for item in ...`"),
    (f"[next(each) for each in {PAGES}.result_key_iters()]", NotIterableError, "`async for item in ...`"),
    ("list(bucket.objects.all())", NotIterableError, "`async for item in ...`, or `await ...` for a list"),
    ("next(bucket.objects.all())", NotIterableError, "`await ....first()`"),
    ("sorted(bucket.objects.pages())", NotIterableError, "`async for page in ...`"),
    ("[obj.delete() for obj in bucket.objects.filter(Prefix='p')]", NotIterableError, "`async for item in ...`"),
    ("list(table.query_items(KeyConditionExpression='x'))", NotIterableError, "`async for item in ...`"),
    ("next(table.scan_items())", NotIterableError, "`await ....first()`"),
    ("[chunk for chunk in body]", NotIterableError, "`async for chunk in body`"),
    ("next(body)", NotIterableError, "`await body.read(n)`"),
    ("len(body)", NotIterableError, "`len(await body.read())`"),
    ("b'x' in body", NotIterableError, "await body.read()"),
    ("list(body.iter_chunks())", NotIterableError, "`async for item in ...`"),
    ("[line for line in body.iter_lines()]", NotIterableError, "`async for item in ...`"),
    ("list(s3.get_waiter('bucket_exists'))", SynchronousUseError, "`await waiter.wait(...)`"),
    ("with body as x: pass", SynchronousUseError, "`async with ... as body:`"),
    ("with s3 as x: pass", SynchronousUseError, "`async with session.client(...) as client:`"),
    ("with aiosdk.Session() as x: pass", SynchronousUseError, "`async with aiosdk.Session(...) as session:`"),
    ("body.readline().decode()", SynchronousUseError, "`async for line in body.iter_lines()`"),
    (
        "session.create_client('s3').list_buckets()",
        NotAwaitedError,
        "async with session.create_client('s3') as client:",
    ),
    ("with session.create_client('s3') as x: pass", NotAwaitedError, "async with session.create_client('s3')"),
    ("with session.client('s3') as x: pass", NotAwaitedError, "`async with session.client('s3') as x:`"),
    ("with table.batch_writer() as x: pass", SynchronousUseError, "`async with table.batch_writer() as batch:`"),
    ("session.client('s3').list_buckets()", NotAwaitedError, "`x = await session.client('s3')`"),
    ("session.resource('s3').Bucket('b')", NotAwaitedError, "`x = await session.resource('s3')`"),
    ("bucket.objects.filter('2026/')", CollectionArgumentError, "Prefix="),
    ("await resource.Bucket", IdentifierError, "Bucket(name)"),
    ("resource.Bucket['b']", IdentifierError, "Bucket(name)"),
    ("await s3.ListBuckets()", UnknownOperationError, "'list_buckets'"),
    ("s3.list_objects_v2('b')", TypeError, "only accepts keyword arguments"),
]
# What is typed, and the coroutine that Python warns of.
FORGOTTEN = [
    ("s3.list_buckets()['Buckets']", "s3.list_buckets"),
    ("s3.list_buckets().get('Buckets')", "s3.list_buckets"),
    ("[each for each in s3.list_buckets()]", "s3.list_buckets"),
    ("s3.with_options(timeout=3).list_buckets()['Buckets']", "s3.list_buckets"),
    ("resource.meta.client.list_buckets()['Buckets']", "s3.list_buckets"),
    ("dynamodb.get_item(TableName='t', Key={})['Item']", "dynamodb.get_item"),
    ("bucket.create().name", "s3.Bucket.create"),
    ("bucket.load().creation_date", "s3.Bucket.load"),
    ("bucket.Object('k').get()['Body'].read()", "s3.Object.get"),
    ("bucket.objects.delete()[0]", "s3.Bucket.objectsCollection.delete"),
    ("bucket.wait_until_exists().x", "s3.Bucket.wait_until_exists"),
    ("bucket.upload_file('a', 'b').x", "s3.Bucket.upload_file"),
    ("bucket.Object('k').download_file('b').x", "s3.Object.download_file"),
    ("s3.upload_file('a', 'b', 'c').x", "s3.upload_file"),
    ("s3.generate_presigned_url('get_object', Params={})[0]", "s3.generate_presigned_url"),
    ("s3.get_waiter('bucket_exists').wait(Bucket='b').x", "s3.get_waiter('bucket_exists').wait"),
    (f"{PAGES}.build_full_result()['Contents']", "s3.list_objects_v2.build_full_result"),
    ("table.get_item(Key={'k': 1})['Item']", "dynamodb.Table.get_item"),
    ("table.batch_get([])[0]", "dynamodb.Table.batch_get"),
    ("body.read().decode()", "body.read"),
    ("body.read(3)[0]", "body.read"),
    ("body.readinto(bytearray(3)) + 1", "body.readinto"),
    ("body.readlines()[0]", "body.readlines"),
    ("session.get_credentials().access_key", "Session.get_credentials"),
]


@pytest.fixture
async def names(make_session: Make) -> AsyncIterator[Names]:
    async with make_session() as session:
        s3, resource = await session.client("s3"), await session.resource("s3")
        yield {
            "aiosdk": aiosdk,
            "session": session,
            "s3": s3,
            "resource": resource,
            "bucket": resource.Bucket("b"),
            "dynamodb": await session.client("dynamodb"),
            "table": (await session.resource("dynamodb")).Table("t"),
            "body": (await s3.get_object(Bucket="b", Key="folder/k"))["Body"],
        }


async def run(typed: str, names: Names) -> None:
    program: dict[str, Any] = {}
    exec(f"async def program({', '.join(names)}):\n    {typed}", program)
    await program["program"](**names)


async def test_habits_from_synchronous_code_are_refused_by_an_error_that_says_what_to_type(names: Names) -> None:
    for typed, kind, phrase in REFUSED:
        with pytest.raises(kind) as raised:
            await run(typed, names)
        assert phrase in str(raised.value), typed
        assert isinstance(raised.value, (TypeError, AttributeError)), typed


async def test_a_forgotten_await_is_told_by_what_was_typed(names: Names) -> None:
    for typed, name in FORGOTTEN:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with pytest.raises((TypeError, AttributeError)):
                await run(typed, names)
            gc.collect(0)
        told = [str(each.message).partition(" was never awaited")[0] for each in seen]
        assert told == [f"coroutine '{name}'"], typed


@pytest.mark.parametrize("checksum", [{}, {"x-amz-checksum-crc32": "AAAAAA=="}], ids=["plain", "with a checksum"])
@pytest.mark.parametrize("hooked", [False, True], ids=["express", "reference"])
async def test_a_body_refuses_on_both_lanes_and_counts_as_true(
    make_session: Make, server: CountingServer, hooked: bool, checksum: dict[str, str]
) -> None:
    async def answer(_: Request) -> Answer:
        return Answer(headers=checksum)

    server.answer = answer
    async with make_session() as session:
        s3 = await session.client("s3")
        if hooked:
            s3.meta.events.register("before-call.s3.GetObject", lambda **_: None)
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        with pytest.raises(NotIterableError):
            list(body)
        assert body  # as in boto3, where a program may ask whether there is one
        assert isinstance(body, AioStreamingBody)
        assert [chunk async for chunk in body] == []


async def test_what_a_search_gives_is_still_an_asynchronous_generator(names: Names) -> None:
    found = names["s3"].get_paginator("list_objects_v2").paginate(Bucket="b").search("Contents")
    assert isinstance(found, AsyncGenerator)
    async with aclosing(found):
        assert await anext(found) is None
    assert [each async for each in found] == []
