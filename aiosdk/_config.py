"""What a botocore `Config` was given by its maker. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.client import Config


def given_options(config: Config | None) -> Mapping[str, Any]:
    """The options that were passed to a configuration, without those that have their default."""
    return getattr(config, "_user_provided_options", {})


def config_key(config: Config) -> object:
    """Give a hashable value that is equal for configurations with equal options."""
    return type(config), _frozen(given_options(config))


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return frozenset((key, _frozen(each)) for key, each in items)
    if isinstance(value, list | tuple):
        return tuple(_frozen(each) for each in cast("list[object]", value))
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
