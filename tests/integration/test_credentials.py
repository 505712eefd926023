"""Credentials: where they are found, when they are refreshed, and what happens when that fails or is broken off."""

from __future__ import annotations

import asyncio
import datetime
import gc
import hashlib
import json
import logging
import os
import threading
import time
import traceback
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO

import botocore
import botocore.exceptions
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentialResolver, AioCredentials, AioRefreshableCredentials
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from aiobotocore.utils import _RefCountedSession
from botocore.credentials import CredentialProvider, SSOProvider
from botocore.exceptions import CredentialRetrievalError, MetadataRetrievalError
from botocore.tokens import SSOTokenProvider

import aiosdk
from aiosdk.exceptions import CredentialRecursionError, NoCredentialsError, SessionClosedError
from tests.support.aws import HUSH, ROLE, CredentialProcess, IdentityServer, expiry, signer
from tests.support.server import Answer, CountingServer, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path


KEYS = "aws_access_key_id = AKIAFILE\naws_secret_access_key = hush\n"
SSO = "sso_start_url = https://sso.example/start\nsso_region = us-east-1\n"
SSO_ROLE = "sso_account_id = 123456789012\nsso_role_name = reader\n"

CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "s3": lambda client: client.list_buckets(),
    "dynamodb": lambda client: client.list_tables(),
    "sqs": lambda client: client.list_queues(),
    "sns": lambda client: client.list_topics(),
    "iam": lambda client: client.list_users(),
}

# Files are written and looked at on a thread: the detector of blocking calls watches the tests too.
off = asyncio.to_thread


# What the tests have


@pytest.fixture(autouse=True)
def no_other_transport(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request goes through the session's pool: aiobotocore opens no HTTP session of its own, ever."""
    opened: list[str] = []

    async def refuse(self: object, *_: object) -> None:
        opened.append(type(self).__name__)
        raise AssertionError("aiobotocore opens an HTTP session of its own")

    monkeypatch.setattr(AIOHTTPSession, "__aenter__", refuse)
    monkeypatch.setattr(AIOHTTPSession, "send", refuse)
    monkeypatch.setattr(_RefCountedSession, "acquire", refuse)
    return opened


@pytest.fixture(autouse=True)
async def nothing_left(no_other_transport: list[str]) -> AsyncIterator[None]:
    """No task outlives its session, and nobody has opened an HTTP session that somebody then hushed up."""
    yield
    assert no_other_transport == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def config(aws_environment: Path) -> Path:
    return aws_environment / "config"


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityServer]:
    """Every service that gives credentials, where the session looks for it."""
    with IdentityServer() as running:
        for service in ("STS", "SSO", "SSO_OIDC"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", running.url)
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", running.url)
        yield running
        running.go.set()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[CredentialProcess]:
    made = CredentialProcess(tmp_path / "process")
    yield made
    made.go()


@pytest.fixture
def process_profile(process: CredentialProcess, config: Path) -> CredentialProcess:
    """A credential process that the default profile names."""
    config.write_text(f"[default]\ncredential_process = {process.command}\n")
    return process


@pytest.fixture
def sso_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a token into the cache that `aws sso login` fills."""
    folder = tmp_path / "sso"
    folder.mkdir()
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(folder))
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(folder))

    def write(name: str, lifetime: float) -> Path:
        file = folder / f"{hashlib.sha1(name.encode()).hexdigest()}.json"
        token = {
            "accessToken": f"{HUSH}-old",
            "expiresAt": expiry(lifetime),
            "refreshToken": HUSH,
            "clientId": "client",
            "clientSecret": HUSH,
            "registrationExpiresAt": expiry(86400),
        }
        file.write_text(json.dumps(token))
        return file

    return write


@pytest.fixture
def files(tmp_path: Path) -> Iterator[list[BinaryIO]]:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    with ExitStack() as stack:
        yield [stack.enter_context((tmp_path / "file").open("rb")) for _ in range(5)]


@pytest.fixture
def make(server: CountingServer) -> Callable[..., aiosdk.Session]:
    """Make sessions without keys, of one connection, that talk to `server`."""

    def make(**arguments: Any) -> aiosdk.Session:
        defaults = {"region_name": "us-east-1", "endpoint_url": server.url, "max_connections": 1}
        return aiosdk.Session(**{**defaults, **arguments})

    return make


@pytest.fixture
def signed_by(
    make: Callable[..., aiosdk.Session], server: CountingServer, config: Path
) -> Callable[..., Awaitable[str]]:
    """Write the config file, send one request, tell which key signed it; check that the pool has sent everything."""

    async def signed_by(text: str = "", *others: CountingServer, **arguments: Any) -> str:
        await off(config.write_text, text)
        async with make(**arguments) as session:
            await use(session)
            stats = session.pool.stats()
        assert stats.requests_sent == sum(len(each.requests) for each in (server, *others))
        assert all(each.peak <= 1 for each in (server, *others))
        return signer(server.requests[-1])

    return signed_by


async def use(session: aiosdk.Session, service: str = "s3") -> None:
    await CALLS[service](await session.client(service))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def until_runs(process: CredentialProcess, runs: int) -> None:
    async with asyncio.timeout(20):
        while await off(process.runs) < runs:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """The moments at which a task that sleeps 10 ms at a time was awake."""
    beats = [time.monotonic()]

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.01)
            beats.append(time.monotonic())

    task = asyncio.create_task(beat())
    yield beats
    task.cancel()
    await asyncio.wait([task])


class Vault(CredentialProvider):
    """A user's own provider. Fails with each of `errors` first; waits for `opened`."""

    METHOD = "vault"
    CANONICAL_NAME = "Vault"

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)
        self.runs = 0
        self.loops: set[object] = set()
        self.opened = asyncio.Event()
        self.opened.set()
        self.found: Any = AioCredentials("AKIAVAULT", HUSH, method="vault")

    async def load(self) -> Any:
        self.runs += 1
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0.02)
        await self.opened.wait()
        if self.errors:
            raise self.errors.pop(0)
        return self.found

    def aio(self) -> AioSession:
        aio = AioSession()
        aio.get_component("credential_provider").insert_before("env", self)
        return aio


class Vendor:
    """Refreshable credentials of a user's own, with `life` seconds left, on a clock that the test turns."""

    def __init__(self, life: float) -> None:
        self.now = datetime.datetime.now(datetime.UTC)
        self.life = life
        self.runs = 0
        self.opened = asyncio.Event()
        self.opened.set()
        self.error: Exception | None = None

    def aio(self) -> AioSession:
        aio = AioSession()
        aio._credentials = AioRefreshableCredentials(
            "AKIAVENDOR0", HUSH, HUSH, self._end(), self.refresh, "vendor", time_fetcher=lambda: self.now
        )
        return aio

    async def refresh(self) -> dict[str, str]:
        self.runs += 1
        run = self.runs
        await self.opened.wait()
        if self.error is not None:
            raise self.error
        end = self._end().isoformat()
        return {"access_key": f"AKIAVENDOR{run}", "secret_key": HUSH, "token": HUSH, "expiry_time": end}

    def turn(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)

    def _end(self) -> datetime.datetime:
        return self.now + datetime.timedelta(seconds=self.life)


# Every provider of the chain


async def test_the_environment_is_asked(monkeypatch, signed_by, server) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-token")
    assert await signed_by() == "AKIAENV"
    assert server.requests[0].headers["x-amz-security-token"] == "the-token"


async def test_credentials_of_the_environment_that_expire_are_read_again(monkeypatch, make, server) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", expiry(3))
    async with make() as session:
        await use(session)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV2")
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", expiry(3600))
        await asyncio.sleep(3.1)
        await use(session)
    assert [signer(each) for each in server.requests] == ["AKIAENV1", "AKIAENV2"]


@pytest.mark.parametrize(
    ("file", "text", "environment", "profile"),
    [
        ("credentials", f"[default]\n{KEYS}", {}, None),
        ("credentials", f"[other]\n{KEYS}", {"AWS_PROFILE": "other"}, None),
        ("credentials", f"[other]\n{KEYS}", {}, "other"),
        ("config", f"[default]\n{KEYS}", {}, None),
        ("config", f"[profile other]\n{KEYS}", {"AWS_PROFILE": "other"}, None),
        ("config", f"[profile other]\n{KEYS}", {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s"}, "other"),
        ("boto.cfg", f"[Credentials]\n{KEYS}", {"BOTO_CONFIG": "boto.cfg"}, None),
        ("ec2", "AWSAccessKeyId=AKIAFILE\nAWSSecretKey=hush\n", {"AWS_CREDENTIAL_FILE": "ec2"}, None),
    ],
)
async def test_keys_are_found_in_files(
    file, text, environment, profile, aws_environment, monkeypatch, make, server
) -> None:
    await off((aws_environment / file).write_text, text)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(aws_environment / value) if value == file else value)
    async with make(profile_name=profile) as session:
        await use(session)
    assert signer(server.requests[0]) == "AKIAFILE"


@pytest.mark.parametrize("options", [{}, {"lifetime": 3600}])
async def test_a_credential_process_is_run_once(options, process_profile, make, server) -> None:
    await off(process_profile.behave, **options)
    async with make() as session:
        for _ in range(3):
            await use(session)
    assert {signer(each) for each in server.requests} == {"AKIAPROCESS1"}
    assert await off(process_profile.runs) == 1


async def test_a_credential_process_is_run_again_when_its_credentials_have_expired(
    process_profile, make, server
) -> None:
    await off(process_profile.behave, lifetime=3)
    async with make() as session:
        await use(session)
        await asyncio.sleep(3.1)
        await use(session)
    assert [signer(each) for each in server.requests] == ["AKIAPROCESS1", "AKIAPROCESS2"]


async def test_a_failing_credential_process_is_reported_with_what_it_said(process_profile, make, server) -> None:
    await off(process_profile.behave, failures=1)
    async with make() as session:
        with pytest.raises(botocore.exceptions.CredentialRetrievalError, match=r"custom-process.*the vault is sealed"):
            await use(session)
        await use(session)
    assert [signer(each) for each in server.requests] == ["AKIAPROCESS2"]


async def test_a_slow_credential_process_does_not_stall_the_loop(process_profile, make) -> None:
    await off(process_profile.behave, sleep=1)
    async with make() as session:
        client = await session.client("s3")
        async with heartbeat() as beats:
            await client.list_buckets()
    assert len(beats) > 30
    assert max(late - early for early, late in pairwise(beats)) < 0.5


async def test_a_role_is_assumed_with_the_keys_of_its_source_profile(signed_by, identity) -> None:
    text = f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}"
    assert await signed_by(text, identity) == "ASIA1"
    assert [signer(each) for each in identity.requests] == ["AKIAFILE"]


async def test_a_role_is_assumed_with_the_credential_process_of_its_source_profile(
    signed_by, identity, process
) -> None:
    base = f"[profile base]\ncredential_process = {process.command}\n"
    assert await signed_by(f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n{base}", identity) == "ASIA1"
    assert [signer(each) for each in identity.requests] == ["AKIAPROCESS1"]


async def test_a_role_is_assumed_with_the_keys_of_the_environment(monkeypatch, signed_by, identity) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
    text = f"[profile other]\nrole_arn = {ROLE}a\ncredential_source = Environment\n"
    assert await signed_by(text, identity, profile_name="other") == "ASIA1"
    assert [signer(each) for each in identity.requests] == ["AKIAENV"]


async def test_a_role_is_assumed_with_the_credentials_of_the_container(monkeypatch, signed_by, identity) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{identity.url}/container")
    text = f"[default]\nrole_arn = {ROLE}a\ncredential_source = EcsContainer\n"
    assert await signed_by(text, identity) == "ASIA2"
    assert identity.asked == ["container", "AssumeRole"]


async def test_a_role_is_assumed_with_the_credentials_of_the_instance(monkeypatch, signed_by, identity) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    text = f"[default]\nrole_arn = {ROLE}a\ncredential_source = Ec2InstanceMetadata\n"
    assert await signed_by(text, identity) == "ASIA2"
    assert identity.asked == ["imds token", "imds role", "imds", "AssumeRole"]


async def test_a_role_is_assumed_from_a_role(signed_by, identity) -> None:
    text = (
        f"[default]\nrole_arn = {ROLE}a\nsource_profile = middle\n"
        f"[profile middle]\nrole_arn = {ROLE}b\nsource_profile = base\n[profile base]\n{KEYS}"
    )
    assert await signed_by(text, identity) == "ASIA2"
    assert [signer(each) for each in identity.requests] == ["AKIAFILE", "ASIA1"]
    assert [b"role%2F" + name in each.body for name, each in zip((b"b", b"a"), identity.requests, strict=True)] == [
        True
    ] * 2


async def test_the_prompt_for_an_mfa_code_may_block(config, signed_by, identity) -> None:
    prompted: list[threading.Thread] = []

    def prompt(_: str) -> str:
        time.sleep(0.05)  # on the event loop, this raises
        prompted.append(threading.current_thread())
        return "123456"

    def fitted(text: str) -> AioSession:
        config.write_text(text)
        aio = AioSession()
        aio.get_component("credential_provider").get_provider("assume-role")._prompter = prompt
        return aio

    text = f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\nmfa_serial = device-one\n[profile base]\n{KEYS}"
    assert await signed_by(text, identity, botocore_session=await off(fitted, text)) == "ASIA1"
    assert b"TokenCode=123456" in identity.requests[0].body
    assert prompted != [threading.current_thread()]


async def test_a_web_identity_token_is_read_where_the_environment_says(
    monkeypatch, tmp_path, signed_by, identity
) -> None:
    await off((tmp_path / "token").write_text, "hush-web")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", f"{ROLE}a")
    assert await signed_by("", identity) == "ASIA1"
    assert b"WebIdentityToken=hush-web" in identity.requests[0].body


async def test_a_web_identity_token_is_read_again_for_every_refresh(tmp_path, config, make, identity, server) -> None:
    token = tmp_path / "token"
    await off(token.write_text, "first")
    await off(config.write_text, f"[default]\nrole_arn = {ROLE}a\nweb_identity_token_file = {token}\n")
    identity.lifetime = 3
    async with make() as session:
        await use(session)
        await off(token.write_text, "second")
        await asyncio.sleep(3.1)
        await use(session)
    assert identity.asked == ["AssumeRoleWithWebIdentity"] * 2
    assert [b"=first" in each.body for each in identity.requests] == [True, False]
    assert [signer(each) for each in server.requests] == ["ASIA1", "ASIA2"]


async def test_sso_with_the_legacy_cache_of_tokens(signed_by, identity, sso_cache) -> None:
    await off(sso_cache, "https://sso.example/start", 3600)
    assert await signed_by(f"[default]\n{SSO}{SSO_ROLE}", identity) == "ASIA1"
    assert identity.asked == ["sso"]
    assert identity.requests[0].headers["x-amz-sso_bearer_token"] == "hush-old"


async def test_sso_with_a_session_whose_token_is_fresh(signed_by, identity, sso_cache) -> None:
    await off(sso_cache, "corp", 7200)
    text = f"[default]\nsso_session = corp\n{SSO_ROLE}[sso-session corp]\n{SSO}"
    assert await signed_by(text, identity) == "ASIA1"
    assert identity.asked == ["sso"]


async def test_sso_refreshes_the_token_of_its_session_and_rewrites_the_cache(signed_by, identity, sso_cache) -> None:
    file = await off(sso_cache, "corp", 60)
    text = f"[default]\nsso_session = corp\n{SSO_ROLE}[sso-session corp]\n{SSO}"
    assert await signed_by(text, identity) == "ASIA2"
    assert identity.asked == ["sso-oidc", "sso"]
    assert identity.requests[1].headers["x-amz-sso_bearer_token"] == "hush-new"
    assert json.loads(await off(file.read_text))["accessToken"] == "hush-new"


async def test_an_expired_sso_token_says_to_log_in(make, config, identity, sso_cache) -> None:
    await off(sso_cache, "https://sso.example/start", -60)
    await off(config.write_text, f"[default]\n{SSO}{SSO_ROLE}")
    async with make() as session:
        with pytest.raises(botocore.exceptions.UnauthorizedSSOTokenError, match="aws sso login"):
            await use(session)
    assert identity.asked == []


async def test_a_container_is_asked_with_the_token_of_its_file(monkeypatch, tmp_path, signed_by, identity) -> None:
    await off((tmp_path / "token").write_text, "hush-container")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{identity.url}/container")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    assert await signed_by("", identity) == "ASIA1"
    assert identity.requests[0].headers["authorization"] == "hush-container"


async def test_a_container_service_that_fails_is_asked_again(monkeypatch, signed_by, identity) -> None:
    identity.refusals = [500]
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{identity.url}/container")
    assert await signed_by("", identity) == "ASIA1"
    assert identity.asked == ["container"] * 2


async def test_an_instance_is_asked_for_the_credentials_of_its_role(monkeypatch, signed_by, identity) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    assert await signed_by("", identity) == "ASIA1"
    assert identity.asked == ["imds token", "imds role", "imds"]
    assert identity.requests[2].headers["x-aws-ec2-metadata-token"] == "imds-hush"


async def test_what_an_instance_answers_may_end_with_a_newline(monkeypatch, signed_by, make, identity) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    answer, ends = identity.answer, iter([b"\n", b"\r\nanother-role\n", b"\n", b"\n", b"\n"])

    async def answer_lines(request: Request) -> Answer:
        answered = await answer(request)
        answered.body += next(ends)
        return answered

    identity.answer = answer_lines
    assert await signed_by("", identity) == "ASIA1"
    assert identity.asked == ["imds token", "imds role", "imds"]
    assert [each.headers.get("x-aws-ec2-metadata-token") for each in identity.requests] == [None] + ["imds-hush"] * 2
    async with make(config=AioConfig(defaults_mode="auto"), region_name="eu-west-1") as session:
        client = await session.client("s3", aws_access_key_id="a", aws_secret_access_key=HUSH)
    assert client.meta.config.connect_timeout == 1.1, "the instance's region is the client's"


async def test_a_role_that_cannot_be_asked_for_is_no_parameter_of_the_call(monkeypatch, make, identity) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    answer = identity.answer

    async def answer_oddly(request: Request) -> Answer:
        answered = await answer(request)
        answered.body = answered.body.replace(b"the-role", b"the\x00role")
        return answered

    identity.answer = answer_oddly
    async with make() as session:
        with pytest.raises(MetadataRetrievalError, match="cannot be sent on"):
            await use(session)


async def test_a_metadata_service_that_is_not_there_means_no_credentials(monkeypatch, make) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    async with make() as session:
        assert await session.get_credentials() is None


async def test_a_search_in_vain_is_remembered_for_a_while(monkeypatch, make, identity, server) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    identity.refusals = [404] * 100
    now = time.monotonic()
    monkeypatch.setattr("aiosdk._aws.credentials.monotonic", lambda: now)
    async with make() as session:
        for service in ("s3", "dynamodb", "sqs") * 3:
            with pytest.raises(NoCredentialsError):
                await use(session, service)
        once = len(identity.requests)
        assert once <= 3  # those of one search; boto3 makes one for each client
        now += 29
        with pytest.raises(NoCredentialsError):
            await use(session)
        assert len(identity.requests) == once
        now += 2
        with pytest.raises(NoCredentialsError):
            await use(session)
        assert len(identity.requests) == 2 * once
        assert await session.get_credentials() is None
        assert len(identity.requests) == 3 * once, "who asks for them is told how it is now"
        assert server.requests == []


@pytest.mark.parametrize("how", ["environment", "file", "explicitly"])
async def test_credentials_that_appear_after_a_search_in_vain_are_found(
    monkeypatch, make, server, aws_environment, how
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("aiosdk._aws.credentials.monotonic", lambda: now)
    async with make() as session:
        with pytest.raises(NoCredentialsError):
            await use(session)
        if how == "environment":  # at once
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFILE")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
        else:
            await off((aws_environment / "credentials").write_text, f"[default]\n{KEYS}")
            if how == "explicitly":
                assert await session.get_credentials() is not None
            else:
                now += 31
        await use(session)
        assert signer(server.requests[0]) == "AKIAFILE"


async def test_defaults_mode_auto_asks_the_instance_for_its_region_through_the_pool(
    monkeypatch, make, identity
) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    auto = AioConfig(defaults_mode="auto")
    async with make(config=auto, region_name="eu-west-1") as here, make(config=auto) as elsewhere:
        near = await here.client("s3", aws_access_key_id="a", aws_secret_access_key=HUSH)
        far = await elsewhere.client("s3", aws_access_key_id="a", aws_secret_access_key=HUSH)
        assert here.pool.stats().requests_sent == elsewhere.pool.stats().requests_sent == 2
    assert identity.asked == ["imds token", "imds zone"] * 2
    assert (near.meta.config.connect_timeout, far.meta.config.connect_timeout) == (1.1, 3.1)


# Late, and once


async def test_making_clients_opens_no_connection_and_runs_no_provider(process_profile, make, server) -> None:
    async with make() as session:
        clients = {name: await session.client(name) for name in CALLS}
        assert await off(process_profile.runs) == 0
        assert session.pool.stats().connections_opened == server.accepted == 0
        await CALLS["sqs"](clients["sqs"])
        assert await off(process_profile.runs) == 1
        assert len(server.requests) == 1


async def a_thousand_calls(session: aiosdk.Session) -> None:
    """Requests of clients of several services, made and sent at once."""
    await asyncio.gather(*(use(session, list(CALLS)[number % len(CALLS)]) for number in range(1000)))


async def test_a_thousand_tasks_run_one_credential_process(process_profile, make, server) -> None:
    async with make(max_connections=16) as session:
        await a_thousand_calls(session)
    assert await off(process_profile.runs) == 1
    assert [signer(each) for each in server.requests] == ["AKIAPROCESS1"] * 1000


async def test_a_thousand_tasks_assume_a_role_once(config, make, server, identity) -> None:
    text = f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}"
    await off(config.write_text, text)
    async with make(max_connections=16) as session:
        await a_thousand_calls(session)
    assert identity.asked == ["AssumeRole"]
    assert [signer(each) for each in server.requests] == ["ASIA1"] * 1000


async def test_a_thousand_tasks_run_a_users_provider_once_and_on_their_loop(make, server) -> None:
    vault = Vault()
    async with make(botocore_session=await off(vault.aio), max_connections=16) as session:
        await a_thousand_calls(session)
    assert vault.runs == 1
    assert vault.loops == {asyncio.get_running_loop()}
    assert [signer(each) for each in server.requests] == ["AKIAVAULT"] * 1000


async def test_a_thousand_tasks_refresh_a_users_credentials_once(make, server) -> None:
    vendor = Vendor(life=-1)
    aio = await off(vendor.aio)
    vendor.life = 3600
    async with make(botocore_session=aio, max_connections=16) as session:
        await a_thousand_calls(session)
    assert vendor.runs == 1
    assert [signer(each) for each in server.requests] == ["AKIAVENDOR1"] * 1000


async def test_a_thousand_tasks_without_credentials_walk_the_chain_once(make, server) -> None:
    vault = Vault()
    vault.found = None
    async with make(botocore_session=await off(vault.aio)) as session:
        client = await session.client("s3")
        results = await asyncio.gather(*(client.list_buckets() for _ in range(1000)), return_exceptions=True)
    assert {type(each) for each in results} == {NoCredentialsError}
    assert vault.runs == 1
    assert server.requests == []


async def test_a_users_chain_of_providers_is_walked_the_users_way(make, server) -> None:
    class Chain(AioCredentialResolver):
        async def load_credentials(self) -> AioCredentials:
            return AioCredentials("AKIACHAIN", HUSH)

    aio = await off(AioSession)
    aio.register_component("credential_provider", Chain([]))
    async with make(botocore_session=aio) as session:
        await use(session)
    assert signer(server.requests[0]) == "AKIACHAIN"


async def test_a_session_used_again_under_a_new_loop_refreshes_there_what_the_old_one_left(
    process_profile, make, server
) -> None:
    await off(process_profile.behave, hang=True)
    session = make()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(use(session), 0.3)

    async def again() -> None:
        await off(process_profile.behave)
        await use(session)
        await session.close()

    await off(lambda: asyncio.run(give_up()))
    await off(lambda: asyncio.run(again()))
    assert len(server.requests) == 1


# Failing, and being cancelled


async def test_a_provider_that_fails_fails_all_who_wait_and_is_then_asked_again(make, server) -> None:
    vault = Vault(OSError("the vault is sealed"))
    async with make(botocore_session=await off(vault.aio)) as session:
        client = await session.client("s3")
        results = await asyncio.gather(*(client.list_buckets() for _ in range(100)), return_exceptions=True)
        assert {str(each) for each in results} == {"the vault is sealed"}
        assert vault.runs == 1
        await client.list_buckets()
    assert vault.runs == 2
    assert len(server.requests) == 1


async def test_sts_that_refuses_once_fails_all_who_wait_and_is_then_asked_again(config, make, identity) -> None:
    identity.refusals = [403]
    await off(config.write_text, f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}")
    async with make() as session:
        client = await session.client("s3")
        results = await asyncio.gather(*(client.list_buckets() for _ in range(100)), return_exceptions=True)
        assert {type(each).__bases__ for each in results} == {(aiosdk.AccessDeniedError,)}
        assert all(isinstance(each, botocore.exceptions.ClientError) for each in results)
        assert identity.asked == ["AssumeRole"]
        await client.list_buckets()
    assert identity.asked == ["AssumeRole"] * 2


async def test_sts_that_fails_is_asked_again_by_the_request_itself(signed_by, identity) -> None:
    identity.refusals = [503, 503]
    text = f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}"
    assert await signed_by(text, identity) == "ASIA1"
    assert identity.asked == ["AssumeRole"] * 3


async def hanging(
    kind: str, make: Callable[..., aiosdk.Session], config: Path, process: CredentialProcess, identity: IdentityServer
) -> tuple[aiosdk.Session, Callable[[], Awaitable[Any]], Callable[[], Any], Callable[[], Any]]:
    """A session whose provider hangs; how to wait until it does, to let it go on, and to count its runs."""
    if kind in ("provider", "refresh"):
        source: Any = Vault() if kind == "provider" else Vendor(life=-1)
        aio = await off(source.aio)
        source.life = 3600
        source.opened.clear()
        return make(botocore_session=aio), lambda: until(lambda: source.runs), source.opened.set, lambda: source.runs
    if kind == "process":
        await off(process.behave, hang=True)
        await off(config.write_text, f"[default]\ncredential_process = {process.command}\n")
        return make(), lambda: until_runs(process, 1), process.go, process.runs
    identity.go.clear()
    await off(config.write_text, f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}")
    return make(max_connections=2), lambda: until(lambda: identity.asked), identity.go.set, lambda: len(identity.asked)


HANGING = pytest.mark.parametrize("kind", ["provider", "refresh", "process", "sts"])


@HANGING
async def test_a_cancelled_waiter_breaks_nobody_elses_request(kind, make, config, process, identity, server) -> None:
    session, hangs, go, runs = await hanging(kind, make, config, process, identity)
    async with session:
        client = await session.client("s3")
        tasks = [asyncio.create_task(client.list_buckets()) for _ in range(5)]
        await hangs()
        tasks[0].cancel()  # who asked first
        tasks[3].cancel()
        await asyncio.wait([tasks[0], tasks[3]])
        await off(go)
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in results] == [True, False, False, True, False]
    assert [type(each) for each in results].count(dict) == 3
    assert len(server.requests) == 3
    assert await off(runs) == 1


@HANGING
async def test_when_all_waiters_are_cancelled_who_asks_next_joins_the_run_under_way(
    kind, make, config, process, identity
) -> None:
    session, hangs, go, runs = await hanging(kind, make, config, process, identity)
    async with session:
        client = await session.client("s3")
        tasks = [asyncio.create_task(client.list_buckets()) for _ in range(3)]
        await hangs()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        await off(go)
        await client.list_buckets()
    assert await off(runs) == 1


@HANGING
async def test_a_waiter_that_runs_out_of_time_gets_its_own_timeout(kind, make, config, process, identity) -> None:
    session, hangs, go, _ = await hanging(kind, make, config, process, identity)
    async with session:
        client = await session.client("s3")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.list_buckets()
        await hangs()
        await off(go)


@HANGING
async def test_closing_while_a_provider_hangs_tells_the_waiters_and_leaves_nothing(
    kind, make, config, process, identity, server
) -> None:
    session, hangs, _, _ = await hanging(kind, make, config, process, identity)
    async with session:
        client = await session.client("s3")
        tasks = [asyncio.create_task(client.list_buckets()) for _ in range(5)]
        await hangs()
        async with asyncio.timeout(5):
            await session.close()
            results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in results} == {SessionClosedError}
    assert server.requests == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()


@HANGING
async def test_cancelling_everything_and_closing_leaves_nothing(kind, make, config, process, identity) -> None:
    session, hangs, _, _ = await hanging(kind, make, config, process, identity)
    async with session:
        client = await session.client("s3")
        tasks = [asyncio.create_task(client.list_buckets()) for _ in range(5)]
        await hangs()
        for task in tasks:
            task.cancel()
    assert await asyncio.gather(*tasks, return_exceptions=True) != []
    assert all(task.cancelled() for task in tasks)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert session.pool.stats().open == 0
    gc.collect()


async def test_closing_while_a_first_client_is_made_and_its_credentials_sought_leaves_nothing(
    process_profile, make
) -> None:
    await off(process_profile.behave, hang=True)
    for delay in (0, 0.005, 0.02, 0.1):
        session = make()
        tasks = [asyncio.create_task(use(session, service)) for service in CALLS]
        await asyncio.sleep(delay)
        await session.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in results} == {SessionClosedError}


# Refreshing


@pytest.mark.parametrize(("life", "left"), [(3600, 720), (1800, 400)])
async def test_credentials_near_their_end_sign_on_while_one_refresh_runs_in_the_background(
    life, left, make, server
) -> None:
    vendor = Vendor(life)
    async with make(botocore_session=await off(vendor.aio)) as session:
        client = await session.client("s3")
        await client.list_buckets()
        assert vendor.runs == 0
        vendor.turn(life - left)
        vendor.opened.clear()
        await asyncio.gather(*(client.list_buckets() for _ in range(20)))
        assert vendor.runs == 1
        assert {signer(each) for each in server.requests} == {"AKIAVENDOR0"}
        vendor.opened.set()
        await asyncio.sleep(0.05)
        await client.list_buckets()
    assert signer(server.requests[-1]) == "AKIAVENDOR1"
    assert vendor.runs == 1


@pytest.mark.parametrize("left", [540, 0, -60])
async def test_credentials_about_to_end_are_waited_for_by_all(left, make, server) -> None:
    vendor = Vendor(3600)
    async with make(botocore_session=await off(vendor.aio)) as session:
        client = await session.client("s3")
        await client.list_buckets()
        vendor.turn(3600 - left)
        vendor.opened.clear()
        tasks = [asyncio.create_task(client.list_buckets()) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert len(server.requests) == 1
        vendor.opened.set()
        await asyncio.gather(*tasks)
    assert {signer(each) for each in server.requests[1:]} == {"AKIAVENDOR1"}
    assert vendor.runs == 1


async def test_credentials_that_a_refresh_gave_are_refreshed_before_their_end_too(make, server) -> None:
    vendor = Vendor(life=-1)
    aio = await off(vendor.aio)
    vendor.life = 3600
    async with make(botocore_session=aio) as session:
        client = await session.client("s3")
        await client.list_buckets()
        assert vendor.runs == 1
        vendor.turn(3600 - 720)
        await client.list_buckets()
        await until(lambda: vendor.runs == 2)
        await asyncio.sleep(0.05)
        await client.list_buckets()
    assert [signer(each) for each in server.requests] == ["AKIAVENDOR1", "AKIAVENDOR1", "AKIAVENDOR2"]


async def test_waiters_join_a_refresh_that_runs_in_the_background(make, server) -> None:
    vendor = Vendor(3600)
    async with make(botocore_session=await off(vendor.aio)) as session:
        client = await session.client("s3")
        await client.list_buckets()
        vendor.turn(3600 - 720)
        vendor.opened.clear()
        await client.list_buckets()
        await until(lambda: vendor.runs)
        vendor.turn(300)
        task = asyncio.create_task(client.list_buckets())
        await asyncio.sleep(0.1)
        vendor.opened.set()
        await task
    assert [signer(each) for each in server.requests[1:]] == ["AKIAVENDOR0", "AKIAVENDOR1"]
    assert vendor.runs == 1


async def test_expired_credentials_that_cannot_be_refreshed_are_never_used(make, server) -> None:
    vendor = Vendor(3600)
    async with make(botocore_session=await off(vendor.aio)) as session:
        client = await session.client("s3")
        vendor.turn(3601)
        vendor.error = OSError("the vault is sealed")
        for _ in range(2):
            with pytest.raises(OSError, match="the vault is sealed"):
                await client.list_buckets()
        assert server.requests == []
        vendor.error = None
        await client.list_buckets()
    assert signer(server.requests[0]) == "AKIAVENDOR3"


@pytest.mark.parametrize(("life", "left"), [(3600, 720), (1800, 400)])
async def test_a_background_refresh_that_fails_fails_no_request_and_is_not_tried_by_each(
    life, left, make, server
) -> None:
    vendor = Vendor(life)
    async with make(botocore_session=await off(vendor.aio)) as session:
        client = await session.client("s3")
        await client.list_buckets()
        vendor.turn(life - left)
        vendor.error = OSError("the vault is sealed")
        for _ in range(20):
            await client.list_buckets()
        await asyncio.sleep(0.05)
        assert vendor.runs == 1
    assert {signer(each) for each in server.requests} == {"AKIAVENDOR0"}


async def test_credentials_that_live_for_five_minutes_are_not_refreshed_by_every_request(make, server) -> None:
    vendor = Vendor(300)
    async with make(botocore_session=await off(vendor.aio)) as session:
        client = await session.client("s3")
        for _ in range(20):
            await client.list_buckets()
        assert vendor.runs == 0
        for _ in range(10):  # 50 minutes
            for _ in range(10):  # 30 seconds each
                vendor.turn(30)
                await client.list_buckets()
    assert 10 <= vendor.runs <= 15


async def test_a_process_whose_credentials_live_for_five_minutes_is_run_once(process_profile, make) -> None:
    await off(process_profile.behave, lifetime=300)
    async with make() as session:
        for _ in range(20):
            await use(session)
    assert await off(process_profile.runs) == 1


async def test_a_background_refresh_under_way_ends_with_the_session(make) -> None:
    vendor = Vendor(3600)
    async with make(botocore_session=await off(vendor.aio)) as session:
        await use(session)
        vendor.turn(3600 - 720)
        vendor.opened.clear()
        await use(session)
        await until(lambda: vendor.runs)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# What the user sees of them


async def test_get_credentials_gives_boto3s_attributes(config, make, monkeypatch) -> None:
    await off(config.write_text, f"[default]\n{KEYS}aws_session_token = hush-token\n")
    async with make() as session:
        credentials = await session.get_credentials()
        found = (credentials.access_key, credentials.secret_key, credentials.token, credentials.method)
        assert found == ("AKIAFILE", "hush", "hush-token", "config-file")
        assert tuple(await credentials.get_frozen_credentials())[:3] == found[:3]


async def test_get_credentials_gives_boto3s_attributes_of_an_assumed_role_too(config, make, identity) -> None:
    await off(config.write_text, f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}")
    async with make() as session:
        credentials = await session.get_credentials()
        found = (credentials.access_key, credentials.secret_key, credentials.token, credentials.method)
    assert found == ("ASIA1", "hush-secret-1", "hush-token-1", "assume-role")


async def test_get_credentials_gives_the_keys_of_the_arguments() -> None:
    async with aiosdk.Session("AKIAGIVEN", HUSH, "hush-token") as session:
        credentials = await session.get_credentials()
        assert (credentials.access_key, credentials.secret_key, credentials.token) == ("AKIAGIVEN", HUSH, "hush-token")
        assert credentials.method == "explicit"


async def test_get_credentials_gives_none_when_there_are_none(make, server) -> None:
    async with make() as session:
        assert await session.get_credentials() is None
        assert session.pool.stats().requests_sent == 0


async def test_missing_credentials_raise_an_error_that_says_what_to_do(make, server, config) -> None:
    await off(config.write_text, "[profile empty]\nregion = us-east-1\n")
    async with make(profile_name="empty") as session:
        with pytest.raises(botocore.exceptions.NoCredentialsError) as caught:
            await use(session)
    assert isinstance(caught.value, aiosdk.exceptions.AiosdkError)
    for hint in ("'empty'", "AWS_ACCESS_KEY_ID", "aws configure", "profile_name", "UNSIGNED"):
        assert hint in str(caught.value)
    assert server.requests == []


async def test_credentials_that_come_later_are_found(make, monkeypatch, server) -> None:
    async with make() as session:
        client = await session.client("s3")
        with pytest.raises(NoCredentialsError):
            await client.list_buckets()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALATE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
        await client.list_buckets()
    assert signer(server.requests[0]) == "AKIALATE"


async def test_a_closed_session_looks_for_no_credentials(process_profile, make) -> None:
    async with make() as session:
        client = await session.client("s3")
    with pytest.raises(SessionClosedError):
        await session.get_credentials()
    with pytest.raises(SessionClosedError):
        await client.list_buckets()
    assert await off(process_profile.runs) == 0


async def test_a_closed_session_presigns_nothing(process_profile, make) -> None:
    async with make() as session:
        client = await session.client("s3")
    with pytest.raises(SessionClosedError):
        await client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    with pytest.raises(SessionClosedError):
        await client.generate_presigned_post("b", "k")
    assert await off(process_profile.runs) == 0


async def test_credentials_of_a_closed_session_are_refreshed_no_more(make) -> None:
    vendor = Vendor(3600)
    async with make(botocore_session=await off(vendor.aio)) as session:
        credentials = await session.get_credentials()
        assert credentials.access_key == "AKIAVENDOR0"
    vendor.turn(3601)
    with pytest.raises(SessionClosedError):
        await credentials.get_frozen_credentials()
    assert vendor.runs == 0


async def test_presigned_urls_are_signed_with_fresh_credentials(make, server) -> None:
    vendor = Vendor(life=-1)
    aio = await off(vendor.aio)
    vendor.life = 3600
    async with make(botocore_session=aio) as session:
        client = await session.client("s3", config=AioConfig(signature_version="s3v4"))
        urls = [await client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"}) for _ in range(2)]
        post = await client.generate_presigned_post("b", "k")
    assert all("Credential=AKIAVENDOR1%2F" in url and "X-Amz-Security-Token=hush" in url for url in urls)
    assert post["fields"]["x-amz-credential"].startswith("AKIAVENDOR1/")
    assert vendor.runs == 1
    assert server.requests == []


async def test_unsigned_requests_need_no_credentials(process_profile, make, server) -> None:
    async with make(config=AioConfig(signature_version=botocore.UNSIGNED)) as session:
        await use(session)
        await use(session, "dynamodb")
    assert ["authorization" in each.headers for each in server.requests] == [False, False]
    assert await off(process_profile.runs) == 0


async def test_keys_of_a_client_are_its_own(process_profile, make, server) -> None:
    async with make() as session:
        client = await session.client("s3", aws_access_key_id="AKIAOWN", aws_secret_access_key=HUSH)
        await client.list_buckets()
    assert signer(server.requests[0]) == "AKIAOWN"
    assert await off(process_profile.runs) == 0


async def test_files_sent_at_once_to_a_directory_bucket_share_one_session_of_it(files, make, server) -> None:
    async def answer(request: Request) -> Answer:
        if request.target.endswith("?session"):
            await asyncio.sleep(0.1)
            names = {
                "AccessKeyId": "ASIABUCKET",
                "SecretAccessKey": HUSH,
                "SessionToken": HUSH,
                "Expiration": expiry(300),
            }
            fields = "".join(f"<{name}>{value}</{name}>" for name, value in names.items())
            return Answer(body=f"<Result><Credentials>{fields}</Credentials></Result>".encode())
        return Answer(headers={"ETag": "e"})

    server.answer = answer
    path_style = AioConfig(s3={"addressing_style": "path"})
    async with make(aws_access_key_id="AKIA", aws_secret_access_key=HUSH, config=path_style) as session:
        s3 = await session.client("s3")
        puts = [s3.put_object(Bucket="b--use1-az4--x-s3", Key=str(n), Body=file) for n, file in enumerate(files)]
        results = await asyncio.gather(*puts, return_exceptions=True)
    assert [each for each in results if isinstance(each, Exception)] == []
    assert [signer(each) for each in server.requests] == ["AKIA"] + ["ASIABUCKET"] * 5


async def test_a_users_hook_may_wait_while_a_request_with_a_file_is_signed(files, make, server) -> None:
    async def hook(**_: object) -> None:
        await asyncio.sleep(0.01)
        hooked.append(asyncio.get_running_loop())

    hooked: list[object] = []
    async with make(aws_access_key_id="AKIA", aws_secret_access_key=HUSH) as session:
        session.events.register("before-sign.s3.PutObject", hook)
        s3 = await session.client("s3")
        await s3.put_object(Bucket="b", Key="k", Body=files[0])
    assert hooked == [asyncio.get_running_loop()]
    assert signer(server.requests[0]) == "AKIA"


# Bearer tokens


async def test_a_bearer_service_gets_the_sso_token_which_is_read_once(make, config, server, sso_cache) -> None:
    file = await off(sso_cache, "corp", 7200)
    await off(config.write_text, f"[default]\nsso_session = corp\n[sso-session corp]\n{SSO}")
    async with make(max_connections=16) as session:
        client = await session.client("codecatalyst")
        await asyncio.gather(*(client.list_spaces() for _ in range(100)))
        await off(file.unlink)
        await client.list_spaces()
    assert {each.headers["authorization"] for each in server.requests} == {"Bearer hush-old"}


async def test_an_old_sso_token_is_refreshed_once_for_all_through_the_pool(
    make, config, server, sso_cache, identity
) -> None:
    file = await off(sso_cache, "corp", 60)
    await off(config.write_text, f"[default]\nsso_session = corp\n[sso-session corp]\n{SSO}")
    async with make() as session:
        client = await session.client("codecatalyst")
        await asyncio.gather(*(client.list_spaces() for _ in range(100)))
        assert session.pool.stats().requests_sent == 101
    assert identity.asked == ["sso-oidc"]
    assert {each.headers["authorization"] for each in server.requests} == {"Bearer hush-new"}
    assert json.loads(await off(file.read_text))["accessToken"] == "hush-new"


async def test_closing_while_a_token_is_refreshed_tells_the_waiters(make, config, sso_cache, identity) -> None:
    await off(sso_cache, "corp", 60)
    await off(config.write_text, f"[default]\nsso_session = corp\n[sso-session corp]\n{SSO}")
    identity.go.clear()
    async with make() as session:
        client = await session.client("codecatalyst")
        tasks = [asyncio.create_task(client.list_spaces()) for _ in range(5)]
        await until(lambda: identity.asked)
        await session.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in results} == {SessionClosedError}


async def test_a_bearer_token_of_the_environment_needs_no_credentials(make, monkeypatch, server) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "hush-bedrock")
    async with make() as session:
        await (await session.client("bedrock")).list_foundation_models()
    assert server.requests[0].headers["authorization"] == "Bearer hush-bedrock"


async def test_a_users_token_provider_is_asked_on_the_users_loop(make, server) -> None:
    loops: set[object] = set()

    class Token:
        async def get_frozen_token(self) -> Any:
            await asyncio.sleep(0)
            loops.add(asyncio.get_running_loop())
            return botocore.tokens.FrozenAuthToken("hush-own")

    class Provider:
        def load_token(self, **_: object) -> Token:
            return Token()

    aio = await off(AioSession)
    aio.register_component("token_provider", Provider())
    async with make(botocore_session=aio) as session:
        await (await session.client("codecatalyst")).list_spaces()
    assert server.requests[0].headers["authorization"] == "Bearer hush-own"
    assert loops == {asyncio.get_running_loop()}


# Secrets


@pytest.mark.parametrize("source", ["process", "role", "sso", "container", "instance", "token"])
async def test_no_secret_is_in_our_logs_nor_in_a_repr(
    source, make, config, process, identity, sso_cache, caplog, monkeypatch
) -> None:
    match source:
        case "process":
            await off(config.write_text, f"[default]\ncredential_process = {process.command}\n")
        case "role":
            text = f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}"
            await off(config.write_text, text)
        case "sso" | "token":
            await off(sso_cache, "corp", 60)
            await off(config.write_text, f"[default]\nsso_session = corp\n{SSO_ROLE}[sso-session corp]\n{SSO}")
        case "container":
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{identity.url}/container")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", HUSH)
        case _:
            monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    with caplog.at_level(logging.DEBUG, "aiosdk"):
        async with make() as session:
            if source == "token":
                await (await session.client("codecatalyst")).list_spaces()
            credentials = await session.get_credentials()
            await credentials.get_frozen_credentials()
            assert "not looked for" not in repr(credentials)
            shown = f"{session!r} {credentials!r} {session.pool!r} {credentials}"
    ours = [record.getMessage() + str(record.__dict__) for record in caplog.records if record.name.startswith("aiosdk")]
    assert ours != []
    assert HUSH not in "\n".join([shown, *ours])


@pytest.mark.parametrize("source", ["process", "role", "sso", "container", "nothing"])
async def test_no_secret_is_in_an_error(source, make, config, process, identity, sso_cache, monkeypatch) -> None:
    identity.refusals = [403] * 9
    match source:
        case "process":
            await off(process.behave, failures=1)
            await off(config.write_text, f"[default]\ncredential_process = {process.command}\n")
        case "role":
            text = f"[default]\nrole_arn = {ROLE}a\nsource_profile = base\n[profile base]\n{KEYS}"
            await off(config.write_text, text)
        case "sso":
            await off(sso_cache, "https://sso.example/start", 3600)
            await off(config.write_text, f"[default]\n{SSO}{SSO_ROLE}")
        case "container":
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{identity.url}/container")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", HUSH)
        case _:
            monkeypatch.setenv("AWS_SESSION_TOKEN", HUSH)
    async with make() as session:
        with pytest.raises((botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)) as caught:
            await use(session)
    assert HUSH not in "".join(traceback.format_exception(caught.value))


# What goes wrong with a provider


async def test_a_provider_that_uses_its_own_session_is_told_so(make, server) -> None:
    session: aiosdk.Session

    class Provider(CredentialProvider):
        METHOD = CANONICAL_NAME = "own"

        async def load(self) -> AioCredentials:
            await (await session.client("sts")).get_caller_identity()
            raise AssertionError("it got an answer")

    aio = await off(AioSession)
    await off(lambda: aio.get_component("credential_provider").insert_before("env", Provider()))
    async with make(botocore_session=aio) as session:
        with pytest.raises(CredentialRecursionError, match="another Session"):
            await asyncio.wait_for(use(session), 5)
    assert server.requests == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("/no/such/program", "could not be run"),
        ("sh -c 'exit 3'", "ended with status 3"),
        ("echo hush-output", "is no JSON"),
    ],
)
async def test_a_credential_process_that_fails_is_named_and_shows_nothing(command, says, config, make) -> None:
    await off(config.write_text, f"[default]\ncredential_process = {command}\n")
    async with make() as session:
        with pytest.raises(CredentialRetrievalError, match=says) as raised:
            await use(session)
    assert "hush" not in "".join(traceback.format_exception(raised.value))


async def test_a_credential_process_is_killed_when_its_session_closes(config, make, tmp_path) -> None:
    pid = tmp_path / "pid"
    await off(config.write_text, f"[default]\ncredential_process = sh -c 'echo $$ >{pid}; exec sleep 60'\n")
    async with make() as session:
        using = asyncio.create_task(use(session))
        while not await off(lambda: pid.exists() and pid.read_text().strip()):
            await asyncio.sleep(0.01)
    with pytest.raises(SessionClosedError):
        await using
    number = int(await off(pid.read_text))
    while await off(_is_running, number):
        await asyncio.sleep(0.01)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
