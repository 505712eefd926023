"""The layered emitter calls the handlers that aiobotocore's would, in the same order."""

from __future__ import annotations

import copy
from typing import Any
from unittest import mock

import botocore.handlers
import pytest
from aiobotocore.hooks import AioHierarchicalEmitter
from aiobotocore.session import AioSession
from botocore.handlers import decode_list_object_v2
from hypothesis import given, settings
from hypothesis import strategies as st

import aiosdk
from aiosdk._aws.events import LayeredEmitter, LayeredTrie, built_in_emitter
from aiosdk._aws.s3_bodies import DecodeEncoded, find_error
from aiosdk._aws.second_chance import give_second_chance

PARTS = ["before-call", "s3", "ec2", "PutObject", "*"]
names = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(".".join)
events = st.lists(st.sampled_from(PARTS[:-1]), min_size=1, max_size=5).map(".".join)


def _handler(number: int) -> Any:
    def handler(**_: Any) -> int:
        return number

    return handler


HANDLERS = [_handler(number) for number in range(6)]
steps = st.tuples(
    st.sampled_from(["register", "register_first", "register_last", "unregister"]), names, st.sampled_from(HANDLERS)
)


def _apply(emitter: Any, step: tuple[str, str, Any]) -> Exception | None:
    how, name, handler = step
    try:
        getattr(emitter, how)(name, handler)
    except Exception as error:
        return error
    return None


@settings(max_examples=400, deadline=None)
@given(below=st.lists(steps, max_size=12), above=st.lists(steps, max_size=12), asked=st.lists(events, min_size=1))
def test_a_layered_emitter_finds_handlers_as_a_plain_one(below: list[Any], above: list[Any], asked: list[str]) -> None:
    plain, base = AioHierarchicalEmitter(), AioHierarchicalEmitter()
    for step in below:
        _apply(plain, step)
        _apply(base, step)
    layered = LayeredEmitter()
    layered._handlers = LayeredTrie(base._handlers)
    frozen = {name: list(base._handlers.prefix_search(name)) for name in asked}
    for step in above:
        # botocore's trie trips over a node that holds nothing; ours says what it says for any other unknown handler.
        assert _apply(layered, step) is None
        assert isinstance(_apply(plain, step), AttributeError | None)
    for name in asked:
        assert list(layered._handlers.prefix_search(name)) == list(plain._handlers.prefix_search(name))
        assert list(base._handlers.prefix_search(name)) == frozen[name], "the shared layer has changed"


@settings(max_examples=100, deadline=None)
@given(first=st.lists(steps, max_size=6), later=st.lists(steps, max_size=6), name=events)
def test_a_copy_and_its_original_go_separate_ways(first: list[Any], later: list[Any], name: str) -> None:
    original = built_in_emitter()
    for step in first:
        _apply(original, step)
    before = list(original._handlers.prefix_search(name))
    twin = copy.copy(original)
    assert list(twin._handlers.prefix_search(name)) == before
    for step in later:
        _apply(twin, step)
    assert list(original._handlers.prefix_search(name)) == before


# Handlers of botocore's in whose place there is one of ours.
OURS = {"_handle_200_error": find_error}


def test_the_built_in_handlers_are_aiobotocores() -> None:
    theirs = AioHierarchicalEmitter()
    AioSession(event_hooks=theirs)
    ours = built_in_emitter()

    def walk(node: Any, path: tuple[str, ...] = ()) -> Any:
        yield ".".join(path)
        for part, child in node["children"].items():
            yield from walk(child, (*path, part))

    known = [name for name in walk(theirs._handlers._root) if name]
    assert len(known) > 100
    for name in known:
        found = [each for each in ours._handlers.prefix_search(name) if each is not give_second_chance]
        expected = list(theirs._handlers.prefix_search(name))
        assert [_named(each) for each in found] == [
            _named(OURS.get(getattr(each, "__qualname__", ""), each)) for each in expected
        ]


async def test_what_a_library_does_to_the_list_of_built_in_handlers_counts_for_new_sessions() -> None:
    asked: list[str] = []

    async def mine(event_name: str, **_: Any) -> None:
        asked.append(event_name)

    names = "mine.s3", "after-call.s3.ListObjectsV2"
    before = built_in_emitter()
    usual = [list(before._handlers.prefix_search(name)) for name in names]
    others = [each for each in botocore.handlers.BUILTIN_HANDLERS if each[1] is not decode_list_object_v2]
    with mock.patch.object(botocore.handlers, "BUILTIN_HANDLERS", [*others, ("mine", mine)]):
        ours = built_in_emitter()
        theirs = AioHierarchicalEmitter()
        AioSession(event_hooks=theirs)
        for name in names:
            found, expected = ([*each._handlers.prefix_search(name)] for each in (ours, theirs))
            assert [_named(each) for each in found] == [_named(each) for each in expected]
        await ours.emit("mine.s3")
        assert asked == ["mine.s3"]
        ours.unregister("mine", mine)
        assert mine not in ours._handlers.prefix_search(names[0])
        assert mine in built_in_emitter()._handlers.prefix_search(names[0])
    for emitter in (before, built_in_emitter()):
        assert [list(emitter._handlers.prefix_search(name)) for name in names] == usual


def _named(handler: Any) -> Any:
    # Bound methods of objects that each emitter has anew; what is ours in botocore's place equals that.
    handler = getattr(handler, "_decode", getattr(handler, "__wrapped__", handler))
    return getattr(handler, "__qualname__", handler)


def test_keys_are_decoded_as_botocores_handler_does_and_only_where_it_would() -> None:
    page = {"EncodingType": "url", "Prefix": "a%2Fb", "Contents": [{"Key": "a+b"}, {"Key": "c"}]}
    for encoding in ("url", None):
        for contents in ([{"Key": "a+b%20"}], [{"Key": "plain"}], [{}], None):
            for context in ({"encoding_type_auto_set": True}, {}):
                ours, theirs = [{**page, "EncodingType": encoding, "Contents": copy.deepcopy(contents)} for _ in "12"]
                outcomes = [
                    _raised(lambda handler=handler, of=of, context=context: handler(parsed=of, context=context))
                    for handler, of in ((DecodeEncoded(decode_list_object_v2), ours), (decode_list_object_v2, theirs))
                ]
                assert (ours, outcomes[0]) == (theirs, outcomes[1])


def test_a_handler_of_ours_is_unregistered_as_botocores() -> None:
    emitter = built_in_emitter()
    assert emitter._handlers.prefix_search("after-call.s3.ListObjectsV2")
    emitter.unregister("after-call.s3.ListObjectsV2", decode_list_object_v2)
    assert not emitter._handlers.prefix_search("after-call.s3.ListObjectsV2")


def _raised(call: Any) -> type[Exception] | None:
    try:
        call()
    except Exception as error:
        return type(error)
    return None


async def test_handlers_may_be_plain_functions_or_coroutines() -> None:
    emitter = built_in_emitter()

    async def slow(**_: Any) -> str:
        return "coroutine"

    emitter.register("mine.one", slow)
    emitter.register("mine", _handler(7))
    assert [answer for _, answer in await emitter.emit("mine.one")] == ["coroutine", 7]
    assert (await emitter.emit_until_response("mine.one"))[1] == "coroutine"


def test_a_handler_must_take_keyword_arguments() -> None:
    for emitter in (LayeredEmitter(), AioHierarchicalEmitter()):
        with pytest.raises(ValueError, match=r"must accept keyword arguments \(\*\*kwargs\)"):
            emitter.register("before-call", lambda params: None)
        with pytest.raises(ValueError, match="must be callable"):
            emitter.register("before-call", "print")


async def test_an_attribute_that_a_client_lacks_is_asked_of_hooks_as_in_boto3() -> None:
    asked: list[Any] = []

    def give(event_name: str, client: Any, **_: Any) -> Any:
        asked.append((event_name, client))
        return 7 if event_name.endswith("mine") else None

    async def slow(**_: Any) -> int:
        return 8

    async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
        session.events.register("getattr.sqs", give)
        with pytest.raises(ValueError, match="must be a plain function"):
            session.events.register("getattr.sqs.mine", slow)
        sqs: Any = await session.client("sqs")
        sqs.meta.events.register("*", slow)
        assert sqs.mine == 7
        assert asked == [("getattr.sqs.mine", sqs)]
        assert not hasattr(sqs, "other")
        assert sqs.with_options(timeout=1).mine == 7
        for name in ("other", "mine"):
            with pytest.raises(aiosdk.exceptions.UnknownOperationError):
                sqs.plan(name)
        asked.clear()
        assert not hasattr(sqs, "_other")
        assert copy.copy(sqs).mine == 7
        # botocore has kept the older name of a method of this service.
        mturk: Any = await session.client("mturk")
        assert mturk.list_hi_ts_for_qualification_type == mturk.list_hits_for_qualification_type
    async with aiosdk.Session("a", "b", region_name="us-east-1", botocore_session=AioSession()) as session:
        session.events.register("getattr.sqs.mine", give)
        assert (await session.client("sqs")).mine == 7  # type: ignore[attr-defined]
