"""Writes conditions as DynamoDB's expressions, with placeholders for names and values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiosdk.exceptions import DynamoDBNeedsConditionError, DynamoDBNeedsKeyConditionError
from aiosdk.services.dynamodb.conditions import is_attribute, is_condition, is_key

if TYPE_CHECKING:
    from collections.abc import Container

# What dots and brackets leave of a path.
_NAMES: Final = re.compile(r"[^.\[\]]+")


class BuiltConditionExpression(NamedTuple):
    """An expression with what its placeholders stand for."""

    condition_expression: str
    attribute_name_placeholders: dict[str, str]
    attribute_value_placeholders: dict[str, Any]


class ConditionExpressionBuilder:
    """Writes conditions as expressions. The placeholders are numbered through all that it builds.

    Args:
        taken: Placeholders that are in use already, and are not to be given again.
    """

    def __init__(self, taken: Container[str] = ()) -> None:
        self._taken = taken
        self.reset()

    def reset(self) -> None:
        """Begin the numbers of the placeholders anew."""
        self._counts = {"#n": 0, ":v": 0}

    def build_expression(self, condition: Any, is_key_condition: bool = False) -> BuiltConditionExpression:
        """Write a condition as an expression.

        Args:
            condition: A condition, of ours or of boto3's.
            is_key_condition: Whether it is for a `KeyConditionExpression`, which has keys only.

        Raises:
            DynamoDBNeedsConditionError: It is no condition.
            DynamoDBNeedsKeyConditionError: There is an `Attr` in a condition on the key.
            ValueError: There is an `is_in` without values.
        """
        if not is_condition(condition):
            raise DynamoDBNeedsConditionError(kind=type(condition).__name__, value=repr(condition)[:80])
        built = BuiltConditionExpression("", {}, {})
        return built._replace(condition_expression=self._condition(condition, built, is_key_condition))

    def _condition(self, condition: Any, built: BuiltConditionExpression, of_keys: bool) -> str:
        expression = condition.get_expression()
        parts = [self._part(each, condition, built, of_keys) for each in expression["values"]]
        return expression["format"].format(*parts, operator=expression["operator"])

    def _part(self, value: Any, condition: Any, built: BuiltConditionExpression, of_keys: bool) -> str:
        if is_condition(value):
            return self._condition(value, built, of_keys)
        if is_attribute(value):
            if of_keys and not is_key(value):
                raise DynamoDBNeedsKeyConditionError(name=value.name, kind=type(value).__name__)
            return self._name(value.name, built.attribute_name_placeholders)
        if not condition.has_grouped_values:
            return self._value(value, built.attribute_value_placeholders)
        listed = [self._value(each, built.attribute_value_placeholders) for each in value]
        if not listed:
            raise ValueError("is_in(...) of no values at all: DynamoDB refuses an empty list, and no item would match.")
        return f"({', '.join(listed)})"

    def _name(self, path: str, names: dict[str, str]) -> str:
        def put(found: re.Match[str]) -> str:
            placeholder = self._next("#n")
            names[placeholder] = found[0]
            return placeholder

        written: list[str] = []
        for piece in path.split("["):
            place, bracket, rest = piece.rpartition("]")  # what is in brackets is no name
            written.append(f"{place}{bracket}{_NAMES.sub(put, rest)}")
        return "[".join(written)

    def _value(self, value: Any, values: dict[str, Any]) -> str:
        placeholder = self._next(":v")
        values[placeholder] = value
        return placeholder

    def _next(self, prefix: str) -> str:
        while True:
            placeholder = f"{prefix}{self._counts[prefix]}"
            self._counts[prefix] += 1
            if placeholder not in self._taken:
                return placeholder
