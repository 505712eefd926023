"""What a service's resources are: frozen values, whatever they were read from.

The names and fields are those of boto3's `ResourceModel`, which `resource.meta.resource_model` gives there. All names
are final: in Python's spelling, and changed where two would be the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosdk.resources.names import snake_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that is filled in: where it goes, and where it comes from."""

    target: str
    """In a request, a path such as `Filters[0].Values[0]`; in a result or a sub-resource, an identifier."""
    source: str
    """identifier, data, response, requestParameter, string, integer, boolean, or input (from the user)."""
    name: str | None = None
    path: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Request:
    """An operation with what is filled into its parameters."""

    operation: str
    params: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class ResponseResource:
    """The resources that come out of a response, or out of a resource's data."""

    type: str
    path: str | None
    identifiers: tuple[Parameter, ...]
    _resources: Mapping[str, ResourceDefinition] = field(repr=False, compare=False)

    @property
    def model(self) -> ResourceDefinition:
        """The definition of these resources."""
        return self._resources[self.type]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a resource does: a request, and what becomes of the response."""

    name: str
    request: Request
    resource: ResponseResource | None
    path: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A sub-resource, or a reference to another resource."""

    name: str
    resource: ResponseResource


@dataclass(frozen=True, slots=True)
class Collection:
    """Many resources that a request lists."""

    name: str
    request: Request
    resource: ResponseResource

    @property
    def batch_actions(self) -> tuple[Action, ...]:
        """What can be done with all of them, a page at a time."""
        return self.resource.model.batch_actions


@dataclass(frozen=True, slots=True)
class Waiter:
    """A client's waiter, with what is filled into its parameters."""

    name: str
    waiter_name: str
    params: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Identifier:
    """A part of what makes a resource the one that it is."""

    name: str
    member_name: str | None = None
    """The attribute of the data, in Python's spelling, that has the same value."""


@dataclass(frozen=True, slots=True)
class ResourceDefinition:
    """One kind of resource."""

    name: str
    shape: str | None
    identifiers: tuple[Identifier, ...]
    load: Action | None
    actions: tuple[Action, ...]
    batch_actions: tuple[Action, ...]
    subresources: tuple[Relation, ...]
    references: tuple[Relation, ...]
    collections: tuple[Collection, ...]
    waiters: tuple[Waiter, ...]
    taken: frozenset[str] = field(repr=False)
    """Every name that is in use, so that an attribute must step back."""

    def get_attributes(self, shape: Any) -> dict[str, tuple[str, Any]]:
        """Give the attributes by name, each with the member of the shape that it shows."""
        members: Mapping[str, Any] = shape.members
        return {name: (member, members[member]) for name, member in self.attribute_members(members).items()}

    def attribute_members(self, members: Iterable[str]) -> dict[str, str]:
        """Give the names of the attributes for the members of the shape."""
        identifiers = {identifier.name for identifier in self.identifiers}
        names: dict[str, str] = {}
        for member in members:
            name = snake_case(member)
            if name not in identifiers:
                names[f"{name}_attribute" if name in self.taken else name] = member
        return names


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """The resources of a service, and the service itself as one of them."""

    service_name: str
    service: ResourceDefinition
    resources: Mapping[str, ResourceDefinition]
