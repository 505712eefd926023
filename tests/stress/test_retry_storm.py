"""Many clients of a session do not storm a service that is down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from aiosdk import _off_loop
from tests.support.server import Answer, CountingServer, Request, answer_anything
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS, CALLS, BUDGET = 10, 30, 200


@pytest.mark.timeout(120)
async def test_ten_clients_send_the_calls_and_the_budget_and_no_more(
    server: CountingServer, make_session: Callable[..., aiosdk.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_sleep(_: float) -> None:
        await asyncio.sleep(0)

    async def down(_: Request) -> Answer:
        return Answer(503, b"<Error><Code>ServiceUnavailable</Code></Error>")

    monkeypatch.setattr(_off_loop, "sleep", no_sleep)
    server.answer = down
    async with make_session(max_connections=32, retry_budget=BUDGET) as session:
        clients: list[Any] = [await session.client("s3", f"eu-west-{number}") for number in range(CLIENTS)]
        calls = [client.list_buckets() for _ in range(CALLS) for client in clients]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(error, aiosdk.ServerError) for error in errors)
        assert len(server.requests) == CLIENTS * CALLS + BUDGET
        server.answer = answer_anything
        await asyncio.gather(*(client.list_buckets() for client in clients))
        assert session.pool.budget.left == CLIENTS
