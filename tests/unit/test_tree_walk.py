"""The walk of a directory: the order of S3's keys, and everything that is no plain file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiosdk.services.s3.trees import walk
from aiosdk.services.s3.trees.patterns import Choice
from aiosdk.services.s3.trees.walk import LocalFile, Oddity, Walk

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.text("ab-.0é😀\ue000 ", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))


async def _walked(root: Path, *, follow: bool = True, **choice: object) -> list[LocalFile | Oddity]:
    walking = Walk(str(root), Choice(**choice), follow_symlinks=follow)
    found: list[LocalFile | Oddity] = []
    while (batch := await walking.next_batch()) is not None:
        found += batch
    return found


def walked(root: Path, *, follow: bool = True, **choice: object) -> list[LocalFile | Oddity]:
    return asyncio.run(_walked(root, follow=follow, **choice))


def paths(found: list[LocalFile | Oddity]) -> list[str]:
    return [each.relative for each in found]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.sets(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=12))
def test_files_come_in_the_order_of_keys(
    files: set[str], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("tree")
    made: set[str] = set()
    for each in files:
        try:
            (root / each).parent.mkdir(parents=True, exist_ok=True)
            (root / each).write_bytes(b"x")
        except OSError:  # a file where a directory is, or the other way round
            continue
        made.add(each)
    monkeypatch.setattr(walk, "BATCH", 3)

    assert paths(walked(root)) == sorted(made, key=str.encode)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "plain").write_bytes(b"12345")
    os.utime(root / "plain", (1, 1_000_000.5))
    (root / "broken").symlink_to("nowhere")
    (root / "link").symlink_to("plain")
    os.mkfifo(root / "pipe")
    (root / "below").mkdir()
    (root / "below" / "up").symlink_to("..")
    (root / "below" / "self").symlink_to(".")
    (root / "null").symlink_to("/dev/null")
    (root / ".1-2.aiosdk-part").write_bytes(b"")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
        found = walked(root)

    files = [each for each in found if isinstance(each, LocalFile)]
    assert files == [
        LocalFile("link", 5, 1_000_000.5, behind_link=False),
        LocalFile("plain", 5, 1_000_000.5, behind_link=False),
    ]
    assert {each.relative: each.why for each in found if isinstance(each, Oddity)} == {
        "below/self/": "a symbolic link to a directory that it lies in",
        "below/up/": "a symbolic link to a directory that it lies in",
        "broken": "a symbolic link to nothing",
        ".1-2.aiosdk-part": "left behind by a download that was killed",
        "null": "no file but a character device",
        "pipe": "no file but a pipe",
        "socket": "no file but a socket",
    }


def test_links_are_left_out_if_wished(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "real").mkdir(parents=True)
    (root / "real" / "a").write_bytes(b"")
    (root / "linked").symlink_to("real")
    (root / "b").symlink_to("real/a")

    followed = walked(root)
    assert [(each.relative, getattr(each, "behind_link", None)) for each in followed] == [
        ("b", False),
        ("linked/a", True),
        ("real/a", False),
    ]

    left = walked(root, follow=False)
    assert [(type(each), each.relative) for each in left] == [
        (Oddity, "b"),
        (Oddity, "linked"),
        (LocalFile, "real/a"),
    ]


def test_what_cannot_be_read_is_told_and_makes_the_walk_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tree" / "shut").mkdir(parents=True)
    scandir = os.scandir

    def refuse(path: str) -> object:  # to root nothing is shut
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    walking = Walk(str(tmp_path / "tree"), Choice(), follow_symlinks=True)

    (shut,) = asyncio.run(walking.next_batch()) or ()

    assert (shut.relative, shut.why) == ("shut/", "the directory cannot be read: Permission denied")
    assert isinstance(shut.error, PermissionError)
    assert walking.incomplete


def test_what_may_be_a_directory_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On file systems that do not say what an entry is, asking can fail; and by the time of its turn it is another."""
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("file", "shut", "swapped"):
        (root / name).write_bytes(b"")
    scandir = os.scandir

    class Unknown:
        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.path, self.is_symlink = entry.name, entry.path, entry.is_symlink
            self._entry = entry

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            if self.name == "shut":
                raise PermissionError(13, "Permission denied", self.path)
            return self._entry.is_dir(follow_symlinks=follow_symlinks)

    def unknown(path: str) -> object:
        entries = [Unknown(each) for each in scandir(path)]
        (root / "swapped").unlink()
        (root / "swapped").mkdir()
        return contextlib.nullcontext(entries)

    monkeypatch.setattr(os, "scandir", unknown)
    walking = Walk(str(root), Choice(exclude="shut"), follow_symlinks=True)

    found = asyncio.run(walking.next_batch()) or []

    assert [(each.relative, getattr(each, "why", None)) for each in found] == [
        ("file", None),
        ("swapped", "no file but a directory by now"),
    ]
    assert walking.unseen == {"shut/", "swapped/"}


def test_a_directory_that_goes_away_makes_the_walk_incomplete(tmp_path: Path) -> None:
    walking = Walk(str(tmp_path / "gone"), Choice(), follow_symlinks=True)
    (gone,) = asyncio.run(walking.next_batch()) or ()
    assert isinstance(gone.error, FileNotFoundError)
    assert walking.incomplete

    walking = Walk(str(tmp_path / "gone"), Choice(), follow_symlinks=True, must_be=False)
    assert asyncio.run(walking.next_batch()) is None
    assert not walking.incomplete


def test_names_that_are_not_utf8_do_not_disturb_the_order(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    for name in (b"a", b"\xff", "é".encode(), "😀".encode(), "\ue000".encode()):
        with open(os.fsencode(root) + b"/" + name, "wb"):
            pass

    assert paths(walked(root)) == ["a", "é", "\udcff", "\ue000", "😀"]


def test_excluded_directories_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "tree"
    for each in ("a/x", ".git/objects/y", "b/.git/z"):
        (root / each).parent.mkdir(parents=True, exist_ok=True)
        (root / each).write_bytes(b"")
    read: list[str] = []
    scandir = os.scandir

    def watched(path: str) -> object:
        read.append(os.path.relpath(path, root))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watched)

    assert paths(walked(root, exclude=[".git/", "**/.git/"])) == ["a/x"]
    assert read == [".", "a", "b"]


def test_a_very_deep_directory_is_no_problem(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)

    try:
        assert paths(walked(root)) == ["d/" * 1200 + "f"]
    finally:
        subprocess.run(["rm", "-r", str(root)], check=True)  # Python's own ways would go too deep
