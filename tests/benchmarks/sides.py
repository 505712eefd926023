"""Us and our peers: which Python each runs in, how its clients are made, and how a module measures one of them.

Peers that are no dependency of ours live in `.venv-peers`, which is made when they are first asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

Figures = dict[str, float]

PEERS = os.path.join(os.path.dirname(__file__), "..", "..", ".venv-peers")
INSTALLED_THERE = {"aioboto3", "aiodynamo", "obstore"}
ARGUMENTS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
AT_ONCE = 64
TINY = bool(os.environ.get("AIOSDK_BENCHMARKS_TINY"))
"""Whether to run as little as possible, to see that it runs at all."""


@functools.cache
def interpreter(side: str) -> str | None:
    """The Python that a side runs in; None where it cannot be had."""
    if side not in INSTALLED_THERE:
        return sys.executable
    python = os.path.join(PEERS, "bin", "python")
    try:
        if not os.path.exists(python):
            subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        if subprocess.run([python, "-c", f"import {side}"], capture_output=True).returncode != 0:
            print(f"installing {side} in .venv-peers", file=sys.stderr)
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", side]
            subprocess.run([*install, "aiohttp"], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{side} could not be installed in .venv-peers and is left out: {error}")
        return None
    return python


@contextlib.asynccontextmanager
async def open_clients(side: str, url: str | None = None) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
    """A function that makes the clients of a new session, by service, with connections for all that go on at once."""
    async with contextlib.AsyncExitStack() as stack:
        if side == "aiosdk":
            import aiosdk

            session = aiosdk.Session(**ARGUMENTS, endpoint_url=url, max_connections=AT_ONCE)
            yield (await stack.enter_async_context(session)).client
            return
        create = _create_client(side)

        async def make(service: str) -> Any:
            client = create(service, endpoint_url=url)
            return client if side == "boto3" else await stack.enter_async_context(client)

        yield make


def _create_client(side: str) -> Callable[..., Any]:
    if side == "boto3":
        import boto3
        from botocore.config import Config

        return functools.partial(boto3.Session(**ARGUMENTS).client, config=Config(max_pool_connections=AT_ONCE))
    from aiobotocore.config import AioConfig

    config = AioConfig(max_pool_connections=AT_ONCE)
    if side == "aioboto3":
        import aioboto3

        return functools.partial(aioboto3.Session(**ARGUMENTS).client, config=config)
    from aiobotocore.session import AioSession

    return functools.partial(AioSession().create_client, config=config, **ARGUMENTS)


@contextlib.asynccontextmanager
async def open_raw() -> AsyncIterator[Callable[..., Awaitable[bytes]]]:
    """A function that sends with aiohttp alone, headers of the size that AWS wants, and reads the answer."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def send(method: str, url: str, body: bytes | None = None, **headers: str) -> bytes:
            async with session.request(method, url, data=body, headers={**HEADERS, **headers}) as response:
                return await response.read()

        yield send


def open_obstore(url: str) -> Any:
    """obstore's store of the server's bucket."""
    from obstore.store import S3Store

    return S3Store(
        "bucket",
        endpoint=url,
        access_key_id=ARGUMENTS["aws_access_key_id"],
        secret_access_key=ARGUMENTS["aws_secret_access_key"],
        region=ARGUMENTS["region_name"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "pool_max_idle_per_host": str(AT_ONCE)},
    )


@contextlib.asynccontextmanager
async def open_aiodynamo(url: str) -> AsyncIterator[Any]:
    import aiohttp
    import yarl
    from aiodynamo.client import Client
    from aiodynamo.credentials import Key, StaticCredentials
    from aiodynamo.http.aiohttp import AIOHTTP

    credentials = StaticCredentials(Key(ARGUMENTS["aws_access_key_id"], ARGUMENTS["aws_secret_access_key"]))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        yield Client(AIOHTTP(session), credentials, ARGUMENTS["region_name"], endpoint=yarl.URL(url))


HEADERS = {
    "User-Agent": "aiosdk/0.1.0 md/Botocore#1.43.117 ua/2.1 os/linux#6.18.44 md/arch#x86_64 lang/python#3.11.7 "
    "md/pyimpl#CPython m/e,N,Z,b,D cfg/retry-mode#legacy aiobotocore/3.10.0 botocore/1.43.117",
    "X-Amz-Date": "20260102T030405Z",
    "X-Amz-Content-SHA256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request, SignedHeaders=host;"
    "x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature="
    "87cbd530779585ea38a9a0b7a79796dd8f16beb6cfb1bf68bc8c6016bf01a928",
    "amz-sdk-invocation-id": "932cf8ce-51a0-411f-9568-fdc6f95a5fd7",
    "amz-sdk-request": "attempt=1",
    "Accept-Encoding": "identity",
}


def measure_side(measures: Mapping[str, Callable[[], Figures | Awaitable[Figures]]]) -> None:
    """Print the figures of the side that the command line names, as JSON: what each module does when it is run."""
    figures = measures[sys.argv[1]]()
    print(json.dumps(figures if isinstance(figures, dict) else asyncio.run(_awaited(figures))))


async def _awaited(figures: Awaitable[Figures]) -> Figures:
    return await figures
