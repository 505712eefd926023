"""Conditions: our expressions against boto3's, from the same calls; and what is refused here and not there."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import boto3.dynamodb.conditions as theirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aiosdk
import aiosdk.dynamodb as ours
from aiosdk import exceptions
from aiosdk.services.dynamodb import conditions

DEEP = 20 if os.environ.get("AIOSDK_DEEP") == "1" else 1
NAMES = st.sampled_from(["a", "a.b", "a[0]", "a.b[1][2].c", "with space", "a-b", "ünï", "a..b", "[0]", "x[y]"])
VALUES = st.one_of(
    st.integers(-9, 9), st.text(max_size=3), st.booleans(), st.lists(st.integers(), max_size=2), st.none()
)
WITH_ONE = st.sampled_from(["eq", "lt", "lte", "gt", "gte", "begins_with", "ne", "contains"])
COMPARED = st.one_of(
    st.tuples(WITH_ONE, VALUES),
    st.tuples(st.just("between"), VALUES, VALUES),
    st.tuples(st.just("is_in"), st.lists(VALUES, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["exists", "not_exists"])),
    st.tuples(st.just("attribute_type"), st.sampled_from(["S", "N"])),
)
OF_SIZE = st.tuples(st.just("size"), st.sampled_from(["eq", "lt", "gte"]), st.integers(0, 9))
TREES = st.recursive(
    st.tuples(st.just("attribute"), NAMES, COMPARED) | st.tuples(st.just("size"), NAMES, OF_SIZE),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=6,
)


def build(module: Any, tree: Any) -> Any:
    """Make a condition with the classes of a module."""
    match tree:
        case ("attribute", name, (method, *values)):
            return getattr(module.Attr(name), method)(*values)
        case ("size", name, (_, method, value)):
            return getattr(module.Attr(name).size(), method)(value)
        case ("and", one, two):
            return build(module, one) & build(module, two)
        case ("or", one, two):
            return build(module, one) | build(module, two)
        case (_, one):
            return ~build(module, one)
    raise AssertionError(tree)


@settings(max_examples=400 * DEEP, deadline=None, derandomize=True)
@given(TREES, TREES)
def test_expressions_are_those_of_boto3_from_conditions_of_either(tree: Any, other: Any) -> None:
    mine, foreign = ours.ConditionExpressionBuilder(), theirs.ConditionExpressionBuilder()
    for each in (tree, other):  # the numbers go on
        built = mine.build_expression(build(ours, each))
        assert built == foreign.build_expression(build(theirs, each))
        assert built._fields == theirs.BuiltConditionExpression._fields
    mine.reset()
    assert mine.build_expression(build(theirs, tree)) == theirs.ConditionExpressionBuilder().build_expression(
        build(theirs, tree)
    )
    condition, twin = build(ours, tree), build(ours, tree)
    assert condition == twin
    assert hash(condition) == hash(twin)
    assert (condition == build(ours, other)) == (build(theirs, tree) == build(theirs, other))
    assert (condition != build(ours, other)) == (build(theirs, tree) != build(theirs, other))
    assert repr(condition)


@settings(max_examples=300, deadline=None)
@given(path=st.text("ab.[]0 ", min_size=1, max_size=14))
def test_any_path_has_the_names_that_boto3_finds_in_it(path: str) -> None:
    built = ours.ConditionExpressionBuilder().build_expression(ours.Attr(path).exists())
    expected = theirs.ConditionExpressionBuilder().build_expression(theirs.Attr(path).exists())
    assert built == expected


def test_every_class_and_method_of_boto3s_module_is_here() -> None:
    for name, kind in vars(theirs).items():
        if isinstance(kind, type) and issubclass(kind, theirs.ConditionBase | theirs.AttributeBase):
            mine = getattr(conditions, name)
            assert {each for each in dir(kind) if not each.startswith("_")} == {
                each for each in dir(mine) if not each.startswith("_")
            }
            for member in ("expression_format", "expression_operator", "has_grouped_values"):
                assert getattr(mine, member, None) == getattr(kind, member, None)
    assert ours.And(ours.Attr("a").eq(1), ours.Attr("b").eq(2)) == ours.Attr("a").eq(1) & ours.Attr("b").eq(2)
    assert ours.Or(ours.Attr("a").eq(1), ours.Attr("b").eq(2)) == ours.Attr("a").eq(1) | ours.Attr("b").eq(2)
    assert ours.Not(ours.Attr("a").eq(1)) == ~ours.Attr("a").eq(1)
    expression = ours.Key("a").between(1, 2).get_expression()
    assert expression == {**theirs.Key("a").between(1, 2).get_expression(), "values": (ours.Key("a"), 1, 2)}


def test_conditions_of_boto3_combine_with_ours() -> None:
    mixed = ours.Key("a").eq(1) & theirs.Key("b").eq(2) | theirs.Attr("c").exists()
    built = ours.ConditionExpressionBuilder().build_expression(mixed)
    assert built.condition_expression == "((#n0 = :v0 AND #n1 = :v1) OR attribute_exists(#n2))"
    keys = ours.ConditionExpressionBuilder().build_expression(theirs.Key("a").eq(1), is_key_condition=True)
    assert keys.condition_expression == "#n0 = :v0"


def test_a_condition_has_no_truth() -> None:
    one, two = ours.Attr("a").eq(1), ours.Attr("b").eq(2)
    for wrong in (lambda: one and two, lambda: one or two, lambda: not one, lambda: bool(one)):
        with pytest.raises(TypeError, match=r"neither true nor false.*Attr\('a'\) = 1.*`&`"):
            wrong()


def test_conditions_hash_and_show_what_they_say() -> None:
    condition = (ours.Key("shop").eq("here") & ~ours.Attr("tags").contains(Decimal(1))) | ours.Attr("n").size().lt(3)
    assert repr(condition) == (
        "((Key('shop') = 'here' AND (NOT contains(Attr('tags'), Decimal('1')))) OR size(Attr('n')) < 3)"
    )
    assert {condition: 1}[condition] == 1
    assert hash(ours.Attr("a").is_in([[1], {2}])) == hash(ours.Attr("a").is_in([[1], {2}]))
    assert ours.Attr("a") == ours.Attr("a") != ours.Key("a")
    assert ours.Attr("a") != "a"


def test_is_in_takes_values_and_not_none_of_them() -> None:
    for nothing in ([], (), set(), iter(())):
        with pytest.raises(ValueError, match="no values at all"):
            ours.Attr("a").is_in(nothing)
    with pytest.raises(ValueError, match="no values at all"):
        ours.ConditionExpressionBuilder().build_expression(theirs.Attr("a").is_in([]))
    from_iterator = ours.Attr("a").is_in(iter([1, 2]))
    for _ in range(2):  # it can be written more than once
        built = ours.ConditionExpressionBuilder().build_expression(from_iterator)
        assert built.condition_expression == "#n0 IN (:v0, :v1)"


def test_what_is_no_condition_is_refused_by_name() -> None:
    condition = ours.Attr("a").eq(1)
    for wrong in (
        lambda: condition & ours.Attr("b"),
        lambda: condition | 5,
        lambda: ours.Attr("b") & condition,
        lambda: ours.Key("b") | condition,
        lambda: ~ours.Attr("b"),
    ):
        with pytest.raises(exceptions.DynamoDBOperationNotSupportedError, match=r"operation cannot be applied to"):
            wrong()
    with pytest.raises(exceptions.DynamoDBNeedsConditionError, match="got 'a = b' of type str"):
        ours.ConditionExpressionBuilder().build_expression("a = b")
    for attribute in (ours.Attr("b"), theirs.Attr("b")):
        with pytest.raises(exceptions.DynamoDBNeedsKeyConditionError, match=r"b is of type Attr.*write Key\('b'\)"):
            ours.ConditionExpressionBuilder().build_expression(
                ours.Key("a").eq(1) & attribute.eq(2), is_key_condition=True
            )


def test_placeholders_that_are_taken_are_not_given_again() -> None:
    builder = ours.ConditionExpressionBuilder(taken={"#n0", ":v1"})
    built = builder.build_expression(ours.Attr("a.b").between(1, 2))
    assert built.condition_expression == "#n1.#n2 BETWEEN :v0 AND :v2"
    assert built.attribute_name_placeholders == {"#n1": "a", "#n2": "b"}
    assert built.attribute_value_placeholders == {":v0": 1, ":v2": 2}


def test_the_module_is_there_without_being_imported() -> None:
    assert aiosdk.dynamodb is ours
    for name in ours.__all__:
        assert getattr(ours, name).__doc__
