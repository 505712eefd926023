"""What a resource does: actions, `load`, waiters, and batch actions of collections. All are coroutines."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

import logging
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiosdk.exceptions import ResourceNotFoundError
from aiosdk.resources.names import snake_case
from aiosdk.resources.parameters import Filled, overlay
from aiosdk.resources.paths import compile_path
from aiosdk.resources.results import compile_result

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Coroutine
    from types import CodeType

    from aiosdk.resources import definition
    from aiosdk.resources.build import Family
    from aiosdk.resources.collections import Collection
    from aiosdk.resources.resource import Resource
    from aiosdk.resources.results import Make

    F = TypeVar("F", bound=Callable[..., Any])

logger: Final = logging.getLogger(__name__)

READING: Final = ("Get", "Head", "List", "Describe", "Select", "Query", "Scan")
"""How the names of operations begin that change nothing, so that what was loaded stays true."""

# How many items a request of a batch action takes, where the service model does not say.
_MOST: Final = {"DeleteObjects": 1000, "DeleteMessageBatch": 10}


async def send(client: Any, service: str, operation: str, params: dict[str, Any]) -> Any:
    """Call an operation of a client. The log names the parameters and keeps their values to itself."""
    method = snake_case(operation)
    logger.debug("Calling %s:%s with %s", service, method, ", ".join(params) or "no parameters")
    return await getattr(client, method)(**params)


def sends(operation: str, *filled: str) -> Callable[[F], F]:
    """Mark a method written by hand: its parameters are those of an operation, but for those that it fills in."""

    def mark(function: F) -> F:
        function.__dict__["sends"] = operation, frozenset(filled)
        return function

    return mark


class Method:
    """A method of a resource class that documents itself when asked, and that `inspect` takes for a coroutine function.

    `run` takes the resource and the parameters.
    """

    __defaults__ = None
    __kwdefaults__ = None

    def __init__(
        self,
        kind: str,
        name: str,
        run: Callable[[Any, dict[str, Any]], Coroutine[Any, Any, Any]],
        document: Callable[[], str],
        signature: Callable[[], inspect.Signature],
    ) -> None:
        self.__name__ = name
        self.__qualname__ = f"{kind}.{name}"
        self.__annotations__: dict[str, Any] = {}
        self._run = run
        self._document = document
        self._signature = signature

    def __get__(self, resource: Any, owner: object = None) -> Any:
        return self if resource is None else MethodType(self, resource)

    def __call__(self, resource: Any, /, *args: Any, **params: Any) -> Coroutine[Any, Any, Any]:
        if args:
            raise TypeError(f"{self.__qualname__}() only accepts keyword arguments.")
        running = self._run(resource, params)
        running.__qualname__ = self.__qualname__  # for the warning of Python's when it is not awaited
        return running

    @property
    def __code__(self) -> CodeType:
        return self._run.__code__

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._document()

    @property
    def __signature__(self) -> inspect.Signature:
        return self._signature()

    def __repr__(self) -> str:
        return f"<coroutine method {self.__qualname__}>"


class Action:
    """An action: one request, and what becomes of its response."""

    def __init__(self, definition: definition.Action, family: Family) -> None:
        self.filled = Filled(definition.request.params)
        self._definition = definition
        self._operation = definition.request.operation
        self.reads = self._operation.startswith(READING)
        self._family = family
        self._make: Make | None = None

    async def run(self, resource: Resource, params: dict[str, Any]) -> Any:
        params, response = await self._send(resource, params)
        if not self.reads:
            resource._drop_data(self._definition.name)
        return self._result(resource, params, response)

    async def load(self, resource: Resource, params: dict[str, Any]) -> Resource:
        """Run as `load()`: keep what was fetched, and give the resource back."""
        params, response = await self._send(resource, params)
        data = self._result(resource, params, response)
        if data is None:
            raise ResourceNotFoundError(resource=repr(resource), operation_name=self._operation)
        resource._put_data(data)
        return resource

    async def _send(self, resource: Resource, given: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        client = resource._client_to_call()
        params = overlay(resource._adapt(await self.filled.build(resource)), given)
        return params, await send(client, self._family.service_name, self._operation, params)

    def _result(self, resource: Resource, params: dict[str, Any], response: Any) -> Any:
        if self._make is None:
            self._make = self._compile()
        return self._make(resource, params, response)

    def _compile(self) -> Make:
        result = self._definition.resource
        if result is None:
            read = compile_path(self._definition.path)
            return lambda _parent, _params, response: read(response)
        make = compile_result(result, self._family)
        if any("[]" in (each.path or "") for each in result.identifiers):
            return lambda parent, params, response: make(parent, params, response) or []
        return make


class Wait:
    """`wait_until_...()`: asks again and again until the resource is as wished."""

    def __init__(self, definition: definition.Waiter, family: Family) -> None:
        self.filled = Filled(definition.params)
        self._waiter_name = definition.waiter_name
        self._service = family.service_name

    async def run(self, resource: Resource, params: dict[str, Any]) -> None:
        client = resource._client_to_call()
        params = overlay(await self.filled.build(resource), params)
        logger.debug("Waiting for %s:%s", self._service, self._waiter_name)
        await client.get_waiter(self._waiter_name).wait(**params)


class BatchAction:
    """An action on all items of a collection, one request for each page, or more where a page is too long for one."""

    def __init__(self, definition: definition.Action, family: Family) -> None:
        self.filled = Filled(definition.request.params)
        self._name = definition.name
        self._operation = definition.request.operation
        self._service = family.service_name
        self._read = compile_path(definition.path)
        target = next(each.target for each in definition.request.params)
        self._most = family.model.most_items(self._operation, target) or _MOST.get(self._operation)

    async def run(self, collection: Collection, params: dict[str, Any]) -> list[Any]:
        responses: list[Any] = []
        async for page in collection.pages():
            most = self._most or len(page)
            for start in range(0, len(page), most or 1):
                responses.append(await self._act(page[start : start + most], params))  # noqa: PERF401
        return responses

    async def _act(self, items: list[Resource], given: dict[str, Any]) -> Any:
        params: dict[str, Any] = {}
        for number, item in enumerate(items):
            if self.filled.from_data:
                await item._loaded()
            self.filled.add(params, item, number)
        response = await send(items[0]._client_to_call(), self._service, self._operation, overlay(params, given))
        for item in items:
            item._drop_data(self._name)
        return self._read(response)
