"""Downloads from a server that fails, hangs, breaks off and lies: they get over it, or say what failed."""

from __future__ import annotations

import asyncio

import pytest
from botocore.exceptions import ClientError

from tests.support.s3_faults import (
    WRONG_ETAG,
    Action,
    close,
    corrupt,
    drip,
    hang,
    overwrite,
    refuse,
    say,
    truncate,
)
from tests.support.transfer_rig import ALWAYS, BEFORE, DATA, PART, WRONG_CRC32, Rig, name_of
from tests.support.transfers import SINKS
from tests.support.waiting import eventually, nothing_is_left  # noqa: F401 - a fixture for each test

SECOND, LAST = f"bytes={PART}-", f"bytes={3 * PART}-"
SMALL = DATA[: PART - 1]

PASSING = [
    *(refuse(503, "SlowDown"), refuse(500, "InternalError"), refuse(503, "SlowDown", early=True)),
    *(close(), close(reset=False), close("headers")),
    *(truncate(0), truncate(100), truncate(PART - 1), truncate(100, reset=True), drip(1000)),
]
"""What happens once, and does not matter then."""


@pytest.mark.parametrize("action", PASSING, ids=name_of)
async def test_a_download_gets_over_a_part_that_fails_once(rig: Rig, action: Action) -> None:
    await rig.put()
    fault = rig.server.faults.add(action, "GetObject", range=SECOND)
    await rig.download(await rig.sink())
    assert fault.befallen == 1
    assert rig.got == DATA
    assert sum(rig.told) == len(DATA)
    await rig.nothing_left()


@pytest.mark.parametrize("action", PASSING, ids=name_of)
async def test_a_small_download_gets_over_a_body_that_fails_once(rig: Rig, action: Action) -> None:
    await rig.put(SMALL)
    fault = rig.server.faults.add(action, "GetObject")
    await rig.download(await rig.sink())
    assert fault.befallen == 1
    assert rig.got == SMALL
    assert sum(rig.told) == len(SMALL)
    await rig.nothing_left()


@pytest.mark.parametrize("kind", SINKS)
async def test_a_download_to_any_sink_gets_over_parts_that_fail_once(rig: Rig, kind: str) -> None:
    await rig.put()
    for number, action in enumerate((refuse(), close(), truncate(PART // 2), truncate(7, reset=True))):
        rig.server.faults.add(action, "GetObject", range=f"bytes={number * PART}-")
    rig.server.faults.add(refuse(), "HeadObject")
    await rig.download(await rig.sink(kind))
    assert rig.got == DATA
    assert sum(rig.told) == len(DATA)
    await rig.nothing_left()


async def test_what_breaks_off_goes_on_at_the_next_byte(rig: Rig) -> None:
    await rig.put(with_checksum=False)
    rig.server.faults.add(truncate(100), "GetObject", range=SECOND)
    await rig.download(await rig.sink())
    assert rig.got == DATA
    wanted = {each.range for each in rig.server.seen if each.operation == "GetObject"}
    assert f"bytes={PART + 100}-{2 * PART - 1}" in wanted


LASTING = [
    (refuse(500, "InternalError"), "InternalError"),
    (refuse(403, "AccessDenied"), "AccessDenied"),
    (refuse(503, "SlowDown"), "SlowDown"),
    (close(), "Connection|closed"),
    (close("headers"), "Max Retries Exceeded"),
    (truncate(0), "Max Retries Exceeded"),
]


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize(("action", "expected"), LASTING, ids=name_of)
async def test_a_download_whose_part_always_fails_says_which_and_leaves_nothing(
    rig: Rig, kind: str, action: Action, expected: str
) -> None:
    await rig.put()
    rig.server.faults.add(action, "GetObject", range=SECOND, times=ALWAYS)
    with pytest.raises(Exception, match=expected) as raised:
        await rig.download(await rig.sink(kind))
    text = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
    assert f"bytes {PART}-{2 * PART - 1} of s3://bucket/key" in text
    if kind in ("path", "Path"):
        assert rig.got == BEFORE
    else:  # what is in order and was there before it failed
        assert DATA[:PART].startswith(rig.got) or rig.got.startswith(DATA[:PART])
    await rig.nothing_left()


async def test_a_body_that_always_breaks_off_ends_within_the_budget(rig: Rig) -> None:
    await rig.put()
    rig.server.faults.add(truncate(10), "GetObject", times=ALWAYS)
    with pytest.raises(Exception, match="Max Retries Exceeded"):
        await rig.download(await rig.sink())
    assert rig.got == BEFORE
    assert rig.server.operations["GetObject"] <= 10 * rig.config.num_download_attempts
    await rig.nothing_left()


@pytest.mark.parametrize("data", [DATA, SMALL], ids=["in parts", "at once"])
@pytest.mark.parametrize("kind", ["path", "BytesIO", "async writer"])
async def test_bytes_that_are_not_those_of_the_checksum_are_refused(rig: Rig, data: bytes, kind: str) -> None:
    await rig.put(data)
    rig.server.faults.add(corrupt(17), "GetObject", times=ALWAYS)
    with pytest.raises(Exception, match=r"(?i)checksum") as raised:
        await rig.download(await rig.sink(kind))
    assert "s3://bucket/key" in "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
    assert rig.got == BEFORE or kind != "path"
    await rig.nothing_left()


async def test_a_wrong_checksum_is_refused(rig: Rig) -> None:
    await rig.put()
    for operation in ("HeadObject", "GetObject"):
        rig.server.faults.add(say(x_amz_checksum_crc32=WRONG_CRC32), operation, times=ALWAYS)
    with pytest.raises(Exception, match=r"(?i)checksum"):
        await rig.download(await rig.sink())
    assert rig.got == BEFORE
    await rig.nothing_left()


@pytest.mark.parametrize("kind", SINKS)
async def test_an_object_that_is_overwritten_meanwhile_is_not_spliced(rig: Rig, kind: str) -> None:
    await rig.put()
    rig.server.faults.add(overwrite(DATA[::-1]), "GetObject", range=LAST)
    with pytest.raises(ClientError, match=r"412|PreconditionFailed"):
        await rig.download(await rig.sink(kind))
    assert rig.got == BEFORE if kind in ("path", "Path") else DATA.startswith(rig.got)
    await rig.nothing_left()


async def test_an_object_that_is_overwritten_before_a_body_goes_on_is_not_spliced(rig: Rig) -> None:
    await rig.put(SMALL)
    rig.server.faults.add(truncate(100), "GetObject")
    rig.server.faults.add(overwrite(SMALL[::-1]), "GetObject", skip=1)
    with pytest.raises(ClientError, match=r"412|PreconditionFailed"):
        await rig.download(await rig.sink())
    assert rig.got == BEFORE
    await rig.nothing_left()


async def test_an_answer_with_another_etag_is_not_spliced(rig: Rig) -> None:
    await rig.put()
    rig.server.faults.add(say(ETag=WRONG_ETAG), "GetObject", range=SECOND, times=ALWAYS)
    with pytest.raises(Exception, match="key"):
        await rig.download(await rig.sink())
    assert rig.got == BEFORE
    await rig.nothing_left()


@pytest.mark.parametrize("code", [404, 403, 500])
async def test_an_object_that_cannot_be_looked_at_leaves_the_file_as_it_was(rig: Rig, code: int) -> None:
    await rig.put()
    rig.server.faults.add(refuse(code, "Because"), "HeadObject", times=ALWAYS)
    rig.server.faults.add(refuse(code, "Because"), "GetObject", times=ALWAYS)
    with pytest.raises(ClientError) as raised:
        await rig.download(await rig.sink())
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == code
    assert rig.got == BEFORE
    await rig.nothing_left()


@pytest.mark.parametrize("when", ["asked", "body"])
@pytest.mark.parametrize("kind", SINKS)
async def test_a_download_that_hangs_and_is_cancelled_leaves_nothing(rig: Rig, kind: str, when: str) -> None:
    await rig.put()
    rig.server.faults.add(hang(when, 100), "GetObject", times=ALWAYS)
    task = asyncio.create_task(rig.download(await rig.sink(kind)))
    await eventually(lambda: rig.server.operations["GetObject"] and rig.server.active)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.got == BEFORE if kind in ("path", "Path") else DATA.startswith(rig.got)
    await rig.nothing_left()


async def test_a_target_that_cannot_be_written_is_said_and_leaves_nothing(rig: Rig) -> None:
    await rig.put()
    missing = rig.folder / "missing" / "target"
    with pytest.raises(OSError, match="missing"):
        await rig.s3.download_file("bucket", "key", str(missing), **rig.options())
    await rig.nothing_left()


@pytest.mark.parametrize("failing", ["writer", "callback"])
async def test_a_sink_or_callback_that_raises_ends_the_download(rig: Rig, failing: str) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            if failing == "writer":
                raise OSError("the disk is full")
            return len(data)

    def tell(_: int) -> None:
        if failing == "callback":
            raise OSError("the disk is full")

    await rig.put()
    with pytest.raises(OSError, match="the disk is full"):
        await rig.s3.download_fileobj("bucket", "key", Full(), Config=rig.config, Callback=tell)
    await rig.nothing_left()
