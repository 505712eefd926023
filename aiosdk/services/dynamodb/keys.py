"""Tells whether two items have the same key, however their numbers are written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from aiosdk.services.dynamodb.types import Ready, serialize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


_EQUAL: Final[dict[str, Callable[[Any], Any]]] = {"S": str, "N": Decimal, "B": bytes}


def identity_of(item: Mapping[str, Any], names: Iterable[str], *, python: bool) -> tuple[Any, ...]:
    """Give what is equal for two items if these attributes of theirs are. Raises `KeyError` for one that is not there.

    Args:
        item: An item or key.
        names: The attributes of the key.
        python: Whether it has Python's values, or DynamoDB's.
    """
    if type(item) is Ready:
        item, python = item.serialized, False
    return tuple([_identity(serialize(item[name]) if python else item[name]) for name in names])


def same_table(one: str, other: str) -> bool:
    """Whether two names mean one table; an ARN ends with the name.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    """
    return one == other or one.rpartition("/")[2] == other.rpartition("/")[2]


def _identity(value: Any) -> Any:
    try:
        ((kind, content),) = value.items()
        return kind, _EQUAL[kind](content)
    except Exception:  # no key has such a value, as DynamoDB will say
        return repr(value)
