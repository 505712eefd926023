"""The client of the DynamoDB resource, on both lanes, against boto3's handlers around a plain client."""

from __future__ import annotations

import copy
import functools
import json
import operator
import os
import random
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import boto3.dynamodb.conditions
import pytest
from aiobotocore.config import AioConfig
from boto3.dynamodb.transform import TransformationInjector
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ParamValidationError

import aiosdk
from aiosdk.dynamodb import Attr, Binary, Key
from tests.conformance.test_dynamodb_types import shown
from tests.support.answers import answer
from tests.support.dynamodb import TheirBinary, as_json
from tests.support.inputs import Inputs, spoil
from tests.support.lanes import NEEDS_EXPRESS, Canned, Outcome, Sent, outcome

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
ROUNDS = 40 if DEEP else 4
ARGUMENTS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-west-2"}
EMPTY: Canned = (200, {"x-amzn-requestid": "r-1"}, b"{}")
THEIRS = boto3.dynamodb.conditions


@asynccontextmanager
async def clients() -> AsyncIterator[tuple[Any, Any]]:
    """The resource's client, and a plain one."""
    async with aiosdk.Session(**ARGUMENTS) as session:
        yield (await session.resource("dynamodb")).meta.client, await session.client("dynamodb")


def python_value(chance: random.Random, depth: int = 0) -> Any:
    """One of the values that a table takes."""
    kinds: list[Callable[[], Any]] = [
        lambda: chance.choice(["", "text", "grüße ✓", "\n"]),
        lambda: chance.choice([0, -7, 10**30, Decimal("1.50"), Decimal("-1E-5")]),
        lambda: chance.choice([None, True, False]),
        lambda: chance.choice([b"", b"\x00\xff", bytearray(b"ab"), TheirBinary(b"xy")]),
        lambda: chance.choice([{"a", "b"}, {1, Decimal("2.5")}, {b"a"}, {TheirBinary(b"z")}, frozenset({"c"})]),
    ]
    if depth < 3:
        kinds += [
            lambda: [python_value(chance, depth + 1) for _ in range(chance.randint(0, 3))],
            lambda: tuple(python_value(chance, depth + 1) for _ in range(chance.randint(0, 2))),
            lambda: {name: python_value(chance, depth + 1) for name in "abc"[: chance.randint(0, 3)]},
        ]
    return chance.choice(kinds)()


def with_values(shape: Any, value: Any, make: Callable[[], Any]) -> Any:
    """Parameters or an answer with other attribute values; of tuples, lists."""
    if shape.name == "AttributeValue":
        return make()
    if isinstance(value, dict) and shape.type_name == "structure":
        members = shape.members
        return {name: with_values(members[name], each, make) for name, each in value.items() if name in members}
    if isinstance(value, dict) and shape.type_name == "map":
        return {key: with_values(shape.value, each, make) for key, each in value.items()}
    if isinstance(value, list | tuple) and shape.type_name == "list":
        return [with_values(shape.member, each, make) for each in value]
    return value


def bodies(sent: list[Sent]) -> list[Any]:
    return [
        (each.method, each.url, each.headers.get("X-Amz-Target"), with_sets_sorted(json.loads(each.body or b"{}")))
        for each in sent
    ]


def with_sets_sorted(value: Any) -> Any:
    """The body of a request with sets in one order; a copy of a set may have another."""
    if isinstance(value, dict):
        return {
            key: sorted(each) if key in ("SS", "NS", "BS") and isinstance(each, list) else with_sets_sorted(each)
            for key, each in value.items()
        }
    return [with_sets_sorted(each) for each in value] if isinstance(value, list) else value


async def expected(client: Any, name: str, params: dict[str, Any], answers: list[Canned]) -> Outcome:
    """What boto3's handlers make of a call of a plain client."""
    injector, model = TransformationInjector(), client.meta.service_model.operation_model(name)

    async def call() -> Any:
        given = copy.deepcopy(params)
        if model.input_shape is not None:
            injector.inject_condition_expressions(given, model)
            injector.inject_attribute_value_input(given, model)
        parsed = await client._make_api_call(name, given)
        injector.inject_attribute_value_output(parsed, model)
        return parsed

    return await outcome(client, answers, call)


async def same(ours: Any, plain: Any, name: str, params: dict[str, Any], answers: list[Canned]) -> Outcome:
    """Make a call on both lanes and as boto3 does; gives what became of it, which must be the same."""
    theirs = await expected(plain, name, params, answers)
    before = copy.deepcopy(params)
    for lane in (ours._make_api_call, ours._reference):
        mine = await outcome(ours, answers, lambda lane=lane: lane(name, params))
        what = f"{name} {before!r:.2000}"
        if theirs.kind == "raises" and theirs.value[1].endswith("has no attribute 'update'"):
            assert mine.value[0] == "ParamValidationError", what  # placeholders that are no dictionary
            continue
        if mine.kind == "raises" and mine.value[1].startswith("An empty set"):
            continue
        if mine.kind == "raises" and mine.value[0] == "UnreadableAnswerError":  # an answer that does not come from AWS
            assert theirs.kind == "raises", what
            assert theirs.value[0] != "ClientError", what
            continue
        assert (mine.kind, shown(mine.value)) == (theirs.kind, shown(theirs.value)), what
        assert bodies(mine.sent) == bodies(theirs.sent), what
        assert shown(params) == shown(before), "the caller's parameters were changed"
    return theirs


@pytest.mark.timeout(900)
async def test_every_operation_takes_and_gives_what_it_does_in_boto3() -> None:
    counts: Counter[str] = Counter()
    async with clients() as (ours, plain):
        model = plain.meta.service_model
        for name in model.operation_names:
            operation = model.operation_model(name)
            for number in range(ROUNDS):
                seed = f"{name} {number}"
                chance, fill = random.Random(seed), (0.5, 1, 0.3, 0)[number % 4]
                params = Inputs(seed, fill).of(operation)
                if operation.input_shape is not None:
                    params = with_values(operation.input_shape, params, lambda chance=chance: python_value(chance))
                if number % 4 == 2:
                    params = spoil(params, seed)
                made = answer(operation, seed, fill) if operation.output_shape is not None else {"body": b"{}"}
                body = json.loads(made["body"])
                if number % 2 and operation.output_shape is not None:  # else values are of many types at once
                    body = with_values(
                        operation.output_shape,
                        body,
                        lambda chance=chance: as_json(TypeSerializer().serialize(python_value(chance))),
                    )
                answers: list[Canned] = [(200, {"x-amzn-requestid": "r-1"}, json.dumps(body).encode())]
                counts[(await same(ours, plain, name, params, answers)).kind] += 1
    print(dict(counts))
    assert counts["gives"] > 2 * counts["raises"] > 0


ITEM = {"id": {"S": "a"}, "n": {"N": "1.50"}, "b": {"B": "eHk="}, "l": {"L": [{"M": {"s": {"SS": ["x"]}}}]}}
WANTED = {"id": "a", "n": Decimal("1.50"), "b": Binary(b"xy"), "l": [{"s": {"x"}}]}


@NEEDS_EXPRESS
async def test_calls_of_the_resource_take_the_express_lane() -> None:
    async with clients() as (ours, plain):
        lanes = ours._open_lanes()
        for method in ("get_item", "query", "scan", "put_item", "batch_write_item", "transact_write_items"):
            assert ours.plan(method).lane == "express"
            assert "take Python's values" in str(ours.plan(method))
            assert "Python" not in str(plain.plan(method))
        body = json.dumps({"Items": [ITEM], "Count": 1}).encode()
        called: list[str] = []
        ours._reference = lambda *args: called.append("reference")
        result = await outcome(ours, [(200, {}, body)], lambda: ours.query(TableName="t", KeyConditions={}))
        assert result.value["Items"] == [WANTED]
        assert not called
        assert lanes.plan("Query") is not None


@pytest.mark.parametrize("of", ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS", "X"])
@pytest.mark.parametrize("content", [None, "", "text", "12", 5, True, [], {}, [None], {"a": None}, ["a"], {"a": {}}])
async def test_odd_answers_are_read_as_boto3_reads_them(of: str, content: Any) -> None:
    async with clients() as (ours, plain):
        for value in ({of: content}, {of: content, "S": "x"}, [of], None, {}):
            body = json.dumps({"Item": {"id": {"S": "a"}, "odd": value}}).encode()
            await same(ours, plain, "GetItem", {"TableName": "t", "Key": {"id": "a"}}, [(200, {}, body)])


async def test_an_error_says_by_a_note_which_attribute_it_is_about() -> None:
    async with clients() as (ours, _):
        wrong = {"id": 1, "deep": [{"a.b": {"c": {1.5}}}]}
        for call in (
            lambda: ours.put_item(TableName="t", Item=wrong),
            lambda: ours.transact_get_items(TransactItems=[{"Get": {"TableName": "t", "Key": wrong}}]),
        ):
            with pytest.raises(TypeError, match="Float") as caught:
                await call()
            assert caught.value.__notes__ == ["This is about the attribute 'deep[0].a.b.c'."]


async def test_what_is_nested_too_deeply_is_no_fault_of_an_answer() -> None:
    async with clients() as (ours, _):
        deep = functools.reduce(operator.or_, (Attr("a").eq(number) for number in range(5_000)))
        endless: list[Any] = []
        endless.append(endless)
        for condition in (deep, Attr("a").eq(endless)):
            with pytest.raises(ParamValidationError, match="Scan are nested too deeply"):
                await ours.scan(TableName="t", FilterExpression=condition)
        with pytest.raises(TypeError, match="Float"):
            await ours.put_item(TableName="t", Item={"id": "\ud800", "price": 1.5})


async def test_an_error_with_an_item_has_it_as_dynamodb_spells_it_as_in_boto3() -> None:
    error = {"__type": "x#ConditionalCheckFailedException", "message": "no", "Item": ITEM}
    reasons = {"__type": "x#TransactionCanceledException", "CancellationReasons": [{"Code": "None", "Item": ITEM}]}
    async with clients() as (ours, plain):
        put = {"TableName": "t", "Item": {"id": "a"}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        failed = await same(ours, plain, "PutItem", put, [(400, {}, json.dumps(error).encode())])
        assert failed.value[2]["Item"]["id"] == {"S": "a"}
        writes = {"TransactItems": [{"Put": {"TableName": "t", "Item": {"id": "a"}}}]}
        failed = await same(ours, plain, "TransactWriteItems", writes, [(400, {}, json.dumps(reasons).encode())])
        assert failed.value[2]["CancellationReasons"][0]["Item"]["id"] == {"S": "a"}


async def test_conditions_are_written_and_numbered_as_in_boto3() -> None:
    async with clients() as (ours, plain):
        for module in (THEIRS, aiosdk.dynamodb):
            params: dict[str, Any] = {
                "TableName": "t",
                "KeyConditionExpression": module.Key("a").eq(1) & module.Key("b").begins_with("x"),
                "FilterExpression": module.Attr("c.d[0]").is_in([1, "x", {b"y"}]) | ~module.Attr("e").size().lt(3),
                "ProjectionExpression": "#mine",
                "ExpressionAttributeNames": {"#mine": "m"},
                "ExpressionAttributeValues": {":mine": {"deep": [1]}},
            }
            mine = await outcome(ours, [EMPTY], lambda params=params: ours.query(**params))
            their_params = {
                **params,
                "KeyConditionExpression": THEIRS.Key("a").eq(1) & THEIRS.Key("b").begins_with("x"),
                "FilterExpression": THEIRS.Attr("c.d[0]").is_in([1, "x", {b"y"}]) | ~THEIRS.Attr("e").size().lt(3),
            }
            theirs = await expected(plain, "Query", their_params, [EMPTY])
            assert bodies(mine.sent) == bodies(theirs.sent)
            assert params["ExpressionAttributeNames"] == {"#mine": "m"}


async def sent_by(client: Any, method: str, **params: Any) -> dict[str, Any]:
    result = await outcome(client, [EMPTY], lambda: getattr(client, method)(**params))
    assert result.kind == "gives", result
    return json.loads(result.sent[0].body or b"")


async def test_placeholders_of_conditions_keep_off_those_of_the_caller() -> None:
    async with clients() as (ours, _):
        sent = await sent_by(
            ours,
            "query",
            TableName="t",
            KeyConditionExpression=Key("a").eq(1),
            FilterExpression="#n0 = :v0 AND #n2 < :v1",
            ProjectionExpression="#n3, b",
            ExpressionAttributeNames={"#n0": "x", "#n2": "y", "#n3": "z"},
            ExpressionAttributeValues={":v0": 1, ":v1": 2},
        )
        assert sent["KeyConditionExpression"] == "#n1 = :v2"
        assert sent["FilterExpression"] == "#n0 = :v0 AND #n2 < :v1"
        assert sent["ExpressionAttributeNames"] == {"#n0": "x", "#n2": "y", "#n3": "z", "#n1": "a"}
        assert sent["ExpressionAttributeValues"] == {":v0": {"N": "1"}, ":v1": {"N": "2"}, ":v2": {"N": "1"}}
        # Those that stand in an expression only (and are missing, which DynamoDB will say) are not given a meaning.
        sent = await sent_by(
            ours,
            "update_item",
            TableName="t",
            Key={"a": 1},
            UpdateExpression="SET #n0 = :v0",
            ConditionExpression=Attr("b").exists() & Attr("c").eq(2),
        )
        assert sent["ConditionExpression"] == "(attribute_exists(#n1) AND #n2 = :v1)"
        assert sent["ExpressionAttributeNames"] == {"#n1": "b", "#n2": "c"}


async def test_conditions_of_a_transaction_stand_with_their_placeholders() -> None:
    async with clients() as (ours, _):
        sent = await sent_by(
            ours,
            "transact_write_items",
            TransactItems=(
                {"Put": {"TableName": "t", "Item": {"a": 1}, "ConditionExpression": Attr("a").not_exists()}},
                {
                    "ConditionCheck": {
                        "TableName": "t",
                        "Key": {"a": 2},
                        "ConditionExpression": Attr("b").gt(Decimal(3)),
                    }
                },
            ),
        )
        put, check = (next(iter(each.values())) for each in sent["TransactItems"])
        assert put["ConditionExpression"] == "attribute_not_exists(#n0)"
        assert put["ExpressionAttributeNames"] == {"#n0": "a"}
        assert check["ExpressionAttributeValues"] == {":v0": {"N": "3"}}
        assert check["Key"] == {"a": {"N": "2"}}
        assert not sent.keys() & {"ExpressionAttributeNames", "ExpressionAttributeValues"}


async def test_what_a_hook_sees_and_changes_is_what_it_does_in_boto3() -> None:
    async with clients() as (ours, _):
        seen: list[Any] = []
        ours.meta.events.register("provide-client-params.dynamodb.PutItem", lambda params, **_: seen.append(params))
        ours.meta.events.register(
            "before-parameter-build.dynamodb.PutItem", lambda params, **_: params["Item"].update(stamp=[1])
        )
        ours.meta.events.register_last("before-parameter-build.dynamodb", lambda params, **_: seen.append(dict(params)))
        ours.meta.events.register_last("after-call.dynamodb", lambda parsed, **_: seen.append(parsed["Attributes"]))
        item = {"id": "a", "nested": [{"x": 1}]}
        answers: list[Canned] = [(200, {}, json.dumps({"Attributes": ITEM}).encode())]
        result = await outcome(ours, answers, lambda: ours.put_item(TableName="t", Item=item))
        given, low, attributes = seen
        assert given["Item"] is item
        assert item == {"id": "a", "nested": [{"x": 1}]}
        assert low["Item"]["stamp"] == {"L": [{"N": "1"}]}
        assert json.loads(result.sent[0].body or b"")["Item"]["stamp"] == {"L": [{"N": "1"}]}
        assert attributes == WANTED == result.value["Attributes"]


async def test_what_a_hook_changes_is_a_copy_whatever_it_stands_in() -> None:
    class Row(dict[str, Any]):
        pass

    def change(params: dict[str, Any], **_: Any) -> None:
        for value in params["Item"].values():
            for each in value if isinstance(value, tuple) else value.values():
                each.append("changed")

    async with clients() as (ours, _):
        ours.meta.events.register("before-parameter-build.dynamodb.PutItem", change)
        item = {"row": Row(a=[]), "ordered": OrderedDict(a=[]), "tuple": ([],), "proxy": MappingProxyType({"a": []})}
        result = await outcome(ours, [EMPTY], lambda: ours.put_item(TableName="t", Item=item))
        assert (result.sent[0].body or b"").count(b"changed") == 4
        assert (item["row"], item["ordered"], item["tuple"]) == ({"a": []}, {"a": []}, ([],))


async def test_a_handler_that_is_unregistered_by_its_name_is_gone() -> None:
    async with clients() as (ours, _):
        ours.meta.events.unregister("after-call.dynamodb", unique_id="dynamodb-attr-value-output")
        answers: list[Canned] = [(200, {}, json.dumps({"Item": ITEM}).encode())]
        result = await outcome(ours, answers, lambda: ours.get_item(TableName="t", Key={"id": "a"}))
        assert result.value["Item"]["n"] == {"N": "1.50"}


@pytest.mark.parametrize("config", [None, AioConfig(user_agent_extra="mine")])
@pytest.mark.parametrize("first", ["client", "resource"])
async def test_a_client_stays_what_it_is_beside_a_resource(config: Any, first: str) -> None:
    async with aiosdk.Session(**ARGUMENTS) as session:
        for name in (first, "resource" if first == "client" else "client"):
            await getattr(session, name)("dynamodb", config=config)
        client = await session.client("dynamodb", config=config)
        resource = await session.resource("dynamodb", config=config)
        assert resource.meta.client is not client
        assert (await session.resource("dynamodb", config=config)).meta.client is resource.meta.client
        low = await sent_by(client, "get_item", TableName="t", Key={"id": {"S": "a"}})
        high = await sent_by(resource.meta.client, "get_item", TableName="t", Key={"id": "a"})
        assert low == high


async def test_paginators_take_conditions_and_give_pythons_values() -> None:
    async with clients() as (ours, _):
        pages = ours.get_paginator("query").paginate(TableName="t", KeyConditionExpression=Key("id").eq("a"))
        answers: list[Canned] = [
            (200, {}, json.dumps({"Items": [ITEM], "LastEvaluatedKey": {"id": {"S": "a"}}}).encode()),
            (200, {}, json.dumps({"Items": [ITEM]}).encode()),
        ]

        async def call() -> Any:
            return [page["Items"] async for page in pages]

        result = await outcome(ours, answers, call)
        assert result.value == [[WANTED], [WANTED]]
        first, second = (json.loads(each.body or b"") for each in result.sent)
        assert second == {**first, "ExclusiveStartKey": {"id": {"S": "a"}}}
