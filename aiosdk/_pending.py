"""What `session.client(...)` gives before it is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from aiosdk.exceptions import NotAwaitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

T = TypeVar("T")


class Pending(Generic[T]):
    """A client or resource that was asked for: `await` it, or enter it with `async with`.

    Leaving the `async with` closes nothing: what it gave belongs to the session, which others share. Any other use
    raises `NotAwaitedError`, which says what to write.
    """

    __slots__ = ("_make", "_name", "_ready", "_what")

    def __init__(
        self, what: str, name: object, ready: Callable[[], T | None], make: Callable[[], Coroutine[Any, Any, T]]
    ) -> None:
        self._what = what
        self._name = name
        self._ready = ready
        self._make = make

    def __await__(self) -> Generator[Any, Any, T]:
        found = self._ready()
        if found is None:
            found = yield from self._make().__await__()
        return found

    async def __aenter__(self) -> T:
        return await self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close nothing: the connections are the session's."""

    def __repr__(self) -> str:
        return f"<{self._what} {self._name!r}, not awaited yet>"

    def _refuse(self, used: str) -> NoReturn:
        raise NotAwaitedError(
            what=f"{self._name} {self._what}", call=f"session.{self._what}({self._name!r})", used=used
        )

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
