"""Fetches many items by their keys, 100 with each request, until none is left unprocessed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from aiosdk._errors import become
from aiosdk.exceptions import BatchGetError, ThrottledError, UnreadableAnswerError
from aiosdk.resources.actions import send
from aiosdk.services.dynamodb.keys import identity_of, same_table
from aiosdk.services.dynamodb.retrying import PATIENCE, Backoff, at_once, is_throttled
from aiosdk.services.dynamodb.transform import takes_python_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    Item = Mapping[str, Any]
    Asked = dict[str, dict[str, Any]]
    """For each table `Keys`, and how they are to be read."""

MOST_KEYS: Final = 100
AT_ONCE: Final = 4
"""How many requests of one `batch_get` are under way at the same time."""


async def batch_get(client: Any, requested: Mapping[str, Iterable[Item] | Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Fetch items of tables by their keys; gives what there is, by table.

    Args:
        client: The client to ask.
        requested: By table, the keys; or a dictionary with `Keys` and what else `batch_get_item` takes for a table.

    Raises:
        TypeError: There are no keys for a table, or one is no mapping.
        BatchGetError: DynamoDB left keys unprocessed for a minute; it has what was found, and what was not asked.
    """
    python = takes_python_types(client)
    asked: Asked = {}
    for table, request in requested.items():
        how = cast("dict[str, Any]", request) if isinstance(request, Mapping) else {"Keys": request}
        distinct: dict[tuple[Any, ...], Item] = {}
        for key in _keys(table, how):
            names = sorted(key)
            distinct.setdefault((*names, *identity_of(key, names, python=python)), key)
        asked[table] = {**how, "Keys": list(distinct.values())}
    found: dict[str, list[Any]] = {table: [] for table in asked}
    left = dict(enumerate(_chunks(asked)))
    numbers = iter(list(left))

    async def work() -> None:
        for number in numbers:
            await _fetch(client, number, found, left)

    await at_once([work() for _ in range(min(AT_ONCE, len(left)))])
    return {table: _in_order(items, asked[table]["Keys"], python) for table, items in found.items()}


def _keys(table: str, how: Mapping[str, Any]) -> Iterable[Item]:
    """Give the keys that are asked of a table, each of which is a mapping. Raises `TypeError` for what is none."""
    keys: Any = how.get("Keys")
    kind = type(keys).__name__
    if not isinstance(keys, Iterable) or isinstance(keys, Mapping):
        given = f"a {kind}" if "Keys" in how else f"a dictionary of {', '.join(map(repr, how)) or 'nothing'}"
        raise TypeError(
            f"What is to be fetched from the table {table!r} is {given}. It must be a list of keys, such as "
            "[{'id': 7}]; the `batch_get` of a resource takes a dictionary with such `Keys` as well."
        )
    for key in cast("Any", keys):
        if not isinstance(key, Mapping):
            raise TypeError(
                f"A key of the table {table!r} is a {type(key).__name__}, not a dictionary like {{'id': 7}}."
            )
        yield cast("Item", key)


def _chunks(asked: Asked) -> Iterator[Asked]:
    """Give the requests: 100 keys each, the last with what is left."""
    chunk: Asked = {}
    size = 0
    for table, how in asked.items():
        keys = how["Keys"]
        start = 0
        while start < len(keys):
            part = keys[start : start + MOST_KEYS - size]
            chunk[table] = {**how, "Keys": part}
            start, size = start + len(part), size + len(part)
            if size == MOST_KEYS:
                yield chunk
                chunk, size = {}, 0
    if chunk:
        yield chunk


async def _fetch(client: Any, number: int, found: dict[str, list[Any]], left: dict[int, Asked]) -> None:
    """Ask for one request's keys until all are answered."""
    backoff = Backoff()
    while asked := left[number]:
        failure: Exception | None = None
        try:
            response = await send(client, "dynamodb", "BatchGetItem", {"RequestItems": asked})
        except Exception as error:
            if not is_throttled(error):
                raise
            failure = error
        else:
            for table, items in _by_asked(response.get("Responses") or {}, asked).items():
                found[table].extend(items)
            rest: Asked = _by_asked(response.get("UnprocessedKeys") or {}, asked)
            if _count(rest) < _count(asked):
                backoff.succeeded()
            left[number] = rest
        if left[number]:
            delay = backoff.next_delay()
            if delay is None:
                unprocessed = [each for each in left.values() if each]
                count = sum(map(_count, unprocessed))
                error = BatchGetError(count=count, timeout=PATIENCE, items=found, unprocessed=unprocessed)
                become(error, ThrottledError)
                raise error from failure
            await asyncio.sleep(delay)


def _by_asked(answered: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """What is answered, by the names that were asked for, which may be ARNs. Raises where it is of another table."""
    if answered.keys() <= asked.keys():
        return dict(answered)
    names = {table: next((each for each in asked if same_table(each, table)), None) for table in answered}
    if None in names.values():
        raise UnreadableAnswerError(what="BatchGetItem", problem="it speaks of another table")
    return {str(names[table]): each for table, each in answered.items()}


def _count(asked: Asked) -> int:
    return sum(len(each["Keys"]) for each in asked.values())


def _in_order(items: list[Any], keys: list[Item], python: bool) -> list[Any]:
    """Put items into the order of their keys, unless a projection has left the keys out."""
    names = sorted(keys[0]) if keys else []
    try:
        places = {identity_of(key, names, python=python): place for place, key in enumerate(keys)}
        return sorted(items, key=lambda item: places[identity_of(item, names, python=python)])
    except KeyError:
        return items
