"""A service with two tenants, one of whom it treats badly: throttles, contradicts, sends away.

`python -m tests.support.tenants --trouble throttled` runs one in a process of its own, for figures.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.support.server import Answer, CountingServer, Request
from tests.support.throttled import THROUGHPUT

TROUBLES = ("throttled", "skewed", "expired", "redirected")
BAD_KEY, GOOD_KEY = "AKIABAD", "AKIAGOOD"


def is_bad(request: Request) -> bool:
    """Whether a request is the troubled tenant's: it has that key, or goes to that endpoint."""
    return BAD_KEY in request.headers["authorization"] or request.headers["host"].startswith("localhost")


class Tenants:
    """Answers for a `CountingServer`."""

    def __init__(self, trouble: str, delay: float = 0.0) -> None:
        self.trouble, self._delay = trouble, delay
        self.answered: Counter[str] = Counter()

    async def __call__(self, request: Request) -> Answer:
        if self._delay:
            await asyncio.sleep(self._delay)
        if is_bad(request):
            self.answered["bad"] += 1
            return self.refusal()
        signed = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if (
            abs(signed - datetime.now(UTC)) > timedelta(minutes=5)
            or "us-east-1" not in request.headers["authorization"]
        ):
            self.answered["wrong"] += 1
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        self.answered["good"] += 1
        return Answer(body=b"{}" if "x-amz-target" in request.headers else b"")

    def refusal(self) -> Answer:
        """What the troubled tenant is told."""
        if self.trouble == "throttled":
            return Answer(400, THROUGHPUT)
        if self.trouble == "expired":
            return Answer(400, b"<Error><Code>ExpiredToken</Code></Error>")
        if self.trouble == "redirected":
            moved = b"<Error><Code>PermanentRedirect</Code></Error>"
            return Answer(301, moved, {"x-amz-bucket-region": "eu-central-1"})
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return Answer(403, b"", {"Date": format_datetime(tomorrow, usegmt=True)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trouble", choices=TROUBLES, required=True)
    parser.add_argument("--delay", type=float, default=0.1)
    given = parser.parse_args()
    with CountingServer(Tenants(given.trouble, given.delay)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
