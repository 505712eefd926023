"""Makes clients as aiobotocore does, of parts that all sessions share where nobody has a hook on them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import copy
import os
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import aiobotocore.session
from aiobotocore.client import AioClientCreator
from aiobotocore.context import with_current_context
from aiobotocore.session import AioSession
from botocore import translate

from aiosdk._aws.client_parts import ClientParts, known_parts, make_parts, shared_maker
from aiosdk._aws.models import SharedLoader, is_ready, make_ready
from aiosdk._off_loop import let_loop_run, no_collection
from aiosdk._seams import Seams

if TYPE_CHECKING:
    from botocore.model import ServiceModel

# A retry configuration is known by how many attempts it gives; a program that makes up its own should not fill memory.
_MOST: Final = 100
_OUTLINE: Final[dict[str, Any]] = {"version": "", "parameters": {}, "rules": []}

# What libraries may patch. A client is made of shared parts only while these are the libraries' own.
_UPSTREAM: Final = ("botocore", "aiobotocore")
_CREATOR: Final = Seams(
    (
        "create_client",
        "_load_service_model",
        "_load_service_endpoints_ruleset",
        "_create_client_class",
        "_create_methods",
        "_create_api_method",
        "_create_name_mapping",
        "_get_client_args",
    ),
    _UPSTREAM,
)
_SESSION: Final = Seams(("create_client", "_create_client"), _UPSTREAM)

_NO_EXPRESS_AUTH: Final = "s3_disable_express_session_auth"


class SharingCreator(AioClientCreator):
    """aiobotocore's maker of clients, given the shared parts of a service instead of making its own."""

    _parts: ClientParts | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._retry_config_translator is translate:
            self._retry_config_translator = _RETRY_CONFIGS

    def _load_service_model(self, service_name: str, api_version: str | None = None) -> ServiceModel:
        maker = shared_maker(self._event_emitter)
        if maker is None or type(self._loader) is not SharedLoader:
            return super()._load_service_model(service_name, api_version)
        # Made already, unless a hook on choose-service-name has chosen another service.
        self._parts = make_parts(self._loader, service_name, api_version, maker, pause=lambda: None)
        return self._parts.service_model

    def _load_service_endpoints_ruleset(self, service_name: str, api_version: str | None = None) -> Any:
        data = super()._load_service_endpoints_ruleset(service_name, api_version)
        return data if self._parts is None else _OUTLINE

    async def _create_client_class(self, service_name: str, service_model: ServiceModel) -> Any:
        if self._parts is None:
            return await super()._create_client_class(service_name, service_model)
        return self._parts.client_class

    async def _get_client_args(self, *args: Any, **kwargs: Any) -> Any:
        given: dict[str, Any] = await super()._get_client_args(*args, **kwargs)
        if self._parts is not None and self._parts.rules is not None:
            resolver = given["endpoint_ruleset_resolver"]
            resolver._provider.ruleset = self._parts.rules
            resolver._param_definitions = self._parts.rules.parameters
        return given

    async def create_client(self, *args: Any, **kwargs: Any) -> Any:
        config = kwargs.get("client_config")
        if (disabled := getattr(config, _NO_EXPRESS_AUTH, None)) is not None:  # botocore does not ask the Config
            store: Any = self._config_store
            store.set_config_variable(_NO_EXPRESS_AUTH, disabled)
        if config is None or config.proxies is not None or _may_have_proxies():
            return await super().create_client(*args, **kwargs)
        # Told that there is no proxy, botocore does not go through the whole environment, twice, to find the same.
        config = kwargs["client_config"] = copy.copy(config)
        config.proxies = {}
        client = await super().create_client(*args, **kwargs)
        client.meta.config.proxies = client.meta.config._user_provided_options["proxies"] = None
        return client


def _may_have_proxies() -> bool:
    if sys.platform in ("darwin", "win32"):  # whose system settings may have one
        return True
    return "_PROXY" in "\n".join(os.environ).upper()


class _RetryConfigs:
    """botocore's translation of retry configurations, which copies the defaults each time, done once for each."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[Any, Any]] = {}

    def build_retry_config(self, endpoint_prefix: str, retry_model: Any, definitions: Any, retries: Any = None) -> Any:
        """Give what botocore's function of this name gives. It is not to be changed."""
        key = endpoint_prefix, id(retry_model), retries and frozenset(retries.items())
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            config = translate.build_retry_config(endpoint_prefix, retry_model, definitions, retries)
            known = self._known[key] = retry_model, config
        return known[1]


_RETRY_CONFIGS: Final = _RetryConfigs()


def _creating_method(session: AioSession) -> FunctionType | None:
    """Give aiobotocore's method that makes a creator of clients, without its decorator; None if it is not as known."""
    if (
        aiobotocore.session.AioClientCreator is not AioClientCreator
        or not _CREATOR.are_own(AioClientCreator)
        or not _SESSION.are_own(type(session))
        or not vars(session).keys().isdisjoint(_SESSION.names)
    ):
        return None
    method = getattr(AioSession._create_client, "__wrapped__", None)
    if isinstance(method, FunctionType) and "AioClientCreator" in method.__code__.co_names and not method.__closure__:
        return method
    return None


def is_prepared(session: AioSession, service_name: str, api_version: str | None) -> bool:
    """Whether `prepare` would have nothing to do."""
    loader = session.get_component("data_loader")
    if not is_ready(loader, service_name, api_version):
        return False
    maker = shared_maker(session.get_component("event_emitter"))
    if maker is None or type(loader) is not SharedLoader:
        return True
    return known_parts(loader, service_name, api_version, maker) is not None


def prepare(session: AioSession, service_name: str, api_version: str | None) -> None:
    """Read the files of a service and make what its clients share. Call it off the loop.

    Raises `UnknownServiceError` with the nearest names when there is no such service.
    """
    loader = session.get_component("data_loader")
    make_ready(loader, service_name, api_version)
    maker = shared_maker(session.get_component("event_emitter"))
    if maker is not None and type(loader) is SharedLoader:
        with no_collection():
            make_parts(loader, service_name, api_version, maker, pause=let_loop_run)


def create_client(session: AioSession, service_name: str, arguments: dict[str, Any]) -> Any:
    """Make a client as `session.create_client` does: to be awaited."""
    method = _creating_method(session)
    if method is None or shared_maker(session.get_component("event_emitter")) is None:
        return session.create_client(service_name, **arguments).__aenter__()
    # aiobotocore's own method with one name bound otherwise, for a session cannot be told which creator to use.
    names = {**method.__globals__, "AioClientCreator": SharingCreator}
    create = FunctionType(method.__code__, names, method.__name__, method.__defaults__)
    return with_current_context()(create)(session, service_name, **arguments)
