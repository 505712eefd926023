"""Tells how far a transfer is: to the user's callback, and to a bar."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

from aiosdk import _off_loop
from aiosdk.exceptions import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk.services.s3.order import Order


class Progress:
    """Counts the bytes of a transfer: `async with Progress(...) as progress: await progress.add(n)`.

    Args:
        callback: Called with the number of bytes that have come in addition, at each step, on the event loop; what it
            returns is awaited if it can be. What it raises ends the transfer.
        bar: Whether to draw a bar, on standard error or in the notebook.
        title: What the bar says beside itself.
    """

    def __init__(self, callback: Callable[[int], Any] | None, *, bar: bool = False, title: str = "") -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"Callback={callback!r} cannot be called: give a function that takes a number of bytes.")
        self._callback = callback
        self._wants_bar = bar
        self._title = title
        self._bar: Any = None

    @classmethod
    def of(cls, order: Order) -> Self:
        """Make that of a transfer to or from one object."""
        return cls(order.callback, bar=order.bar, title=order.key)

    async def __aenter__(self) -> Self:
        if self._wants_bar:
            self._bar = (await _off_loop.call(_import_tqdm))(unit="B", unit_scale=True, unit_divisor=1024)
            self._bar.set_description(self._title, refresh=False)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def expect(self, size: int | None) -> None:
        """Say how many bytes there will be."""
        if self._bar is not None and size is not None:
            self._bar.reset(total=size)

    def expect_more(self, size: int) -> None:
        """Say that there will be so many bytes more, where the whole is not known beforehand."""
        if self._bar is not None:
            self._bar.total = (self._bar.total or 0) + size

    async def add(self, size: int) -> None:
        """Say that so many bytes more are through."""
        if not size:
            return
        if self._bar is not None:
            self._bar.update(size)
        if self._callback is not None:
            result = self._callback(size)
            if inspect.isawaitable(result):
                await result


def _import_tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise MissingExtraError(what="progress=True", package="tqdm", extra="progress") from error
    tqdm.get_lock()  # pyright: ignore[reportUnknownMemberType] - imports multiprocessing at the first time
    return tqdm
