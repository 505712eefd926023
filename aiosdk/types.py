"""The resource classes by name, for annotations, `isinstance` and pickles: `aiosdk.types.s3.Bucket`.

They are read from files when first used. On a running event loop, where no file is read, `await session.resource(...)`
comes first.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from aiosdk.exceptions import ClassesNotReadError

if TYPE_CHECKING:
    from aiosdk.resources.build import Family


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
        from aiosdk._aws.models import shared_loader
        from aiosdk.services.families import get_family, known_family

        family = known_family(self._name)
        if family is None:
            service, _, version = self._name.partition("@")
            if _on_loop():
                raise ClassesNotReadError(service_name=service)
            family = get_family(shared_loader(os.environ.get("AWS_DATA_PATH")), service, version or None)
        return family


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
