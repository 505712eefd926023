"""What a tree may not do: leave its directory, delete what it has not seen, leave something behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from aiosdk.exceptions import TreeNameError, TreeTransferError
from aiosdk.services.s3.trees import target
from aiosdk.services.s3.trees.target import Target
from tests.support.s3_faults import refuse
from tests.support.trees import bucket, changed, keys, make_tree, off_loop, read_tree, s3_server, stored  # noqa: F401
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3_server import S3Server


REFUSED = {
    "../evil": "has a part '..'",
    "a/../../evil": "has a part '..'",
    "a/..": "has a part '..'",
    "..\\evil": "has a part '..'",
    "/etc/evil": "is absolute",
    "\\\\host\\evil": "is absolute",
    "C:/evil": "the letter of a drive",
    "NUL": "a device on Windows",
    "a/con.txt": "a device on Windows",
    "a//b": "empty or '.'",
    "./a": "empty or '.'",
    "file/below": "where the object 'p/file' is a file",
    "file/below/deeper": "where the object 'p/file' is a file",
    "x" * 256: "256 bytes",
    "data/": "ends in a slash",
}
TAKEN = {"file", "file.txt", "file-1", "file0", "...", "a/b\\c", "ab:c", "z"}


async def test_keys_that_no_file_may_have_are_refused_and_the_others_go_on(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    for key in (*REFUSED, *TAKEN):
        s3_server.put(f"p/{key}", b"1")
    s3_server.put("p/marker/", b"")
    s3_server.put("p/", b"")

    with pytest.raises(TreeTransferError) as raised:
        await bucket.download_dir("p", tmp_path / "in" / "side")

    result = raised.value.result
    assert set(await read_tree(tmp_path)) == {f"in/side/{key}" for key in TAKEN}
    assert {each.key: each.path for each in result.failed} == {f"p/{key}": None for key in REFUSED}
    for each in result.failed:
        assert isinstance(each.error, TreeNameError)
        assert REFUSED[each.key.removeprefix("p/")] in each.why
    assert keys(result.skipped) == ["p/", "p/marker/"]
    assert s3_server.operations["GetObject"] == len(TAKEN)

    result = await bucket.download_dir("p", tmp_path / "t", portable_names=False, include=["NUL", "C:*", "*con.txt"])
    assert set(await read_tree(tmp_path / "t")) == {"NUL", "C:/evil", "a/con.txt"}


async def test_a_key_with_a_leading_slash_is_absolute_unless_the_prefix_has_it(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    s3_server.put("/a/b", b"1")

    assert keys((await bucket.download_dir("", tmp_path, raise_failures=False)).failed) == ["/a/b"]
    assert keys((await bucket.download_dir("/", tmp_path)).done) == ["/a/b"]
    assert await read_tree(tmp_path) == {"a/b": b"1"}


async def test_nothing_is_written_through_a_link_that_leads_out(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    def make() -> None:
        for name in ("in/inside", "out"):
            (tmp_path / name).mkdir(parents=True)
        (tmp_path / "out" / "file").write_bytes(b"precious")
        (tmp_path / "in" / "to_dir").symlink_to("../out")
        (tmp_path / "in" / "to_file").symlink_to("../out/file")
        (tmp_path / "in" / "to_nothing").symlink_to("../out/new")
        (tmp_path / "in" / "around").symlink_to("../in/inside")
        (tmp_path / "in" / "loop").symlink_to("loop")
        (tmp_path / "in" / "to_root").symlink_to(".")
        os.mkfifo(tmp_path / "in" / "pipe")

    await off_loop(make)
    refused = ["pipe", "pipe/x", "to_dir/file", "to_dir/sub/new", "to_file", "to_nothing"]
    for key in (*refused, "loop", "around/new", "to_root/new2"):
        s3_server.put(key, b"evil")

    result = await bucket.download_dir("", tmp_path / "in", raise_failures=False)

    assert await read_tree(tmp_path / "out") == {"file": b"precious"}
    assert keys(result.failed) == refused
    assert await off_loop((tmp_path / "in" / "inside" / "new").read_bytes) == b"evil"
    assert "leads out of the directory" in {each.key: each.why for each in result.failed}["to_dir/file"]


@pytest.mark.parametrize("compare", ["time", "checksum"])
async def test_two_keys_that_links_make_one_file_are_not_fetched_over_each_other(
    compare: str, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    def make() -> None:
        for name in ("m/sub", "shared"):
            (tmp_path / name).mkdir(parents=True)
        for link, to in {"a": "m", "z": "m", "m/up": "..", "one": "shared", "two": "shared"}.items():
            (tmp_path / link).symlink_to(to)

    await off_loop(make)
    own = {"m/x", "m/sub/x", "one/x", "top"}
    others = {"a/x": "m/x", "a/sub/x": "m/sub/x", "m/up/top": "top", "two/x": "one/x", "z/x": "m/x"}
    alone = {"a/alone", "z/sub/alone"}
    for number, key in enumerate(sorted(own | alone | set(others))):
        changed(s3_server, f"p/{key}", key.encode().ljust(9), 1e9 + number)

    for fetched in (own | alone, set()):
        result = await bucket.sync(tmp_path, "p", direction="down", compare=compare, raise_failures=False)
        assert set(keys(result.done)) == {f"p/{key}" for key in fetched}
        assert {each.key: each.why for each in result.failed} == {
            f"p/{key}": f"Refused the key 'p/{key}': it is the same file as 'p/{other}', "
            "through a symbolic link in the directory."
            for key, other in others.items()
        }
    assert await off_loop((tmp_path / "m" / "x").read_bytes) == b"m/x      "
    assert await off_loop((tmp_path / "shared" / "x").read_bytes) == b"one/x    "


async def test_links_that_are_not_followed_are_left_alone_and_not_written_through(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    def make() -> None:
        (tmp_path / "t" / "real").mkdir(parents=True)
        (tmp_path / "t" / "real" / "file").write_bytes(b"mine")
        (tmp_path / "t" / "link").symlink_to("real")
        (tmp_path / "t" / "file").symlink_to("real/file")

    await off_loop(make)
    for key in ("file", "link/file", "link/sub/new", "real/new"):
        s3_server.put(key, b"other")

    result = await bucket.sync(tmp_path / "t", direction="down", follow_symlinks=False)

    assert keys(result.done) == ["real/new"]
    link, file = tmp_path / "t" / "link", tmp_path / "t" / "file"
    assert {each.key: each.why for each in result.skipped} == {
        "file": f"{str(file)!r} is a symbolic link, and follow_symlinks is False",
        "link/file": f"{str(link)!r} is a symbolic link, and follow_symlinks is False",
        "link/sub/new": f"{str(link)!r} is a symbolic link, and follow_symlinks is False",
    }
    assert await read_tree(tmp_path / "t") == {"file": b"mine", "real/file": b"mine", "real/new": b"other"}
    assert await off_loop(file.is_symlink)


async def test_deleting_follows_no_links(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    def make() -> None:
        for name in ("in/real", "out"):
            (tmp_path / name).mkdir(parents=True)
        for name in ("out/file", "in/real/file"):
            (tmp_path / name).write_bytes(b"precious")
        (tmp_path / "in" / "to_dir").symlink_to("../out")
        (tmp_path / "in" / "to_file").symlink_to("../out/file")

    await off_loop(make)
    s3_server.put("real/file", b"precious")

    result = await bucket.sync(tmp_path / "in", direction="down", delete=True, compare="size")

    assert keys(result.deleted) == ["to_file"], "the link and not what it leads to"
    assert {each.key: each.why for each in result.skipped} == {
        "real/file": "the same size",
        "to_dir/file": "not deleted, for it is behind a symbolic link",
    }
    assert await read_tree(tmp_path / "out") == {"file": b"precious"}
    assert await off_loop((tmp_path / "in" / "to_dir").is_symlink)


async def test_a_link_that_appears_before_the_deletion_is_not_followed(tmp_path: Path) -> None:
    await make_tree(tmp_path, {"in/a/file": b"1", "out/file": b"precious"})

    def swap_and_delete() -> list[Any]:
        there = Target(str(tmp_path / "in"))
        os.rename(tmp_path / "in" / "a", tmp_path / "in" / "b")
        (tmp_path / "in" / "a").symlink_to("../out")
        return there.delete(["a/file", "b/file", "missing"])

    link, gone, missing = await off_loop(swap_and_delete)

    assert isinstance(link, TreeNameError)
    assert gone is None
    assert isinstance(missing, FileNotFoundError)
    assert await read_tree(tmp_path / "out") == {"file": b"precious"}


async def test_names_that_the_file_system_does_not_tell_apart_are_not_mixed_up(
    bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("File", "file", "dir/x", "Dir/x", "e\u0301", "\u00e9", "other"):
        s3_server.put(key, key.encode())
    monkeypatch.setattr(target, "folds_names", lambda _: True)

    result = await bucket.download_dir("", tmp_path / "t", raise_failures=False)

    assert set(await read_tree(tmp_path / "t")) == {"File", "Dir/x", "e\u0301", "other"}
    assert {each.key: each.why for each in result.failed} == {
        "file": "Refused the key ending in 'file': it and 'File' are the same name to this file system.",
        "dir/x": "Refused the key ending in 'dir/x': it and 'Dir/x' are the same name to this file system.",
        "\u00e9": "Refused the key ending in '\u00e9': it and 'e\u0301' are the same name to this file system.",
    }


def test_this_file_system_tells_names_apart_and_the_look_leaves_nothing(tmp_path: Path) -> None:
    assert target.folds_names(str(tmp_path)) is (tmp_path / "AWS").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["aws"]


async def test_nothing_is_deleted_when_the_listing_fails_in_the_middle(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    for number in range(1500):
        s3_server.put(f"{number:04}", b"1")
    await make_tree(tmp_path / "t", {"zzz": b"1", "0000": b"1"})
    for direction in ("up", "down"):
        s3_server.forget()
        s3_server.faults.add(refuse(403, "AccessDenied"), operation="ListObjectsV2", skip=1, times=None)

        with pytest.raises(ClientError, match="AccessDenied") as raised:
            await bucket.sync(tmp_path / "t", direction=direction, delete=True, include=["zzz", "00*"])

        assert any("ended early" in note and "Run it again" in note for note in raised.value.__notes__)
        assert s3_server.operations["DeleteObjects"] == 0
        assert len([key for key in stored(s3_server) if key.isdecimal()]) == 1500
        assert "zzz" in await read_tree(tmp_path / "t")


async def test_nothing_is_deleted_when_a_directory_cannot_be_read(
    bucket: Any, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tree(tmp_path / "t", {"a": b"1", "shut/b": b"1", "z": b"1"})
    await bucket.upload_dir(tmp_path / "t")
    s3_server.put("gone", b"1")
    scandir = os.scandir

    def refuse_one(path: Any) -> Any:  # to root nothing is shut
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_one)
    result = await bucket.sync(tmp_path / "t", direction="up", delete=True, raise_failures=False)
    assert sorted(stored(s3_server)) == ["a", "gone", "shut/b", "z"]
    assert [(each.key, type(each.error)) for each in result.failed] == [("shut/", PermissionError)]
    assert {each.why for each in result.skipped if each.key in ("gone", "shut/b")} == {
        "not deleted, for a part of the directory could not be read"
    }

    await make_tree(tmp_path / "t", {"local only": b"1"})
    result = await bucket.sync(tmp_path / "t", direction="down", delete=True, raise_failures=False)
    assert result.deleted == ()
    assert [type(each.error) for each in result.failed] == [PermissionError]

    for pattern in ("shut/", "shut/*", "shut*"):
        s3_server.put("gone too", b"1")
        result = await bucket.sync(tmp_path / "t", direction="up", delete=True, exclude=pattern)
        assert keys(result.deleted) == ["gone too"], "what is excluded need not be read"

    s3_server.put("gone.txt", b"1")
    result = await bucket.sync(tmp_path / "t", direction="up", delete=True, include="*.txt", raise_failures=False)
    assert (keys(result.failed), result.deleted) == (["shut/"], ()), "it may have some that are included"


async def test_nothing_is_deleted_when_a_link_cannot_be_looked_at(
    bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    """What it led to when it was uploaded may be a directory."""
    await make_tree(tmp_path / "t", {"a": b"1"})
    await off_loop(os.symlink, "data", tmp_path / "t" / "data")  # ELOOP, as to root nothing is shut
    for key in ("a", "data/x", "gone"):
        s3_server.put(key, b"1")

    result = await bucket.sync(tmp_path / "t", direction="up", delete=True, raise_failures=False)

    assert sorted(stored(s3_server)) == ["a", "data/x", "gone"]
    assert [(each.key, type(each.error)) for each in result.failed] == [("data", OSError)]
    assert keys(result.skipped) == ["a", "data/x", "gone"]

    result = await bucket.sync(tmp_path / "t", direction="up", delete=True, exclude="data")
    assert keys(result.deleted) == ["gone"], "what is excluded by its name is no failure, and hides what is below it"
    assert sorted(stored(s3_server)) == ["a", "data/x"]


@pytest.mark.parametrize("choice", [{}, {"include": "*.txt"}])
@pytest.mark.parametrize("follow", [True, False])
async def test_what_is_below_a_link_that_is_not_followed_keeps_its_object(
    follow: bool, choice: Any, bucket: Any, s3_server: S3Server, tmp_path: Path
) -> None:
    """The disk that the link leads to may not be mounted now."""
    await make_tree(tmp_path, {"t/a.txt": b"1", "t/b/c.txt": b"1", "disk/data/x.txt": b"1", "disk/file.txt": b"1"})

    def link() -> None:
        (tmp_path / "t" / "b" / "data").symlink_to(tmp_path / "disk" / "data" if not follow else "/mnt/not/mounted")
        (tmp_path / "t" / "file.txt").symlink_to("../disk/file.txt")

    await off_loop(link)
    for key in ("b/data/d/x.txt", "b/data.txt", "b/gone/data/x.txt", "gone.txt", "file.txt", "file.txt/x.txt"):
        s3_server.put(key, b"1")

    result = await bucket.sync(tmp_path / "t", direction="up", delete=True, follow_symlinks=follow, **choice)

    below_file = ["file.txt/x.txt"] if follow else []  # followed, it is a file and nothing is below it
    assert keys(result.deleted) == ["b/data.txt", "b/gone/data/x.txt", *below_file, "gone.txt"]
    assert "b/data/d/x.txt" in stored(s3_server)
    why = {each.key: each.why for each in result.skipped}
    assert why["b/data/d/x.txt"] == "not deleted, for 'b/data/' was not looked into"


async def test_what_is_no_file_here_keeps_its_object(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    await make_tree(tmp_path / "t", {"a": b"1"})
    await off_loop(os.symlink, "nowhere", tmp_path / "t" / "broken")
    await off_loop(os.mkfifo, tmp_path / "t" / "pipe")
    for key in ("broken", "pipe"):
        s3_server.put(key, b"1")

    result = await bucket.sync(tmp_path / "t", direction="up", delete=True)

    assert sorted(stored(s3_server)) == ["a", "broken", "pipe"]
    assert {each.key: each.why for each in result.skipped} == {
        "broken": "a symbolic link to nothing",
        "pipe": "no file but a pipe",
    }


async def test_what_a_killed_download_left_is_not_uploaded(bucket: Any, s3_server: S3Server, tmp_path: Path) -> None:
    left = {".1234-5.aiosdk-part": b"half", "b/.1-2.aiosdk-part.0a1B2c": b"half"}
    users = {"a": b"1", "report.aiosdk-part.csv": b"1", "b.aiosdk-part": b"1", ".aiosdk-part": b"1"}
    await make_tree(tmp_path / "t", left | users)

    result = await bucket.upload_dir(tmp_path / "t")

    assert keys(result.done) == sorted(users)
    assert keys(result.skipped) == sorted(left)
