"""Collections: the exact requests that they send, and what they make of the answers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import PaginationError, ParamValidationError

from aiosdk.exceptions import CollectionArgumentError, RepeatedTokenError
from tests.support.listings import (
    INSTANCES,
    OBJECTS,
    OBJECTS_OF_VERSION_1,
    QUEUES,
    TABLES,
    USERS,
    VAULTS,
    VERSIONS,
    VOLUMES,
    Book,
    Deleting,
    Kind,
    Shelf,
    numbered,
)

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


COLLECTIONS: dict[str, tuple[Kind, str, str, Callable[[Any], Any], Callable[[Any], str]]] = {
    "objects": (OBJECTS, "k", "s3", lambda s3: s3.Bucket("b").objects, lambda each: each.key),
    "objects, v1": (
        OBJECTS_OF_VERSION_1,
        "k",
        "s3",
        lambda s3: s3.Bucket("b").objects.filter(Marker=""),
        lambda each: each.key,
    ),
    "users": (USERS, "u", "iam", lambda iam: iam.users, lambda each: each.name),
    "instances": (INSTANCES, "i", "ec2", lambda ec2: ec2.instances, lambda each: each.id),
    "tables": (TABLES, "t", "dynamodb", lambda dynamodb: dynamodb.tables, lambda each: each.name),
    "queues": (QUEUES, "q", "sqs", lambda sqs: sqs.queues, lambda each: each.url.rpartition("/")[2]),
    "vaults": (VAULTS, "v", "glacier", lambda glacier: glacier.vaults, lambda each: each.name),
}


async def shelved(session: aiosdk.Session, server: CountingServer, what: str, count: int, most: int) -> Any:
    """A collection, its shelf, and a function that names an item."""
    kind, letter, service, collection, name = COLLECTIONS[what]
    server.answer = shelf = Shelf(kind, numbered(letter, count), most)
    return collection(await session.resource(service)), shelf, name


async def test_five_objects_take_one_request_for_five(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS, numbered("k", 2500))
    found = await bucket.objects.limit(5)
    assert [each.key for each in found] == numbered("k", 5)
    assert shelf.asked == [{"max-keys": "5", "fetch-owner": "true"}]
    assert server.requests[0].path == "/b"
    assert "list-type=2" in server.requests[0].target


# Per kind of collection: how many of 250 there are on a page unless asked for, what is chained to it, and the sizes
# of the requests.
SIZES: list[tuple[str, int, Callable[[Any], Any], int, list[int | None]]] = [
    ("objects", 100, lambda c: c.all(), 250, [None, None, None]),
    ("objects", 100, lambda c: c.limit(0), 0, []),
    ("objects", 100, lambda c: c.limit(1), 1, [1]),
    ("objects", 100, lambda c: c.limit(250), 250, [250, 150, 50]),
    ("objects", 100, lambda c: c.limit(1500), 250, [None, None, None]),
    ("objects", 1000, lambda c: c.limit(250), 250, [250]),
    ("objects", 1000, lambda c: c.limit(251), 250, [251]),
    ("objects", 1000, lambda c: c.limit(5).limit(None), 250, [None]),
    ("objects", 1000, lambda c: c.page_size(100), 250, [100, 100, 100]),
    ("objects", 1000, lambda c: c.page_size(100).page_size(None), 250, [None]),
    ("objects", 1000, lambda c: c.page_size(2).limit(5), 5, [2, 2, 1]),
    ("objects", 1000, lambda c: c.limit(5).page_size(2), 5, [2, 2, 1]),
    ("objects", 1000, lambda c: c.limit(4).page_size(2), 4, [2, 2]),
    ("objects", 1000, lambda c: c.limit(5).page_size(1000), 5, [5]),
    ("objects", 1000, lambda c: c.filter(MaxKeys=2).limit(5), 5, [2, 2, 1]),
    ("objects", 1000, lambda c: c.filter(MaxKeys=200), 250, [200, 200]),
    ("objects", 1000, lambda c: c.filter(MaxKeys=2).page_size(200), 250, [200, 200]),
    ("objects", 3, lambda c: c.page_size(100).limit(7), 7, [7, 4, 1]),
    ("objects, v1", 1000, lambda c: c.limit(5), 5, [5]),
    ("objects, v1", 100, lambda c: c.all(), 250, [None, None, None]),
    ("users", 100, lambda c: c.all(), 250, [None, None, None]),
    ("users", 1000, lambda c: c.limit(5), 5, [5]),
    ("users", 1000, lambda c: c.page_size(7).limit(15), 15, [7, 7, 1]),
    ("users", 100, lambda c: c.limit(250), 250, [250, 150, 50]),
    ("instances", 100, lambda c: c.all(), 250, [None, None, None]),
    ("instances", 100, lambda c: c.limit(3), 3, [5]),
    ("instances", 100, lambda c: c.limit(7), 7, [7]),
    ("instances", 100, lambda c: c.limit(12).page_size(10), 12, [10, 5]),
    ("instances", 100, lambda c: c.page_size(100).limit(101), 101, [100, 5]),
    ("queues", 1000, lambda c: c.all(), 250, [1000]),
    ("queues", 100, lambda c: c.all(), 250, [1000, 1000, 1000]),
    ("queues", 1000, lambda c: c.limit(3), 3, [3]),
    ("queues", 1000, lambda c: c.page_size(200), 250, [200, 200]),
    ("tables", 100, lambda c: c.all(), 250, [None, None, None]),
    ("tables", 100, lambda c: c.limit(3), 3, [3]),
    ("tables", 100, lambda c: c.limit(150), 150, [None, 50]),
    ("tables", 100, lambda c: c.page_size(99).limit(100), 100, [99, 1]),
    ("vaults", 10, lambda c: c.limit(3), 3, [3]),
    ("vaults", 10, lambda c: c.limit(25), 25, [None, None, 5]),
    ("vaults", 1000, lambda c: c.page_size(200), 250, [200, 200]),
    ("vaults", 1000, lambda c: c.filter(limit="200"), 250, [200, 200]),
    ("vaults", 1000, lambda c: c.filter(limit="2").limit(3), 3, [2, 1]),
]


@pytest.mark.parametrize("case", range(len(SIZES)))
async def test_a_limit_and_a_page_size_ask_for_no_more_than_is_wanted(
    session: aiosdk.Session, server: CountingServer, case: int
) -> None:
    what, most, chain, count, sizes = SIZES[case]
    collection, shelf, name = await shelved(session, server, what, 250, most)
    found = await chain(collection)
    assert [name(each) for each in found] == list(shelf.items[:count])
    assert shelf.sizes == sizes


@pytest.mark.parametrize(
    ("what", "least"), [*((what, 1) for what in COLLECTIONS if what != "instances"), ("instances", 5)]
)
async def test_first_asks_for_one(session: aiosdk.Session, server: CountingServer, what: str, least: int) -> None:
    collection, shelf, name = await shelved(session, server, what, 250, 100)
    for chained in (collection, collection.limit(3), collection.page_size(50)):
        first = await chained.first()
        assert name(first) == shelf.items[0]
    assert shelf.sizes == [least] * 3
    assert await collection.limit(0).first() is None
    assert len(shelf.asked) == 3
    shelf.items = []
    assert await collection.first() is None


async def test_sizes_are_spoken_in_the_words_of_the_service(session: aiosdk.Session, server: CountingServer) -> None:
    async def asked(what: str) -> dict[str, Any]:
        collection, shelf, _ = await shelved(session, server, what, 10, 100)
        await collection.limit(5)
        return shelf.asked[0]

    assert await asked("users") == {"MaxItems": "5"}
    assert await asked("instances") == {"MaxResults": "5"}
    assert await asked("queues") == {"MaxResults": 5}
    assert await asked("tables") == {"Limit": 5}
    assert await asked("vaults") == {"limit": "5"}
    assert server.requests[-1].path == "/-/vaults"


async def test_ec2_is_told_no_size_beside_ids(session: aiosdk.Session, server: CountingServer) -> None:
    collection, shelf, _ = await shelved(session, server, "instances", 1, 100)
    named = collection.filter(InstanceIds=["i00000", "i00001"])
    await named.limit(1)
    await named.first()
    ids = {"InstanceId.1": "i00000", "InstanceId.2": "i00001"}
    assert shelf.asked == [ids, ids]
    # What the user says himself is sent: EC2 will explain.
    await named.page_size(10)
    assert shelf.asked[-1] == {**ids, "MaxResults": "10"}


async def test_empty_pages_in_between_are_passed(session: aiosdk.Session, server: CountingServer) -> None:
    users = (await session.resource("iam")).users
    server.answer = book = Book(USERS, [[], ["a"], [], [], ["b", "c"], []])
    assert [user.name async for user in users] == ["a", "b", "c"]
    assert len(book.asked) == 6
    book.asked.clear()
    assert (await users.first()).name == "a"
    assert [len(page) async for page in users.pages()] == [0, 1, 0, 0, 2, 0]
    book.asked.clear()
    assert [user.name for user in await users.limit(2)] == ["a", "b"]
    assert len(book.asked) == 5


async def test_first_behind_thousands_of_common_prefixes_takes_few_requests(
    bucket: Any, server: CountingServer
) -> None:
    server.answer = shelf = Shelf(OBJECTS, [*(f"p{number}/" for number in range(4000)), "z"])
    assert (await bucket.objects.filter(Delimiter="/").first()).key == "z"
    assert shelf.sizes == [1, 4, 16, 64, 256, None, None, None, None]
    assert {each["delimiter"] for each in shelf.asked} == {"/"}


async def test_a_limit_grows_after_empty_pages_and_is_kept(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS, [*(f"p{number}/" for number in range(10)), *numbered("k", 100)])
    assert [each.key for each in await bucket.objects.filter(Delimiter="/").limit(5)] == numbered("k", 5)
    assert shelf.sizes == [5, 20]


async def test_a_page_shows_what_is_no_item(bucket: Any, server: CountingServer) -> None:
    server.answer = Shelf(OBJECTS, ["a/", "b/", "k", "l"], most=3)
    pages = [page async for page in bucket.objects.filter(Delimiter="/").pages()]
    assert [[each.key for each in page] for page in pages] == [["k"], ["l"]]
    assert pages[0].response["CommonPrefixes"] == [{"Prefix": "a/"}, {"Prefix": "b/"}]


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("lead", [0, 3, 30])
async def test_tokens_that_go_in_a_circle_raise_with_the_name_of_the_operation(
    bucket: Any, session: aiosdk.Session, server: CountingServer, length: int, lead: int
) -> None:
    pages = [[f"k{number}"] for number in range(1 + lead + length)]
    circle = {len(pages) - 1: len(pages) - length}
    server.answer = book = Book(OBJECTS, pages, circle)
    with pytest.raises(RepeatedTokenError, match=r"s3\.ListObjectsV2 .* ContinuationToken='\d+'") as raised:
        await bucket.objects
    assert isinstance(raised.value, PaginationError)
    assert len(book.asked) <= 3 * (lead + length) + 3
    # A limit that ends before does not care.
    assert len(await bucket.objects.limit(len(pages))) == len(pages)
    server.answer = Book(USERS, pages, circle)
    with pytest.raises(RepeatedTokenError, match=r"iam\.ListUsers .* Marker='\d+'"):
        await (await session.resource("iam")).users


async def test_the_page_that_repeats_a_token_is_given_before_the_error(bucket: Any, server: CountingServer) -> None:
    server.answer = Deleting(Book(OBJECTS, [["a"], ["b"]], after={1: 1}))
    pages = bucket.objects.pages()
    assert [each.key for each in await anext(pages)] == ["a"]
    assert [each.key for each in await anext(pages)] == ["b"]  # as in boto3: these are objects like any other
    with pytest.raises(RepeatedTokenError):
        await anext(pages)


async def test_two_tokens_of_which_one_stays_are_followed(bucket: Any, server: CountingServer) -> None:
    server.answer = book = Book(VERSIONS, [["a"], ["b"], ["c"]])
    assert [each.id async for each in bucket.object_versions] == ["a", "b", "c"]
    markers = [(each.get("key-marker"), each.get("version-id-marker")) for each in book.asked]
    assert markers == [(None, None), ("k", "1"), ("k", "2")]


async def test_a_token_of_the_users_is_where_the_first_page_begins(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS, numbered("k", 25), most=10)
    found = await bucket.objects.filter(ContinuationToken="10")
    assert [each.key for each in found] == shelf.items[10:]
    assert [each.get("continuation-token") for each in shelf.asked] == ["10", "20"]


async def test_start_after_stays_beside_the_tokens(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS, numbered("k", 25), most=20)
    await bucket.objects.filter(StartAfter="a", Prefix="k")
    fixed = {"start-after": "a", "prefix": "k", "fetch-owner": "true"}
    assert shelf.asked == [fixed, {**fixed, "continuation-token": "20"}]


async def test_a_marker_goes_to_version_1_which_continues_at_the_last_key(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS_OF_VERSION_1, numbered("k", 25), most=10)
    found = await bucket.objects.filter(Marker="k00004")
    assert [each.key for each in found] == shelf.items[5:]
    assert shelf.asked == [{"marker": "k00004"}, {"marker": "k00014"}]
    assert not any("list-type" in each.target for each in server.requests)


async def test_the_owner_need_not_be_asked_for(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS, ["k"])
    await bucket.objects.filter(FetchOwner=False)
    assert shelf.asked == [{"fetch-owner": "false"}]


async def test_a_chain_changes_nothing_that_it_is_made_from(bucket: Any, server: CountingServer) -> None:
    server.answer = shelf = Shelf(OBJECTS, numbered("k", 3))
    objects = bucket.objects
    filtered = objects.filter(Prefix="k")
    sized = filtered.page_size(50)
    limited = sized.limit(2)
    again = filtered.filter(Prefix="x", Delimiter="/")
    plain, prefix, page = {"fetch-owner": "true"}, {"prefix": "k"}, {"max-keys": "50"}
    wanted = [
        (limited, {**plain, **prefix, "max-keys": "2"}),
        (again, {**plain, "prefix": "x", "delimiter": "/"}),
        (sized, {**plain, **prefix, **page}),
        (filtered, {**plain, **prefix}),
        (objects, plain),
        (filtered.all(), {**plain, **prefix}),
    ]
    for collection, request in wanted * 2:
        await collection
        assert shelf.asked.pop() == request


async def test_filters_are_copied_and_added_up(session: aiosdk.Session, server: CountingServer) -> None:
    server.answer = shelf = Shelf(INSTANCES, ["i"])
    ec2 = await session.resource("ec2")
    mine = [{"Name": "tag:a", "Values": ["1"]}]
    kept = copy.deepcopy(mine)
    filtered = ec2.Vpc("vpc-1").instances.filter(Filters=mine)
    mine[0]["Values"].append("2")
    mine.append({"Name": "never", "Values": ["sent"]})
    more = filtered.filter(Filters=[{"Name": "tag:b", "Values": ["3"]}])
    first = {"Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1"}
    second = {"Filter.2.Name": "tag:a", "Filter.2.Value.1": "1"}
    third = {"Filter.3.Name": "tag:b", "Filter.3.Value.1": "3"}
    for collection, request in [(more, {**first, **second, **third}), (filtered, {**first, **second})] * 2:
        await collection
        assert shelf.asked.pop() == request
    assert filtered.filter(Filters=kept) is not filtered


WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda c: c.limit("3"), r"limit\('3'\) takes a whole number of at least 0, or None"),
    (lambda c: c.limit(-1), r"limit\(-1\) takes a whole number of at least 0"),
    (lambda c: c.limit(2.0), r"limit\(2\.0\)"),
    (lambda c: c.limit(True), r"limit\(True\)"),
    (lambda c: c.page_size(0), r"page_size\(0\) takes a whole number of at least 1, or None"),
    (lambda c: c.page_size("10"), r"page_size\('10'\)"),
    (lambda c: c.filter(limit=3), r"ListObjectsV2 has no parameter 'limit'; write \.limit\(n\)"),
    (lambda c: c.filter(page_size=3), r"no parameter 'page_size'; write \.page_size\(n\)"),
    (lambda c: c.filter(PaginationConfig={}), r"no parameter 'PaginationConfig'; write \.limit\(n\)"),
    (lambda c: c.filter(Marker="a", limit=3), r"ListObjects has no parameter 'limit'"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
async def test_a_wrong_number_is_refused_where_it_is_written(bucket: Any, server: CountingServer, case: int) -> None:
    write, message = WRONG[case]
    with pytest.raises(CollectionArgumentError, match=message) as raised:
        write(bucket.objects)
    assert isinstance(raised.value, (ValueError, TypeError))
    assert "b" in str(raised.value)
    assert server.requests == []


async def test_a_parameter_that_the_operation_does_not_have_raises_at_the_first_page(bucket: Any) -> None:
    collection = bucket.objects.filter(Nonsense=1)
    with pytest.raises(ParamValidationError, match="Nonsense"):
        await collection


@pytest.mark.parametrize("size", ["abc", "5", 2.5])
async def test_a_size_of_the_wrong_type_in_a_filter_is_botocores_to_explain(
    bucket: Any, server: CountingServer, size: object
) -> None:
    for collection in (bucket.objects.filter(MaxKeys=size), bucket.objects.filter(MaxKeys=size).limit(3)):
        with pytest.raises(ParamValidationError, match="MaxKeys"):
            await collection
    assert server.requests == []


async def test_what_is_used_as_a_list_says_what_to_write(bucket: Any, server: CountingServer) -> None:
    with pytest.raises(TypeError, match=r"(?s)objectsCollection.*s3\.Bucket\(name='b'\).*async for"):
        list(bucket.objects)
    assert server.requests == []


async def test_an_operation_without_a_paginator_is_paginated_by_the_tokens_of_its_model(
    session: aiosdk.Session, server: CountingServer
) -> None:
    ec2 = await session.resource("ec2", api_version="2015-04-15")
    assert not ec2.meta.client.can_paginate("describe_volumes")
    server.answer = shelf = Shelf(VOLUMES, numbered("v", 25), most=10)
    assert [volume.id async for volume in ec2.volumes] == shelf.items
    assert shelf.asked == [{}, {"NextToken": "10"}, {"NextToken": "20"}]
    shelf.asked.clear()
    await ec2.volumes.limit(7)
    await ec2.volumes.page_size(6).limit(9)
    assert shelf.sizes == [7, 6, 5]
