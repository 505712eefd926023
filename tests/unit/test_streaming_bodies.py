"""The lines of streaming bodies: boto3's, whatever the pieces that they come in, in time that follows their length."""

from __future__ import annotations

import io
from typing import Any

import botocore.response
import pytest
from aiobotocore.httpchecksum import AioStreamingChecksumBody
from aiobotocore.response import AioStreamingBody
from botocore.exceptions import FlexibleChecksumError, IncompleteReadError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiosdk._aws.checksums import new_checksum
from aiosdk._aws.streaming_bodies import adopt_body
from tests.support.lanes import FakeBody


def body_of(data: bytes, length: int | None = None) -> Any:
    body = AioStreamingBody(FakeBody(data), len(data) if length is None else length)
    adopt_body(body)
    return body


def run(coroutine: Any) -> Any:
    """Run what waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")


async def lines_of(body: Any, *arguments: Any) -> list[bytes]:
    return [line async for line in body.iter_lines(*arguments)]


@settings(max_examples=300, deadline=None)
@given(
    data=st.text("ab\r\n\v\f\x1c\x85", max_size=24).map(lambda each: each.encode("latin-1")),
    chunk_size=st.integers(1, 8),
    keepends=st.booleans(),
)
@example(data=b"a\r\nb\r\n", chunk_size=2, keepends=True)
@example(data=b"a\r\n\r\n\nb", chunk_size=1, keepends=False)
@example(data=b"\r\r\n\n\r", chunk_size=1, keepends=True)
def test_lines_are_those_of_boto3(data: bytes, chunk_size: int, keepends: bool) -> None:
    boto3s = botocore.response.StreamingBody(io.BytesIO(data), len(data))
    expected = list(boto3s.iter_lines(chunk_size, keepends))

    lines = run(lines_of(body_of(data), chunk_size, keepends))

    assert lines == expected == data.splitlines(keepends)
    assert {type(line) for line in lines} <= {bytes}
    assert run(body_of(data).readlines()) == data.splitlines()


@pytest.mark.timeout(20)  # it took minutes
@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_one_long_line_is_not_searched_again_with_each_piece(end: bytes) -> None:
    data = bytes(16 << 20) + end
    assert await lines_of(body_of(data), 2048) == [bytes(16 << 20)]


async def test_lines_of_a_body_that_breaks_off_end_in_its_error() -> None:
    lines = body_of(b"a\nb\nc", length=9).iter_lines(2)
    assert [await anext(lines), await anext(lines)] == [b"a", b"b"]
    with pytest.raises(IncompleteReadError):
        await anext(lines)


async def test_lines_of_a_checked_body_are_checked_at_its_end() -> None:
    checksum = new_checksum("crc32")
    checksum.update(b"a\nb")
    assert await lines_of(checked_body(checksum.b64digest())) == [b"a", b"b"]
    with pytest.raises(FlexibleChecksumError):
        await lines_of(checked_body("AAAAAA=="))


def checked_body(expected: str) -> Any:
    body = AioStreamingChecksumBody(FakeBody(b"a\nb"), 3, new_checksum("crc32"), expected)
    adopt_body(body)
    return body
