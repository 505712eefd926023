"""What a HEAD request says about whether something is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Awaitable


async def exists(asking: Awaitable[Any]) -> bool:
    """Give True for an answer and False for a 404; every other error is raised as it comes."""
    try:
        await asking
    except ClientError as error:
        response: Any = error.response
        if response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return False
        if response.get("Error", {}).get("Code") == "404":  # all that a stubber is told, which makes it a 400
            return False
        raise
    return True
