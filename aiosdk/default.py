"""The default session behind `aiosdk.client()` and `aiosdk.resource()`."""

from __future__ import annotations

import atexit
import logging
from typing import TYPE_CHECKING, Any

from aiosdk.session import Session

if TYPE_CHECKING:
    from aiosdk._client import Client
    from aiosdk._pending import Pending


class _DefaultSession(Session):
    """A session that nobody is expected to close: it goes silently at exit."""

    _warn_if_dropped = False

    def let_go(self, *, at_exit: bool = False) -> None:
        self._abandon(at_exit=at_exit)


_session: _DefaultSession | None = None


def setup_default_session(**kwargs: Any) -> None:
    """Make the default session with these arguments of `Session`.

    There is no need to call this unless the default arguments will not do. A default session that was in use is
    dropped; close it first with `await aiosdk.close()` if its connections are to be closed at once.
    """
    global _session
    session = _DefaultSession(**kwargs)
    _drop()
    _session = session


def client(*args: Any, **kwargs: Any) -> Pending[Client]:
    """Give a client of the default session: `s3 = await aiosdk.client("s3")`. Arguments as for `Session.client`."""
    return _default().client(*args, **kwargs)


def resource(*args: Any, **kwargs: Any) -> Pending[Any]:
    """Give a service resource of the default session. Arguments as for `Session.resource`."""
    return _default().resource(*args, **kwargs)


async def close() -> None:
    """Close the default session; the next `aiosdk.client()` makes a new one. Does nothing when there is none."""
    global _session
    session, _session = _session, None
    if session is not None:
        await session.close()


def set_stream_logger(name: str = "aiosdk", level: int = logging.DEBUG, format_string: str | None = None) -> None:
    """Log the messages of `name` and above `level` to the standard error stream.

    A name of `""` logs everything. botocore at `DEBUG` logs whole requests, bodies included: not for production.
    """
    logger = logging.getLogger(name)
    logger.setLevel(level)
    handler = logging.StreamHandler()
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(format_string or "%(asctime)s %(name)s [%(levelname)s] %(message)s"))
    logger.addHandler(handler)


def _default() -> Session:
    if _session is None:
        setup_default_session()
    assert _session is not None
    return _session


def _drop(*, at_exit: bool = False) -> None:
    global _session
    session, _session = _session, None
    if session is not None:
        session.let_go(at_exit=at_exit)


atexit.register(_drop, at_exit=True)
