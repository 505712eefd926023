"""The event hooks of a session, which can be registered before aiobotocore is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_CHANGES: Final = ("register", "register_first", "register_last", "unregister")


class SessionEvents:
    """botocore's emitter of a session: `register`, `register_first`, `register_last`, `unregister`, `emit`.

    Registrations that come before the emitter is there are kept and handed on when it is made, so that they can be made
    on the event loop without importing aiobotocore there.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._emitter: Any = None
        self._kept: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def attach(self, emitter: Any) -> None:
        """Hand on what was registered so far, and everything from now on."""
        self._emitter = emitter
        for name, args, kwargs in self._kept:
            getattr(emitter, name)(*args, **kwargs)
        self._kept.clear()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._emitter is None and name in _CHANGES:
            return lambda *args, **kwargs: self._kept.append((name, args, kwargs))  # pyright: ignore
        if self._emitter is None:
            self._make()
        return getattr(self._emitter, name)
