"""botocore's checksums, and when it wants them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import Any

from botocore.compat import HAS_CRT
from botocore.exceptions import FlexibleChecksumError
from botocore.httpchecksum import _CHECKSUM_CLS, _CRT_CHECKSUM_ALGORITHMS

from aiosdk.exceptions import MissingExtraError

__all__ = ["FlexibleChecksumError", "new_checksum", "requests_have_checksums", "responses_are_checked"]


def new_checksum(algorithm: str) -> Any:
    """Make an object that computes a checksum: `update(data)`, `digest()`.

    Raises:
        MissingExtraError: The algorithm needs awscrt, which is not installed.
        ValueError: botocore has no such algorithm.
    """
    made = _CHECKSUM_CLS.get(algorithm.lower())
    if made is not None:
        return made()
    if not HAS_CRT and algorithm.lower() in _CRT_CHECKSUM_ALGORITHMS:
        raise MissingExtraError(what=f"The checksum {algorithm}", package="awscrt", extra="crt")
    known = ", ".join(sorted(name.upper() for name in _CHECKSUM_CLS))
    raise ValueError(f"There is no checksum {algorithm!r}. There are: {known}.")


def requests_have_checksums(client: Any) -> bool:
    """Whether a client's requests carry a checksum where they may."""
    return client.meta.config.request_checksum_calculation == "when_supported"


def responses_are_checked(client: Any) -> bool:
    """Whether a client checks the answers that have a checksum."""
    return client.meta.config.response_checksum_validation == "when_supported"
