"""A service that throttles is crawled to the end, nothing is lost, and few requests are sent in vain once settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from aiosdk._aws.throttling import MOST_KINDS, MOST_LINES, Throttles, is_throttled, kind_of
from aiosdk._aws.whom import Whom
from aiosdk.exceptions import DeadlineExceededError, SessionClosedError
from tests.stress.throttling import crawl
from tests.support.server import Answer, CountingServer, Request
from tests.support.throttled import SLOW_DOWN, THROTTLING, THROUGHPUT, Throttled, wasted
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

Make = Callable[..., aiosdk.Session]


def throttles(client: Any) -> Throttles:
    return client._endpoint.http_session.throttles


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait for a twentieth of what they usually do."""
    monkeypatch.setattr("botocore.retryhandler.random.random", lambda: 0.05)


@pytest.mark.parametrize(("service", "prefixes"), [("s3", 1), ("s3", 4), ("iam", 1)])
async def test_a_crawl_at_a_concurrency_of_256_ends_and_loses_nothing(
    server: CountingServer, make_session: Make, service: str, prefixes: int
) -> None:
    answer = server.answer = Throttled(rate=400 / prefixes, burst=50 / prefixes)
    async with make_session(max_connections=256) as session:
        client = await session.client(service)
        outcomes = await crawl(client, service, 1500, 256, prefixes)
        assert outcomes == {"ok": 1500}
        assert session.pool.stats().in_use == session.pool.stats().waiting == 0
    if service == "s3":
        assert len(answer.taken) == 1500
    refused, sent = wasted(answer.log, 2)
    assert refused / sent < 0.08, (refused, sent)


async def test_nothing_is_counted_while_nobody_throttles(server: CountingServer, make_session: Make) -> None:
    async with make_session() as session:
        s3 = await session.client("s3")
        await asyncio.gather(*(s3.list_buckets() for _ in range(20)))
        assert throttles(s3).lines == {}


async def test_one_refusal_makes_nothing_slower(server: CountingServer, make_session: Make) -> None:
    answers = iter([Answer(503, SLOW_DOWN)])

    async def once(request: Request) -> Answer:
        return next(answers, Answer(body=b"<ListAllMyBucketsResult/>"))

    server.answer = once
    async with make_session() as session:
        s3 = await session.client("s3")
        await asyncio.gather(*(s3.list_buckets() for _ in range(20)))
        assert [line.pace.rate for line in throttles(s3).lines.values()] == [None]


async def test_who_waits_for_a_turn_can_be_cancelled_and_is_told_of_the_end_of_the_session(
    server: CountingServer, make_session: Make
) -> None:
    session = make_session(config=AioConfig(retries={"total_max_attempts": 1}))
    s3 = await session.client("s3")
    server.answer = Throttled(rate=0.01, burst=0)
    await asyncio.gather(*(s3.list_buckets() for _ in range(200)), return_exceptions=True)
    (line,) = throttles(s3).lines.values()
    assert line.pace.rate is not None
    line.pace.rate = 0.01
    before = len(server.requests)
    waiting = [asyncio.create_task(s3.list_buckets()) for _ in range(50)]
    await asyncio.sleep(0.01)
    for task in waiting[:25]:
        task.cancel()
    await session.close()
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert [type(each) for each in outcomes[:25]] == [asyncio.CancelledError] * 25
    ended = [each for each in outcomes[25:] if isinstance(each, SessionClosedError)]
    assert len(ended) >= 20
    assert len(server.requests) - before <= 5
    await eventually(lambda: server.open == 0)


async def slow_line(server: CountingServer, s3: Any, rate: float) -> None:
    """Have the client take turns at a rate, with nothing more to refuse."""
    server.answer = Throttled(rate=0.01, burst=0)
    await asyncio.gather(*(s3.list_buckets() for _ in range(200)), return_exceptions=True)
    (line,) = throttles(s3).lines.values()
    line.pace.rate = line.pace.ceiling = rate
    server.answer = Throttled(rate=1000, burst=1000)
    server.requests.clear()


@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_what_waited_long_for_its_turn_is_signed_when_it_goes(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    monkeypatch.setattr("aiosdk._aws.express.GOOD_FOR", 0.5)
    session = make_session(config=AioConfig(retries={"total_max_attempts": 1}))
    s3 = await session.client("s3")
    if lane == "reference":
        s3.meta.events.register("before-call.s3", lambda **_: None)
    await slow_line(server, s3, rate=1.0)
    late: list[float] = []
    answer = server.answer

    async def note(request: Request) -> Answer:
        signed = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        late.append((datetime.now(UTC) - signed).total_seconds())
        return await answer(request)

    server.answer = note
    begun = time.monotonic()
    await asyncio.gather(*(s3.list_buckets() for _ in range(6)))
    assert len(late) == 6
    assert max(late) < 2.5 < time.monotonic() - begun
    await session.close()


async def test_a_deadline_says_that_it_was_the_turn_that_did_not_come(
    server: CountingServer, make_session: Make
) -> None:
    session = make_session(config=AioConfig(retries={"total_max_attempts": 1}))
    s3 = await session.client("s3")
    await slow_line(server, s3, rate=0.01)
    hasty = s3.with_options(timeout=0.2)
    outcomes = await asyncio.gather(*(hasty.list_buckets() for _ in range(5)), return_exceptions=True)
    late = [each for each in outcomes if isinstance(each, DeadlineExceededError)]
    assert len(late) >= 4
    assert {each.phase for each in late} == {"turn"}
    assert "waiting for its turn" in str(late[0])
    await session.close()


def test_a_session_on_another_loop_begins_anew(server: CountingServer, make_session: Make) -> None:
    session = make_session(config=AioConfig(retries={"total_max_attempts": 1}))
    server.answer = Throttled(rate=0.01, burst=0)

    async def throttled() -> None:
        s3 = await session.client("s3")
        while not any(line.pace.rate for line in throttles(s3).lines.values()):
            await asyncio.gather(*(s3.list_buckets() for _ in range(200)), return_exceptions=True)

    async def well() -> None:
        server.answer = Throttled(rate=1000, burst=1000)
        s3 = await session.client("s3")
        begun = time.monotonic()
        await asyncio.gather(*(s3.list_buckets() for _ in range(20)))
        assert throttles(s3).lines == {}
        assert time.monotonic() - begun < 10
        await session.close()

    asyncio.run(throttled())
    asyncio.run(well())


class Answered:
    """What `is_throttled` looks at."""

    def __init__(self, status: int, content: bytes | None, **headers: str) -> None:
        self.status, self.content = status, content
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("answer", "throttled"),
    [
        (Answered(503, SLOW_DOWN), True),
        (Answered(400, THROTTLING), True),
        (Answered(400, THROUGHPUT), True),
        (
            Answered(503, b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"),
            True,
        ),
        (Answered(429, b""), True),
        (Answered(509, b""), True),
        (Answered(503, None), True),
        (Answered(503, b""), True),
        (Answered(400, b"{}", x_amzn_errortype="ThrottlingException:http://internal.amazon.com/"), True),
        (Answered(400, b'{"code":"TooManyRequestsException"}'), True),
        (Answered(503, b"<Error><Code>ServiceUnavailable</Code></Error>"), False),
        (Answered(500, b"<Error><Code>InternalError</Code></Error>"), False),
        (Answered(404, b""), False),
        (Answered(400, b'{"__type":"ValidationException","message":"Throttling"}'), False),
        (Answered(400, b"", x_amzn_errortype="ValidationException"), False),
        (Answered(200, SLOW_DOWN), False),
    ],
    ids=lambda value: f"{value.status} {(value.content or b'')[:30]}" if isinstance(value, Answered) else None,
)
def test_what_counts_as_throttling(answer: Any, throttled: bool) -> None:
    assert is_throttled(answer) is throttled


@pytest.mark.parametrize(
    ("url", "headers", "body", "kind"),
    [
        ("http://h:1/bucket/key?x=/y", {}, None, ("h:1", "bucket", "")),
        ("https://b.s3.eu-west-1.amazonaws.com/key/x", {}, b"", ("b.s3.eu-west-1.amazonaws.com", "", "")),
        ("https://s3.amazonaws.com/b/k", {}, b"", ("s3.amazonaws.com", "b", "")),
        ("https://iam.amazonaws.com/", {}, b"Action=GetUser&UserName=u", ("iam.amazonaws.com", "GetUser", "")),
        ("https://iam.amazonaws.com/", {}, "Action=GetUser&UserName=\u00fc", ("iam.amazonaws.com", "GetUser", "")),
        ("https://d/", {"X-Amz-Target": "D.PutItem"}, b'{"TableName":"t"}', ("d", "D.PutItem", "t")),
        ("https://d/", {"X-Amz-Target": "D.PutItem"}, '{"TableName":"t"}', ("d", "D.PutItem", "t")),
        ("https://d/", {"X-Amz-Target": "D.ListTables"}, b"{}", ("d", "D.ListTables", "")),
        ("https://d/", {"X-Amz-Target": "D.Batch"}, b'{"RequestItems": {"t": [{}]}}', ("d", "D.Batch", "t")),
        ("https://q/", {"X-Amz-Target": "S.Send"}, b'{"QueueUrl": "u"}', ("q", "S.Send", "u")),
        ("https://h", {}, None, ("h", "", "")),
        ("https://h?x", {}, None, ("h", "", "")),
    ],
)
def test_which_requests_count_together(url: str, headers: Any, body: Any, kind: object) -> None:
    assert kind_of(url, headers, body) == kind


def keys(name: str) -> dict[str, Any]:
    return {"aws_access_key_id": f"AKIA{name}", "aws_secret_access_key": "secret"}


def refusing(name: str) -> Callable[[Request], Any]:
    """A table that refuses whatever this access key asks for, and takes all else."""

    async def answer(request: Request) -> Answer:
        if f"Credential=AKIA{name}/" in request.headers["authorization"]:
            return Answer(400, THROUGHPUT)
        return Answer(body=b"{}")

    return answer


GET: dict[str, Any] = {"TableName": "t", "Key": {"k": {"S": "k"}}}


@pytest.mark.parametrize("lane", ["express", "reference"])
async def test_nobody_is_slowed_down_for_what_another_account_was_refused(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    monkeypatch.setattr("aiosdk._aws.lanes.FORCED", lane)
    server.answer = refusing("A")
    async with make_session(config=AioConfig(retries={"total_max_attempts": 1})) as session:
        throttled = await session.client("dynamodb", **keys("A"))
        await asyncio.gather(*(throttled.get_item(**GET) for _ in range(200)), return_exceptions=True)
        (line,) = throttles(throttled).lines.values()
        line.pace.rate = 1e-9  # A's next turn comes in years
        others = [
            await session.client("dynamodb", **keys("B")),
            await session.client("dynamodb"),
            await session.client("dynamodb", "eu-west-1", **keys("A")),
            await session.client("dynamodb", endpoint_url=server.url.replace("127.0.0.1", "localhost"), **keys("C")),
        ]
        server.answer = refusing("nobody")
        await asyncio.gather(*(each.get_item(**GET) for each in others for _ in range(25)))
        await throttled.get_item(TableName="another", Key=GET["Key"])
        same = await session.client("dynamodb", config=AioConfig(connect_timeout=7), **keys("A"))
        for client in (throttled, same):  # who uses the same keys has the same limit
            with pytest.raises(DeadlineExceededError, match="waiting for its turn"):
                await client.with_options(timeout=0.05).get_item(**GET)
        assert list(throttles(throttled).lines.values()) == [line]


async def test_clients_whose_account_is_known_share_its_pace(server: CountingServer, make_session: Make) -> None:
    server.answer = refusing("A")
    async with make_session(config=AioConfig(retries={"total_max_attempts": 1})) as session:
        throttled = await session.client("dynamodb", aws_account_id="123456789012", **keys("A"))
        same = await session.client("dynamodb", aws_account_id="123456789012", **keys("B"))
        other = await session.client("dynamodb", aws_account_id="210987654321", **keys("B"))
        await asyncio.gather(*(throttled.get_item(**GET) for _ in range(200)), return_exceptions=True)
        (line,) = throttles(throttled).lines.values()
        line.pace.rate = 1e-9
        with pytest.raises(DeadlineExceededError):
            await same.with_options(timeout=0.05).get_item(**GET)
        await other.get_item(**GET)


class Refused:
    """The answer to whatever comes too fast."""

    status, content = 400, THROUGHPUT
    headers: dict[str, str] = {}  # noqa: RUF012


async def test_what_is_paced_is_bounded_however_many_tables_and_tenants_are_refused(
    server: CountingServer, make_session: Make
) -> None:
    refused: Any = Refused()
    headers = {"X-Amz-Target": "D.GetItem"}

    def whom(number: int) -> Whom:
        return Whom(f"AKIA{number}", "dynamodb", "us-east-1", "https://h")

    def body(number: int) -> bytes:
        return b'{"TableName":"t%d"}' % number

    async with make_session() as session:
        found = throttles(await session.client("dynamodb"))
        for number in range(2 * MOST_KINDS):
            found.answered(None, whom(0), "https://h/", headers, body(number), refused)
        assert len(found.lines) == MOST_KINDS + 1
        for number in range(
            MOST_KINDS + 50
        ):  # what has no line of its own is in that of the rest, of this tenant alone
            assert await found.turn(whom(0), "https://h/", headers, body(number)) is not None
            assert await found.turn(whom(1), "https://h/", headers, body(number)) is None
        for number in range(2 * MOST_LINES):
            found.answered(None, whom(number), "https://h/", headers, body(0), refused)
        assert len(found.lines) == MOST_LINES
