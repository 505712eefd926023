"""What is still to be done for something that was dropped is done on its event loop.

Finalizers run wherever the garbage collector happens to: on another thread, where nothing of a loop may be touched (its
wake-up would be lost), or on the loop's own amid the pool's bookkeeping. So they only ask the loop to do it.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.connector import Connection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


def hand_over(loop: asyncio.AbstractEventLoop, act: Callable[[], Any]) -> None:
    """Have a loop do something soon; nothing, if it is closed. May be called from anywhere."""
    try:
        loop.call_soon_threadsafe(act, context=contextvars.Context())
    except RuntimeError:
        if not loop.is_closed():
            raise


class QuietResponse(aiohttp.ClientResponse):
    """aiohttp's response. One that is dropped unread is no mistake here."""

    def __del__(self, _warnings: Any = None) -> None:
        if not self._closed:
            hand_over(self._loop, self.close)


class QuietConnection(Connection):
    """aiohttp's right to a connection, which closes it when it is dropped."""

    def __del__(self, _warnings: Any = None) -> None:
        if self._protocol is not None:
            hand_over(self._loop, self.close)
