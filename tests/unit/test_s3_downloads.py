"""The parts of downloads by themselves: ranges, turns, threads, blocks, names of temporary files."""

from __future__ import annotations

import asyncio
import errno
import os
import pathlib
import threading
import zlib
from typing import Any

import pytest

from aiosdk.exceptions import UnexpectedRangeError
from aiosdk.services.s3 import blocks, threads
from aiosdk.services.s3.part_writer import PartWriter, Turns
from aiosdk.services.s3.path_sinks import TemporaryFile, temporary_name
from aiosdk.services.s3.progress import Progress
from aiosdk.services.s3.ranges import Part, Parts, Version
from aiosdk.services.s3.threads import Thread
from tests.support.waiting import eventually, nothing_is_left

__all__ = ["nothing_is_left"]


def taken(parts: Parts) -> list[Part]:
    found = []
    while (part := parts.take()) is not None:
        found.append(part)
    return found


@pytest.mark.parametrize("size", [1, 9, 10, 11, 20, 95])
def test_parts_cover_an_object_once_and_in_order(size: int) -> None:
    parts = Parts(size, 10)
    found = taken(parts)
    assert len(found) == parts.count
    assert [at for part in found for at in range(part.start, part.end or 0)] == list(range(size))
    assert [part.number for part in found] == list(range(parts.count))


def test_an_object_without_bytes_has_no_parts_and_one_of_unknown_size_has_one() -> None:
    assert taken(Parts(0, None)) == []
    assert taken(Parts(None, None)) == [Part(0, 0, None)]
    assert taken(Parts(7, None)) == [Part(0, 0, 7)]


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "ContentRange": "bytes 10-19/95",
        "ContentLength": 10,
        "ETag": '"e"',
        "ResponseMetadata": {"HTTPStatusCode": 206},
        **changes,
    }


def test_an_answer_with_the_bytes_that_were_asked_for_is_taken() -> None:
    version = Version(95, '"e"')
    version.check(answer(), 10, 20)
    short = answer()
    del short["ContentLength"], short["ETag"]
    version.check(short, 10, 20)
    version.check(answer(ResponseMetadata={"HTTPStatusCode": 200}), 10, 20)  # of a server that has no 206


@pytest.mark.parametrize("spelled", ["Bytes 10-19/95", "bytes=10-19/95", "bytes  10-19 / 95", " bytes 10-19/95 "])
def test_a_range_is_read_in_every_spelling_that_boto3_reads(spelled: str) -> None:
    Version(95, '"e"').check(answer(ContentRange=spelled), 10, 20)
    whole = answer(ContentRange=spelled.replace("10-19", "0-94"), ContentLength=95)
    assert Version.of(whole) == (95, '"e"')
    with pytest.raises(UnexpectedRangeError):
        Version(95, '"e"').check(answer(ContentRange=spelled.replace("10", "11")), 10, 20)


@pytest.mark.parametrize(
    "changes",
    [
        {"ContentRange": None, "ResponseMetadata": {"HTTPStatusCode": 200}},
        {"ContentRange": None},
        {"ContentRange": "bytes 10-18/95"},
        {"ContentRange": "bytes 11-20/95"},
        {"ContentRange": "bytes 10-19/96"},
        {"ContentRange": "bytes 10-19/*"},
        {"ContentLength": 11},
        {"ETag": '"f"'},
    ],
)
def test_an_answer_with_anything_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedRangeError, match="bytes 10-19/95"):
        Version(95, '"e"').check(answer(**changes), 10, 20)


@pytest.mark.parametrize(("status", "got"), [(200, "the whole object"), (206, "an unknown range")])
def test_the_error_says_what_came(status: int, got: str) -> None:
    with pytest.raises(UnexpectedRangeError, match=f"the answer has {got}"):
        Version(95, '"e"').check(answer(ContentRange=None, ResponseMetadata={"HTTPStatusCode": status}), 10, 20)


class Memory:
    """A sink that keeps what was written and when, and writes when it is told to."""

    def __init__(self, *, is_ordered: bool) -> None:
        self.is_ordered = is_ordered
        self.written: list[tuple[int, bytes]] = []
        self.stopped: list[asyncio.Future[None]] = []
        self.under_way: list[asyncio.Future[None]] = []

    def start_write(self, thread: Any, offset: int, block: list[bytes], checksum: Any) -> asyncio.Future[None]:
        self.written.append((offset, b"".join(block)))
        self.under_way.append(asyncio.get_running_loop().create_future())
        return self.under_way[-1]

    async def stop_write(self, thread: Any, writing: asyncio.Future[None]) -> None:
        self.stopped.append(writing)

    async def commit(self, thread: Any) -> None: ...

    async def give_up(self) -> None: ...


def writer(sink: Memory, turns: Turns, number: int, told: list[int]) -> PartWriter:
    return PartWriter(sink, Thread(), turns, number, 100 * number, 10, None, Progress(told.append), "it")


async def test_a_part_is_read_on_while_it_is_written_until_enough_is_held() -> None:
    sink, told = Memory(is_ordered=False), list[int]()
    one = writer(sink, Turns(ordered=False), 3, told)
    await one.put([b"ab", b"c"])
    assert sink.written == [(300, b"abc")]
    await one.put([b"defg"])
    await one.put([b"hijk"])
    waiting = asyncio.create_task(one.put([b"lmnopq"]))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert told == []
    sink.under_way[0].set_result(None)
    await waiting
    assert sink.written[1:] == [(303, b"defghijklmnopq")]
    assert told == [3]
    end = asyncio.create_task(one.finish())
    await asyncio.sleep(0)
    sink.under_way[1].set_result(None)
    await end
    assert told == [3, 14]
    await one.stop()
    assert sink.stopped == []


async def test_parts_are_written_in_their_turn() -> None:
    sink, told, turns = Memory(is_ordered=True), list[int](), Turns(ordered=True)
    first, second = writer(sink, turns, 0, told), writer(sink, turns, 1, told)
    await second.put([b"second"])
    end = asyncio.create_task(second.finish())
    await first.put([b"first"])
    assert sink.written == [(0, b"first")]
    sink.under_way[0].set_result(None)
    await first.finish()
    await asyncio.sleep(0)
    assert sink.written[1:] == [(100, b"second")]
    sink.under_way[1].set_result(None)
    await end
    assert told == [5, 6]


async def test_a_write_that_fails_says_what_was_written_and_a_stopped_one_is_seen_to() -> None:
    sink = Memory(is_ordered=False)
    one = writer(sink, Turns(ordered=False), 0, [])
    await one.put([b"ab"])
    sink.under_way[0].set_exception(ValueError("full"))
    with pytest.raises(ValueError, match="full\nwriting it"):
        await one.finish()
    two = writer(sink, Turns(ordered=False), 0, [])
    await two.put([b"ab"])
    await two.stop()
    assert sink.stopped == [sink.under_way[1]]
    sink.under_way[1].cancel()


async def test_a_thread_does_one_thing_after_the_other_and_is_used_again() -> None:
    thread, seen = Thread(), list[Any]()

    def note(what: int) -> int:
        seen.append((what, threading.current_thread()))
        return what

    assert await asyncio.gather(*(thread.start(note, number) for number in range(50))) == list(range(50))
    assert [number for number, _ in seen] == list(range(50))
    assert len({which for _, which in seen}) == 1
    thread.close()
    await eventually(lambda: threads._idle)
    again = Thread()
    await again.start(note, 50)
    assert seen[-1][1] is seen[0][1]
    again.close()
    await eventually(lambda: not seen[0][1].is_alive())  # nobody needed it for a while
    assert not threads._idle


async def test_what_a_thread_raises_is_given_and_what_is_cancelled_before_does_not_run() -> None:
    thread, go_on, ran = Thread(), threading.Event(), list[int]()

    def stop(data: bytes) -> None:
        raise StopIteration

    def fail() -> None:
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        await thread.start(fail)
    with pytest.raises(RuntimeError, match=r"stop raised StopIteration") as raised:
        await thread.start(stop, b"SECRET")
    assert "SECRET" not in str(raised.value)
    holding = thread.start(go_on.wait, 10)
    cancelled, after = thread.start(ran.append, 1), thread.start(ran.append, 2)
    cancelled.cancel()
    go_on.set()
    await holding
    await after
    assert ran == [2]
    ignored = thread.start(fail)  # nobody awaits it, and nobody complains
    await eventually(ignored.done)
    del ignored
    thread.close()


def test_a_block_of_many_pieces_is_written_where_it_belongs(tmp_path: pathlib.Path) -> None:
    pieces = [bytes([number % 256]) * (number % 7) for number in range(3000)]
    with open(tmp_path / "file", "wb") as file:
        blocks.write_at(file.fileno(), 5, pieces, threading.Lock())
    assert (tmp_path / "file").read_bytes() == bytes(5) + b"".join(pieces)


@pytest.mark.parametrize("is_short", [True, False])
def test_a_block_is_written_to_its_end_by_systems_that_write_less(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, is_short: bool
) -> None:
    pieces = [b"one", b"two", b"three"]
    pwrite, pwritev, write = os.pwrite, os.pwritev, os.write
    if is_short:
        monkeypatch.setattr(os, "pwritev", lambda fd, data, at: pwrite(fd, b"".join(data)[:4], at))
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwritev(fd, [data[:1]], at))
    else:
        monkeypatch.delattr(os, "pwritev")
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:2]))
    with open(tmp_path / "file", "wb") as file:
        blocks.write_at(file.fileno(), 2, pieces, threading.Lock())
    assert (tmp_path / "file").read_bytes() == bytes(2) + b"onetwothree"


def test_small_pieces_are_joined_and_added_to_a_checksum() -> None:
    class Sum:
        value = 0

        def update(self, data: bytes) -> None:
            self.value = zlib.crc32(data, self.value)

    pieces = [os.urandom(100_000) for _ in range(30)]
    checksum = Sum()
    joined = blocks.join(pieces, checksum)
    assert b"".join(joined) == b"".join(pieces)
    assert len(joined) == 3
    assert checksum.value == zlib.crc32(b"".join(pieces))
    assert blocks.join([], None) == []


def test_a_file_that_takes_nothing_now_is_an_error() -> None:
    with pytest.raises(BlockingIOError):
        blocks.write_rest(lambda _: None, b"data", 2)


@pytest.mark.parametrize("name", ["n", "n" * 255, "ü" * 127, "/a/b/" + "n" * 250])
def test_a_temporary_name_is_beside_its_target_and_short_enough(name: str) -> None:
    found = temporary_name(name)
    assert os.path.dirname(found) == os.path.dirname(name)
    assert len(os.fsencode(os.path.basename(found))) <= 255
    assert os.path.basename(found)[:-9] == os.path.basename(name)[: len(os.path.basename(found)) - 9]
    assert found != temporary_name(name)


async def test_a_file_that_was_given_up_is_not_written_and_not_put_in_place(tmp_path: pathlib.Path) -> None:
    target, thread = tmp_path / "target", Thread()
    file = TemporaryFile(str(target))
    await file.give_up()  # nothing was begun
    await file.start_write(thread, 0, [b"data"], None)
    assert len(await asyncio.to_thread(os.listdir, tmp_path)) == 2  # with the folder of the environment
    await file.give_up()
    await file.start_write(thread, 4, [b"more"], None)
    await file.commit(thread)
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["aws"]
    thread.close()
