"""Forks a process at random moments of first use, of calls and of transfers, and says what became of its children.

    python -m tests.stress.forks                 # 200 forks
    python -m tests.stress.forks --forks 12 --seed 3

Ten at a time are forked from a fresh process, by its event loop or by another thread, while it imports, reads models,
makes clients and resources, calls, uploads and downloads, over TLS and not. A child ends at once, collects garbage, or
uses the session or the default one that it has inherited; it ends by `sys.exit`, or as `multiprocessing` ends its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from typing import Any

import aiosdk
from tests.support.processes import running

AT_A_TIME = 10
PATIENCE = 60
FINE = 17
"""The status with which a child ends that has done what it was to do."""
KINDS = ("ends", "collects", "uses the session", "uses the default session")
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
MORE = ("sqs", "dynamodb", "sns", "ec2", "iam")
Child = tuple[int, str]


class Program:
    """A process that uses aiosdk in many ways at once, and forks meanwhile."""

    def __init__(self, seed: int, forks: int, urls: list[str]) -> None:
        self.chance = random.Random(seed)
        self.forks = forks
        self.session = aiosdk.Session(**KEYS, endpoint_url=urls[1])
        aiosdk.setup_default_session(**KEYS, endpoint_url=urls[0])
        self.children: list[Child] = []
        self.done: Counter[str] = Counter()
        self.enough = False

    async def calls(self, of: Any) -> None:
        s3 = await of.client("s3")
        async with asyncio.timeout(PATIENCE):  # `wait_for` of Python 3.11 may swallow a cancellation
            await s3.head_bucket(Bucket="bucket")
        self.done["calls"] += 1

    async def call_on(self, of: Any) -> None:
        while not self.enough:
            await self.calls(of)
            await asyncio.sleep(self.chance.random() / 100)

    async def transfer_on(self, folder: str, number: int) -> None:
        s3 = await self.session.client("s3")
        path = f"{folder}/{number}"
        with open(path, "wb") as file:  # noqa: ASYNC230 - nothing else has begun
            file.write(os.urandom(9 << 20))
        while not self.enough:
            async with asyncio.timeout(PATIENCE):
                await s3.upload_file(path, "bucket", str(number))
                await s3.download_file("bucket", str(number), path + ".back")
            self.done["transfers"] += 2

    async def make_on(self) -> None:
        for name in MORE:
            async with aiosdk.Session(**KEYS, endpoint_url="http://127.0.0.1:9") as session:
                await session.resource(name)
                self.done["clients"] += 1

    def fork(self) -> None:
        kind, leaves = self.chance.choice(KINDS), self.chance.random() < 0.5
        leaves = leaves or threading.current_thread() is not threading.main_thread()  # which would take a SystemExit
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
            child = os.fork()
        if child:
            self.children.append((child, kind))
            return
        signal.alarm(PATIENCE)
        if not gc.isenabled():
            os._exit(3)
        try:
            self.be_child(kind)
        except BaseException as error:
            os.write(2, f"{kind}: {error!r}\n".encode())
            os._exit(4)
        if leaves:
            os._exit(FINE)
        sys.exit(FINE)

    def be_child(self, kind: str) -> None:
        if kind == "collects":
            gc.collect()
        if kind.startswith("uses"):
            asyncio.run(self.calls(self.session if kind == "uses the session" else aiosdk))

    async def fork_on(self) -> None:
        for _ in range(self.forks):
            await asyncio.sleep(self.chance.expovariate(8))
            if self.chance.random() < 0.5:
                self.fork()
            else:
                await asyncio.to_thread(self.fork)

    async def main(self, folder: str) -> None:
        work = [self.call_on(self.session), self.call_on(aiosdk), self.make_on()]
        work += [self.transfer_on(folder, number) for number in range(2)]
        tasks = [asyncio.create_task(each) for each in work]
        await self.fork_on()
        before = self.done.copy()
        while self.done["calls"] < before["calls"] + 20 or self.done["transfers"] < before["transfers"] + 4:
            await asyncio.sleep(0.01)
            for task in tasks:
                if task.done():
                    task.result()
        self.enough = True
        await asyncio.gather(*tasks)
        await self.session.close()
        await aiosdk.close()


def one_program(seed: int, forks: int, urls: list[str], folder: str) -> None:
    """Run one program, and print what became of its children as JSON."""
    program = Program(seed, forks, urls)
    asyncio.run(program.main(folder))
    ends: Counter[str] = Counter()
    for child, kind in program.children:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = {FINE: "fine", -signal.SIGALRM: "hangs", 3: "has no collector"}.get(code, f"status {code}")
        ends[f"{kind}: {said}"] += 1
    assert gc.isenabled()
    print(json.dumps({"children": ends, "parent": program.done}))


def serve() -> None:
    """Listen with and without TLS until the standard input ends."""
    import trustme

    from tests.support.s3_server import S3Server

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with tempfile.NamedTemporaryFile() as bundle, S3Server("bucket") as plain, S3Server("bucket", tls=context) as safe:
        bundle.write(authority.cert_pem.bytes())
        bundle.flush()
        print(plain.url, safe.url, bundle.name, flush=True)
        sys.stdin.read()


def run(forks: int, seed: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """Fork so often, and give what became of the children, what the parents did, and what went wrong with those."""
    children: Counter[str] = Counter()
    parents: Counter[str] = Counter()
    wrong: list[str] = []
    with running("tests.stress.forks", "--serve") as said:
        plain, safe, bundle = said.split()
        while forks > 0:
            now, forks, seed = min(forks, AT_A_TIME), forks - AT_A_TIME, seed + 1
            command = [sys.executable, "-m", "tests.stress.forks", "--forks", str(now), "--seed", str(seed)]
            # The folder is not the program's own: a child that leaves its event loop by `sys.exit` would remove it.
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [*command, "--program", plain, safe, folder],
                    env={**os.environ, "AWS_CA_BUNDLE": bundle},
                    capture_output=True,
                    text=True,
                    timeout=600,
                    check=False,
                )
            if done.returncode:
                wrong.append(f"seed {seed}: status {done.returncode}\n{done.stderr[-2000:]}")
                continue
            told = json.loads(done.stdout.splitlines()[-1])
            children.update(told["children"])
            parents.update(told["parent"])
            if any(not end.endswith("fine") for end in told["children"]):
                wrong.append(f"seed {seed}: {told['children']}\n{done.stderr[-2000:]}")
    return children, parents, wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--program", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
    elif given.program:
        one_program(given.seed, given.forks, given.program[:2], given.program[2])
    else:
        begun = time.monotonic()
        children, parents, wrong = run(given.forks, given.seed)
        for name, count in sorted({**children, **{f"parents: {what}": n for what, n in parents.items()}}.items()):
            print(f"{count:>7,}  {name}")
        print("\n".join(wrong) or f"Nothing went wrong in {time.monotonic() - begun:.0f} s.")
        sys.exit(bool(wrong))
