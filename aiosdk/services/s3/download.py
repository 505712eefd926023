"""Downloads: an object's bytes into a file, in one request or in parts, several at once.

The first request asks for the whole object. Its answer tells size, ETag and checksum, and has the bytes: those of a
small object all of them, those of a large one until the end of its first part. So nothing is asked with `HeadObject`,
as boto3 does; what is checked is of one version of the object all the same. The other parts are asked for by their
range and `If-Match`, as is what is missing of a part whose body broke off.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from aiosdk import _off_loop
from aiosdk._aws.checksums import responses_are_checked
from aiosdk.exceptions import RetriesExceededError
from aiosdk.services.s3.arguments import DOWNLOAD, check_arguments
from aiosdk.services.s3.bandwidth import Bandwidth
from aiosdk.services.s3.bodies import BREAKS, ObjectBody
from aiosdk.services.s3.config import MiB, TransferConfig
from aiosdk.services.s3.errors import doing, explain
from aiosdk.services.s3.expected_checksum import ExpectedChecksum
from aiosdk.services.s3.part_writer import PartWriter, Turns
from aiosdk.services.s3.progress import Progress
from aiosdk.services.s3.ranges import Part, Parts, Version
from aiosdk.services.s3.sinks import sink_for_file, sink_for_path
from aiosdk.services.s3.threads import Thread
from aiosdk.services.s3.workers import run_workers

if TYPE_CHECKING:
    from aiosdk.services.s3.order import Order
    from aiosdk.services.s3.sinks import Sink

# What is written by one call of the system: enough to pay for its way to a thread.
BLOCK: Final = 2 * MiB
_LONGEST_PAUSE: Final = 20.0


async def download_file(order: Order, filename: Any) -> None:
    """Download an object to a path."""
    path, download = _path(filename), _Download(order)
    async with Progress.of(order) as progress:
        # On another thread, which ends: one that waited for the answer would be one for each download that does.
        await download.run(await _off_loop.call(sink_for_path, path), progress)


async def download_fileobj(order: Order, fileobj: Any) -> None:
    """Download an object into an open file."""
    sink, download = sink_for_file(fileobj), _Download(order)
    async with Progress.of(order) as progress:
        await download.run(sink, progress)


def _path(filename: str | os.PathLike[str]) -> str:
    try:
        path: object = os.fspath(filename)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise ValueError("Filename must be a string or a path-like object")  # noqa: TRY004 - boto3's
    return path


class _Download:
    """One download, from the first request to the last byte written."""

    def __init__(self, order: Order) -> None:
        arguments = check_arguments(order.arguments, DOWNLOAD, order.bucket)
        self.client, self.request = order.client, {"Bucket": order.bucket, "Key": order.key, **arguments}
        self.name = f"s3://{order.bucket}/{order.key}"
        self.settings = TransferConfig.of(order.config)
        self.bandwidth = Bandwidth(self.settings.max_bandwidth)

    async def run(self, sink: Sink, progress: Progress) -> None:
        """Do it, or leave nothing behind."""
        self.sink, self.progress = sink, progress
        self.turns = Turns(ordered=sink.is_ordered)
        self._thread = Thread()
        try:
            await self._get_all()
            with doing(f"downloading {self.name}"):
                self.expected.check()
                await sink.commit(self._thread)
        except BaseException:
            await sink.give_up()
            raise
        finally:
            self._thread.close()

    async def _get_all(self) -> None:
        answer = await self._first_answer()
        version = self.version = Version.of(answer)
        body = ObjectBody(answer, 0, version.size)
        try:
            self.progress.expect(version.size)
            parts = self.parts = Parts(version.size, self._part_size(version))
            self.expected = ExpectedChecksum(self.client, self.request, answer, parts.count)
            if not parts.count:
                await body.finish()
            self._first: _Worker | None = _Worker(self, self._thread, body)
            await run_workers(min(self.settings.concurrency, parts.count), self._work)
        finally:
            body.close()

    async def _first_answer(self) -> dict[str, Any]:
        with doing(f"downloading {self.name}"):
            try:
                return await self.client.get_object(**self.request)
            except ClientError as error:
                refused = error
            if responses_are_checked(self.client) and 400 <= _status(refused) < 500:
                # boto3 asks with HeadObject then, and its users look for what that says: the code "404", say.
                try:
                    await self.client.head_object(**self.request)
                except ClientError as error:
                    raise error from refused
            raise refused

    def _part_size(self, version: Version) -> int | None:
        """The size of the parts; None for one part, as of an object of which no version can be asked for."""
        if version.size is None or version.etag is None or version.size < self.settings.multipart_threshold:
            return None
        return self.settings.multipart_chunksize

    async def _work(self) -> None:
        worker, self._first = self._first, None
        if worker is not None:
            await worker.run()
            return
        thread = Thread()
        try:
            await _Worker(self, thread, None).run()
        finally:
            thread.close()


class _Worker:
    """Gets parts, one after the other.

    Args:
        download: Of what.
        thread: Writes what comes.
        body: Is open already, if there is one.
    """

    def __init__(self, download: _Download, thread: Thread, body: ObjectBody | None) -> None:
        self._download, self._thread, self._body = download, thread, body

    async def run(self) -> None:
        """Get parts until there are none."""
        try:
            while (part := self._download.parts.take()) is not None:
                await self._get(part)
        finally:
            self._drop_body()

    async def _get(self, part: Part) -> None:
        """Get one part, to its last byte written."""
        download = self._download
        settings, ordered = download.settings, download.sink.is_ordered
        what = download.name if download.parts.count == 1 else f"{part} of {download.name}"
        checksum = download.expected.of_part()
        writer = PartWriter(
            download.sink,
            self._thread,
            download.turns,
            part.number,
            part.start,
            settings.multipart_chunksize if ordered else BLOCK,
            checksum,
            download.progress,
            what,
        )
        try:
            end = await self._receive(part, writer, what)
            await writer.finish()
        finally:
            await writer.stop()
        download.expected.add(part, end - part.start, checksum)

    async def _receive(self, part: Part, writer: PartWriter, what: str) -> int:
        """Receive a part, going on where its body breaks off, and give where it ends.

        Each break counts, also one after some bytes; but what is as long as a part may break off as often as a part.
        """
        download, position, breaks, counted_from = self._download, part.start, 0, part.start
        # One that is kept slow takes little at a time, so that it is not fast and then stands still.
        most = BLOCK if download.settings.max_bandwidth is None else download.bandwidth.piece
        while part.end is None or position < part.end:
            with doing(f"downloading {what}"):
                body = await self._body_at(position, part)
            try:
                block = await body.read(most if part.end is None else min(most, part.end - position))
            except BREAKS as error:
                self._drop_body()
                if position - counted_from >= download.settings.multipart_chunksize:
                    breaks, counted_from = 0, position
                breaks += 1
                if (
                    part.end is None
                    or download.version.etag is None
                    or breaks >= download.settings.num_download_attempts
                ):
                    raise RetriesExceededError(what=what, attempts=breaks, last_exception=error) from error
                await asyncio.sleep(random.random() * min(_LONGEST_PAUSE, 0.05 * 2**breaks))  # noqa: S311 - no secret
                continue
            if not block:
                break
            size = sum(map(len, block))
            position += size
            await download.bandwidth.take(size)
            await writer.put(block)
        if self._body is not None and self._body.position == self._body.end:
            await self._body.finish()
            self._body = None
        return position

    async def _body_at(self, position: int, part: Part) -> ObjectBody:
        """Give the body that is open if it stands there, or ask for one from there to the end of a part."""
        if self._body is not None and self._body.position == position:
            return self._body
        self._drop_body()
        download, end = self._download, part.end
        assert end is not None
        try:
            answer = await download.client.get_object(
                **download.request, Range=f"bytes={position}-{end - 1}", IfMatch=download.version.etag
            )
        except ClientError as error:
            if _status(error) == 412:
                explain(error, "it was replaced by another object meanwhile: download it again")
            raise
        body = self._body = ObjectBody(answer, position, end)
        download.version.check(answer, position, end)
        return body

    def _drop_body(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()


def _status(error: ClientError) -> int:
    response: Any = error.response
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
