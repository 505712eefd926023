"""Waiting in tests without guessing how long: for a condition, or for the test to say go."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 15.0


async def eventually(condition: Callable[[], object], seconds: float = LONG) -> None:
    """Wait until the condition holds; fail when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.005)


class Gate:
    """Holds up a server's answers on its thread until the test opens it on another."""

    def __init__(self) -> None:
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    async def passed(self) -> None:
        while not self._opened.is_set():
            await asyncio.sleep(0.005)
