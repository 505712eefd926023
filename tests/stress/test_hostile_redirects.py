"""No request, and no credentials, ever follow an answer to another host, or leave by a proxy that is not for them."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from botocore.parsers import ResponseParserError

import aiosdk
from tests.support.hostile import http, raw_server, session
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
STATUSES = (300, 301, 302, 303, 304, 305, 307, 308)
CLASSIFIED = (BotoCoreError, ClientError, ResponseParserError)
OPERATIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("s3", "list_objects_v2", {"Bucket": "b"}),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}),
    ("s3", "head_bucket", {"Bucket": "b"}),
    ("s3", "head_object", {"Bucket": "b", "Key": "k"}),
    ("sts", "get_caller_identity", {}),
    ("dynamodb", "list_tables", {}),
    ("lambda", "list_functions", {}),
    ("ec2", "describe_vpcs", {}),
)


def _look(**_: Any) -> None:
    """A hook; calls that have one go down the reference lane."""


@pytest.mark.parametrize("status", STATUSES)
async def test_a_location_is_not_followed(status: int) -> None:
    body = b"<Error><Code>PermanentRedirect</Code><Endpoint>%s</Endpoint></Error>"
    async with raw_server(http(b"{}")) as foreign, raw_server() as raw:
        where = foreign.url.removeprefix("http://")
        odd = (f"//{where}/x", "http://127.0.0.1:1/", "file:///etc/passwd", "\xff") if DEEP else ()
        for location in (f"{foreign.url}/x", *odd):
            for content in (b"", body % where.encode()):
                async with session(raw.url) as ours:
                    for hook in (False, True):
                        for service, method, params in OPERATIONS:
                            client = await ours.client(service)
                            if hook:
                                client.meta.events.register("before-call", _look, unique_id="look")
                            no_body = method.startswith("head") or status == 304
                            raw.script = http(b"" if no_body else content, status, Location=location)
                            raw.heads.clear()
                            with pytest.raises(CLASSIFIED):
                                await getattr(client, method)(**params)
                            assert 1 <= len(raw.heads) <= 4
        assert foreign.heads == []


REGIONS = (
    "evil.com/",
    "evil.com#",
    "x@evil.com",
    "127.0.0.1:1/",
    "..",
    "a.b",
    "us-west-2\t",
    "a" * 100,
    "%2e",
    "",
    "\xff",
)


@pytest.mark.parametrize("hook", [False, True])
async def test_a_region_that_an_answer_names_changes_no_host(hook: bool) -> None:
    """S3's redirector takes the region of a bucket from the answer, and asks its rules for the host."""
    hosts: set[str] = set()

    def answer(request: Any, **_: Any) -> Any:
        hosts.add(request.url.split("/")[2])
        return _Redirect(request.url, named[-1])

    named: list[str] = []
    for region in REGIONS:
        named.append(region)
        async with session(None) as ours:
            s3 = await ours.client("s3")
            s3.meta.events.register("before-send", answer)
            if hook:
                s3.meta.events.register("before-call", _look)
            for method, params in (("list_objects_v2", {}), ("get_object", {"Key": "k"}), ("head_bucket", {})):
                with pytest.raises(CLASSIFIED):
                    await getattr(s3, method)(Bucket="bucket", **params)
            assert ours.pool.stats().connections_opened == 0
    assert hosts
    assert all(host.endswith(".amazonaws.com") for host in hosts)
    assert {host.partition(".")[0] for host in hosts} == {"bucket"}


class _Redirect:
    """An answer of S3's that names a region."""

    def __init__(self, url: str, region: str) -> None:
        self.url, self.status_code, self.headers = url, 301, {"x-amz-bucket-region": region}
        self.raw = self
        self._body = b"<Error><Code>PermanentRedirect</Code><Region>%s</Region></Error>" % region.encode("utf-8")

    @property
    async def content(self) -> bytes:
        return self._body

    async def read(self, *_: Any) -> bytes:
        return self._body


# Where credentials come from.

TOKEN = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1"}


def _environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


async def _credentials() -> Any:
    async with aiosdk.Session(region_name="us-east-1") as ours:
        return await ours.get_credentials()


@pytest.mark.parametrize("status", STATUSES)
async def test_requests_for_metadata_follow_no_location(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    good = json.dumps({"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T", "Expiration": "2099-01-01T00:00:00Z"})
    async with raw_server(http(good.encode())) as foreign, raw_server() as raw:
        raw.script = http(b"", status, Location=f"{foreign.url}/x")
        for variable in ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            with monkeypatch.context() as patched:
                _environment(patched, **TOKEN, **{variable: f"{raw.url}/"})
                patched.setattr("aiosdk._off_loop.sleep", _no_sleep)
                try:
                    assert await _credentials() is None
                except BotoCoreError:
                    pass
        assert raw.heads
        assert foreign.heads == []


async def _no_sleep(_: float) -> None:
    """Do not wait between attempts."""


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
@pytest.mark.parametrize(
    "host",
    ["evil.com", "127.0.0.1.evil.com", "169.254.170.2@evil.com", "10.0.0.1", "169.254.169.254", "[::2]", "0.0.0.0"],
)
async def test_a_container_asks_only_hosts_that_it_may(scheme: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _environment(monkeypatch, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{scheme}://{host}/x")
    with pytest.raises((BotoCoreError, ValueError)):
        await _credentials()


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\nb", "\n"])
async def test_the_token_of_a_container_cannot_add_a_header(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(http(b"{}")) as raw:
        _environment(
            monkeypatch, AWS_CONTAINER_CREDENTIALS_FULL_URI=raw.url + "/x", AWS_CONTAINER_AUTHORIZATION_TOKEN=token
        )
        with pytest.raises((BotoCoreError, ValueError)):
            await _credentials()
        assert raw.heads == []


BOMBS = (b"[" * 100_000, b"{" * 1000, b'{"AccessKeyId": 5}', b"\xff", b"null", b"[]", b"9" * 5000, b"x" * 1000, b"")


@pytest.mark.parametrize("bomb", range(len(BOMBS)))
async def test_metadata_that_is_a_bomb_ends_in_a_clear_error(bomb: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(http(BOMBS[bomb])) as raw:
        for variable in ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            with monkeypatch.context() as patched:
                _environment(patched, **TOKEN, **{variable: f"{raw.url}/"})
                patched.setattr("aiosdk._off_loop.sleep", _no_sleep)
                said = "None"
                try:
                    said = repr(await _credentials())
                except BotoCoreError as error:
                    said = str(error)
                assert not said.startswith("<")  # there are none
                assert len(said) < 2000


ODD_KEYS: dict[str, dict[str, Any]] = {
    "expiry that is no time": {"Expiration": "never"},
    "expiry in no time zone": {"Expiration": "2099-01-01T00:00:00"},
    "expiry in a time zone that is none": {"Expiration": "2099-01-01T00:00:00+99:99"},
    "expiry of many digits": {"Expiration": "9" * 5000},
    "expiry that is a number": {"Expiration": 1e300},
    "keys that are no texts": {"AccessKeyId": [], "SecretAccessKey": {}},
    "no secret": {"SecretAccessKey": None},
    "a token that is no text": {"Token": 5, "SessionToken": 5},
}


@pytest.mark.parametrize("odd", ODD_KEYS)
async def test_credentials_that_make_no_sense_end_in_a_clear_error(
    odd: str, aws_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hush", "Expiration": "2099-01-01T00:00:00Z"}
    answer = json.dumps({**good, "Token": "T", "SessionToken": "T", **ODD_KEYS[odd]})
    printed = aws_environment / "printed"
    await asyncio.to_thread(printed.write_text, answer)
    config = f"[profile process]\ncredential_process = cat {printed}\n"
    await asyncio.to_thread((aws_environment / "config").write_text, config)
    async with raw_server() as raw:

        async def metadata(writer: asyncio.StreamWriter) -> None:
            path = raw.heads[-1].split()[1]
            writer.write(http(b"role" if path.endswith((b"/token", b"credentials/")) else answer.encode()))
            await writer.drain()

        raw.script = metadata
        for variable, value in (
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{raw.url}/"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{raw.url}/"),
            ("AWS_PROFILE", "process"),
        ):
            with monkeypatch.context() as patched:
                _environment(patched, **TOKEN, **{variable: value})
                patched.setattr("aiosdk._off_loop.sleep", _no_sleep)
                with pytest.raises(CredentialRetrievalError, match="makes no sense") as raised:
                    await _credentials()
                assert "hush" not in str(raised.value)


async def test_the_session_token_of_metadata_comes_first_and_is_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """IMDSv2: a token by PUT, then each request with it. A server without it is asked as before, as in botocore."""
    async with raw_server(http(b"token")) as raw:
        _environment(monkeypatch, **TOKEN, AWS_EC2_METADATA_SERVICE_ENDPOINT=f"{raw.url}/")
        try:
            await _credentials()
        except BotoCoreError:
            pass
        first, *others = raw.heads
        assert first.startswith(b"PUT /latest/api/token ")
        assert b"x-aws-ec2-metadata-token-ttl-seconds: 21600" in first.lower()
        assert others
        assert all(b"x-aws-ec2-metadata-token: token" in head.lower() for head in others)
    async with raw_server(http(b"", 403)) as raw:
        _environment(monkeypatch, AWS_EC2_METADATA_SERVICE_ENDPOINT=f"{raw.url}/", AWS_EC2_METADATA_V1_DISABLED="true")
        with pytest.raises(BotoCoreError):
            await _credentials()
        assert [head.split()[0] for head in raw.heads] == [b"PUT"]


# Proxies.


async def test_metadata_of_a_container_goes_by_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    good = json.dumps({"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T", "Expiration": "2099-01-01T00:00:00Z"})
    async with raw_server(http(b"")) as proxy, raw_server(http(good.encode())) as raw:
        _environment(monkeypatch, http_proxy=proxy.url, HTTPS_PROXY=proxy.url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raw.url + "/x")
        assert await _credentials() is not None
        assert proxy.heads == []


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [("", False), ("127.0.0.1", True), ("*", True), ("evil.com", False), ("127.0.0.0/8", False), ("10.0.0.0/8", False)],
)
async def test_no_proxy_is_heeded(no_proxy: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(http(b"{}")) as proxy, raw_server(http(b"{}")) as raw:
        _environment(monkeypatch, http_proxy=proxy.url, no_proxy=no_proxy)
        async with session(raw.url) as ours:
            await (await ours.client("dynamodb")).list_tables()
        assert (len(raw.heads), len(proxy.heads)) == ((1, 0) if direct else (0, 1))


async def test_files_of_tokens_are_for_their_owner_alone(
    aws_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache of roles assumed by SSO is written by botocore."""
    from botocore.utils import JSONFileCache

    folder = aws_environment / "cache"

    def write() -> int:
        JSONFileCache(str(folder))["key"] = {"accessToken": "t"}
        return (folder / "key.json").stat().st_mode & 0o777

    assert await asyncio.to_thread(write) == 0o600
