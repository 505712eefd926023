"""HTTP sessions of the user's (`AioConfig(http_session_cls=...)`): entered when they are first used, and exited.

aiobotocore enters such a session with the client, in `async with`. Clients of ours live as long as their session, on
whichever event loop it is used; what an HTTP session holds belongs to one loop. So it is entered on the loop that uses
it first, another one is made and entered for the next loop, and each is exited when its loop ends or the client closes.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.endpoint import AioEndpoint, AnyioEndpoint

from aiosdk import _forks, _off_loop
from aiosdk._aws.endpoint import Endpoint
from aiosdk._aws.http_session import PooledHTTPSession
from aiosdk._single_flight import SingleFlight
from aiosdk.exceptions import SessionClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from botocore.client import Config

_MADE_WITH: Final = "_aiosdk_made_with"


@cache
def remembering(kind: type) -> type:
    """Make a subclass of a class of HTTP sessions, whose instances remember what they were made with."""

    def init(self: Any, **arguments: Any) -> None:
        setattr(self, _MADE_WITH, arguments)
        kind.__init__(self, **arguments)

    parts = {
        "__init__": init,
        "__module__": kind.__module__,
        "__doc__": kind.__doc__,
        "__qualname__": kind.__qualname__,
    }
    return type(kind.__name__, (kind,), parts)


def remembered_by(default: Any, config: Config | None) -> AioConfig | None:
    """Give what is to be merged over the configuration of a client whose HTTP session will be the user's, if it will.

    Args:
        default: The session's configuration of clients.
        config: The client's own.
    """
    kind = getattr(default, "http_session_cls", None)
    if isinstance(config, AioConfig) and "http_session_cls" in config._user_provided_options:
        kind = config.http_session_cls
    if not isinstance(kind, type) or issubclass(kind, PooledHTTPSession) or hasattr(kind, "__slots__"):
        return None
    return AioConfig(http_session_cls=remembering(kind))


class Stay:
    """The stay of a user's HTTP session on an event loop: entered once for all who send, until it is ended.

    Args:
        http_session: The HTTP session, which nobody has entered yet.
    """

    def __init__(self, http_session: Any) -> None:
        self._http_session = http_session
        self._where: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._entering = SingleFlight("send a request", self._enter)
        self._guard: AsyncGenerator[None, None] | None = None
        self.ended = False

    async def get(self) -> Any:
        """Give the HTTP session, entered on this event loop. Raises `SessionClosedError` after the end."""
        if self.ended:
            raise SessionClosedError(doing="send a request")
        if self._where != _here():
            await self._entering.get()
        return self._http_session

    async def _enter(self) -> None:
        made_with = getattr(self._http_session, _MADE_WITH, None)
        if self._where is not None and made_with is not None:
            if self._where[1] != _forks.generation:
                _parents.append((self._http_session, self._guard))
            self._http_session = type(self._http_session)(**made_with)
        guard = _guard(self._http_session)
        await anext(guard)
        self._guard, self._where = guard, _here()

    async def end(self) -> None:
        """Exit the HTTP session, for good."""
        self.ended = True
        self._entering.stop()
        await self._entering.wait()
        guard, self._guard = self._guard, None
        if guard is not None and self._where == _here():
            await guard.aclose()


# What a process has entered that this one was forked from: kept, since dropping it would exit it.
_parents: Final[list[object]] = []


def _here() -> tuple[asyncio.AbstractEventLoop, int]:
    """The event loop, and the process: an HTTP session belongs to both."""
    return asyncio.get_running_loop(), _forks.generation


async def _guard(http_session: Any) -> AsyncGenerator[None, None]:
    # A loop that is shut down properly closes the asynchronous generators that were started on it.
    async with http_session:
        yield


class _Guest:
    """An endpoint whose requests are sent by an HTTP session of the user's."""

    stay: Stay
    http_session: Any

    async def _send(self, request: Any) -> Any:
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(lambda: self._send(request))
        stay = self.stay
        self.http_session = await stay.get()
        try:
            return await self.http_session.send(request)
        except Exception as failure:
            if stay.ended:  # which is why it failed
                raise SessionClosedError(doing="finish a request") from failure
            raise


class GuestEndpoint(_Guest, Endpoint):
    """Our endpoint, with an HTTP session of the user's."""


class AnyioGuestEndpoint(_Guest, AnyioEndpoint):
    """aiobotocore's endpoint for httpx, with an HTTP session of the user's."""


def host(endpoint: Any) -> Stay | None:
    """Have an endpoint enter its HTTP session, if that is the user's; give its stay, which is to be ended."""
    if isinstance(endpoint.http_session, PooledHTTPSession):
        return None
    guests: dict[type, type] = {AioEndpoint: GuestEndpoint, Endpoint: GuestEndpoint, AnyioEndpoint: AnyioGuestEndpoint}
    guest = guests.get(type(endpoint))
    if guest is None or not hasattr(endpoint.http_session, "__aenter__"):
        return None
    endpoint.__class__ = guest
    endpoint.stay = Stay(endpoint.http_session)
    return endpoint.stay
