"""Answers that hooks on `before-send` give, so that nothing is sent: moto in the same process does.

botocore's hooks give a plain `AWSResponse`, whose body is read without `await`, and so do they read the request's. What
aiobotocore has in both places is awaited. So here the answer gets the form of aiobotocore's own, and a request's body
can be read both ways while its hooks run.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import inspect
import io
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.httpchecksum import AioAwsChunkedWrapper
from botocore.awsrequest import AWSResponse
from botocore.httpchecksum import AwsChunkedWrapper

from aiosdk import _off_loop
from aiosdk._aws.http_session import read_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Generator

_EVENT: Final = "before-send."
_PIECE: Final = 64 * 1024


def take_answers(endpoint: Any) -> None:
    """Have an endpoint take the answers that hooks give, of whichever kind they are."""
    if isinstance(endpoint, AioEndpoint) and not isinstance(events := endpoint._event_emitter, TakingAnswers):
        endpoint._event_emitter = TakingAnswers(events)


class TakingAnswers:
    """The events of an endpoint: what comes of `before-send` is made an answer of aiobotocore's."""

    def __init__(self, events: Any) -> None:
        self._events = events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    def emit(self, event_name: str, **kwargs: Any) -> Awaitable[Any]:
        """Emit an event."""
        if event_name.startswith(_EVENT):
            return self._taken(event_name, kwargs)
        return self._events.emit(event_name, **kwargs)

    async def _taken(self, event_name: str, kwargs: dict[str, Any]) -> list[tuple[Any, Any]]:
        with _readable(getattr(kwargs.get("request"), "body", None)):
            outcome = await self._events.emit(event_name, **kwargs)
        return [(handler, as_aiobotocores(given)) for handler, given in outcome]


@contextmanager
def _readable(body: Any) -> Generator[None]:
    """Let a body in chunks, with its checksum in a trailer, be read without `await` meanwhile."""
    if type(body) is not AioAwsChunkedWrapper or inspect.iscoroutinefunction(read_by(body._raw).read):
        yield
        return
    raw, body._raw, body.__class__ = body._raw, read_by(body._raw), _Chunks
    try:
        yield
    finally:
        body._raw, body.__class__ = raw, AioAwsChunkedWrapper


class _Chunks(AioAwsChunkedWrapper):
    """aiobotocore's body in chunks as botocore's, whose pieces can be awaited."""

    _make_chunk: Any = AwsChunkedWrapper._make_chunk

    def read(self, size: int | None = None) -> Any:
        return AwaitableBytes(AwsChunkedWrapper.read(self, size))


def as_aiobotocores(given: Any) -> Any:
    """Give an answer, or None for none, in the form that aiobotocore expects."""
    if given is None:
        return None
    if not isinstance(given, AioAWSResponse):
        return GivenAnswer(given)
    if not hasattr(given.raw, "content"):
        given.raw = GivenBody(given.raw, given.url)
    return given


class GivenAnswer(AioAWSResponse):
    """An answer of another kind as one of aiobotocore's."""

    def __init__(self, given: Any) -> None:
        headers = {name: value if isinstance(value, str) else _text(value) for name, value in given.headers.items()}
        raw, url = getattr(given, "raw", None), str(getattr(given, "url", ""))
        self._given = given
        self._may_block = raw is not None and not isinstance(raw, io.BytesIO)
        self._whole: AwaitableBytes | None = None
        super().__init__(url, given.status_code, headers, GivenBody(_known(given) if raw is None else raw, url))

    @property
    def content(self) -> Any:
        """The whole body, to be awaited."""
        if self._may_block and self._whole is None:
            return self._read()
        if self._whole is None:
            found = _whole(self._given)
            if inspect.isawaitable(found):
                return found
            self._whole = AwaitableBytes(found or b"")
        return self._whole

    async def _read(self) -> bytes:
        """Read the body where it may wait for a socket."""
        found = await _blocking(partial(_whole, self._given))
        self._whole = AwaitableBytes((await found if inspect.isawaitable(found) else found) or b"")
        return bytes(self._whole)


def _whole(given: Any) -> Any:
    """The whole body of an answer, or what gives it when it is awaited."""
    raw, known = getattr(given, "raw", None), _known(given)
    # botocore reads in pieces, which a plain file does not give.
    if known is not None or type(given).content is not AWSResponse.content or hasattr(raw, "stream"):
        return given.content
    return b"" if raw is None else raw.read()


def _known(given: Any) -> Any:
    return getattr(given, "_content", None)


class AwaitableBytes(bytes):
    """Bytes for those who await them, as aiobotocore does, and for those who do not, as patches for moto do."""

    def __await__(self) -> Generator[None, None, bytes]:
        return bytes(self)
        yield


class GivenBody:
    """A body of another kind with what aiobotocore's streaming bodies and event streams use of aiohttp's responses.

    Args:
        raw: What the bytes are read from, by a function or a coroutine; or the bytes, or None for none.
        url: Where the answer is from.
    """

    def __init__(self, raw: Any, url: str) -> None:
        self.url = url
        self._raw = io.BytesIO(raw or b"") if raw is None or isinstance(raw, bytes) else raw
        self._ended = False

    @property
    def content(self) -> GivenBody:
        """The bytes, which aiohttp has apart."""
        return self

    def at_eof(self) -> bool:
        """Whether everything was read."""
        if isinstance(self._raw, io.BytesIO):
            return self._raw.closed or self._raw.tell() >= self._raw.getbuffer().nbytes
        return self._ended

    async def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, or everything that is left; empty at the end."""
        read = partial(self._raw.read, size) if size >= 0 else self._raw.read
        if isinstance(self._raw, io.BytesIO) or inspect.iscoroutinefunction(self._raw.read):
            found = read()
        else:
            found = await _blocking(read)
        found = await found if inspect.isawaitable(found) else found
        if size != 0 and (size < 0 or not found):
            self._ended = True
        return bytes(found or b"")

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        """Give the bytes in pieces; the flag is aiohttp's and always False here."""
        while piece := await self.read(_PIECE):
            yield piece, False

    def close(self) -> None:
        """Close what the bytes are read from, if that can be closed."""
        close = getattr(self._raw, "close", None)
        if close is not None and not inspect.iscoroutinefunction(close):
            close()

    release = close


async def _blocking(read: Any) -> Any:
    # A driven call is off the event loop already.
    return read() if _off_loop.is_driven() else await _off_loop.call(read)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
