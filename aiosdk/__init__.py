"""aiosdk: the async AWS SDK for Python.

A `Session` is an identity, a region and a connection pool. It gives awaitable clients for every AWS service, and
resources, which are objects instead of responses:

    async with aiosdk.Session(region_name="eu-west-1") as session:
        s3 = await session.client("s3")
        buckets = await s3.list_buckets()

        iam = await session.resource("iam")
        async for user in iam.users.all():
            print(user.name, user.create_date)

Importing this package takes some 20 ms; aiohttp and aiobotocore are imported when a session is first used, off the
event loop.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any, Final

from aiosdk import exceptions
from aiosdk._version import __version__
from aiosdk.default import client, close, resource, set_stream_logger, setup_default_session
from aiosdk.exceptions import (
    AccessDeniedError,
    ConflictError,
    NotFoundError,
    NotLoadedError,
    ServerError,
    ThrottledError,
)
from aiosdk.session import Session

if TYPE_CHECKING:
    from aiosdk._client import Client

__all__ = [
    "AccessDeniedError",
    "Client",
    "ConflictError",
    "NotFoundError",
    "NotLoadedError",
    "ServerError",
    "Session",
    "ThrottledError",
    "__version__",
    "client",
    "close",
    "exceptions",
    "resource",
    "set_stream_logger",
    "setup_default_session",
]

# Modules with public names, imported when first used.
_LATE: Final = ("dynamodb", "s3", "types")

logging.getLogger("aiosdk").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name == "Client":  # for annotations and isinstance; its module imports aiobotocore
        from aiosdk._client import Client

        return Client
    if name in _LATE:
        return importlib.import_module(f"aiosdk.{name}")
    raise AttributeError(f"module 'aiosdk' has no attribute {name!r}; it has {', '.join(__all__)}")
