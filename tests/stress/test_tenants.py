"""What one tenant's requests meet with changes nothing for another one: counted here, timed by `stress.tenants`."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import pytest

from tests.stress.tenants import Pair, main
from tests.support.server import CountingServer
from tests.support.tenants import BAD_KEY, TROUBLES, Tenants

CALLS = 30


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_the_calls_of_one_tenant_go_as_ever_while_another_one_is_in_trouble(
    server: CountingServer, trouble: str
) -> None:
    tenants = server.answer = Tenants(trouble)
    async with AsyncExitStack() as stack:
        pair = await Pair(trouble, server.url).open(stack)
        await pair.call(pair.good)
        before = tenants.answered["good"]
        troubled = [asyncio.create_task(pair.call(pair.bad)) for _ in range(200 if trouble == "throttled" else 5)]
        while tenants.answered["bad"] < len(troubled):
            await asyncio.sleep(0.001)
        for _ in range(CALLS):
            await pair.call(pair.good)
        # One request each, signed for its time and region, none of them paced, and no URL of another day.
        assert tenants.answered["good"] - before == CALLS
        assert tenants.answered["wrong"] == pair.outcomes["wrong URLs"] == 0
        sender = pair.good._endpoint.http_session
        assert {whom.account for whom, *_ in sender.throttles.lines} == ({BAD_KEY} if trouble == "throttled" else set())
        assert pair.good._endpoint.budget.left == 1000
        for task in troubled:
            task.cancel()
        await asyncio.gather(*troubled, return_exceptions=True)


@pytest.mark.skipif(os.environ.get("AIOSDK_DEEP") != "1", reason="takes six minutes")
@pytest.mark.timeout(900)
def test_its_rate_beside_one_in_trouble_for_a_minute_is_its_rate_alone() -> None:
    assert main(["--seconds", "60"])
