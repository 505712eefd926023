"""Creates a multipart upload, with what boto3 does not ask for where that is not refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

# How servers refuse a header that they do not know, or do not know for this operation.
_MAY_BE_FOR_A_HEADER: Final = (400, 405, 415, 422, 501)
_NOT_IMPLEMENTED: Final = 501

# The `meta` of the clients whose servers have refused it: one look-up instead of one request for each upload.
_refused: Final[WeakSet[Any]] = WeakSet()


async def create_multipart_upload(
    client: Any, place: Mapping[str, Any], arguments: Mapping[str, Any], wished: Mapping[str, Any]
) -> dict[str, Any]:
    """Send `CreateMultipartUpload`, once more without what is only wished for if it may have been refused for that.

    Args:
        client: The client.
        place: Bucket and key.
        arguments: What boto3 sends, too.
        wished: What it does not: stores that are like S3 need not know it.
    """
    if not wished or client.meta in _refused:
        return await client.create_multipart_upload(**place, **arguments)
    try:
        return await client.create_multipart_upload(**place, **arguments, **wished)
    except ClientError as error:
        if _status(error) not in _MAY_BE_FOR_A_HEADER:
            raise
        refusal = error
    created = await client.create_multipart_upload(**place, **arguments)
    # Any other error may have gone by itself.
    if _status(refusal) == _NOT_IMPLEMENTED or "checksum" in str(refusal).lower():
        _refused.add(client.meta)
    return created


def _status(error: ClientError) -> int:
    response: Any = error.response
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
