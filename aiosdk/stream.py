"""Stream: a lazy sequence that arrives in pages over the network."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from aiosdk._async_only import Fetched
from aiosdk.exceptions import ConcurrentIterationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

T = TypeVar("T")
P_co = TypeVar("P_co", covariant=True)
C = TypeVar("C")


class Stream(Fetched, Generic[T]):
    """Items that are fetched page by page: `async for item in stream`, `await stream` for a list, `await first()`.

    Each loop over it starts anew; leaving one early leaves nothing running. Use as a list raises `NotIterableError`,
    which says what to write.
    """

    __slots__ = ()

    _as_list = "await ..."
    _first = "`await ....first()`, or `await ....limit(n)` for a list"
    _empty = "`await ....first()`"

    @abstractmethod
    def pages(self) -> Pages[list[T], Any]:
        """Give the pages as they come, each a list of items."""

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(self.pages())

    def __await__(self) -> Generator[Any, Any, list[T]]:
        return self._all().__await__()

    async def _all(self) -> list[T]:
        items: list[T] = []
        async for page in self.pages():
            items += page
        return items

    async def first(self) -> T | None:
        """Fetch the first item; None when there is none."""
        async for item in self:
            return item
        return None


class _Items(Generic[T]):
    """The items of some pages, one by one. A page is let go when its last item was taken."""

    __slots__ = ("_items", "_pages")

    def __init__(self, pages: Pages[list[T], Any]) -> None:
        self._pages = pages
        self._items = iter(list[T]())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = iter(await anext(self._pages))

    async def aclose(self) -> None:
        """End the iteration here."""
        self._items = iter(list[T]())
        await self._pages.aclose()


class Pages(Fetched, Generic[P_co, C]):
    """Pages that are fetched one after the other, each from where the one before has ended.

    `fetch` takes a position and gives the page there with the next position, None at the end. A fetch that fails or is
    cancelled leaves the position where it was: to ask again is to try again, and nothing is skipped. `await` gives a
    list of the pages that are left.
    """

    __slots__ = ("_fetch", "_fetching", "_position", "_what")

    _item = "page"
    _as_list = "await ..."
    _first = "`await anext(...)`, or `(await ...)[...]`"
    _empty = "`async for page in ...`"

    def __init__(
        self, what: object, fetch: Callable[[C], Awaitable[tuple[P_co, C | None]]], position: C | None
    ) -> None:
        self._what = what
        self._fetch = fetch
        self._position = position
        self._fetching = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> P_co:
        if self._fetching:
            raise ConcurrentIterationError(what=repr(self._what))
        if self._position is None:
            raise StopAsyncIteration
        self._fetching = True
        try:
            page, self._position = await self._fetch(self._position)
        finally:
            self._fetching = False
        return page

    def __await__(self) -> Generator[Any, Any, list[P_co]]:
        return self._all().__await__()

    async def _all(self) -> list[P_co]:
        return [page async for page in self]

    def __repr__(self) -> str:
        return f"<pages of {self._what!r}>"

    async def aclose(self) -> None:
        """End the iteration here; there is nothing to release."""
        self._position = None
