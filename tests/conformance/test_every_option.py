"""Every option of a `Config` has its effect, boto3's where it has one, or is refused: the rows of docs/options.md."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.auth
import botocore.regions
import pytest
from aiobotocore.config import TIMEOUT_ARGS, AioConfig, _ConnectorArgs
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from aiohttp.abc import AbstractResolver
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    DEFAULT_PROXIES_CONFIG_VARS,
    DEFAULT_S3_CONFIG_VARS,
)
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

import aiosdk
from aiosdk.exceptions import PoolTimeoutError, UnsupportedOptionError
from tests.support.lanes import FakeWire, frozen, outcome
from tests.support.proxy import Proxy
from tests.support.server import Answer, CountingServer, Request
from tests.support.sockets import CountedSockets

DOCUMENT = (Path(__file__).parents[2] / "docs" / "options.md").read_text()
UNTRUSTED = (SSLError, ProxyConnectionError, ConnectionClosedError)
ONCE = {"total_max_attempts": 1, "mode": "legacy"}
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
# What the two are free to differ in, or what `Connection` and the like are about.
_OWN = {"user-agent", "amz-sdk-invocation-id", "expect", "content-length", "accept-encoding"}


def _options() -> Iterator[str]:
    yield from Config.OPTION_DEFAULTS
    yield from Config.NON_LEGACY_OPTION_DEFAULTS
    yield from ("connector_args", "http_session_cls", "warm_up_loader_caches")
    yield from (f"s3[{name}]" for name in DEFAULT_S3_CONFIG_VARS)
    yield "s3[disable_s3_express_session_auth]"  # a parameter of the client's context
    yield from (f"retries[{name}]" for name in ("max_attempts", "total_max_attempts", "mode"))
    yield from (f"proxies_config[{name}]" for name in DEFAULT_PROXIES_CONFIG_VARS)
    yield from (f"connector_args[{name}]" for name in {*_ConnectorArgs.__annotations__, *TIMEOUT_ARGS})


OPTIONS = sorted(set(_options()))


@dataclass
class Rig:
    """What a check may need."""

    make: Callable[..., aiosdk.Session]
    server: CountingServer
    tls_server: CountingServer
    ca_bundle: str
    client_files: tuple[str, str]
    proxy: Proxy
    monkeypatch: pytest.MonkeyPatch
    caplog: pytest.LogCaptureFixture


Check = Callable[[Rig], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def checks(*names: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        for name in names:
            assert name not in CHECKS
            CHECKS[name] = check
        return check

    return keep


# The requests of both, without a socket


@dataclass(frozen=True)
class Call:
    service: str
    method: str
    arguments: dict[str, Any]
    client: dict[str, Any]

    @property
    def answer(self) -> bytes:
        return b"" if self.service == "s3" else b"{}"


def _plain(method: str, url: str, headers: Any, body: Any) -> dict[str, Any]:
    named = {key.lower(): each.decode() if isinstance(each, bytes) else str(each) for key, each in headers.items()}
    body = body.encode() if isinstance(body, str) else body
    return {"method": method, "url": url, "body": body or None, "headers": named}


def _boto3s(call: Call, config: Config | None) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        body = request.body.read() if hasattr(request.body, "read") else request.body
        sent.append(_plain(request.method, request.url, request.headers, body))
        response = AWSResponse(request.url, 200, {}, None)
        response._content = call.answer
        return response

    client = boto3.Session().client(call.service, **{**KEYS, **call.client}, config=config)
    client.meta.events.register("before-send", answer)
    with frozen():
        try:
            getattr(client, call.method)(**call.arguments)
        except Exception as error:
            return [*sent, _plain("raises", str(error), {}, None)]
    return sent


async def _ours(call: Call, config: AioConfig | None) -> list[dict[str, Any]]:
    async with aiosdk.Session() as session:
        client: Any = await session.client(call.service, **{**KEYS, **call.client}, config=config)
        made = await outcome(client, [(200, {}, call.answer)], lambda: getattr(client, call.method)(**call.arguments))
        failure = [_plain("raises", made.value[1], {}, None)] if made.kind != "gives" else []
        return [*(_plain(each.method, each.url, each.headers, each.body) for each in made.sent), *failure]


def _compared(sent: list[dict[str, Any]], parts: tuple[str, ...]) -> list[Any]:
    if parts:
        return [[each["headers"].get(part, each.get(part)) for part in parts] for each in sent]
    return [{**each, "headers": {k: v for k, v in each["headers"].items() if k not in _OWN}} for each in sent]


async def as_boto3(call: Call, *parts: str, base: dict[str, Any] | None = None, **options: Any) -> None:
    """The requests are boto3's with the option, and others than without it; `parts` names what to look at."""
    base = base or {}
    ours, plain = await _ours(call, AioConfig(**base, **options)), await _ours(call, AioConfig(**base))
    theirs = await asyncio.to_thread(_boto3s, call, Config(**base, **options))
    assert _compared(ours, parts) == _compared(theirs, parts)
    assert _compared(ours, parts) != _compared(plain, parts), "it has no effect"


def requested(
    name: str, service: str, method: str, *parts: str, client: Any = None, value: Any, **arguments: Any
) -> None:
    """Add a check of what is sent."""
    outer, _, inner = name.partition("[")
    given = {inner.rstrip("]"): value} if inner else value

    @checks(name)
    async def check(_: Rig) -> None:
        await as_boto3(Call(service, method, arguments, client or {}), *parts, **{outer: given})


POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint:my-ap"
MANY = "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap"
STORE = "arn:aws:cloudfront::123456789012:key-value-store/e"
EXPRESS = "b--use1-az4--x-s3"
METRICS = {"Namespace": "n", "MetricData": [{"MetricName": f"m{number}", "Value": 1.0} for number in range(400)]}

requested("signature_version", "s3", "list_buckets", value=botocore.UNSIGNED)
requested("parameter_validation", "sqs", "list_queues", "body", value=False, MaxResults="many")
requested("s3[addressing_style]", "s3", "list_objects_v2", value="path", Bucket="bucket")
requested("s3[use_accelerate_endpoint]", "s3", "list_objects_v2", value=True, Bucket="bucket")
requested("s3[use_dualstack_endpoint]", "s3", "list_objects_v2", value=True, Bucket="bucket")
requested("s3[use_arn_region]", "s3", "list_objects_v2", value=False, Bucket=POINT)
requested("s3[us_east_1_regional_endpoint]", "s3", "list_buckets", value="regional")
requested("s3[s3_disable_multiregion_access_points]", "s3", "list_objects_v2", value=True, Bucket=MANY)
requested("s3[disable_s3_express_session_auth]", "s3", "list_objects_v2", value=True, Bucket=EXPRESS)
requested(
    "inject_host_prefix", "servicediscovery", "discover_instances", value=False, NamespaceName="n", ServiceName="s"
)
requested("use_dualstack_endpoint", "sqs", "list_queues", value=True)
requested("use_fips_endpoint", "sqs", "list_queues", value=True)
requested("defaults_mode", "s3", "list_buckets", value="standard")
requested(
    "request_min_compression_size_bytes", "cloudwatch", "put_metric_data", "content-encoding", value=10**6, **METRICS
)
requested("disable_request_compression", "cloudwatch", "put_metric_data", "content-encoding", value=True, **METRICS)
requested("request_checksum_calculation", "s3", "put_object", value="when_required", Bucket="b", Key="k", Body=b"data")
requested("response_checksum_validation", "s3", "get_object", value="when_required", Bucket="b", Key="k")
requested(
    "account_id_endpoint_mode",
    "dynamodb",
    "list_tables",
    "url",
    client={"aws_account_id": "123456789012"},
    value="disabled",
)
requested("endpoint_discovery_enabled", "dynamodb", "list_tables", "x-amz-target", value=True)


@checks("sigv4a_signing_region_set")
async def _(rig: Rig) -> None:
    """The regions are told to the signer; awscrt has that one, and so we give ours its name."""
    rig.monkeypatch.setattr(botocore.regions, "HAS_CRT", True)
    rig.monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4a", botocore.auth.SigV4Auth)
    call = Call("cloudfront-keyvaluestore", "list_keys", {"KvsARN": STORE}, {})
    await as_boto3(call, "authorization", sigv4a_signing_region_set="us-west-2")


@checks("region_name")
async def _(_: Rig) -> None:
    call = Call("sqs", "list_queues", {}, {"region_name": None})
    ours = await _ours(call, AioConfig(region_name="eu-west-3"))
    theirs = await asyncio.to_thread(_boto3s, call, Config(region_name="eu-west-3"))
    assert _compared(ours, ()) == _compared(theirs, ())
    assert "eu-west-3" in ours[0]["url"]


@checks("s3[payload_signing_enabled]")
async def _(_: Rig) -> None:
    call = Call("s3", "put_object", {"Bucket": "bucket", "Key": "k", "Body": b"data"}, {})
    plain = {"request_checksum_calculation": "when_required"}
    for part in ("x-amz-content-sha256", "authorization"):
        await as_boto3(call, part, base=plain, s3={"payload_signing_enabled": False})


@checks("s3_disable_express_session_auth")
async def _(_: Rig) -> None:
    """boto3 loses it on its way from a `Config`; the same key of `s3` has the effect that is meant."""
    call = Call("s3", "list_objects_v2", {"Bucket": EXPRESS}, {})
    ours = await _ours(call, AioConfig(s3_disable_express_session_auth=True))
    theirs = await asyncio.to_thread(_boto3s, call, Config(s3={"disable_s3_express_session_auth": True}))
    assert _compared(ours, ()) == _compared(theirs, ())


@checks("s3")
async def _(_: Rig) -> None:
    call = Call("s3", "list_objects_v2", {"Bucket": "bucket"}, {})
    await as_boto3(call, s3={"addressing_style": "path", "use_dualstack_endpoint": True})


@checks("ignore_configured_endpoint_urls")
async def _(rig: Rig) -> None:
    rig.monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://elsewhere.test")
    await as_boto3(Call("sqs", "list_queues", {}, {}), ignore_configured_endpoint_urls=True)


@checks("auth_scheme_preference")
async def _(rig: Rig) -> None:
    rig.monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "token")
    call = Call("bedrock", "list_foundation_models", {}, {})
    await as_boto3(call, "authorization", auth_scheme_preference="sigv4")


@checks("client_context_params")
async def _(_: Rig) -> None:
    call = Call("s3", "list_objects_v2", {"Bucket": MANY}, {})
    await as_boto3(call, client_context_params={"disable_multi_region_access_points": True})


@checks("user_agent", "user_agent_extra", "user_agent_appid")
async def _(_: Rig) -> None:
    call = Call("sqs", "list_queues", {}, {})
    for options, part in (
        ({"user_agent": "me/1"}, r"^me/1"),
        ({"user_agent_extra": "more/2"}, r" more/2( |$)"),
        ({"user_agent_appid": "mine"}, r" app/mine( |$)"),
    ):
        theirs = await asyncio.to_thread(_boto3s, call, Config(**options))
        for sent in (await _ours(call, AioConfig(**options)), theirs):
            assert re.search(part, sent[0]["headers"]["user-agent"])


@checks("retries", "retries[max_attempts]", "retries[total_max_attempts]", "retries[mode]")
async def _(rig: Rig) -> None:
    for retries, expected in (
        ({"max_attempts": 1}, 2),
        ({"total_max_attempts": 1}, 1),
        ({"mode": "standard"}, 3),
        ({"mode": "legacy"}, 5),
    ):
        async with rig.make(config=AioConfig(retries=retries)) as session:
            client: Any = await session.client("sqs")

            async def no_sleep(_: float) -> None:
                """Wait for nothing between attempts."""

            client._endpoint._sleep = no_sleep
            wire = client._endpoint.http_session.exchange = FakeWire([(500, {}, b"")])
            with pytest.raises(ClientError):
                await client.list_queues()
            assert len(wire.sent) == expected


# Connections


async def _listed(rig: Rig, service: str = "sqs", times: int = 1, **arguments: Any) -> None:
    async with rig.make(**arguments) as session:
        client: Any = await session.client(service)
        for _ in range(times):
            await (client.list_queues() if service == "sqs" else client.list_buckets())


@contextlib.contextmanager
def _deaf() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@checks("connect_timeout")
async def _(rig: Rig) -> None:
    config = AioConfig(connect_timeout=0.05, read_timeout=60, retries=ONCE)
    with _deaf() as port, pytest.raises(ConnectTimeoutError):
        await _listed(rig, endpoint_url=f"https://127.0.0.1:{port}", config=config)


@checks("read_timeout")
async def _(rig: Rig) -> None:
    config = AioConfig(connect_timeout=60, read_timeout=0.05, retries=ONCE)
    with _deaf() as port, pytest.raises(ReadTimeoutError):
        await _listed(rig, endpoint_url=f"http://127.0.0.1:{port}", config=config)


@checks("max_pool_connections")
async def _(rig: Rig) -> None:
    user: Any = AioSession()
    user.set_default_client_config(AioConfig(max_pool_connections=7))
    async with rig.make(config=AioConfig(max_pool_connections=3)) as session, rig.make(botocore_session=user) as other:
        assert (session.pool.stats().limit, other.pool.stats().limit) == (3, 7)
        with rig.caplog.at_level(logging.INFO, "aiosdk.pool"):
            for asked in (3, 50, 60):
                await session.client("sqs", config=AioConfig(max_pool_connections=asked))
            await other.client("sqs", config=AioConfig(max_pool_connections=2))
    told = [(each.levelname, each.getMessage()) for each in rig.caplog.records if each.name == "aiosdk.pool"]
    assert [level for level, _ in told] == ["WARNING", "INFO"]
    assert all("Session(max_connections=...)" in message for _, message in told)


@checks("tcp_keepalive")
async def _(rig: Rig) -> None:
    sockets: list[socket.socket] = []

    def make(address: Any) -> socket.socket:
        sockets.append(socket.socket(*address[:3]))
        return sockets[-1]

    config = AioConfig(tcp_keepalive=True, connector_args={"socket_factory": make})
    async with rig.make(config=config) as session:
        await (await session.client("sqs")).list_queues()
        assert sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@checks("client_cert")
async def _(rig: Rig) -> None:
    config = AioConfig(client_cert=rig.client_files, retries=ONCE)
    async with rig.make(endpoint_url=rig.tls_server.url) as session:
        await (await session.client("sqs", verify=rig.ca_bundle, config=config)).list_queues()
        bare = await session.client("sqs", verify=rig.ca_bundle, config=AioConfig(retries=ONCE))
        with pytest.raises(UNTRUSTED):
            await bare.list_queues()


@checks("proxies")
async def _(rig: Rig) -> None:
    await _listed(rig, config=AioConfig(proxies={"http": rig.proxy.url}))
    assert [asked.target for asked in rig.proxy.asked] == [f"{rig.server.url}/"]


@checks("proxies_config", "proxies_config[proxy_ca_bundle]", "proxies_config[proxy_client_cert]")
async def _(rig: Rig) -> None:
    """The TLS server is the proxy, and wants a certificate."""
    whole = {"proxy_ca_bundle": rig.ca_bundle, "proxy_client_cert": rig.client_files}
    for left_out in (None, *whole):
        settings = {name: value for name, value in whole.items() if name != left_out}
        config = AioConfig(proxies={"http": rig.tls_server.url}, proxies_config=settings, retries=ONCE)
        expected = contextlib.nullcontext() if left_out is None else pytest.raises(UNTRUSTED)
        with expected:
            await _listed(rig, endpoint_url="http://made-up.test", config=config)
    assert [request.target for request in rig.tls_server.requests] == ["http://made-up.test/"]


@checks("proxies_config[proxy_use_forwarding_for_https]")
async def _(rig: Rig) -> None:
    config = AioConfig(proxies_config={"proxy_use_forwarding_for_https": True})
    with pytest.raises(UnsupportedOptionError, match=r"proxy_use_forwarding_for_https.*CONNECT"):
        await _listed(rig, config=config)
    await _listed(rig, config=AioConfig(proxies_config={"proxy_use_forwarding_for_https": False}))


# aiobotocore's


class Resolver(AbstractResolver):
    """Finds every host here, and counts."""

    asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        self.asked += 1
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing is open."""


@checks("connector_args[resolver]", "connector_args[use_dns_cache]", "connector_args[ttl_dns_cache]")
async def _(rig: Rig) -> None:
    url = f"http://made-up.test:{rig.server.port}"
    for more, expected in (({}, 1), ({"use_dns_cache": False}, 3), ({"ttl_dns_cache": 0}, 3)):
        resolver = Resolver()
        args: Any = {"resolver": resolver, "force_close": True, **more}
        await _listed(rig, times=3, endpoint_url=url, config=AioConfig(connector_args=args))
        assert resolver.asked == expected, more


@checks("connector_args", "connector_args[force_close]")
async def _(rig: Rig) -> None:
    await _listed(rig, times=3, config=AioConfig(connector_args={"force_close": True}))
    assert rig.server.accepted == 3


@checks("connector_args[keepalive_timeout]")
async def _(rig: Rig) -> None:
    async with rig.make(config=AioConfig(connector_args={"keepalive_timeout": 0.05})) as session:
        sqs = await session.client("sqs")
        for _ in range(2):
            await sqs.list_queues()
            await asyncio.sleep(0.2)
    assert rig.server.accepted == 2


@checks("connector_args[ssl_context]")
async def _(rig: Rig) -> None:
    context = ssl.create_default_context(cafile=rig.ca_bundle)
    context.load_cert_chain(*rig.client_files)
    await _listed(rig, endpoint_url=rig.tls_server.url, config=AioConfig(connector_args={"ssl_context": context}))


@checks("connector_args[socket_factory]")
async def _(rig: Rig) -> None:
    sockets = CountedSockets()
    await _listed(rig, config=sockets.config())
    assert sockets.peak == 1


@checks("connector_args[pool_timeout]")
async def _(rig: Rig) -> None:
    async def unfinished(_: Request) -> Answer:
        return Answer(body=b"part", length=1024)

    rig.server.answer = unfinished
    config = AioConfig(connector_args={"pool_timeout": 0.05})
    async with rig.make(config=config, max_connections=1) as session:
        s3 = await session.client("s3")
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        with pytest.raises(PoolTimeoutError):
            await s3.list_buckets()
        body.close()


@checks("connector_args[write_timeout]")
async def _(rig: Rig) -> None:
    config = AioConfig(connector_args={"write_timeout": 3})
    with pytest.raises(UnsupportedOptionError, match=r"write_timeout.*with_options\(timeout"):
        await _listed(rig, config=config)
    await _listed(rig, config=AioConfig(connector_args={"write_timeout": None}))


@checks("http_session_cls")
async def _(rig: Rig) -> None:
    async with rig.make(config=AioConfig(http_session_cls=AIOHTTPSession)) as session:
        sqs: Any = await session.client("sqs")
        assert isinstance(sqs._endpoint.http_session, AIOHTTPSession)
        await sqs.list_queues()


@checks("warm_up_loader_caches")
async def _(rig: Rig) -> None:
    await _listed(rig, config=AioConfig(warm_up_loader_caches=True))
    assert len(rig.server.requests) == 1


# The walk


@pytest.fixture
def rig(
    make_session: Any,
    server: CountingServer,
    authority: Any,
    ca_bundle: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Rig]:
    issued = authority.issue_cert("client@example.com")
    files = str(tmp_path / "client.pem"), str(tmp_path / "client.key")
    issued.cert_chain_pems[0].write_to_path(files[0])
    issued.private_key_pem.write_to_path(files[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_bundle)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with CountingServer(tls=context) as demanding, Proxy() as proxy:
        yield Rig(make_session, server, demanding, ca_bundle, files, proxy, monkeypatch, caplog)


@pytest.mark.parametrize("name", OPTIONS)
async def test_an_option_has_its_effect_or_is_refused(name: str, rig: Rig) -> None:
    await CHECKS[name](rig)


def _rows() -> dict[str, str]:
    lines = [line for line in DOCUMENT.splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: line for line in lines}


def test_the_table_has_a_row_for_every_option_and_names_its_sources() -> None:
    rows = _rows()
    assert sorted(rows) == OPTIONS
    assert sorted(CHECKS) == OPTIONS
    told_of = 0
    for name, row in rows.items():
        outer, _, inner = name.rstrip("]").partition("[")
        known: Any = {"s3": DEFAULT_S3_CONFIG_VARS, "proxies_config": DEFAULT_PROXIES_CONFIG_VARS}.get(outer)
        profile, environment, *_ = (known if inner and known else BOTOCORE_DEFAUT_SESSION_VARIABLES).get(
            inner or name, (None, None)
        )
        for source in (profile, environment):
            for each in source if isinstance(source, list) else [source] if source else []:
                told = f"`{each[1]}` in `{each[0]}`" if isinstance(each, tuple) else f"`{each}`"
                assert told in row, name
                told_of += 1
    assert told_of > 40


async def test_what_aiobotocore_refuses_is_refused(make_session: Any) -> None:
    with pytest.raises(ParamValidationError, match="invalid connector_arg:linger"):
        AioConfig(connector_args={"linger": 1})  # type: ignore[typeddict-unknown-key]


async def test_numbers_in_the_default_config_of_a_botocore_session_are_checked(make_session: Any) -> None:
    user: Any = AioSession()
    user.set_default_client_config(AioConfig(read_timeout="5"))
    with pytest.raises(ValueError, match="read_timeout"):
        make_session(botocore_session=user)


async def test_the_config_of_create_client_is_checked(make_session: Any) -> None:
    async with make_session() as session:
        with pytest.raises(ValueError, match="read_timeout"):
            session.create_client("sqs", config=AioConfig(read_timeout="5"))
