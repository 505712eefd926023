"""An event emitter whose built-in handlers are shared by every session and client of the process.

botocore registers 127 handlers for each session (5 ms) and copies their trie for each client (1 ms, 0.3 MB). Here
the built-in handlers stay in one frozen trie, and an emitter keeps only what was registered on it. The handlers run
in botocore's order: for each node of the trie from the most specific, first those registered to run first, then the
usual ones, then the last ones, each in the order of registration, built-in ones before others.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false, reportPrivateUsage=false
# pyright: reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import copy
import inspect
from collections import deque
from functools import partial
from operator import is_
from types import FunctionType, MethodType
from typing import Any, Final

from aiobotocore.hooks import AioHierarchicalEmitter
from aiobotocore.session import AioSession
from botocore import handlers
from botocore.hooks import EVENT_ALIASES, EventAliaser, HierarchicalEmitter, _PrefixTrie

from aiosdk import _forks, _off_loop
from aiosdk._aws import second_chance
from aiosdk._aws.s3_bodies import take_the_place_of_botocores
from aiosdk._bounded import Bounded
from aiosdk._seams import Seams, package_of

_checked: Final[set[Any]] = set()
# Events of which botocore tells synchronously.
_NOT_AWAITED: Final = ("getattr.", "docs.")
MOST_ALIASED: Final = 10_000
_aliased: Final[dict[str, str]] = Bounded(MOST_ALIASED)


class LayeredTrie(_PrefixTrie):
    """A prefix trie over a frozen one: looks up both as if they were one, adds only to itself."""

    def __init__(self, base: _PrefixTrie | None = None) -> None:
        super().__init__()
        self.changes = 0
        self.frozen: Any = _PrefixTrie() if base is None else base
        """The trie below as it was; `_base` is a copy of it once something was taken out."""
        self._base: Any = self.frozen

    def prefix_search(self, key: str) -> deque[Any]:
        parts = key.split(".")
        found: deque[Any] = deque()
        stack: list[tuple[Any, Any, int]] = [(self._base._root, self._root, 0)]
        while stack:
            below, own, depth = stack.pop()
            values = [node["values"] for node in (below, own) if node and node["values"]]
            # Deeper nodes are met later and must come out first.
            found.extendleft(
                reversed([handler for section in range(3) for lists in values for handler in lists[section]])
            )
            if depth < len(parts):
                for part in ("*", parts[depth]):
                    next_below, next_own = _child(below, part), _child(own, part)
                    if next_below or next_own:
                        stack.append((next_below, next_own, depth + 1))
        return found

    def append_item(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        self.changes += 1
        super().append_item(key, value, *args, **kwargs)

    def remove_item(self, key: str, value: Any) -> None:
        self.changes += 1
        below, own = self._values(self._base._root, key), self._values(self._root, key)
        for section in range(3):
            if value in below[section]:
                # A built-in handler goes: from here on this trie has its own copy of the rest.
                base = copy.copy(self._base)
                base.remove_item(key, value)
                self._base = base
                return
            if value in own[section]:
                super().remove_item(key, value)
                return

    def _values(self, node: Any, key: str) -> Any:
        for part in key.split("."):
            node = _child(node, part)
        return (node and node["values"]) or ((), (), ())

    def __copy__(self) -> LayeredTrie:
        twin = LayeredTrie(self.frozen)
        twin._base = self._base
        twin._root = self._recursive_copy(self._root)
        return twin


def _child(node: Any, part: str) -> Any:
    return node["children"].get(part) if node else None


class LayeredEmitter(AioHierarchicalEmitter):
    """aiobotocore's emitter on a layered trie."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers = LayeredTrie()

    def _verify_and_register(self, event_name: str, handler: Any, *args: Any, **kwargs: Any) -> None:
        if not is_upstream(handler):
            self._verify_is_callable(handler)
            super()._verify_accept_kwargs(handler)
            if event_name.startswith(_NOT_AWAITED) and inspect.iscoroutinefunction(handler):
                raise ValueError(
                    f"A hook on {event_name} must be a plain function: what it gives cannot be awaited there."
                )
            handler = Hook(handler)
        super()._verify_and_register(event_name, handler, *args, **kwargs)

    def _verify_accept_kwargs(self, func: Any) -> None:
        # Looks at a function's signature, which takes 40 us. Each client registers the same dozen functions.
        code = getattr(func, "__code__", None) or getattr(type(func).__call__, "__code__", None)
        if code is None or code not in _checked:
            super()._verify_accept_kwargs(func)
            _checked.add(code)


class SharedAliaser(EventAliaser):
    """botocore's translation of old event names, which remembers for all sessions and clients what it has found."""

    def __init__(self, event_emitter: Any, event_aliases: Any = None) -> None:
        super().__init__(event_emitter, event_aliases)
        if self._event_aliases == EVENT_ALIASES:
            self._alias_name_cache = _aliased

    def emit(self, event_name: str, **kwargs: Any) -> Any:
        if event_name.startswith("docs."):
            # botocore writes a docstring when it is asked for, synchronously, and awaits nothing.
            return HierarchicalEmitter._emit(self._emitter, self._alias_event_name(event_name), kwargs)
        return _emitted(super().emit, event_name, kwargs)

    def emit_until_response(self, event_name: str, **kwargs: Any) -> Any:
        return _emitted(super().emit_until_response, event_name, kwargs)


def _emitted(emit: Any, event_name: str, kwargs: dict[str, Any]) -> Any:
    if _off_loop.is_driven() and not emits_as_ever():
        # What somebody has put in the place of aiobotocore's may need the event loop; aiomoto's makes a task.
        return _off_loop.OnLoop(lambda: _awaited(emit(event_name, **kwargs)))
    return emit(event_name, **kwargs)


_UPSTREAM: Final = ("botocore", "aiobotocore")
_EMITTING: Final = Seams(("emit", "emit_until_response", "_emit"), _UPSTREAM)


def emits_as_ever() -> bool:
    """Whether events are told by aiobotocore's own functions, which somebody may have replaced to listen to all."""
    return _EMITTING.are_own(LayeredEmitter)


def is_upstream(handler: Any) -> bool:
    """Whether a handler is of the libraries below, or ours: a client's signer and retry handlers, say.

    They need nothing of the event loop. A proxy is none of theirs, whatever it stands for and says of itself.
    """
    function = handler.__func__ if type(handler) is MethodType else handler
    package = package_of(function) if type(function) is FunctionType else type(function).__module__.partition(".")[0]
    return package in (*_UPSTREAM, "aiosdk")


class Hook:
    """A handler of the user's: what it gives to be awaited runs on the event loop even if its event is emitted off it.

    Equal to the function, so that it can be unregistered by it.
    """

    def __init__(self, function: Any) -> None:
        self.__wrapped__ = function

    def __call__(self, **kwargs: Any) -> Any:
        answer = self.__wrapped__(**kwargs)
        if _off_loop.is_driven() and inspect.isawaitable(answer):
            return _off_loop.OnLoop(partial(_awaited, answer))
        return answer

    def __eq__(self, other: object) -> bool:
        return self.__wrapped__ == getattr(other, "__wrapped__", other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


async def _awaited(answer: Any) -> Any:
    return await answer


def is_ours(events: Any) -> bool:
    """Whether the emitter of a client is one of ours, which tells when its handlers have changed."""
    return isinstance(getattr(events, "_emitter", None), LayeredEmitter)


def works_off_loop(events: Any) -> bool:
    """Whether the emitter of a client may be used off the event loop: coroutine handlers run on it nevertheless."""
    return is_ours(events) and emits_as_ever()


def attribute_by_hooks(client: Any, name: str) -> Any:
    """Give what a hook on `getattr.<service>.<name>` gives for an attribute that a client lacks; None for none.

    An attribute is not awaited, and so are its hooks no coroutines; those that are (registered for `*`, say) are not
    called.
    """
    events = client.meta.events
    event_name = f"getattr.{client.meta.service_model.service_id.hyphenize()}.{name}"
    for handler in hooks_of(events, event_name):
        function = getattr(handler, "__wrapped__", handler)
        if not inspect.iscoroutinefunction(function):
            found = handler(event_name=event_name, client=client)
            if found is not None:
                return found
    return None


def has_hooks(emitter: Any, kind: str) -> bool:
    """Whether anybody may have registered for events of a kind, the first part of their names. Takes no time."""
    trie = getattr(emitter, "_emitter", emitter)._handlers
    roots = [trie._root] + ([trie._base._root] if isinstance(trie, LayeredTrie) else [])
    return any(kind in root["children"] or "*" in root["children"] for root in roots)


def changes(emitter: Any) -> int | None:
    """How often handlers were registered and unregistered so far; None where that is not counted."""
    trie = getattr(emitter, "_emitter", emitter)._handlers
    return trie.changes if isinstance(trie, LayeredTrie) else None


def hooks_of(emitter: Any, event_name: str) -> tuple[Any, ...]:
    """The handlers of an event, in order."""
    if isinstance(emitter, EventAliaser):
        event_name = emitter._alias_event_name(event_name)
        emitter = emitter._emitter
    return tuple(emitter._handlers.prefix_search(event_name))


def built_in_of(emitter: Any, event_name: str) -> tuple[Any, ...]:
    """The built-in handlers of an event, where some built-in handler was unregistered; nothing otherwise."""
    trie = emitter._emitter._handlers
    if trie._base is trie.frozen:
        return ()
    return tuple(trie.frozen.prefix_search(emitter._alias_event_name(event_name)))


def built_in_emitter() -> LayeredEmitter:
    """Make an emitter that has botocore's built-in handlers."""
    emitter = LayeredEmitter()
    trie, unique_ids = built_in_handlers()
    emitter._handlers = LayeredTrie(trie)
    emitter._unique_id_handlers = dict(unique_ids)
    return emitter


def built_in_handlers() -> tuple[LayeredTrie, dict[str, Any]]:
    """Give botocore's built-in handlers, as aiobotocore registers them. It takes 5 ms when they are others than before.

    Libraries add to botocore's list of them when they are imported, moto for one.
    """
    listed = tuple(handlers.BUILTIN_HANDLERS)
    known = _known(listed)
    if known is None:
        # Outside of the lock, for which the event loop would have to wait.
        emitter = LayeredEmitter()
        AioSession(event_hooks=emitter)
        take_the_place_of_botocores(emitter)
        emitter.register(second_chance.EVENT, second_chance.give_second_chance, unique_id=second_chance.ID)
        with _registering:
            known = _known(listed)
            if known is None:  # no other thread was faster
                known = emitter._handlers, emitter._unique_id_handlers
                _built_in[_MOST - 1 :] = []
                _built_in.insert(0, (listed, known))
    return known


def _known(listed: tuple[Any, ...]) -> tuple[LayeredTrie, dict[str, Any]] | None:
    for others, known in tuple(_built_in):
        if len(others) == len(listed) and all(map(is_, others, listed)):
            return known
    return None


# A test suite may put something on the list and take it away again, time after time.
_MOST: Final = 4
_built_in: Final[list[tuple[tuple[Any, ...], tuple[LayeredTrie, dict[str, Any]]]]] = []
_registering: Final = _forks.Lock()
