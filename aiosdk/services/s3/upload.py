"""Uploads: one request for a small source; for a large one its parts, several at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from aiosdk import _off_loop
from aiosdk._aws.checksums import FlexibleChecksumError
from aiosdk._aws.error_kinds import take_after
from aiosdk._transport.block import Block
from aiosdk.exceptions import S3UploadFailedError
from aiosdk.services.s3 import arguments as args
from aiosdk.services.s3.bandwidth import Bandwidth
from aiosdk.services.s3.buffers import make_buffer
from aiosdk.services.s3.checksums import WholeCRC, algorithm_of, as_text, can_be_of_whole, digest
from aiosdk.services.s3.config import MAX_PART_SIZE, MAX_PARTS, TransferConfig
from aiosdk.services.s3.errors import doing
from aiosdk.services.s3.multipart import MultipartUpload, multipart_upload
from aiosdk.services.s3.pieces import InTurn
from aiosdk.services.s3.progress import Progress
from aiosdk.services.s3.source_kinds import FileOnDisk, Memory
from aiosdk.services.s3.sources import open_object, open_path
from aiosdk.services.s3.workers import finish, run_workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk.services.s3.order import Order
    from aiosdk.services.s3.source_kinds import Source

# What S3 says of bytes that were damaged on their way. botocore does not try again.
_DAMAGED: Final = ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch")
# What is hashed at once without being felt.
_QUICK: Final = 64 * 1024


async def upload_file(order: Order, filename: str | os.PathLike[str]) -> None:
    """Upload a file by its path."""
    if isinstance(filename, os.PathLike):
        filename = os.fspath(filename)
    if not isinstance(filename, str):  # pyright: ignore[reportUnnecessaryIsInstance] - it is what users get wrong
        raise ValueError("Filename must be a string or a path-like object")  # noqa: TRY004 - as boto3
    upload = _Upload(order)
    await _run(upload, order, await open_path(filename))


async def upload_fileobj(order: Order, fileobj: Any) -> None:
    """Upload what an object gives to read."""
    upload = _Upload(order)
    await _run(upload, order, await open_object(fileobj))


async def _run(upload: _Upload, order: Order, source: Source) -> None:
    try:
        async with Progress.of(order) as progress:
            progress.expect(source.size)
            await upload.run(source, progress)
    except S3UploadFailedError:
        raise
    except ClientError as error:
        facts = {"source": source.name, "bucket": order.bucket, "key": order.key, "error": f"{error}{_advice(error)}"}
        refused = S3UploadFailedError(**facts, response=error.response, operation_name=error.operation_name)
        take_after(refused, error)
        raise refused from error
    finally:
        await finish(source.close())


def _advice(error: ClientError) -> str:
    if error.response["Error"]["Code"] != "NotImplemented":
        return ""
    return (
        ". If the store takes no checksums, have none sent where they are not required: "
        'Config(request_checksum_calculation="when_required")'
    )


class _Upload:
    """One upload to one key."""

    def __init__(self, order: Order) -> None:
        self.bucket, self.key = order.bucket, order.key
        self._client = order.client
        self._config = TransferConfig.of(order.config)
        self._arguments = args.check_arguments(order.arguments, args.UPLOAD, order.bucket)
        self._algorithm = algorithm_of(order.client, self._arguments)
        if self._algorithm is not None:
            digest(self._algorithm)  # raises where there is no such algorithm
        self._bandwidth = Bandwidth(self._config.max_bandwidth)

    async def run(self, source: Source, progress: Progress) -> None:
        """Upload a source."""
        threshold = min(self._config.multipart_threshold, MAX_PART_SIZE)
        with doing(f"uploading {source.name} to s3://{self.bucket}/{self.key}"):
            # What others say of their size need not come.
            if isinstance(source, (Memory, FileOnDisk)) and source.size >= threshold:
                await self._in_parts(source, memoryview(b""), progress)
            elif isinstance(source, Memory):
                await self._at_once(source.slice(threshold), progress)
            elif isinstance(source, FileOnDisk) and source.size > self._most_memory():
                await self._as_file(source, progress)
            else:
                await self._measured(source, min(threshold, self._most_memory()), progress)

    def _most_memory(self) -> int:
        """How much a source may take: what its parts would."""
        return self._config.concurrency * self._config.part_size(0)

    async def _measured(self, source: Source, threshold: int, progress: Progress) -> None:
        """Upload a source that may have more or less bytes than it says: those that come are what counts."""
        size = source.size
        buffer = make_buffer(threshold if size is None else min(threshold, size + 1))
        filled = await source.fill(buffer)
        if filled == len(buffer) < threshold:
            buffer, short = make_buffer(threshold), buffer
            buffer[:filled] = short
            filled += await source.fill(buffer[filled:])
        if filled < threshold:
            await self._at_once(buffer[:filled], progress)
        else:
            await self._in_parts(source, buffer, progress)

    async def _as_file(self, source: FileOnDisk, progress: Progress) -> None:
        given = args.without(self._arguments, args.NOT_OF_PUT)
        if self._algorithm is not None and f"Checksum{self._algorithm}" not in given:
            given["ChecksumAlgorithm"] = self._algorithm
        with self._bandwidth.limits():
            await self._client.put_object(Bucket=self.bucket, Key=self.key, Body=source.as_file(), **given)
        await progress.add(source.size)

    async def _at_once(self, data: memoryview, progress: Progress) -> None:
        given = args.without(self._arguments, args.NOT_OF_PUT)
        if self._algorithm is not None and f"Checksum{self._algorithm}" not in given:
            checksum = await _digest(self._algorithm, data)
            given |= {"ChecksumAlgorithm": self._algorithm, f"Checksum{self._algorithm}": as_text(checksum)}
        place = {"Bucket": self.bucket, "Key": self.key}
        await self._send(self._client.put_object, {**place, **given}, data, None)
        await progress.add(len(data))

    async def _in_parts(self, source: Source, first: memoryview, progress: Progress) -> None:
        config, given, size = self._config, self._arguments, source.size
        part_size = None if size is None else config.part_size(size)
        parts = None if size is None or part_size is None else -(-size // part_size)
        pieces = InTurn(source, lambda number: part_size or config.part_size_at(number), first)
        whole = self._checks_whole()
        creation = args.without(given, args.NOT_OF_CREATION) | self._creation()
        wished = {"ChecksumType": "FULL_OBJECT"} if whole and "ChecksumType" not in creation else {}
        crcs: dict[int, tuple[bytes, int]] = {}

        async with multipart_upload(self._client, self.bucket, self.key, creation, given, wished) as upload:

            async def work() -> None:
                buffer = memoryview(b"")
                while (piece := await pieces.fill(buffer)) is not None:
                    number, buffer, data = piece
                    with doing(f"part {number} of {parts or 'an unknown number'}"):
                        crcs[number] = await self._part(upload, number, data), len(data)
                    await progress.add(len(data))

            at_once = config.concurrency if parts is None else min(config.concurrency, parts)
            await run_workers(at_once, work)
            if isinstance(source, FileOnDisk):
                await source.look()
            completion = args.only(given, args.OF_COMPLETION)
            if whole and upload.is_checked_whole:
                completion |= _of_whole(str(self._algorithm), crcs)
            await upload.complete(completion)

    def _checks_whole(self) -> bool:
        """Whether the object's checksum is to be one of all its bytes, worked out here."""
        given = self._arguments
        return (
            can_be_of_whole(self._algorithm)
            and given.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
            and f"Checksum{self._algorithm}" not in given
        )

    def _creation(self) -> dict[str, Any]:
        if self._algorithm is None:
            return {}
        created = {"ChecksumAlgorithm": self._algorithm}
        if f"Checksum{self._algorithm}" in self._arguments:
            created["ChecksumType"] = "FULL_OBJECT"
        return created

    async def _part(self, upload: MultipartUpload, number: int, data: memoryview) -> bytes:
        """Send a part, and give its checksum."""
        if number > MAX_PARTS:
            raise ValueError(
                f"The source has more bytes than {MAX_PARTS} parts of this size hold, and S3 takes no more. Give a "
                "larger part size: Config=TransferConfig(multipart_chunksize=...)."
            )
        given: dict[str, Any] = {**upload.place, "PartNumber": number, **args.only(self._arguments, args.OF_PART)}
        if self._algorithm is None:
            upload.add(number, await self._send(self._client.upload_part, given, data, None), None)
            return b""
        checksum, name = await _digest(self._algorithm, data), f"Checksum{self._algorithm}"
        given |= {"ChecksumAlgorithm": self._algorithm, name: as_text(checksum)}
        upload.add(number, await self._send(self._client.upload_part, given, data, name), name)
        return checksum

    async def _send(
        self, call: Any, given: dict[str, Any], data: memoryview, checksum: str | None
    ) -> Mapping[str, Any]:
        """Send bytes, again if they arrived damaged.

        Args:
            call: The client's method.
            given: Its parameters, without the body.
            data: The body.
            checksum: The name of the parameter with the checksum that the answer should have as well.
        """
        for attempts_left in reversed(range(self._config.num_download_attempts)):
            try:
                with self._bandwidth.limits():
                    answer: Mapping[str, Any] = await call(**given, Body=Block(data))
            except ClientError as error:
                if not attempts_left or error.response["Error"]["Code"] not in _DAMAGED:
                    raise
                continue
            if checksum is None or answer.get(checksum, given[checksum]) == given[checksum]:
                return answer
            if not attempts_left:
                break
        raise FlexibleChecksumError(
            error_msg=f"The server has other bytes than were sent: {checksum} is not {given[str(checksum)]}"
        )


async def _digest(algorithm: str, data: memoryview) -> bytes:
    if len(data) <= _QUICK:
        return digest(algorithm, data)
    return await _off_loop.call(digest, algorithm, data)


def _of_whole(algorithm: str, crcs: dict[int, tuple[bytes, int]]) -> dict[str, str]:
    """What is said of the whole object when it is completed."""
    whole = WholeCRC(algorithm)
    for number in sorted(crcs):
        whole.add(*crcs[number])
    return {f"Checksum{algorithm}": as_text(whole.digest()), "ChecksumType": "FULL_OBJECT"}
