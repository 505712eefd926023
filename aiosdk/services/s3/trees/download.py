"""Downloads a prefix: what is missing or different in the directory is fetched, what is surplus deleted if wished."""

from __future__ import annotations

import os
import secrets
from itertools import count
from typing import TYPE_CHECKING, Any

from aiosdk.exceptions import TreeRootError
from aiosdk.services.s3.trees.compare import SSE_C, content_difference, difference
from aiosdk.services.s3.trees.jobs import own_cancellation_only, to_its_end
from aiosdk.services.s3.trees.listing import RemoteObject
from aiosdk.services.s3.trees.names import path_problem, refused_key
from aiosdk.services.s3.trees.result import TreeEntry
from aiosdk.services.s3.trees.run import Pair, TreeRun
from aiosdk.services.s3.trees.settings import target_root
from aiosdk.services.s3.trees.target import NotFollowedError, Target, put_in_place, remove
from aiosdk.services.s3.trees.walk import BATCH, LEFT_BEHIND, LocalFile, Oddity, Walk

if TYPE_CHECKING:
    from aiosdk.services.s3.trees.jobs import Jobs
    from aiosdk.services.s3.trees.settings import TreeSettings

Decision = tuple[LocalFile | None, RemoteObject, str | None]
"""What is here of an object, the object, and why it is to be fetched: None for why if that depends on contents."""


class Download(TreeRun):
    """A run from a prefix to a directory."""

    direction = "down"

    def __init__(self, settings: TreeSettings) -> None:
        super().__init__(settings)
        self._surplus: list[LocalFile] = []
        self._files_above: list[str] = []
        """Objects whose keys the present key begins with, the shortest first."""
        self._linked: list[Decision] = []
        """What would be written through a symbolic link to a directory, and comes last."""
        self._linked_same: list[str] = []
        """What is behind such a link and the same as its object."""
        self._target: Target
        run = secrets.token_hex(6)
        self._unfinished = (f".{run}-{number}{LEFT_BEHIND}" for number in count())

    def _open_root(self, path: str) -> str:
        root = target_root(path)
        settings = self._settings
        self._target = Target(root, follow_symlinks=settings.follow_symlinks, dry_run=settings.dry_run)
        return root

    def _walk(self) -> Walk:
        return Walk(self._root, self._settings.choice, follow_symlinks=self._settings.follow_symlinks, must_be=False)

    def _forget_surplus(self) -> None:
        self._surplus.clear()
        self._files_above.clear()
        self._linked.clear()
        self._linked_same.clear()

    async def _take(self, jobs: Jobs, pairs: list[Pair]) -> None:
        wanted: list[Decision] = []
        for local, remote in pairs:
            if remote is not None:
                if self._is_possible(remote) and (decision := self._decide(local, remote)):
                    wanted.append(decision)
            elif isinstance(local, Oddity):
                self._put_aside(local)
            elif local is not None and self._settings.delete:
                self._surplus.append(local)
        names = [each.relative for _, each, _ in wanted]
        ready = await to_its_end(self._target.make_ready, names) if names else []
        for decision, problem in zip(wanted, ready, strict=True):
            remote = decision[1]
            if isinstance(problem, NotFollowedError):
                self._skipped.append(self._entry(remote.relative, remote.size, str(problem)))
            elif problem is not None:
                self._fail(remote.relative, remote.size, problem)
            elif remote.relative.rpartition("/")[0] in self._target.behind_links:
                self._linked.append(decision)
            else:
                await self._start(jobs, *decision)

    async def _start(self, jobs: Jobs, local: LocalFile | None, remote: RemoteObject, why: str | None) -> None:
        if why is not None and self._settings.dry_run:
            self._done.append(self._entry(remote.relative, remote.size, why))
        else:
            await jobs.start(self._fetch(local, remote, why), self._settings.weight(remote.size, up=False))

    async def _transfer(self, jobs: Jobs) -> None:
        await super()._transfer(jobs)
        if self._linked:
            await jobs.drain()  # so that all other keys are in the result
            await self._take_linked(jobs)

    async def _take_linked(self, jobs: Jobs) -> None:
        """Fetch what is written through links, but for what is the file of another key already.

        Each of the two would be fetched over the other by every run.
        """
        names = [*self._linked_same, *(each.relative for _, each, _ in self._linked)]
        places = await to_its_end(self._target.real_places, names)
        key_of = {each.key: each.key for each in (*self._done, *self._skipped, *self._failed)}
        decisions = {each[1].relative: each for each in self._linked}
        for relative, place in zip(names, places, strict=True):
            key = self._key(relative)
            other = key_of.setdefault(self._key(place), key)
            if (decision := decisions.get(relative)) is None:
                continue
            if other == key:
                await self._start(jobs, *decision)
            else:
                error = refused_key(key, f"is the same file as {other!r}, through a symbolic link in the directory")
                self._fail(relative, decision[1].size, error)

    def _put_aside(self, oddity: Oddity) -> None:
        """Tell of something that is here only where it matters: it may hide files that are surplus."""
        if self._settings.delete:
            entry = TreeEntry(None, self._path(oddity.relative), None, oddity.why, oddity.error)
            (self._failed if oddity.error else self._skipped).append(entry)

    def _is_possible(self, remote: RemoteObject) -> bool:
        """Whether a key can be a file here; notes it otherwise."""
        relative, portable = remote.relative, self._settings.portable_names
        key = self._key(relative)
        if remote.is_marker:
            self._skipped.append(TreeEntry(key, None, 0, "only marks a directory"))
            return False
        problem = "ends in a slash, which no file name does" if relative.endswith("/") or not relative else None
        problem = problem or path_problem(relative, portable=portable)
        relaxed = portable and path_problem(relative, portable=False) is None if problem else False
        if problem is None and (file := self._file_in_the_way(relative)):
            problem = f"needs a directory where the object {self._key(file)!r} is a file"
        if problem is None:
            return True
        error = refused_key(key, problem, portable=relaxed)
        self._failed.append(TreeEntry(key, None, remote.size, str(error), error))
        return False

    def _file_in_the_way(self, relative: str) -> str | None:
        """The object, if there is one, that is a file where this one needs a directory. Keys come in order."""
        above = self._files_above
        while above and not relative.startswith(above[-1]):
            above.pop()
        for file in above:
            if relative[len(file)] == "/":
                return file
        above.append(relative)
        return None

    def _decide(self, local: LocalFile | Oddity | None, remote: RemoteObject) -> Decision | None:
        """Say why an object is to be fetched, None for why if that depends on contents; nothing if it is the same."""
        compare = self._settings.compare
        if not isinstance(local, LocalFile):
            return None, remote, "overwritten" if self._settings.overwrite else "not in the directory yet"
        why = difference(local, remote, compare, up=False)
        if why is None and compare != "checksum":
            same = "the same size" if compare == "size" else "the same size and time"
            self._skipped.append(self._entry(remote.relative, remote.size, same))
            if local.behind_link:
                self._linked_same.append(remote.relative)
            return None
        return local, remote, why

    async def _fetch(self, local: LocalFile | None, remote: RemoteObject, why: str | None) -> None:
        """Download an object, or find out first whether that is needed."""
        relative, path = remote.relative, self._path(remote.relative)
        try:
            if why is None:
                why, same = await content_difference(self._settings.client, self._head(relative), path, remote)
                if why is None:
                    self._skipped.append(self._entry(relative, remote.size, same))
                    return
            if not self._settings.dry_run:
                with own_cancellation_only():
                    await self._download(path, remote)
        except Exception as error:
            self._fail(relative, remote.size, error)
        else:
            self._done.append(self._entry(relative, remote.size, why))

    def _head(self, relative: str) -> dict[str, Any]:
        settings = self._settings
        return {"Bucket": settings.bucket, "Key": self._key(relative), **settings.of_request(*SSE_C)}

    async def _download(self, path: str, remote: RemoteObject) -> None:
        """Fetch an object beside its place and put it there with its time, so that a file in place is complete.

        Were the time set afterwards, a run that is cancelled in between would leave a file that the next one fetches
        again.
        """
        settings = self._settings
        unfinished = os.path.join(os.path.dirname(path), next(self._unfinished))
        placed = False
        self._progress.expect_more(remote.size)
        try:
            await settings.client.download_file(
                settings.bucket, self._key(remote.relative), unfinished, **self._arguments()
            )
            await to_its_end(put_in_place, unfinished, path, remote.modified)
            placed = True
        finally:
            if not placed:
                await to_its_end(remove, unfinished)

    async def _delete(self, jobs: Jobs) -> None:
        surplus = self._surplus
        if surplus and not self._remote.found:
            raise TreeRootError(
                problem=f"There is nothing under s3://{self._settings.bucket}/{self._settings.prefix}. No file in "
                f"{self._settings.path!r} was deleted: delete the directory yourself if that is meant"
            )
        if self._local.incomplete:
            self._keep(surplus, "not deleted, for a part of the directory could not be read")
            return
        self._keep([each for each in surplus if each.behind_link], "not deleted, for it is behind a symbolic link")
        deletable = [each for each in surplus if not each.behind_link]
        for start in range(0, len(deletable), BATCH):
            await self._delete_some(deletable[start : start + BATCH])

    async def _delete_some(self, files: list[LocalFile]) -> None:
        names = [each.relative for each in files]
        errors = [None] * len(files) if self._settings.dry_run else await to_its_end(self._target.delete, names)
        for each, error in zip(files, errors, strict=True):
            if error is None:
                self._deleted.append(self._entry(each.relative, each.size, "not in the bucket"))
            else:
                self._fail(each.relative, each.size, error)

    def _keep(self, files: list[LocalFile], why: str) -> None:
        self._skipped += [self._entry(each.relative, each.size, why) for each in files]
