"""What a botocore `Config` was given by its maker. Imports nothing heavy."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import botocore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.client import Config


def given_options(config: Config | None) -> Mapping[str, Any]:
    """The options that were passed to a configuration, without those that have their default."""
    if config is None:
        return {}
    options = getattr(config, "_user_provided_options", None)
    if options is None:
        raise TypeError(f"config takes an AioConfig (or a botocore Config), not {type(config).__name__}")
    return options


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


@dataclass(frozen=True)
class PickledConfig:
    """A configuration in a form that can be pickled, which `botocore.UNSIGNED` cannot."""

    kind: type[Config]
    options: Mapping[str, Any]
    unsigned: bool

    @classmethod
    def of(cls, config: Config) -> PickledConfig:
        options = dict(given_options(config))
        unsigned = options.get("signature_version") is botocore.UNSIGNED
        if unsigned:
            del options["signature_version"]
        return cls(type(config), options, unsigned)

    def config(self) -> Config:
        more = {"signature_version": botocore.UNSIGNED} if self.unsigned else {}
        return self.kind(**self.options, **more)


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
