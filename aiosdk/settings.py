"""What a `Session` was made with: plain values, checked, and all that a session pickles as."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiosdk._config import given_options
from aiosdk.exceptions import (
    AccountWithoutKeysError,
    BotocoreSessionError,
    CallOptionError,
    InvalidEndpointError,
    PartialCredentialsError,
    PoolLimitError,
    hide_userinfo,
)

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from botocore.client import Config

logger: Final = logging.getLogger("aiosdk.pool")

DEFAULT_MAX_CONNECTIONS: Final = 100
KEYS: Final = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """The arguments of `Session`, by their names there."""

    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = field(default=None, repr=False)
    aws_session_token: str | None = field(default=None, repr=False)
    region_name: str | None = None
    botocore_session: AioSession | None = None
    profile_name: str | None = None
    aws_account_id: str | None = None
    config: Config | None = None
    endpoint_url: str | None = None
    max_connections: int | None = None
    max_connections_per_host: int | None = None
    retry_budget: float | None = None
    max_response_size: int | None = None
    paced: bool = True
    pool_timeout: float | None = None

    def __post_init__(self) -> None:
        _check_botocore_session(self.botocore_session)
        if self.aws_account_id and not (self.aws_access_key_id and self.aws_secret_access_key):
            raise AccountWithoutKeysError()  # as boto3 does, before it minds a pair that is not whole
        check_keys("Session", self.aws_access_key_id, self.aws_secret_access_key, self.aws_session_token)
        check_endpoint(self.endpoint_url)
        check_config(self.config)
        check_config(self._default_config)
        _check_limit("max_connections", self.max_connections)
        _check_limit("max_connections_per_host", self.max_connections_per_host)
        _check_budget(self.retry_budget)
        _check_limit("max_response_size", self.max_response_size)
        _check_pool_timeout(self.pool_timeout)

    @property
    def pool_limit(self) -> int:
        """The cap of the pool: `max_connections`, else the configuration's `max_pool_connections`, else 100."""
        given = {**given_options(self._default_config), **given_options(self.config)}.get("max_pool_connections")
        return self.max_connections or given or DEFAULT_MAX_CONNECTIONS

    @property
    def _default_config(self) -> Config | None:
        """That of the user's botocore session, over which `config` is merged."""
        session: Any = self.botocore_session
        return None if session is None else session.get_default_client_config()


class ConfigCheck:
    """Checks the configurations of a session's clients; `limit` is the cap of its pool."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._told = False

    def __call__(self, config: Config | None) -> None:
        """Raise as `check_config`; log once that a client's own cap is none, as boto3's users set it for speed."""
        check_config(config)
        asked = given_options(config).get("max_pool_connections")
        if self._told or asked is None or asked == self._limit:
            return
        self._told = True
        logger.log(
            logging.WARNING if asked > self._limit else logging.INFO,
            "max_pool_connections=%d in the Config of a client changes nothing: all clients of a session share its "
            "pool of %d connections. Say Session(max_connections=...) for another cap.",
            asked,
            self._limit,
        )


def _check_botocore_session(session: object) -> None:
    """Raise `BotocoreSessionError` unless it is None or aiobotocore's, which is too heavy to be imported for this."""
    names = [(base.__module__, base.__qualname__) for base in type(session).__mro__]
    if session is not None and ("aiobotocore.session", "AioSession") not in names:
        kind = type(session)
        raise BotocoreSessionError(given=f"a {kind.__module__}.{kind.__qualname__}")


def check_config(config: Config | None) -> None:
    """Raise `CallOptionError` for a number in a configuration that is none, as boto3 raises a `ValueError`.

    Raises `PoolLimitError` for its `max_pool_connections`.
    """
    given = given_options(config)
    for name in ("connect_timeout", "read_timeout"):
        value: object = given.get(name)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or not value > 0):
            problem = "it takes a number of seconds above 0, or None for no limit"
            raise CallOptionError(name=name, value=repr(value)[:80], problem=problem)
    retries: dict[str, object] = given.get("retries") or {}
    for name, count in retries.items():
        if name != "mode" and (not isinstance(count, int) or isinstance(count, bool)):
            raise CallOptionError(name=f"retries[{name!r}]", value=repr(count)[:80], problem="it takes a whole number")
    _check_limit("max_pool_connections", given.get("max_pool_connections"))


def check_keys(provider: str, access_key: str | None, secret_key: str | None, token: str | None) -> None:
    """Raise `PartialCredentialsError` when a key pair was begun and not completed."""
    if not (access_key or secret_key or token) or (access_key and secret_key):
        return
    missing = "aws_secret_access_key" if access_key else "aws_access_key_id"
    raise PartialCredentialsError(provider=provider, cred_var=missing)


def check_endpoint(endpoint_url: str | None) -> None:
    """Raise `InvalidEndpointError` unless the URL is None or has an HTTP scheme, a host and a sound port."""
    if endpoint_url is None:
        return
    if not isinstance(endpoint_url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidEndpointError(endpoint_url=endpoint_url, problem="is no text")
    shown = hide_userinfo(endpoint_url)[:80]
    try:
        parts = urlsplit(endpoint_url)
        _ = parts.port
    except ValueError as error:
        raise InvalidEndpointError(endpoint_url=shown, problem=f"is malformed ({error})") from error
    if parts.scheme not in ("http", "https"):
        raise InvalidEndpointError(endpoint_url=shown, problem="does not begin with http:// or https://")
    if not parts.hostname or re.search(r"\s", endpoint_url):
        raise InvalidEndpointError(endpoint_url=shown, problem="does not name a host")
    if "@" in parts.netloc or "\\" in parts.netloc:  # requests are signed; and who reads it takes it for the host
        raise InvalidEndpointError(endpoint_url=shown, problem="has something before its host")


def _check_limit(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PoolLimitError(name=name, value=value)


def _check_pool_timeout(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        problem = "it takes a number of seconds above 0, or math.inf for no limit"
        raise CallOptionError(name="pool_timeout", value=repr(value)[:80], problem=problem)


def _check_budget(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        problem = "it takes a number of retries, 0 for none, or math.inf for no limit"
        raise CallOptionError(name="retry_budget", value=repr(value)[:80], problem=problem)
