"""The tables of shared state in docs/design.md, walked over: it is there, it is bounded, and its keys are apart."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiobotocore.utils import AioS3ExpressIdentityCache
from botocore.context import ClientContext, start_as_current_context
from botocore.endpoint_provider import EndpointProvider
from botocore.tokens import DeferredRefreshableToken

import aiosdk
from aiosdk._aws import client_creator, events, helper_state, targets, throttling
from aiosdk._aws.clock import Clock
from aiosdk._aws.credentials import SessionCredentials, SessionTokens
from aiosdk._aws.events import hooks_of
from aiosdk._aws.renewals import Renewals
from aiosdk._aws.throttling import Throttles
from aiosdk._aws.whom import Whom
from aiosdk._bounded import Bounded
from aiosdk._compile import sign
from aiosdk._shelf import MOST_IDLE
from aiosdk._transport import connector, header_check, headers, names, tls
from aiosdk._transport.budget import RetryBudgets
from aiosdk.services import families
from tests.support.server import Answer, CountingServer, Request

Make = Callable[..., aiosdk.Session]
ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "docs" / "design.md").read_text()
SECTION = DESIGN[DESIGN.index("## What calls share") :].split("\n## ")[0]
# Not filled, and so no cache: it stands for a layout without members.
CONSTANTS = {"_aws.packed:PACKED"}


class Row(NamedTuple):
    what: str
    where: str
    key: str
    bound: str


def rows() -> Iterator[Row]:
    for line in SECTION.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[1] != "where" and not cells[0].startswith("--"):
            yield Row(cells[0], cells[1].strip("`"), cells[2], cells[3])


ROWS = {row.what: row for row in rows()}
by_row = pytest.mark.parametrize("what", ROWS)


def found_at(where: str) -> Any:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(module if module.startswith("botocore") else f"aiosdk.{module}")
    for name in path.split("."):
        if inspect.isclass(found) and not hasattr(found, name):
            ours = [each for each in found.__mro__ if each.__module__.startswith("aiosdk")]
            assert any(f"self.{name}" in inspect.getsource(each) for each in ours), f"{where} is not there"
            return None
        found = getattr(found, name)
    return found


@by_row
def test_each_state_is_where_the_table_says(what: str) -> None:
    found_at(ROWS[what].where)


def test_the_text_below_the_tables_names_what_there_is() -> None:
    for where in re.findall(r"`([a-z_0-9.]+:\w+)`", SECTION):
        found_at(where)


MAKERS = {"dict", "set", "deque", "Counter", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary", "WeakSet"}


def name_of(node: Any) -> str | None:
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def is_cache(value: Any) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    name = name_of(value) if isinstance(value, ast.Call) else None
    return name in ("cache", "lru_cache", "Bounded") or (name in MAKERS and not value.args)


def caches(tree: ast.Module) -> Iterator[str]:
    """The names of what a module keeps for as long as the process lives."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if any(name_of(each) in ("cache", "lru_cache") for each in node.decorator_list):
                yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and is_cache(node.value):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            yield str(name_of(target))


def test_no_cache_of_the_process_is_missing_from_the_tables() -> None:
    package = ROOT / "aiosdk"
    found = {
        f"{'.'.join(path.relative_to(package).with_suffix('').parts)}:{name}"
        for path in package.rglob("*.py")
        for name in caches(ast.parse(path.read_text()))
    }
    assert found - CONSTANTS - set(re.findall(r"`([a-z_0-9.]+:\w+)`", SECTION)) == set()


# Each fill gives how much was left of far too much.


def whom(number: int) -> Whom:
    return Whom(f"AKIA{number}", "s3", "us-east-1", "https://s3.amazonaws.com")


class SlowDown:
    status, content = 503, b"<Error><Code>SlowDown</Code></Error>"
    headers: dict[str, str] = {}  # noqa: RUF012


def helper(client: Any, kind: str, attribute: str) -> Any:
    service = client.meta.service_model.service_id.hyphenize()
    owners = [getattr(each, "__self__", None) for each in hooks_of(client.meta.events, f"{kind}.{service}")]
    return next(getattr(each, attribute) for each in owners if hasattr(each, attribute))


def fill_dict(mapping: Any, most: int) -> int:
    assert isinstance(mapping, Bounded)
    assert mapping.most == most
    copy: Bounded[Any, Any] = Bounded(mapping.most)  # of the same kind: what is there stays as it is
    for number in range(3 * most):
        copy[number] = number
    assert list(copy) == list(range(2 * most, 3 * most))
    return len(copy)


async def fill_clock(session: Any) -> int:
    clock = Clock()
    for number in range(3000):
        clock.keep(f"h{number}", 3600.0)
    return len(clock.offsets)


async def fill_pace(session: Any) -> int:
    throttles, answer = Throttles(session.pool), SlowDown()
    for number in range(3000):
        throttles.answered(None, whom(number), "https://h/b", {}, b"", answer)  # type: ignore[arg-type]
    return len(throttles.lines)


async def fill_retries(session: Any) -> int:
    budgets = RetryBudgets(10)
    kept = [budgets.of(number) for number in range(3000)][:7]
    assert budgets.of(3) is kept[3]
    return len(budgets)


async def fill_renewals(session: Any) -> int:
    renewals = Renewals()
    for number in range(3000):
        renewals.take(f"h{number}", 0.0)
    return len(renewals.spent)


async def fill_credentials(session: Any) -> int:
    async with aiosdk.Session(region_name="us-east-1") as without:
        clients = [await without.client("sqs", f"eu-west-{number}") for number in range(5)]
    return len({client._endpoint.signing_credentials for client in clients})


async def fill_in_vain(session: Any) -> int:
    searches = 0

    async def find() -> tuple[Any, bool]:
        nonlocal searches
        searches += 1
        return None, True

    credentials = SessionCredentials(find)
    for _ in range(20):
        assert await credentials.load() is None
    return searches


async def fill_tokens(session: Any) -> int:
    chain = SimpleNamespace(load_token=lambda: DeferredRefreshableToken("sso", lambda: None))
    tokens = SessionTokens(chain, await session.ready("look at its tokens"))
    assert len({tokens.load_token() for _ in range(20)}) == 1
    return len(tokens._tokens)


async def fill_resources(session: Any) -> int:
    for _ in range(20):
        await session.resource("sqs")
    return len(session._resources._made)


async def fill_connections(session: Any) -> int:
    s3 = await session.client("s3")
    await asyncio.gather(*(s3.head_bucket(Bucket="b") for _ in range(50)))
    return len(session.pool._current.slots._routes)


async def fill_clients(session: Any) -> int:
    for number in range(40):
        keys = {"aws_access_key_id": f"AKIA{number}", "aws_secret_access_key": "s"}
        async with session.client("sqs", **keys):
            pass
    for _ in range(20):
        await session.client("sqs")
    return len(session._clients)


async def fill_routes(session: Any) -> int:
    port = session._settings.endpoint_url.rpartition(":")[2]
    for number in range(8):
        s3 = await session.client("s3", endpoint_url=f"http://127.0.0.{number + 1}:{port}")
        await s3.head_bucket(Bucket="b")
    (client,) = session.pool._current.https.values()
    return len(client.connector._routes)


async def fill_addresses(session: Any) -> int:
    class Resolver:
        async def resolve(self, *_: Any) -> list[Any]:
            return [{"host": "127.0.0.1"}]

    found = names.Names(Resolver(), 10.0)  # type: ignore[arg-type]
    for number in range(1100):
        await found.resolve(f"h{number}", 443)
    return len(found._known)


async def fill_http_sessions(session: Any) -> int:
    for number in range(5):
        keys = {"aws_access_key_id": f"AKIA{number}", "aws_secret_access_key": "s"}
        await (await session.client("s3", **keys)).head_bucket(Bucket="b")
    return len(session.pool._current.https)


async def fill_plans(session: Any) -> int:
    s3 = await session.client("s3")
    for number in range(20):
        await s3.head_bucket(Bucket=f"bucket-{number}")
    return len(s3._lanes._plans)


async def fill_endpoints(session: Any) -> int:
    s3 = await session.client("s3")
    for number in range(8):
        await s3.head_bucket(Bucket=f"bucket-{number}")
    return len(s3._lanes._plans["HeadBucket"].targets._known)


async def fill_redirects(session: Any) -> int:
    s3 = await session.client("s3")
    return fill_dict(helper(s3, "before-endpoint-resolution", "_cache"), helper_state.MOST_BUCKETS)


async def fill_identities(session: Any) -> int:
    cache = helper(await session.client("s3"), "before-sign", "_cache")
    assert isinstance(cache, AioS3ExpressIdentityCache)

    class Directory:
        async def create_session(self, Bucket: str) -> Any:  # noqa: N803
            if Bucket.startswith("closed"):
                raise PermissionError
            expiry = "2099-01-01T00:00:00Z"
            keys = {"AccessKeyId": Bucket, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expiry}
            return {"Credentials": keys}

    cache._client = Directory()
    for number in range(300):
        with pytest.raises(PermissionError):
            await cache.get_credentials(f"closed-{number}")
        await cache.get_credentials(f"open-{number}")
    assert len(cache._refresh_locks) <= 1
    return len(cache._credentials)


async def fill_discovered(session: Any) -> int:
    async with aiosdk.Session("AKIA", "s", region_name="us-east-1") as at_aws:  # where endpoints are discovered
        client = await at_aws.client("timestream-write")
        manager = helper(client, "needs-retry", "_manager")
        assert fill_dict(manager._failed_attempts, helper_state.MOST_ENDPOINTS)
        return fill_dict(manager._cache, helper_state.MOST_ENDPOINTS)


async def fill_user_agents(session: Any) -> int:
    to_string = (await session.client("s3"))._user_agent_creator.to_string
    for number in range(350):
        with start_as_current_context(ClientContext(features={str(number)})):
            to_string()
    (known,) = (cell.cell_contents for cell in to_string.__closure__ if isinstance(cell.cell_contents, dict))
    return len(known)


async def fill_signing_keys(session: Any) -> int:
    for number in range(400):
        sign._signing_key(f"secret {number}", "20260101", "us-east-1", "s3")
    return sign._signing_key.cache_info().currsize


async def fill_layouts(session: Any) -> int:
    for number in range(1200):
        sign._layout((f"x-amz-meta-{number}",), ())
    return sign._layout.cache_info().currsize


async def fill_stamps(session: Any) -> int:
    for number in range(20):
        sign._stamp(number)
    return sign._stamp.cache_info().currsize


async def fill_good_names(session: Any) -> int:
    before = set(header_check.good_names)
    assert all(header_check.is_good_name(f"x-{number}") for number in range(3000))
    size = len(header_check.good_names)
    header_check.good_names.intersection_update(before)
    return size


async def fill_answered_names(session: Any) -> int:
    before = dict(headers._names)
    assert [headers._name(b"X-%d" % number) for number in range(3000)] == [f"x-{number}" for number in range(3000)]
    size = len(headers._names)
    headers._names.clear()
    headers._names.update(before)
    return size


async def fill_retry_configurations(session: Any) -> int:
    configs = client_creator._RetryConfigs()
    for number in range(350):
        configs.build_retry_config("s3", {}, {}, {"max_attempts": number})
    return len(configs._known)


async def fill_rules(session: Any) -> int:
    s3 = await session.client("s3")
    provider: Any = s3._ruleset_resolver._provider
    assert type(provider) is EndpointProvider
    for number in range(250):
        provider.resolve_endpoint(Region="us-east-1", Bucket=f"bucket-{number}")
    return EndpointProvider._resolve_endpoint.cache_info().currsize


async def of_dict(mapping: Any, most: int) -> int:
    return fill_dict(mapping, most)


Fill = Callable[[Any], Awaitable[int]]
# With the most that may be left; it stands in the table where it is a matter of a limit.
FILLS: dict[str, tuple[Fill, int]] = {
    "clock": (fill_clock, 1000),
    "pace": (fill_pace, throttling.MOST_LINES),
    "retries": (fill_retries, 7),
    "credentials": (fill_credentials, 1),
    "renewals": (fill_renewals, 100 + 1),
    "a search for credentials in vain": (fill_in_vain, 1),
    "bearer tokens": (fill_tokens, 1),
    "clients": (fill_clients, MOST_IDLE + 1),
    "resources": (fill_resources, 1),
    "connections": (fill_connections, 3),
    "routes": (fill_routes, 5),
    "addresses": (fill_addresses, names.MOST_REMEMBERED),
    "HTTP sessions": (fill_http_sessions, 1),
    "plans": (fill_plans, 1),
    "endpoints": (fill_endpoints, 5),
    "regions of redirected buckets": (fill_redirects, 1000),
    "identities of directory buckets": (fill_identities, 100),
    "discovered endpoints": (fill_discovered, 1000),
    "User-Agents": (fill_user_agents, 100),
    "signing keys": (fill_signing_keys, 128),
    "header names in order": (fill_layouts, 512),
    "time stamps": (fill_stamps, 4),
    "good names of headers": (fill_good_names, 1000),
    "names of headers in answers": (fill_answered_names, 1000),
    "TLS contexts": (lambda _: of_dict(tls._contexts, 100), 100),
    "evaluated endpoint rules": (fill_rules, 100),
    "retry configurations": (fill_retry_configurations, 100),
    "aliases of events": (lambda _: of_dict(events._aliased, 10_000), 10_000),
    "classes of resources, by loader": (lambda _: of_dict(families._of_loader, 200), 200),
}
LOWERED = {"routes": (connector, "MAX_ROUTES", 10_000), "endpoints": (targets, "MOST", 1000)}


def test_every_row_is_filled() -> None:
    assert set(FILLS) == set(ROWS)


@by_row
async def test_each_bound_holds_when_it_is_filled(what: str, make_session: Make, monkeypatch: Any) -> None:
    fill, most = FILLS[what]
    said = most
    if what in LOWERED:  # each entry takes a request
        module, name, said = LOWERED[what]
        assert getattr(module, name) == said
        monkeypatch.setattr(module, name, most)
    if most > 7 and what not in ("renewals", "clients"):
        assert f"{said:,}" in ROWS[what].bound, "the table says otherwise"
    with_others: dict[str, Any] = {"max_connections": 3} if what == "connections" else {}
    if what == "routes":
        running = CountingServer(host="0.0.0.0")
        await asyncio.to_thread(running.__enter__)
        with_others = {"endpoint_url": f"http://127.0.0.1:{running.url.rpartition(':')[2]}"}
    async with make_session(**with_others) as session:
        assert 0 < await fill(session) <= most
    if what == "routes":
        await asyncio.to_thread(running.__exit__, None, None, None)


# What befalls one key leaves the others as they were.


async def test_a_bucket_that_one_client_is_redirected_for_is_where_it_was_for_another(
    server: CountingServer, make_session: Make
) -> None:
    async def answer(request: Request) -> Answer:
        if "AKIAMOVED" in request.headers["authorization"] and "us-east-1" in request.headers["authorization"]:
            body = b"<Error><Code>PermanentRedirect</Code></Error>"
            return Answer(301, body, {"x-amz-bucket-region": "eu-west-1"})
        return Answer()

    server.answer = answer
    keys = {"aws_access_key_id": "AKIAMOVED", "aws_secret_access_key": "s"}
    async with make_session() as session:
        moved, other = await session.client("s3", **keys), await session.client("s3")
        for _ in range(2):
            for client in (moved, other):
                await client.head_object(Bucket="b", Key="k")
        signed = [re.findall(r"/([a-z]+-[a-z]+-\d)/", each.headers["authorization"])[0] for each in server.requests]
    assert signed == ["us-east-1", "eu-west-1", "us-east-1", "eu-west-1", "us-east-1"]


async def test_who_is_told_apart_by_keys_accounts_and_endpoints_shares_nothing(make_session: Make) -> None:
    clock, renewals, budgets = Clock(), Renewals(), RetryBudgets(2)
    clock.keep("wrong", 1e6)
    assert abs(clock.now("right") - Clock().now("right")) < 60
    while renewals.take("liar", 0.0):
        pass
    assert renewals.take("honest", 0.0)
    failing, healthy = budgets.of(("a", "endpoint")), budgets.of(("b", "endpoint"))
    while failing.take():
        pass
    assert healthy.left == 2
    digests = {sign._signing_key(secret, "20260101", "us-east-1", "s3").hexdigest() for secret in ("one", "two")}
    assert len(digests) == 2
    async with make_session() as session:
        throttles = Throttles(session.pool)
        throttles.answered(None, whom(1), "https://h/b", {}, b"", SlowDown())  # type: ignore[arg-type]
        assert await throttles.turn(whom(2), "https://h/b", {}, b"") is None
        assert await throttles.turn(whom(1), "https://h/b", {}, b"") is not None
