"""Walks a directory in the order of S3's keys, on threads, in batches."""

from __future__ import annotations

import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from aiosdk import _off_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosdk.services.s3.trees.patterns import Choice

BATCH: Final = 500
"""How many files are looked at in one go on a thread: some milliseconds."""

LEFT_BEHIND: Final = ".aiosdk-part"
"""What the names of unfinished downloads have, after a dot and more: `.*.aiosdk-part*`.

Only a killed process leaves one; it is never uploaded.
"""


class LocalFile(NamedTuple):
    """A file of the tree."""

    relative: str
    size: int
    modified: float
    behind_link: bool
    """Whether a symbolic link to a directory leads to it, so that it may lie outside of the tree."""


class Oddity(NamedTuple):
    """Something in the tree that is no readable file."""

    relative: str
    why: str
    error: OSError | None = None
    """None for what is left out by its nature."""


class _Directory(NamedTuple):
    """A directory that is being walked."""

    path: str
    relative: str
    identity: tuple[int, int]
    behind_link: bool
    names: Iterator[str]
    """What is left of it, in order."""


class Walk:
    """The files below a directory that are chosen, as batches of `LocalFile` and `Oddity`.

    One directory's names are in memory at a time, and those of the directories above it.
    """

    def __init__(self, root: str, choice: Choice, *, follow_symlinks: bool, must_be: bool = True) -> None:
        self.incomplete = False
        """Whether some part of the tree could not be read."""
        self.unseen: set[str] = set()
        """Names, with a slash, that may be directories and were not looked into, chosen or not: what looks as if it
        were missing below them need not be."""
        self._choice = choice
        self._follow = follow_symlinks
        self._must_be = must_be
        self._items = self._walk(root)

    async def next_batch(self) -> list[LocalFile | Oddity] | None:
        """Give the next files; None at the end."""
        return await _off_loop.call(lambda: list(islice(self._items, BATCH))) or None

    def _walk(self, root: str) -> Iterator[LocalFile | Oddity]:
        way: list[_Directory] = []  # from the root to where we are
        if oddity := self._enter(way, root, "", behind_link=False):
            yield oddity
        while way:
            here = way[-1]
            name = next(here.names, None)
            if name is None:
                way.pop()
                continue
            place, path = here.relative + name, os.path.join(here.path, name.rstrip("/"))
            if not name.endswith("/"):
                if self._choice.takes(place):
                    yield self._file(path, place, behind_link=here.behind_link)
            elif not self._choice.leaves_out_all_of(place[:-1]):
                linked = here.behind_link or os.path.islink(path)
                if oddity := self._enter(way, path, place, behind_link=linked):
                    yield oddity

    def _enter(self, way: list[_Directory], path: str, relative: str, *, behind_link: bool) -> Oddity | None:
        """Read the names in a directory and put it at the end of the way. `relative` is empty or ends in a slash."""
        try:
            about = os.stat(path)
            identity = (about.st_dev, about.st_ino)
            if any(each.identity == identity for each in way):
                self.unseen.add(relative)
                return Oddity(relative, "a symbolic link to a directory that it lies in")
            with os.scandir(path) as entries:
                # With its slash a directory is sorted to where the keys of what is in it are.
                names = sorted(f"{each.name}/" if self._is_directory(each, relative) else each.name for each in entries)
        except OSError as error:
            if not relative and not self._must_be and isinstance(error, FileNotFoundError):
                return None
            self.incomplete = True
            return Oddity(relative, f"the directory cannot be read: {error.strerror or error}", error)
        way.append(_Directory(path, relative, identity, behind_link, iter(names)))
        return None

    def _is_directory(self, entry: os.DirEntry[str], relative: str) -> bool:
        try:
            if entry.is_dir(follow_symlinks=self._follow):
                return True
            seen = not entry.is_symlink() or (self._follow and os.path.exists(entry.path))
        except OSError:  # _file() finds out why
            seen = False
        if not seen:  # the disk that a link leads to may not be mounted now
            self.unseen.add(f"{relative}{entry.name}/")
        return False

    def _file(self, path: str, relative: str, *, behind_link: bool) -> LocalFile | Oddity:
        try:
            about = os.lstat(path)
            if stat.S_ISLNK(about.st_mode):
                if not self._follow:
                    return Oddity(relative, "a symbolic link, and follow_symlinks is False")
                about = os.stat(path)
        except FileNotFoundError:
            return Oddity(relative, "a symbolic link to nothing" if os.path.islink(path) else "went away meanwhile")
        except OSError as error:
            self.incomplete = True  # it may be a directory
            return Oddity(relative, f"cannot be read: {error.strerror or error}", error)
        if stat.S_ISDIR(about.st_mode):
            self.unseen.add(f"{relative}/")
        if not stat.S_ISREG(about.st_mode):
            return Oddity(relative, f"no file but {_kind(about.st_mode)}")
        name = relative.rpartition("/")[2]
        if name.startswith(".") and LEFT_BEHIND in name[1:]:
            return Oddity(relative, "left behind by a download that was killed")
        return LocalFile(relative, about.st_size, about.st_mtime, behind_link)


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a block device",
        stat.S_IFCHR: "a character device",
        stat.S_IFDIR: "a directory by now",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
