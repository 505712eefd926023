"""The two lanes of a call side by side: the same parameters and the same answers, no socket."""

from __future__ import annotations

import datetime
import io
import os
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import botocore.auth
import pytest
from aiobotocore.response import AioStreamingBody
from botocore.exceptions import ClientError

from aiosdk._transport.framing import framed
from aiosdk._transport.http import Response

NEEDS_EXPRESS = pytest.mark.skipif(
    os.environ.get("AIOSDK_LANE") == "reference", reason="no call takes the express lane"
)
UNFORCED = pytest.mark.skipif("AIOSDK_LANE" in os.environ, reason="the lane of each call is forced")
NOW = datetime.datetime(2026, 11, 21, 12, 34, 56, 789012, tzinfo=datetime.UTC)
_ADDRESS = re.compile(r"0x[0-9a-f]+")


@dataclass
class Sent:
    """One request as it goes over the wire."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    stream: bool


class FakeBody:
    """The body of an answer, read as a stream."""

    url = "http://server/"

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    @property
    def content(self) -> FakeBody:
        return self

    def at_eof(self) -> bool:
        return not self._rest.getbuffer()[self._rest.tell() :]

    async def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)

    async def read_whole(self, most: int) -> bytes:
        return self._rest.read(most)

    def close(self) -> None:
        self._rest.seek(0, io.SEEK_END)


Canned = tuple[int, dict[str, str], bytes] | Exception


@dataclass
class FakeWire:
    """Stands in for `PooledHTTPSession.exchange`: keeps what is sent, and gives answers in turn, the last for ever."""

    answers: list[Canned]
    sent: list[Sent] = field(default_factory=list)

    async def __call__(
        self, method: str, url: str, headers: dict[str, str], body: Any, *, stream: bool, **_: Any
    ) -> Response:
        body = body.encode() if isinstance(body, str) else body
        self.sent.append(Sent(method, url, dict(framed(method, headers, body)), await _bytes(body), stream))
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        status, answer_headers, content = answer
        return Response(status, dict(answer_headers), FakeBody(content), None if stream else content)  # type: ignore[arg-type]


async def _bytes(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body or None
    if isinstance(body, bytearray):
        return bytes(body) or None
    if isinstance(body, AsyncIterator):
        return b"".join([chunk async for chunk in body])
    start = body.tell()
    data = body.read()
    body.seek(start)
    return data or None


@contextmanager
def frozen() -> Iterator[None]:
    """Stop the clock, and make up one identifier only."""
    with (
        mock.patch.object(botocore.auth, "get_current_datetime", return_value=NOW),
        mock.patch.object(botocore.auth, "formatdate", return_value="Sat, 21 Nov 2026 12:34:56 GMT"),
        mock.patch.object(uuid, "uuid4", return_value=uuid.UUID(int=7)),
    ):
        yield


@dataclass
class Outcome:
    """What became of a call."""

    kind: str
    value: Any
    sent: list[Sent]


async def outcome(client: Any, answers: list[Canned], call: Callable[[], Any]) -> Outcome:
    """Make a call whose requests get these answers."""
    session = client._endpoint.http_session
    wire = session.exchange = FakeWire(answers)
    try:
        with frozen():
            try:
                value = await call()
            except ClientError as error:
                return Outcome("error", (type(error).__name__, str(error), error.response), wire.sent)
            except Exception as error:
                return Outcome("raises", (type(error).__name__, _ADDRESS.sub("", str(error))), wire.sent)
            return Outcome("gives", await _read(value), wire.sent)
    finally:
        del session.exchange


async def _read(value: Any) -> Any:
    """A result with its streams read."""
    if isinstance(value, dict):
        return {key: await _read(each) for key, each in value.items()}
    if isinstance(value, AioStreamingBody):
        try:
            return type(value).__name__, await value.read()
        except Exception as error:
            return type(value).__name__, type(error), str(error)
    return value
