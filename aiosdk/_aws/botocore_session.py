"""The aiobotocore session below a `Session`: made or taken over, fitted with our parts, and its look-ups."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiobotocore
import botocore
from aiobotocore.config import AioConfig
from aiobotocore.configprovider import AioSmartDefaultsConfigStoreFactory
from aiobotocore.credentials import AioCredentials
from aiobotocore.parsers import AioResponseParserFactory
from aiobotocore.session import AioSession
from aiobotocore.utils import AioIMDSRegionProvider
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import ProfileNotFound
from botocore.regions import EndpointResolver

from aiosdk._aws import second_chance
from aiosdk._aws.client_class import HOOK_ID, class_hook
from aiosdk._aws.client_parts import SharedExceptions
from aiosdk._aws.config_files import telling_place
from aiosdk._aws.config_values import ConfigValues
from aiosdk._aws.credentials import SessionCredentials, SessionTokens, find_credentials
from aiosdk._aws.events import SharedAliaser, built_in_emitter
from aiosdk._aws.http_session import PooledHTTPSession, bind
from aiosdk._aws.metadata import send_metadata_over
from aiosdk._aws.models import shared_loader
from aiosdk._aws.parsers import DecodingParserFactory
from aiosdk._aws.redaction import redact_logs
from aiosdk._config import private_copy
from aiosdk._off_loop import no_collection
from aiosdk._version import __version__
from aiosdk.exceptions import ProfileNotFoundError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.client import AioBaseClient
    from botocore.client import Config

    from aiosdk._single_flight import SingleFlight
    from aiosdk._transport.pool import ConnectionPool
    from aiosdk.settings import SessionSettings

_resolvers: dict[int, EndpointResolver] = {}


class FittedSession(AioSession):
    """aiobotocore's session with our store of configuration values."""

    def _register_config_store(self) -> None:
        self._components.register_component("config_store", ConfigValues(self))


def make_session(
    settings: SessionSettings, pool: ConnectionPool, client_class: Callable[[str], type[AioBaseClient]]
) -> AioSession:
    """Make the aiobotocore session for these settings, or fit the user's. Reads no file."""
    redact_logs()
    session = settings.botocore_session
    if session is None:
        emitter = built_in_emitter()
        session = FittedSession(event_hooks=emitter, include_builtin_handlers=False)
        session._events = SharedAliaser(emitter)
        session.register_component("event_emitter", session._events)
    if session.user_agent_name == "aiobotocore":
        session.user_agent_name = "aiosdk"
        session.user_agent_version = __version__
        session.user_agent_extra = f"aiobotocore/{aiobotocore.__version__} botocore/{botocore.__version__}"
    if settings.profile_name is not None:
        session.set_config_variable("profile", settings.profile_name)
    if settings.region_name is not None:
        session.set_config_variable("region", settings.region_name)
    http = bind(pool, settings.max_response_size, paced=settings.paced, pool_timeout=settings.pool_timeout)
    session.set_default_client_config(
        _merged(AioConfig(http_session_cls=http), session.get_default_client_config(), settings.config)
    )
    _fit_credentials(session, settings, http)
    _fit_components(session, http)

    if not isinstance(session._events, SharedAliaser):  # whose built-in handlers have it
        session.register(second_chance.EVENT, second_chance.give_second_chance, unique_id=second_chance.ID)
    session.register("creating-client-class", class_hook(client_class), unique_id=HOOK_ID)
    return session


def _merged(base: AioConfig, *others: Config | None) -> AioConfig:
    for config in others:
        if config is not None:
            base = base.merge(private_copy(config))
    return base


def _fit_credentials(session: AioSession, settings: SessionSettings, http: type[PooledHTTPSession]) -> None:
    if settings.aws_access_key_id and settings.aws_secret_access_key:
        session.set_credentials(
            settings.aws_access_key_id,
            settings.aws_secret_access_key,
            settings.aws_session_token,
            settings.aws_account_id,
        )
    elif session._credentials is None:
        session._credentials = SessionCredentials(
            lambda: find_credentials(session, http), session.profile or "default", session
        )
    elif type(session._credentials) is not AioCredentials and not isinstance(session._credentials, SessionCredentials):
        session._credentials = SessionCredentials.around(session._credentials)


def _fit_components(session: AioSession, http: type[PooledHTTPSession]) -> None:
    """Register our loader and the parts that use it, wherever the user has not put one of theirs."""
    if "data_loader" in session._components._deferred:
        session._components.lazy_register_component(
            "data_loader", lambda: shared_loader(session.get_config_variable("data_path"), looks=True)
        )

    def endpoint_resolver() -> EndpointResolver:
        loader = session.get_component("data_loader")
        resolver = _resolvers.get(id(loader))
        if resolver is None:
            endpoints, path = loader.load_data_with_path("endpoints")
            resolver = EndpointResolver(endpoints, uses_builtin_data=loader.is_builtin_path(path))
            if loader is shared_loader(session.get_config_variable("data_path")):
                _resolvers[id(loader)] = resolver  # that loader lives as long as the process
        return resolver

    def smart_defaults() -> AioSmartDefaultsConfigStoreFactory:
        provider = AioIMDSRegionProvider(session=session)
        provider._fetcher = provider._create_fetcher()
        send_metadata_over(provider._fetcher, http)
        return AioSmartDefaultsConfigStoreFactory(session._get_internal_component("default_config_resolver"), provider)

    parsers = session.get_component("response_parser_factory")
    if type(parsers) is AioResponseParserFactory and not parsers._defaults:
        session.register_component("response_parser_factory", DecodingParserFactory())
    internal = session._internal_components
    if type(internal._components.get("exceptions_factory")) is ClientExceptionsFactory:
        internal.register_component("exceptions_factory", SharedExceptions())
    if "endpoint_resolver" in internal._deferred:
        internal.lazy_register_component("endpoint_resolver", endpoint_resolver)
    if "smart_defaults_factory" in internal._deferred:
        internal.lazy_register_component("smart_defaults_factory", smart_defaults)


def read_files(session: AioSession) -> None:
    """Read the config files and what hangs on them. Call it off the loop.

    Raises `ProfileNotFoundError` when the session's profile is in none of them.
    """
    try:
        with telling_place():
            session.get_scoped_config()
    except ProfileNotFound as error:
        profile = "default" if session.profile is None else session.profile
        raise ProfileNotFoundError(
            profile=profile,
            config_file=session.get_config_variable("config_file"),
            credentials_file=session.get_config_variable("credentials_file"),
            nearest=nearest(profile, session.full_config["profiles"], noun="profile"),
        ) from error
    with no_collection():
        session.get_component("data_loader")
        session._get_internal_component("endpoint_resolver")
        session._get_internal_component("default_config_resolver")
    tokens = session.get_component("token_provider")
    if not isinstance(tokens, SessionTokens):
        session.register_component("token_provider", SessionTokens(tokens, session))


def files_are_read(session: AioSession) -> bool:
    """Whether the config files have been read, so that looking a variable up reads nothing."""
    return session._config is not None


def region_without_files(session: AioSession) -> str | None:
    """The session's region where it is known from arguments or the environment."""
    return session.get_config_variable("region", methods=("instance", "env"))


def close_credentials(session: AioSession) -> list[SingleFlight[Any]]:
    """End the background work of the session's credentials and tokens, and give it to be waited for."""
    holders = (session._credentials, session._components._components.get("token_provider"))
    return [run for each in holders if isinstance(each, SessionCredentials | SessionTokens) for run in each.close()]


async def get_credentials(session: AioSession) -> Any:
    """The session's credentials object, or None when no provider has any."""
    credentials = session._credentials
    if isinstance(credentials, SessionCredentials):
        if await credentials.load(anew=True) is None:
            return None
        await credentials.get_frozen_credentials()
    return credentials
