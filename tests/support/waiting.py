"""Waiting in tests without guessing how long: for a condition, for the test to say go, for nothing to be left."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

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


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """Run in asyncio's debug mode; fail when something was reported to the loop or a task is left."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 10
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    before = asyncio.all_tasks()
    yield
    gc.collect()  # finalizers report to the loop, or raise, which pytest turns into a failure
    await eventually(lambda: not asyncio.all_tasks() - before - {asyncio.current_task()})
    assert reported == [], reported
