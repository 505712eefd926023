"""A body that would have to be awaited is refused by one error, and nothing of it is left un-awaited."""

from __future__ import annotations

import asyncio
import gc
import io
import warnings
from typing import TYPE_CHECKING, Any

import aiofiles
import anyio
import pytest
from botocore.exceptions import ParamValidationError

from aiosdk.exceptions import AsyncBodyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import aiosdk
    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]


class OnlyRead:
    async def read(self, size: int = -1) -> bytes:
        return b"x" * size


class Chunks:
    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        return b"x"


async def coroutine() -> bytes:
    return b"x"


async def generator() -> Any:
    yield b"x"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "file"
    written.write_bytes(b"x")
    return written


FILE, CHUNKS = "upload_fileobj", "async for chunk in body"
BODIES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "something with an async read": (OnlyRead, FILE, "=await body.read()"),
    "a stream": (asyncio.StreamReader, FILE, "=await body.read()"),
    "an async generator": (generator, FILE, CHUNKS),
    "an async iterator": (Chunks, FILE, CHUNKS),
    "a generator": (lambda: (each for each in [b"x"]), FILE, "for chunk in body"),
    "a coroutine": (coroutine, "=await ...", "=await ..."),
}


async def refuse(call: Callable[..., Any], says: str, member: str, body: Any, **params: Any) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(AsyncBodyError) as raised:
            await call(**{member: body}, **params)
        del body
        gc.collect(0)
    assert says in str(raised.value)
    assert isinstance(raised.value, (ParamValidationError, TypeError))
    assert [str(each.message) for each in seen if issubclass(each.category, RuntimeWarning)] == []


@pytest.mark.parametrize("hooked", [False, True], ids=["express", "reference"])
async def test_what_must_be_awaited_is_refused_by_an_error_that_says_what_takes_it(
    make_session: Make, server: CountingServer, hooked: bool
) -> None:
    async with make_session() as session:
        s3, functions, kms = [await session.client(name) for name in ("s3", "lambda", "kms")]
        if hooked:
            for client in (s3, functions, kms):
                client.meta.events.register("before-call", lambda **_: None)
        for make, for_s3, for_others in BODIES.values():
            await refuse(s3.put_object, for_s3, "Body", make(), Bucket="b", Key="k")
            await refuse(s3.upload_part, for_s3, "Body", make(), Bucket="b", Key="k", UploadId="u", PartNumber=1)
            await refuse(functions.invoke, for_others, "Payload", make(), FunctionName="f")
            await refuse(kms.encrypt, for_others, "Plaintext", make(), KeyId="k")
        bucket = (await session.resource("s3")).Bucket("b")
        await refuse(bucket.Object("k").put, FILE, "Body", OnlyRead())
        await refuse(bucket.put_object, FILE, "Body", Chunks(), Key="k")
    assert server.requests == []


async def test_files_of_aiofiles_and_anyio_and_bodies_of_other_objects_are_refused(
    make_session: Make, path: Path
) -> None:
    async with make_session() as session:
        s3 = await session.client("s3")
        body = (await s3.get_object(Bucket="b", Key="folder/k"))["Body"]
        await refuse(s3.put_object, FILE, "Body", body, Bucket="b", Key="k")
        async with aiofiles.open(path, "rb") as file, await anyio.open_file(path, "rb") as other:
            await refuse(s3.put_object, FILE, "Body", file, Bucket="b", Key="k")
            await refuse(s3.put_object, FILE, "Body", other, Bucket="b", Key="k")


@pytest.mark.parametrize("hooked", [False, True], ids=["express", "reference"])
async def test_what_botocore_takes_is_taken(
    make_session: Make, server: CountingServer, hooked: bool, path: Path
) -> None:
    class Reader:
        def __init__(self) -> None:
            self._inner = io.BytesIO(b"x")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    async with make_session() as session:
        s3 = await session.client("s3")
        if hooked:
            s3.meta.events.register("before-call", lambda **_: None)
        with await asyncio.to_thread(path.open, "rb") as file:
            for body in (b"x", bytearray(b"x"), "x", io.BytesIO(b"x"), file, Reader()):
                await s3.put_object(Bucket="b", Key="k", Body=body)
    assert {request.body for request in server.requests} == {b"x"}
    assert len(server.requests) == 6
