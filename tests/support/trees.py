"""Directories and a bucket for tests of trees; files are made and read off the event loop."""

from __future__ import annotations

import asyncio
import datetime
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    import aiosdk
    from aiosdk.s3 import TreeEntry


@pytest.fixture
def s3_server() -> Iterator[S3Server]:
    with S3Server("bucket") as running:
        yield running


@pytest.fixture
async def bucket(s3_server: S3Server, make_session: Callable[..., aiosdk.Session]) -> AsyncIterator[Any]:
    async with make_session(endpoint_url=s3_server.url) as session:
        made = (await session.resource("s3")).Bucket("bucket")
        yield made


def stored(server: S3Server) -> dict[str, bytes]:
    bucket = server.store.find("bucket")
    return {each.key: each.body for each in map(bucket.find, bucket.keys())}


def changed(server: S3Server, key: str, body: bytes, when: float) -> None:
    """Put an object as if at some time."""
    server.put(key, body).modified = datetime.datetime.fromtimestamp(when, datetime.UTC)


async def make_tree(root: Path, files: Mapping[str, bytes], *, time: float | None = None) -> None:
    """Write files, with the directories that they need."""

    def make() -> None:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if time is not None:
                os.utime(path, (time, time))

    await asyncio.to_thread(make)


async def read_tree(root: Path) -> dict[str, bytes]:
    """Every file below a directory, whatever it is called."""

    def read() -> dict[str, bytes]:
        return {
            os.path.relpath(os.path.join(folder, name), root): (root / folder / name).read_bytes()
            for folder, _, names in os.walk(root)
            for name in names
        }

    return await asyncio.to_thread(read)


async def off_loop(func: Any, *args: Any, **kwargs: Any) -> Any:
    return await asyncio.to_thread(func, *args, **kwargs)


def keys(entries: tuple[TreeEntry, ...]) -> list[str | None]:
    return [each.key for each in entries]
