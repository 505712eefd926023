"""Builds the classes of a service's resources from their definitions, once."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aiosdk.resources.actions import Action, BatchAction, Method, Wait
from aiosdk.resources.attributes import Attribute, Identifier
from aiosdk.resources.collections import Collection, CollectionOf, Listing
from aiosdk.resources.documentation import Documentation, identifiers_signature
from aiosdk.resources.names import snake_case
from aiosdk.resources.references import Reference, SubResource
from aiosdk.resources.resource import Resource

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Mapping

    from aiosdk.resources import definition
    from aiosdk.resources.definition import ResourceDefinition, ServiceDefinition
    from aiosdk.resources.model import ServiceModel

SERVICE: Final = "ServiceResource"
"""The name of the class of the service itself, as in boto3."""


@dataclass(frozen=True)
class Extras:
    """What is written by hand for a service: base classes of its resources and of its collections."""

    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where identifiers are read, in place of what the definition says."""
    resources: Mapping[str, type[Resource]] = field(default_factory=dict[str, type[Resource]])
    collections: Mapping[tuple[str, str], type[Collection]] = field(
        default_factory=dict[tuple[str, str], type[Collection]]
    )
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    """How shapes are called in documentation whose values are not what the model says."""
    prepare_client: Callable[[Any], None] | None = None
    """Changes the client of the service's resources, which is one of their own then, and nobody else's."""


@dataclass(frozen=True)
class Plan:
    """A class that is going to be made. A user's hook may change both before it is."""

    bases: list[type]
    attributes: dict[str, Any]


class Family:
    """The classes of one service, which lead to each other."""

    def __init__(
        self, service: ServiceDefinition, model: ServiceModel, extras: Extras, module: str, prefix: str
    ) -> None:
        self.service_name = service.service_name
        self.definition = service
        self.model = model
        self.classes: dict[str, type[Resource]] = {}
        self.prepare_client = extras.prepare_client
        self._extras = extras
        self._module = module
        self._prefix = prefix
        self._shared: Family | None = None

    def better(self, identifier: definition.Parameter) -> definition.Parameter:
        """Where an identifier is read, which may not be where the definition says."""
        return replace(identifier, path=self._extras.paths.get(identifier.path or "", identifier.path))

    @property
    def service_class(self) -> type[Resource]:
        """The class of the service resource."""
        return self.classes[SERVICE]

    def plans(self) -> dict[str, Plan]:
        """Plan the classes, by the name of the resource."""
        every = {SERVICE: self.definition.service, **self.definition.resources}
        return {name: self._plan(name, each) for name, each in every.items()}

    def make(self, plans: Mapping[str, Plan]) -> None:
        """Make the classes that were planned."""
        for name, plan in plans.items():
            kind = f"{self.service_name}.{name}"
            try:
                made: Any = type(kind, tuple(plan.bases), plan.attributes)
            except TypeError as error:
                bases = ", ".join(each.__qualname__ for each in plan.bases)
                raise TypeError(f"The bases that hooks gave {kind} do not go together ({bases}): {error}") from error
            self.classes[name] = made

    def own_family(self) -> Family:
        """Give a family of the same definitions for one session, whose plans a user's hook may change."""
        own = Family(self.definition, self.model, self._extras, self._module, self._prefix)
        own._shared = self
        return own

    def shared_class(self, kind: type[Resource]) -> type[Resource]:
        """The class of every session that a class of one session stands for."""
        if self._shared is None:
            return kind
        return next(self._shared.classes[name] for name, each in self.classes.items() if each in kind.__mro__)

    def by_name(self, kind: type[Resource]) -> tuple[Callable[..., Any], str, str] | None:
        """What restores a pickled resource by the names of its family and class, and these; None if it has no names."""
        family, _, name = kind.__qualname__.rpartition(".")
        if (self._shared or self).classes.get(name) is not kind:  # a user's subclass
            return None
        return importlib.import_module(self._module).restore, family, name

    def sources_of(self, kind: str) -> str:
        """Tell the collections, references and actions that give resources of a kind with their data."""
        every = {self.service_name: self.definition.service, **self.definition.resources}
        return ", ".join(
            f"`{snake_case(name)}.{each.name}`"
            for name, resource in every.items()
            for each in (*resource.collections, *resource.references, *resource.actions)
            if each.resource is not None and each.resource.type == kind and each.resource.path
        )

    def _plan(self, name: str, resource: ResourceDefinition) -> Plan:
        kind = f"{self.service_name}.{name}"
        document = Documentation(self.service_name, self.model, resource, kind, self._extras.types)
        base = self._extras.resources.get(name, Resource)
        attributes = self._members(kind, name, resource, document) | self._by_hand(kind, base, document)
        names = tuple(each.name for each in resource.identifiers)
        secret = {each.name for each in resource.identifiers if self._is_secret(resource, each)}
        attributes |= {
            "__slots__": (),
            "__module__": self._module,
            "__qualname__": f"{self._prefix}.{name}",
            "__doc__": _OfClass(document.resource),
            "__signature__": _OfClass(lambda: identifiers_signature(names)),
            "_family": self,
            "_definition": resource,
            "_names": names,
            "_secret": frozenset(secret),
        }
        return Plan([self._shared.classes[name] if self._shared else base], attributes)

    def _is_secret(self, resource: ResourceDefinition, identifier: definition.Identifier) -> bool:
        alias = resource.attribute_members(self.model.members(resource.shape)).get(identifier.member_name or "")
        return self.model.is_secret(resource.shape, alias)

    def _members(self, kind: str, name: str, resource: ResourceDefinition, document: Documentation) -> dict[str, Any]:
        members: dict[str, Any] = {}
        aliases: dict[str, int] = {}
        for place, each in enumerate(resource.identifiers):
            members[each.name] = Identifier(kind, each.name, place, document)
            if each.member_name:
                aliases[each.member_name] = place
        if resource.load:
            members["load"] = members["reload"] = self._action(
                kind, resource.load, document, Action(resource.load, self)
            )
        for action in resource.actions:
            members[action.name] = self._action(kind, action, document, Action(action, self))
        for attribute, member in resource.attribute_members(self.model.members(resource.shape)).items():
            if attribute in aliases:
                members[attribute] = Identifier(kind, attribute, aliases[attribute], document)
            else:
                members[attribute] = Attribute(kind, attribute, member, document)
        for relation in resource.references:
            members[relation.name] = Reference(kind, relation, self, document)
        for relation in resource.subresources:
            members[relation.name] = SubResource(kind, relation, self, document)
        for waiter in resource.waiters:
            members[waiter.name] = self._waiter(kind, waiter, document)
        for collection in resource.collections:
            members[collection.name] = CollectionOf(self._collection(name, collection, document), document)
        return members

    def _by_hand(self, kind: str, base: type[Resource], document: Documentation) -> dict[str, Any]:
        """What a hand-written base class has. Its methods take the place of those that the definition has."""
        members: dict[str, Any] = {}
        for name, member in vars(base).items():
            if base is not Resource and not name.startswith("_") and callable(member):
                sent: tuple[str, frozenset[str]] | None = getattr(member, "sends", None)
                members[name] = self._modelled(kind, member, *sent, document) if sent else member
        return members

    def _modelled(
        self,
        kind: str,
        function: Callable[..., Any],
        operation: str,
        filled: frozenset[str],
        document: Documentation,
    ) -> Method:
        async def run(resource: Resource, params: dict[str, Any]) -> Any:
            return await function(resource, **params)

        return Method(
            kind,
            function.__name__,
            run,
            lambda: document.by_hand(function, operation, filled),
            lambda: document.signature(operation, filled),
        )

    def _action(
        self, kind: str, action: definition.Action, document: Documentation, done: Action | BatchAction
    ) -> Method:
        def text() -> str:
            if isinstance(done, BatchAction):
                return document.batch_action(action, done.filled.names)
            return document.action(action, done.filled.names, drops=not done.reads)

        return Method(
            kind,
            action.name,
            done.load if isinstance(done, Action) and action.name == "load" else done.run,
            text,
            lambda: document.signature(action.request.operation, done.filled.names),
        )

    def _waiter(self, kind: str, waiter: definition.Waiter, document: Documentation) -> Method:
        done = Wait(waiter, self)
        return Method(
            kind,
            waiter.name,
            done.run,
            lambda: document.waiter(waiter, done.filled.names),
            lambda: document.waiter_signature(waiter, done.filled.names),
        )

    def _collection(self, name: str, collection: definition.Collection, document: Documentation) -> type[Collection]:
        path = (self._prefix, *([] if name == SERVICE else [name]), f"{collection.name}Collection")
        base = self._extras.collections.get((name, collection.name), Collection)
        kind = ".".join((self.service_name, *path[1:]))
        batch = {
            each.name: self._action(kind, each, document, BatchAction(each, self)) for each in collection.batch_actions
        }
        attributes: dict[str, Any] = {
            "__slots__": (),
            "__module__": self._module,
            "__qualname__": ".".join(path),
            "_definition": collection,
            "_family": self,
            "_listing": staticmethod(cache(lambda: Listing(collection, self))),
        }
        made: Any = type(kind, (base,), {**batch, **attributes})
        made.__doc__ = _OfClass(lambda: document.collection(collection, made._listing_for({}).operation))
        return made


class _OfClass:
    """An attribute of a class that is worked out when it is read."""

    def __init__(self, read: Callable[[], str | inspect.Signature]) -> None:
        self._read = read

    def __get__(self, instance: object, owner: object = None) -> Any:
        return self._read()
