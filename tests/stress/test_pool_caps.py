"""The caps of the pool, seen from the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiosdk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import CountingServer

CALLS = {
    "s3": lambda c: c.list_buckets(),
    "dynamodb": lambda c: c.list_tables(),
    "sqs": lambda c: c.list_queues(),
    "sns": lambda c: c.list_topics(),
    "iam": lambda c: c.list_users(),
    "sts": lambda c: c.get_caller_identity(),
    "kms": lambda c: c.list_keys(),
    "logs": lambda c: c.describe_log_groups(),
    "events": lambda c: c.list_rules(),
    "ssm": lambda c: c.describe_parameters(),
    "secretsmanager": lambda c: c.list_secrets(),
    "ecs": lambda c: c.list_clusters(),
    "kinesis": lambda c: c.list_streams(),
    "cloudformation": lambda c: c.describe_stacks(),
    "autoscaling": lambda c: c.describe_auto_scaling_groups(),
    "rds": lambda c: c.describe_db_instances(),
    "redshift": lambda c: c.describe_clusters(),
    "elasticache": lambda c: c.describe_cache_clusters(),
    "glue": lambda c: c.get_databases(),
    "athena": lambda c: c.list_work_groups(),
}


async def _load(session: aiosdk.Session, requests: int, at_once: int) -> None:
    clients = [(await session.client(name), call) for name, call in CALLS.items()]
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        client, call = clients[number % len(clients)]
        async with gate:
            await call(client)

    await asyncio.gather(*(one(number) for number in range(requests)))


async def test_twenty_services_and_400_requests_at_once_never_open_more_than_16_sockets(
    server: CountingServer, make_session: Callable[..., aiosdk.Session]
) -> None:
    async with make_session(max_connections=16) as session:
        await _load(session, 4000, 400)
        stats = session.pool.stats()
    assert len(server.requests) == 4000
    assert server.peak == 16
    assert server.accepted == 16
    assert stats.connections_opened == 16
    assert stats.requests_sent == 4000


async def test_the_same_over_tls_is_16_handshakes(
    tls_server: CountingServer, ca_bundle: str, make_session: Callable[..., aiosdk.Session], monkeypatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", ca_bundle)
    async with make_session(max_connections=16, endpoint_url=tls_server.url) as session:
        await _load(session, 4000, 400)
    assert tls_server.peak == 16
    assert tls_server.accepted == 16
