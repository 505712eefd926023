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


@pytest.mark.parametrize("apart_by", ["endpoint", "account"])
async def test_what_fails_for_one_takes_no_retries_from_another(
    server: CountingServer,
    make_session: Callable[..., aiosdk.Session],
    monkeypatch: pytest.MonkeyPatch,
    apart_by: str,
) -> None:
    async def no_sleep(_: float) -> None:
        await asyncio.sleep(0)

    answered = 0

    async def answer(request: Request) -> Answer:
        nonlocal answered
        down = Answer(503, b"<Error><Code>ServiceUnavailable</Code></Error>")
        if "AKIADOWN" in request.headers["authorization"]:
            return down
        answered += 1
        return down if answered % 3 == 1 else await answer_anything(request)

    monkeypatch.setattr(_off_loop, "sleep", no_sleep)
    server.answer = answer
    keys = {"aws_access_key_id": "AKIADOWN", "aws_secret_access_key": "s"}
    async with make_session(retry_budget=20) as session:
        url = server.url.replace("127.0.0.1", "localhost") if apart_by == "endpoint" else None
        failing = await session.client("s3", endpoint_url=url, **keys)
        healthy = await session.client("s3")
        for _ in range(20):
            with pytest.raises(aiosdk.ServerError):
                await failing.list_buckets()
            await healthy.list_buckets()
        assert session.pool.budget.left == 0
        assert failing._endpoint.budget.left == 0
        assert healthy._endpoint.budget.left >= 19
        assert len(session.pool.budget) <= 3
