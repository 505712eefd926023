"""Two tenants of one session, one of them in trouble for a minute: what becomes of the other one's rate?

python -m tests.stress.tenants --seconds 60

The troubled one is throttled, told that its clock is wrong or its credentials have expired, or redirected; the other
one uses the same table, bucket or credentials. Its rate is compared with that in a session of its own,
before and after.
The service takes a tenth of a second for each answer, so that it is no matter of the processor's time.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession

import aiosdk
from tests.support.processes import running
from tests.support.tenants import BAD_KEY, GOOD_KEY, TROUBLES

LEAST = 0.9
WORKERS = 4
TROUBLED_WORKERS = {"throttled": 16}
USUALLY = 4


@dataclass
class Pair:
    """A session with the two tenants' clients."""

    trouble: str
    url: str
    session: Any = None
    good: Any = None
    bad: Any = None
    renewed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    slowed: list[str] = field(default_factory=list[str])

    async def open(self, stack: AsyncExitStack) -> Pair:
        """Make the session and the clients."""
        below = AioSession()
        below._credentials = AioRefreshableCredentials.create_from_metadata(self._issue(), self._renew, "test")
        config = AioConfig(signature_version="s3v4") if self.trouble != "throttled" else AioConfig()
        session = aiosdk.Session(
            botocore_session=below, region_name="us-east-1", endpoint_url=self.url, config=config, max_connections=64
        )
        self.session = await stack.enter_async_context(session)
        if self.trouble == "throttled":
            good, bad = {"aws_access_key_id": GOOD_KEY}, {"aws_access_key_id": BAD_KEY}
            self.good = await session.client("dynamodb", **good, aws_secret_access_key="s")
            self.bad = await session.client("dynamodb", **bad, aws_secret_access_key="s")
        else:
            self.good = await session.client("s3")
            self.bad = await session.client("s3", endpoint_url=self.url.replace("127.0.0.1", "localhost"))
        return self

    def _issue(self) -> dict[str, str]:
        expiry = datetime.now(UTC) + timedelta(hours=6)
        return {
            "access_key": f"{GOOD_KEY}{self.renewed}",
            "secret_key": "s",
            "token": "t",
            "expiry_time": expiry.isoformat(),
        }

    async def _renew(self) -> dict[str, str]:
        self.renewed += 1
        await asyncio.sleep(0.5)
        if self.renewed % 2:
            raise RuntimeError("the provider is out of order")
        return self._issue()

    async def call(self, client: Any) -> None:
        """Make a call; of the other tenant, a presigned URL as well."""
        if self.trouble == "throttled":
            await client.get_item(TableName="t", Key={"k": {"S": "k"}})
            return
        if self.trouble == "expired" and client is self.bad:  # which the answer to a HEAD has no place for
            await client.list_buckets()
            return
        await client.head_object(Bucket="b", Key="k")
        if client is self.good:
            url = await client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
            stamp = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
            if abs(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) - datetime.now(UTC)).days:
                self.outcomes["wrong URLs"] += 1

    async def work(self, client: Any, until: float) -> None:
        """Call again and again."""
        name = "good" if client is self.good else "bad"
        while time.monotonic() < until:
            try:
                await self.call(client)
                self.outcomes[name] += 1
            except Exception as error:
                self.outcomes[f"{name}: {type(error).__name__}"] += 1
                await asyncio.sleep(0.05)


async def rate(trouble: str, url: str, seconds: float, *, alone: bool) -> tuple[float, Pair]:
    """The other tenant's calls a second, by itself or beside the troubled one."""
    async with AsyncExitStack() as stack:
        pair = await Pair(trouble, url).open(stack)
        await pair.call(pair.good)
        pair.outcomes.clear()
        begun = time.monotonic()
        until = begun + seconds
        workers = 0 if alone else TROUBLED_WORKERS.get(trouble, USUALLY)
        troubled = [asyncio.create_task(pair.work(pair.bad, until)) for _ in range(workers)]
        await asyncio.gather(*(pair.work(pair.good, until) for _ in range(WORKERS)))
        per_second = pair.outcomes["good"] / (time.monotonic() - begun)
        lines = pair.good._endpoint.http_session.throttles.lines
        pair.slowed = [f"{whom.account}: {line.pace.rate or math.inf:.3g}/s" for (whom, *_), line in lines.items()]
        for task in troubled:
            task.cancel()
        await asyncio.gather(*troubled, return_exceptions=True)
        return per_second, pair


async def compare(trouble: str, url: str, seconds: float) -> bool:
    """Print how it went; whether the other tenant noticed nothing."""
    before, _ = await rate(trouble, url, seconds / 4, alone=True)
    beside, pair = await rate(trouble, url, seconds, alone=False)
    after, _ = await rate(trouble, url, seconds / 4, alone=True)
    alone = (before + after) / 2
    wrong = sum(count for name, count in pair.outcomes.items() if name.startswith(("good:", "wrong")))
    troubles = {name: count for name, count in pair.outcomes.items() if name.startswith("bad")}
    well = beside >= LEAST * alone and not wrong
    print(
        f"{trouble}: {before:.1f} and {after:.1f} calls a second alone, {beside:.1f} beside ({beside / alone:.0%}); "
        f"{wrong} of {pair.outcomes['good']} wrong: {'well' if well else 'NOT WELL'}\n"
        f"  the troubled one: {troubles}, paced {pair.slowed}, the provider was run {pair.renewed} times",
        flush=True,
    )
    return well


def main(arguments: list[str] | None = None) -> bool:
    """Try each trouble; whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--trouble", choices=TROUBLES, action="append")
    given = parser.parse_args(arguments)
    verdicts: list[bool] = []
    for trouble in given.trouble or TROUBLES:
        with running("tests.support.tenants", f"--trouble={trouble}") as url:
            verdicts.append(asyncio.run(compare(trouble, url, given.seconds)))
    return all(verdicts)


if __name__ == "__main__":
    sys.exit(not main())
