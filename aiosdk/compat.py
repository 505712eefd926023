"""Sessions for libraries that make their own, of aiobotocore: `get_session()` and `AioSession()`, over pools of ours.

A library that takes a session needs none of this: an `aiosdk.Session` has aiobotocore's `create_client`. One that calls
`aiobotocore.session.get_session()` itself is given this module's in its place:

    >>> import aiosdk.compat, some_library.client
    >>> some_library.client.get_session = aiosdk.compat.get_session

All that come from here share one pool of 100 connections for each event loop. They are closed with the loop, or by
`await aiosdk.compat.close()`.
"""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any, Final

from aiosdk._aws.library_session import LibrarySession, twin
from aiosdk._transport.pool_per_loop import PoolPerLoop
from aiosdk.session import Session
from aiosdk.settings import DEFAULT_MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AioSession", "close", "get_session"]

_pool: Final = PoolPerLoop(DEFAULT_MAX_CONNECTIONS)


class AioSession(LibrarySession):
    """aiobotocore's session, as it is, but that its clients are ours and send over the pool of their event loop.

    It is a subclass: profile, region, configuration, credentials, components, events and look-ups are aiobotocore's.
    As there, each client is one of its own, and is closed when it is left. Nothing of it blocks the loop:
    files are read on threads when the first client is entered.
    """

    def __init__(
        self,
        session_vars: Mapping[str, Any] | None = None,
        event_hooks: Any = None,
        include_builtin_handlers: bool = True,
        profile: str | None = None,
    ) -> None:
        super().__init__(session_vars, event_hooks, include_builtin_handlers, profile)
        self._home: Session | None = None

    def create_client(self, *args: Any, **kwargs: Any) -> Any:
        """Give a client as `aiosdk.Session.create_client` does: `async with` it. Sends nothing."""
        return self._at_home().create_client(*args, **kwargs)

    async def get_credentials(self) -> Any:
        """Find the credentials, walking the provider chain unless that is done; None when there are none."""
        return await self._at_home().get_credentials()

    def _at_home(self) -> Session:
        if self._home is None:
            self._home = _Home(botocore_session=twin(self))
        return self._home


class _Home(Session):
    """The session that makes the clients. The pool is everybody's, and nobody closes it with a session."""

    _warn_if_dropped = False

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._pool = _pool

    def _abandon(self, *, at_exit: bool = False) -> None:
        self._closed = True


def get_session(env_vars: Mapping[str, Any] | None = None) -> AioSession:
    """Give a new session, as aiobotocore's function of this name does."""
    return AioSession(env_vars)


async def close() -> None:
    """Close the connections that these sessions have on the running event loop; the next request opens one."""
    await _pool.close_here()


atexit.register(_pool.abandon, at_exit=True)
