"""The resource classes by name, for annotations, `isinstance` and pickles: `aiosdk.types.s3.Bucket`.

They are read from files when first used. On a running event loop, where no file is read, `await session.resource(...)`
comes first.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aiosdk import _forks
from aiosdk.exceptions import ClassesNotReadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk.resources.build import Family
    from aiosdk.resources.resource import Resource

log: Final = logging.getLogger("aiosdk.types")


class ServiceTypes:
    """The resource classes of one service."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, kind: str) -> Any:
        if kind.startswith("_"):
            raise AttributeError(kind)
        found = self._family().classes.get(kind)
        if found is None:
            raise AttributeError(f"The service {self._name} has no resource {kind!r}; it has {', '.join(dir(self))}.")
        return found

    def __dir__(self) -> list[str]:
        return sorted(self._family().classes)

    def __repr__(self) -> str:
        return f"<resource classes of {self._name}>"

    def _family(self) -> Family:
        family = _known(self._name)
        if family is None and (_reading.get(self._name) is not None or not _on_loop()):
            family = _read(self._name)
        if family is None:
            raise ClassesNotReadError(service_name=self._name.partition("@")[0])
        return family


# Those whose classes are being read because a resource was unpickled on an event loop.
_reading: Final[dict[str, threading.Thread]] = {}


def restore(
    family: str, kind: str, names: tuple[str, ...], secret: tuple[str, ...], identifiers: tuple[Any, ...], data: Any
) -> Resource:
    """Make a resource again that was pickled. It has no client.

    On an event loop its class is not waited for: it is read on a thread meanwhile, and found when it is needed.
    """
    from aiosdk.resources.resource import restored

    known = _known(family) or (None if _on_loop() else _read(family))
    if known is not None:
        return restored(known.classes[kind], identifiers, data)
    from aiosdk.resources.unread import unread_class

    if family not in _reading:
        _reading[family] = threading.Thread(target=_read_ahead, args=(family,), name="aiosdk-types", daemon=True)
        _reading[family].start()
    return restored(unread_class(_finder(family, kind), restore, family, kind, names, secret), identifiers, data)


@cache
def _finder(family: str, kind: str) -> Callable[[], type[Resource]]:
    return lambda: (_known(family) or _read(family)).classes[kind]


def _known(name: str) -> Family | None:
    """The classes of a service if they are there; imports nothing."""
    families = sys.modules.get("aiosdk.services.families")
    known: Callable[[str], Family | None] | None = getattr(families, "known_family", None)
    return None if known is None else known(name)


def _read(name: str) -> Family:
    if (ahead := _reading.get(name)) is not None and ahead is not threading.current_thread():
        ahead.join()
    with _forks.undisturbed():
        from aiosdk._aws.models import shared_loader
        from aiosdk.services.families import get_family

    service, _, version = name.partition("@")
    return get_family(shared_loader(os.environ.get("AWS_DATA_PATH")), service, version or None)


def _read_ahead(name: str) -> None:
    try:
        _read(name)
    except Exception as error:  # whoever needs the classes gets it
        log.debug("The classes of %s cannot be read: %r", name, error)


def _on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def __getattr__(name: str) -> ServiceTypes:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return ServiceTypes(name)
