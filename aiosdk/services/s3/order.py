"""What a user asks of a transfer to or from an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Order(NamedTuple):
    """What the transfers of the client have in common, as the user gave it: nothing of it is checked yet."""

    client: Any
    bucket: str
    key: str
    arguments: Mapping[str, Any] | None
    callback: Callable[[int], Any] | None
    config: Any
    bar: bool
