"""The checksums that S3 knows, as it writes them in headers; those that Python lacks are computed here."""

from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Crc:
    """A reflected CRC that starts and ends inverted, of any width, at some 100 MB/s."""

    def __init__(self, width: int, polynomial: int) -> None:
        self._width = width
        self._polynomial = polynomial  # reflected: the highest degree is the lowest bit
        self._ones = (1 << width) - 1
        self._table = [self._of_byte(number) for number in range(256)]

    def _of_byte(self, value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ self._polynomial if value & 1 else value >> 1
        return value

    def __call__(self, data: bytes) -> int:
        crc = self._ones
        for byte in self._folded(data):
            crc = crc >> 8 ^ self._table[(crc ^ byte) & 255]
        return crc ^ self._ones

    def _folded(self, data: bytes) -> bytes:
        """Short data of the same CRC.

        The first bits are, by their degree, a multiple of a power of x, which is as good as its remainder: multiplied
        by that they are added to the bits in the middle. Python shifts and adds long numbers fast; it steps through
        bytes slowly.
        """
        if len(data) < 4096:
            return data
        # What the CRC starts with is added to the first bits, and taken back from the result's first.
        rest, size = int.from_bytes(data, "little") ^ self._ones, len(data)
        while size >= 1024:
            cut = size // 2 - self._width // 8
            first, rest = rest & (1 << cut * 8) - 1, rest >> cut * 8
            size -= cut
            factor = self._power(size * 8)
            product = 0
            for bit in range(self._width):
                if factor >> bit & 1:
                    product ^= first << bit
            # The product has a bit less than `cut` and the width: its last bit stands where that of `rest` does.
            rest ^= product << size * 8 - (cut * 8 + self._width - 1)
        return (rest ^ self._ones).to_bytes(size, "little")

    def _power(self, exponent: int) -> int:
        """The remainder of x to that power."""
        result, square = 1 << self._width - 1, 1 << self._width - 2
        while exponent:
            if exponent & 1:
                result = self._times(result, square)
            square = self._times(square, square)
            exponent >>= 1
        return result

    def _times(self, one: int, other: int) -> int:
        product = 0
        for bit in range(self._width - 1, -1, -1):
            if other >> bit & 1:
                product ^= one
            one = one >> 1 ^ self._polynomial if one & 1 else one >> 1
        return product


crc32c = Crc(32, 0x82F63B78)
crc64nvme = Crc(64, 0x9A6C9329AC4BC9B5)


def _number(function: Callable[[bytes], int], size: int, data: bytes) -> bytes:
    return function(data).to_bytes(size, "big")


_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": functools.partial(_number, zlib.crc32, 4),
    "crc32c": functools.partial(_number, crc32c, 4),
    "crc64nvme": functools.partial(_number, crc64nvme, 8),
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}
ALGORITHMS = tuple(_DIGESTS)
"""As they stand at the end of `x-amz-checksum-...`."""


def checksum(algorithm: str, data: bytes) -> str:
    """A checksum in base64."""
    return base64.b64encode(_DIGESTS[algorithm](data)).decode()


def composite(algorithm: str, checksums: list[str]) -> str:
    """The checksum of the checksums of parts, with their number."""
    return f"{checksum(algorithm, b''.join(map(base64.b64decode, checksums)))}-{len(checksums)}"


def composite_etag(digests: list[bytes]) -> str:
    """The ETag of an object that was uploaded in parts, from their MD5 digests."""
    return f'"{hashlib.md5(b"".join(digests)).hexdigest()}-{len(digests)}"'
