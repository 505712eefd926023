"""Values that DynamoDB has and has not, and a server that plays a table which refuses and leaves undone at random."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter, OrderedDict
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import boto3.dynamodb.types
from hypothesis import strategies as st

from aiosdk.resources.names import snake_case
from tests.support.server import Answer, CountingServer, Request

TheirBinary = boto3.dynamodb.types.Binary


class Colour(StrEnum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Number(int):
    pass


EXACT = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**30), max_value=10**30),
    st.builds(Decimal, st.from_regex(r"-?[1-9]\d{0,37}E-?[1-8]\d", fullmatch=True)),
)
ANY_NUMBER = EXACT | st.integers() | st.decimals() | st.builds(Number, st.integers(-9, 9))
TEXTS = st.text(max_size=8) | st.sampled_from([Colour.RED, Text("text")])
BYTES = st.binary(max_size=8)
BINARIES = BYTES | st.builds(bytearray, BYTES) | st.builds(TheirBinary, BYTES)
HASHABLE_BINARIES = BYTES | st.builds(TheirBinary, BYTES)
SETS = st.one_of(
    st.sets(EXACT, min_size=1, max_size=4),
    st.sets(TEXTS, min_size=1, max_size=4),
    st.sets(HASHABLE_BINARIES, min_size=1, max_size=4),
    st.frozensets(TEXTS, min_size=1, max_size=4),
    st.dictionaries(st.text(max_size=3), st.none(), min_size=1, max_size=3).map(lambda found: found.keys()),
)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values in lists, tuples and mappings of several kinds."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.text(max_size=5), inner, max_size=4),
            st.dictionaries(st.text(max_size=5), inner, max_size=3).map(OrderedDict),
            st.dictionaries(st.text(max_size=5), inner, max_size=3).map(MappingProxyType),
        ),
        max_leaves=15,
    )


GOOD = nested(st.one_of(st.none(), st.booleans(), EXACT, TEXTS, BINARIES, SETS))
"""What both serialise."""

JUNK = st.one_of(
    st.floats(),
    ANY_NUMBER,
    st.sampled_from([object, complex(1, 2), memoryview(b"x"), range(3), Decimal("1e200"), Decimal("1e-140"), 10**38]),
    st.sets(st.one_of(st.text(max_size=2), st.integers(2, 5), BYTES), min_size=2, max_size=4),
    st.sets(st.tuples(st.integers())).filter(bool),
    st.sets(st.floats(0.1, 0.9), min_size=1, max_size=3),
)
EVIL = nested(st.one_of(JUNK, EXACT, TEXTS))


class Table(CountingServer):
    """Plays one table, whose key is `id`: writes and reads batches, and does less than it is asked.

    Args:
        seed: Of its chances.
        throttled: The part of the requests that it refuses.
        left: The part of the items that it leaves unprocessed.
    """

    def __init__(self, seed: int = 0, throttled: float = 0.0, left: float = 0.0) -> None:
        super().__init__(self._answer)
        self.chance = random.Random(seed)
        self.throttled = throttled
        self.left = left
        self.items: dict[str, Any] = {}
        self.writes: Counter[str] = Counter()
        self.sizes: list[int] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[str, dict[str, Any]], Any] | None = None
        """Awaited before each answer; may give the answer."""

    async def _answer(self, request: Request) -> Answer:
        operation = request.headers["x-amz-target"].partition(".")[2]
        asked = json.loads(request.body)
        self.asked.append((operation, asked))
        if self.before is not None and (given := await self.before(operation, asked)) is not None:
            return given
        if self.chance.random() < self.throttled:
            return refusal("ProvisionedThroughputExceededException")
        return good(getattr(self, f"_{snake_case(operation)}")(asked))

    def _batch_write_item(self, asked: dict[str, Any]) -> Any:
        ((table, requests),) = asked["RequestItems"].items()
        self.sizes.append(len(requests))
        keys = [_key(next(iter(next(iter(each.values())).values()))) for each in requests]
        assert len(set(keys)) == len(keys), "DynamoDB refuses a request with the same key twice"
        assert 1 <= len(requests) <= 25
        left = []
        for key, each in zip(keys, requests, strict=True):
            if self.chance.random() < self.left:
                left.append(each)
                continue
            self.writes[key] += 1
            if "PutRequest" in each:
                self.items[key] = each["PutRequest"]["Item"]
            else:
                self.items.pop(key, None)
        return {"UnprocessedItems": {table: left} if left else {}}

    def _batch_get_item(self, asked: dict[str, Any]) -> Any:
        found: dict[str, list[Any]] = {}
        left: dict[str, Any] = {}
        count = 0
        for table, how in asked["RequestItems"].items():
            keys = [_key(each) for each in how["Keys"]]
            assert len(set(keys)) == len(keys)
            count += len(keys)
            for key, each in zip(keys, how["Keys"], strict=True):
                if self.chance.random() < self.left:
                    left.setdefault(table, {**how, "Keys": []})["Keys"].append(each)
                elif key in self.items:
                    found.setdefault(table, []).append(self.items[key])
        assert 1 <= count <= 100
        for items in found.values():
            self.chance.shuffle(items)
        return {"Responses": found, "UnprocessedKeys": left}

    def _scan(self, asked: dict[str, Any]) -> Any:
        segment, of = asked.get("Segment", 0), asked.get("TotalSegments", 1)
        items = [item for place, item in enumerate(self.items.values()) if place % of == segment]
        start = asked.get("ExclusiveStartKey")
        place = 0 if start is None else 1 + next(n for n, each in enumerate(items) if each["id"] == start["id"])
        page = items[place : place + asked.get("Limit", 10)]
        answer: dict[str, Any] = {"Items": page, "Count": len(page)}
        if place + len(page) < len(items):
            answer["LastEvaluatedKey"] = {"id": page[-1]["id"]}
        return answer

    _query = _scan


def _key(item: dict[str, Any]) -> str:
    return json.dumps(item["id"])


def good(answer: Any) -> Answer:
    return Answer(body=json.dumps(answer).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


def refusal(code: str, status: int = 400) -> Answer:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.0"})


def as_json(value: Any) -> Any:
    """A value as DynamoDB spells it, in JSON."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list) else value
