"""A service that throttles: it has a bucket of tokens for each prefix or for the account, and refuses what is over.

`python -m tests.support.throttled --rate 200` runs one in a process of its own, for figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.server import Answer, CountingServer, Request

LIST = b'<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>'
GET_USER = (
    b"<GetUserResponse><GetUserResult><User><Path>/</Path><UserName>u</UserName><UserId>i</UserId>"
    b"<Arn>a</Arn><CreateDate>2026-01-02T03:04:05Z</CreateDate></User></GetUserResult></GetUserResponse>"
)
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
THROTTLING = (
    b"<ErrorResponse><Error><Type>Sender</Type>"
    b"<Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
)
THROUGHPUT = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slower"}'


@dataclass
class Bucket:
    """Tokens that come at a rate, up to so many."""

    rate: float
    most: float
    tokens: float = -1.0
    at: float = field(default_factory=time.monotonic)

    def take(self) -> bool:
        now = time.monotonic()
        if self.tokens < 0:
            self.tokens = self.most
        self.tokens = min(self.most, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def scope_of(request: Request) -> str:
    """What a request counts for: the first part of its key, for S3; the account otherwise."""
    if request.method == "GET":
        return request.path.removeprefix("/").partition("/")[2].partition("/")[0]
    return "account"


class Throttled:
    """Answers for a `CountingServer`, as fast as its buckets allow."""

    def __init__(
        self, rate: float, burst: float, scope: Callable[[Request], str] = scope_of, delay: float = 0.0
    ) -> None:
        self._rate, self._burst, self._scope, self._delay = rate, burst, scope, delay
        self._buckets: dict[str, Bucket] = {}
        self.log: list[tuple[float, bool]] = []
        self.taken: Counter[str] = Counter()

    async def __call__(self, request: Request) -> Answer:
        if request.path == "/log":
            return Answer(body=json.dumps(self.log).encode())
        if self._delay:
            await asyncio.sleep(self._delay)
        scope = self._scope(request)
        taken = self._buckets.setdefault(scope, Bucket(self._rate, self._burst)).take()
        self.log.append((time.monotonic(), taken))
        if taken:
            self.taken[request.target] += 1
        if "x-amz-target" in request.headers:
            return Answer(200, b"{}") if taken else Answer(400, THROUGHPUT)
        if request.method == "POST":
            return Answer(200, GET_USER) if taken else Answer(400, THROTTLING)
        if request.path.strip("/").count("/") == 0:
            return Answer(200, LIST) if taken else Answer(503, SLOW_DOWN)
        return Answer(200, b"x" * 100) if taken else Answer(503, SLOW_DOWN)


def wasted(log: list[tuple[float, bool]], settled_after: float) -> tuple[int, int]:
    """How many requests were refused, of how many, once so many seconds were over."""
    since = log[0][0] + settled_after
    later = [taken for at, taken in log if at >= since]
    return later.count(False), len(later)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--burst", type=float, default=200)
    parser.add_argument("--delay", type=float, default=0.01)
    given = parser.parse_args()
    with CountingServer(Throttled(given.rate, given.burst, delay=given.delay)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
