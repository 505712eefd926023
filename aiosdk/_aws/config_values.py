"""The configuration values of a session, looked up without the objects that botocore walks for each of them.

botocore makes a chain of four or five providers for each of 47 variables, for each session, and asks some 90 of them
for each client, which takes longer than all the rest. The order is theirs: what was set on the session, environment,
the profile in the config file, default. Where somebody has put a provider of his own, or wants one, there are chains.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    DEFAULT_PROXIES_CONFIG_VARS,
    DEFAULT_S3_CONFIG_VARS,
    ConfigChainFactory,
    ConfigValueStore,
    SectionConfigProvider,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiobotocore.session import AioSession


@dataclass(frozen=True, slots=True)
class _Variable:
    """Where a value may stand."""

    environment: tuple[str, ...]
    profile: tuple[str | tuple[str, str], ...]
    default: Any
    convert: Callable[[Any], Any] | None


def _several(names: Any) -> tuple[Any, ...]:
    return tuple(names) if isinstance(names, list) else () if names is None else (names,)


def _variables(specifications: Mapping[str, Any]) -> dict[str, _Variable]:
    return {
        name: _Variable(_several(environment), _several(profile), default, convert)
        for name, (profile, environment, default, convert) in specifications.items()
    }


_SECTIONS: Final = {"s3": DEFAULT_S3_CONFIG_VARS, "proxies_config": DEFAULT_PROXIES_CONFIG_VARS}
_PLAIN: Final = {
    name: variable for name, variable in _variables(BOTOCORE_DEFAUT_SESSION_VARIABLES).items() if name not in _SECTIONS
}
_SECTION: Final = {name: _Variable((), (name,), None, None) for name in _SECTIONS}
_IN_SECTIONS: Final = {name: _variables(specifications) for name, specifications in _SECTIONS.items()}


class ConfigValues(ConfigValueStore):
    """botocore's store of the configuration values of a session, quick.

    Args:
        session: The session that the values are of.
        remember: Whether to look the profile up once only. A client's store does: it is used while the client is made.
    """

    def __init__(self, session: AioSession, *, remember: bool = False) -> None:
        super().__init__()
        self._session = session
        self._remember = remember
        self._profile: Mapping[str, Any] | None = None
        self._absent: set[str] = set()

    def get_config_variable(self, logical_name: str) -> Any:
        if logical_name not in self._overrides and logical_name not in self._mapping:
            if (variable := _PLAIN.get(logical_name)) is not None:
                return self._value(logical_name, variable)
            if logical_name in _SECTIONS and not self._has_section(logical_name):
                return None
            self.get_config_provider(logical_name)
        return super().get_config_variable(logical_name)

    def get_config_provider(self, logical_name: str) -> Any:
        """Give the provider of a value, which counts from then on: it may be changed."""
        if logical_name not in self._mapping:
            chains = ConfigChainFactory(session=self._session)
            if logical_name in _PLAIN:
                self._mapping[logical_name] = _chain(chains, logical_name, BOTOCORE_DEFAUT_SESSION_VARIABLES)
            elif logical_name in _SECTIONS:
                variables = _SECTIONS[logical_name]
                providers = {name: _chain(chains, name, variables) for name in variables}
                self._mapping[logical_name] = SectionConfigProvider(logical_name, self._session, providers)
        return super().get_config_provider(logical_name)

    def _value(self, name: str, variable: _Variable) -> Any:
        value = self._found(name, variable)
        if value is None:
            value = variable.default
        if value is None or variable.convert is None:
            return value
        try:
            return variable.convert(value)
        except ValueError as error:
            places = [*variable.environment, *(f"`{key}` of the profile" for key in variable.profile)]
            error.add_note(f"This is the setting {name}, which stands in {' or '.join(places)}.")
            raise

    def _found(self, name: str, variable: _Variable) -> Any:
        value = self._session._session_instance_vars.get(name)
        if value is not None:
            return value
        for key in variable.environment:
            value = os.environ.get(key)
            if value or (value is not None and name != "profile"):  # AWS's command line takes an empty one for none
                return value
        if not variable.profile:
            return None
        profile = self._profile
        if profile is None:
            profile = self._session.get_scoped_config()
            if self._remember:
                self._profile = profile
        for key in variable.profile:
            if isinstance(key, tuple):
                section = profile.get(key[0])
                value = section.get(key[1]) if isinstance(section, dict) else None
            else:
                value = profile.get(key)
            if value is not None:
                return value
        return None

    def _has_section(self, section: str) -> bool:
        if section in self._absent:
            return False
        if self._found(section, _SECTION[section]) is not None:
            return True
        if any(self._found(name, variable) is not None for name, variable in _IN_SECTIONS[section].items()):
            return True
        if self._remember:
            self._absent.add(section)
        return False

    def __copy__(self) -> ConfigValues:
        return self._twin(copy.copy(self._mapping), remember=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> ConfigValues:
        return self._twin(copy.deepcopy(self._mapping, memo), remember=False)

    def _twin(self, mapping: dict[str, Any], *, remember: bool) -> ConfigValues:
        twin = ConfigValues(self._session, remember=remember)
        twin._mapping.update(mapping)
        twin._overrides.update(self._overrides)
        return twin


def _chain(chains: ConfigChainFactory, name: str, specifications: Mapping[str, Any]) -> Any:
    profile, environment, default, convert = specifications[name]
    return chains.create_config_chain(
        instance_name=name,
        env_var_names=environment,
        config_property_names=profile,
        default=default,
        conversion_func=convert,
    )
