"""Tags and annotations, which `CopyObject` takes along and a copy in parts leaves behind: carries them over."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from botocore.exceptions import ClientError

from aiosdk._aws.error_kinds import take_after
from aiosdk.exceptions import S3CopyFailedError
from aiosdk.services.s3.arguments import only
from aiosdk.services.s3.errors import explain
from aiosdk.services.s3.workers import run_workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_TAGS: Final = "tags"
_OF_READING = ("RequestPayer", "ExpectedBucketOwner")
_OF_WRITING = ("RequestPayer", "ExpectedBucketOwner", "ChecksumAlgorithm")


class Attachments:
    """What is carried over: first `read`, when nothing is copied yet; then `write`, to the object that was made.

    Args:
        reader: The client that reads the source.
        source: Bucket, key and perhaps version of the source.
        given: The user's arguments. `TaggingDirective` is `COPY` if it is not among them and the source has tags, as
            it is for `CopyObject`. Annotations are carried over if `AnnotationDirective` is `COPY`: whether there are
            any is seen by asking alone, which takes a permission of its own.
        head: What `HeadObject` said of the source.
    """

    def __init__(
        self, reader: Any, source: Mapping[str, Any], given: Mapping[str, Any], head: Mapping[str, Any]
    ) -> None:
        self._reader = reader
        self._source = only(source, ("Bucket", "Key", "VersionId"))
        self._given = given
        self._tagging = given.get("TaggingDirective") or ("COPY" if head.get("TagCount") else None)
        self._tags: list[dict[str, str]] = []
        self._annotations: list[str] = []

    async def read(self) -> None:
        """Read the tags, and which annotations there are.

        Sends `GetObjectTagging` and `ListObjectAnnotations`, so that what may not be read is known before the copy.
        """
        asked = {**self._source, **only(self._given, _OF_READING)}
        if self._tagging == "COPY":
            self._tags = (await self._reader.get_object_tagging(**asked)).get("TagSet", [])
        elif self._tagging == "REPLACE":
            pairs = parse_qsl(self._given.get("Tagging", ""), keep_blank_values=True)
            self._tags = [{"Key": key, "Value": value} for key, value in pairs]
        if self._given.get("AnnotationDirective") == "COPY":
            await self._list_annotations(asked)

    async def _list_annotations(self, asked: dict[str, Any]) -> None:
        while True:
            page = await self._reader.list_object_annotations(**asked)
            self._annotations += [each["AnnotationName"] for each in page.get("Annotations", [])]
            token = page.get("NextContinuationToken")
            if not token or token == asked.get("ContinuationToken"):
                return
            asked = {**asked, "ContinuationToken": token}

    async def write(self, client: Any, bucket: str, key: str, completed: Mapping[str, Any], concurrency: int) -> None:
        """Give the object its tags and annotations, all that can be; raise the first error, which tells what it lacks.

        Sends `PutObjectTagging`, and for each annotation `GetObjectAnnotation` and `PutObjectAnnotation`.

        Args:
            client: The client that made the object.
            bucket: The bucket of the object.
            key: Its key.
            completed: What the completion of the upload answered.
            concurrency: How many requests are sent at once.
        """
        target = {"Bucket": bucket, "Key": key, **only(self._given, _OF_WRITING), **only(completed, ("VersionId",))}
        steps: list[tuple[str, Callable[[], Awaitable[Any]]]] = []
        if self._tags:
            steps.append((_TAGS, partial(client.put_object_tagging, **target, Tagging={"TagSet": self._tags})))
        if completed.get("ETag"):
            target["ObjectIfMatch"] = completed["ETag"]
        steps += [(f"annotation {each!r}", partial(self._carry, client, target, each)) for each in self._annotations]
        failures: list[tuple[str, Exception]] = []
        pending = iter(steps)

        async def work() -> None:
            for what, put in pending:
                try:
                    await put()
                except Exception as error:
                    failures.append((what, error))

        await run_workers(max(1, min(concurrency, len(steps))), work)
        if failures:
            missing = ", ".join(what for what, _ in failures)
            what, error = failures[0]
            explain(error, f"s3://{bucket}/{key} was copied and exists, but without its {missing}")
            if not isinstance(error, ClientError) or what == _TAGS:
                raise error
            refused: Any = error
            failed = S3CopyFailedError(
                source="annotations of s3://{Bucket}/{Key}".format(**self._source),
                bucket=bucket,
                key=key,
                error=str(error),
                response=refused.response,
                operation_name=refused.operation_name,
            )
            take_after(failed, error)
            raise failed from error

    async def _carry(self, client: Any, target: Mapping[str, Any], name: str) -> None:
        asked = {**self._source, **only(self._given, _OF_READING)}
        found = await self._reader.get_object_annotation(**asked, AnnotationName=name)
        async with found["AnnotationPayload"] as body:
            payload = await body.read()
        await client.put_object_annotation(**target, AnnotationName=name, AnnotationPayload=payload)
