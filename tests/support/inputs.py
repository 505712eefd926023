"""Parameters of operations, made up from their models: valid ones, and ones with something wrong."""

from __future__ import annotations

import copy
import io
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from botocore.model import OperationModel, Shape

DEEPEST = 2  # how often a shape may contain itself
MOST_VALUES = 400  # after which there is only what is required

_TEXTS = (
    "",
    "a",
    "two words",
    " around ",
    "a&b<c>\"d'",
    "one, two",
    "grüße ✓ 𝄞",
    "line\nbreak\r\ttab",
    "a/b//c+d?e=f%20~-._",
    "{braces}",
    "true",
    "12",
)
_TIMES: tuple[Any, ...] = (
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 30, 0, 3691, tzinfo=UTC),  # New York's clocks say it twice
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 7, 1, 12, 0),  # noqa: DTZ001 - naive ones stand for UTC
    datetime(2026, 7, 1, 12, 0, 0, 500000),  # noqa: DTZ001
    datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2026, 7, 1, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=-7))),
    0,
    1767323045,
    1793511000,
    1767323045.5,
    "2026-01-02T03:04:05Z",
    "2026-07-01T12:00:00.25+05:30",
    "2026-07-01",
    "Fri, 02 Jan 2026 03:04:05 GMT",
    "1767323045",
)
_NUMBERS: tuple[Any, ...] = (0.0, 1, -2, 1.5, 1e300, -0.0, math.inf, -math.inf, math.nan, Decimal("2.50"), 10**20)
_DOCUMENTS: tuple[Any, ...] = (
    None,
    "text",
    1.5,
    True,
    [],
    {},
    {"a": [1, None, {"b": "✓"}], "c": False},
    [[1], {"x": {}}],
)
_WRONG: tuple[Any, ...] = (
    None,
    5,
    1.5,
    "",
    "text",
    b"bytes",
    True,
    [],
    [None],
    {},
    {"x": 1},
    set(),
    object(),
    math.nan,
)


class Inputs:
    """Makes up parameters. The same seed makes up the same.

    Args:
        seed: Anything; its text counts.
        fill: The part of the optional members that are there: 0 for what is required only, 1 for all of them.
        most: The greatest length of lists and maps, unless the model wants more.
    """

    def __init__(self, seed: object, fill: float = 0.5, most: int = 2) -> None:
        self._random = random.Random(str(seed))
        self._fill = fill
        self._most = most
        self._left = 0

    def of(self, operation: OperationModel) -> dict[str, Any]:
        """Make up valid parameters of an operation."""
        self._left = MOST_VALUES
        shape = operation.input_shape
        if shape is None:
            return {}
        made = self._structure(shape, ())
        payload = shape.serialization.get("payload")
        if payload in made and shape.members[payload].type_name == "blob" and self._random.random() < 0.3:
            made[payload] = io.BytesIO(b"from a file")
        return made

    def _value(self, shape: Shape, path: tuple[str, ...]) -> Any:
        self._left -= 1
        return getattr(self, f"_{shape.type_name}")(shape, path)

    def _structure(self, shape: Any, path: tuple[str, ...]) -> Any:
        if shape.is_document_type:
            return self._document(path)
        path = (*path, shape.name)
        names = list(shape.members)
        if shape.is_tagged_union:
            free = [name for name in names if path.count(shape.members[name].name) < DEEPEST] or names
            name = self._random.choice([name for name in free if self._left > 0] or free[:1])
            return {name: self._value(shape.members[name], path)}
        required = shape.metadata.get("required", ())
        self._random.shuffle(names)
        return {
            name: self._value(shape.members[name], path)
            for name in names
            if name in required or (self._is_there() and path.count(shape.members[name].name) < DEEPEST)
        }

    def _is_there(self) -> bool:
        return self._left > 0 and self._random.random() < self._fill

    def _document(self, path: tuple[str, ...]) -> Any:
        # At the top `None` stands for no parameter at all.
        return copy.deepcopy(self._random.choice(_DOCUMENTS[1 if len(path) == 1 else 0 :]))

    def _length(self, shape: Any, item: Any, path: tuple[str, ...]) -> int:
        least = shape.metadata.get("min", 0) if shape.type_name == "list" else 0
        if path.count(item.name) >= DEEPEST or self._left <= 0 or self._fill == 0:
            return least
        return max(least, self._random.randint(0 if self._fill < 1 else 1, self._most))

    def _list(self, shape: Any, path: tuple[str, ...]) -> Any:
        length = self._length(shape, shape.member, path)
        items = [self._value(shape.member, path) for _ in range(min(length, 1))]
        items += [self._value(shape.member, path) if self._left > 0 else items[0] for _ in range(length - 1)]
        return tuple(items) if self._random.random() < 0.1 else items

    def _map(self, shape: Any, path: tuple[str, ...]) -> Any:
        length = self._length(shape, shape.value, path)
        return {self._value(shape.key, path): self._value(shape.value, path) for _ in range(length)}

    def _string(self, shape: Any, path: tuple[str, ...]) -> Any:
        traits = shape.serialization
        if traits.get("jsonvalue") and traits.get("location") == "header":
            return self._document(path)
        if traits.get("hostLabel"):
            return self._random.choice(("123456789012", "my-route.example", "g-1"))
        if shape.enum and self._random.random() < 0.8:
            return self._random.choice(shape.enum)
        text = self._random.choice(_TEXTS)
        least = shape.metadata.get("min", 0)
        return text if len(text) >= least else (text or "x").ljust(least, "x")

    def _integer(self, shape: Any, path: tuple[str, ...]) -> Any:
        least = shape.metadata.get("min", -5)
        if least < 2 and self._random.random() < 0.05:
            return True
        return least + self._random.choice((0, 1, 7, 2**40))

    _long = _integer

    def _float(self, shape: Any, path: tuple[str, ...]) -> Any:
        least = shape.metadata.get("min", -math.inf)
        return self._random.choice([each for each in _NUMBERS if not each < least] or [least])

    _double = _float

    def _boolean(self, shape: Any, path: tuple[str, ...]) -> Any:
        return self._random.random() < 0.5

    def _blob(self, shape: Any, path: tuple[str, ...]) -> Any:
        return self._random.choice((b"", b"\x00\xffbytes", bytearray(b"array"), "text ✓", ""))

    def _timestamp(self, shape: Any, path: tuple[str, ...]) -> Any:
        return self._random.choice(_TIMES)


def spoil(parameters: dict[str, Any], seed: object) -> dict[str, Any]:
    """Give a copy of parameters with one to three things done to it that a model may not allow."""
    chance = random.Random(str(seed))
    spoiled = _copied(parameters)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(spoiled))
        if not places or chance.random() < 0.1:
            spoiled[f"Unknown{chance.randint(0, 9)}"] = _copied(chance.choice(_WRONG))
            continue
        holder, key = chance.choice(places)
        how = chance.random()
        if how < 0.3:
            del holder[key]
        elif how < 0.4 and isinstance(holder, dict):
            holder["nothing like it"] = holder[key]
        else:
            holder[key] = _copied(chance.choice(_WRONG))
    return spoiled


def _copied(value: Any) -> Any:
    """Give a copy with lists for tuples, so that all of it can be changed."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, (list, tuple)) else value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every place within a value, as what holds it with a key."""
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, each in inside:
        yield value, key
        if isinstance(each, (dict, list)):
            yield from _places(each)
