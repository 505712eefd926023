"""The User-Agent tells how the credentials were found, in the first call and in all others, as boto3's does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aiobotocore.session import AioSession
from botocore.credentials import SSOProvider

import aiosdk
from aiosdk._aws import lanes
from tests.support.aws import ROLE, CredentialProcess, IdentityServer, expiry
from tests.support.server import CountingServer, Request


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityServer]:
    with IdentityServer() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", running.url)
        yield running


@pytest.fixture
def process(tmp_path: Path) -> CredentialProcess:
    return CredentialProcess(tmp_path / "process")


class Given:
    """Where credentials come from: writes the config file and sets the environment."""

    def __init__(self, config: Path, patch: pytest.MonkeyPatch, identity: IdentityServer, command: str) -> None:
        self.config, self.patch, self.identity, self.command = config, patch, identity, command

    def keys(self) -> None:
        self.patch.setenv("AWS_ACCESS_KEY_ID", "AKID")
        self.patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def profile(self) -> None:
        self.config.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = secret\n")

    def process(self) -> None:
        self.config.write_text(f"[default]\ncredential_process = {self.command}\n")

    def role(self) -> None:
        base = "[profile base]\naws_access_key_id = AKID\naws_secret_access_key = secret\n"
        self.config.write_text(f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n{base}")

    def role_by_environment(self) -> None:
        self.keys()
        self.config.write_text(f"[profile p]\nrole_arn = {ROLE}a\ncredential_source = Environment\n")
        self.patch.setenv("AWS_PROFILE", "p")

    def web_identity(self) -> None:
        token = self.config.parent / "token"
        token.write_text("a token")
        self.patch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        self.patch.setenv("AWS_ROLE_ARN", f"{ROLE}a")

    def single_sign_on(self) -> None:
        url = "https://sso.example/start"
        self.config.write_text(
            f"[default]\nsso_start_url = {url}\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n"
        )
        cache = self.config.parent / "sso"
        cache.mkdir()
        kept = {"startUrl": url, "region": "us-east-1", "accessToken": "t", "expiresAt": expiry(3600)}
        (cache / f"{hashlib.sha1(url.encode()).hexdigest()}.json").write_text(json.dumps(kept))
        self.patch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(cache))
        self.patch.setenv("AWS_ENDPOINT_URL_SSO", self.identity.url)

    def container(self) -> None:
        self.patch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{self.identity.url}/container")

    def instance(self) -> None:
        self.patch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        self.patch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.identity.url)


KINDS = [name for name in vars(Given) if not name.startswith("_")]


@pytest.fixture(params=KINDS)
def given(
    request: pytest.FixtureRequest,
    aws_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    identity: IdentityServer,
    process: CredentialProcess,
) -> str:
    getattr(Given(aws_environment / "config", monkeypatch, identity, process.command), request.param)()
    return request.param


def features(request: Request) -> list[str]:
    found = re.search(r" m/(\S+)", request.headers["user-agent"])
    assert found is not None
    return sorted(found[1].split(","))


def told(server: CountingServer, since: int) -> list[list[str]]:
    return [features(each) for each in server.requests[since:]]


def theirs(server: CountingServer) -> list[list[str]]:
    since = len(server.requests)
    client = botocore.session.Session().create_client("s3", "us-east-1", endpoint_url=server.url)
    for _ in range(2):
        client.head_bucket(Bucket="b")
    client.close()
    return told(server, since)


@pytest.mark.parametrize("lane", ["", "reference"])
async def test_each_call_tells_how_its_credentials_were_found(
    given: str, lane: str, server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "FORCED", lane)
    expected = await asyncio.to_thread(theirs, server)
    since = len(server.requests)
    async with aiosdk.Session(region_name="us-east-1", endpoint_url=server.url) as session:
        for _ in range(2):
            await (await session.client("s3")).head_bucket(Bucket="b")
        assert told(server, since) == expected
        assert len(expected[0]) > 1
        since = len(server.requests)
        other = await session.client("s3", config=aiosdk_config())
        await other.head_bucket(Bucket="b")
        assert told(server, since) == expected[:1], "another client has the same credentials"


def aiosdk_config() -> Any:
    from aiobotocore.config import AioConfig

    return AioConfig(user_agent_extra="other")


async def test_keys_in_the_code_are_told_of_too(server: CountingServer, make_session: Callable[..., Any]) -> None:
    async with make_session() as session:
        client = await session.client("s3")
        for _ in range(2):
            await client.head_bucket(Bucket="b")
    first, second = told(server, 0)
    assert first == second
    assert "e" in first  # CREDENTIALS_CODE


async def test_credentials_of_a_users_own_aiobotocore_session_are_told_of_in_each_call(
    server: CountingServer, aws_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with aiosdk.Session(
        region_name="us-east-1", endpoint_url=server.url, botocore_session=AioSession()
    ) as session:
        client = await session.client("s3")
        for _ in range(2):
            await client.head_bucket(Bucket="b")
    assert len({json.dumps(each) for each in told(server, 0)}) == 1
    assert "g" in told(server, 0)[0]  # CREDENTIALS_ENV_VARS
