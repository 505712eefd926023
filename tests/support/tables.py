"""Fixtures for tests of tables against `tests.support.dynamodb.Table`: a session, the table `orders`, no long waits.

A test module defines `server` itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.config import AioConfig

import aiosdk
from aiosdk.services.dynamodb import retrying
from tests.support.dynamodb import Table

__all__ = ["KEYS", "ONCE", "session", "soon", "table"]

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
ONCE = AioConfig(retries={"mode": "standard", "total_max_attempts": 1})


@pytest.fixture
async def session(server: Table) -> AsyncIterator[aiosdk.Session]:
    async with aiosdk.Session(**KEYS, endpoint_url=server.url, config=ONCE) as session:
        yield session
        assert len(asyncio.all_tasks()) == 1, "a task was left"
        assert session.pool.stats().in_use == 0


@pytest.fixture
async def table(session: aiosdk.Session) -> Any:
    return (await session.resource("dynamodb")).Table("orders")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for little between attempts."""
    monkeypatch.setattr(retrying, "BASE_DELAY", 0.001)
    monkeypatch.setattr(retrying, "MAX_DELAY", 0.01)
