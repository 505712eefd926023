"""Reads boto3's `resources-1.json`.

The format has no specification but boto3's `resources/model.py`, whose rules for names these are.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiosdk.exceptions import ResourceDefinitionError
from aiosdk.resources.definition import (
    Action,
    Collection,
    Identifier,
    Parameter,
    Relation,
    Request,
    ResourceDefinition,
    ResponseResource,
    ServiceDefinition,
    Waiter,
)
from aiosdk.resources.names import snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]


def read_definition(service_name: str, document: Json) -> ServiceDefinition:
    """Read the definition of a service's resources from the parsed file."""
    resources: dict[str, ResourceDefinition] = {}
    shared = MappingProxyType(resources)
    found: dict[str, Json] = document["resources"]
    for name, each in found.items():
        resources[name] = _Reader(name, each, each.get("has", {}), shared).read()
    service: Json = document["service"]
    return ServiceDefinition(
        service_name, _Reader(service_name, service, _all_of(service, found), shared).read(), shared
    )


def _all_of(service: Json, resources: Mapping[str, Json]) -> Json:
    """What the service resource has: every resource, under the names that the file gives it or under its own."""
    has: Json = {}
    for name, definition in resources.items():
        named = {key: each for key, each in service.get("has", {}).items() if each["resource"]["type"] == name}
        given = [{"target": each["name"], "source": "input"} for each in definition.get("identifiers", [])]
        has |= named or {name: {"resource": {"type": name, "identifiers": given}}}
    return has


class _Reader:
    """Reads one resource. A name that is taken gets its category as a suffix; the order is that of precedence."""

    def __init__(self, name: str, source: Json, has: Json, resources: Mapping[str, ResourceDefinition]) -> None:
        self._name = name
        self._source = source
        self._has = has
        self._resources = resources
        self._taken = {"meta", *(["load"] if "load" in source else [])}

    def read(self) -> ResourceDefinition:
        source = self._source
        identifiers = tuple(
            Identifier(
                self._unique(snake_case(each["name"]), "identifier"),
                snake_case(each["memberName"]) if "memberName" in each else None,
            )
            for each in source.get("identifiers", [])
        )
        actions = tuple(
            self._action(self._unique(snake_case(name), "action"), each) for name, each in self._items("actions")
        )
        subresources, references = self._relations()
        collections = tuple(
            Collection(
                self._unique(snake_case(name), "collection"),
                _request(each["request"]),
                self._resource(each["resource"]),
            )
            for name, each in self._items("hasMany")
        )
        waiters = tuple(
            Waiter(
                self._unique(snake_case(f"WaitUntil{name}"), "waiter"),
                snake_case(each["waiterName"]),
                _parameters(each),
            )
            for name, each in self._items("waiters")
        )
        return ResourceDefinition(
            name=self._name,
            shape=source.get("shape"),
            identifiers=identifiers,
            load=self._action("load", source["load"]) if "load" in source else None,
            actions=actions,
            batch_actions=tuple(self._action(snake_case(name), each) for name, each in self._items("batchActions")),
            subresources=tuple(subresources),
            references=tuple(references),
            collections=collections,
            waiters=waiters,
            taken=frozenset(self._taken),
        )

    def _items(self, section: str) -> Iterator[tuple[str, Json]]:
        yield from self._source.get(section, {}).items()

    def _relations(self) -> tuple[list[Relation], list[Relation]]:
        subresources: list[Relation] = []
        references: list[Relation] = []
        for name, each in self._has.items():
            resource = self._resource(each["resource"])
            if any(identifier.source == "data" for identifier in resource.identifiers):
                references.append(Relation(self._unique(snake_case(name), "reference"), resource))
            else:
                subresources.append(Relation(self._unique(name, "subresource"), resource))
        return subresources, references

    def _action(self, name: str, source: Json) -> Action:
        resource = self._resource(source["resource"]) if "resource" in source else None
        return Action(name, _request(source["request"]), resource, source.get("path"))

    def _resource(self, source: Json) -> ResponseResource:
        identifiers = tuple(Parameter(**each) for each in source.get("identifiers", []))
        return ResponseResource(source["type"], source.get("path"), identifiers, self._resources)

    def _unique(self, name: str, category: str) -> str:
        if name in self._taken:
            name = f"{name}_{category}"
        if name in self._taken:
            raise ResourceDefinitionError(what=self._name, problem=f"it has two members named {name}")
        self._taken.add(name)
        return name


def _request(source: Json) -> Request:
    return Request(source["operation"], _parameters(source))


def _parameters(source: Json) -> tuple[Parameter, ...]:
    return tuple(Parameter(**each) for each in source.get("params", []))
