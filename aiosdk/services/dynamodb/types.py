"""DynamoDB's types as Python's: `TypeSerializer`, `TypeDeserializer` and `Binary`, with the rules of boto3.

Where boto3 lets something pass that DynamoDB refuses or misreads, it is a `TypeError` here: infinities and NaNs of
either sign (boto3 finds the positive and the quiet ones), empty sets, and sets of booleans, which boto3 sends as
numbers.
"""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# What a value is, is known when it is there.

from __future__ import annotations

import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Value = dict[str, Any]
    """A value as DynamoDB spells it: `{"S": "text"}`."""

DYNAMODB_CONTEXT: Final = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
"""The numbers that DynamoDB has: 38 digits. One that does not fit raises, as a number that was rounded is another."""

_FLOAT: Final = "Float types are not supported. Use Decimal types instead."
_NOT_FINITE: Final = "Infinity and NaN not supported"
_EMPTY: Final = "Value must be a nonempty dictionary whose key is a valid dynamodb type."
_ALL_DIGITS_FIT: Final = 10**DYNAMODB_CONTEXT.prec


def of_boto3(value: object, module: str, name: str) -> bool:
    """Whether an object is of a class of boto3's DynamoDB modules. Does not import boto3: then there is no such object.

    `module` and `name` are those of the class, as in `"types"` and `"Binary"`.
    """
    kind: Any = getattr(sys.modules.get(f"boto3.dynamodb.{module}"), name, None)
    return kind is not None and isinstance(value, kind)


class Binary:
    """Bytes as they come from a table, and as they may be given to one; equal to plain bytes with the same content.

    >>> bytes(item["thumbnail"])

    Args:
        value: The bytes, `bytes` or `bytearray`.
    """

    __slots__ = ("value",)

    def __init__(self, value: bytes | bytearray) -> None:
        if not isinstance(value, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]
            kinds = ", ".join(str(kind) for kind in (bytearray, bytes))
            raise TypeError(f"Value must be of the following types: {kinds}")
        self.value = value

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Binary) else other)

    def __hash__(self) -> int:
        return hash(bytes(self.value))

    def __bytes__(self) -> bytes:
        return bytes(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"Binary({self.value!r})"


class Ready(dict[str, Any]):
    """An item or key that is serialised already. `serialized` is what is sent; the values are as they were given."""

    __slots__ = ("serialized",)

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__(item)
        self.serialized: dict[str, Value] = serialize_item(item)


# Serialising


def _string(value: Any) -> Value:
    return {"S": value}


def _null(value: None) -> Value:
    return {"NULL": True}


def _boolean(value: Any) -> Value:
    return {"BOOL": value}


def _integer(value: int) -> Value:
    return {"N": _digits(value)}


def _digits(value: int) -> str:
    if -_ALL_DIGITS_FIT < value < _ALL_DIGITS_FIT:
        return int.__repr__(value)
    return str(DYNAMODB_CONTEXT.create_decimal(value))


def _decimal(value: Decimal) -> Value:
    return {"N": _number(value)}


def _number(value: Any) -> str:
    number = DYNAMODB_CONTEXT.create_decimal(value)
    if not number.is_finite():
        raise TypeError(_NOT_FINITE)
    return str(number)


def _float(value: Any) -> NoReturn:
    raise TypeError(_FLOAT)


def _bytes(value: Any) -> Value:
    return {"B": value}


def _binary(value: Any) -> Value:
    return {"B": value.value}


def _list(value: Iterable[Any]) -> Value:
    return {"L": [(_SERIALIZERS.get(type(each)) or _unusual)(each) for each in value]}


def _map(value: Mapping[str, Any]) -> Value:
    return {"M": serialize_item(value)}


def _set(value: AbstractSet[Any]) -> Value:
    """Serialise a set, all of whose members must be of one type."""
    if not value:
        raise TypeError(
            "An empty set is not supported: DynamoDB has sets of strings, numbers and binaries, none of them empty. "
            "Leave the attribute out."
        )
    if all(map(_is_number, value)):
        if any(isinstance(each, bool) for each in value):
            raise TypeError("A set of booleans is not supported: DynamoDB has sets of strings, numbers and binaries.")
        return {"NS": [_digits(each) if isinstance(each, int) else _number(each) for each in value]}
    if all(isinstance(each, str) for each in value):
        return {"SS": list(value)}
    if all(map(_is_binary, value)):
        return {"BS": [each if isinstance(each, (bytes, bytearray)) else each.value for each in value]}
    raise _unsupported(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        _float(value)
    return isinstance(value, (int, Decimal))


def _is_binary(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray, Binary)) or of_boto3(value, "types", "Binary")


def _unusual(value: Any) -> Value:
    """Serialise a value whose type is none of those that are looked up, but may be derived from one."""
    for kinds, serialize in _DERIVED:
        if isinstance(value, kinds):
            return serialize(value)
    if of_boto3(value, "types", "Binary"):
        return _binary(value)
    raise _unsupported(value)


def _unsupported(value: object) -> TypeError:
    return TypeError(f'Unsupported type "{type(value)}" for value "{value}"')


_SERIALIZERS: Final[dict[type, Callable[[Any], Value]]] = {
    str: _string,
    int: _integer,
    Decimal: _decimal,
    bool: _boolean,
    type(None): _null,
    dict: _map,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    bytes: _bytes,
    bytearray: _bytes,
    Binary: _binary,
    float: _float,
}
# In the order in which boto3 asks.
_DERIVED: Final[tuple[tuple[Any, Callable[[Any], Value]], ...]] = (
    (int, _integer),
    (Decimal, _decimal),
    (float, _float),
    (str, _string),
    ((bytes, bytearray), _bytes),
    (Binary, _binary),
    (AbstractSet, _set),
    (Mapping, _map),
    ((list, tuple), _list),
)


def serialize(value: Any) -> Value:
    """Give the value as DynamoDB spells it."""
    return (_SERIALIZERS.get(type(value)) or _unusual)(value)


def serialize_item(item: Mapping[str, Any]) -> dict[str, Value]:
    """Give the attributes of an item, or the members of a map, as DynamoDB spells them."""
    return {name: (_SERIALIZERS.get(type(each)) or _unusual)(each) for name, each in item.items()}


class TypeSerializer:
    """Makes of Python's values what DynamoDB calls them: `serialize("text")` gives `{"S": "text"}`.

    None, bool, int, Decimal, str, bytes, bytearray and Binary, sets of numbers, of strings or of binaries, lists,
    tuples and mappings, nested as one likes.
    """

    def serialize(self, value: Any) -> dict[str, Any]:
        """Give a value as DynamoDB spells it.

        Raises:
            TypeError: The value, or one within it, is a float, is not finite, is an empty set or a set of booleans or
                of several types, or is of a type that DynamoDB does not have.
            decimal.DecimalException: A number has more than 38 digits, or is too large or too small.
        """
        return (_SERIALIZERS.get(type(value)) or _unusual)(value)


# Deserialising


def compile_deserializers(
    binary: Callable[[Any], Binary],
) -> tuple[Callable[[Any], Any], Callable[[Any], dict[str, Any]]]:
    """Make the functions that give Python's values for one value, and for all of a map or item.

    What is not just as DynamoDB writes it (two types in one value, say) raises, of whatever kind.

    Args:
        binary: Makes a binary of what stands there.
    """
    number: Callable[[Any], Decimal] = DYNAMODB_CONTEXT.create_decimal

    def plain(value: Any) -> Any:
        if value is None:
            raise TypeError
        return value

    def null(value: Any) -> None:
        plain(value)

    def of_list(values: Any) -> list[Any]:
        found: list[Any] = []
        for value in values:
            [kind] = value
            found.append(by_kind[kind](value[kind]))
        return found

    def of_map(values: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in values.items():
            [kind] = value  # the quickest way to a dictionary's one key that fails if there are more
            content = value[kind]
            if content is None:
                raise TypeError
            if kind == "S":
                found[name] = content
            elif kind == "N":
                found[name] = number(content)
            else:
                found[name] = by_kind[kind](content)
        return found

    def one(value: Any) -> Any:
        [kind] = value
        return by_kind[kind](value[kind])

    by_kind: dict[str, Callable[[Any], Any]] = {
        "S": plain,
        "N": number,
        "B": binary,
        "BOOL": plain,
        "NULL": null,
        "L": of_list,
        "M": of_map,
        "SS": set,
        "NS": lambda values: set(map(number, values)),
        "BS": lambda values: set(map(binary, values)),
    }
    return one, of_map


_deserialize, _deserialize_item = compile_deserializers(Binary)


def deserialize(value: Any) -> Any:
    """Give Python's value of one that DynamoDB has spelled."""
    try:
        return _deserialize(value)
    except Exception:  # noqa: S110 - it is not plain; what it is, is found out step by step
        pass
    return _explained(value)


def deserialize_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Give Python's values of the attributes of an item, or of the members of a map."""
    try:
        return _deserialize_item(item)
    except Exception:  # noqa: S110 - likewise
        pass
    return {name: _explained(value) for name, value in item.items()}


def _explained(value: Any) -> Any:
    """Deserialise as boto3 does, which raises for what cannot be."""
    if not value:
        raise TypeError(_EMPTY)
    kind = next(iter(value.keys()))
    convert = _BY_KIND.get(str(kind).upper())
    if convert is None:
        raise TypeError(f"Dynamodb type {kind} is not supported")
    return convert(value[kind])


_BY_KIND: Final[dict[str, Callable[[Any], Any]]] = {
    "S": lambda content: content,
    "N": DYNAMODB_CONTEXT.create_decimal,
    "B": Binary,
    "BOOL": lambda content: content,
    "NULL": lambda content: None,
    "L": lambda content: [_explained(each) for each in content],
    "M": lambda content: {name: _explained(each) for name, each in content.items()},
    "SS": lambda content: set(content),
    "NS": lambda content: set(map(DYNAMODB_CONTEXT.create_decimal, content)),
    "BS": lambda content: set(map(Binary, content)),
}


class TypeDeserializer:
    """Makes Python's values of what DynamoDB calls them: `deserialize({"N": "1.5"})` gives `Decimal("1.5")`.

    Numbers become `Decimal`, binaries `Binary`, sets `set`.
    """

    def deserialize(self, value: Mapping[str, Any]) -> Any:
        """Give Python's value of one that DynamoDB has spelled.

        Raises:
            TypeError: The value is empty, or of a type that DynamoDB does not have.
            decimal.DecimalException: A number is none that DynamoDB has.
        """
        return deserialize(value)
