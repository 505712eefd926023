"""Session: an identity, a region, a configuration and a connection pool; it hands out clients and resources."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from aiosdk import _forks, _off_loop
from aiosdk._async_only import AsyncContext
from aiosdk._config import PickledConfig, config_key
from aiosdk._namesakes import relate_namesakes
from aiosdk._pending import Pending
from aiosdk._session_clients import CLIENT_ARGUMENTS, OwnClient, SessionClients, client_key
from aiosdk._session_events import SessionEvents
from aiosdk._session_resources import SessionResources, list_resources
from aiosdk._single_flight import SingleFlight
from aiosdk._transport.inherited import mind_forks
from aiosdk.exceptions import (
    ConfigNotReadError,
    SessionClosedError,
    UnknownServiceError,
    hide_userinfo,
)
from aiosdk.settings import KEYS, ConfigCheck, SessionSettings, check_endpoint, check_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from aiobotocore.session import AioSession
    from botocore.client import Config

    from aiosdk._client import Client
    from aiosdk._transport.pool import ConnectionPool

# aiohttp and aiobotocore take a quarter of a second to import. A session imports them when it is first used: off the
# event loop where that is awaited.
_HEAVY: Final = (
    "encodings.idna",  # socket's, when it first resolves a name, and on a thread
    "aiosdk._transport.loop_pool",
    "aiosdk._transport.pool",
    "aiosdk._aws.botocore_session",
    "aiosdk._aws.factory",
    "aiosdk.services.clients",
)
# Not whether they are in `sys.modules`: there they are from the moment when another session's thread begins to import
# them, and whoever imports them then waits for that thread.
_imported = False

# As botocore looks for them.
_PROFILE_VARIABLES: Final = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
_REGION_VARIABLES: Final = ("AWS_DEFAULT_REGION",)


class Session(AsyncContext):
    """An AWS identity, region and configuration with one pool of connections for everything done with them.

    Making one does no I/O. Use it as `async with Session() as session:`, or `await session.close()` at the end.

    >>> async with Session(profile_name="prod", region_name="eu-west-1") as session:
    ...     s3 = await session.client("s3")
    ...     buckets = await s3.list_buckets()

    A session used again under a new event loop gets fresh connections. It pickles as its arguments.

    Args:
        aws_access_key_id: The access key, with its secret; without them the credential chain of botocore is walked
            (environment, profile, process, SSO, container, instance) when the first request must be signed.
        aws_secret_access_key: The secret key.
        aws_session_token: The session token of temporary credentials.
        region_name: The default region of every client.
        botocore_session: An `aiobotocore.session.AioSession` to use instead of a new one. The session takes it over:
            it becomes part of this session and must not be used by itself or by another one.
        profile_name: The profile of the AWS config and credentials files.
        aws_account_id: The account that the access key belongs to.
        config: An `AioConfig`, the default configuration of every client; a client's own is merged over it.
        endpoint_url: The default endpoint of every client.
        max_connections: The most sockets that the session has open at any time, for all clients and for credential
            and metadata requests; 100 unless given here or as `max_pool_connections` in `config`.
        max_connections_per_host: The most of them to one host and port; by default only the total is capped.
        retry_budget: How many retries all clients of the same account and endpoint may make together before as many
            requests succeed; each request that succeeds gives one back. 1,000 by default, which is used up only when
            more than half of all requests fail; then calls fail at once, and say so, instead of storming a service that
            is down. 0 is no retries at all, `math.inf` no limit.
        paced: Whether requests that a service throttles by the dozen take turns, at the rate that it bears, for all
            clients of the same account together; False leaves it to each call's retries.
        pool_timeout: How many seconds a request waits for a connection while nothing moves: while none is given to
            anybody, and no byte comes or goes on any. 30 by default, `math.inf` for no limit. A long queue that moves
            on is waited for. At half time a warning says what holds the connections, then `PoolTimeoutError` does.
        max_response_size: The most bytes of an answer that is read as a whole, which a stream is not; 1 GiB unless
            given. A larger one raises `AnswerRefusedError`.

    Raises:
        PartialCredentialsError: One half of a key pair was given without the other.
        InvalidEndpointError: `endpoint_url` is no HTTP URL with a host.
        PoolLimitError: A cap is below 1.
        CallOptionError: `retry_budget` is no number of retries, or `pool_timeout` no number of seconds.
    """

    _entered_as = "async with aiosdk.Session(...) as session:"
    _warn_if_dropped = True
    _closed = True  # nothing to close, should the constructor raise

    def __init__(
        self,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        region_name: str | None = None,
        botocore_session: AioSession | None = None,
        profile_name: str | None = None,
        aws_account_id: str | None = None,
        *,
        config: Config | None = None,
        endpoint_url: str | None = None,
        max_connections: int | None = None,
        max_connections_per_host: int | None = None,
        retry_budget: float | None = None,
        max_response_size: int | None = None,
        paced: bool = True,
        pool_timeout: float | None = None,
    ) -> None:
        self._settings = SessionSettings(
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            region_name=region_name,
            botocore_session=botocore_session,
            profile_name=profile_name,
            aws_account_id=aws_account_id,
            config=config,
            endpoint_url=endpoint_url,
            max_connections=max_connections,
            max_connections_per_host=max_connections_per_host,
            retry_budget=retry_budget,
            max_response_size=max_response_size,
            paced=paced,
            pool_timeout=pool_timeout,
        )
        relate_namesakes()
        self._pool_limit = self._settings.pool_limit
        self._check_config = ConfigCheck(self._settings.pool_limit)
        self._made_at = _caller()
        self._pool: ConnectionPool | None = None
        self._botocore: Any = None
        self._events = SessionEvents(self._aio)
        self._clients = SessionClients(self, self._settings.endpoint_url)
        self._resources = SessionResources(self.ready, self._clients, self._client_of_resources)
        self._preparing = SingleFlight("prepare the session", self._prepare)
        self._prepared = False
        self._entered = False
        self._generation = _forks.generation
        self._closed = False

    # Life

    async def __aenter__(self) -> Self:
        """Read the config files, so that an unknown profile is found here. Sends nothing."""
        await self.ready("enter the session")
        self._entered = True
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection, streaming body and background task of the session; it cannot be used again.

        Multipart uploads under way are aborted. Returns when the sockets are closed. Closing twice does nothing.
        """
        if self._pool is not None:
            self._pool.check_loop()
        try:
            await self._clients.end_all()
        finally:
            await self._close()

    async def _close(self) -> None:
        self._closed = True
        # Everything is told to end before anything is waited for, so that a cancellation leaves nothing open.
        runs: list[SingleFlight[Any]] = [*self._resources.close(), *self._clients.close(), self._preparing]
        self._preparing.stop()
        if self._botocore is not None:
            from aiosdk._aws.botocore_session import close_credentials

            runs += close_credentials(self._botocore)
        if self._pool is not None:
            self._pool.abandon()
            await self._pool.wait_closed()
        for run in runs:
            await run.wait()

    def __del__(self) -> None:
        if self._closed:
            return
        is_open = self._pool is not None and self._pool.is_open
        is_here = self._generation == _forks.generation  # one of the process that this one was forked from is its
        if not (is_open or (is_here and (self._entered or self._clients))):
            return
        if self._warn_if_dropped:
            warnings.warn(
                f"A Session made at {self._made_at} was dropped without being closed: use `async with`, or "
                "`await session.close()`.",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
        self._abandon()

    def _abandon(self, *, at_exit: bool = False) -> None:
        """Close what can be closed without waiting, for when there is nobody to wait."""
        self._closed = True
        if self._pool is not None:
            self._pool.abandon(at_exit=at_exit)

    def __repr__(self) -> str:
        settings = self._settings
        shown = {
            "profile_name": settings.profile_name,
            "region_name": settings.region_name,
            "endpoint_url": settings.endpoint_url and hide_userinfo(settings.endpoint_url),
        }
        arguments = ", ".join(f"{name}={value!r}" for name, value in shown.items() if value is not None)
        return f"Session({arguments}){' (closed)' if self._closed else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        settings = self._settings
        if settings.botocore_session is not None:
            raise TypeError(
                "A Session made with botocore_session=... cannot be pickled: the hooks and components of that session "
                "cannot travel. Make it from profile_name, region_name or keys instead."
            )
        given = {name: getattr(settings, name) for name in SessionSettings.__dataclass_fields__}
        if settings.config is not None:
            given["config"] = PickledConfig.of(settings.config)
        return _rebuild, (type(self), {name: value for name, value in given.items() if value is not None})

    # Clients

    def client(
        self,
        service_name: str,
        region_name: str | None = None,
        api_version: str | None = None,
        use_ssl: bool = True,
        verify: bool | str | None = None,
        endpoint_url: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        config: Config | None = None,
        aws_account_id: str | None = None,
    ) -> Pending[Client]:
        """Give the low-level client of a service: `s3 = await session.client("s3")`.

        The same arguments give the same client, so asking again costs a look-up; it lives until the session closes.
        `async with session.client("s3") as s3:` gives the same one, and when it is left and nobody else holds the
        client (has awaited it, or is in such a block), it may be forgotten: the session keeps the 16 that were left
        last. Sends nothing. The first client of a service reads its model, off the event loop.

        Args:
            service_name: A name that `await session.get_available_services()` lists, such as `"s3"`.
            region_name: The region, if not the session's.
            api_version: The API version, if not the latest.
            use_ssl: Whether to use TLS where the endpoint is botocore's choice.
            verify: False to accept any certificate, or the path of a CA bundle.
            endpoint_url: The URL to send to, scheme included; `use_ssl` is ignored then.
            aws_access_key_id: An access key for this client alone, with its secret.
            aws_secret_access_key: The secret key.
            aws_session_token: The session token.
            config: An `AioConfig`, merged over the session's. Its `max_pool_connections` is no cap: the pool is the
                session's (the logger `aiosdk.pool` says so once).
            aws_account_id: The account that the access key belongs to.

        Raises (when called):
            PartialCredentialsError: One half of a key pair was given without the other.
            InvalidEndpointError: `endpoint_url` is no HTTP URL with a host.

        Raises (when awaited):
            UnknownServiceError: There is no such service; names the nearest ones.
            NoRegionError: The service needs a region and none is configured.
            ProfileNotFoundError: The session's profile is in no config file.
            SessionClosedError: The session is closed.
        """
        key = (  # in the order of CLIENT_ARGUMENTS
            service_name,
            region_name,
            api_version,
            use_ssl,
            verify,
            endpoint_url,
            aws_access_key_id,
            aws_secret_access_key,
            aws_session_token,
            None if config is None else config_key(config),
            aws_account_id,
        )
        if key not in self._clients:
            check_keys(f"client {service_name!r}", aws_access_key_id, aws_secret_access_key, aws_session_token)
            check_endpoint(endpoint_url)
            self._check_config(config)
        return Pending("client", service_name, self._clients, key, partial(self._clients.make, key, config))

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> OwnClient:
        """Give a client as an aiobotocore session does, for libraries that take one: `async with` it.

        Each is a client of its own, with hooks of its own, over the session's pool; when it is left it is closed, the
        pool is not. Arguments and errors are those of `client()`. Sends nothing.
        """
        if len(args) > len(CLIENT_ARGUMENTS):
            raise TypeError(f"create_client() takes at most {len(CLIENT_ARGUMENTS) + 1} arguments")
        arguments = dict(zip(CLIENT_ARGUMENTS, args, strict=False))
        if twice := arguments.keys() & kwargs.keys():
            raise TypeError(f"create_client() got {', '.join(sorted(twice))} twice")
        if unknown := kwargs.keys() - set(CLIENT_ARGUMENTS):
            raise TypeError(f"create_client() has no argument {', '.join(sorted(unknown))}")
        arguments |= kwargs
        check_keys(f"client {service_name!r}", *(arguments.get(name) for name in KEYS))
        check_endpoint(arguments.get("endpoint_url"))
        self._check_config(arguments.get("config"))
        return OwnClient(self._clients, client_key(service_name, arguments), arguments.get("config"))

    def resource(
        self,
        service_name: str,
        region_name: str | None = None,
        api_version: str | None = None,
        use_ssl: bool = True,
        verify: bool | str | None = None,
        endpoint_url: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        config: Config | None = None,
        aws_account_id: str | None = None,
    ) -> Pending[Any]:
        """Give the resource of a service: `s3 = await session.resource("s3")`.

        It makes all others: `s3.Bucket("logs")`. The same arguments give the same resource, so asking again costs a
        look-up. With `async with session.resource("s3") as s3:` it is kept as `client()` keeps clients. Sends nothing.
        The first resource of a service builds its classes, off the event loop.

        Args:
            service_name: A name that `await session.get_available_resources()` lists, such as `"s3"`.
            region_name: As for `client()`, like all that follow.
            api_version: The API version, if not the latest that resources are described for.
            use_ssl: Whether to use TLS where the endpoint is botocore's choice.
            verify: False to accept any certificate, or the path of a CA bundle.
            endpoint_url: The URL to send to, scheme included.
            aws_access_key_id: An access key for this resource alone, with its secret.
            aws_secret_access_key: The secret key.
            aws_session_token: The session token.
            config: An `AioConfig`, merged over the session's.
            aws_account_id: The account that the access key belongs to.

        Raises (when called):
            PartialCredentialsError, InvalidEndpointError: As for `client()`.

        Raises (when awaited):
            ResourceNotExistsError: The service has no resources; names those that have.
            UnknownAPIVersionError: There are none for that API version.
            NoRegionError, ProfileNotFoundError, SessionClosedError: As for `client()`.
        """
        arguments: dict[str, Any] = {
            "region_name": region_name,
            "api_version": api_version,
            "use_ssl": use_ssl,
            "verify": verify,
            "endpoint_url": endpoint_url,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "aws_account_id": aws_account_id,
        }
        key = (service_name, *arguments.values(), None if config is None else config_key(config))
        if key not in self._resources:
            check_keys(f"resource {service_name!r}", aws_access_key_id, aws_secret_access_key, aws_session_token)
            check_endpoint(endpoint_url)
            self._check_config(config)
        make = partial(self._resources.make, key, service_name, config, arguments)
        return Pending("resource", service_name, self._resources, key, make)

    # Look-ups

    @property
    def pool(self) -> ConnectionPool:
        """The session's connections; `session.pool.stats()` tells open, idle, in use and waiting."""
        if self._pool is None:
            from aiosdk._transport.pool import ConnectionPool

            settings = self._settings
            self._pool = ConnectionPool(self._pool_limit, settings.max_connections_per_host, settings.retry_budget)
        return self._pool

    @property
    def events(self) -> Any:
        """The session's event hooks: `session.events.register(event_name, handler)`, as in botocore.

        Handlers are plain functions or coroutine functions; clients made later have them.
        """
        return self._events

    @property
    def profile_name(self) -> str:
        """The profile, from the arguments or AWS_PROFILE; `"default"` otherwise. Reads no file."""
        if self._botocore is None and self._settings.botocore_session is None:  # not worth importing aiobotocore for
            return self._settings.profile_name or _from_environment(_PROFILE_VARIABLES, empty=False) or "default"
        return self._aio().profile or "default"

    @property
    def region_name(self) -> str | None:
        """The region, from the arguments, AWS_DEFAULT_REGION or the profile; None when none is configured.

        Raises:
            ConfigNotReadError: The region may stand in the profile and the config file was not read yet: enter the
                session or await a client first. Never raised outside a running event loop, where the file is read.
        """
        if self._botocore is None and self._settings.botocore_session is None:  # not worth importing aiobotocore for
            region = self._settings.region_name or _from_environment(_REGION_VARIABLES)
            if region is not None:
                return region
            if _on_loop():
                raise ConfigNotReadError(name="region_name")
        from aiosdk._aws import botocore_session

        aio = self._aio()
        region = botocore_session.region_without_files(aio)
        if region is None:
            if _on_loop() and not botocore_session.files_are_read(aio):
                raise ConfigNotReadError(name="region_name")
            region = aio.get_config_variable("region")
        return region

    @property
    def available_profiles(self) -> _Names | _UnreadProfiles:
        """The names of the profiles in the config and credentials files.

        `await session.available_profiles` reads the files off the event loop. Once they are read (in an entered
        session, say) it is a list as it stands.
        """
        from aiosdk._aws import botocore_session

        aio = self._aio()
        if botocore_session.files_are_read(aio) or not _on_loop():
            return _Names(aio.available_profiles)
        return _UnreadProfiles(aio)

    async def get_credentials(self) -> Any:
        """Find the session's credentials, walking the provider chain unless that is done; None when there are none.

        May send requests (STS, SSO, instance or container metadata). `await credentials.get_frozen_credentials()`
        gives keys that are fresh.
        """
        from aiosdk._aws import botocore_session

        aio = await self.ready("get credentials")
        self.pool.check("get credentials")
        return await botocore_session.get_credentials(aio)

    async def get_available_services(self) -> list[str]:
        """List the services that `client()` knows. Reads botocore's data directory, off the event loop."""
        aio = await self.ready("list services")
        return await _off_loop.call(aio.get_available_services)

    async def get_available_resources(self) -> list[str]:
        """List the services that `resource()` knows. Reads boto3's data directory, off the event loop."""
        aio = await self.ready("list resources")
        return await _off_loop.call(list_resources, aio)

    async def get_available_partitions(self) -> list[str]:
        """List the partitions (`"aws"`, `"aws-cn"`, ...) that botocore knows."""
        aio = await self.ready("list partitions")
        return await _off_loop.call(aio.get_available_partitions)

    async def get_available_regions(
        self, service_name: str, partition_name: str = "aws", allow_non_regional: bool = False
    ) -> list[str]:
        """List the regions of a partition that a service is known to be in; none for an unknown service."""
        from aiosdk._aws.models import make_ready

        aio = await self.ready("list regions")
        try:
            await _off_loop.call(make_ready, aio.get_component("data_loader"), service_name, None)
        except UnknownServiceError:
            return []
        return await aio.get_available_regions(service_name, partition_name, allow_non_regional)

    async def get_partition_for_region(self, region_name: str) -> str:
        """Tell the partition of a region."""
        aio = await self.ready("look up a partition")
        return aio.get_partition_for_region(region_name)

    # What clients need of their session

    def check(self, doing: str) -> None:
        """Raise unless the session is open and used on one event loop at a time."""
        if self._closed:
            raise SessionClosedError(doing=doing)
        self.pool.check(doing)

    def retire(self, client: Client) -> None:
        """Give this client to nobody any more."""
        self._clients.remove(lambda each: each is client)
        self._resources.retire(client)

    async def ready(self, doing: str) -> Any:
        """The aiobotocore session with its config files read."""
        if self._closed:
            raise SessionClosedError(doing=doing)
        if not self._prepared:
            await self._preparing.get()
        return self._aio()

    # Inside

    def _aio(self) -> Any:
        """The aiobotocore session; made at first use, reading no file."""
        if self._botocore is None:
            from aiosdk._aws.botocore_session import make_session
            from aiosdk.services.clients import client_class

            self._botocore = make_session(self._settings, self.pool, client_class)
            self._events.attach(self._botocore.get_component("event_emitter"))
        return self._botocore

    async def _prepare(self) -> None:
        if not _imported:
            await _off_loop.call(_import_heavy)
        from aiosdk._aws.botocore_session import read_files

        await _off_loop.call(read_files, self._aio())
        self._prepared = True

    async def _client_of_resources(
        self, service_name: str, arguments: dict[str, Any], prepare: Callable[[Any], None] | None
    ) -> tuple[object, Client]:
        """The client of a service's resources: the one that `client()` gives, unless it is to be prepared for them."""
        key = client_key(service_name, arguments, *(() if prepare is None else (prepare,)))
        return key, self._clients.get(key) or await self._clients.make(key, arguments["config"], prepare)


class _Names(list[str]):
    """A list of names that may be awaited too, for whoever does not know whether the files were read."""

    def __await__(self) -> Generator[Any, Any, list[str]]:
        yield from ()
        return list(self)


class _UnreadProfiles:
    """The names of profiles that stand in files not read yet: to be awaited."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __await__(self) -> Generator[Any, Any, list[str]]:
        return _off_loop.call(self._read).__await__()

    def _read(self) -> list[str]:
        from aiosdk._aws.config_files import telling_place

        with telling_place():
            return list(self._session.available_profiles)

    def _refuse(self, *_: object) -> NoReturn:
        raise ConfigNotReadError(name="available_profiles")

    __iter__ = __len__ = __getitem__ = __contains__ = _refuse


mind_forks()


def _import_heavy() -> None:
    global _imported
    with _forks.undisturbed(), _off_loop.no_collection():
        for name in _HEAVY:
            importlib.import_module(name)
        from aiosdk._aws.events import built_in_handlers

        built_in_handlers()
    _imported = True


def _from_environment(names: tuple[str, ...], *, empty: bool = True) -> str | None:
    """What the first variable says that is set; an empty one may count for none."""
    return next((os.environ[name] for name in names if os.environ.get(name) or (empty and name in os.environ)), None)


def _on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _caller() -> str:
    """Where in the user's code a session is being made."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "aiosdk":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _rebuild(kind: type[Session], arguments: dict[str, Any]) -> Session:
    if isinstance(arguments.get("config"), PickledConfig):
        arguments = arguments | {"config": arguments["config"].config()}
    return kind(**arguments)
