"""Copies objects within S3: in one request, or in parts of which S3 copies several at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from aiosdk._aws.error_kinds import take_after
from aiosdk.exceptions import S3CopyFailedError
from aiosdk.services.s3.arguments import (
    COPY,
    NOT_OF_COPY_CREATION,
    OF_COMPLETION,
    OF_PART_COPY,
    OF_SOURCE,
    check_arguments,
    only,
    without,
)
from aiosdk.services.s3.attachments import Attachments
from aiosdk.services.s3.config import TransferConfig
from aiosdk.services.s3.errors import doing
from aiosdk.services.s3.multipart import MultipartUpload, multipart_upload
from aiosdk.services.s3.progress import Progress
from aiosdk.services.s3.workers import run_workers

if TYPE_CHECKING:
    from aiosdk.services.s3.order import Order

logger: Final = logging.getLogger(__name__)

MOST_IN_ONE_COPY: Final = 5 * 1024**3
"""The largest object that `CopyObject` takes, in bytes."""

# What `CopyObject` takes over from the source by itself, and a copy in parts has to be told.
_PRESERVED: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
)


async def copy(order: Order, copy_source: Mapping[str, Any], source_client: Any) -> None:
    """Copy an object: `S3Client.copy`, where the arguments are described.

    A copy in one request is of whatever the source is when S3 gets to it, as with `CopyObject` itself; S3 copies that
    as one, bytes and metadata, so there is nothing to pin. The parts of a larger one are all of what `HeadObject` saw.
    """
    source = _check_source(copy_source)
    given = check_arguments(order.arguments, COPY, order.bucket)
    check_arguments(None, COPY, source["Bucket"])
    settings = TransferConfig.of(order.config)
    _warn_of_directives(given)
    job = _Copy(order, _check_reader(order.client, source_client), source, given)
    async with Progress.of(order) as told:
        size = await job.look()
        told.expect(size)
        if size < settings.multipart_threshold and size <= MOST_IN_ONE_COPY:
            await job.copy_at_once()
            await told.add(size)
        else:
            await job.copy_in_parts(settings, told)


class _Copy:
    """One object on its way from one place to another."""

    def __init__(self, order: Order, reader: Any, source: dict[str, Any], given: dict[str, Any]) -> None:
        self._client, self._bucket, self._key = order.client, order.bucket, order.key
        self._reader = reader
        self._source = source
        self._given = given
        self._what = f"s3://{source['Bucket']}/{source['Key']} to s3://{order.bucket}/{order.key}"
        self._head: dict[str, Any] = {}

    async def look(self) -> int:
        """Look at the source; its size in bytes."""
        asked = {OF_SOURCE[name]: value for name, value in self._given.items() if name in OF_SOURCE}
        with doing(f"copying {self._what}"):
            self._head = await self._reader.head_object(**{**self._source, **asked})
        return self._head["ContentLength"]

    async def copy_at_once(self) -> None:
        """Copy the object by one request."""
        place = {"Bucket": self._bucket, "Key": self._key}
        with doing(f"copying {self._what}"):
            await self._client.copy_object(**place, CopySource=self._source, **self._given)

    async def copy_in_parts(self, settings: TransferConfig, told: Progress) -> None:
        """Copy the object by one request per part, and after them what belongs to it and is no part."""
        attachments = Attachments(self._reader, self._source, self._given, self._head)
        with doing(f"copying {self._what}"):
            await attachments.read()
        completed = await self._copy_parts(settings, told)
        await attachments.write(self._client, self._bucket, self._key, completed, settings.concurrency)

    async def _copy_parts(self, settings: TransferConfig, told: Progress) -> dict[str, Any]:
        """Copy the bytes; what the server answered to the completion."""
        size: int = self._head["ContentLength"]
        part_size = settings.part_size(size)
        ranges = [(start, min(start + part_size, size)) for start in range(0, size, part_size)]
        async with AsyncExitStack() as stack:
            with doing(f"copying {self._what}"):
                upload = await stack.enter_async_context(
                    multipart_upload(self._client, self._bucket, self._key, self._creation(), self._given)
                )
            numbered = enumerate(ranges, 1)

            async def work() -> None:
                for number, (start, end) in numbered:
                    await self._copy_part(upload, number, len(ranges), start, end)
                    await told.add(end - start)

            await run_workers(min(settings.concurrency, len(ranges)), work)
            with doing(f"copying {self._what}"):
                return await upload.complete(only(self._given, OF_COMPLETION))

    def _creation(self) -> dict[str, Any]:
        """What the upload is created with: the metadata of the source, or those that are to replace them."""
        given = self._given
        if given.get("MetadataDirective") != "REPLACE":
            given = {**without(given, _PRESERVED), **only(self._head, _PRESERVED)}
        return without(given, NOT_OF_COPY_CREATION)

    async def _copy_part(self, upload: MultipartUpload, number: int, count: int, start: int, end: int) -> None:
        asked: dict[str, Any] = {
            **only(self._given, OF_PART_COPY),
            "CopySource": self._source,
            "CopySourceRange": f"bytes={start}-{end - 1}",
        }
        if (etag := self._head.get("ETag")) is not None:
            asked["CopySourceIfMatch"] = etag  # every part is of one and the same object
        with doing(f"part {number} of {count} of {self._what}"):
            try:
                answer = await self._client.upload_part_copy(**upload.place, PartNumber=number, **asked)
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                raise self._failed(error) from error
        algorithm: str | None = self._given.get("ChecksumAlgorithm")
        upload.add(number, answer["CopyPartResult"], f"Checksum{algorithm.upper()}" if algorithm else None)

    def _failed(self, error: ClientError) -> S3CopyFailedError:
        source = f"s3://{self._source['Bucket']}/{self._source['Key']}"
        said = f"{str(error).rstrip('.')}. The source was replaced by another object while it was copied: copy it again"
        facts = {"source": source, "bucket": self._bucket, "key": self._key, "error": said}
        failed = S3CopyFailedError(**facts, response=error.response, operation_name=error.operation_name)
        take_after(failed, error)
        return failed


def _check_source(source: Any) -> dict[str, Any]:
    """Give the source as a dictionary, without a version that is None, as a resource has it where there are none."""
    said = f"{source!r:.80} of type {type(source).__name__}"
    given = dict(cast("Mapping[str, Any]", source)) if isinstance(source, Mapping) else {}
    # With the two other names `HeadObject` would tell the size of a part or a range.
    if not given.keys() >= {"Bucket", "Key"} or given.keys() & {"Range", "PartNumber"}:
        raise TypeError(
            f'Expecting dictionary formatted: {{"Bucket": bucket_name, "Key": key}} but got {said}. '
            'It may have a "VersionId" as well.'
        )
    return {name: value for name, value in given.items() if name != "VersionId" or value is not None}


def _check_reader(client: Any, source_client: Any) -> Any:
    """Give the client that reads the source."""
    if source_client is None:
        return client
    if isinstance(source_client, BaseClient) and not hasattr(source_client, "__aenter__"):
        raise TypeError(
            f"SourceClient={source_client!r} is a client of boto3, which would block the event loop: give one of "
            'ours, `await session.client("s3")`.'
        )
    return source_client


def _warn_of_directives(given: Mapping[str, Any]) -> None:
    """Warn of what S3 ignores unless it is told to replace what the source has."""
    for name, directive in (("Metadata", "MetadataDirective"), ("Tagging", "TaggingDirective")):
        if given.get(name) and given.get(directive) is None:
            logger.warning(
                "The copy will not have the %s of ExtraArgs, but what its source has: that takes %s='REPLACE' as well.",
                name,
                directive,
            )
