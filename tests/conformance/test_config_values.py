"""A session's configuration values are those that botocore's chains of providers find."""

from __future__ import annotations

import asyncio
import copy
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.session import AioSession
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    DEFAULT_PROXIES_CONFIG_VARS,
    DEFAULT_S3_CONFIG_VARS,
    BaseProvider,
    ConfigValueStore,
    ConstantProvider,
    create_botocore_default_config_mapping,
)
from botocore.exceptions import ProfileNotFound

import aiosdk
from aiosdk._aws.config_values import ConfigValues

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [*BOTOCORE_DEFAUT_SESSION_VARIABLES, "s3", "proxies_config", "no_such_variable"]
ALL = [BOTOCORE_DEFAUT_SESSION_VARIABLES, DEFAULT_S3_CONFIG_VARS, DEFAULT_PROXIES_CONFIG_VARS]
VALUES = ["true", "false", "3", "x", "", "standard"]
ROUNDS = 2000 if os.environ.get("AIOSDK_DEEP") == "1" else 150


def _environment_names() -> list[str]:
    names: list[str] = []
    for specifications in ALL:
        for _, environment, _, _ in specifications.values():
            names += environment if isinstance(environment, list) else [environment] if environment else []
    return [name for name in names if name not in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")]


def _profile(chosen: random.Random) -> dict[str, Any]:
    profile: dict[str, Any] = {}
    for specifications in ALL:
        for keys, _, _, _ in specifications.values():
            for key in keys if isinstance(keys, list) else [keys] if keys else []:
                if chosen.random() < 0.9:
                    continue
                if isinstance(key, tuple):
                    section = profile.setdefault(key[0], {})
                    if isinstance(section, dict):
                        section[key[1]] = chosen.choice(VALUES)
                else:
                    profile[key] = chosen.choice(VALUES)
    if chosen.random() < 0.1:
        profile[chosen.choice(["s3", "proxies_config"])] = chosen.choice(["text", "", {}])
    return profile


def _answer(store: ConfigValueStore, name: str) -> Any:
    try:
        return store.get_config_variable(name)
    except Exception as error:
        return type(error), str(error)


def _answers(store: ConfigValueStore) -> dict[str, Any]:
    return {name: copy.deepcopy(_answer(store, name)) for name in NAMES}


def _stores(profiles: dict[str, Any], variables: dict[str, Any]) -> list[ConfigValueStore]:
    """A store of botocore's and one of ours, each of a session of its own: botocore's writes into the profile."""
    stores: list[ConfigValueStore] = []
    for ours in (False, True):
        session = AioSession()
        session._profile_map = copy.deepcopy(profiles)
        session._session_instance_vars.update(variables)
        store = ConfigValues(session) if ours else ConfigValueStore(create_botocore_default_config_mapping(session))
        session.register_component("config_store", store)
        stores.append(store)
    return stores


@pytest.mark.parametrize("seed", range(ROUNDS // 50))
def test_values_are_botocores_wherever_they_stand(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(seed)
    for _ in range(50):
        for name in _environment_names():
            monkeypatch.delenv(name, raising=False)
            if chosen.random() < 0.1:
                monkeypatch.setenv(name, "other" if "PROFILE" in name else chosen.choice(VALUES))
        variables = {name: chosen.choice([*VALUES, None, 5]) for name in NAMES if chosen.random() < 0.08}
        if "profile" in variables:
            variables["profile"] = chosen.choice(["other", "missing", None])
        profiles = {"default": _profile(chosen), "other": _profile(chosen)}
        theirs, ours = _stores(profiles, variables)
        if chosen.random() < 0.3:
            for store in (theirs, ours):
                store.set_config_variable("retry_mode", "adaptive")
                store.set_config_provider("ca_bundle", ConstantProvider("mine"))
        assert _answers(ours) == _answers(theirs)
        assert _answers(copy.copy(ours)) == _answers(copy.copy(theirs))
        assert _answers(copy.deepcopy(ours)) == _answers(copy.deepcopy(theirs))


def test_a_profile_that_is_missing_is_named() -> None:
    for store in _stores({"default": {}}, {"profile": "missing"}):
        with pytest.raises(ProfileNotFound, match="missing"):
            store.get_config_variable("region")


def test_providers_are_botocores_and_may_be_changed() -> None:
    theirs, ours = _stores({"default": {"region": "eu-west-9"}}, {})
    for name in NAMES:
        found, expected = ours.get_config_provider(name), theirs.get_config_provider(name)
        assert type(found) is type(expected), name
        assert [type(each) for each in getattr(found, "_providers", [])] == [
            type(each) for each in getattr(expected, "_providers", [])
        ]
    ours.get_config_provider("retry_mode").set_default_provider(ConstantProvider("standard"))
    assert ours.get_config_variable("retry_mode") == "standard"
    assert ours.get_config_variable("region") == "eu-west-9"


def test_variables_of_a_users_own_can_be_added() -> None:
    class Fixed(BaseProvider):
        def provide(self) -> str:
            return "fixed"

    for store in _stores({"default": {"mine": "1"}}, {}):
        store.set_config_provider("region", Fixed())
        assert store.get_config_variable("region") == "fixed"
        assert copy.copy(store).get_config_variable("region") == "fixed"
        store.clear_config_variable("region")
        store.set_config_variable("region", "set")
        assert store.get_config_provider("region") is None
        assert store.get_config_variable("region") == "set"
        store.clear_config_variable("region")
        assert store.get_config_variable("region") == "fixed"


async def test_a_session_has_the_values_of_its_profile(aws_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "[profile dev]\nregion = eu-north-1\nretry_mode = standard\nmax_attempts = 9\ns3 =\n  addressing_style = path\n"
    )
    await asyncio.to_thread((aws_environment / "config").write_text, text)
    monkeypatch.setenv("AWS_PROFILE", "dev")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    async with aiosdk.Session() as session:
        client = await session.client("s3")
        assert client.meta.region_name == "eu-north-1"
        assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 9}
        assert client.meta.config.s3 == {"addressing_style": "path"}


@pytest.mark.parametrize("mode", ["standard", "in-region", "mobile", "legacy"])
async def test_defaults_of_a_mode_are_botocores(mode: str) -> None:
    from aiobotocore.config import AioConfig

    config = AioConfig(defaults_mode=mode, region_name="us-east-1")
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}

    def ordinary() -> Any:
        try:
            AioSession()._create_client("s3", config=config, **keys).send(None)
        except StopIteration as stopped:
            return stopped.value

    theirs = await asyncio.to_thread(ordinary)
    async with aiosdk.Session(**keys) as session:
        ours = await session.client("s3", config=config)
        for name in ("retries", "connect_timeout", "s3"):
            assert getattr(ours.meta.config, name) == getattr(theirs.meta.config, name)
        assert ours.meta.endpoint_url == theirs.meta.endpoint_url
        plain = await session.client("s3", region_name="us-east-1")
        assert plain.meta.config.retries == {"mode": "legacy"}
