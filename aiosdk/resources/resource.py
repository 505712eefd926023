"""Resource: an identity, a client to act with, and the data that was fetched."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from aiosdk.exceptions import IdentifierError, NoClientError, NotLoadedError
from aiosdk.resources.names import snake_case

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from aiosdk.resources.build import Family
    from aiosdk.resources.definition import ResourceDefinition


def arrange(label: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Put identifiers in order that were given by position or by name; raise `IdentifierError` unless all are there."""
    if kwargs or len(args) != len(names):
        for name in kwargs:
            if name not in names:
                _reject(label, names, f"Unknown keyword argument: {name}")
            if name in names[: len(args)]:
                _reject(label, names, f"{name} is given twice")
        if len(args) > len(names):
            _reject(label, names, f"Too many identifiers, {len(args)}")
        values = dict(zip(names, args, strict=False)) | kwargs
        args = tuple([values.get(name) for name in names])
    for name, value in zip(names, args, strict=True):
        if value is None or value == "":
            _reject(label, names, f"Required parameter {name} not set" + (" (it is empty)" if value == "" else ""))
    return args


def _reject(label: str, names: tuple[str, ...], problem: str) -> NoReturn:
    raise IdentifierError(problem=problem, call=f"{label}({', '.join(names)})")


class Dropped(str):
    """Stands where data were, and names the action that dropped them."""

    __slots__ = ()


class Resource:
    """Base class of all resources: `await session.resource("s3")` gives the first, which makes the others.

    Identifiers and attributes are plain values, actions and waiters are coroutines, collections are iterated with
    `async for`. To make, compare, print or await a resource sends nothing.
    """

    __slots__ = ("__weakref__", "_client", "_data", "_identifiers", "_references")

    _family: ClassVar[Family]
    _definition: ClassVar[ResourceDefinition]
    _names: ClassVar[tuple[str, ...]] = ()
    _secret: ClassVar[frozenset[str]] = frozenset()

    _identifiers: tuple[Any, ...]
    _client: Any
    _data: Any

    def __init__(self, *args: Any, client: Any = None, **kwargs: Any) -> None:
        self._identifiers = arrange(type(self).__name__, self._names, args, kwargs)
        self._client = client
        self._data = None

    @property
    def meta(self) -> ResourceMeta:
        """What the resource is made of: `service_name`, `identifiers`, `client`, `data`, `resource_model`."""
        return ResourceMeta(self)

    def get_available_subresources(self) -> list[str]:
        """List the names of the sub-resources, such as `Object` of an S3 bucket. Sends nothing."""
        return sorted(each.name for each in self._definition.subresources)

    def __repr__(self) -> str:
        identifiers = zip(self._names, self._identifiers, strict=True)
        shown = [f"{name}={'***' if name in self._secret else repr(value)}" for name, value in identifiers]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return type(self).__name__ == type(other).__name__ and self._identifiers == other._identifiers

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._identifiers))

    def __await__(self) -> Generator[Any, Any, Self]:
        """Give the resource itself, for programs that awaited its making in aioboto3."""
        yield from ()
        return self

    def __copy__(self) -> Self:
        return self._twin(lambda value: value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._twin(lambda value: copy.deepcopy(value, memo))

    def _twin(self, copied: Callable[[Any], Any]) -> Self:
        twin = object.__new__(type(self))
        twin._identifiers, twin._client, twin._data = self._identifiers, self._client, copied(self._data)
        for name, value in getattr(self, "__dict__", {}).items():  # of a class that a user's hook has changed
            setattr(twin, name, copied(value))
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        kind = self._family.shared_class(type(self))
        if (by_name := self._family.by_name(kind)) is not None:
            restore, *names = by_name
            return restore, (*names, kind._names, tuple(sorted(kind._secret)), self._identifiers, self._data)
        return restored, (kind, self._identifiers, self._data)

    # For the descriptors and for services

    def _client_to_call(self) -> Any:
        """The client; raises `NoClientError` when there is none."""
        if self._client is None:
            raise NoClientError(resource=repr(self), service_name=self._family.service_name)
        return self._client

    def _put_data(self, data: Mapping[str, Any] | Dropped | None) -> None:
        """Replace the data, and forget the references that were made from the old."""
        self._data = data
        self._references = {}

    def _related(self) -> dict[str, Any]:
        """The references that were followed already."""
        try:
            return self._references
        except AttributeError:
            self._references: dict[str, Any] = {}
            return self._references

    def _adapt(self, params: dict[str, Any]) -> dict[str, Any]:
        """Change what was filled into a request, where a definition is too narrow."""
        return params

    def _drop_data(self, action: str) -> None:
        """Let go of the data after an action that may have changed them, where they can be loaded again."""
        if self._data is not None and hasattr(self, "load"):
            self._put_data(Dropped(action))

    async def _loaded(self) -> None:
        """Load the resource unless that is done."""
        if self.meta.data is None:
            load = getattr(self, "load", None)
            if load is None:
                self._explain_missing("data")
            await load()

    def _explain_missing(self, attribute: str) -> NoReturn:
        """Raise the error for an attribute whose data are not there."""
        kind = snake_case(self._definition.name)
        if not hasattr(self, "load"):
            sources = self._family.sources_of(self._definition.name)
            reason = "here, and no load() to fetch it: it has data when it comes from " + (sources or "an action") + "."
        elif isinstance(self._data, Dropped):
            reason = f"any more: {self._data}() dropped the data. Write `await {kind}.load()` to fetch them again."
        else:
            reason = f"yet: it is not loaded. Write `await {kind}.load()` first."
        raise NotLoadedError(resource=repr(self), attribute=attribute, reason=reason)


class ResourceMeta:
    """What a resource is made of, as boto3's `resource.meta`; `client` and `data` may be set."""

    __slots__ = ("_resource",)

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    @property
    def service_name(self) -> str:
        """The service, such as `"s3"`."""
        return self._resource._family.service_name

    @property
    def identifiers(self) -> list[str]:
        """The names of the identifiers."""
        return list(self._resource._names)

    @property
    def client(self) -> Any:
        """The low-level client; None after unpickling."""
        return self._resource._client

    @client.setter
    def client(self, client: Any) -> None:
        self._resource._client = client

    @property
    def data(self) -> Any:
        """The loaded data as AWS answered them, a dictionary; None unless loaded."""
        data = self._resource._data
        return None if isinstance(data, Dropped) else data

    @data.setter
    def data(self, data: Any) -> None:
        self._resource._put_data(data)

    @property
    def resource_model(self) -> ResourceDefinition:
        """The definition of the resource."""
        return self._resource._definition

    def copy(self) -> ResourceMeta:
        """Copy, so that client and data may be set without changing the resource."""
        return ResourceMeta(copy.copy(self._resource))

    def _parts(self) -> tuple[Any, ...]:
        return self.service_name, self.identifiers, self.client, self.data, self.resource_model

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceMeta) and self._parts() == other._parts()

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"ResourceMeta({self.service_name!r}, identifiers={self.identifiers})"


def restored(kind: type[Resource], identifiers: tuple[Any, ...], data: Any) -> Resource:
    """Make a resource again that was pickled. It has no client."""
    resource = object.__new__(kind)
    resource._identifiers, resource._client, resource._data = identifiers, None, data
    return resource
