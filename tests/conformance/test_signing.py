"""Signatures are botocore's, byte for byte, whatever is signed.

`AIOSDK_DEEP=1` signs fifty times as many random requests.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import botocore.session
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth, _host_from_url
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk._compile import sign
from aiosdk._compile.sign import EMPTY_SHA256, UNSIGNED_PAYLOAD, UNSIGNED_TRAILER, Signer, hash_payload, host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEP = bool(os.environ.get("AIOSDK_DEEP"))
NOW = 1_709_214_245.75  # on a 29th of February
SERVICES = [("s3", "us-east-1"), ("dynamodb", "eu-central-1"), ("iam", "us-east-1"), ("execute-api", "cn-north-1")]
KEYS = [
    "a",
    "a b",
    "a//b",
    "/a",
    "a/../b",
    "..",
    "../../a",
    "./a",
    "a/.",
    "a/..",
    "ä/日本/🎉",
    "a%2Fb",
    "%",
    "a+b",
    "a~b",
]
KEYS += [
    "a?b#c&d=e",
    "a\x01b",
    "\x7f",
    "a\tb\r\nc",
    "\xa0",
    "\u2028",
    "a\\b",
    "'\"<>{}|^`",
    ":@!$&'()*,;=",
    "a/",
    "//",
    ".a/b.",
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
odd_texts = texts | st.text("a/.%~+ =&?;#\x00\x1f\t\n é", max_size=15)
OWN_NAMES = ["Authorization", "authorization", "Date", "date", "X-Amz-Date", "x-amz-date", "X-Amz-Security-Token"]
OWN_NAMES += ["x-amz-security-token", "X-Amz-Content-SHA256", "x-amz-content-sha256"]
UNSIGNED_NAMES = [
    "User-Agent",
    "Expect",
    "Transfer-Encoding",
    "Connection",
    "TE",
    "Trailer",
    "traceparent",
    "Keep-Alive",
]
UNSIGNED_NAMES += ["X-Amzn-Trace-Id", "baggage", "Upgrade", "tracestate", "proxy-authorization", "proxy-authenticate"]
OTHER_NAMES = ["Host", "host", "Content-Length", "Content-Type", "CONTENT-type", "x-amz-meta-a", "x-amz-meta-A"]
OTHER_NAMES += ["!b ", " c", "\tB"]
names = st.text("aAbB-_.~9x", min_size=1, max_size=8) | st.sampled_from(OWN_NAMES + UNSIGNED_NAMES + OTHER_NAMES)
values = (
    texts
    | st.text('a  \t\n\x0b\x1c\x85\xa0\u3000b,"=', max_size=12)
    | st.just("application/x-www-form-urlencoded; charset=utf-8")
)
headers_given = st.dictionaries(names, values, max_size=6)
HOSTS = ["https://s3.amazonaws.com", "http://localhost:5000", "https://h:443", "http://h:80", "https://h:80"]
HOSTS += ["http://h:443", "https://User:pw@Some.Host:8443", "http://[::1]:9000", "https://[FE80::1]", "https://b_c.x."]
hosts = st.sampled_from(HOSTS)
queries = st.lists(st.tuples(odd_texts, odd_texts), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
) | st.text("ab=&%2+-.~/", max_size=12)
bodies = st.none() | st.binary(max_size=20)
methods = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "get", "Patch"])
keys = st.sampled_from(KEYS) | odd_texts
credentials = st.builds(
    ReadOnlyCredentials,
    st.text("AKID/+ é", min_size=1, max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.none() | st.just("") | st.text("abc/+= \t", max_size=20),
)
moments = st.just(NOW) | st.floats(0, 4e9)


def path_of(key: str) -> str:
    return "/" + quote(key, safe="/~")


@contextmanager
def clock(now: float) -> Iterator[None]:
    """Stop botocore's clock."""
    moment = datetime.fromtimestamp(int(now), UTC).replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        yield


def signed_by_botocore(
    service: str,
    region: str,
    method: str,
    url: str,
    headers: dict[str, str],
    body: Any,
    keys: Any,
    now: float,
    context: Any,
) -> list[tuple[str, str]]:
    request = AWSRequest(method, url, headers, body)
    request.context.update(context)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    with clock(now):
        kind(keys, service, region).add_auth(request)
    return list(request.headers.items())


def signed_by_us(
    service: str, region: str, method: str, url: str, headers: dict[str, str], payload_hash: str, keys: Any, now: float
) -> list[tuple[str, str]]:
    parts = urlsplit(url)
    signer = Signer(service, region, is_s3=service == "s3")
    before = dict(headers)
    signed = signer.sign(method, host_of(url), parts.path, parts.query, headers, payload_hash, *keys[:3], now)
    assert headers == before
    return list(signed.items())


@given(
    place=st.sampled_from(SERVICES),
    method=methods,
    host=hosts,
    key=keys,
    query=queries,
    headers=headers_given,
    body=bodies,
    credentials=credentials,
    now=moments,
    hashing=st.sampled_from(["body", "unsigned", "trailer"]),
)
@settings(max_examples=60_000 if DEEP else 1200, deadline=None, database=None, derandomize=not DEEP)
def test_headers_are_those_of_botocore(
    place: tuple[str, str],
    method: str,
    host: str,
    key: str,
    query: str,
    headers: dict[str, str],
    body: bytes | None,
    credentials: Any,
    now: float,
    hashing: str,
) -> None:
    url = host + path_of(key) + (query and "?" + query)
    context: dict[str, Any] = {"client_config": None}
    payload_hash = hash_payload(body or b"")
    if hashing == "trailer":
        context["checksum"] = {"request_algorithm": {"in": "trailer"}}
        payload_hash = UNSIGNED_TRAILER
    elif hashing == "unsigned" and host.startswith("https"):
        context["payload_signing_enabled"] = False
        context["client_config"] = Config(s3={"payload_signing_enabled": False})
        payload_hash = UNSIGNED_PAYLOAD
    expected = signed_by_botocore(*place, method, url, headers, body, credentials, now, context)
    assert signed_by_us(*place, method, url, headers, payload_hash, credentials, now) == expected


@pytest.mark.parametrize("place", SERVICES)
def test_awkward_keys_are_signed_as_botocore_signs_them(place: tuple[str, str]) -> None:
    keys = ReadOnlyCredentials("AKIDEXAMPLE", "secret", "token")
    for key in [*KEYS, *(chr(code) for code in range(0x250))]:
        for url in [
            f"https://b.s3.amazonaws.com{path_of(key)}",
            f"http://localhost:5000/prefix{path_of(key)}?versionId=x",
        ]:
            expected = signed_by_botocore(*place, "PUT", url, {"Content-Type": "a/b"}, b"body", keys, NOW, {})
            assert (
                signed_by_us(*place, "PUT", url, {"Content-Type": "a/b"}, hash_payload(b"body"), keys, NOW) == expected
            )


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/.", "/..", "/a//b", "/a/./b/", "/a/../..//", "/%2E%2E/a", "/a%2Fb/é~*"]
)
@pytest.mark.parametrize("place", SERVICES)
def test_odd_paths_of_endpoints_are_signed_as_botocore_signs_them(place: tuple[str, str], path: str) -> None:
    keys = ReadOnlyCredentials("AKIDEXAMPLE", "secret", None)
    expected = signed_by_botocore(*place, "GET", f"https://h{path}", {}, None, keys, NOW, {})
    assert signed_by_us(*place, "GET", f"https://h{path}", {}, EMPTY_SHA256, keys, NOW) == expected


@given(
    place=st.sampled_from(SERVICES),
    method=methods,
    host=hosts,
    key=keys,
    query=queries,
    headers=headers_given,
    body=st.dictionaries(
        odd_texts, odd_texts | st.integers() | st.lists(odd_texts, max_size=2) | st.binary(max_size=3), max_size=3
    ),
    credentials=credentials,
    now=moments,
    expires=st.integers(1, 604800),
)
@settings(max_examples=30_000 if DEEP else 600, deadline=None, database=None, derandomize=not DEEP)
def test_presigned_urls_are_those_of_botocore(
    place: tuple[str, str],
    method: str,
    host: str,
    key: str,
    query: str,
    headers: dict[str, str],
    body: dict[str, Any],
    credentials: Any,
    now: float,
    expires: int,
) -> None:
    url = host + path_of(key) + (query and "?" + query)
    request = AWSRequest(method, url, headers, dict(body))
    request.context["timestamp"] = ""
    kind = S3SigV4QueryAuth if place[0] == "s3" else SigV4QueryAuth
    with clock(now):
        kind(credentials, *place, expires).add_auth(request)
    signer = Signer(*place, is_s3=place[0] == "s3")
    assert signer.presign(method, url, headers, *credentials[:3], now, expires, body=body) == request.url


@given(url=st.tuples(hosts, keys).map(lambda parts: parts[0] + path_of(parts[1])))
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_the_host_is_the_one_that_botocore_signs(url: str) -> None:
    assert host_of(url) == _host_from_url(url)


ADDED = {"x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "authorization"}


class StopHere(Exception):  # noqa: N818
    """Raised instead of sending."""


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    *(("s3", "get_object", {"Bucket": "bucket", "Key": key}) for key in KEYS),
    *(("s3", "put_object", {"Bucket": "under_score.Bucket", "Key": key, "Body": b"x" * 9}) for key in KEYS),
    ("s3", "put_object", {"Bucket": "bucket", "Key": "k", "Metadata": {"A": " a  b ", "b": "c"}}),
    *(("s3", "list_objects_v2", {"Bucket": "bucket", "Prefix": key, "StartAfter": ""}) for key in KEYS),
    ("s3", "copy_object", {"Bucket": "bucket", "Key": "k", "CopySource": {"Bucket": "b", "Key": "ä b"}}),
    ("s3", "delete_objects", {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "ä"}]}}),
    ("s3", "get_bucket_acl", {"Bucket": "bucket"}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "ä"}}}),
    ("iam", "list_users", {"PathPrefix": "/a b/"}),
    ("sqs", "send_message", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "MessageBody": "x"}),
    ("lambda", "invoke", {"FunctionName": "arn:aws:lambda:us-east-1:1:function:f", "Payload": b"{}"}),
    ("apigateway", "get_resource", {"restApiId": "a/../b", "resourceId": "ä %2F", "embed": ["a b", "a", ""]}),
    ("ebs", "put_snapshot_block", {"SnapshotId": "s", "BlockIndex": 1, "BlockData": b"x", "DataLength": 1,
                                   "Checksum": "c", "ChecksumAlgorithm": "SHA256"}),
]  # fmt: skip


@pytest.mark.parametrize("url", [None, "http://localhost:5000"])
def test_requests_of_real_clients_get_the_same_signature(url: str | None) -> None:
    session = botocore.session.Session()
    clients: dict[str, Any] = {}
    seen: dict[str, Any] = {}

    def before(request: Any, signing_name: str, region_name: str, **_: Any) -> None:
        seen.update(headers=dict(request.headers.items()), name=signing_name, region=region_name)

    def after(request: Any, **_: Any) -> None:
        seen.update(request=request)
        raise StopHere

    for service, method, parameters in CALLS:
        if service not in clients:
            client = session.create_client(
                service,
                region_name="us-east-1",
                endpoint_url=url,
                aws_access_key_id="AKID",
                aws_secret_access_key="secret",
                aws_session_token="token/+=",
            )
            client.meta.events.register_last("before-sign", before)
            client.meta.events.register("before-send", after)
            clients[service] = client
        with clock(NOW), pytest.raises(StopHere):
            getattr(clients[service], method)(**parameters)
        sent = {name: _text(value) for name, value in seen["request"].headers.items()}
        expected = {name: value for name, value in sent.items() if name.lower() in ADDED}
        payload_hash = sent.get("X-Amz-Content-SHA256") or _hash_of(seen["request"].body)
        region = sent["Authorization"].split("/")[2]  # iam's is its endpoint's
        ours = dict(
            signed_by_us(
                "s3" if service == "s3" else seen["name"],
                region,
                seen["request"].method,
                seen["request"].url,
                seen["headers"],
                payload_hash,
                ("AKID", "secret", "token/+="),
                NOW,
            )
        )
        assert {name: value for name, value in ours.items() if name.lower() in ADDED} == expected, (
            service,
            parameters,
        )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _hash_of(body: Any) -> str:
    return hash_payload(body.encode() if isinstance(body, str) else body or b"")


@pytest.mark.parametrize("key", KEYS)
def test_presigned_urls_of_real_clients_are_the_same(key: str) -> None:
    seen: dict[str, Any] = {}

    def before(request: Any, region_name: str, **_: Any) -> None:
        seen.update(method=request.method, url=request.url, headers=dict(request.headers.items()), region=region_name)

    client = botocore.session.Session().create_client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
        config=Config(signature_version="s3v4"),
    )
    client.meta.events.register_last("before-sign", before)
    parameters = {"Bucket": "bucket", "Key": key, "ContentType": "a/b", "Metadata": {"a": "b"}}
    with clock(NOW):
        url = client.generate_presigned_url("put_object", parameters, ExpiresIn=77)
    signer = Signer("s3", "eu-central-1", is_s3=True)
    assert signer.presign(seen["method"], seen["url"], seen["headers"], "AKID", "secret", None, NOW, 77) == url


@given(
    is_https=st.booleans(),
    has_checksum=st.booleans(),
    is_streaming=st.booleans(),
    is_unsigned=st.booleans(),
    configured=st.none() | st.booleans(),
)
@settings(max_examples=100, deadline=None, database=None, derandomize=True)
def test_the_payload_of_s3_is_signed_when_botocore_signs_it(
    is_https: bool, has_checksum: bool, is_streaming: bool, is_unsigned: bool, configured: bool | None
) -> None:
    request = AWSRequest(
        "PUT", f"http{'s' if is_https else ''}://h/", {"Content-MD5": "x"} if has_checksum else {}, b"x"
    )
    request.context.update(has_streaming_input=is_streaming, payload_signing_enabled=not is_unsigned)
    if configured is not None:
        request.context["client_config"] = Config(s3={"payload_signing_enabled": configured})
    signed = S3SigV4Auth(None, "s3", "us-east-1").payload(request) != UNSIGNED_PAYLOAD
    ours = sign.s3_signs_payload(
        is_https=is_https,
        has_checksum=has_checksum,
        is_streaming=is_streaming,
        is_unsigned=is_unsigned,
        configured=configured,
    )
    assert ours == signed


def test_keys_are_bounded_and_show_no_secret() -> None:
    signer = Signer("s3", "us-east-1", is_s3=True)
    for number in range(300):
        signer.sign("GET", "h", "/", "", {}, EMPTY_SHA256, "AKID", f"very-secret-{number}", None, NOW)
    assert sign._signing_key.cache_info().currsize == 128
    assert sign._layout.cache_info().maxsize is not None
    for shown in (signer, sign._signing_key, sign._signing_key("very-secret-1", "20240229", "us-east-1", "s3")):
        assert "secret" not in repr(shown)
    assert repr(signer) == "<Signer service=s3 region=us-east-1 s3>"


def test_a_key_is_used_for_its_own_day_alone() -> None:
    signer = Signer("dynamodb", "us-east-1", is_s3=False)
    keys = ReadOnlyCredentials("AKID", "secret", None)
    for now in (NOW, NOW + 86_400, NOW):
        expected = signed_by_botocore("dynamodb", "us-east-1", "POST", "https://h/", {}, b"", keys, now, {})
        assert list(signer.sign("POST", "h", "/", "", {}, EMPTY_SHA256, *keys[:3], now).items()) == expected
