"""What habits from synchronous code meet: refusals that say the asynchronous form, and names of coroutines.

Python's own message for a plain `for` over something asynchronous names a type at best, and some of botocore's objects
take it silently, for they are made of synchronous ones.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from aiosdk.exceptions import NotIterableError, SynchronousUseError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

T = TypeVar("T", bound=type)


def typed_as(prefix: str) -> Callable[[T], T]:
    """Have the coroutines of a class's methods named as their callers type them: `s3.upload_file`."""

    def mark(kind: T) -> T:
        for name, member in vars(kind).items():
            if inspect.iscoroutinefunction(member) and name == member.__name__ and not name.startswith("_"):
                member.__qualname__ = f"{prefix}.{name}"
        return kind

    return mark


class Fetched:
    """Mixed into a lazy sequence: refuses to be used as a list, and says what to write."""

    __slots__ = ()

    _item = "item"
    """What it gives, in a word."""
    _as_list = "[item async for item in ...]"
    """How a list is had."""
    _first = "`await anext(aiter(...))`, or make a list of it"
    """How the first item is had, or some."""
    _empty = "`async for item in ...`"
    """How one knows whether there is any."""

    _how = "page by page"
    """How it comes."""

    def _refuse(self, used: str, instead: str) -> NoReturn:
        raise NotIterableError(what=repr(self), how=self._how, used=used, instead=instead)

    def __iter__(self) -> NoReturn:
        self._refuse("a plain `for`", f"`async for {self._item} in ...`, or `{self._as_list}` for a list")

    def __next__(self) -> NoReturn:
        self._refuse("`next`", f"`async for {self._item} in ...`; for the first one {self._first}")

    def __len__(self) -> NoReturn:
        self._refuse("`len` or a truth test", f"`len({self._as_list})`, or {self._empty} to know if there is any")

    def __getitem__(self, key: object) -> NoReturn:
        self._refuse(f"[{key!r}]", self._first)

    def __contains__(self, item: object) -> NoReturn:
        self._refuse("`in`", f"`{self._item} in {self._as_list}`")


class Generated(Fetched):
    """The items of an asynchronous generator, which does what the generator does and refuses what a list does."""

    __slots__ = ("_items", "_what")

    _first = "`await anext(...)`, or make a list of it"

    def __init__(self, what: str, items: AsyncGenerator[Any, Any]) -> None:
        self._what = what
        self._items = items

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, Any]:
        return self._items.__anext__()

    def asend(self, value: Any, /) -> Coroutine[Any, Any, Any]:
        """Go on with a value, which the generator gets from where it is."""
        return self._items.asend(value)

    def athrow(self, *exception: Any) -> Coroutine[Any, Any, Any]:
        """Raise an exception where the generator is."""
        return self._items.athrow(*exception)

    def aclose(self) -> Coroutine[Any, Any, None]:
        """End it here."""
        return self._items.aclose()

    def __repr__(self) -> str:
        return f"<{self._what}>"


class AsyncContext:
    """Mixed into what `async with` takes: refuses a plain `with`."""

    __slots__ = ()

    _entered_as = "async with ... as x:"
    """What to write."""

    def __enter__(self) -> NoReturn:
        raise SynchronousUseError(what=repr(self), used="a plain `with`", instead=f"`{self._entered_as}`")

    def __exit__(self, *exc_info: object) -> None:
        """Needed beside `__enter__`, which raises."""
