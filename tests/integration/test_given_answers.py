"""An answer that a hook on `before-send` gives is the answer, and nothing is sent: botocore's kind or aiobotocore's."""

from __future__ import annotations

import io
import threading
from typing import Any

import aiobotocore.endpoint
import pytest
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.session import AioSession
from botocore.awsrequest import AWSResponse

import aiosdk
from tests.conformance.test_lane_choice import ARGUMENTS
from tests.support.server import LIST_BUCKETS

PAGE = b"<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>"
MISSING = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>"


class Streamed(io.BytesIO):
    """The body of moto's answers."""

    def stream(self, **_: Any) -> Any:
        while piece := self.read(3):
            yield piece


class OverASocket:
    """The body of an answer that somebody has got with `requests`, say."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)
        self.threads: set[int] = set()

    def read(self, size: int = -1) -> bytes:
        self.threads.add(threading.get_ident())
        return self._data.read(size)

    def stream(self) -> Any:
        yield self.read()


class Awaited:
    """A body that is read with `await`."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    async def read(self, size: int = -1) -> bytes:
        return self._data.read(size)


def kept(url: str, status: int, headers: Any, data: bytes) -> AWSResponse:
    """An answer that was read already."""
    made = AWSResponse(url, status, headers, None)
    made._content = data
    return made


KINDS = {
    "botocore, as moto": lambda *args: AWSResponse(*args[:3], Streamed(args[3])),
    "botocore, a plain file": lambda *args: AWSResponse(*args[:3], io.BytesIO(args[3])),
    "botocore, a socket": lambda *args: AWSResponse(*args[:3], OverASocket(args[3])),
    "botocore, read already": kept,
    "aiobotocore, a plain file": lambda *args: AioAWSResponse(*args[:3], io.BytesIO(args[3])),
    "aiobotocore, awaited": lambda *args: AioAWSResponse(*args[:3], Awaited(args[3])),
}


def answering(kind: str, status: int, data: bytes, **headers: Any) -> Any:
    def hook(request: Any, **_: Any) -> Any:
        return KINDS[kind](request.url, status, {"Content-Length": len(data), **headers}, data)

    return hook


@pytest.fixture(params=["our session", "a session of aiobotocore's"])
async def s3(request: pytest.FixtureRequest) -> Any:
    theirs = AioSession() if request.param != "our session" else None
    async with aiosdk.Session(**ARGUMENTS, botocore_session=theirs, endpoint_url="http://127.0.0.1:9") as session:
        yield await session.client("s3")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_given_answer_is_the_answer(s3: Any, kind: str, is_async: bool) -> None:
    def register(status: int, data: bytes, **headers: Any) -> None:
        hook = answering(kind, status, data, **headers)

        async def later(**kwargs: Any) -> Any:
            return hook(**kwargs)

        s3.meta.events.register("before-send.s3", later if is_async else hook, unique_id="mine")

    register(200, LIST_BUCKETS, Mine="1")
    found = await s3.list_buckets()
    assert found["Buckets"] == [{"Name": "b"}]
    assert found["ResponseMetadata"]["HTTPHeaders"]["mine"] == "1"
    assert s3.plan("list_buckets").lane == "reference"

    register_again(s3)
    register(200, b"0123456789", ETag='"e"')
    body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
    assert (await body.read(4), await body.read()) == (b"0123", b"456789")
    assert not body.readable()
    chunks = [each async for each in (await s3.get_object(Bucket="b", Key="k"))["Body"].iter_chunks(4)]
    assert chunks == [b"0123", b"4567", b"89"]
    async with (await s3.get_object(Bucket="b", Key="k"))["Body"] as body:
        assert await body.read(1) == b"0"

    register_again(s3)
    register(404, MISSING)
    with pytest.raises(aiosdk.NotFoundError, match="gone"):
        await s3.get_object(Bucket="b", Key="k")
    register_again(s3)
    register(200, PAGE)
    assert [page["Contents"] async for page in s3.get_paginator("list_objects_v2").paginate(Bucket="b")] == [
        [{"Key": "k"}]
    ]
    register_again(s3)
    register(200, b"")
    await s3.put_object(Bucket="b", Key="k", Body=io.BytesIO(b"x"))
    assert (await s3.head_object(Bucket="b", Key="k"))["ContentLength"] == 0


def register_again(client: Any) -> None:
    client.meta.events.unregister("before-send.s3", unique_id="mine")


async def test_a_given_answer_is_tried_again_as_one_that_came(s3: Any) -> None:
    given = [(503, b"<Error><Code>SlowDown</Code></Error>"), (500, b""), (200, LIST_BUCKETS)]

    def hook(request: Any, **_: Any) -> AWSResponse:
        status, data = given.pop(0)
        return AWSResponse(request.url, status, {}, Streamed(data))

    async def no_sleep(_: float) -> None:
        """Wait for nothing between attempts."""

    s3._endpoint._sleep = no_sleep
    s3.meta.events.register("before-send.s3.ListBuckets", hook)
    found = await s3.list_buckets()
    assert (found["Buckets"], found["ResponseMetadata"]["RetryAttempts"]) == ([{"Name": "b"}], 2)


async def test_a_body_that_may_wait_for_a_socket_is_read_off_the_loop(s3: Any) -> None:
    bodies: list[OverASocket] = []

    def hook(request: Any, **_: Any) -> AWSResponse:
        bodies.append(OverASocket(LIST_BUCKETS))
        return AWSResponse(request.url, 200, {}, bodies[-1])

    s3.meta.events.register("before-send.s3", hook)
    await s3.list_buckets()
    await (await s3.get_object(Bucket="b", Key="k"))["Body"].read()
    assert len(bodies) == 2
    for body in bodies:
        assert body.threads
        assert threading.get_ident() not in body.threads


async def test_a_download_takes_given_answers(s3: Any) -> None:
    s3.meta.events.register("before-send.s3", answering("botocore, as moto", 200, b"0123456789", ETag='"e"'))
    file = io.BytesIO()
    await s3.download_fileobj("b", "k", file)
    assert file.getvalue() == b"0123456789"


async def test_the_patch_that_programs_have_for_moto_below_aiobotocore_goes_on_working(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Patched(AioAWSResponse):
        def __init__(self, given: Any) -> None:
            self.given, self.status_code, self.headers = given, given.status_code, given.headers

        async def _content_prop(self) -> bytes:
            return self.given.content  # without `await`: moto's answers are botocore's

    original = aiobotocore.endpoint.convert_to_response_dict
    monkeypatch.setattr(
        aiobotocore.endpoint, "convert_to_response_dict", lambda given, model: original(Patched(given), model)
    )
    s3.meta.events.register("before-send.s3", answering("botocore, as moto", 200, LIST_BUCKETS))
    assert (await s3.list_buckets())["Buckets"] == [{"Name": "b"}]
