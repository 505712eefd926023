"""Uploads to a server that fails, hangs, breaks off and lies: they get over it, or say what failed."""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.s3_faults import (
    WRONG_ETAG,
    Action,
    close,
    error_inside,
    hang,
    refuse,
    say,
    stop_receiving,
)
from tests.support.transfer_rig import ALWAYS, BEFORE, DATA, PART, WRONG_CRC32, Rig, name_of
from tests.support.transfers import SOURCES
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

PASSING = {
    "503": refuse(503, "SlowDown"),
    "500": refuse(500, "InternalError"),
    "503 early": refuse(503, "SlowDown", early=True),
    "reset": close(),
    "closed": close(reset=False),
    "answer lost": close("performed"),
    "stops receiving": stop_receiving(PART // 2),
    "damaged": refuse(400, "BadDigest"),
    "wrong checksum": say(x_amz_checksum_crc32=WRONG_CRC32),
}
"""What happens once to a part, and does not matter then."""


@pytest.mark.parametrize("name", PASSING)
async def test_an_upload_gets_over_a_part_that_fails_once(rig: Rig, name: str) -> None:
    fault = rig.server.faults.add(PASSING[name], "UploadPart", part=2)
    await rig.upload("bytes")
    assert fault.befallen == 1
    assert rig.server.body("key") == DATA
    assert sum(rig.told) == len(DATA)
    await rig.nothing_left()


@pytest.mark.parametrize("kind", SOURCES)
async def test_an_upload_from_any_source_gets_over_parts_that_fail_once(rig: Rig, kind: str) -> None:
    for number, action in enumerate((refuse(), close(), stop_receiving(100), refuse(400, "BadDigest")), 1):
        rig.server.faults.add(action, "UploadPart", part=number)
    for operation in ("CreateMultipartUpload", "CompleteMultipartUpload"):
        rig.server.faults.add(refuse(), operation)
    await rig.upload(kind)
    assert rig.server.body("key") == DATA
    assert sum(rig.told) == len(DATA)
    await rig.nothing_left()


@pytest.mark.parametrize("kind", SOURCES)
async def test_an_upload_from_any_source_that_fails_says_which_part_and_leaves_nothing(rig: Rig, kind: str) -> None:
    rig.server.put("key", BEFORE)
    rig.server.faults.add(refuse(), "UploadPart", part=2, times=ALWAYS)
    with pytest.raises(ClientError, match=r"SlowDown.*part 2 of .*s3://bucket/key") as raised:
        await rig.upload(kind)
    assert raised.value.response["Error"]["Code"] == "SlowDown"
    assert rig.server.body("key") == BEFORE
    await rig.nothing_left()


LASTING = {
    "500": (refuse(500, "InternalError"), "InternalError"),
    "503 early": (refuse(503, "SlowDown", early=True), "SlowDown|Connection|ResponseStreaming|Broken|reset"),
    "reset": (close(), "Connection"),
    "stops receiving": (stop_receiving(PART // 2), "Connection"),
    "damaged": (refuse(400, "BadDigest"), "BadDigest"),
    "wrong checksum": (say(x_amz_checksum_crc32=WRONG_CRC32), "ChecksumCRC32"),
    "403": (refuse(403, "AccessDenied"), "AccessDenied"),
}


@pytest.mark.parametrize("name", LASTING)
async def test_an_upload_whose_part_always_fails_says_so_and_leaves_nothing(rig: Rig, name: str) -> None:
    action, expected = LASTING[name]
    rig.server.faults.add(action, "UploadPart", part=3, times=ALWAYS)
    with pytest.raises(Exception, match=expected) as raised:
        await rig.upload("file")
    text = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
    assert "part 3 of 4" in text
    assert "s3://bucket/key" in text
    await rig.nothing_left()


async def test_a_wrong_etag_of_a_part_fails_the_upload_and_names_the_part(rig: Rig) -> None:
    rig.server.faults.add(say(ETag=WRONG_ETAG), "UploadPart", part=2)
    with pytest.raises(ClientError, match=r"InvalidPart.*Part 2"):
        await rig.upload()
    await rig.nothing_left()


@pytest.mark.parametrize("action", [refuse(), error_inside("SlowDown"), error_inside(), close()], ids=name_of)
async def test_a_completion_that_fails_once_is_made_again(rig: Rig, action: Action) -> None:
    rig.server.faults.add(action, "CompleteMultipartUpload")
    await rig.upload()
    assert rig.server.body("key") == DATA
    await rig.nothing_left()


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "CompleteMultipartUpload"])
@pytest.mark.parametrize(
    "action", [refuse(), refuse(403, "AccessDenied"), error_inside(), close()], ids=lambda a: a.name
)
async def test_an_upload_that_cannot_begin_or_end_leaves_nothing(rig: Rig, operation: str, action: Action) -> None:
    rig.server.faults.add(action, operation, times=ALWAYS)
    with pytest.raises(Exception, match=r"key") as raised:
        await rig.upload()
    assert ["SlowDown", "AccessDenied", "InternalError", "ConnectionClosed"]
    assert type(raised.value).__module__.startswith(("aiosdk", "botocore", "aiobotocore"))
    await rig.nothing_left()


async def test_a_completion_whose_answer_is_lost_is_seen_to_have_been_one(rig: Rig) -> None:
    rig.server.faults.add(close("performed"), "CompleteMultipartUpload")
    await rig.upload()
    assert rig.server.body("key") == DATA
    await rig.nothing_left()


async def test_a_completion_of_an_upload_that_is_gone_says_so(rig: Rig) -> None:
    rig.server.faults.add(refuse(404, "NoSuchUpload"), "CompleteMultipartUpload", times=ALWAYS)
    with pytest.raises(ClientError, match="NoSuchUpload") as raised:
        await rig.upload()
    assert raised.value.response["Error"]["Code"] == "NoSuchUpload"
    await rig.nothing_left()


async def test_an_abort_that_fails_is_told_with_the_error(rig: Rig) -> None:
    rig.server.faults.add(refuse(403, "Forbidden"), "UploadPart", part=1, times=ALWAYS)
    rig.server.faults.add(refuse(403, "AccessDenied"), "AbortMultipartUpload", times=ALWAYS)
    with pytest.raises(ClientError, match="Forbidden") as raised:
        await rig.upload()
    chain = [raised.value, raised.value.__cause__]
    notes = "\n".join(note for error in chain for note in getattr(error, "__notes__", ()))
    assert "could not be aborted" in notes
    assert rig.server.open_uploads() == ["bucket/key"]
    rig.server.store.find("bucket").uploads.clear()
    await rig.nothing_left()


@pytest.mark.parametrize(
    "action", [refuse(), close(), refuse(400, "BadDigest"), stop_receiving(10)], ids=lambda a: a.name
)
@pytest.mark.parametrize("kind", ["path", "bytes", "pipe", "async iterator"])
async def test_a_small_upload_that_fails_once_is_sent_again(rig: Rig, kind: str, action: Action) -> None:
    rig.server.faults.add(action, "PutObject")
    await rig.upload(kind, DATA[: PART - 1])
    assert rig.server.body("key") == DATA[: PART - 1]
    assert sum(rig.told) == PART - 1
    assert rig.server.operations["CreateMultipartUpload"] == 0
    await rig.nothing_left()


@pytest.mark.parametrize(
    ("kind", "operation"),
    [(kind, "UploadPart") for kind in SOURCES]
    + [("path", operation) for operation in ("CreateMultipartUpload", "CompleteMultipartUpload")],
)
async def test_an_upload_that_hangs_and_is_cancelled_leaves_nothing(rig: Rig, kind: str, operation: str) -> None:
    rig.server.put("key", BEFORE)
    rig.server.faults.add(hang(), operation, times=ALWAYS)
    task = asyncio.create_task(rig.upload(kind))
    await eventually(lambda: rig.server.operations[operation] and rig.server.active)
    task.cancel()
    if operation != "UploadPart":  # whose fate is waited for: it may come into being, or not
        await asyncio.sleep(0.05)
        rig.server.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.server.body("key") in ((BEFORE, DATA) if operation == "CompleteMultipartUpload" else (BEFORE,))
    rig.server.release()
    await rig.nothing_left()


async def test_an_upload_whose_source_fails_leaves_nothing(rig: Rig) -> None:
    async def breaking() -> Any:
        yield DATA[: 2 * PART]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await rig.s3.upload_fileobj(breaking(), "bucket", "key", **rig.options())
    await rig.nothing_left()


@pytest.mark.parametrize("at", [1, 3])
async def test_an_upload_whose_callback_raises_leaves_nothing(rig: Rig, at: int) -> None:
    def tell(_: int) -> None:
        rig.told.append(1)
        if len(rig.told) == at:
            raise RuntimeError("the callback is broken")

    with pytest.raises(RuntimeError, match="the callback is broken"):
        await rig.s3.upload_fileobj(DATA, "bucket", "key", Config=rig.config, Callback=tell)
    await rig.nothing_left()


@pytest.mark.parametrize("times", [1, ALWAYS])
@pytest.mark.parametrize("data", [DATA, DATA[: PART - 1]], ids=["in parts", "at once"])
async def test_what_was_uploaded_from_memory_can_be_changed_afterwards(
    rig: Rig, data: bytes, times: int | None
) -> None:
    changeable, file = bytearray(data), io.BytesIO(data)
    for source in (changeable, file):
        rig.server.faults.clear()
        rig.server.faults.add(close(), "UploadPart", part=2, times=times)
        rig.server.faults.add(stop_receiving(10), "PutObject", times=times)
        with contextlib.suppress(Exception):
            await rig.s3.upload_fileobj(source, "bucket", "key", **rig.options())
    changeable += b"more"  # a buffer that somebody still has would forbid it
    file.write(b"more")
    file.close()
