"""Python's values of what DynamoDB has spelled: `TypeDeserializer`, with the rules of boto3."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# What a value is, is known when it is there.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiosdk.services.dynamodb.types import DYNAMODB_CONTEXT, Binary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

_EMPTY: Final = "Value must be a nonempty dictionary whose key is a valid dynamodb type."


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

    Numbers become `Decimal`, binaries `Binary`, sets `set`. A class derived from this one is asked for each value
    within another too.
    """

    def deserialize(self, value: Mapping[str, Any]) -> Any:
        """Give Python's value of one that DynamoDB has spelled.

        Raises:
            TypeError: The value is empty, or of a type that DynamoDB does not have.
            decimal.DecimalException: A number is none that DynamoDB has.
        """
        if type(self) is not TypeDeserializer and value:
            if "M" in value:
                return {name: self.deserialize(each) for name, each in value["M"].items()}
            if "L" in value:
                return [self.deserialize(each) for each in value["L"]]
        return deserialize(value)
