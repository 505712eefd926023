"""Checksums of parts and of whole objects: which are asked for, and how those of parts make one of the whole.

S3 checks each part and, where the checksum is a CRC, the whole object
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any, Final

from aiosdk._aws.checksums import new_checksum, requests_have_checksums
from aiosdk.services.s3.arguments import CHECKSUMS

DEFAULT: Final = "CRC32"

# The polynomials of the CRCs that S3 knows, least significant bit first, with their widths.
_CRCS: Final = {
    "CRC32": (0xEDB88320, 32),
    "CRC32C": (0x82F63B78, 32),
    "CRC64NVME": (0x9A6C9329AC4BC9B5, 64),
}


def algorithm_of(client: Any, arguments: dict[str, Any]) -> str | None:
    """The algorithm for the parts of an upload: the user's, or botocore's default where it wants one at all."""
    for name in CHECKSUMS:
        if name in arguments:
            return name.removeprefix("Checksum")
    given: str | None = arguments.get("ChecksumAlgorithm")
    if given is not None:
        return given.upper()
    return DEFAULT if requests_have_checksums(client) else None


def can_be_of_whole(algorithm: str | None) -> bool:
    """Whether the checksums of an object's parts give that of the object."""
    return algorithm in _CRCS


def digest(algorithm: str, *pieces: Any) -> bytes:
    """The checksum of pieces of bytes, one after the other."""
    checksum = new_checksum(algorithm)
    for piece in pieces:
        checksum.update(piece)
    return checksum.digest()


def as_text(checksum: bytes) -> str:
    """A checksum as it stands in headers."""
    return base64.b64encode(checksum).decode()


class WholeCRC:
    """Makes the CRC of an object from those of its pieces, which are added in order.

    The arithmetic is that of polynomials over GF(2): bytes that follow multiply what was before by a power of x, the
    idea of zlib's `crc32_combine`.
    """

    def __init__(self, algorithm: str) -> None:
        self._polynomial, self._width = _CRCS[algorithm]
        self._value = 0

    def add(self, crc: bytes, length: int) -> None:
        """Add the next piece: its CRC and how many bytes it has."""
        moved = self._value
        if moved:
            moved = _multiply(
                _power_of_x(8 * length, self._polynomial, self._width), moved, self._polynomial, self._width
            )
        self._value = moved ^ int.from_bytes(crc, "big")

    def digest(self) -> bytes:
        """The CRC of all that was added."""
        return self._value.to_bytes(self._width // 8, "big")


def _multiply(one: int, other: int, polynomial: int, width: int) -> int:
    """The product of two polynomials modulo the CRC's; the highest bit of a number stands for x to the power of 0."""
    product, bit = 0, 1 << (width - 1)
    while bit:
        if one & bit:
            product ^= other
        other = other >> 1 ^ polynomial if other & 1 else other >> 1
        bit >>= 1
    return product


@cache
def _square_of_x(times: int, polynomial: int, width: int) -> int:
    """The power of x whose exponent is 2 to the power of `times`."""
    if times == 0:
        return 1 << (width - 2)
    half = _square_of_x(times - 1, polynomial, width)
    return _multiply(half, half, polynomial, width)


def _power_of_x(exponent: int, polynomial: int, width: int) -> int:
    result, times = 1 << (width - 1), 0
    while exponent:
        if exponent & 1:
            result = _multiply(result, _square_of_x(times, polynomial, width), polynomial, width)
        exponent >>= 1
        times += 1
    return result
