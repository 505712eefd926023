"""Which bytes of an object are asked for, and whether those that came are they."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiosdk.exceptions import UnexpectedRangeError

if TYPE_CHECKING:
    from collections.abc import Mapping


# The unit's case does not count (RFC 9110, 14.1), nor does what stands around the numbers, for boto3.
_RANGE: Final = re.compile(r"bytes[ =]+([0-9]+) *- *([0-9]+) */ *([0-9]+)", re.IGNORECASE)


class Part(NamedTuple):
    """A part of an object: its bytes from `start` to before `end`, which is None where nobody knows the size."""

    number: int
    start: int
    end: int | None

    def __str__(self) -> str:
        if self.end is None:
            return f"bytes {self.start}-"
        return f"bytes {self.start}-{self.end - 1}" if self.end > self.start else "no bytes"


class Parts:
    """Hands out the parts of an object in order.

    Args:
        size: Of the object; None if nobody knows, then there is one part.
        part_size: Of all parts but the last; None for one part.
    """

    def __init__(self, size: int | None, part_size: int | None) -> None:
        self._size, self._part_size = size, part_size or size or 1
        self._taken = 0
        self.count = 1 if size is None else -(-size // self._part_size)

    def take(self) -> Part | None:
        """Give the next part; None when there is none."""
        number = self._taken
        if number >= self.count:
            return None
        self._taken += 1
        start = number * self._part_size
        return Part(number, start, None if self._size is None else min(start + self._part_size, self._size))


class Version(NamedTuple):
    """What the first answer tells of the object that is being downloaded."""

    size: int | None
    etag: str | None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Version:
        """Read it from an answer that has the whole object, or raise `UnexpectedRangeError`."""
        size, got = answer.get("ContentLength"), answer.get("ContentRange")
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if (got is not None or status == 206) and (not size or _spelled(got) != f"bytes 0-{size - 1}/{size}"):
            raise UnexpectedRangeError(asked="the whole object", got=f"{got or 'an unknown range'}"[:80])
        return cls(size, answer.get("ETag"))

    def check(self, answer: Mapping[str, Any], start: int, end: int) -> None:
        """Raise `UnexpectedRangeError` unless an answer has these bytes of this object, and nothing else."""
        asked = f"bytes {start}-{end - 1}/{self.size}"
        got = answer.get("ContentRange")
        if got is None:  # what is told of a range counts, also where the status is 200: some servers have no 206
            whole = answer["ResponseMetadata"]["HTTPStatusCode"] != 206
            raise UnexpectedRangeError(asked=asked, got="the whole object" if whole else "an unknown range")
        if _spelled(got) != asked:
            raise UnexpectedRangeError(asked=asked, got=got)
        if answer.get("ContentLength", end - start) != end - start:
            raise UnexpectedRangeError(asked=asked, got=f"{got} in {answer['ContentLength']} bytes")
        if answer.get("ETag", self.etag) != self.etag:
            raise UnexpectedRangeError(asked=f"{asked} of the object with ETag {self.etag}", got=answer["ETag"])


def _spelled(got: str | None) -> str | None:
    """A `Content-Range` as S3 spells it."""
    found = None if got is None else _RANGE.fullmatch(got.strip())
    return got if found is None else "bytes {}-{}/{}".format(*found.groups())
