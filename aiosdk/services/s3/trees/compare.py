"""Tells whether a file and its object are the same, by size and time or by checksum."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from aiosdk import _off_loop
from aiosdk.resources.actions import send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiosdk.services.s3.trees.listing import RemoteObject
    from aiosdk.services.s3.trees.walk import LocalFile

Comparison = Literal["time", "size", "checksum"]

SSE_C: Final = ("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5")
"""Those of ExtraArgs without which an object encrypted with a customer's key cannot be looked at."""

_CHUNK: Final = 1024 * 1024
_MD5: Final = re.compile(r"[0-9a-f]{32}")


def difference(local: LocalFile, remote: RemoteObject, by: Comparison, *, up: bool) -> str | None:
    """Say in what a file and its object differ as far as a listing shows it; None if in nothing."""
    if local.size != remote.size:
        return f"its size differs: {local.size:,} bytes here, {remote.size:,} in the bucket"
    if by != "time":
        return None
    # S3 knows whole seconds only; of times within one second nothing can be told.
    here, there = math.floor(local.modified), math.floor(remote.modified)
    if up:
        return "the file is newer" if here > there else None
    return None if here == there else f"the object is {'newer' if there > here else 'older'}"


class Hash(Protocol):
    """What computes a checksum piece by piece."""

    def update(self, data: bytes, /) -> object:
        """Take the next piece."""
        ...

    def digest(self) -> bytes:
        """Give the checksum of all pieces."""
        ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _md5() -> Hash:
    return hashlib.md5(usedforsecurity=False)


_STORED: Final[Mapping[str, Callable[[], Hash]]] = {
    "ChecksumSHA256": hashlib.sha256,
    "ChecksumSHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "ChecksumCRC32": _Crc32,
}


async def content_difference(
    client: Any, params: dict[str, Any], path: str, remote: RemoteObject
) -> tuple[str | None, str]:
    """Compare a file with an object of the same size by what S3 knows of the object's content.

    An ETag that is an MD5 and fits tells it without a request; otherwise sends one `HeadObject`.

    Returns:
        Why they are to be taken as different, or None; and how that is known.
    """
    plain = _MD5.fullmatch(remote.etag) is not None
    if plain and (await _digest(path, _md5)).hex() == remote.etag:
        return None, "the same MD5"
    about = await send(client, "s3", "HeadObject", {**params, "ChecksumMode": "ENABLED"})
    for name, make in _STORED.items():
        stored = about.get(name)
        # "-7" at the end: a checksum of the checksums of seven parts.
        if stored and "-" not in stored and about.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
            same = base64.b64encode(await _digest(path, make)).decode() == stored
            what = name.removeprefix("Checksum")
            return (None, f"the same {what}") if same else (f"its {what} differs", "")
    if plain and about.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in about:
        return "its MD5 differs", ""
    return (
        "no checksum is known that could be compared (its ETag is no MD5, and none of the whole object is stored)",
        "",
    )


async def _digest(path: str, make: Callable[[], Hash]) -> bytes:
    reading = _Reading(path, make())
    try:
        return await _off_loop.call(reading.digest)
    finally:
        reading.wanted = False


class _Reading:
    """Reads a file on a thread, until its checksum is there or nobody wants it any more."""

    def __init__(self, path: str, hashing: Hash) -> None:
        self.wanted = True
        self._path = path
        self._hashing = hashing

    def digest(self) -> bytes:
        with open(self._path, "rb") as file:
            while self.wanted and (chunk := file.read(_CHUNK)):
                self._hashing.update(chunk)
        return self._hashing.digest()
