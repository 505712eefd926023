"""Ends S3's search for the region of a bucket that a server redirects again and again.

botocore asks for the region by `HeadBucket` when an answer redirects without naming one. Where that is redirected too
it asks again, within the first search, until Python's stack is full.
"""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# botocore has no types.

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Generator

HEAD_BUCKET: Final = "HeadBucket"
_asking: Final[ContextVar[bool]] = ContextVar("aiosdk_asking_for_region", default=False)


@contextmanager
def asked_once() -> Generator[None]:
    """Make a `HeadBucket`; raises the `ClientError` of a redirection if that comes of another one."""
    if _asking.get():
        metadata: Any = {"HTTPStatusCode": 301, "HTTPHeaders": {}}
        said: Any = {"Code": "301", "Message": "The answer redirects to no region."}
        raise ClientError({"Error": said, "ResponseMetadata": metadata}, HEAD_BUCKET)
    token = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(token)
