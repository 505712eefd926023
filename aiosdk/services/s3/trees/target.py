"""The directory that a tree is downloaded to: makes ready for files, puts them in place, deletes some. Blocks.

Nothing outside of the directory is ever written or deleted, wherever symbolic links inside it lead.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from typing import TYPE_CHECKING

from aiosdk.exceptions import TreeNameError
from aiosdk.services.s3.trees.names import path_of
from aiosdk.services.s3.trees.walk import LEFT_BEHIND

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotFollowedError(ValueError):
    """Says that a file would be written through a symbolic link, or in its place, and links are to be left alone."""


class Target:
    """A directory for files, which may not be there yet. Its methods belong off the event loop, one at a time."""

    def __init__(self, root: str, *, follow_symlinks: bool = True, dry_run: bool = False) -> None:
        self._root = root
        self._follow = follow_symlinks
        self._dry_run = dry_run
        self._real = os.path.realpath(root)
        self._known = {""}
        """Directories, relative to the root, that are there and inside it."""
        self.behind_links: set[str] = set()
        """Those of them that a symbolic link leads to: each has another name as well."""
        self._folded: dict[str, str] | None = None
        if not dry_run:
            os.makedirs(root, exist_ok=True)
            if folds_names(root):
                self._folded = {}

    def make_ready(self, relatives: Iterable[str]) -> list[Exception | None]:
        """Make the directories of files, and say for each file what keeps it from being written, if anything does."""
        return [self._make_ready(each) for each in relatives]

    def _make_ready(self, relative: str) -> Exception | None:
        try:
            self._refuse_twins(relative)
            self._enter(relative.rpartition("/")[0])
            self._check_file(relative)
        except (OSError, ValueError) as error:
            return error
        return None

    def _enter(self, directory: str) -> None:
        """See that a directory is there, and inside the root."""
        if directory in self._known:
            return
        above = directory.rpartition("/")[0]
        self._enter(above)
        if above in self.behind_links:
            self.behind_links.add(directory)
        path = path_of(self._root, directory)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            if not self._dry_run:
                try:
                    os.mkdir(path)
                except FileExistsError:  # somebody else has made it, whatever it is
                    self._enter(directory)
        else:
            if stat.S_ISLNK(mode):
                self._check_link(path)
                self.behind_links.add(directory)
                mode = os.stat(path).st_mode
            if not stat.S_ISDIR(mode):
                raise _refusal(path, "is no directory, which the key needs it to be")
        self._known.add(directory)

    def _check_file(self, relative: str) -> None:
        """See that a path is free, or that a file is there, or a link to one inside the root."""
        path = path_of(self._root, relative)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            self._check_link(path)
            mode = os.stat(path).st_mode if os.path.exists(path) else stat.S_IFREG
        if not stat.S_ISREG(mode):
            raise _refusal(path, "is a directory" if stat.S_ISDIR(mode) else "is a special file")

    def _check_link(self, link: str) -> None:
        if not self._follow:
            raise NotFollowedError(f"{link!r} is a symbolic link, and follow_symlinks is False")
        if not self._holds(os.path.realpath(link)):
            raise _refusal(link, "is a symbolic link that leads out of the directory")

    def real_places(self, relatives: Iterable[str]) -> list[str]:
        """Say where files are whose directories symbolic links lead to, relative to the root."""
        return [self._real_place(*os.path.split(path_of(self._root, each))) for each in relatives]

    def _real_place(self, directory: str, name: str) -> str:
        place = os.path.relpath(os.path.join(os.path.realpath(directory), name), self._real)
        return place.replace(os.sep, "/")

    def _holds(self, real: str) -> bool:
        return real == self._real or real.startswith(os.path.join(self._real, ""))

    def _refuse_twins(self, relative: str) -> None:
        """Refuse a second name that this file system does not tell from the first."""
        if self._folded is not None:
            folded = unicodedata.normalize("NFC", relative).casefold()
            other = self._folded.setdefault(folded, relative)
            if other != relative:
                problem = f"and {other!r} are the same name to this file system"
                raise TreeNameError(what=f"the key ending in {relative!r}", problem=problem, hint="")

    def delete(self, relatives: Iterable[str]) -> list[OSError | ValueError | None]:
        """Delete files, never through a symbolic link, and the directories that this leaves empty."""
        answers: list[OSError | ValueError | None] = []
        left: set[str] = set()
        for relative in relatives:
            try:
                directory = os.path.dirname(path_of(self._root, relative))
                if os.path.realpath(directory) != os.path.normpath(path_of(self._real, relative).rpartition(os.sep)[0]):
                    raise _refusal(directory, "is reached through a symbolic link")
                os.unlink(path_of(self._root, relative))
                left.add(relative.rpartition("/")[0])
                answers.append(None)
            except (OSError, ValueError) as error:
                answers.append(error)
        for each in left:
            self._remove_if_empty(each)
        return answers

    def _remove_if_empty(self, directory: str) -> None:
        while directory:
            try:
                os.rmdir(path_of(self._root, directory))
            except OSError:  # there is something in it
                return
            self._known.discard(directory)
            directory = directory.rpartition("/")[0]


def _refusal(path: str, problem: str) -> TreeNameError:
    return TreeNameError(what=f"to touch {path!r}", problem=problem, hint="")


def put_in_place(unfinished: str, path: str, modified: float) -> None:
    """Give a downloaded file its object's time, and then its name: a file of that name is complete, time and all."""
    os.utime(unfinished, (modified, modified))
    os.replace(unfinished, path)


def remove(path: str) -> None:
    """Delete a file if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def folds_names(directory: str) -> bool:
    """Whether names that differ in case only are one to the file system. Makes an empty file for a moment."""
    name = f".Case-{os.urandom(8).hex()}{LEFT_BEHIND}"
    path = os.path.join(directory, name)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return False  # nothing can be written here, as each file will tell
    try:
        return os.path.lexists(os.path.join(directory, name.swapcase()))
    finally:
        os.unlink(path)
