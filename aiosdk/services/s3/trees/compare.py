"""Tells whether a file and its object are the same, by size and time or by checksum."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from aiosdk import _off_loop
from aiosdk._aws.checksums import new_checksum
from aiosdk.exceptions import MissingExtraError
from aiosdk.resources.actions import send
from aiosdk.services.s3.arguments import CHECKSUMS

if TYPE_CHECKING:
    from collections.abc import Callable

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


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _stored_checksum(about: dict[str, Any]) -> tuple[str, str, Callable[[], Any]] | None:
    """The checksum of a whole object that `HeadObject` told: its algorithm, it, and what computes it here."""
    if about.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    for name in CHECKSUMS:
        stored: str = about.get(name, "")
        if stored and "-" not in stored:  # "-7" at the end: a checksum of the checksums of seven parts
            algorithm = name.removeprefix("Checksum")
            try:
                new_checksum(algorithm)
            except (MissingExtraError, ValueError):  # it cannot be computed here
                continue
            return algorithm, stored, partial(new_checksum, algorithm)
    return None


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
    if (found := _stored_checksum(about)) is not None:
        algorithm, stored, make = found
        same = base64.b64encode(await _digest(path, make)).decode() == stored
        return (None, f"the same {algorithm}") if same else (f"its {algorithm} differs", "")
    if plain and about.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in about:
        return "its MD5 differs", ""
    return (
        "no checksum is known that could be compared (its ETag is no MD5, and none of the whole object is stored)",
        "",
    )


async def _digest(path: str, make: Callable[[], Any]) -> bytes:
    reading = _Reading(path, make())
    try:
        return await _off_loop.call(reading.digest)
    finally:
        reading.wanted = False


class _Reading:
    """Reads a file on a thread, until its checksum is there or nobody wants it any more."""

    def __init__(self, path: str, hashing: Any) -> None:
        self.wanted = True
        self._path = path
        self._hashing = hashing

    def digest(self) -> Any:
        with open(self._path, "rb") as file:
            while self.wanted and (chunk := file.read(_CHUNK)):
                self._hashing.update(chunk)
        return self._hashing.digest()
