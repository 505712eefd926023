"""A client, an S3 server that misbehaves and a folder: transfers between them, whose progress is counted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiosdk.s3 import TransferConfig
from tests.support import transfers
from tests.support.s3_checksums import checksum
from tests.support.s3_faults import Action
from tests.support.s3_server import S3Server
from tests.support.transfers import SINKS, SOURCES, Sink

PART = 20_000
DATA = random.Random(7).randbytes(3 * PART + 123)
"""Four parts, the last of them short."""
BEFORE = b"what was there before"
ALWAYS = None
WRONG_CRC32 = "AAAAAA=="


def name_of(value: Any) -> str | None:
    """What pytest calls a test with this parameter."""
    return value.name if isinstance(value, Action) else None


class Rig:
    """A client, a server and a folder; transfers whose progress is counted."""

    def __init__(
        self,
        s3: Any,
        server: S3Server,
        folder: Path,
        config: TransferConfig,
        nothing_left: Callable[[], Awaitable[None]],
    ) -> None:
        self.s3, self.server, self.folder, self.config = s3, server, folder, config
        self.nothing_left = nothing_left
        self.told: list[int] = []
        self.got = b""

    def options(self) -> dict[str, Any]:
        return {"Config": self.config, "Callback": self.told.append}

    async def upload(self, kind: str = "bytes", data: bytes = DATA, key: str = "key") -> None:
        source = await asyncio.to_thread(SOURCES[kind], data, self.folder)
        try:
            await transfers.upload(self.s3, source, "bucket", key, **self.options())
        finally:
            await asyncio.to_thread(transfers.close, source)

    async def sink(self, kind: str = "path") -> Sink:
        return await asyncio.to_thread(SINKS[kind], self.folder)

    async def put(self, data: bytes = DATA, *, with_checksum: bool = True) -> None:
        """Have an object on the server, and a file where it is to be downloaded to."""
        version = self.server.put("key", data)
        if with_checksum:
            version.checksums = {"crc32": checksum("crc32", data)}
        await asyncio.to_thread((self.folder / "target").write_bytes, BEFORE)

    async def download(self, sink: Sink, key: str = "key", **arguments: Any) -> None:
        try:
            await transfers.download(self.s3, "bucket", key, sink, **self.options(), **arguments)
        finally:
            self.got = await asyncio.to_thread(sink.read)
            await asyncio.to_thread(transfers.close, sink.target)
