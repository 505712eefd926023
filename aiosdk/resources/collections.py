"""Collections: the resources that a request lists, as lazy sequences."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, Self, TypeVar

from aiosdk.exceptions import CollectionArgumentError, RepeatedTokenError
from aiosdk.resources.actions import send
from aiosdk.resources.parameters import Filled, extend
from aiosdk.resources.resource import Resource
from aiosdk.resources.results import compile_result
from aiosdk.stream import Pages, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk.resources import definition
    from aiosdk.resources.build import Family
    from aiosdk.resources.documentation import Documentation
    from aiosdk.resources.paging import Paging
    from aiosdk.resources.results import Make

T = TypeVar("T")


class Page(list[T]):
    """The items of one page; `response` is what AWS answered, with what is no item, such as `CommonPrefixes` of S3."""

    __slots__ = ("response",)

    def __init__(self, items: list[T], response: Any) -> None:
        super().__init__(items)
        self.response = response


class _Position(NamedTuple):
    """Where a page begins."""

    params: dict[str, Any] | None = None
    """The parameters without tokens; None before the first page."""
    tokens: Mapping[str, Any] = {}
    left: int | None = None
    """How many items are still wanted."""
    ask: int | None = None
    """How many to ask for; more than are wanted after pages that had none."""
    number: int = 0
    landmark: Mapping[str, Any] = {}
    """The tokens of an earlier page."""
    repeated: bool = False
    """Whether the tokens were there before."""


class Listing:
    """What all collections of one kind share: the operation, its pages, and how items are made. Compiled once."""

    def __init__(
        self,
        collection: definition.Collection,
        family: Family,
        operation: str | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self.collection = collection
        self.family = family
        self.operation = operation or collection.request.operation
        self.defaults = defaults or {}
        self.filled = Filled(collection.request.params)
        self.paging: Paging = family.model.paging(self.operation)
        self.parameters = family.model.parameters(self.operation)
        self.make: Make = compile_result(collection.resource, family)
        # Two lists that come in one page are given one after the other, as in boto3. To ask for fewer of both would
        # change which come first.
        self.merged = (collection.resource.path or "").startswith("[")


class Collection(Stream[Resource]):
    """Resources that are listed page by page: `async for user in iam.users`, `await iam.users.limit(10)` for a list.

    To make one and to narrow it (`all`, `filter`, `limit`, `page_size`) sends nothing; each gives a new collection.
    """

    __slots__ = ("_limit", "_page_size", "_params", "_parent")

    _definition: ClassVar[definition.Collection]
    _family: ClassVar[Family]
    _listing: ClassVar[Any]
    """A function that gives the Listing, compiled at the first call."""

    def __init__(
        self,
        parent: Resource,
        params: Mapping[str, Any] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> None:
        self._parent = parent
        self._params: Mapping[str, Any] = params or {}
        self._limit = limit
        self._page_size = page_size

    def all(self) -> Self:
        """Give all items. Sends nothing."""
        return self._with()

    def filter(self, *args: Any, **params: Any) -> Self:
        """Give the items that match parameters of the operation. Sends nothing.

        Parameters add up over several calls: lists grow, dictionaries merge, all else is replaced.
        """
        listing = self._listing_for(params)
        if args:
            names = ", ".join(f"{name}=" for name in sorted(listing.parameters) if name not in listing.filled.names)
            problem = f"filter({args[0]!r:.40}) takes the parameters of {listing.operation} by name: {names}"
            raise CollectionArgumentError(collection=repr(self), problem=problem)
        for name, instead in (
            ("limit", ".limit(n)"),
            ("page_size", ".page_size(n)"),
            ("PaginationConfig", ".limit(n)"),
        ):
            if name in params and name not in listing.parameters:
                problem = f"{listing.operation} has no parameter {name!r}; write {instead}"
                raise CollectionArgumentError(collection=repr(self), problem=f"{problem}.")
        return self._with(params=extend(self._params, copy.deepcopy(params)))

    def iterator(self, **params: Any) -> Self:
        """Give the items that match, as `filter()` does: boto3's name for it. Sends nothing."""
        return self.filter(**params)

    def limit(self, count: int | None) -> Self:
        """Give at most so many items; asks for no more of them than that where the service can be asked."""
        return self._with(limit=self._checked("limit", count, least=0))

    def page_size(self, count: int | None) -> Self:
        """Ask for so many items with each request, where the service can be asked."""
        return self._with(page_size=self._checked("page_size", count, least=1))

    async def first(self) -> Resource | None:
        """Fetch the first item, asking for one; None when there is none."""
        if self._limit is None or self._limit > 1:
            return await self.limit(1).first()
        return await super().first()

    def pages(self) -> Pages[Page[Resource], Any]:
        """Give the pages, a request for each; a page is a list whose `response` is what AWS answered."""
        start = None if self._limit == 0 else _Position(left=self._limit, ask=self._limit)
        return Pages(self, self._fetch, start)

    def __repr__(self) -> str:
        kind = self._definition.resource.type
        return f"{type(self).__name__}({self._parent!r}, {self._parent.meta.service_name}.{kind})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._parent, self._definition.name, self._params, self._limit, self._page_size)

    def _with(self, **changes: Any) -> Self:
        kept: dict[str, Any] = {"params": self._params, "limit": self._limit, "page_size": self._page_size}
        return type(self)(self._parent, **{**kept, **changes})

    def _checked(self, name: str, count: Any, *, least: int) -> int | None:
        if count is not None and (type(count) is not int or count < least):
            problem = f"{name}({count!r}) takes a whole number of at least {least}, or None."
            raise CollectionArgumentError(collection=repr(self), problem=problem)
        return count

    @classmethod
    def _listing_for(cls, params: Mapping[str, Any]) -> Listing:
        """The listing to use, which may depend on the parameters."""
        return cls._listing()

    async def _fetch(self, position: _Position) -> tuple[Page[Resource], _Position | None]:
        params = position.params
        listing = self._listing_for(self._params if params is None else params)
        if params is None:
            params = {**listing.defaults, **extend(await listing.filled.build(self._parent), self._params)}
        ask = None if listing.merged else position.ask
        service = listing.family.service_name
        if position.repeated:
            raise RepeatedTokenError(
                service_name=service,
                operation_name=listing.operation,
                message=", ".join(f"{name}={str(token)[:80]!r}" for name, token in position.tokens.items()),
            )
        request = listing.paging.request(listing.paging.sized(params, ask, self._page_size), position.tokens)
        response = await send(self._parent._client_to_call(), service, listing.operation, request)
        items: list[Resource] = listing.make(self._parent, request, response) or []
        left = position.left
        if left is not None:
            items = items[:left]
            left -= len(items)
        tokens = None if left == 0 else listing.paging.next_tokens(response)
        if tokens is None:
            return Page(items, response), None
        # The landmark moves on at pages 1, 2, 4, 8, ..., which finds a circle of any length (Brent, 1980).
        repeated = tokens in (position.tokens, position.landmark)
        number = position.number + 1
        landmark = tokens if number & (number - 1) == 0 else position.landmark
        # Where nothing was found (all were common prefixes, or none matched), small steps would take for ever.
        ask = left if items or position.ask is None else position.ask * 4
        return Page(items, response), _Position(params, tokens, left, ask, number, landmark, repeated)


def _restore(parent: Resource, name: str, params: Mapping[str, Any], limit: int | None, page_size: int | None) -> Any:
    """Make a collection again that was pickled. Its parent has no client."""
    return type(getattr(parent, name))(parent, params, limit, page_size)


class CollectionOf:
    """The attribute of a resource that is a collection."""

    def __init__(self, kind: type[Collection], document: Documentation) -> None:
        self.__name__ = kind._definition.name
        self._kind = kind
        self._document = document

    def __get__(self, resource: Resource | None, owner: object = None) -> Any:
        return self if resource is None else self._kind(resource)

    def __delete__(self, resource: Resource) -> NoReturn:
        self.__set__(resource, None)

    def __set__(self, resource: Resource, value: object) -> NoReturn:
        raise AttributeError(f"{self.__name__} of {resource!r} is a collection and cannot be set.")

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._document.collection(self._kind._definition, self._kind._listing_for({}).operation)

    def __repr__(self) -> str:
        return f"<collection {self._kind.__name__}>"
