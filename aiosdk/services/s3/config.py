"""How a transfer is cut into parts, how many of them are under way at once, and how often they are tried."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Final

MiB: Final = 1024 * 1024
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MIN_PART_SIZE: Final = 5 * MiB
MAX_PART_SIZE: Final = 5 * 1024 * MiB
MAX_PARTS: Final = 10_000
# Parts of a stream of unknown length double in size each so many parts: 8 TiB come out of parts of 8 MiB at first.
_DOUBLING: Final = 1_000
# Those that grow only where they must are equal up to this one, and double each so many: 1.3 TiB come out of 8 MiB.
_LAST_EQUAL: Final = 9_000
_LATE_DOUBLING: Final = 100

_NUMBERS: Final = (
    "multipart_threshold",
    "max_bandwidth",
    "max_concurrency",
    "multipart_chunksize",
    "num_download_attempts",
    "max_io_queue",
    "io_chunksize",
)


@dataclass(frozen=True)
class TransferConfig:
    """How S3 transfers are made: `upload_file(..., Config=TransferConfig(max_concurrency=20))`.

    boto3's `TransferConfig` objects are taken as well, and the names are theirs.

    Args:
        multipart_threshold: Bytes from which on an object is transferred in parts.
        max_concurrency: How many parts of one transfer are under way at once. Memory is bounded by this times the size
            of a part. `max_request_concurrency` in boto3.
        multipart_chunksize: Bytes in a part. S3 wants at least 5 MiB and takes at most 10,000 parts: parts of larger
            objects are made larger.
        num_download_attempts: How often a body that breaks off is gone on with, beside the attempts that the client
            makes for each request; and how often a part is sent again that arrived damaged.
        max_io_queue: Without effect, like all that are said to be; here so that boto3's arguments are taken.
        io_chunksize: Without effect.
        use_threads: False for one part at a time.
        max_bandwidth: The most bytes per second that one transfer sends or receives; None for no limit.
        preferred_transfer_client: Without effect.
        growing_parts: Whether the parts of a source of unknown length become larger, so that 10,000 are enough. By
            default they are equal, as some stores demand, up to part 9,000 (70 GiB in parts of 8 MiB), and double from
            there on each 100 parts. True to double each 1,000 from the start, for several TiB. False for equal parts
            only: a source that has more is an error.

    None stands for the default, as in boto3.

    Raises:
        ValueError: A number is not above 0, or not whole where that makes no sense.
    """

    multipart_threshold: int = 8 * MiB
    max_concurrency: int = 10
    multipart_chunksize: int = 8 * MiB
    num_download_attempts: int = 5
    max_io_queue: int = 100
    io_chunksize: int = 256 * 1024
    use_threads: bool = True
    max_bandwidth: int | None = None
    preferred_transfer_client: str = "auto"
    growing_parts: bool | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                value = field.default
            if field.name in _NUMBERS and value is not None:
                value = _check(field.name, value)
            object.__setattr__(self, field.name, value)

    @property
    def concurrency(self) -> int:
        """How many parts may be under way at once."""
        return self.max_concurrency if self.use_threads else 1

    @classmethod
    def of(cls, config: Any) -> TransferConfig:
        """Give the configuration that was meant: None for the default, or an object of boto3's."""
        if config is None:
            return _DEFAULT
        if isinstance(config, TransferConfig):
            return config
        names = ("multipart_threshold", "multipart_chunksize", "num_download_attempts", "max_bandwidth", "use_threads")
        given = {name: getattr(config, name) for name in names if hasattr(config, name)}
        if "multipart_chunksize" not in given:
            raise TypeError(
                f"Config={config!r} is no transfer configuration: give aiosdk.s3.TransferConfig(...), or boto3's."
            )
        given["max_concurrency"] = getattr(config, "max_request_concurrency", cls.max_concurrency)
        return cls(**given)

    def part_size(self, size: int) -> int:
        """Give the size of the parts of an upload or a copy of so many bytes, which S3 takes."""
        wanted = max(self.multipart_chunksize, MIN_PART_SIZE, -(-size // MAX_PARTS))
        if wanted > self.multipart_chunksize:
            wanted = -(-wanted // MiB) * MiB
        return min(wanted, MAX_PART_SIZE)

    def part_size_at(self, number: int) -> int:
        """Give the size of a part, counted from 1, of a stream whose length nobody knows."""
        if self.growing_parts is None:
            doublings = max(0, -(-(number - _LAST_EQUAL) // _LATE_DOUBLING))
        else:
            doublings = (number - 1) // _DOUBLING if self.growing_parts else 0
        return min(self.part_size(0) << doublings, MAX_PART_SIZE)


def _check(name: str, given: object) -> Any:
    """Give a number as it is used; raise `ValueError` if it cannot be."""
    value: Any = given if isinstance(given, Real) and given is not True else 0
    if not value > 0:
        raise ValueError(f"Provided parameter {name} of value {given!r} must be greater than 0.")
    if name == "max_bandwidth" or (name == "multipart_threshold" and value == math.inf):  # which is never
        return value
    if value != value // 1:
        raise ValueError(f"Provided parameter {name} of value {given!r} must be a whole number.")
    return int(value)


_DEFAULT: Final = TransferConfig()
