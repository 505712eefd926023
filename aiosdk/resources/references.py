"""Sub-resources and references: the way from one resource to another, without a request."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, cast

from aiosdk.exceptions import IdentifierError
from aiosdk.resources.attributes import Value
from aiosdk.resources.documentation import identifiers_signature
from aiosdk.resources.names import snake_case
from aiosdk.resources.resource import arrange
from aiosdk.resources.results import compile_result, match

if TYPE_CHECKING:
    import inspect

    from aiosdk.resources.build import Family
    from aiosdk.resources.definition import Relation
    from aiosdk.resources.documentation import Documentation
    from aiosdk.resources.resource import Resource
    from aiosdk.resources.results import Make


class SubResource:
    """Makes resources of one kind that belong to a resource: `bucket.Object("key")`."""

    def __init__(self, kind: str, definition: Relation, family: Family, document: Documentation) -> None:
        self.__name__ = definition.name
        self.__qualname__ = f"{kind}.{definition.name}"
        self._definition = definition
        self._family = family
        self._document = document

    @cached_property
    def kind(self) -> type[Resource]:
        """The class of what is made."""
        return self._family.classes[self._definition.resource.type]

    @cached_property
    def given(self) -> tuple[tuple[int, str], ...]:
        """The identifiers that the parent has: their places, and their names there."""
        found = match(self._definition.resource.identifiers, self.names)
        return tuple((place, snake_case(each.name or "")) for place, each in found if each.source == "identifier")

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The identifiers that the caller gives."""
        places = {place for place, _ in self.given}
        return tuple(name for place, name in enumerate(self.names) if place not in places)

    @property
    def names(self) -> tuple[str, ...]:
        return self.kind._names

    def __get__(self, resource: Resource | None, owner: object = None) -> SubResource | BoundSubResource:
        return self if resource is None else BoundSubResource(self, resource)

    def __call__(self, resource: Resource, /, *args: Any, **kwargs: Any) -> Resource:
        client = resource._client
        if not self.given:
            return self.kind(*args, client=client, **kwargs)
        asked = iter(arrange(self.__qualname__, self.asked, args, kwargs))
        given = {place: getattr(resource, name) for place, name in self.given}
        return self.kind(
            *[given[place] if place in given else next(asked) for place in range(len(self.names))], client=client
        )

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._document.subresource(self._definition, self.asked)

    @property
    def __signature__(self) -> inspect.Signature:
        return identifiers_signature(("self", *self.asked))


class BoundSubResource:
    """Makes resources that belong to one resource; `isinstance(x, bucket.Object)` tells whether x is of that kind."""

    __slots__ = ("__self__", "_maker")

    def __init__(self, maker: SubResource, resource: Resource) -> None:
        self._maker = maker
        self.__self__ = resource

    def __call__(self, *args: Any, **kwargs: Any) -> Resource:
        return self._maker(self.__self__, *args, **kwargs)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._maker.kind)

    def __get__(self, resource: object, owner: object = None) -> BoundSubResource:
        return self  # so that `help` takes it for the method that it is

    def __getattr__(self, name: str) -> Any:
        if name in ("__name__", "__qualname__"):
            return getattr(self._maker, name)
        raise AttributeError(
            f"{self!r} makes resources and has no {name!r} itself: call it with {', '.join(self._maker.asked) or '()'}."
        )

    def _refuse(self, *_: object) -> NoReturn:
        problem = f"{self._maker.__qualname__} makes a resource when it is called"
        raise IdentifierError(problem=problem, call=f"{self._maker.__qualname__}({', '.join(self._maker.asked)})")

    __await__ = __getitem__ = __iter__ = __aiter__ = _refuse

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._maker.__doc__

    @property
    def __signature__(self) -> inspect.Signature:
        signature = self._maker.__signature__
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __repr__(self) -> str:
        return f"<sub-resource {self._maker.__name__} of {self.__self__!r}>"


class Reference(Value):
    """Another resource, or a list of them, that a resource's data point to; None where they point to none."""

    __slots__ = ("_definition", "_family", "_make")

    _make: Make

    def __init__(self, kind: str, definition: Relation, family: Family, document: Documentation) -> None:
        super().__init__(kind, definition.name, document)
        self._definition = definition
        self._family = family

    def __get__(self, resource: Resource | None, owner: object = None) -> Any:
        if resource is None:
            return self
        data = resource.meta.data
        if data is None:
            resource._explain_missing(self.__name__)
        found = resource._related()
        if self.__name__ not in found:
            found[self.__name__] = self._maker()(resource, {}, data)
        related = found[self.__name__]
        return list(cast("list[Resource]", related)) if isinstance(related, list) else related

    def _maker(self) -> Make:
        try:
            return self._make
        except AttributeError:  # the first time
            self._make = compile_result(self._definition.resource, self._family)
            return self._make

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._document.reference(self._definition)
