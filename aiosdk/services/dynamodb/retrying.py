"""Waiting between the requests of a batch, of which DynamoDB may leave any part undone; and ending tasks."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Collection

BASE_DELAY: Final = 0.05
MAX_DELAY: Final = 5.0
PATIENCE: Final = 60.0
"""Seconds of waiting after which a batch is given up, unless anything was done meanwhile."""

_THROTTLED: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


def is_throttled(error: Exception) -> bool:
    """Whether AWS said that it was asked too much at once, after the client has tried as often as it does."""
    response: Any = getattr(error, "response", {})
    return isinstance(error, ClientError) and response.get("Error", {}).get("Code") in _THROTTLED


class Backoff:
    """How long to wait before the rest of a batch is sent again: longer each time, as long as nothing was done."""

    def __init__(self) -> None:
        self._fruitless = 0
        self._waited = 0.0

    def succeeded(self) -> None:
        """Begin anew, as something was done."""
        self._fruitless, self._waited = 0, 0.0

    def next_delay(self) -> float | None:
        """Give the seconds to wait now; None when it was enough."""
        if self._waited >= PATIENCE:
            return None
        longest = min(MAX_DELAY, BASE_DELAY * 2.0 ** min(self._fruitless, 20))
        delay = random.uniform(longest / 2, longest)  # noqa: S311 - it keeps clients from asking all at once
        self._fruitless += 1
        self._waited += delay
        return delay


async def end(tasks: Collection[asyncio.Task[Any]], *, cancel: bool) -> None:
    """Wait until tasks are done, however often this is cancelled, which then cancels them too."""
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        if cancel:
            for task in pending:
                task.cancel()
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled, cancel = error, True
    if cancelled is not None:
        raise cancelled


async def at_once(workers: Collection[Any]) -> None:
    """Run coroutines at once. The first that fails ends the others, and its error is raised."""
    tasks = [asyncio.create_task(worker) for worker in workers]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end(tasks, cancel=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
