"""What transfers are made of: their configuration, arguments, checksums, bandwidth, reading, progress, errors."""

from __future__ import annotations

import asyncio
import base64
import math
import tracemalloc
import types
import zlib
from typing import TYPE_CHECKING, Any

import boto3.s3.transfer as theirs
import pytest
import s3transfer.manager
from botocore.exceptions import ClientError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from s3transfer.copies import CopySubmissionTask
from s3transfer.upload import UploadSubmissionTask

from aiosdk.s3 import TransferConfig
from aiosdk.services.s3 import arguments, bandwidth
from aiosdk.services.s3.bandwidth import Bandwidth
from aiosdk.services.s3.checksums import WholeCRC, as_text, can_be_of_whole
from aiosdk.services.s3.errors import doing
from aiosdk.services.s3.progress import Progress
from aiosdk.services.s3.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MIB = 2**20
GIB = 2**30
TIB = 2**40
NAMES = list(theirs.TransferConfig.DEFAULTS.keys() - theirs.TransferConfig.ALIAS.values())
NUMBERS = [name for name in NAMES if name not in ("use_threads", "preferred_transfer_client")]


# Configuration


def test_the_names_and_defaults_of_a_configuration_are_boto3s() -> None:
    ours = TransferConfig()
    assert {name: getattr(ours, name) for name in NAMES} == {
        name: getattr(theirs.TransferConfig(), name) for name in NAMES
    }
    assert TransferConfig(**dict.fromkeys(NAMES)) == ours  # None is the default


def test_arguments_go_by_position_as_in_boto3() -> None:
    given = (1, 2, 3, 4, 5, 6, False, 8, "classic")
    ours, other = TransferConfig(*given), theirs.TransferConfig(*given)
    assert {name: getattr(ours, name) for name in NAMES} == {name: getattr(other, name) for name in NAMES}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, -0.5])
def test_a_number_that_is_not_above_zero_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"Provided parameter .* must be greater than 0") as expected:
        theirs.TransferConfig(**{name: value})
    with pytest.raises(ValueError, match=r"Provided parameter .* must be greater than 0") as caught:
        TransferConfig(**{name: value})
    wanted = str(expected.value)
    for alias, real in theirs.TransferConfig.ALIAS.items():
        wanted = wanted.replace(f" {real} ", f" {alias} ")
    assert str(caught.value) == wanted


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["8MB", True, math.nan, [1]])
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"parameter {name} of value"):
        TransferConfig(**{name: value})


def test_sizes_are_whole_numbers() -> None:
    config = TransferConfig(multipart_chunksize=8e6, max_concurrency=4.0)  # type: ignore[arg-type]
    assert repr(config.part_size(1)) == "8000000"
    assert repr(config.concurrency) == "4"
    for value in (0.5, math.inf):
        with pytest.raises(ValueError, match="must be a whole number"):
            TransferConfig(multipart_chunksize=value)  # type: ignore[arg-type]
    assert TransferConfig(multipart_threshold=math.inf).multipart_threshold == math.inf  # type: ignore[arg-type]


def test_configurations_of_boto3_are_taken() -> None:
    config = theirs.TransferConfig(
        multipart_threshold=1, max_concurrency=2, multipart_chunksize=3, num_download_attempts=4, max_bandwidth=5
    )
    wanted = TransferConfig(1, 2, 3, 4, max_bandwidth=5)
    assert TransferConfig.of(config) == wanted
    config.max_concurrency = 7  # the alias, which they keep in step
    assert TransferConfig.of(config).concurrency == 7
    config.use_threads = False
    assert TransferConfig.of(config).concurrency == 1
    assert TransferConfig.of(theirs.TransferConfig()) == TransferConfig() == TransferConfig.of(None)
    plain = s3transfer.manager.TransferConfig(max_request_concurrency=3)
    assert TransferConfig.of(plain) == TransferConfig(max_concurrency=3)
    assert TransferConfig.of(wanted) is wanted


@pytest.mark.parametrize("config", [5, "classic", {}, {"multipart_threshold": 5}])
def test_what_is_no_configuration_is_refused(config: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="no transfer configuration"):
        TransferConfig.of(config)


sizes = st.integers(0, 48 * TIB)
chunks = st.one_of(st.integers(1, 64 * MIB), st.integers(1, 6 * GIB))


@given(sizes, chunks)
@example(10_000 * 8 * MIB + 1, 8 * MIB)
@example(48 * TIB, 1)
def test_ten_thousand_parts_that_s3_takes_are_enough(size: int, chunk: int) -> None:
    part = TransferConfig(multipart_chunksize=chunk).part_size(size)
    assert type(part) is int
    assert 5 * MIB <= part <= 5 * GIB
    assert part * 10_000 >= size
    if 5 * MIB <= chunk <= 5 * GIB and chunk * 10_000 >= size:
        assert part == chunk  # as it was asked for, wherever that can be


@given(chunks)
@settings(max_examples=20)
def test_parts_of_a_stream_are_equal_as_long_as_that_can_be(chunk: int) -> None:
    config = TransferConfig(multipart_chunksize=chunk)
    parts = [config.part_size_at(number) for number in range(1, 10_001)]
    assert parts == sorted(parts)
    assert parts[:9000] == [config.part_size(0)] * 9000
    assert parts[9000] in (2 * parts[0], 5 * GIB)
    assert parts[-1] <= 5 * GIB
    assert sum(parts) > TIB // 2


@given(chunks)
@settings(max_examples=20)
def test_parts_of_a_stream_are_equal_to_the_end_where_that_is_wished(chunk: int) -> None:
    config = TransferConfig(multipart_chunksize=chunk, growing_parts=False)
    assert {config.part_size_at(number) for number in range(1, 10_001)} == {config.part_size(0)}


@given(chunks)
@settings(max_examples=20)
def test_parts_of_a_stream_grow_where_that_is_wished_and_never_too_much(chunk: int) -> None:
    config = TransferConfig(multipart_chunksize=chunk, growing_parts=True)
    parts = [config.part_size_at(number) for number in range(1, 10_001)]
    assert parts == sorted(parts)
    assert parts[:1000] == [config.part_size(0)] * 1000
    assert 5 * MIB <= parts[0] <= parts[-1] <= 5 * GIB
    assert sum(parts) > 4 * TIB


# Arguments


def test_the_arguments_that_are_allowed_are_boto3s() -> None:
    for ours, allowed in (
        (arguments.UPLOAD, theirs.S3Transfer.ALLOWED_UPLOAD_ARGS),
        (arguments.DOWNLOAD, theirs.S3Transfer.ALLOWED_DOWNLOAD_ARGS),
        (arguments.COPY, theirs.S3Transfer.ALLOWED_COPY_ARGS),
    ):
        assert sorted(ours) == sorted(allowed)


def test_arguments_go_into_boto3s_requests() -> None:
    task = CopySubmissionTask
    assert task.EXTRA_ARGS_TO_HEAD_ARGS_MAPPING == arguments.OF_SOURCE
    assert set(arguments.OF_PART_COPY) == set(task.UPLOAD_PART_COPY_ARGS)
    assert set(arguments.NOT_OF_COPY_CREATION) == set(task.CREATE_MULTIPART_ARGS_BLACKLIST)
    assert set(arguments.OF_COMPLETION) & set(arguments.COPY) == set(task.COMPLETE_MULTIPART_ARGS)
    upload = UploadSubmissionTask
    assert set(arguments.OF_PART) == set(upload.UPLOAD_PART_ARGS)
    assert set(arguments.OF_COMPLETION) == set(upload.COMPLETE_MULTIPART_ARGS)


@pytest.mark.parametrize("allowed", [arguments.UPLOAD, arguments.DOWNLOAD, arguments.COPY], ids=["up", "down", "copy"])
def test_a_name_that_is_not_allowed_is_refused_with_boto3s_words(allowed: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"^Invalid extra_args key 'Foo', must be one of: ") as caught:
        arguments.check_arguments({"Foo": 1}, allowed, "b")
    with pytest.raises(ValueError, match="Invalid") as expected:
        s3transfer.manager.TransferManager._validate_all_known_args(None, {"Foo": 1}, list(allowed))
    assert str(caught.value) == str(expected.value)


def test_arguments_are_copied() -> None:
    given_ = {"ACL": "private"}
    checked = arguments.check_arguments(given_, arguments.UPLOAD, "b")
    assert checked == given_
    assert checked is not given_
    assert arguments.check_arguments(None, arguments.UPLOAD, "b") == {}


def test_an_object_lambda_is_refused_and_an_access_point_is_not() -> None:
    point = "arn:aws:s3:us-east-1:123456789012:accesspoint/x"
    assert arguments.check_arguments({}, arguments.COPY, point) == {}
    for partition in ("aws", "aws-cn"):
        arn = f"arn:{partition}:s3-object-lambda:us-east-1:123456789012:accesspoint/x"
        with pytest.raises(ValueError, match="Object Lambda"):
            arguments.check_arguments({}, arguments.COPY, arn)


# Checksums

REFERENCE = {"CRC32": (0xEDB88320, 32), "CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)}


def table_of(polynomial: int) -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


TABLES = {name: table_of(polynomial) for name, (polynomial, _) in REFERENCE.items()}


def crc(name: str, data: bytes) -> bytes:
    """A CRC by the table, the plain way."""
    width = REFERENCE[name][1]
    value = ones = 2**width - 1
    for byte in data:
        value = value >> 8 ^ TABLES[name][(value ^ byte) & 0xFF]
    return (value ^ ones).to_bytes(width // 8, "big")


def test_the_reference_is_right() -> None:
    """The check values of the catalogue of parametrised CRC algorithms, for `123456789`."""
    found = {name: crc(name, b"123456789").hex() for name in REFERENCE}
    assert found == {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


@pytest.mark.parametrize("name", REFERENCE)
@given(pieces=st.lists(st.binary(max_size=300), max_size=6))
@example(pieces=[])
@example(pieces=[b"", b"a", b""])
@example(pieces=[bytes(1000), b"", bytes(1)])
def test_the_crc_of_a_whole_is_made_of_those_of_its_pieces(name: str, pieces: list[bytes]) -> None:
    whole = WholeCRC(name)
    for piece in pieces:
        whole.add(crc(name, piece), len(piece))
    assert whole.digest() == crc(name, b"".join(pieces))


def test_the_crc_of_large_pieces_is_right() -> None:
    pieces = [bytes([number]) * (MIB * number + number) for number in range(5)]
    whole = WholeCRC("CRC32")
    for piece in pieces:
        whole.add(zlib.crc32(piece).to_bytes(4, "big"), len(piece))
    assert whole.digest() == zlib.crc32(b"".join(pieces)).to_bytes(4, "big")


@given(st.integers(0, 2**32 - 1), st.integers(0, 48 * TIB), st.integers(0, 48 * TIB))
def test_lengths_of_pieces_add_up(value: int, one: int, other: int) -> None:
    """Zeros that follow, whose own part in a CRC is nothing, may be added at once or in two."""
    first = WholeCRC("CRC32")
    first.add(value.to_bytes(4, "big"), 1)
    second = WholeCRC("CRC32")
    second.add(value.to_bytes(4, "big"), 1)
    first.add(bytes(4), one)
    first.add(bytes(4), other)
    second.add(bytes(4), one + other)
    assert first.digest() == second.digest()


def test_only_crcs_can_be_put_together() -> None:
    algorithms = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "MD5", "XXHASH64", None)
    assert [name for name in algorithms if can_be_of_whole(name)] == list(REFERENCE)
    assert base64.b64decode(as_text(b"\x00\xff")) == b"\x00\xff"


# Bandwidth


class Clock:
    """Time that passes when somebody sleeps: those who sleep wake up in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        fake = types.SimpleNamespace(get_running_loop=lambda: self, sleep=self.sleep)
        monkeypatch.setattr(bandwidth, "asyncio", fake)

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self.sleeping.append((self.now + seconds, len(self.sleeping), future))
        await future

    async def run(self, *tasks: asyncio.Task[Any]) -> None:
        while not all(task.done() for task in tasks):
            for _ in range(10):
                await asyncio.sleep(0)
            if self.sleeping:
                self.sleeping.sort(key=lambda each: each[:2])
                end, _, future = self.sleeping.pop(0)
                self.now = max(self.now, end)
                if not future.done():
                    future.set_result(None)


async def test_without_a_limit_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    await asyncio.wait_for(Bandwidth(None).take(10**12), 5)


@pytest.mark.parametrize("workers", [1, 3, 10])
async def test_no_more_than_the_limit_is_taken(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    limit = Bandwidth(1000)
    start, taken = clock.now, []

    async def take() -> None:
        for _ in range(20):
            await limit.take(50)
            taken.append((clock.now - start, 50))

    await clock.run(*[asyncio.create_task(take()) for _ in range(workers)])
    total = 0
    for when, size in taken:
        total += size
        assert total <= 1000 * (when + 0.1) + 1e-6, when
    assert clock.now - start <= total / 1000 + 1e-6  # nor less, while there is something to take


async def test_a_pause_is_not_saved_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    limit = Bandwidth(1000)
    await clock.run(asyncio.create_task(limit.take(1000)))
    clock.now += 3600
    start = clock.now
    await clock.run(asyncio.create_task(limit.take(5000)))
    assert clock.now - start >= 4.9 - 1e-6


# Reading


async def test_what_is_read_in_small_pieces_takes_little_more_memory_than_it_has_bytes() -> None:
    numbers = iter(range(2**17))
    reader = Reader("it", lambda _: next(numbers).to_bytes(3, "big"), returns=True)
    tracemalloc.start()
    try:
        data = await reader.read(3 * 2**17 - 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert data == b"".join(number.to_bytes(3, "big") for number in range(2**17))
    assert peak < 4 * len(data), f"{peak:,} bytes"


# Progress


class Falsy:
    """What boto3 forgets to call."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def __bool__(self) -> bool:
        return False

    def __call__(self, size: int) -> None:
        self.told.append(size)


async def test_a_callback_that_is_falsy_is_called() -> None:
    callback = Falsy()
    async with Progress(callback) as progress:
        await progress.add(5)
        await progress.add(0)
        await progress.add(-2)
    assert callback.told == [5, -2]


async def test_coroutines_are_awaited() -> None:
    told: list[int] = []

    async def later(size: int) -> None:
        await asyncio.sleep(0)
        told.append(size)

    class Partly:
        async def __call__(self, size: int) -> None:
            await later(size)

    callbacks: list[Callable[[int], Awaitable[None] | None]] = [
        later,
        Partly(),
        lambda size: asyncio.ensure_future(later(size)),
        lambda size: later(size),
    ]
    for callback in callbacks:
        async with Progress(callback) as progress:
            await progress.add(3)
    assert told == [3, 3, 3, 3]


async def test_what_a_callback_raises_is_raised() -> None:
    def fails(size: int) -> None:
        raise LookupError(size)

    async def fails_later(size: int) -> None:
        raise LookupError(size)

    for callback in (fails, fails_later):
        with pytest.raises(LookupError) as caught:
            async with Progress(callback) as progress:
                await progress.add(7)
        assert caught.value.args == (7,)


def test_what_cannot_be_called_is_refused() -> None:
    for callback in (5, "print", [], False):
        with pytest.raises(TypeError, match="cannot be called"):
            Progress(callback)  # type: ignore[arg-type]


async def test_a_bar_counts_and_is_closed_however_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    async def transfer() -> None:
        async with Progress(None, bar=True, title="a/b.gz") as progress:
            progress.expect(2 * MIB)
            await progress.add(MIB)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await transfer()
    drawn = capsys.readouterr().err
    assert "a/b.gz" in drawn
    assert "1.00M/2.00M" in drawn
    assert drawn.endswith("\n")


# Errors


def test_an_error_says_once_what_was_being_done() -> None:
    with pytest.raises(ClientError) as caught, doing("copying s3://a/k"), doing("part 3, copying s3://a/k"):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "UploadPartCopy")
    assert str(caught.value) == (
        "An error occurred (AccessDenied) when calling the UploadPartCopy operation: no (part 3, copying s3://a/k)"
    )
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


def test_an_error_whose_arguments_mean_something_gets_a_note() -> None:
    with pytest.raises(FileNotFoundError) as caught, doing("reading"), doing("reading"):
        raise FileNotFoundError(2, "No such file or directory", "x")
    assert (caught.value.errno, caught.value.filename, caught.value.__notes__) == (2, "x", ["reading"])
    with pytest.raises(ValueError) as other, doing("reading"):  # noqa: PT011
        raise ValueError(5, "text")
    assert (other.value.args, other.value.__notes__) == ((5, "text"), ["reading"])
