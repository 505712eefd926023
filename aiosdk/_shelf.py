"""What a session has handed out and gives again to whoever asks: as long as somebody holds it, and a little longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

MOST_IDLE: Final = 16
"""So many values stay that nobody holds: those that were left last."""


class _Place(Generic[T]):
    __slots__ = ("pinned", "users", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.users = 0
        self.pinned = False


class Shelf(Generic[T]):
    """Values by what they were asked for with.

    Who awaits one may hold it for ever, and so it stays. Who enters it leaves it again: from then on it is idle, unless
    others hold it. Of the idle ones the last 16 stay, so that a request handler that enters the same ones again and
    again finds them, and a thousand tenants leave nothing. What does not stay is forgotten, not closed: somebody may
    use it still.

    Args:
        forgotten: Called with each value that is forgotten.
    """

    def __init__(self, forgotten: Callable[[T], None] | None = None) -> None:
        self._places: dict[object, _Place[T]] = {}
        self._idle: dict[object, None] = {}
        self._forgotten = forgotten

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[T]:
        return iter([place.value for place in self._places.values()])

    def get(self, key: object) -> T | None:
        """Give the value that stands there."""
        place = self._places.get(key)
        return None if place is None else place.value

    def put(self, key: object, value: T) -> None:
        """Put a new value in its place, where another may have stood. Nobody holds it yet."""
        self._forget(key)
        self._places[key] = _Place(value)
        self._rest(key)

    def take(self, key: object, value: T) -> None:
        """Somebody has awaited it."""
        place = self._places.get(key)
        if place is not None and not place.pinned and place.value is value:
            place.pinned = True
            self._idle.pop(key, None)

    def enter(self, key: object, value: T) -> None:
        """Somebody uses it, and will leave it."""
        place = self._places.get(key)
        if place is not None and place.value is value:
            place.users += 1
            self._idle.pop(key, None)

    def leave(self, key: object, value: T) -> None:
        """Somebody who has entered it uses it no more."""
        place = self._places.get(key)
        if place is not None and place.value is value and place.users:
            place.users -= 1
            if not place.users and not place.pinned:
                self._rest(key)

    def remove(self, matches: Callable[[T], bool]) -> None:
        """Forget the values that match, whoever holds them."""
        for key in [key for key, place in self._places.items() if matches(place.value)]:
            self._forget(key)

    def clear(self) -> None:
        """Forget all."""
        self._places.clear()
        self._idle.clear()

    def _rest(self, key: object) -> None:
        self._idle[key] = None
        if len(self._idle) > MOST_IDLE:
            self._forget(next(iter(self._idle)))

    def _forget(self, key: object) -> None:
        self._idle.pop(key, None)
        place = self._places.pop(key, None)
        if place is not None and self._forgotten is not None:
            self._forgotten(place.value)
