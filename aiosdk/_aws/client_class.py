"""The class of a session's clients: ours in place of aiobotocore's, by botocore's own event for that."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.client import AioBaseClient
from aiobotocore.signers import generate_presigned_url

if TYPE_CHECKING:
    from collections.abc import Callable

HOOK_ID: Final = "aiosdk-client-class"


_hooks: Final[dict[Callable[[str], type[AioBaseClient]], Callable[..., None]]] = {}


def class_hook(client_class: Callable[[str], type[AioBaseClient]]) -> Callable[..., None]:
    """Give the handler of `creating-client-class` that makes clients ours, the same whenever it is asked for.

    Args:
        client_class: Gives the class for the id of a service.
    """

    def use_client_class(class_attributes: dict[str, Any], base_classes: list[type], event_name: str, **_: Any) -> None:
        base_classes[base_classes.index(AioBaseClient)] = client_class(event_name.partition(".")[2])
        for name in class_attributes:
            if name.startswith("generate_"):  # presigned URLs and tokens, which are no calls
                class_attributes[name] = _checked(class_attributes[name], f"{event_name.partition('.')[2]}.{name}")

    return _hooks.setdefault(client_class, use_client_class)


def _checked(generate: Callable[..., Any], typed: str) -> Callable[..., Any]:
    """Have a method that signs without sending refuse to when its client or session is closed.

    Args:
        generate: The method.
        typed: What its caller types, for Python's warning when it is not awaited.
    """

    @functools.wraps(generate)
    async def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self.calling(generate.__name__):
            if generate is generate_presigned_url and (url := await self.presigned(*args, **kwargs)) is not None:
                return url
            return await generate(self, *args, **kwargs)

    checked.__qualname__ = typed
    return checked
