"""s3fs over aiosdk: asynchronous over a session, and from threads over one of `aiosdk.compat`."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import s3fs

from aiosdk import compat
from tests.integration.conftest import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiosdk

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def no_file_system_is_used_again() -> Iterator[None]:
    yield
    s3fs.S3FileSystem.clear_instance_cache()


async def test_s3fs_takes_a_session_and_sends_over_its_pool(ours: aiosdk.Session) -> None:
    fs = s3fs.S3FileSystem(asynchronous=True, session=ours)
    client = await fs.set_session()
    assert await fs.set_session() is client, "it sees that the client is open"
    await fs._mkdir("logs")
    await fs._pipe_file("logs/2026/a", CONTENT)
    assert await fs._ls("logs/2026", detail=False) == ["logs/2026/a"]
    assert await fs._cat_file("logs/2026/a", start=256, end=300) == CONTENT[256:300]
    assert await fs._exists("logs/2026/b") is False
    with pytest.raises(FileNotFoundError):
        await fs._info("logs/2026/b")
    await fs._rm("logs/2026", recursive=True)
    assert ours.pool.stats().requests_sent >= 6
    await client.close()
    assert await fs.set_session() is not client, "it sees that the client is closed"
    assert await fs._ls("logs", detail=False) == []


async def test_s3fs_reads_and_writes_files_from_threads(aws: str) -> None:
    def use() -> bytes:
        session = compat.get_session()
        session.set_credentials(KEYS["aws_access_key_id"], KEYS["aws_secret_access_key"])
        fs = s3fs.S3FileSystem(
            session=session, client_kwargs={"endpoint_url": aws, "region_name": "eu-west-1"}, skip_instance_cache=True
        )
        fs.mkdir("logs")
        with fs.open("logs/a", "wb") as file:
            file.write(CONTENT)
        with fs.open("logs/a", "rb") as file:
            file.seek(1000)
            return file.read(1000)

    assert await asyncio.to_thread(use) == CONTENT[1000:2000]


ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, ".venv-s3fs", "bin", "python")


@pytest.mark.skipif(not os.path.exists(PEERS), reason="`make s3fs` installs pandas and pyarrow, which are large")
def test_pandas_reads_parquet_over_s3fs() -> None:
    command = [PEERS, "-m", "tests.peers.parquet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "10,000 rows, as written" in done.stdout
