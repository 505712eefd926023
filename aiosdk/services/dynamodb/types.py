"""Python's values as DynamoDB spells them: `TypeSerializer` and `Binary`, with the rules of boto3.

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
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, Overflow, Rounded, Underflow
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Value = dict[str, Any]
    """A value as DynamoDB spells it: `{"S": "text"}`."""

DYNAMODB_CONTEXT: Final = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
"""The numbers that DynamoDB has: 38 digits. One that does not fit raises, as a number that was rounded is another."""

_FLOAT: Final = "Float types are not supported. Use Decimal types instead."
_NOT_FINITE: Final = "Infinity and NaN not supported"
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

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value,)  # by every protocol of pickle, as boto3's


class Ready(dict[str, Any]):
    """An item or key that is serialised already. `serialized` is what is sent; the values are as they were given."""

    __slots__ = ("serialized",)

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__(item)
        self.serialized: dict[str, Value] = serialize_attributes(item)
        _check_names(self.serialized)


def _check_names(attributes: Mapping[Any, Value]) -> None:
    """Raise for a name that is no text, which botocore would refuse together with all items of its request."""
    for name, value in attributes.items():
        if not isinstance(name, str):
            raise TypeError(f"The name of an attribute must be a string, not {name!r}.")
        _check_names_within(value)


def _check_names_within(value: Value) -> None:
    if "M" in value:
        _check_names(value["M"])
    elif "L" in value:
        for each in value["L"]:
            _check_names_within(each)


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


def _mutable_bytes(value: Any) -> Value:
    return {"B": bytes(value)}  # it may be sent later, and changed till then by whoever has it


def _binary(value: Any) -> Value:
    return {"B": _frozen(value.value)}


def _frozen(value: bytes | bytearray) -> bytes:
    return bytes(value) if isinstance(value, bytearray) else value


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
        return {"BS": [_frozen(each if isinstance(each, (bytes, bytearray)) else each.value) for each in value]}
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
    bytearray: _mutable_bytes,
    Binary: _binary,
    float: _float,
}
# In the order in which boto3 asks.
_DERIVED: Final[tuple[tuple[Any, Callable[[Any], Value]], ...]] = (
    (int, _integer),
    (Decimal, _decimal),
    (float, _float),
    (str, _string),
    (bytes, _bytes),
    (bytearray, _mutable_bytes),
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


def serialize_attributes(item: Mapping[str, Any]) -> dict[str, Value]:
    """Do the same, and tell an error which attribute it is about, by a note."""
    try:
        return serialize_item(item)
    except (TypeError, DecimalException) as error:
        error.add_note(f"This is about the attribute {_culprit(item).removeprefix('.')!r}.")
        raise


def _culprit(value: Any) -> str:
    """The path to the value that cannot be serialised, within one that cannot be."""
    if isinstance(value, Mapping):
        inner = [(f".{name}", each) for name, each in value.items()]
    else:
        inner = [(f"[{place}]", each) for place, each in enumerate(value)] if isinstance(value, (list, tuple)) else []
    for step, each in inner:
        try:
            serialize(each)
        except Exception:
            return step + _culprit(each)
    return ""


class TypeSerializer:
    """Makes of Python's values what DynamoDB calls them: `serialize("text")` gives `{"S": "text"}`.

    None, bool, int, Decimal, str, bytes, bytearray and Binary, sets of numbers, of strings or of binaries, lists,
    tuples and mappings, nested as one likes. A class derived from this one is asked for each value within another too.
    """

    def serialize(self, value: Any) -> dict[str, Any]:
        """Give a value as DynamoDB spells it.

        Raises:
            TypeError: The value, or one within it, is a float, is not finite, is an empty set or a set of booleans or
                of several types, or is of a type that DynamoDB does not have.
            decimal.DecimalException: A number has more than 38 digits, or is too large or too small.
        """
        if type(self) is not TypeSerializer:
            if isinstance(value, Mapping):
                return {"M": {name: self.serialize(each) for name, each in value.items()}}
            if isinstance(value, (list, tuple)):
                return {"L": [self.serialize(each) for each in value]}
        return (_SERIALIZERS.get(type(value)) or _unusual)(value)
