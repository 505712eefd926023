"""DynamoDB's types: our serialiser and deserialiser against boto3's, and where they differ on purpose."""

from __future__ import annotations

import copy
import decimal
import json
import os
import pickle
import re
import subprocess
import sys
from collections import OrderedDict
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import boto3.dynamodb.types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk.dynamodb import Binary, TypeDeserializer, TypeSerializer
from tests.support.dynamodb import EVIL, GOOD, TheirBinary

DEEP = 20 if os.environ.get("AIOSDK_DEEP") == "1" else 1
OURS, THEIRS = TypeSerializer(), boto3.dynamodb.types.TypeSerializer()
OUR_READER, THEIR_READER = TypeDeserializer(), boto3.dynamodb.types.TypeDeserializer()
NUMBERS = st.sampled_from(["0", "-0", "1.50", "1E+5", "NaN", "Infinity", "12345678901234567890123456789012345678"])
LOW = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, st.text(max_size=5)),
        st.builds(lambda text: {"N": text}, NUMBERS | st.integers(-99, 99).map(str)),
        st.builds(lambda data: {"B": data}, st.binary(max_size=5)),
        st.builds(lambda value: {"BOOL": value}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda values: {"SS": values}, st.lists(st.text(max_size=3), max_size=3)),
        st.builds(lambda values: {"NS": values}, st.lists(NUMBERS.filter(lambda text: text != "NaN"), max_size=3)),
        st.builds(lambda values: {"BS": values}, st.lists(st.binary(max_size=3), max_size=3)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3)),
        st.builds(lambda values: {"M": values}, st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    ),
    max_leaves=12,
)
ODD = st.sampled_from(
    [{}, {"X": 1}, {1: 2}, {"s": "x"}, {"S": None}, {"S": "a", "N": "1"}, {"N": "x"}, {"N": "1" * 39}]
)


def result(call: Any, value: Any) -> Any:
    """What a function gives, or the error that it raises."""
    try:
        return call(value)
    except Exception as error:
        return type(error), str(error)


def shown(value: Any) -> Any:
    """A value in which numbers are told apart that are equal, NaN is like NaN, and sets have an order."""
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    if isinstance(value, set):
        return {repr(each) for each in value}
    return re.sub(r" at 0x\w+", "", repr(value))


@settings(max_examples=400 * DEEP, deadline=None, derandomize=True)
@given(GOOD)
def test_what_boto3_serialises_is_serialised_alike(value: Any) -> None:
    low = OURS.serialize(value)
    assert low == THEIRS.serialize(value)
    read = OUR_READER.deserialize(low)
    assert shown(read) == shown(THEIR_READER.deserialize(low))
    assert OUR_READER.deserialize(OURS.serialize(read)) == read


def repaired(value: Any) -> bool:
    """Whether there is something in a value that boto3 lets pass and we do not."""
    if isinstance(value, dict | MappingProxyType):
        return any(map(repaired, value.values()))
    if isinstance(value, list | tuple):
        return any(map(repaired, value))
    if isinstance(value, Decimal):
        return not value.is_finite()
    return isinstance(value, set) and any(isinstance(each, float) for each in value)  # whose order decides the error


@settings(max_examples=400 * DEEP, deadline=None, derandomize=True)
@given(EVIL)
def test_what_boto3_refuses_is_refused_in_the_same_words(value: Any) -> None:
    ours, theirs = result(OURS.serialize, value), result(THEIRS.serialize, value)
    if repaired(value):
        assert isinstance(ours, tuple)
        assert issubclass(ours[0], TypeError | decimal.DecimalException)
    else:
        assert ours == theirs


@settings(max_examples=400 * DEEP, deadline=None, derandomize=True)
@given(LOW | st.builds(lambda one, odd: {"L": [one, odd]}, LOW, ODD) | ODD)
def test_what_boto3_deserialises_is_deserialised_alike(low: Any) -> None:
    ours, theirs = result(OUR_READER.deserialize, low), result(THEIR_READER.deserialize, low)
    assert shown(ours) == shown(theirs)


@pytest.mark.parametrize("value", ["-Infinity", "sNaN", "-sNaN", "NaN123", "Infinity", "NaN", "-NaN"])
def test_no_number_passes_that_is_not_finite(value: str) -> None:
    for held in (Decimal(value), [Decimal(value)], {"a": {"b": Decimal(value)}}):
        with pytest.raises(TypeError, match="Infinity and NaN not supported"):
            OURS.serialize(held)


def test_sets_that_dynamodb_does_not_have_are_refused() -> None:
    for empty in (set(), frozenset(), {}.keys()):
        with pytest.raises(TypeError, match=r"empty set.*Leave the attribute out"):
            OURS.serialize({"tags": empty})
    for booleans in ({True}, {True, False}, {True, 2}):
        with pytest.raises(TypeError, match="set of booleans"):
            OURS.serialize(booleans)


def test_a_float_is_refused_with_what_to_use() -> None:
    with pytest.raises(TypeError, match=r"Float types are not supported\. Use Decimal types instead\."):
        OURS.serialize({"price": 1.5})


def test_binaries_of_both_kinds_are_equal_and_hash_alike() -> None:
    ours, theirs = Binary(b"xy"), TheirBinary(b"xy")
    assert ours == theirs == ours == b"xy" == ours == bytearray(b"xy")
    assert ours != Binary(b"x") != theirs
    assert ours != "xy"
    assert len({ours, theirs, b"xy", Binary(bytearray(b"xy"))}) == 1
    assert bytes(Binary(bytearray(b"xy"))) == b"xy"
    assert str(Binary(b"")) == "Binary(b'')" == repr(Binary(b""))
    assert len(ours) == 2
    assert copy.deepcopy(ours) == ours
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(ours, protocol)) == ours
    for wrong in ("xy", 5, None):
        assert result(Binary, wrong) == result(TheirBinary, wrong)


def test_binaries_of_ours_are_serialised_as_those_of_boto3() -> None:
    def item(kind: Any) -> Any:
        return [kind(b"x"), {"a": {kind(b"y")}}, kind(bytearray(b"z"))]

    assert OURS.serialize(item(Binary)) == OURS.serialize(item(TheirBinary)) == THEIRS.serialize(item(TheirBinary))


def test_derived_classes_are_asked_for_each_value_within_another_as_in_boto3() -> None:
    def serializer(base: Any) -> Any:
        class Rounding(base):  # type: ignore[misc]
            def serialize(self, value: Any) -> Any:
                return super().serialize(Decimal(str(value)) if isinstance(value, float) else value)

        return Rounding()

    def deserializer(base: Any) -> Any:
        class Plain(base):  # type: ignore[misc]
            def deserialize(self, value: Any) -> Any:
                found = super().deserialize(value)
                return float(found) if isinstance(found, Decimal) else found

        return Plain()

    item = {"a": [1.5, {"b": [2.5, OrderedDict(c=3.5)]}], "d": {"e"}, "f": 4.5}
    serialized = serializer(TypeSerializer).serialize(item)
    assert serialized == serializer(boto3.dynamodb.types.TypeSerializer).serialize(item)
    for low in (serialized, {"L": []}, {"M": {}}, {}, {"X": 1}):
        ours = result(deserializer(TypeDeserializer).deserialize, low)
        assert ours == result(deserializer(boto3.dynamodb.types.TypeDeserializer).deserialize, low)


def test_what_is_serialised_is_json_but_for_bytes() -> None:
    item = {"a": 1, "b": Decimal("1.50"), "c": [True, None], "d": {"e"}}
    assert json.loads(json.dumps(OURS.serialize(item))) == THEIRS.serialize(item)


def test_the_types_are_imported_without_anything_heavy_and_without_boto3() -> None:
    code = (
        "import sys, aiosdk; aiosdk.dynamodb.TypeSerializer().serialize([b'x', {1}, 2]); aiosdk.dynamodb.Key('a');"
        "print([m for m in ('aiohttp', 'aiobotocore', 'boto3', 'jmespath', 'botocore.session') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
