"""Credentials that expire while a crawl is under way: by the clock, or because the service says so earlier."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError

import aiosdk
from aiosdk._aws.renewals import EVERY, MOST, MOST_HOSTS, Renewals
from tests.support.listings import OBJECTS, Shelf, numbered
from tests.support.server import Answer, CountingServer, Request

Make = Callable[..., aiosdk.Session]
KEYS = numbered("k", 4000)


class Issuer:
    """Hands out credentials, and refuses those that are older than `lives` seconds.

    They say of themselves that they live for `says` seconds.
    """

    def __init__(self, lives: float, says: float) -> None:
        self._lives, self._says = lives, says
        self._numbers = itertools.count()
        self._born: dict[str, float] = {}
        self.refused = 0
        self.failing = False
        self.opened = asyncio.Event()
        self.opened.set()
        self.runs = 0
        self.shelf = Shelf(OBJECTS, KEYS, most=20)

    @property
    def issued(self) -> int:
        return len(self._born)

    def issue(self) -> dict[str, str]:
        name = f"AKID{next(self._numbers)}"
        self._born.setdefault(name, time.monotonic())
        expiry = datetime.now(UTC) + timedelta(seconds=self._says)
        return {"access_key": name, "secret_key": "s", "token": name, "expiry_time": expiry.isoformat()}

    async def refresh(self) -> dict[str, str]:
        self.runs += 1
        await asyncio.sleep(0.005)
        await self.opened.wait()
        if self.failing:
            raise RuntimeError("no more credentials")
        return self.issue()

    async def __call__(self, request: Request) -> Answer:
        found = re.search("Credential=([^/]*)/", request.headers["authorization"])
        assert found is not None
        assert request.headers["x-amz-security-token"] == found[1]
        if time.monotonic() - self._born[found[1]] > self._lives:
            self.refused += 1
            return Answer(400, b"<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>")
        return await self.shelf(request)

    def session(self, make_session: Make) -> aiosdk.Session:
        below = AioSession()
        below._credentials = AioRefreshableCredentials.create_from_metadata(self.issue(), self.refresh, "test")
        keys: dict[str, Any] = {"aws_access_key_id": None, "aws_secret_access_key": None}
        return make_session(**keys, botocore_session=below)


@pytest.mark.parametrize(
    ("lives", "says"), [(0.4, 0.4), (0.3, 3600), (0.3, 900)], ids=["known", "an hour too long", "minutes too long"]
)
async def test_a_crawl_outlives_its_credentials(
    server: CountingServer, make_session: Make, lives: float, says: float
) -> None:
    issuer = server.answer = Issuer(lives, says)
    async with issuer.session(make_session) as session:
        bucket = (await session.resource("s3")).Bucket("bucket")

        async def crawl() -> list[str]:
            return [item.key async for item in bucket.objects.all()]

        begun = time.monotonic()
        while time.monotonic() - begun < 1.5:
            crawled = await asyncio.gather(*(crawl() for _ in range(4)))
            assert crawled == [KEYS] * 4
    assert issuer.issued >= 3
    assert issuer.refused <= issuer.issued * 5


async def test_many_calls_that_are_refused_at_once_ask_for_new_credentials_once(
    server: CountingServer, make_session: Make
) -> None:
    issuer = server.answer = Issuer(1000, 3600)
    async with issuer.session(make_session) as session:
        s3 = await session.client("s3")
        await s3.list_objects_v2(Bucket="b")
        issuer._born["AKID0"] -= 2000
        await asyncio.gather(*(s3.list_objects_v2(Bucket="b") for _ in range(50)))
    assert issuer.issued == 2


@pytest.mark.parametrize("how", ["stubborn", "failing"])
async def test_where_there_are_no_others_the_service_s_error_is_raised(
    server: CountingServer, make_session: Make, how: str
) -> None:
    issuer = server.answer = Issuer(1000, 3600)
    async with issuer.session(make_session) as session:
        s3 = await session.client("s3")
        await s3.list_objects_v2(Bucket="b")
        if how == "stubborn":
            issuer._numbers = itertools.repeat(0)  # type: ignore[assignment]
        issuer.failing = how == "failing"
        issuer._born["AKID0"] -= 2000
        with pytest.raises(ClientError, match="ExpiredToken"):
            await s3.list_objects_v2(Bucket="b")
        assert len(server.requests) == 2
        if how == "failing":
            issuer.failing = False
            await s3.list_objects_v2(Bucket="b")


async def test_keys_that_were_given_cannot_be_renewed(server: CountingServer, make_session: Make) -> None:
    async def refuse(_: Request) -> Answer:
        return Answer(400, b"<Error><Code>ExpiredToken</Code></Error>")

    server.answer = refuse
    async with make_session(aws_session_token="t") as session:
        s3 = await session.client("s3")
        with pytest.raises(ClientError, match="ExpiredToken"):
            await s3.list_buckets()
        assert len(server.requests) == 1


EXPIRED_TOKEN = b"<Error><Code>ExpiredToken</Code></Error>"


@pytest.fixture
def liar() -> Iterator[CountingServer]:
    """An endpoint that says of all credentials that they have expired."""

    async def refuse(_: Request) -> Answer:
        return Answer(400, EXPIRED_TOKEN)

    with CountingServer(refuse) as running:
        yield running


@pytest.mark.parametrize("how", ["failing", "expired ones", "others"])
async def test_an_endpoint_that_says_of_good_credentials_that_they_have_expired_stops_nobody_else(
    server: CountingServer, liar: CountingServer, make_session: Make, how: str
) -> None:
    issuer = server.answer = Issuer(1000, 6 * 3600)
    async with issuer.session(make_session) as session:
        healthy = await session.client("s3")
        refused = await session.client("s3", endpoint_url=liar.url)
        await healthy.list_objects_v2(Bucket="b")
        issuer.opened.clear()
        issuer.failing = how == "failing"
        issuer._says = -60 if how == "expired ones" else issuer._says
        waiting = asyncio.create_task(refused.list_buckets())
        while not issuer.runs:
            await asyncio.sleep(0.001)
        # The provider has not answered yet: nobody waits for it.
        await asyncio.gather(*(healthy.list_objects_v2(Bucket="b") for _ in range(20)))
        issuer.opened.set()
        with pytest.raises(ClientError, match="ExpiredToken"):
            await waiting
        await asyncio.gather(*(healthy.list_objects_v2(Bucket="b") for _ in range(20)))
        keys = {re.search("Credential=([^/]*)/", each.headers["authorization"])[1] for each in server.requests}  # type: ignore[index]
        assert keys == ({"AKID0", "AKID1"} if how == "others" else {"AKID0"})
        assert issuer.refused == 0
        assert issuer.runs == 1
        assert len(liar.requests) == (2 if how == "others" else 1)


@pytest.mark.parametrize("how", ["failing", "stubborn", "others"])
async def test_the_provider_is_not_run_for_each_answer_that_says_expired(
    server: CountingServer, liar: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("aiosdk._aws.credentials.monotonic", lambda: now)
    issuer = server.answer = Issuer(1000, 6 * 3600)
    if how == "stubborn":
        issuer._numbers = itertools.repeat(0)  # type: ignore[assignment]
    async with issuer.session(make_session) as session:
        issuer.failing = how == "failing"
        refused = await session.client("s3", endpoint_url=liar.url)
        for _ in range(10):
            await asyncio.gather(*(refused.list_buckets() for _ in range(5)), return_exceptions=True)
        assert issuer.runs == MOST
        now += EVERY
        for _ in range(3):
            with pytest.raises(ClientError, match="ExpiredToken"):
                await refused.list_buckets()
        assert issuer.runs == MOST + 1
        # Who says so rightly is not held up by who does not.
        issuer.failing = False
        if how == "others":
            healthy = await session.client("s3")
            for key in list(issuer._born):
                issuer._born[key] -= 2000
            await healthy.list_objects_v2(Bucket="b")
            assert issuer.refused == 1


def test_renewals_that_were_right_hardly_count_and_hosts_are_bounded() -> None:
    renewals = Renewals()
    for number in range(30):
        assert renewals.take("good", 0.1 * number)
        for _ in range(5):
            renewals.was_right("good", 0.1 * number)
    taken = sum(renewals.take(f"liar-{number}", 10.0) for number in range(10 * MOST_HOSTS))
    assert len(renewals.spent) <= MOST_HOSTS + 1
    assert taken <= MOST_HOSTS + MOST
    assert renewals.take("good", 10.0)
    assert renewals.take("liar-0", 10.0 + 5 * EVERY)
    assert renewals.take("a new one", 10.0 + 5 * EVERY)
    assert len(renewals.spent) < 5
