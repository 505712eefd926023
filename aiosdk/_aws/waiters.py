"""Waiters whose errors survive pickling and copying."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# botocore has no types.

from __future__ import annotations

from functools import wraps
from typing import Any, NoReturn

from botocore.exceptions import WaiterError

from aiosdk._errors import Remembering, become
from aiosdk.exceptions import SynchronousUseError


def remembering(waiter: Any, typed: str) -> Any:
    """Have the errors of a waiter keep their last answer; botocore's cannot be unpickled, for they are made with it.

    Args:
        waiter: botocore's waiter.
        typed: What its user has typed to get it, which Python's warning names when `wait` is not awaited.
    """
    made: type[Any] = type(waiter)

    @wraps(made.wait)
    async def wait(self: Any, **kwargs: Any) -> Any:
        try:
            return await made.wait(self, **kwargs)
        except WaiterError as error:
            become(error, Remembering)
            raise

    def refuse(self: Any, *_: Any) -> NoReturn:
        raise SynchronousUseError(what=typed, used="a loop over the waiter", instead="`await waiter.wait(...)`")

    wait.__qualname__ = f"{typed}.wait"
    members: dict[str, Any] = {"wait": wait, "__module__": made.__module__}
    waiter.__class__ = type(made.__name__, (made,), {**members, "__iter__": refuse, "__aiter__": refuse})
    return waiter
