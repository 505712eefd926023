"""The service resources that a session has handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from aiosdk import _forks, _off_loop
from aiosdk._config import given_options
from aiosdk._shelf import Shelf
from aiosdk._single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from botocore.client import Config

    from aiosdk._client import Client
    from aiosdk.resources.build import Family
    from aiosdk.resources.resource import Resource

T = TypeVar("T")

if TYPE_CHECKING:
    Prepare = Callable[[Any], None]
    GetClient = Callable[[str, dict[str, Any], Prepare | None], Awaitable[tuple[object, Client]]]

_EVENT: Final = "creating-resource-class"


class ServiceContext(NamedTuple):
    """What a `creating-resource-class` hook is told of the service, as in boto3."""

    service_name: str
    service_model: Any
    service_waiter_model: Any
    resource_json_definitions: Mapping[str, Any]


@dataclass(eq=False, slots=True)
class _Made:
    resource: Resource
    client: tuple[object, Client]
    """What it sends with, which it holds, and by what that is known."""
    family: Family
    emitter: Any
    hooks: tuple[Any, ...]
    changes: int | None = None
    """How often handlers had come or gone when the hooks were looked at."""


class SessionResources:
    """Makes service resources, and keeps them by the arguments that they were asked for with.

    Args:
        ready: Gives the aiobotocore session, with its config files read.
        clients: Those of the session. A resource that is kept holds its client.
        get_client: Gives a client, and by what it is known there.
    """

    def __init__(self, ready: Callable[[str], Awaitable[Any]], clients: Shelf[Client], get_client: GetClient) -> None:
        self._ready = ready
        self._clients = clients
        self._client = get_client
        self._made: Shelf[_Made] = Shelf(self._forgotten)
        self._own: dict[tuple[Family, tuple[Any, ...]], Family] = {}
        self._making: dict[object, SingleFlight[Any]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._made

    def close(self) -> list[SingleFlight[Any]]:
        """Forget all, and give what is under way, which is told to end."""
        self._made.clear()
        for run in self._making.values():
            run.stop()
        return list(self._making.values())

    def retire(self, client: Client) -> None:
        """Forget the resources of a client that was closed, or of a view of it."""
        self._made.remove(lambda made: made.resource.meta.client.meta is client.meta)

    def get(self, key: object) -> Resource | None:
        """Give a resource again, unless hooks have come or gone that change its class."""
        from aiosdk._aws.events import changes

        made = self._made.get(key)
        if made is None:
            return None
        now = changes(made.emitter)
        if now is None or now != made.changes:
            if _hooks(made.emitter, made.family) != made.hooks:
                return None
            made.changes = now
        return made.resource

    def take(self, key: object, value: Resource) -> None:
        """It was awaited: it stays."""
        if (made := self._made.get(key)) is not None and made.resource is value:
            self._made.take(key, made)

    def enter(self, key: object, value: Resource) -> None:
        """It is in use until it is left."""
        if (made := self._made.get(key)) is not None and made.resource is value:
            self._made.enter(key, made)

    def leave(self, key: object, value: Resource) -> None:
        """It was left by one who had entered it."""
        if (made := self._made.get(key)) is not None and made.resource is value:
            self._made.leave(key, made)

    def _forgotten(self, made: _Made) -> None:
        self._clients.leave(*made.client)

    async def make(self, key: object, service_name: str, config: Config | None, arguments: dict[str, Any]) -> Resource:
        """Make one, the same for all who ask at once."""
        doing = f"make a resource for {service_name!r}"
        return await self._once(key, doing, lambda: self._make(key, doing, service_name, config, arguments))

    async def _once(self, key: object, doing: str, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async def make() -> T:
            try:
                return await run()
            finally:
                self._making.pop(key, None)

        if key not in self._making:
            self._making[key] = SingleFlight(doing, make)
        return await self._making[key].get()

    async def _make(
        self, key: object, doing: str, service_name: str, config: Config | None, arguments: dict[str, Any]
    ) -> Resource:
        aio = await self._ready(doing)
        family = await _off_loop.call(_read_family, aio, service_name, arguments["api_version"])
        arguments = {**arguments, "api_version": family.model.api_version}
        arguments = {**arguments, "config": _marked(aio, config)}
        known_by, client = await self._client(service_name, arguments, family.prepare_client)
        emitter = aio.get_component("event_emitter")
        hooks = _hooks(emitter, family)
        if hooks:
            shared = family
            family = await self._once((shared, hooks), doing, lambda: self._own_family(shared, aio, hooks, client))
        resource = family.service_class(client=client)
        self._clients.enter(known_by, client)
        self._made.put(key, _Made(resource, (known_by, client), family, emitter, hooks))
        return resource

    async def _own_family(self, shared: Family, aio: Any, hooks: tuple[Any, ...], client: Client) -> Family:
        """The classes of this session alone, as its hooks want them."""
        own = self._own.get((shared, hooks))
        if own is None:
            own = shared.own_family()
            plans = await _off_loop.call(own.plans)
            context = await _off_loop.call(_context, aio, shared, client)
            emitter = aio.get_component("event_emitter")
            for name, plan in plans.items():
                await emitter.emit(
                    f"{_EVENT}.{shared.service_name}.{name}",
                    class_attributes=plan.attributes,
                    base_classes=plan.bases,
                    service_context=context,
                )
            own.make(plans)
            self._own[shared, hooks] = own
        return own


def list_resources(aio: Any) -> list[str]:
    """List the services that have resources. Reads directories."""
    from aiosdk._aws.resource_files import available_resources

    return available_resources(aio.get_component("data_loader"))


def _read_family(aio: Any, service_name: str, api_version: str | None) -> Family:
    with _forks.undisturbed():
        from aiosdk.services.families import get_family

    return get_family(aio.get_component("data_loader"), service_name, api_version)


def _hooks(emitter: Any, family: Family) -> tuple[Any, ...]:
    from aiosdk._aws.events import has_hooks, hooks_of

    if not has_hooks(emitter, _EVENT):
        return ()
    events = [f"{_EVENT}.{family.service_name}.{name}" for name in family.classes]
    return tuple((event, *found) for event in events if (found := hooks_of(emitter, event)))


def _context(aio: Any, family: Family, client: Client) -> ServiceContext:
    from aiosdk._aws.resource_files import read_resource_files, waiter_model

    files = read_resource_files(aio.get_component("data_loader"), family.service_name, family.model.api_version)
    return ServiceContext(
        family.service_name, client.meta.service_model, waiter_model(files), files.resources["resources"]
    )


def _marked(aio: Any, config: Config | None) -> Config | None:
    """Have the user agent say that resources are used, as boto3's does, unless the user says something else there."""
    from aiobotocore.config import AioConfig  # pyright: ignore[reportMissingTypeStubs]

    if any(given_options(each).get("user_agent_extra") for each in (config, aio.get_default_client_config())):
        return config
    marked = AioConfig(user_agent_extra="Resource")
    return marked if config is None else config.merge(marked)  # pyright: ignore[reportUnknownMemberType]
