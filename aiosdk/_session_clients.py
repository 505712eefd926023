"""The clients that a session has made."""

from __future__ import annotations

import asyncio
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, cast

from aiosdk import _forks
from aiosdk._config import config_key, private_copy
from aiosdk._shelf import Shelf
from aiosdk._single_flight import SingleFlight
from aiosdk.exceptions import NotAwaitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.client import Config

    from aiosdk._client import Client

CLIENT_ARGUMENTS: Final = (
    "region_name",
    "api_version",
    "use_ssl",
    "verify",
    "endpoint_url",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "config",
    "aws_account_id",
)


class HomeOfClients(Protocol):
    """What clients, and making them, need of their session."""

    @property
    def profile_name(self) -> str:
        """The session's profile."""
        ...

    def check(self, doing: str) -> None:
        """Raise unless the session may be used here and now."""
        ...

    def retire(self, client: Client) -> None:
        """Give this client to nobody any more."""
        ...

    async def ready(self, doing: str) -> Any:
        """The aiobotocore session with its config files read."""
        ...


def client_key(service_name: str, arguments: Mapping[str, Any], *more: object) -> tuple[Any, ...]:
    """By what a client is known: all that it was asked for with."""
    values: dict[str, Any] = {"use_ssl": True, **arguments}
    if (config := values.get("config")) is not None:
        values["config"] = config_key(config)
    return (service_name, *(values.get(name) for name in CLIENT_ARGUMENTS), *more)


class SessionClients(Shelf["Client"]):
    """Makes clients, and keeps those that are shared by what they were asked for with.

    Args:
        home: Their session.
        endpoint_url: The endpoint of those that are given none.
    """

    def __init__(self, home: HomeOfClients, endpoint_url: str | None) -> None:
        super().__init__()
        self._home = home
        self._endpoint_url = endpoint_url
        self._making: dict[object, SingleFlight[Client]] = {}
        self._constructing: tuple[asyncio.AbstractEventLoop, int, asyncio.Lock] | None = None
        self._everyone: weakref.WeakSet[Client] = weakref.WeakSet()

    async def end_all(self) -> None:
        """Do what is to be done before the clients there are, in whoever's hands, are closed."""
        for client in list(self._everyone):
            if hasattr(client, "end"):  # unless the user has unregistered what makes it ours
                await client.end()

    def close(self) -> list[SingleFlight[Client]]:
        """Forget all, and give what is under way, which is told to end."""
        self.clear()
        for run in self._making.values():
            run.stop()
        return list(self._making.values())

    async def make(
        self, key: tuple[Any, ...], config: Config | None, prepare: Callable[[Any], None] | None = None
    ) -> Client:
        """Make a client that is shared, once for all who ask at once."""
        making = self._making.get(key)
        if making is None:
            run = partial(self._make, key, config, prepare)
            making = self._making[key] = SingleFlight(_doing(key), run)
        return await making.get()

    async def _make(self, key: tuple[Any, ...], config: Config | None, prepare: Callable[[Any], None] | None) -> Client:
        try:
            client = await self.make_own(key, config)
            if prepare is not None:
                prepare(client)
            self.put(key, client)
            return client
        finally:
            self._making.pop(key, None)

    async def make_own(self, key: tuple[Any, ...], config: Config | None) -> Client:
        """Make a client that belongs to whoever asks."""
        doing = _doing(key)
        aio = await self._home.ready(doing)
        self._home.check(doing)
        from aiosdk._aws.factory import make_client

        arguments: dict[str, Any] = dict(zip(CLIENT_ARGUMENTS, key[1:], strict=False))
        arguments["config"] = None if config is None else private_copy(config)
        arguments["endpoint_url"] = arguments["endpoint_url"] or self._endpoint_url
        # It takes 2 to 7 ms. Of many that are asked for at once, each lets the loop run before the next.
        async with self._one_at_a_time():
            client = cast("Client", await make_client(aio, key[0], arguments))
            await asyncio.sleep(0)
        client._home = self._home  # pyright: ignore[reportPrivateUsage]
        self._everyone.add(client)
        return client

    def _one_at_a_time(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._constructing is None or self._constructing[:2] != (loop, _forks.generation):
            self._constructing = loop, _forks.generation, asyncio.Lock()
        return self._constructing[2]


class OwnClient:
    """A client that is being asked for as of aiobotocore: entered it is there, left it is closed.

    Has what aiobotocore's `ClientCreatorContext` has.
    """

    def __init__(self, clients: SessionClients, key: tuple[Any, ...], config: Config | None) -> None:
        self._make = partial(clients.make_own, key, config)
        self._name = key[0]
        self._client: Client | None = None

    def __repr__(self) -> str:
        return f"<client {self._name!r} of its own, to be entered with `async with`>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # what Python, `copy` or `inspect` look for
            raise AttributeError(name)
        self._refuse(f".{name}")

    def __enter__(self) -> NoReturn:
        self._refuse("a plain `with`")

    def __exit__(self, *exc_info: object) -> None:
        """Needed beside `__enter__`, which raises."""

    def _refuse(self, used: str) -> NoReturn:
        instead = f"`async with session.create_client({self._name!r}) as client:`"
        raise NotAwaitedError(what=f"{self._name} client", instead=instead, used=used)

    async def __aenter__(self) -> Client:
        client = self._client = await self._make()
        client._is_own = True  # pyright: ignore[reportPrivateUsage]
        return await client.__aenter__()

    async def __aexit__(self, *exc_info: object) -> None:
        if self._client is not None:
            await self._client.__aexit__(*exc_info)


def _doing(key: tuple[Any, ...]) -> str:
    return f"make a client for {key[0]!r}"
