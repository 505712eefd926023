"""Uploads a directory: what is missing or different in the bucket is sent, what is surplus there deleted if wished."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from aiosdk import _off_loop
from aiosdk._aws.error_kinds import classify
from aiosdk.exceptions import FileChangedError, TreeNameError
from aiosdk.resources.actions import send
from aiosdk.services.s3.source_kinds import state_of
from aiosdk.services.s3.sources import InOneState
from aiosdk.services.s3.trees.compare import SSE_C, content_difference, difference
from aiosdk.services.s3.trees.jobs import own_cancellation_only
from aiosdk.services.s3.trees.names import key_problem
from aiosdk.services.s3.trees.result import TreeEntry
from aiosdk.services.s3.trees.run import Pair, TreeRun
from aiosdk.services.s3.trees.settings import source_root
from aiosdk.services.s3.trees.walk import LocalFile, Oddity

if TYPE_CHECKING:
    from aiosdk.services.s3.trees.jobs import Jobs
    from aiosdk.services.s3.trees.listing import RemoteObject
    from aiosdk.services.s3.trees.settings import TreeSettings

_MOST: Final = 1000
"""How many keys a DeleteObjects request takes."""

_ATTEMPTS: Final = 3
"""How often a file is uploaded that changes meanwhile."""

_SLASH: Final = re.compile("/")
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _state(path: str) -> tuple[int, int]:
    """The state of a file; something else if it is gone. Blocks."""
    try:
        return state_of(os.stat(path))
    except OSError:
        return -1, 0


class Upload(TreeRun):
    """A run from a directory to a prefix."""

    direction = "up"

    def __init__(self, settings: TreeSettings) -> None:
        super().__init__(settings)
        self._surplus: list[RemoteObject] = []

    def _open_root(self, path: str) -> str:
        return source_root(path)

    def _forget_surplus(self) -> None:
        self._surplus.clear()

    async def _take(self, jobs: Jobs, pairs: list[Pair]) -> None:
        for local, remote in pairs:
            if isinstance(local, LocalFile):
                await self._take_file(jobs, local, remote)
            elif local is not None:
                self._put_aside(local)
            elif remote is not None and self._settings.delete and not remote.is_marker:
                self._surplus.append(remote)

    def _put_aside(self, oddity: Oddity) -> None:
        relative = oddity.relative
        known = key_problem(relative) is None
        entry = TreeEntry(self._key(relative) if known else None, self._path(relative), None, oddity.why, oddity.error)
        (self._failed if oddity.error else self._skipped).append(entry)

    async def _take_file(self, jobs: Jobs, local: LocalFile, remote: RemoteObject | None) -> None:
        settings = self._settings
        if problem := key_problem(self._key(local.relative)):
            path = self._path(local.relative)
            error = TreeNameError(what=f"the file {path!r}", problem=problem, hint="")
            self._failed.append(TreeEntry(None, path, local.size, str(error), error))
            return
        if remote is None:
            why = "overwritten" if settings.overwrite else "not in the bucket yet"
        else:
            why = difference(local, remote, settings.compare, up=True)
            if why is None and settings.compare != "checksum":
                same = "the same size" if settings.compare == "size" else "the same size, and the file is not newer"
                self._skipped.append(self._entry(local.relative, local.size, same))
                return
        if why is not None and settings.dry_run:
            self._done.append(self._entry(local.relative, local.size, why))
            return
        await jobs.start(self._send(local, remote, why), settings.weight(local.size, up=True))

    async def _send(self, local: LocalFile, remote: RemoteObject | None, why: str | None) -> None:
        """Upload a file, or find out first whether that is needed."""
        settings = self._settings
        relative, path, key, size = local.relative, self._path(local.relative), self._key(local.relative), local.size
        try:
            if why is None:
                assert remote is not None
                head = {"Bucket": settings.bucket, "Key": key, **settings.of_request(*SSE_C)}
                why, same = await content_difference(settings.client, head, path, remote)
                if why is None:
                    self._skipped.append(self._entry(relative, size, same))
                    return
            if not settings.dry_run:
                with own_cancellation_only():
                    size = await self._upload(path, key, size)
        except Exception as error:
            self._fail(relative, size, error)
        else:
            self._done.append(self._entry(relative, size, why))

    async def _upload(self, path: str, key: str, expected: int) -> int:
        """Upload a file, and again if it was written to meanwhile; gives the size that was sent.

        Written to while it is read, it becomes no object. Written to when it was read and the object not yet there, it
        is sent again if its size is the same: the object, which is newer, would pass for the same ever after. Of
        another size, the next run sends it. So it does with a log that grows all the time, if nothing else befalls it,
        which takes checksums to see: not at the first attempt.
        """
        settings, changed = self._settings, None
        for attempt in range(_ATTEMPTS):
            self._progress.expect_more(expected)
            file = InOneState(path, may_grow=attempt > 0)
            try:
                await settings.client.upload_fileobj(file, settings.bucket, key, **self._arguments())
            except FileChangedError as error:
                changed = error
                continue
            size, now = file.state[0], await _off_loop.call(_state, path)
            if now == file.state or now[0] != size:
                return size
        problem = f"it was written to during each of {_ATTEMPTS} attempts"
        raise FileChangedError(path=path, problem=problem) from changed

    async def _delete(self, jobs: Jobs) -> None:
        if self._local.incomplete:
            why = "not deleted, for a part of the directory could not be read"
            self._skipped += [self._entry(each.relative, each.size, why) for each in self._surplus]
            return
        surplus = self._without_unseen()
        if self._settings.dry_run:
            self._note_deleted(surplus)
        else:
            odd = [each for each in surplus if _NOT_IN_XML.search(each.relative)]
            usual = [each for each in surplus if not _NOT_IN_XML.search(each.relative)] if odd else surplus
            for start in range(0, len(usual), _MOST):
                await jobs.start(self._delete_many(usual[start : start + _MOST]))
            for each in odd:  # which the body of DeleteObjects, being XML, cannot hold
                await jobs.start(self._delete_one(each))

    def _without_unseen(self) -> list[RemoteObject]:
        """What is surplus for certain; tells of what may be in the directory, below a link that leads nowhere, say."""
        unseen = self._local.unseen
        if not unseen:
            return self._surplus
        surplus: list[RemoteObject] = []
        for each in self._surplus:
            above = (each.relative[: slash.end()] for slash in _SLASH.finditer(each.relative))
            if place := next((name for name in above if name in unseen), None):
                why = f"not deleted, for {place!r} was not looked into"
                self._skipped.append(self._entry(each.relative, each.size, why))
            else:
                surplus.append(each)
        return surplus

    async def _delete_many(self, objects: list[RemoteObject]) -> None:
        keys = [{"Key": self._key(each.relative)} for each in objects]
        settings = self._settings
        params: dict[str, Any] = {"Bucket": settings.bucket, "Delete": {"Objects": keys, "Quiet": True}}
        try:
            answer = await send(settings.client, "s3", "DeleteObjects", {**params, **settings.of_request()})
        except Exception as error:
            for each in objects:
                self._fail(each.relative, each.size, error)
            return
        failed: dict[str, dict[str, Any]] = {each.get("Key", ""): each for each in answer.get("Errors", [])}
        for each in objects:
            if error := failed.get(self._key(each.relative)):
                refused = ClientError({"Error": error}, "DeleteObjects")
                classify(refused)
                self._fail(each.relative, each.size, refused)
        self._note_deleted([each for each in objects if self._key(each.relative) not in failed])

    async def _delete_one(self, gone: RemoteObject) -> None:
        settings = self._settings
        params = {"Bucket": settings.bucket, "Key": self._key(gone.relative), **settings.of_request()}
        try:
            await send(settings.client, "s3", "DeleteObject", params)
        except Exception as error:
            self._fail(gone.relative, gone.size, error)
        else:
            self._note_deleted([gone])

    def _note_deleted(self, objects: list[RemoteObject]) -> None:
        self._deleted += [self._entry(each.relative, each.size, "not in the directory") for each in objects]
