"""What can go wrong with an S3 server: a table of faults, each with the requests that it befalls.

server.faults.add(refuse(503, "SlowDown"), operation="UploadPart", part=2)          # once
server.faults.add(truncate(1000), operation="GetObject", range="bytes=0-", times=None)  # always
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.s3_answers import Answer, error
from tests.support.s3_store import S3Error, Version

if TYPE_CHECKING:
    from tests.support.s3_requests import S3Request
    from tests.support.s3_server import S3Server

WRONG_ETAG = '"00000000000000000000000000000000"'


class ConnectionEndsError(Exception):
    """No answer: the connection is closed, or reset."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


@dataclass
class Action:
    """What happens, at one or more of three moments."""

    name: str
    receive_at_most: int | None = None
    """So many bytes of the body are read before `asked`."""
    asked: Callable[[S3Server, S3Request], Awaitable[Answer | None]] | None = None
    """Before the operation is performed; an answer stands for it."""
    performed: Callable[[S3Server, S3Request, Answer], Awaitable[None]] | None = None
    """After it, to spoil its answer."""


@dataclass
class Fault:
    """An action, and which requests it befalls: those that match, after `skip` of them, `times` often (None: all)."""

    action: Action
    operation: str = ""
    key: str | None = None
    part: int | None = None
    range: str = ""  # what the range starts with
    skip: int = 0
    times: int | None = 1
    seen: int = 0
    befallen: int = 0

    def fits(self, request: S3Request) -> bool:
        """Whether it is such a request, which is counted, and not one of the first or after the last."""
        if self.operation not in ("", request.operation) or self.key not in (None, request.key):
            return False
        if self.part not in (None, request.part) or not request.range.startswith(self.range):
            return False
        self.seen += 1
        return self.seen > self.skip and (self.times is None or self.befallen < self.times)


@dataclass
class Faults:
    """The faults of a server, in the order in which they were added; the first that fits befalls a request."""

    table: list[Fault] = field(default_factory=list)

    def add(self, action: Action, operation: str = "", **match: Any) -> Fault:
        self.table.append(Fault(action, operation, **match))
        return self.table[-1]

    def clear(self) -> None:
        self.table.clear()

    def of(self, request: S3Request) -> Action | None:
        fitting = [fault for fault in list(self.table) if fault.fits(request)]
        if not fitting:
            return None
        fitting[0].befallen += 1
        return fitting[0].action


def refuse(status: int = 503, code: str = "SlowDown", *, early: bool = False, **headers: str) -> Action:
    """An error as the answer; `early`, before the body is read, and the connection is closed then.

    `retry_after="1"` is a header.
    """
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}

    async def asked(_: S3Server, request: S3Request) -> Answer:
        answer = error(S3Error(status, code, f"Told to answer {code}."), request.key, **named)
        if early:
            answer.headers["Connection"] = "close"
        return answer

    return Action(f"{status} {code}{' early' if early else ''}", 0 if early else None, asked)


def error_inside(code: str = "InternalError") -> Action:
    """A status of 200, and an error in the body, as copies and completions can have it."""

    async def asked(_: S3Server, request: S3Request) -> Answer:
        answer = error(S3Error(200, code, "We encountered an internal error. Please try again."), request.key)
        answer.status = 200
        return answer

    return Action(f"200 with {code} inside", asked=asked)


def close(when: str = "asked", *, reset: bool = True) -> Action:
    """The connection is reset before the operation (`asked`), after it, or after the answer's `headers`."""

    async def asked(_: S3Server, __: S3Request) -> None:
        raise ConnectionEndsError(reset=reset)

    async def performed(_: S3Server, __: S3Request, answer: Answer) -> None:
        answer.stop, answer.stop_at = "reset" if reset else "close", 0 if when == "headers" else -1

    name = f"{'reset' if reset else 'closed'} when {when}"
    return Action(name, asked=asked) if when == "asked" else Action(name, performed=performed)


def stop_receiving(at: int, *, reset: bool = True) -> Action:
    """The connection is closed when so many bytes of the request's body have come."""

    async def asked(_: S3Server, __: S3Request) -> None:
        raise ConnectionEndsError(reset=reset)

    return Action(f"stops receiving at {at}", receive_at_most=at, asked=asked)


def truncate(at: int, *, reset: bool = False) -> Action:
    """The answer's body ends after so many bytes, with the connection."""

    async def performed(_: S3Server, __: S3Request, answer: Answer) -> None:
        answer.stop, answer.stop_at = "reset" if reset else "close", min(at, len(answer.body))

    return Action(f"truncated at {at}", performed=performed)


def hang(when: str = "asked", at: int = 0) -> Action:
    """Nothing happens until the server is released: before the operation, after it, or in the answer's `body`."""

    async def asked(server: S3Server, _: S3Request) -> None:
        await server.released()

    async def performed(_: S3Server, __: S3Request, answer: Answer) -> None:
        answer.stop, answer.stop_at = "hang", at if when == "body" else -1

    return Action(f"hangs when {when}", asked=asked) if when == "asked" else Action("hangs later", performed=performed)


def drip(piece: int) -> Action:
    """The body comes in pieces of so many bytes."""

    async def performed(_: S3Server, __: S3Request, answer: Answer) -> None:
        answer.drip = piece

    return Action(f"drips {piece}", performed=performed)


def wait(seconds: float) -> Action:
    """The operation is performed later."""

    async def asked(_: S3Server, __: S3Request) -> None:
        await asyncio.sleep(seconds)

    return Action(f"waits {seconds}", asked=asked)


def say(**headers: str) -> Action:
    """Headers of the answer are others: `say(ETag=WRONG_ETAG)`, `say(x_amz_checksum_crc32="AAAAAA==")`.

    In an answer of XML the element of that name says so too.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def performed(_: S3Server, __: S3Request, answer: Answer) -> None:
        answer.headers = {
            key: value for key, value in answer.headers.items() if key.lower() not in map(str.lower, named)
        }
        answer.headers |= named
        for name, value in named.items():
            tag = name.replace("x-amz-checksum-", "Checksum")
            tag = (tag.upper().replace("CHECKSUM", "Checksum") if tag != name else tag).encode()
            before, start, rest = answer.body.partition(b"<%s>" % tag)
            if start and answer.body.startswith(b"<?xml"):
                _, end, after = rest.partition(b"</%s>" % tag)
                answer.body = before + start + value.replace('"', "&quot;").encode() + end + after

    return Action(f"says {named}", performed=performed)


def corrupt(at: int = 0) -> Action:
    """One byte of the body is another."""

    async def performed(_: S3Server, __: S3Request, answer: Answer) -> None:
        position = min(at, len(answer.body) - 1)
        changed = bytes([answer.body[position] ^ 0xFF])
        answer.body = answer.body[:position] + changed + answer.body[position + 1 :]

    return Action(f"corrupts byte {at}", performed=performed)


def overwrite(body: bytes) -> Action:
    """The object is another before the operation is performed."""

    async def asked(server: S3Server, request: S3Request) -> None:
        server.store.find(request.bucket).put(Version(request.key, body))

    return Action("overwrites the object", asked=asked)
