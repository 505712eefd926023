"""The writes of a batch writer: requests, how large they are, and what is left of those that are sent together."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from aiosdk.services.dynamodb.deserializing import deserialize_item
from aiosdk.services.dynamodb.types import Ready

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    Request = dict[str, dict[str, Any]]
    """`{"PutRequest": {"Item": ...}}` or `{"DeleteRequest": {"Key": ...}}`."""


class Write(NamedTuple):
    """A request for one item."""

    request: Request
    size: int


class Batch:
    """What is sent with one request, and again until nothing is left of it."""

    def __init__(self, writes: dict[Hashable, Write]) -> None:
        self.keys = frozenset(writes)
        self.left = [each.request for each in writes.values()]


class UnprocessedError(Exception):
    """Stands for a failure that is no exception: DynamoDB has answered well, again and again, and done nothing."""


def as_given(request: Request) -> Request:
    """A request with Python's values, none of which the caller can have changed since."""
    ((kind, content),) = request.items()
    return {
        kind: {
            member: deserialize_item(item.serialized) if isinstance(item, Ready) else item
            for member, item in content.items()
        }
    }


def size_of(item: Mapping[str, Any]) -> int:
    """How many bytes an item takes in a request."""
    return len(json.dumps(item.serialized if isinstance(item, Ready) else item, default=_as_sent))


def _as_sent(value: Any) -> str:
    value = getattr(value, "value", value)
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray)) else str(value)
