"""Conditions on the attributes of items: `Key("shop").eq("here") & Attr("sum").gt(10)`, with the interface of boto3.

What boto3 lets pass is an error here: `and`, `or` and `not` between conditions, which Python cannot hand to them, and
`is_in` without values. Conditions hash, and show what they say.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, ClassVar, NoReturn

from aiosdk.exceptions import DynamoDBOperationNotSupportedError
from aiosdk.services.dynamodb.types import of_boto3


def is_condition(value: object) -> bool:
    """Whether an object is a condition, of ours or of boto3's."""
    return isinstance(value, ConditionBase) or of_boto3(value, "conditions", "ConditionBase")


def is_attribute(value: object) -> bool:
    """Whether an object is an attribute that conditions are made of, of ours or of boto3's."""
    return isinstance(value, AttributeBase) or of_boto3(value, "conditions", "AttributeBase")


def is_key(value: object) -> bool:
    """Whether an object is an attribute of a key, of ours or of boto3's."""
    return isinstance(value, Key) or of_boto3(value, "conditions", "Key")


class ConditionBase:
    """A condition. Conditions are combined by `&` and `|` and turned round by `~`; none is changed by it."""

    expression_format: ClassVar[str] = ""
    expression_operator: ClassVar[str] = ""
    has_grouped_values: ClassVar[bool] = False

    def __init__(self, *values: Any) -> None:
        self._values = values

    def __and__(self, other: Any) -> And:
        if not is_condition(other):
            _refuse("AND", other)
        return And(self, other)

    def __or__(self, other: Any) -> Or:
        if not is_condition(other):
            _refuse("OR", other)
        return Or(self, other)

    def __invert__(self) -> Not:
        return Not(self)

    def __bool__(self) -> bool:
        raise TypeError(
            f"A condition is neither true nor false until DynamoDB has seen the item: {self!r}. Combine conditions by "
            "`&`, `|` and `~` in place of `and`, `or` and `not`, each in parentheses."
        )

    def get_expression(self) -> dict[str, Any]:
        """Give `format`, `operator` and `values`, of which an expression is written."""
        return {"format": self.expression_format, "operator": self.expression_operator, "values": self._values}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._values == other._values

    def __hash__(self) -> int:
        # Values may be lists and dictionaries, which have no hash.
        named = [each for each in self._values if isinstance(each, (ConditionBase, AttributeBase))]
        return hash((type(self).__name__, *named))

    def __repr__(self) -> str:
        shown = [repr(each) for each in self._values]
        return self.expression_format.format(*shown, operator=self.expression_operator)


class AttributeBase:
    """An attribute, by name or by a path such as `"address.lines[0]"`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __and__(self, value: Any) -> Any:
        _refuse("AND", self)

    def __or__(self, value: Any) -> Any:
        _refuse("OR", self)

    def __invert__(self) -> Any:
        _refuse("NOT", self)

    def eq(self, value: Any) -> Equals:
        """The attribute is equal to a value."""
        return Equals(self, value)

    def lt(self, value: Any) -> LessThan:
        """The attribute is less than a value."""
        return LessThan(self, value)

    def lte(self, value: Any) -> LessThanEquals:
        """The attribute is less than a value or equal to it."""
        return LessThanEquals(self, value)

    def gt(self, value: Any) -> GreaterThan:
        """The attribute is greater than a value."""
        return GreaterThan(self, value)

    def gte(self, value: Any) -> GreaterThanEquals:
        """The attribute is greater than a value or equal to it."""
        return GreaterThanEquals(self, value)

    def begins_with(self, value: Any) -> BeginsWith:
        """The attribute, a string or a binary, begins with a value."""
        return BeginsWith(self, value)

    def between(self, low_value: Any, high_value: Any) -> Between:
        """The attribute is neither less than the one value nor greater than the other."""
        return Between(self, low_value, high_value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.name == other.name

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def _refuse(operation: str, value: object) -> NoReturn:
    raise DynamoDBOperationNotSupportedError(operation=operation, kind=type(value).__name__, value=repr(value)[:80])


class ConditionAttributeBase(ConditionBase, AttributeBase):
    """What is made of an attribute and may be compared as one is: its size."""

    def __init__(self, *values: Any) -> None:
        ConditionBase.__init__(self, *values)
        AttributeBase.__init__(self, values[0].name)

    def __eq__(self, other: object) -> bool:
        return ConditionBase.__eq__(self, other) and AttributeBase.__eq__(self, other)

    __hash__ = ConditionBase.__hash__
    __repr__ = ConditionBase.__repr__


class ComparisonCondition(ConditionBase):
    """An attribute compared with a value."""

    expression_format = "{0} {operator} {1}"


class Equals(ComparisonCondition):
    """`=`."""

    expression_operator = "="


class NotEquals(ComparisonCondition):
    """`<>`."""

    expression_operator = "<>"


class LessThan(ComparisonCondition):
    """`<`."""

    expression_operator = "<"


class LessThanEquals(ComparisonCondition):
    """`<=`."""

    expression_operator = "<="


class GreaterThan(ComparisonCondition):
    """`>`."""

    expression_operator = ">"


class GreaterThanEquals(ComparisonCondition):
    """`>=`."""

    expression_operator = ">="


class In(ComparisonCondition):
    """`IN`."""

    expression_operator = "IN"
    has_grouped_values = True


class Between(ConditionBase):
    """`BETWEEN`."""

    expression_operator = "BETWEEN"
    expression_format = "{0} {operator} {1} AND {2}"


class BeginsWith(ConditionBase):
    """`begins_with`."""

    expression_operator = "begins_with"
    expression_format = "{operator}({0}, {1})"


class Contains(ConditionBase):
    """`contains`."""

    expression_operator = "contains"
    expression_format = "{operator}({0}, {1})"


class Size(ConditionAttributeBase):
    """`size`, which is to be compared with a number."""

    expression_operator = "size"
    expression_format = "{operator}({0})"


class AttributeType(ConditionBase):
    """`attribute_type`."""

    expression_operator = "attribute_type"
    expression_format = "{operator}({0}, {1})"


class AttributeExists(ConditionBase):
    """`attribute_exists`."""

    expression_operator = "attribute_exists"
    expression_format = "{operator}({0})"


class AttributeNotExists(ConditionBase):
    """`attribute_not_exists`."""

    expression_operator = "attribute_not_exists"
    expression_format = "{operator}({0})"


class And(ConditionBase):
    """Both of two conditions: `first & second`."""

    expression_operator = "AND"
    expression_format = "({0} {operator} {1})"


class Or(ConditionBase):
    """One of two conditions or both: `first | second`."""

    expression_operator = "OR"
    expression_format = "({0} {operator} {1})"


class Not(ConditionBase):
    """The contrary of a condition: `~condition`."""

    expression_operator = "NOT"
    expression_format = "({operator} {0})"


class Key(AttributeBase):
    """An attribute of a table's or an index's key, for `KeyConditionExpression`: `Key("shop").eq("here")`.

    Args:
        name: The attribute's name.
    """


class Attr(AttributeBase):
    """An attribute of an item, for `FilterExpression` and `ConditionExpression`: `Attr("sum").gt(10)`.

    Args:
        name: Its name, or the path to it: a dot leads into a map, `[0]` into a list.
    """

    def ne(self, value: Any) -> NotEquals:
        """The attribute is not equal to a value."""
        return NotEquals(self, value)

    def is_in(self, value: Any) -> In:
        """The attribute is one of the values in a list, of which DynamoDB takes up to 100.

        Raises:
            ValueError: The list is empty.
        """
        values = value if isinstance(value, Sized) else list(value)
        if not len(values):
            raise ValueError(
                f"{self!r}.is_in(...) of no values at all: DynamoDB refuses an empty list, and no item would match. "
                "Do not ask then."
            )
        return In(self, values)

    def exists(self) -> AttributeExists:
        """The item has the attribute."""
        return AttributeExists(self)

    def not_exists(self) -> AttributeNotExists:
        """The item does not have the attribute."""
        return AttributeNotExists(self)

    def contains(self, value: Any) -> Contains:
        """The attribute, a string, set or list, contains a value."""
        return Contains(self, value)

    def size(self) -> Size:
        """The size of the attribute, to be compared: `Attr("name").size().lt(20)`."""
        return Size(self)

    def attribute_type(self, value: str) -> AttributeType:
        """The attribute is of a type: `"S"`, `"N"`, `"B"`, `"SS"`, `"NS"`, `"BS"`, `"L"`, `"M"`, `"BOOL"`, `"NULL"`."""
        return AttributeType(self, value)
