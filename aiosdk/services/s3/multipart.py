"""A multipart upload on the server, which is completed, or aborted however its owner ends."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from aiosdk.exceptions import UnreadableAnswerError
from aiosdk.services.s3.arguments import OF_ABORTION, OF_HEAD, only
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

logger: Final = logging.getLogger(__name__)


class MultipartUpload:
    """An upload that was created: its parts are sent with `place`, and make an object by `complete`."""

    def __init__(self, client: Any, created: Mapping[str, Any], bucket: str, key: str) -> None:
        self._client = client
        self.id: str = _told(created, "UploadId", "CreateMultipartUpload")
        self.place: dict[str, Any] = {"Bucket": bucket, "Key": key, "UploadId": self.id}
        # Told by servers that know of it; to the others the checksum of the whole object means nothing.
        self.is_checked_whole = created.get("ChecksumType") == "FULL_OBJECT"
        self._parts: dict[int, dict[str, Any]] = {}

    def add(self, number: int, part: Mapping[str, Any], checksum: str | None) -> None:
        """Keep what the server answered to a part."""
        kept: dict[str, Any] = {"PartNumber": number, "ETag": _told(part, "ETag", "UploadPart")}
        if checksum is not None and checksum in part:
            kept[checksum] = part[checksum]
        self._parts[number] = kept

    async def complete(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Make the object of the parts."""
        parts = [self._parts[number] for number in sorted(self._parts)]
        try:
            return await self._client.complete_multipart_upload(
                **self.place, MultipartUpload={"Parts": parts}, **arguments
            )
        except ClientError as error:
            if _code(error) == "NoSuchUpload" and _was_retried(error):
                # Perhaps the first request did it, and its answer was lost.
                found: dict[str, Any] = await self._client.head_object(
                    Bucket=self.place["Bucket"], Key=self.place["Key"], **only(arguments, OF_HEAD)
                )
                if found["ETag"] == _etag([each["ETag"] for each in parts]):
                    return found
            raise


def _told(answer: Mapping[str, Any], name: str, operation: str) -> str:
    """What an answer must say, or the upload cannot go on."""
    text: object = answer.get(name)
    if not isinstance(text, str) or not text:
        raise UnreadableAnswerError(what=operation, problem=f"it has no {name}")
    return text


def _etag(parts: list[str]) -> str:
    """The ETag of an object that was made of parts with these: their MD5s' MD5, and how many they are."""
    try:
        together = b"".join(bytes.fromhex(each.strip('"')) for each in parts)
    except ValueError:  # of encrypted objects, say
        return ""
    return f'"{hashlib.md5(together, usedforsecurity=False).hexdigest()}-{len(parts)}"'


def _was_retried(error: ClientError) -> bool:
    response: Any = error.response
    return bool(response["ResponseMetadata"].get("RetryAttempts"))


def _code(error: ClientError) -> str:
    response: Any = error.response
    return response["Error"]["Code"]


@asynccontextmanager
async def multipart_upload(
    client: Any, bucket: str, key: str, creation: Mapping[str, Any], arguments: Mapping[str, Any]
) -> AsyncGenerator[MultipartUpload]:
    """Create a multipart upload, and abort it if the block does not end well.

    Args:
        client: The client.
        bucket: The bucket.
        key: The object's key.
        creation: What else `CreateMultipartUpload` takes.
        arguments: All of the user's arguments.
    """
    creating = asyncio.ensure_future(client.create_multipart_upload(Bucket=bucket, Key=key, **creation))
    try:
        created = await asyncio.shield(creating)
    except asyncio.CancelledError as cancelled:
        # It may come into being all the same, and nobody would know its id.
        try:
            created = await finish(creating)
        except (asyncio.CancelledError, Exception):
            created = _result(creating)
        if created is not None:
            await _abort(MultipartUpload(client, created, bucket, key), client, arguments, cancelled)
        raise
    upload = MultipartUpload(client, created, bucket, key)
    is_closed = False

    async def before_closing() -> None:
        nonlocal is_closed
        is_closed = True  # and what is under way fails
        await client.abort_multipart_upload(**upload.place, **only(arguments, OF_ABORTION))

    client.at_close(upload, before_closing)
    try:
        yield upload
    except BaseException as error:
        if not is_closed:  # else it was aborted, and by this client nothing can be done any more
            await _abort(upload, client, arguments, error)
        raise
    finally:
        client.at_close(upload, None)


def _result(task: asyncio.Future[Any]) -> Any:
    if task.cancelled() or task.exception() is not None:
        return None
    return task.result()


async def _abort(upload: MultipartUpload, client: Any, arguments: Mapping[str, Any], error: BaseException) -> None:
    """Abort an upload. If that fails, it is told with the error that was the reason, which goes on."""
    try:
        await finish(client.abort_multipart_upload(**upload.place, **only(arguments, OF_ABORTION)))
    except ClientError as failure:
        if _code(failure) != "NoSuchUpload":
            _tell(upload, error, failure)
    except Exception as failure:
        _tell(upload, error, failure)


def _tell(upload: MultipartUpload, error: BaseException, failure: Exception) -> None:
    text = (
        f"The multipart upload {upload.id} of s3://{upload.place['Bucket']}/{upload.place['Key']} could not be aborted "
        f"({failure}). Its parts cost money until it is: abort_multipart_upload(), or a lifecycle rule."
    )
    error.add_note(text)
    logger.warning(text)
