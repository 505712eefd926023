"""How long a request waits for a connection: not for its turn in a long queue, but while nothing moves."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiosdk._transport.slots import Route, Slots

logger: Final = logging.getLogger("aiosdk.pool")

# Bodies that come and go are a sign of life, but one that never ends must not hide that all others are forgotten.
MOST_WITHOUT_A_GRANT: Final = 10


class Patience:
    """The patience of one request that waits for a connection.

    It ends when for so many seconds no connection was given to anybody who could have been before it, and no byte of
    a body came or went on any; or when for ten times as long no connection was given. At half time there is a warning,
    one for all who wait.

    Args:
        loop: The event loop.
        slots: What it waits for.
        route: Where it wants to go.
        seconds: How long.
        give_up: Called at the end.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, slots: Slots, route: Route, seconds: float, give_up: Callable[[], None]
    ) -> None:
        self._loop, self._slots, self._route = loop, slots, route
        self._seconds, self._give_up = seconds, give_up
        self._granted: int = slots.granted(route)
        self._granted_at = self._moved_at = loop.time()
        self._timer = loop.call_later(seconds / 4, self._look)

    def stop(self) -> None:
        """Wait no longer: there is a connection, or nobody who wants one."""
        self._timer.cancel()

    def _look(self) -> None:
        now, slots = self._loop.time(), self._slots
        granted = slots.granted(self._route)
        if granted != self._granted:
            self._granted, self._granted_at, self._moved_at = granted, now, now
        else:
            self._moved_at = max(self._moved_at, slots.moved_at(now, self._seconds / 20))
        still = now - self._moved_at
        # A timer may go off a moment early.
        if still >= self._seconds - 0.001 or now - self._granted_at >= self._seconds * MOST_WITHOUT_A_GRANT:
            self._give_up()
            return
        if still >= self._seconds / 2 - 0.001 and now - slots.warned_at >= self._seconds:
            slots.warned_at = now
            logger.warning(
                "%d requests wait for a connection, and nothing has moved for %.3g s: %d of %d are in use (%s). "
                "They fail after %.3g s. Close streaming bodies that are still open, or raise max_connections.",
                slots.waiting,
                still,
                slots.open - slots.idle,
                slots.limit,
                holders(slots),
                self._seconds,
            )
        self._timer = self._loop.call_at(min(now + self._seconds / 4, self._moved_at + self._seconds), self._look)


def holders(slots: Slots) -> str:
    """Say what holds the connections that are in use, by host."""
    found: Counter[tuple[str, str]] = Counter(
        (str(route.host), str(getattr(lease, "doing", "in use"))) for lease, route in slots.in_use()
    )
    opening = slots.open - slots.idle - found.total()
    told = [f"{count} to {host} {doing}" for (host, doing), count in found.most_common(5)]
    if len(found) > 5:
        told.append(f"{found.total() - sum(count for _, count in found.most_common(5))} others")
    return ", ".join([*told, *([f"{opening} being opened"] if opening else [])])
