"""TreeRun: goes through a tree, pair by pair, and keeps account of what becomes of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from aiosdk.services.s3.progress import Progress
from aiosdk.services.s3.trees.jobs import Jobs, to_its_end
from aiosdk.services.s3.trees.listing import ObjectListing, OutOfOrderError, RemoteObject
from aiosdk.services.s3.trees.merge import Batches, Merged, Nothing
from aiosdk.services.s3.trees.names import path_of
from aiosdk.services.s3.trees.result import TreeEntry, TreeResult
from aiosdk.services.s3.trees.walk import LocalFile, Oddity, Walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiosdk.services.s3.trees.settings import TreeSettings

Pair = tuple[LocalFile | Oddity | None, RemoteObject | None]


class TreeRun(ABC):
    """One run of `upload_dir`, `download_dir` or `sync`.

    Deletions come last, when walk and listing have come to their ends: what looks like surplus before may not be.
    """

    direction: ClassVar[Literal["up", "down"]]

    def __init__(self, settings: TreeSettings) -> None:
        self._settings = settings
        self._root = ""
        self._done: list[TreeEntry] = []
        self._skipped: list[TreeEntry] = []
        self._deleted: list[TreeEntry] = []
        self._failed: list[TreeEntry] = []
        self._handled: set[str | None] = set()
        """Keys that a first attempt, whose listing turned out to be in no order, has dealt with."""

    async def run(self) -> TreeResult:
        """Do it all. Raises what the walk or the listing raises; what fails for one file is in the result."""
        settings = self._settings
        self._root = await to_its_end(self._open_root, settings.path)
        self._progress = Progress(settings.callback, bar=settings.progress, title=settings.prefix or settings.bucket)
        try:
            async with self._progress, Jobs(settings.concurrency) as jobs:
                await self._transfer(jobs)
                await jobs.drain()
                await self._delete(jobs)
        except Exception as error:
            error.add_note(
                f"{self._what()} ended early: {len(self._done)} files were sent and {len(self._failed)} failed before. "
                "Run it again to go on from there."
            )
            raise
        return TreeResult(
            self.direction,
            settings.dry_run,
            *map(_in_order, (self._done, self._skipped, self._deleted, self._failed)),
        )

    @abstractmethod
    def _open_root(self, path: str) -> str:
        """Check the directory and give its absolute path. Blocks."""

    @abstractmethod
    async def _take(self, jobs: Jobs, pairs: list[Pair]) -> None:
        """Decide what becomes of some pairs, and start it."""

    @abstractmethod
    async def _delete(self, jobs: Jobs) -> None:
        """Delete what is surplus at the destination."""

    @abstractmethod
    def _forget_surplus(self) -> None:
        """Forget what seemed to be surplus."""

    def _what(self) -> str:
        ends = [repr(self._settings.path), f"s3://{self._settings.bucket}/{self._settings.prefix}"]
        return "The transfer from {} to {}".format(*(ends if self.direction == "up" else reversed(ends)))

    def _walk(self) -> Walk:
        return Walk(self._root, self._settings.choice, follow_symlinks=self._settings.follow_symlinks)

    def _listing(self) -> ObjectListing:
        settings = self._settings
        return ObjectListing(settings.client, settings.bucket, settings.prefix, settings.choice, settings.of_request())

    async def _transfer(self, jobs: Jobs) -> None:
        self._local, self._remote = self._walk(), self._listing()
        try:
            await self._go_through(jobs, self._remote)
        except OutOfOrderError:
            # Pairs that were found are true; what seemed to be on one side only may not be. Once more, sorted here.
            await jobs.drain()
            self._forget_surplus()
            self._skipped = [each for each in self._skipped if each.key is not None]
            self._failed = [each for each in self._failed if each.key is not None]
            self._handled = {each.key for each in (*self._done, *self._skipped, *self._failed)}
            self._local, self._remote = self._walk(), self._listing()
            await self._go_through(jobs, await self._remote.sorted())

    async def _go_through(self, jobs: Jobs, listed: Batches[RemoteObject]) -> None:
        no_local = self._settings.overwrite and self.direction == "down"
        no_remote = self._settings.overwrite and self.direction == "up"
        local: Batches[LocalFile | Oddity] = Nothing() if no_local else self._local
        remote: Batches[RemoteObject] = Nothing() if no_remote else listed
        merged = Merged(local, remote)
        while (pairs := await merged.next_batch()) is not None:
            if self._handled:
                pairs = [pair for pair in pairs if self._key(_relative(pair)) not in self._handled]
            await self._take(jobs, pairs)

    def _key(self, relative: str) -> str:
        return self._settings.prefix + relative

    def _path(self, relative: str) -> str:
        return path_of(self._root, relative)

    def _entry(self, relative: str, size: int | None, why: str, error: Exception | None = None) -> TreeEntry:
        return TreeEntry(self._key(relative), self._path(relative), size, why, error)

    def _fail(self, relative: str, size: int | None, error: Exception) -> None:
        self._failed.append(self._entry(relative, size, str(error) or type(error).__name__, error))

    def _arguments(self) -> dict[str, Any]:
        """What is handed on to the transfer of each file."""
        settings = self._settings
        tell = self._progress.add if settings.callback is not None or settings.progress else None
        return {"ExtraArgs": settings.extra_args or None, "Callback": tell, "Config": settings.config}


def _relative(pair: Pair) -> str:
    item = pair[0] or pair[1]
    assert item is not None
    return item.relative


def _in_order(entries: Sequence[TreeEntry]) -> tuple[TreeEntry, ...]:
    return tuple(sorted(entries, key=lambda each: each.key or each.path or ""))
