"""What `session.client(...)` gives before it is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar

from aiosdk.exceptions import NotAwaitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

T = TypeVar("T")


class Keeper(Protocol[T]):
    """Who keeps what was made for others who ask for the same."""

    def get(self, key: object) -> T | None:
        """Give what is there already."""
        ...

    def take(self, key: object, value: T) -> None:
        """It was awaited: it stays."""
        ...

    def enter(self, key: object, value: T) -> None:
        """It is in use until it is left."""
        ...

    def leave(self, key: object, value: T) -> None:
        """It was left by one who had entered it."""
        ...


class Pending(Generic[T]):
    """A client or resource that was asked for: `await` it, or enter it with `async with`.

    Once awaited it lives as long as its session. Entered and left, and held by nobody else, it may be forgotten; it is
    not closed, since the connections are the session's. Any other use raises `NotAwaitedError`, which says what to
    write.
    """

    __slots__ = ("_entered", "_keeper", "_key", "_make", "_name", "_what")

    def __init__(
        self, what: str, name: object, keeper: Keeper[T], key: object, make: Callable[[], Coroutine[Any, Any, T]]
    ) -> None:
        self._what = what
        self._name = name
        self._keeper = keeper
        self._key = key
        self._make = make
        self._entered: tuple[T, ...] = ()

    def __await__(self) -> Generator[Any, Any, T]:
        found = self._keeper.get(self._key)
        if found is None:
            found = yield from self._make().__await__()
        self._keeper.take(self._key, found)
        return found

    async def __aenter__(self) -> T:
        found = self._keeper.get(self._key)
        if found is None:
            found = await self._make()
        self._keeper.enter(self._key, found)
        self._entered = (*self._entered, found)
        return found

    async def __aexit__(self, *exc_info: object) -> None:
        """Leave it. The connections are the session's."""
        if self._entered:
            *others, left = self._entered
            self._entered = tuple(others)
            self._keeper.leave(self._key, left)

    def __repr__(self) -> str:
        return f"<{self._what} {self._name!r}, not awaited yet>"

    def _refuse(self, used: str) -> NoReturn:
        call = f"session.{self._what}({self._name!r})"
        instead = f"`x = await {call}`, or `async with {call} as x:`"
        raise NotAwaitedError(what=f"{self._name} {self._what}", instead=instead, used=used)

    def __getattr__(self, name: str) -> NoReturn:
        if name in self.__slots__:  # on an instance that `copy` or `pickle` is only making
            raise AttributeError(name)
        self._refuse(f".{name}")

    def __len__(self) -> NoReturn:
        self._refuse("its length or truth")

    def __next__(self) -> NoReturn:
        self._refuse("iteration")

    def __contains__(self, item: object) -> NoReturn:
        self._refuse("`in`")

    def __setitem__(self, key: object, value: object) -> NoReturn:
        self._refuse(f"[{key!r}]")

    def __call__(self, *_: object, **__: object) -> NoReturn:
        self._refuse("a call of it")

    def __getitem__(self, key: object) -> NoReturn:
        self._refuse(f"[{key!r}]")

    def __iter__(self) -> NoReturn:
        self._refuse("iteration")

    def __aiter__(self) -> NoReturn:
        self._refuse("iteration")

    def __enter__(self) -> NoReturn:
        self._refuse("a plain `with`")

    def __exit__(self, *exc_info: object) -> None:
        """Needed beside `__enter__`, which raises."""
