"""Refuses bodies that botocore cannot read: asynchronous files and iterators, and coroutines that nobody awaited.

botocore reads a body several times, for its checksum, its signature and to send it, and never waits. It takes anything
that has a `read`, and stumbles over the coroutine that it gets.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# botocore has no types.

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Iterator
from typing import Any, Final

from botocore import xform_name

from aiosdk.exceptions import AsyncBodyError

_UPLOADS: Final = ("PutObject", "UploadPart")


def check_bodies(parameters: Any, operation_model: Any) -> None:
    """Raise `AsyncBodyError` when some bytes among the parameters of a call are something that has to be awaited."""
    shape = operation_model.input_shape
    if shape is None or not isinstance(parameters, dict):
        return
    for name, value in parameters.items():
        member = shape.members.get(name)
        if member is not None and member.type_name == "blob" and _must_be_awaited(value):
            if inspect.iscoroutine(value):
                value.close()  # or Python would warn of it too
            raise _error(name, value, operation_model)


def _must_be_awaited(value: Any) -> bool:
    """Whether somebody else has to wait for the bytes, or to ask for them piece by piece."""
    if inspect.isawaitable(value) or isinstance(value, AsyncIterable):
        return True
    read = getattr(value, "read", None)
    return isinstance(value, Iterator) if read is None else inspect.iscoroutinefunction(read)


def _error(name: str, value: Any, operation_model: Any) -> AsyncBodyError:
    service = operation_model.service_model
    uploads = service.service_name == "s3" and operation_model.name in _UPLOADS
    instead = f"`{name}=await body.read()`"
    if inspect.isawaitable(value):
        instead = f"`{name}=await ...`"
    elif not hasattr(value, "read"):
        instead = f'`{name}=b"".join([chunk {"async " * isinstance(value, AsyncIterable)}for chunk in body])`'
    if uploads and not inspect.isawaitable(value):
        instead = f"`await s3.upload_fileobj(body, bucket, key)`, which takes any size of it, or {instead}"
    return AsyncBodyError(
        service_name=service.service_name,
        operation_name=xform_name(operation_model.name),
        member=name,
        kind=type(value).__name__,
        instead=instead,
    )
