"""What the clients of one service share, whichever session they belong to.

For each client aiobotocore makes a class with a function for each operation, a service model, and objects of the
endpoint rules. None of that depends on the session, unless a hook of the user's takes part in it, or somebody has
patched what makes it: such a client gets parts of its own, from aiobotocore's own hands.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.client import AioClientCreator
from botocore.endpoint_provider import RuleSet
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import DataNotFoundError
from botocore.model import ServiceModel

from aiosdk import _forks
from aiosdk._aws.client_class import HOOK_ID
from aiosdk._aws.docstrings import UnreadService, make_late
from aiosdk._aws.error_kinds import kind_of_shape
from aiosdk._aws.events import LayeredEmitter, LayeredTrie, SharedAliaser, hooks_of, is_upstream
from aiosdk._aws.models import Packed, SharedLoader
from aiosdk._errors import modelled

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from aiobotocore.client import AioBaseClient

    Hook = Callable[..., None]

# Takes about a quarter of a millisecond.
METHODS_AT_A_TIME: Final = 50


@dataclass(frozen=True, slots=True)
class Maker:
    """What makes the class of a session's clients. The sessions whose makers are equal share their parts."""

    hook: Hook
    """Our own handler, see `class_hook`."""
    handlers: tuple[Any, ...]
    """The built-in handlers that take part."""
    built_in: LayeredTrie = field(compare=False)
    """All built-in handlers of the session."""


@dataclass(frozen=True, slots=True)
class ClientParts:
    """What all clients of a service share that nobody has a hook on."""

    service_model: ServiceModel
    client_class: type[AioBaseClient]
    rules: RuleSet | None


# By what was asked for: the identity of the loader, which lives as long as the process, service, version and maker.
_parts: Final[dict[tuple[int, str, str | None, Maker], ClientParts]] = {}
# By the identity of a model's description, which is kept with them, and the name that the service goes by.
_exceptions: Final[dict[tuple[int, str], tuple[Any, Any]]] = {}
# Two threads must not give a service two classes.
_making: Final = _forks.Lock()


def known_parts(loader: Any, service_name: str, api_version: str | None, maker: Maker) -> ClientParts | None:
    """Give the shared parts of a service if they are made."""
    return _parts.get((id(loader), service_name, api_version, maker))


def make_parts(
    loader: SharedLoader, service_name: str, api_version: str | None, maker: Maker, *, pause: Callable[[], None]
) -> ClientParts:
    """Give the shared parts of a service, whose model is read already. The first time takes up to 15 ms.

    Args:
        loader: A loader of the process.
        service_name: The service's name.
        api_version: Its API version, or None for the latest.
        maker: What `shared_maker` gave.
        pause: Called every so often meanwhile.
    """
    if (parts := known_parts(loader, service_name, api_version, maker)) is not None:
        return parts
    with _making:
        if (parts := known_parts(loader, service_name, api_version, maker)) is not None:
            return parts
        description = loader.load_service_model(service_name, "service-2", api_version=api_version)
        version = description["metadata"]["apiVersion"]
        parts = known_parts(loader, service_name, version, maker) if version != api_version else None
        if parts is None or parts.service_model._service_description is not description:
            model = ServiceModel(description, service_name=service_name)
            know_errors(model)
            _know_discovery(model)
            made = _result(_ClassCreator(loader, maker, pause)._create_client_class(service_name, model))
            pause()
            parts = ClientParts(model, made, _rules(loader, service_name, api_version))
            _parts[id(loader), service_name, version, maker] = parts
        _parts[id(loader), service_name, api_version, maker] = parts
    return parts


def know_errors(model: ServiceModel) -> None:
    """Tell a service model which of its shapes are errors.

    It would find out by building every shape of the service at the first error that AWS answers.
    """
    shapes = model._service_description.get("shapes")
    if isinstance(shapes, Packed) and "error_shapes" not in model.__dict__:
        model.__dict__["error_shapes"] = [model.shape_for(name) for name in shapes.error_names]


def _know_discovery(model: ServiceModel) -> None:
    """Tell a service model that no operation of it finds endpoints; it would look at every one of them."""
    operations = model._service_description.get("operations")
    if isinstance(operations, Packed) and not operations.mention("endpointoperation"):
        model.__dict__["endpoint_discovery_operation"] = None
    _ = model.endpoint_discovery_operation


def _rules(loader: SharedLoader, service_name: str, api_version: str | None) -> RuleSet | None:
    try:
        data = loader.load_service_model(service_name, "endpoint-rule-set-1", api_version=api_version)
    except DataNotFoundError:
        return None
    return RuleSet(**data, partitions=loader.load_data("partitions"))


class _ClassCreator(AioClientCreator):
    """Makes the class of a client that belongs to no session."""

    def __init__(self, loader: SharedLoader, maker: Maker, pause: Callable[[], None]) -> None:
        super().__init__(loader, None, None, _NeutralEvents(maker), None, None)
        self._made = 0
        self._pause = pause

    def _create_api_method(self, py_operation_name: str, operation_name: str, service_model: ServiceModel) -> Any:
        self._made += 1
        if self._made % METHODS_AT_A_TIME == 0:
            self._pause()
        unread: Any = UnreadService(service_model)
        method = super()._create_api_method(py_operation_name, operation_name, unread)
        if make_late(method):
            return method
        return super()._create_api_method(py_operation_name, operation_name, service_model)


class _NeutralEvents:
    """The events of a class that belongs to no session. Its handlers are botocore's own and ours: plain functions.

    They are called here, on whatever thread this is, for somebody may have replaced what an emitter emits with by
    something that needs an event loop.
    """

    def __init__(self, maker: Maker) -> None:
        emitter = LayeredEmitter()
        emitter._handlers = LayeredTrie(maker.built_in)
        emitter.register("creating-client-class", maker.hook, unique_id=HOOK_ID)
        self._events = SharedAliaser(emitter)

    def emit(self, event_name: str, **kwargs: Any) -> _Done:
        """Call the handlers of an event at once. Who makes a class awaits what this gives, who writes docs does not."""
        for handler in hooks_of(self._events, event_name):
            handler(event_name=event_name, **kwargs)
        return _Done()


class _Done:
    def __await__(self) -> Iterator[Any]:
        return iter(())


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that awaits nothing which has to be waited for: botocore's own handlers are plain functions."""
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    coroutine.close()
    raise TypeError("A built-in handler of creating-client-class has to be waited for")


def shared_maker(events: Any) -> Maker | None:
    """Give what makes the classes of a session's clients, if nobody but botocore and we take part in it."""
    emitter = getattr(events, "_emitter", None)
    if type(events) is not SharedAliaser or type(emitter) is not LayeredEmitter:
        return None
    trie: Any = emitter._handlers
    hook: Hook | None = emitter._unique_id_handlers.get(HOOK_ID, {}).get("handler")
    if hook is None or _registered(trie) != [hook]:
        return None
    if trie._base is not trie.frozen and trie._base._root != trie.frozen._root:  # some are unregistered
        return None
    handlers = _registered_below(trie.frozen)
    return None if handlers is None else Maker(hook, handlers, trie.frozen)


@lru_cache(maxsize=4)
def _registered_below(built_in: LayeredTrie) -> tuple[Any, ...] | None:
    """The built-in handlers that take part in making a class; None if somebody has added to them."""
    handlers = tuple(_registered(built_in))
    return handlers if all(is_upstream(handler) for handler in handlers) else None


def _registered(trie: Any) -> list[Any]:
    """The handlers in a trie, not below it, that take part in making a class."""
    children = trie._root["children"]
    return list(_handlers(children.get("creating-client-class"), children.get("docs"), children.get("*")))


def _handlers(*nodes: Any) -> Iterator[Any]:
    for node in nodes:
        if node:
            for section in node["values"] or ():
                yield from section
            yield from _handlers(*node["children"].values())


class SharedExceptions(ClientExceptionsFactory):
    """botocore's maker of `client.exceptions`, which gives every session the same classes for the same model.

    The classes are of their kinds, and pickle.
    """

    def _create_client_exceptions(self, service_model: ServiceModel) -> Any:
        description = service_model._service_description
        if not isinstance(description.get("shapes"), Packed):  # the model of a user's own loader, which may go
            return self._create(service_model)
        key = id(description), str(service_model.service_name)
        if key not in _exceptions:
            # Of two threads that come here at once, both get what the first of them has left.
            _exceptions.setdefault(key, (description, self._create(service_model)))
        return _exceptions[key][1]

    def _create(self, service_model: ServiceModel) -> Any:
        exceptions: Any = super()._create_client_exceptions(service_model)
        shapes: Any = service_model.error_shapes
        for shape in shapes:
            made = modelled(str(service_model.service_name), str(shape.name), kind_of_shape(shape))
            setattr(type(exceptions), str(shape.name), made)
            exceptions._code_to_exception[str(shape.error_code)] = made
        return exceptions
