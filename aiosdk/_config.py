"""What a botocore `Config` was given by its maker. Imports nothing heavy."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.client import Config


def given_options(config: Config | None) -> Mapping[str, Any]:
    """The options that were passed to a configuration, without those that have their default."""
    return getattr(config, "_user_provided_options", {})


def private_copy(config: Config) -> Config:
    """Copy a configuration for botocore, which writes into the dictionaries that it is given."""
    twin = copy.copy(config)
    options = {name: _copied(value) for name, value in given_options(config).items()}
    twin._user_provided_options = options  # pyright: ignore[reportPrivateUsage]
    return twin


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in cast("dict[object, object]", value).items()}
    return value


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
