"""Credentials and tokens: found once for everybody who asks, refreshed in the background, never on the loop's time.

aiobotocore's own objects run the provider chain once per client that is being made, refresh within whichever request
came first (and with its cancellation, not at all), and read profile, token and cache files on the event loop. Here one
task does each of these for all, off the loop, and belongs to nobody who could cancel it.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false, reportPrivateUsage=false
# pyright: reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import subprocess
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

from aiobotocore.credentials import (
    AioCredentialResolver,
    AioCredentials,
    AioProcessProvider,
    AioProfileProviderBuilder,
    AioRefreshableCredentials,
)
from botocore.context import ClientContext, get_context, start_as_current_context
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, CredentialRetrievalError
from botocore.tokens import DeferredRefreshableToken

from aiosdk import _off_loop
from aiosdk._aws.logins import telling_login
from aiosdk._aws.metadata import send_metadata_over
from aiosdk._aws.renewals import Renewals
from aiosdk._single_flight import SingleFlight
from aiosdk.exceptions import CredentialRecursionError, NoCredentialsError, SessionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from aiobotocore.session import AioSession

    from aiosdk._aws.http_session import PooledHTTPSession

log: Final = logging.getLogger("aiosdk.credentials")

# botocore's windows: from 15 minutes before expiry a refresh is worth trying, from 10 minutes it is waited for.
# Credentials that live shorter than that would be refreshed by every request; theirs are a part of their life.
ADVISORY: Final = (900.0, 1 / 4)
MANDATORY: Final = (600.0, 1 / 6)
# Seconds between attempts to refresh in the background, so that a broken provider is not hammered.
ATTEMPT_INTERVAL: Final = 60.0
# Seconds in which no call walks the provider chain that was walked in vain, unless the environment has changed.
IN_VAIN_FOR: Final = 30.0
# What a renewal changes of refreshable credentials.
_RENEWED: Final = frozenset(
    (
        "_access_key",
        "_secret_key",
        "_token",
        "_account_id",
        "_expiry_time",
        "_staged_expiry_time",
        "_frozen_credentials",
    )
)

# Whose credentials the code that runs is looking for.
_found_for: Final[ContextVar[object]] = ContextVar("aiosdk_found_for", default=None)


class SessionCredentials(AioCredentials):
    """The credentials of a session: looked for when first needed, then kept fresh.

    Takes the place of what a provider found, for every client of the session. `access_key`, `secret_key`, `token`
    and `account_id` tell what was used last; `get_frozen_credentials()` gives what a request should use now.
    """

    def __init__(
        self,
        find: Callable[[], Coroutine[Any, Any, tuple[Any, bool]]],
        profile: str = "default",
        session: AioSession | None = None,
    ) -> None:
        # `find` gives what a provider found, or None, and whether it came from aiobotocore's own providers.
        self._find = find
        self._profile = profile
        self._session = session
        self._source: Any = None
        self._blocks = False
        self._frozen: ReadOnlyCredentials | None = None
        self._closed = False
        self._lifetime = 0.0
        self._next_attempt = 0.0
        self._forced = False
        self._in_vain: tuple[float, int] | None = None
        self.renewals = Renewals()
        self.features: frozenset[str] = frozenset()
        """How they were found, by botocore's names for that, which the User-Agent of each request tells."""
        self._finding = SingleFlight("find credentials", self._find_source)
        self._refreshing = SingleFlight("refresh credentials", self._refresh_source)

    @classmethod
    def around(cls, source: Any) -> SessionCredentials:
        """Wrap credentials that the user has made."""

        async def find() -> tuple[Any, bool]:
            return source, False

        return cls(find)

    def __repr__(self) -> str:
        found = f"method={self.method!r}" if self._source is not None else "not looked for yet"
        return f"<SessionCredentials {found}>"

    async def load(self, *, anew: bool = False) -> SessionCredentials | None:
        """Run the provider chain unless that is done; None when no provider has credentials.

        Where none had, that is so for a while.

        Args:
            anew: Look again at once.
        """
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(partial(self.load, anew=anew))
        if self._closed:
            raise SessionClosedError(doing="find credentials")
        if self._source is None and (anew or not self._found_none_lately()):
            await self._get(self._finding)
        return None if self._source is None else self

    def _found_none_lately(self) -> bool:
        if self._in_vain is None:
            return False
        since, environment = self._in_vain
        return monotonic() - since < IN_VAIN_FOR and environment == _environment()

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Give credentials fit to sign with now. Raises `NoCredentialsError` when no provider has any."""
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(self.get_frozen_credentials)
        if (self._source is None or self._closed) and await self.load() is None:
            raise NoCredentialsError(profile=self._profile)
        frozen: ReadOnlyCredentials | None = self._frozen
        remaining = self._remaining()
        if frozen is not None and (remaining is None or remaining > _window(ADVISORY, self._lifetime)):
            return frozen
        if frozen is None or remaining is None or remaining <= _window(MANDATORY, self._lifetime):
            await self._get(self._refreshing)
        elif asyncio.get_running_loop().time() >= self._next_attempt:
            self._next_attempt = asyncio.get_running_loop().time() + ATTEMPT_INTERVAL
            self._refreshing.start()
        return cast("ReadOnlyCredentials", self._frozen)

    async def renew(self, refused: str | None, host: str) -> bool:
        """Ask for others, since a service says that they have expired; whether there are others.

        Raises what the provider raises. Until there are others, those there are go on to count for all other requests.

        Args:
            refused: The access key that was refused. Others may be there already.
            host: Who says so.
        """
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(partial(self.renew, refused, host))
        before = self._frozen
        if refused is not None and before is not None and before.access_key != refused:
            return True
        if not self._refreshing.is_running:
            if not self.renewals.take(host, monotonic()):
                log.warning("%s says again that credentials have expired; they are not renewed for it now", host)
                return False
            self._forced = True
        await self._get(self._refreshing)
        return self._frozen != before

    async def _get(self, run: SingleFlight[None]) -> None:
        if _found_for.get() is self:  # it would wait for itself
            raise CredentialRecursionError()
        with telling_login(self._session):
            await run.get()

    def close(self) -> list[SingleFlight[Any]]:
        """End whatever is under way, and give it to be waited for; from now on there are no credentials to be had."""
        self._closed = True
        runs: list[SingleFlight[Any]] = [self._finding, self._refreshing]
        for run in runs:
            run.stop()
        return runs

    async def _find_source(self) -> None:
        _found_for.set(self)
        with start_as_current_context(ClientContext()):
            source, self._blocks = await self._find()
            found = get_context().features
        self.features = frozenset(
            found or (["CREDENTIALS_CODE"] if getattr(source, "method", "") == "explicit" else [])
        )
        if not self._blocks:
            _unblock(source)
        if isinstance(source, RefreshableCredentials):
            fresh: ReadOnlyCredentials | None = cast("Any", source)._frozen_credentials
            if fresh is not None:
                with self._trusting_nothing(source):
                    self._keep(source, fresh)
        elif source is not None:
            self._frozen = await _off_loop.result_of(source.get_frozen_credentials)
        self._source = source
        self._in_vain = (monotonic(), _environment()) if source is None else None

    async def _refresh_source(self) -> None:
        _found_for.set(self)
        source = self._source
        forced, self._forced = self._forced, False
        run = _driven if self._blocks else _off_loop.result_of
        with self._trusting_nothing(source):
            if forced and isinstance(source, RefreshableCredentials):
                await _renewed(source, run)
            self._keep(source, await run(source.get_frozen_credentials))

    def _trusting_nothing(self, source: Any) -> AbstractContextManager[None]:
        # A provider of the user's own may raise what it likes.
        return _making_sense(str(source.method)) if self._blocks else nullcontext()

    def _keep(self, source: Any, frozen: ReadOnlyCredentials) -> None:
        if self._blocks and not all(isinstance(each, str) for each in (*frozen[:2], frozen.token or "")):
            raise TypeError("The keys of credentials are texts.")
        renewed = frozen is not self._frozen
        self._frozen = frozen
        remaining = _remaining(source)
        if renewed and remaining is not None:
            self._lifetime = max(remaining, 0.0)

    def _remaining(self) -> float | None:
        return _remaining(self._source)

    def _known(self, name: str) -> Any:
        if self._frozen is not None:
            return getattr(self._frozen, name, None)
        return None if self._source is None else getattr(self._source, f"_{name}", None)

    @property
    def method(self) -> str | None:
        """How the credentials were found, such as `env` or `assume-role`; None before that."""
        return getattr(self._source, "method", None)

    @property
    def access_key(self) -> str | None:
        """The access key that was used last."""
        return self._known("access_key")

    @property
    def secret_key(self) -> str | None:
        """The secret key that was used last."""
        return self._known("secret_key")

    @property
    def token(self) -> str | None:
        """The session token that was used last, if there is one."""
        return self._known("token")

    @property
    def account_id(self) -> str | None:
        """The account id, where the provider knew it."""
        return self._known("account_id")

    async def get_access_key(self) -> str | None:
        """Give the access key to use now."""
        return (await self.get_frozen_credentials()).access_key

    async def get_secret_key(self) -> str | None:
        """Give the secret key to use now."""
        return (await self.get_frozen_credentials()).secret_key

    async def get_token(self) -> str | None:
        """Give the session token to use now, if there is one."""
        return (await self.get_frozen_credentials()).token

    async def get_account_id(self) -> str | None:
        """Give the account id where the provider knew it. Endpoint rules ask, also for requests that go unsigned."""
        if await self.load() is None:
            return None
        return getattr(await self.get_frozen_credentials(), "account_id", None)


class SessionToken:
    """A bearer token that is refreshed once for everybody, off the event loop."""

    def __init__(self, source: Any, session: AioSession) -> None:
        self._source = source
        self._session = session
        self._getting = SingleFlight("refresh a token", self._get)

    async def get_frozen_token(self) -> Any:
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(self.get_frozen_token)
        if self._source._should_refresh() is None:
            token = self._source.get_frozen_token()
            return await token if inspect.isawaitable(token) else token
        with telling_login(self._session):
            return await self._getting.get()

    def close(self) -> SingleFlight[Any]:
        self._getting.stop()
        return self._getting

    async def _get(self) -> Any:
        return await _driven(self._source.get_frozen_token)


class SessionTokens:
    """The token providers of a session: what they give is shared by all clients and refreshed off the loop."""

    def __init__(self, chain: Any, session: AioSession) -> None:
        self._chain = chain
        self._session = session
        self._tokens: dict[str, SessionToken] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)  # insert_before() and the like

    def load_token(self, **kwargs: Any) -> Any:
        token = self._chain.load_token(**kwargs)
        if not isinstance(token, DeferredRefreshableToken):
            return token
        if not is_upstream(token) and inspect.iscoroutinefunction(token.get_frozen_token):
            return token
        return self._tokens.setdefault(token.method, SessionToken(token, self._session))

    def close(self) -> list[SingleFlight[Any]]:
        """End whatever is under way, and give it to be waited for."""
        return [token.close() for token in self._tokens.values()]


async def _driven(func: Callable[[], Any]) -> Any:
    """Call what is upstream's: aiobotocore's coroutines block between awaits, botocore's functions all the time."""
    if inspect.iscoroutinefunction(func):
        return await _off_loop.drive(func())
    return await _off_loop.result_of(func)


def _unblock(source: Any) -> None:
    """Have a plain function that refreshes aiobotocore's credentials run on a thread, not on the loop."""
    refresh: Any = getattr(source, "_refresh_using", None)
    if not isinstance(source, AioRefreshableCredentials) or inspect.iscoroutinefunction(refresh):
        return
    source._refresh_using = partial(_off_loop.result_of, refresh)


async def _renewed(source: Any, run: Callable[[Callable[[], Any]], Coroutine[Any, Any, Any]]) -> None:
    """Run the provider of credentials before their time. Where nothing comes of it they stay as they are."""
    before = {name: value for name, value in vars(source).items() if name in _RENEWED}
    try:
        await run(partial(source._protected_refresh, is_mandatory=True))
    except BaseException:
        vars(source).update(before)
        raise


def _environment() -> int:
    """What there is of AWS in the environment. The hash of it: there may be secrets in it."""
    return hash(frozenset((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))


def _window(rule: tuple[float, float], lifetime: float) -> float:
    seconds, share = rule
    return min(seconds, lifetime * share)


def _remaining(source: Any) -> float | None:
    """Seconds until the credentials expire, or None when they never do."""
    if getattr(source, "_expiry_time", None) is None:
        return None
    return source._seconds_remaining()


def is_upstream(provider: Any) -> bool:
    """Whether a provider is aiobotocore's, which may block between awaits and needs nothing of the user's loop."""
    return type(provider).__module__.partition(".")[0] in ("aiobotocore", "botocore", "aiosdk")


async def find_credentials(session: AioSession, http: type[PooledHTTPSession]) -> tuple[Any, bool]:
    """Walk the session's provider chain; give what the first provider had, and whether that provider is upstream's."""
    resolver = await _off_loop.call(session.get_component, "credential_provider")
    if getattr(type(resolver), "load_credentials", None) is not AioCredentialResolver.load_credentials:
        return await _off_loop.result_of(resolver.load_credentials), False
    _use_our_transport(resolver, session, http)
    provider: Any
    for provider in resolver.providers:
        log.debug("Looking for credentials via: %s", provider.METHOD)
        upstream = is_upstream(provider)
        found = await (_loaded(provider) if upstream else _off_loop.result_of(provider.load))
        if found is not None:
            return found, upstream
    return None, False


# What aiobotocore's providers stumble over in an answer that is none: they look at few things before they use it.
_STUMBLES: Final = (RecursionError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
# What they say themselves: of a host that a container may not ask, a token that is no header, a time in the past.
_SAID: Final = ("Unsupported host", "Auth token value", "Credentials were refreshed, but")


async def _loaded(provider: Any) -> Any:
    """What one of aiobotocore's providers has; raises `CredentialRetrievalError` for an answer that makes no sense."""
    with _making_sense(str(provider.METHOD)):
        return await _driven(provider.load)


@contextmanager
def _making_sense(method: str) -> Generator[None]:
    try:
        yield
    except BotoCoreError:
        raise
    except (*_STUMBLES, RuntimeError) as error:
        # Else without its text, in which secrets may stand.
        problem = str(error) if str(error).startswith(_SAID) else None
        if problem is None and not isinstance(error, _STUMBLES):
            raise
        problem = problem or f"what it was given or has read makes no sense ({type(error).__name__})"
        raise CredentialRetrievalError(provider=method, error_msg=problem) from error


def _use_our_transport(resolver: AioCredentialResolver, session: AioSession, http: type[PooledHTTPSession]) -> None:
    """Send metadata requests over the session's pool, and run credential processes where they may block."""
    provider: Any
    for provider in resolver.providers:
        for name in ("_role_fetcher", "_fetcher"):
            fetcher = getattr(provider, name, None)
            if hasattr(fetcher, "_session") and is_upstream(fetcher):
                send_metadata_over(fetcher, http)
        if type(provider) is AioProcessProvider:
            vars(provider)["_popen"] = _run_process
        builder = getattr(provider, "_profile_provider_builder", None)
        if type(builder) is AioProfileProviderBuilder:
            vars(provider)["_profile_provider_builder"] = _ProfileProviders(
                session, cache=builder._cache, region_name=builder._region_name
            )


class _ProfileProviders(AioProfileProviderBuilder):
    """Providers for the source profile of a role, with our way to run a credential process."""

    def _create_process_provider(self, profile_name: str) -> AioProcessProvider:
        provider = super()._create_process_provider(profile_name)
        vars(provider)["_popen"] = _run_process
        return provider


async def _run_process(*command: str, stdout: int, stderr: int) -> _Process:
    """Run a credential process to its end, for aiobotocore's provider; kill it when nobody waits any more."""
    return await _off_loop.OnLoop(partial(_run_to_end, _Process(command)))


async def _run_to_end(process: _Process) -> _Process:
    try:
        await _off_loop.call(process.run)
    except BaseException:
        process.kill()
        raise
    return process


class _Process:
    """A credential process of the user's, in the form that aiobotocore's provider expects of a finished one."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._running: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._output = b"", b""
        self.returncode = 0

    async def communicate(self) -> tuple[bytes, bytes]:
        return self._output

    def run(self) -> None:
        """Start it and wait for it."""
        name = self._command[0]
        try:
            self._running = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
        except OSError as error:
            raise _process_failed(f"{name!r} could not be run: {error.strerror}") from error
        if self._killed:
            self._running.kill()
        self._output = self._running.communicate()
        self.returncode = self._running.returncode
        if self.returncode:
            if not self._output[1].strip():
                raise _process_failed(f"{name!r} ended with status {self.returncode} and gave no reason")
            return
        try:
            json.loads(self._output[0])
        except ValueError:
            # Not from the error, which carries the output: there may be secrets in it.
            raise _process_failed(f"what {name!r} printed is no JSON") from None

    def kill(self) -> None:
        """End it, whether it runs already or not."""
        self._killed = True
        if self._running is not None:
            self._running.kill()


def _process_failed(reason: str) -> CredentialRetrievalError:
    return CredentialRetrievalError(provider=AioProcessProvider.METHOD, error_msg=reason)
