"""Items: what a query or a scan finds, as a lazy sequence over all its pages."""
# pyright: reportPrivateUsage=false
# Its pages are those of a stream, with more than one under way.

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from aiosdk._circle import Trail
from aiosdk.exceptions import ConcurrentIterationError, RepeatedTokenError
from aiosdk.resources.actions import send
from aiosdk.resources.collections import Page
from aiosdk.services.dynamodb.retrying import at_once
from aiosdk.stream import Pages, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

Item = dict[str, Any]

MOST_AT_ONCE: Final = 32
"""How many segments of a scan are asked at the same time."""

_MOST_OF_A_PAGE: Final = 2**31 - 1  # the integers of the API have 32 bits; a page ends at 1 MB anyway
_START, _LAST = "ExclusiveStartKey", "LastEvaluatedKey"
_FILTERS: Final = ("FilterExpression", "QueryFilter", "ScanFilter")


class _Position(NamedTuple):
    """Where a page begins."""

    start: Mapping[str, Any] | None
    left: int | None
    """How many items are still wanted."""
    trail: Trail = Trail()
    """The keys at which the pages before it ended."""


class Items(Stream[Item]):
    """Items that a query or a scan finds: `async for item in items`, `await items` for a list.

    To make one and to narrow it sends nothing. Each page is one request, whose answer is `page.response`.
    """

    __slots__ = ("_client", "_limit", "_operation", "_params", "_segments", "_table")

    def __init__(
        self,
        client: Any,
        operation: str,
        table: str,
        params: Mapping[str, Any],
        segments: int = 1,
        limit: int | None = None,
    ) -> None:
        self._client = client
        self._operation = operation
        self._table = table
        self._params = params
        self._segments = segments
        self._limit = limit

    def limit(self, count: int | None) -> Self:
        """Give at most so many items, over all pages; None for all. Sends nothing.

        Asks for no more than that, where nothing is filtered. (`Limit=...` among the parameters is DynamoDB's own: how
        many items it reads for one page, before they are filtered.)
        """
        if count is not None and (type(count) is not int or count < 0):
            raise ValueError(f"{self!r}.limit({count!r}): it takes a whole number of at least 0, or None.")
        return type(self)(self._client, self._operation, self._table, self._params, self._segments, count)

    async def first(self) -> Item | None:
        """Fetch the first item; None when there is none."""
        for item in await self.limit(1 if self._limit is None else min(1, self._limit)):
            return item
        return None

    def pages(self) -> Pages[Page[Item], Any]:
        """Give the pages as they come: lists of items, each with its `response`. Some may be empty."""
        if self._segments > 1 and self._limit != 0:
            return _Segments(self, self._segments, self._limit)
        position = None if self._limit == 0 else _Position(self._params.get(_START), self._limit)
        return Pages(self, self._fetch, position)

    def __repr__(self) -> str:
        return f"<items of {self._operation} in table {self._table!r}>"

    async def _fetch(self, position: _Position, **more: Any) -> tuple[Page[Item], _Position | None]:
        params = {"TableName": self._table, **self._params, **more}
        if position.start is not None:
            params[_START] = position.start
        left = position.left
        if left is not None and params.keys().isdisjoint(_FILTERS):
            given = params.get("Limit", _MOST_OF_A_PAGE)
            params["Limit"] = min(given, left) if isinstance(given, int) else given
        response = await send(self._client, "dynamodb", self._operation, params)
        items: list[Item] = response.get("Items", [])
        last: Mapping[str, Any] | None = response.get(_LAST) or None
        if last is not None and (last == position.start or position.trail.has(last)):
            raise RepeatedTokenError(
                service_name="dynamodb", operation_name=self._operation, message=f"{_LAST} of table {self._table!r}"
            )
        if left is not None:
            items = items[:left]
            left -= len(items)
        following = None if last is None or left == 0 else _Position(last, left, position.trail.and_then(last))
        return Page(items, response), following


class _Segments(Pages[Any, Any]):
    """The pages of a parallel scan.

    One page of each segment is asked for at once, when all that were there are taken. Nothing is under way in between,
    so that leaving a loop early leaves nothing running.
    """

    __slots__ = ("_left", "_open", "_ready", "_segments")

    def __init__(self, items: Items, segments: int, limit: int | None) -> None:
        super().__init__(items, items._fetch, None)
        self._segments = segments
        self._left = limit
        self._open: deque[tuple[int, _Position]] = deque((each, _Position(None, limit)) for each in range(segments))
        self._ready: deque[Page[Item]] = deque()

    async def __anext__(self) -> Page[Item]:
        if self._fetching:
            raise ConcurrentIterationError(what=repr(self._what))
        if self._left == 0:
            raise StopAsyncIteration
        while not self._ready:
            if not self._open:
                raise StopAsyncIteration
            self._fetching = True
            try:
                await self._fetch_some()
            finally:
                self._fetching = False
        page = self._ready.popleft()
        if self._left is None:
            return page
        page = Page(page[: self._left], page.response)
        self._left -= len(page)
        return page

    async def _fetch_some(self) -> None:
        """Fetch a page of each of some segments. One that fails is asked again at the next time."""
        asked = [self._open.popleft() for _ in range(min(len(self._open), MOST_AT_ONCE))]
        done: set[int] = set()

        async def fetch(segment: int, position: _Position) -> None:
            fetch: Any = self._fetch
            page, following = await fetch(position, Segment=segment, TotalSegments=self._segments)
            done.add(segment)
            self._ready.append(page)
            if following is not None:
                self._open.append((segment, following))

        try:
            await at_once([fetch(*each) for each in asked])
        finally:
            self._open.extendleft(each for each in reversed(asked) if each[0] not in done)

    async def aclose(self) -> None:
        """End the iteration here; there is nothing to release."""
        self._open.clear()
        self._ready.clear()
