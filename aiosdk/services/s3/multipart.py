"""A multipart upload on the server, which is completed, or aborted however its owner ends."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from aiosdk._transport.connector import is_urgent
from aiosdk._transport.progress import Progress, progress
from aiosdk.exceptions import UnreadableAnswerError
from aiosdk.services.s3.arguments import OF_ABORTION, OF_HEAD, only
from aiosdk.services.s3.creation import create_multipart_upload
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

logger: Final = logging.getLogger(__name__)

# Seconds that a cancellation waits for the answer to a creation that is under way. S3 gives it within one or two; a
# server that takes longer than this is in trouble, and whoever cancels has waited long enough.
_LONGEST_CREATION: Final = 15.0
# Seconds for an abort, with its attempts and the wait for a connection of a pool that is full.
_LONGEST_ABORT: Final = 30.0


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
            if _code(error) == "NoSuchUpload":
                # Perhaps an earlier request did it, whose answer was lost; one on a connection that was closed is sent
                # again without being counted.
                found = await self._look(arguments)
                if found.get("ETag") == _etag([each["ETag"] for each in parts]):
                    return found
            raise

    async def _look(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        place = {name: self.place[name] for name in ("Bucket", "Key")}
        try:
            return await self._client.head_object(**place, **only(arguments, OF_HEAD))
        except ClientError:  # there is none, or it may not be looked at: what the completion said counts
            return {}


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


def _code(error: ClientError) -> str:
    response: Any = error.response
    return response["Error"]["Code"]


class _Creation:
    """A `CreateMultipartUpload` under way, which can be given up without an upload that nobody knows of.

    Only its answer has the id to abort by. So while its request is on its way to the server the answer is waited for;
    while it is not (it waits for a connection, for its turn, for the next attempt), nothing is.
    """

    def __init__(
        self, client: Any, bucket: str, key: str, arguments: Mapping[str, Any], wished: Mapping[str, Any]
    ) -> None:
        self.place = f"s3://{bucket}/{key}"
        self.may_have_succeeded = False
        """Whether there may be an upload although it was given up and gave none."""
        self._on_its_way = self._is_given_up = False
        self._own: asyncio.Task[Any] | None = None
        self.task = asyncio.ensure_future(self._run(client, bucket, key, arguments, wished))

    async def _run(
        self, client: Any, bucket: str, key: str, arguments: Mapping[str, Any], wished: Mapping[str, Any]
    ) -> MultipartUpload:
        self._own = asyncio.current_task()
        told = Progress(math.inf, None, self._enter)
        progress.set(told)
        try:
            created = await create_multipart_upload(client, {"Bucket": bucket, "Key": key}, arguments, wished)
            return MultipartUpload(client, created, bucket, key)
        finally:
            told.watch = None  # connections that were made on the way keep the context, and what is in it

    def _enter(self, phase: str) -> None:
        if asyncio.current_task() is not self._own:
            return  # credentials, say, are refreshed in a task of their own
        self._on_its_way = phase in ("send", "read")
        if self._is_given_up and not self._on_its_way:
            self.task.cancel()  # or there would be another attempt

    async def give_up(self) -> MultipartUpload | None:
        """End it, and give what has come of it nevertheless."""
        self._is_given_up, was_on_its_way = True, self._on_its_way
        if was_on_its_way:
            await asyncio.wait([self.task], timeout=_LONGEST_CREATION)
        self.task.cancel()
        await asyncio.wait([self.task])
        error = None
        if not self.task.cancelled():
            error = self.task.exception()
            if error is None:
                return self.task.result()
        self.may_have_succeeded = was_on_its_way and not isinstance(error, ClientError)
        return None


@asynccontextmanager
async def multipart_upload(
    client: Any,
    bucket: str,
    key: str,
    creation: Mapping[str, Any],
    arguments: Mapping[str, Any],
    wished: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncGenerator[MultipartUpload]:
    """Create a multipart upload, and abort it if the block does not end well.

    Args:
        client: The client.
        bucket: The bucket.
        key: The object's key.
        creation: What else `CreateMultipartUpload` takes.
        arguments: All of the user's arguments.
        wished: What the creation is asked with as well, if the server takes it.
    """
    creating = _Creation(client, bucket, key, creation, wished)
    try:
        upload = await asyncio.shield(creating.task)
    except asyncio.CancelledError as cancelled:
        # It may come into being all the same, and nobody would know its id.
        await finish(_give_up(creating, client, arguments, cancelled))
        raise
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
            await finish(_abort(upload, client, arguments, error))
        raise
    finally:
        client.at_close(upload, None)


async def _give_up(
    creating: _Creation, client: Any, arguments: Mapping[str, Any], error: asyncio.CancelledError
) -> None:
    """Leave no upload behind, or say that there may be one."""
    upload = await creating.give_up()
    if upload is not None:
        await _abort(upload, client, arguments, error)
    elif creating.may_have_succeeded:
        text = (
            f"A multipart upload of {creating.place} may be open, which costs money: CreateMultipartUpload was on its "
            "way when it was cancelled, and no answer came. list_multipart_uploads() tells; a lifecycle rule ends it."
        )
        error.add_note(text)
        logger.warning(text)


async def _abort(upload: MultipartUpload, client: Any, arguments: Mapping[str, Any], error: BaseException) -> None:
    """Abort an upload. If that fails, it is told with the error that was the reason, which goes on.

    Runs in a task of its own, for what it says of its requests: it has no time to queue up behind those of others, who
    got the connections of the parts.
    """
    is_urgent.set(True)
    patient = client.with_options(timeout=_LONGEST_ABORT)
    try:
        await patient.abort_multipart_upload(**upload.place, **only(arguments, OF_ABORTION))
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
