"""Slows requests down where a service refuses them for coming too fast, so that few are sent in vain.

Nothing is counted until a service first throttles. From then on the requests of the same kind, of the same account to
the same host, are watched, and where many are refused they take turns at a rate that the service bears (`pace`). The
clients of a session that use the same account share it, for it is the account whose limits these are; nobody else is
slower for it. A while after the last refusal it is forgotten again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiosdk import _off_loop
from aiosdk._aws.pace import Pace
from aiosdk._transport.progress import enter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk._aws.whom import Whom
    from aiosdk._transport.http import Response
    from aiosdk._transport.pool import ConnectionPool

log: Final = logging.getLogger("aiosdk.throttling")

CODES: Final = frozenset(
    (
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
_ALWAYS: Final = (429, 509)
_CODE: Final = re.compile(rb'<Code>\s*([A-Za-z]+)|"(?:__type|code|Code)"\s*:\s*"(?:[^"#]*#)?([A-Za-z]+)')
_RESOURCE: Final = re.compile(
    rb'"(?:TableName|StreamName|StreamARN|QueueUrl)"\s*:\s*"([^"]*)"|"RequestItems"\s*:\s*\{\s*"([^"]*)"'
)
_S3_WITH_BUCKET: Final = re.compile(r".+\.s3[.-].*amazonaws\.com")
_MOST_READ: Final = 4096
MOST_KINDS: Final = 100
"""Of so many kinds of requests of one account to a host; more are taken for one."""
MOST_LINES: Final = 1000
"""Altogether: the oldest is forgotten when there are more."""
_SWEEP_INTERVAL: Final = 1.0
_SLICE: Final = 0.1


class _Line:
    """The requests of one kind: their pace, and the line in which they wait."""

    __slots__ = ("first", "pace")

    def __init__(self, now: float) -> None:
        self.pace = Pace(now)
        self.first = asyncio.Lock()


class Turn(NamedTuple):
    """Leave to send a request."""

    line: _Line
    sent_at: float
    waited: float
    """Seconds. What was signed long before is too old to be sent."""


class Throttles:
    """What the services that a session talks to bear.

    Args:
        pool: The session's pool; when it is closed nobody waits any more.
    """

    __slots__ = ("_kinds", "_loop", "_pool", "_swept", "lines")

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kinds: Counter[tuple[Any, ...]] = Counter()  # lines, by whom they concern and host
        self._swept = float("-inf")
        self.lines: dict[_Kind, _Line] = {}
        """By whom they concern, and the kind of request. Empty while no service throttles."""

    async def turn(self, whom: Whom, url: str, headers: Mapping[str, str], body: Any) -> Turn | None:
        """Wait until a request may go. None where it is of a kind that nobody throttles."""
        if self._loop is not asyncio.get_running_loop():
            self._forget_all()  # they have waited on a loop that is gone
            return None
        kind = _key(whom, url, headers, body)
        line = self.lines.get(kind)
        if line is None:
            kind = _rest_of(kind)
            line = self.lines.get(kind)
            if line is None:
                return None
        now = begun = monotonic()
        pace = line.pace
        if pace.is_over(now):
            self._forget(kind)
            return None
        if line.first.locked() or pace.wait(now) > 0.0:
            enter("turn")
            async with line.first:
                while (seconds := pace.wait(now := monotonic())) > 0 and not self._pool.closed:  # noqa: ASYNC110
                    await asyncio.sleep(min(seconds, _SLICE))
                pace.sent(now, now - begun)
            enter("prepare")
        else:
            pace.sent(now)
        return Turn(line, now, now - begun)

    def answered(
        self, turn: Turn | None, whom: Whom, url: str, headers: Mapping[str, str], body: Any, response: Response
    ) -> None:
        """Note how a request was answered: all that had a turn, and of the others those that failed."""
        if not is_throttled(response):
            if turn is not None:
                turn.line.pace.taken(turn.sent_at)
            return
        now = monotonic()
        if turn is None:
            self._begin(_key(whom, url, headers, body), now)
        elif turn.line.pace.refused(turn.sent_at, now):
            rate = turn.line.pace.rate
            said = (
                "refuses whatever the rate: not slowed down"
                if rate is None
                else f"{rate:.4g} requests a second from now"
            )
            log.info("Throttled by %s: %s", _host(url), said)

    def _begin(self, kind: _Kind, now: float) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._forget_all()
        line = self.lines.get(kind) or self.lines.get(_rest_of(kind))
        if line is None:
            line = self.lines[self._room_for(kind, now)] = _Line(now)
        if line.pace.rate is None:
            line.pace.sent(now)
            line.pace.refused(now, now)

    def _room_for(self, kind: _Kind, now: float) -> _Kind:
        """Forget what is over, and give the key of a new line for this kind, or for what is there beyond the most."""
        if now - self._swept > _SWEEP_INTERVAL:
            self._swept = now
            for other in [other for other, each in self.lines.items() if each.pace.is_over(now)]:
                self._forget(other)
        if self._kinds[kind[:2]] >= MOST_KINDS:
            kind = _rest_of(kind)
        if len(self.lines) >= MOST_LINES:
            self._forget(next(iter(self.lines)))
        self._kinds[kind[:2]] += 1
        return kind

    def _forget(self, kind: _Kind) -> None:
        del self.lines[kind]
        self._kinds[kind[:2]] -= 1
        if not self._kinds[kind[:2]]:
            del self._kinds[kind[:2]]

    def _forget_all(self) -> None:
        self.lines.clear()
        self._kinds.clear()


_Kind = tuple["Whom", str, str, str]


def _key(whom: Whom, url: str, headers: Mapping[str, str], body: Any) -> _Kind:
    return whom, *kind_of(url, headers, body)


def _rest_of(kind: _Kind) -> _Kind:
    """What stands for all requests to a host that are of none of the kinds known."""
    return kind[0], kind[1], "", "*"


async def turn_of(sender: Any, url: str, headers: Mapping[str, str], body: Any) -> Turn | None:
    """Wait until a client's request may go, by the HTTP session that is to send it."""
    throttles: Throttles | None = getattr(sender, "throttles", None)
    if throttles is None or not throttles.lines:
        return None
    if _off_loop.is_driven():  # a call whose body is a file
        return await _off_loop.OnLoop(lambda: throttles.turn(sender.whom, url, headers, body))
    return await throttles.turn(sender.whom, url, headers, body)


def is_throttled(response: Response) -> bool:
    """Whether an answer says that requests come too fast."""
    status = response.status
    if status < 400 or status in _ALWAYS:
        return status >= 400
    if status not in (400, 403, 503):
        return False
    said = response.headers.get("x-amzn-errortype", "").partition(":")[0].rpartition("#")[2]
    if said:
        return said in CODES
    content = response.content
    if not content:  # of a HEAD, or a stream that is not read yet
        return status == 503
    found = _CODE.search(content, 0, _MOST_READ)
    return found is not None and (found[1] or found[2]).decode() in CODES


def kind_of(url: str, headers: Mapping[str, str], body: Any) -> tuple[str, str, str]:
    """Give what requests have in common that count together: host, operation or bucket, table.

    S3 throttles by prefixes that it does not tell; where it does, all requests to the bucket are slower.
    """
    host, path = _host_and_path(url)
    start = body[:_MOST_READ] if isinstance(body, (bytes, bytearray, str)) else b""
    if isinstance(start, str):  # as botocore has it, before it is sent
        start = start.encode()
    if target := headers.get("X-Amz-Target"):
        found = _RESOURCE.search(start)
        return host, target, (found[1] or found[2] or b"").decode("latin-1") if found else ""
    if start.startswith(b"Action="):
        return host, start[7:].partition(b"&")[0].decode("latin-1"), ""
    if _S3_WITH_BUCKET.fullmatch(host):
        return host, "", ""
    return host, path.partition("/")[0], ""


def _host(url: str) -> str:
    return _host_and_path(url)[0]


def _host_and_path(url: str) -> tuple[str, str]:
    host, _, path = url.partition("://")[2].partition("?")[0].partition("/")
    return host, path
