"""Parameters that would change a request, or where it goes, are refused before anything is sent, or encoded.

Each is tried on both lanes; where a request is sent, it is one request, to the server that was meant.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, InvalidRegionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aiosdk
from aiosdk.exceptions import InvalidEndpointError, InvalidHeaderError
from tests.support.hostile import KEYS, RawServer, http, raw_server, session
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

BREAKS = (
    "\r\nX-Injected: 1",
    "\n",
    "\r",
    "\x00",
    "\r\n\r\nGET /second HTTP/1.1\r\nHost: h\r\n\r\n",
    "\x0b",
    "\x1b[2J",
    "\x7f",
)
HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "metadata": ("put_object", {"Metadata": {"a": "b{}"}}),
    "a key of metadata": ("put_object", {"Metadata": {"a{}": "b"}}),
    "a content type": ("put_object", {"ContentType": "text/x{}"}),
    "a condition": ("get_object", {"IfMatch": "e{}"}),
    "a range": ("get_object", {"Range": "bytes=0-1{}"}),
    "a redirection": ("put_object", {"WebsiteRedirectLocation": "/{}"}),
    "tags": ("put_object", {"Tagging": "a=b{}"}),
    "a grant": ("put_object", {"GrantRead": "id=1{}"}),
    "a key of a customer": (
        "get_object",
        {"SSECustomerKeyMD5": "{}", "SSECustomerKey": "k" * 32, "SSECustomerAlgorithm": "AES256{}"},
    ),
}
ENCODED: dict[str, tuple[str, dict[str, Any]]] = {
    "a key": ("get_object", {"Key": "k{}"}),
    "an upload": ("abort_multipart_upload", {"Key": "k", "UploadId": "u{}"}),
    "a version": ("get_object", {"Key": "k", "VersionId": "v{}"}),
    "a prefix": ("list_objects_v2", {"Prefix": "p{}"}),
    "a token": ("list_objects_v2", {"ContinuationToken": "t{}"}),
    "a source": ("copy_object", {"Key": "k", "CopySource": "b/k{}"}),
    "a source in parts": ("copy_object", {"Key": "k", "CopySource": {"Bucket": "b", "Key": "k{}"}}),
    "a header of the answer": ("get_object", {"Key": "k", "ResponseContentDisposition": "d{}"}),
}


def _look(**_: Any) -> None:
    """A hook; calls that have one go down the reference lane."""


def _with(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {_with(key, text): _with(each, text) for key, each in value.items()}
    return value.replace("{}", text)


def _one_request(raw: RawServer, target: bytes) -> None:
    """What came is one request, and nothing of a parameter broke its lines."""
    (head,) = raw.heads
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert first.count(b" ") == 2
    assert first.split()[1].startswith(target)
    assert not any(line.lower().startswith((b"x-injected", b"get ")) for line in lines)
    host = raw.url.removeprefix("http://").encode()
    assert [line for line in lines if line.lower().startswith(b"host:")] == [b"Host: " + host]
    assert all(0x20 <= each < 0x7F or each >= 0x80 for line in lines for each in line)


@pytest.mark.parametrize("hook", [False, True])
@pytest.mark.parametrize("place", HEADERS)
async def test_a_text_that_would_end_a_header_is_refused(place: str, hook: bool) -> None:
    method, params = HEADERS[place]
    async with raw_server(http(b"")) as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")
        await s3.list_buckets()  # and there is a connection to send over directly
        if hook:
            s3.meta.events.register("before-call", _look)
        for text in BREAKS:
            raw.heads.clear()
            with pytest.raises((InvalidHeaderError, BotoCoreError)) as refused:
                await getattr(s3, method)(Bucket="b", Key="k", **_with(params, text))
            assert raw.heads == []
            assert text not in str(refused.value)


@pytest.mark.parametrize("hook", [False, True])
async def test_a_key_of_metadata_cannot_become_another_header(hook: bool) -> None:
    async with raw_server(http(b"")) as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")
        await s3.list_buckets()
        if hook:
            s3.meta.events.register("before-call", _look)
        raw.heads.clear()
        for name in ("a: b", "a:b", "a b", " a", "a ", "a\t", "a(b)", "a,b", 'a"b', "a/b", "a;b", "a=b", "a\u00a0"):
            with pytest.raises(BotoCoreError):
                await s3.put_object(Bucket="b", Key="k", Metadata={name: "v"})
        assert raw.heads == []


@pytest.mark.parametrize("hook", [False, True])
@pytest.mark.parametrize("place", ENCODED)
async def test_a_text_in_a_path_or_a_query_is_encoded(place: str, hook: bool) -> None:
    method, params = ENCODED[place]
    async with raw_server(http(b"<R/>")) as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")
        if hook:
            s3.meta.events.register("before-call", _look)
        for text in (
            *BREAKS,
            "?x=y",
            "#f",
            " ",
            "%0d%0a",
            "&a=b",
            "/../..",
            "//evil",
            "\u2028",
            "\\",
            "@evil.com",
            ":80",
        ):
            raw.heads.clear()
            try:
                await getattr(s3, method)(Bucket="b", **_with(params, text))
            except BotoCoreError:
                assert raw.heads == []
            else:
                _one_request(raw, b"/b")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.text(max_size=8), st.text(max_size=8))
async def test_no_text_breaks_out_of_its_place(key: str, value: str) -> None:
    async with raw_server(http(b"")) as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")
        for _ in range(2):
            raw.heads.clear()
            try:
                await s3.put_object(Bucket="b", Key=f"k{key}", Metadata={f"m{value}": key}, ContentType=value)
            except BotoCoreError:
                assert raw.heads == []
            else:
                _one_request(raw, b"/b/k")


async def test_half_a_surrogate_pair_is_an_error_of_parameters() -> None:
    async with raw_server(http(b"")) as raw, session(raw.url) as ours:
        s3 = await ours.client("s3")
        for hook in (False, True):
            if hook:
                s3.meta.events.register("before-call", _look)
            for params in ({"Key": "\ud800"}, {"Key": "k", "IfMatch": "\udfff"}, {"Key": "k", "VersionId": "\udc80"}):
                with pytest.raises(BotoCoreError, match="surrogate"):
                    await s3.get_object(Bucket="b", **params)
        assert raw.heads == []


REGIONS = ("x.evil.com/", "us-east-1@evil.com", "us-east-1#", "us-east-1?", "us-east-1/", "us-east-1:80", "us-east-1\n")
REGIONS += (
    "us-east-1\r\nX: y",
    "us-east-1.evil.com",
    "eu west",
    "\x00",
    "ü",
    "-a",
    "a" * 64,
    "us-east-1\\",
    "%2e",
    "..",
)


@pytest.mark.parametrize("way", ["session", "client", "environment", "profile"])
async def test_a_region_that_would_change_the_host_is_refused(
    way: str, monkeypatch: pytest.MonkeyPatch, aws_environment: Any
) -> None:
    for region in REGIONS:
        session_region, client_region, more = None, None, {}
        if way == "environment":
            if "\x00" in region:
                continue
            monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        elif way == "profile":
            if set("\n\r#") & set(region):
                continue  # which end the line, or begin a comment
            text = f"[default]\nregion = {region}\n"
            await asyncio.to_thread((aws_environment / "config").write_text, text, encoding="utf-8")
        elif way == "client":
            client_region = region
        else:
            session_region = region
        keys = {name: value for name, value in KEYS.items() if name != "region_name"}
        async with aiosdk.Session(**keys, region_name=session_region, **more) as ours:
            for service in ("s3", "dynamodb", "sts"):
                with pytest.raises(InvalidRegionError):
                    await ours.client(service, region_name=client_region)


ENDPOINTS = (
    "http://u:hush@127.0.0.1:9",
    "http://good.com@evil.com",
    "http://good.com\\@evil.com",
    "ftp://x",
    "//x",
    "x",
)
ENDPOINTS += (
    "http://x y",
    "http://a\r\nb/",
    "javascript:1",
    "file:///etc/passwd",
    "http://",
    "http://:80",
    "http://x:99999",
)
ENDPOINTS += ("http://a%0d%0ab/", "http://a/\n", "http://\x00/", "unix:///run/x", "http://[::1", "http://a b@c/")


async def _list_queues(of_session: str | None, of_client: str | None) -> None:
    async with aiosdk.Session(**KEYS, endpoint_url=of_session) as ours:
        await (await ours.client("sqs", endpoint_url=of_client)).list_queues()


@pytest.mark.parametrize("way", ["session", "client", "environment"])
async def test_an_endpoint_that_is_no_plain_url_is_refused(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ENDPOINTS:
        if way == "environment":
            if "\x00" in url:
                continue
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises((InvalidEndpointError, BotoCoreError, ValueError)) as refused:
            await _list_queues(url if way == "session" else None, url if way == "client" else None)
        assert isinstance(refused.value, BotoCoreError), refused.value
        assert "hush" not in str(refused.value)


BUCKETS = (
    "../",
    "a.evil.com/",
    "a@evil.com",
    "a#",
    "a?x",
    "a\r\nHost: evil",
    "b/..",
    "a:80",
    "a\\b",
    "a%2fb",
    "",
    "ü",
    "a" * 256,
)
BUCKETS += tuple(
    f"arn:aws:{rest}"
    for rest in (
        "s3:evil.com/:123456789012:accesspoint/x",
        "s3:us-west-2@evil:123456789012:accesspoint/x",
        "s3:us-west-2:1234/evil:accesspoint/x",
        "s3:us-west-2:123456789012:accesspoint/a.evil.com",
        "s3:us-west-2\n:123456789012:accesspoint/x",
        "s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/../x",
        "s3-object-lambda:evil.com#:123456789012:accesspoint/x",
        "s3::123456789012:accesspoint/evil.com/x.mrap",
    )
)


@pytest.mark.parametrize("hook", [False, True])
async def test_a_bucket_that_would_change_the_host_is_refused(hook: bool) -> None:
    sent: list[Any] = []
    async with session(None) as ours:
        s3 = await ours.client("s3")
        if hook:
            s3.meta.events.register("before-send", lambda request, **_: sent.append(request))
        for bucket in BUCKETS:
            with pytest.raises(BotoCoreError):
                await s3.get_object(Bucket=bucket, Key="k")
        assert sent == []
        assert ours.pool.stats().connections_opened == 0


@pytest.mark.parametrize("hook", [False, True])
async def test_an_account_that_would_change_the_host_is_refused(hook: bool) -> None:
    async with session(None) as ours:
        control = await ours.client("s3control")
        if hook:
            control.meta.events.register("before-call", _look)
        for account in ("evil.com/", "evil.com#", "a.b", "evil@x", "evil:1", "1\n", "1\r\nX: y", "", "ü"):
            with pytest.raises(BotoCoreError):
                await control.list_jobs(AccountId=account)
        assert ours.pool.stats().connections_opened == 0


async def test_what_is_added_to_the_user_agent_cannot_add_a_header() -> None:
    async with raw_server(http(b"{}")) as raw:
        for text in BREAKS:
            async with session(raw.url, config=AioConfig(user_agent_extra=f"x{text}")) as ours:
                with pytest.raises(InvalidHeaderError, match="User-Agent"):
                    await (await ours.client("dynamodb")).list_tables()
        assert raw.heads == []


async def test_credentials_cannot_add_a_header() -> None:
    async with raw_server(http(b"{}")) as raw:
        for text in BREAKS:
            for name in ("aws_access_key_id", "aws_session_token"):
                async with session(raw.url, **{name: f"x{text}"}) as ours:
                    with pytest.raises(BotoCoreError):
                        await (await ours.client("dynamodb")).list_tables()
        assert raw.heads == []


async def test_a_profile_of_any_name_is_just_not_found() -> None:
    for name in ("../../etc/passwd", "a\r\nb", "a\x00b", "[default]", "", "a" * 10_000):
        with pytest.raises(BotoCoreError) as error:
            async with aiosdk.Session(profile_name=name):
                pass
        assert name == "" or "profile" in str(error.value).lower()
