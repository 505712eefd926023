"""The checksum that a download should have, and the one that it has.

Checksums "of the type COMPOSITE" are those of the checksums of the parts that were uploaded, whose sizes nobody tells
here: they are not checked, as in botocore. Of an object that comes in parts only the CRCs can be: they are computed of
each part, as it is written, and combined.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from aiosdk._aws.checksums import FlexibleChecksumError, new_checksum, responses_are_checked
from aiosdk.exceptions import MissingExtraError
from aiosdk.services.s3.arguments import CHECKSUMS
from aiosdk.services.s3.checksums import WholeCRC, as_text, can_be_of_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk.services.s3.ranges import Part


class ExpectedChecksum:
    """What is checked of one download: nothing, if the object has no checksum that can be, or none is wanted.

    Args:
        client: The client, whose configuration says whether answers are checked.
        request: The parameters of `GetObject`; one of them may say it.
        answer: The answer that has the whole object.
        count: How many parts there will be.
    """

    def __init__(self, client: Any, request: Mapping[str, Any], answer: Mapping[str, Any], count: int) -> None:
        self._algorithm, self._expected = None, ""
        self._digests: dict[int, tuple[bytes, int]] = {}
        self._count = count
        if not responses_are_checked(client) and request.get("ChecksumMode") != "ENABLED":
            return
        if answer.get("ChecksumType") == "COMPOSITE":
            return
        for name in CHECKSUMS:
            algorithm, expected = name.removeprefix("Checksum"), answer.get(name, "-")
            if "-" not in expected and (count <= 1 or can_be_of_whole(algorithm)) and _is_known(algorithm):
                self._algorithm, self._expected = algorithm, expected
                return

    def of_part(self) -> Any:
        """Make what computes the checksum of one part; None if none is wanted."""
        return None if self._algorithm is None else new_checksum(self._algorithm)

    def add(self, part: Part, size: int, checksum: Any) -> None:
        """Keep the checksum of a part, of so many bytes, which is written."""
        if checksum is not None:
            self._digests[part.number] = checksum.digest(), size

    def check(self) -> None:
        """Raise `FlexibleChecksumError` if the object is not what its checksum is of."""
        if self._algorithm is None:
            return
        if self._count <= 1:
            digest = self._digests[0][0] if self._digests else new_checksum(self._algorithm).digest()
        else:
            whole = WholeCRC(self._algorithm)
            for number in range(self._count):
                whole.add(*self._digests[number])
            digest = whole.digest()
        if digest != _bytes(self._expected):
            raise FlexibleChecksumError(
                error_msg=f"Expected checksum {self._expected} did not match calculated checksum: {as_text(digest)}"
            )


def _is_known(algorithm: str) -> bool:
    try:
        new_checksum(algorithm)
    except (MissingExtraError, ValueError):
        return False
    return True


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return None
