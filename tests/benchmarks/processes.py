"""Fresh processes, in milliseconds: an import alone, and a whole program that gets one object.

Prints one side as JSON. The program is measured with the start of Python in it, the import without.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.goals import Goal
from tests.benchmarks.server import serving
from tests.benchmarks.sides import TINY, Figures, measure_side

SIDES = ("aiosdk", "aiohttp", "obstore", "aiobotocore", "aioboto3", "boto3")
IMPORT, IMPORT_WALL = "import, CPU ms", "import, wall ms"
PROGRAM, PROGRAM_WALL = "import, client, one GET: CPU ms", "import, client, one GET: wall ms"
GOALS = {
    IMPORT: (Goal("", 60),),
    IMPORT_WALL: (),
    PROGRAM: (Goal("aiobotocore", 0.5),),
    PROGRAM_WALL: (Goal("aiobotocore", 0.5),),
}
TIMES = 1 if TINY else 4

_AROUND = """
import asyncio, sys, {imported}
GIVEN = dict(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
async def main(url):
{body}
asyncio.run(main(sys.argv[1]))
"""
_GET = 'await (await s3.get_object(Bucket="bucket", Key="key"))["Body"].read()'
_OURS = f"""
    async with aiosdk.Session(**GIVEN, endpoint_url=url) as session:
        s3 = await session.client("s3")
        {_GET}
"""
_AIOBOTOCORE = f"""
    session = aiobotocore.session.AioSession()
    async with session.create_client("s3", endpoint_url=url, **GIVEN) as s3:
        {_GET}
"""
_AIOBOTO3 = f"""
    session = aioboto3.Session(**GIVEN)
    async with session.client("s3", endpoint_url=url) as s3:
        {_GET}
"""
_BOTO3 = """
    s3 = boto3.Session(**GIVEN).client("s3", endpoint_url=url)
    s3.get_object(Bucket="bucket", Key="key")["Body"].read()
"""
_OBSTORE = """
    store = obstore.store.S3Store(
        "bucket", endpoint=url, access_key_id="a", secret_access_key="b", region="us-east-1",
        virtual_hosted_style_request=False, client_options={"allow_http": True},
    )
    await (await obstore.get_async(store, "key")).bytes_async()
"""
_AIOHTTP = """
    async with aiohttp.ClientSession() as session:
        async with session.get(url + "/bucket/key") as response:
            await response.read()
"""
PROGRAMS = {
    "aiosdk": ("aiosdk", _OURS),
    "aiohttp": ("aiohttp", _AIOHTTP),
    "obstore": ("obstore.store", _OBSTORE),
    "aiobotocore": ("aiobotocore.session", _AIOBOTOCORE),
    "aioboto3": ("aioboto3", _AIOBOTO3),
    "boto3": ("boto3", _BOTO3),
}
"""What each side imports, and what it does then."""


def measure(side: str) -> Figures:
    imported, body = PROGRAMS[side]
    with serving() as url, tempfile.TemporaryDirectory() as folder:
        program = _median(folder, _AROUND.format(imported=imported, body=body), url)
        nothing, alone = _median(folder, "pass"), _median(folder, f"import {imported}")
    return {
        IMPORT: alone[0] - nothing[0],
        IMPORT_WALL: alone[1] - nothing[1],
        PROGRAM: program[0],
        PROGRAM_WALL: program[1],
    }


def _median(folder: str, program: str, *arguments: str) -> tuple[float, float]:
    """Milliseconds of CPU and of wall clock that a program takes; the first time, which may compile it, is left out."""
    runs = [_run(folder, program, *arguments) for _ in range(TIMES + 1)][1:]
    return statistics.median(cpu for cpu, _ in runs), statistics.median(wall for _, wall in runs)


def _run(folder: str, program: str, *arguments: str) -> tuple[float, float]:
    # What pip installs is compiled. A working tree is not where PYTHONDONTWRITEBYTECODE is set, and each import of ours
    # would count three times.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = folder
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environment)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, wall * 1e3


if __name__ == "__main__":
    measure_side({side: lambda side=side: measure(side) for side in SIDES})
