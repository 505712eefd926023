"""Identifiers and attributes: plain, read-only values."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from aiosdk.resources.documentation import Documentation
    from aiosdk.resources.resource import Resource


class Value:
    """A read-only value of a resource."""

    __slots__ = ("__name__", "_document", "_kind")

    def __init__(self, kind: str, name: str, document: Documentation) -> None:
        self.__name__ = name
        self._kind = kind
        self._document = document

    def __set__(self, resource: Resource, value: object) -> NoReturn:
        raise AttributeError(f"{self.__name__} of {resource!r} is what AWS says and cannot be set.")

    def __delete__(self, resource: Resource) -> NoReturn:
        self.__set__(resource, None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self._kind}.{self.__name__}>"


class Identifier(Value):
    """A part of what makes a resource the one that it is; given when it is made."""

    __slots__ = ("_place",)

    def __init__(self, kind: str, name: str, place: int, document: Documentation) -> None:
        super().__init__(kind, name, document)
        self._place = place

    def __get__(self, resource: Resource | None, owner: object = None) -> Any:
        if resource is None:
            return self
        return resource._identifiers[self._place]

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._document.identifier(self.__name__)


class Attribute(Value):
    """A part of a resource's data."""

    __slots__ = ("_member",)

    def __init__(self, kind: str, name: str, member: str, document: Documentation) -> None:
        super().__init__(kind, name, document)
        self._member = member

    def __get__(self, resource: Resource | None, owner: object = None) -> Any:
        if resource is None:
            return self
        data = resource._data
        if data.__class__ is dict:
            return data.get(self._member)
        data = resource.meta.data
        if data is None:
            resource._explain_missing(self.__name__)
        return data.get(self._member)

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._document.attribute(self._member)
