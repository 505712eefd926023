"""The lazy sequence without a network: what a loop over it fetches, keeps and leaves."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aiosdk.exceptions import ConcurrentIterationError, NotIterableError
from aiosdk.stream import Pages, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator


class Page(list[int]):
    """A page that can be watched."""


class Numbers(Stream[int]):
    """Pages of numbers, the position being the page's place; each is made anew and arrives a little later."""

    def __init__(self, *pages: list[int]) -> None:
        self.written = pages
        self.fetched: list[int] = []
        self.fail: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()
        self.alive: weakref.WeakSet[Any] = weakref.WeakSet()

    def pages(self) -> AsyncIterator[list[int]]:
        return Pages(self, self._fetch, 0 if self.written else None)

    async def _fetch(self, place: int) -> tuple[list[int], int | None]:
        self.fetched.append(place)
        await asyncio.sleep(0)
        await self.go.wait()
        if self.fail is not None:
            raise self.fail
        page = Page(self.written[place])
        watch = Watch()
        page.watch = watch  # pyright: ignore - a list cannot be in a WeakSet itself: it has no hash
        self.alive.add(watch)
        return page, place + 1 if place + 1 < len(self.written) else None

    def __repr__(self) -> str:
        return "Numbers()"


class Watch:
    """Lives as long as the page that it is in."""


@contextmanager
def watching_generators() -> Iterator[list[object]]:
    """Note the async generators that are started, which nobody closes when a loop is left."""
    started: list[object] = []
    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=started.append)
    try:
        yield started
    finally:
        sys.set_asyncgen_hooks(*before)


async def test_a_loop_gives_the_items_of_all_pages_in_order() -> None:
    assert [item async for item in Numbers([1, 2], [3], [4, 5])] == [1, 2, 3, 4, 5]


async def test_awaiting_gives_a_list_of_all_items() -> None:
    found = await Numbers([1, 2], [3])
    assert found == [1, 2, 3]
    assert type(found) is list


async def test_a_stream_without_pages_is_empty_and_fetches_nothing() -> None:
    numbers = Numbers()
    assert await numbers == []
    assert await numbers.first() is None
    assert numbers.fetched == []


async def test_first_fetches_no_page_after_the_one_that_has_an_item() -> None:
    numbers = Numbers([], [], [7, 8], [9])
    assert await numbers.first() == 7
    assert numbers.fetched == [0, 1, 2]


async def test_first_of_empty_pages_is_none() -> None:
    numbers = Numbers([], [])
    assert await numbers.first() is None
    assert numbers.fetched == [0, 1]


async def test_empty_pages_are_pages_and_have_no_items() -> None:
    numbers = Numbers([], [1], [], [2], [])
    assert [list(page) async for page in numbers.pages()] == [[], [1], [], [2], []]
    assert await numbers == [1, 2]


async def test_each_loop_starts_anew() -> None:
    numbers = Numbers([1], [2])
    async for item in numbers:
        assert item == 1
        break
    assert [item async for item in numbers] == [1, 2]
    assert await numbers == [1, 2]
    assert numbers.fetched == [0, 0, 1, 0, 1]


async def test_two_loops_at_once_do_not_disturb_each_other() -> None:
    numbers = Numbers([1, 2], [3])
    pairs = [(a, b) async for a in numbers async for b in numbers]
    assert pairs == [(a, b) for a in (1, 2, 3) for b in (1, 2, 3)]


async def test_many_tasks_may_each_loop_over_one_stream() -> None:
    numbers = Numbers([1, 2], [3])

    async def take() -> list[int]:
        return await numbers

    assert await asyncio.gather(*(take() for _ in range(10))) == [[1, 2, 3]] * 10


async def test_nothing_is_fetched_before_it_is_needed() -> None:
    numbers = Numbers([1], [2])
    items = aiter(numbers)
    numbers.pages()
    await asyncio.sleep(0)
    assert numbers.fetched == []
    assert await anext(items) == 1
    await asyncio.sleep(0)
    assert numbers.fetched == [0]


async def test_break_in_the_middle_leaves_no_task_and_no_generator() -> None:
    before = asyncio.all_tasks()
    numbers = Numbers([1, 2], [3], [4])
    with watching_generators() as generators:
        async for item in numbers:
            if item == 3:
                break
        async for _ in numbers.pages():
            break
        assert await numbers.first() == 1
    assert asyncio.all_tasks() == before
    assert generators == []
    await asyncio.sleep(0)
    assert numbers.fetched == [0, 1, 0, 0]


async def test_the_watch_for_generators_sees_one() -> None:
    async def generate() -> AsyncGenerator[int]:
        yield 1

    with watching_generators() as generators:
        async with aclosing(generate()) as generator:
            assert await anext(generator) == 1
    assert generators == [generator]


async def test_an_iterator_that_was_dropped_keeps_no_page() -> None:
    numbers = Numbers([1, 2], [3])
    gc.collect()
    gc.disable()  # what goes must go without the collector
    try:
        async for _ in numbers:
            assert len(numbers.alive) == 1
            break
        assert len(numbers.alive) == 0
    finally:
        gc.enable()


async def test_a_page_is_freed_before_the_next_is_fetched() -> None:
    numbers = Numbers(*([place, -place] for place in range(5)))
    alive: list[int] = []
    fetch = numbers._fetch

    async def watching(place: int) -> tuple[list[int], int | None]:
        alive.append(len(numbers.alive))
        return await fetch(place)

    numbers._fetch = watching  # pyright: ignore
    gc.disable()
    try:
        assert len([item async for item in numbers]) == 10
        assert len(await numbers) == 10
    finally:
        gc.enable()
    assert alive[:5] == [0] * 5
    # A list that takes a page at a time may still hold the last one while it asks for the next.
    assert max(alive[5:]) <= 1
    assert len(numbers.alive) == 0


async def test_the_pages_iterator_holds_no_page_itself() -> None:
    numbers = Numbers([1], [2])
    pages = numbers.pages()
    gc.disable()
    try:
        page = await anext(pages)
        assert len(numbers.alive) == 1
        del page
        assert len(numbers.alive) == 0
    finally:
        gc.enable()


USES: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "list(c)": (list, "a plain `for`", "`async for item in ...`, or `await ...` for a list"),
    "[*c]": (lambda c: [*c], "a plain `for`", "`async for item in ...`, or `await ...` for a list"),
    "for": (lambda c: [item for item in c], "a plain `for`", "`async for item in ...`"),  # noqa: C416
    "sorted(c)": (sorted, "a plain `for`", "`await ...` for a list"),
    "dict(c)": (dict, "a plain `for`", "`await ...` for a list"),
    "first, *_ = c": (lambda c: (lambda _first, *_: None)(*c), "a plain `for`", "`async for item in ...`"),
    "len(c)": (len, "`len` or a truth test", "`len(await ...)`"),
    "bool(c)": (bool, "`len` or a truth test", "`await ....first()` to know if there is any"),
    "not c": (lambda c: not c, "`len` or a truth test", "`await ....first()`"),
    "c[0]": (lambda c: c[0], "[0]", "`await ....first()`, or `await ....limit(n)` for a list"),
    "c[:5]": (lambda c: c[:5], "[slice(None, 5, None)]", "`await ....limit(n)` for a list"),
    "1 in c": (lambda c: 1 in c, "`in`", "`item in await ...`"),
    "1 not in c": (lambda c: 1 not in c, "`in`", "`item in await ...`"),
}


@pytest.mark.parametrize("use", USES)
async def test_use_as_a_list_raises_an_error_that_says_what_to_write(use: str) -> None:
    numbers = Numbers([1])
    act, used, instead = USES[use]
    with pytest.raises(TypeError) as raised:
        act(numbers)
    assert isinstance(raised.value, NotIterableError)
    message = str(raised.value)
    assert message.startswith("Numbers() is fetched from AWS page by page")
    assert used in message
    assert instead in message
    assert numbers.fetched == []


async def test_reversed_and_next_are_refused_too() -> None:
    with pytest.raises(TypeError):
        reversed(Numbers([1]))  # pyright: ignore
    with pytest.raises(TypeError):
        next(Numbers([1]))  # pyright: ignore


@pytest.mark.parametrize("what", ["items", "pages"])
async def test_a_fetch_that_failed_is_tried_again_by_the_next_step(what: str) -> None:
    numbers = Numbers([1], [2], [3])
    iterator: Any = aiter(numbers) if what == "items" else numbers.pages()
    first = await anext(iterator)
    numbers.fail = ConnectionError("lost")
    for _ in range(2):
        with pytest.raises(ConnectionError, match="lost"):
            await anext(iterator)
    numbers.fail = None
    rest = [each async for each in iterator]
    assert [first, *rest] == ([1, 2, 3] if what == "items" else [[1], [2], [3]])
    assert numbers.fetched == [0, 1, 1, 1, 2]


@pytest.mark.parametrize("what", ["items", "pages"])
async def test_a_fetch_that_was_cancelled_is_tried_again_by_the_next_step(what: str) -> None:
    numbers = Numbers([1], [2], [3])
    iterator: Any = aiter(numbers) if what == "items" else numbers.pages()
    first = await anext(iterator)
    numbers.go.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(iterator), 0.01)
    numbers.go.set()
    rest = [each async for each in iterator]
    assert [first, *rest] == ([1, 2, 3] if what == "items" else [[1], [2], [3]])
    assert numbers.fetched == [0, 1, 1, 2]


async def test_a_first_fetch_that_failed_is_tried_again_by_the_next_step() -> None:
    numbers = Numbers([1])
    items = aiter(numbers)
    numbers.fail = ConnectionError("lost")
    with pytest.raises(ConnectionError):
        await anext(items)
    numbers.fail = None
    assert [item async for item in items] == [1]


@pytest.mark.parametrize("what", ["items", "pages"])
async def test_two_tasks_on_one_iterator_are_told(what: str) -> None:
    numbers = Numbers([1], [2])
    iterator: Any = aiter(numbers) if what == "items" else numbers.pages()
    numbers.go.clear()
    asking = asyncio.ensure_future(anext(iterator))
    await asyncio.sleep(0)
    with pytest.raises(ConcurrentIterationError, match=r"Two tasks .* iterator of Numbers\(\)"):
        await anext(iterator)
    numbers.go.set()
    first = await asking
    rest = [each async for each in iterator]
    assert [first, *rest] == ([1, 2] if what == "items" else [[1], [2]])
    assert numbers.fetched == [0, 1]


@pytest.mark.parametrize("what", ["items", "pages"])
async def test_an_iterator_at_its_end_stays_there(what: str) -> None:
    numbers = Numbers([1])
    iterator: Any = aiter(numbers) if what == "items" else numbers.pages()
    assert len([each async for each in iterator]) == 1
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)
    assert numbers.fetched == [0]


@pytest.mark.parametrize("what", ["items", "pages"])
async def test_an_iterator_can_be_closed_and_fetches_no_more(what: str) -> None:
    numbers = Numbers([1, 2], [3])
    iterator: Any = aiter(numbers) if what == "items" else numbers.pages()
    async with aclosing(iterator):
        await anext(iterator)
    assert [each async for each in iterator] == []
    assert numbers.fetched == [0]
