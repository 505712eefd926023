"""Waiters whose errors survive pickling and copying."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# botocore has no types.

from __future__ import annotations

from functools import wraps
from typing import Any

from botocore.exceptions import WaiterError

from aiosdk._errors import Remembering, become


def remembering(waiter: Any) -> Any:
    """Have the errors of a waiter keep their last answer; botocore's cannot be unpickled, for they are made with it."""
    made: type[Any] = type(waiter)

    @wraps(made.wait)
    async def wait(self: Any, **kwargs: Any) -> Any:
        try:
            return await made.wait(self, **kwargs)
        except WaiterError as error:
            become(error, Remembering)
            raise

    waiter.__class__ = type(made.__name__, (made,), {"wait": wait, "__module__": made.__module__})
    return waiter
