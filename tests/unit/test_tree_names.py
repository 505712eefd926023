"""Which keys are paths below a directory, and which are refused."""

from __future__ import annotations

import ntpath
import os
import posixpath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiosdk.services.s3.trees.names import directory_of, key_problem, path_of, path_problem

KEYS = st.lists(
    st.sampled_from(
        ["..", ".", "", "a", "b ", "c.", "C:", "C:x", "~", "NUL", "con.txt", "-", "ä", "\\", "/", "\0", "\x01"]
    ),
    max_size=6,
).flatmap(lambda parts: st.sampled_from(["/", "\\", ""]).map(lambda sign: sign.join(parts)))


@pytest.mark.parametrize(
    ("relative", "says"),
    [
        ("../a", "has a part '..'"),
        ("a/../../b", "has a part '..'"),
        ("a/..", "has a part '..'"),
        ("..", "has a part '..'"),
        ("..\\a", "has a part '..'"),
        ("a\\..\\..\\b", "has a part '..'"),
        ("/etc/passwd", "is absolute"),
        ("//host/share", "is absolute"),
        ("\\\\host\\share", "is absolute"),
        ("\\a", "is absolute"),
        ("C:/a", "the letter of a drive"),
        ("c:a", "the letter of a drive"),
        ("C:\\a", "the letter of a drive"),
        ("NUL", "a device on Windows"),
        ("a/con", "a device on Windows"),
        ("a/Aux.c", "a device on Windows"),
        ("a/COM1/b", "a device on Windows"),
        ("lpt9.tar.gz", "a device on Windows"),
        ("a\\nul", "a device on Windows"),
        ("CONIN$", "a device on Windows"),
        ("nul .txt", "a device on Windows"),
        ("a//b", "empty or '.'"),
        ("a/./b", "empty or '.'"),
        (".", "empty or '.'"),
        ("a\0b", "a NUL byte"),
        ("a/" + "x" * 256, "a part of 256 "),
    ],
)
def test_refused_everywhere(relative: str, says: str) -> None:
    for windows in (False, True):
        problem = path_problem(relative, windows=windows) or ""
        assert says in problem


@pytest.mark.parametrize(
    "relative",
    [
        *(
            "a",
            "a/b/c",
            "a b+c%20",
            "ä/ö\u0301/😀",
            "...",
            "..a/b..",
            "~/a",
            "-rf",
            ".hidden",
            "console",
            "com0x",
            "lpt",
        ),
        *("nul1", "ab:c", "2026-01-01T00:00:00Z", "a\\b", "a\nb", "a.", "a ", "x" * 255, "$HOME", "*?"),
    ],
)
def test_taken_where_names_may_be_anything(relative: str) -> None:
    assert path_problem(relative, windows=False) is None


@pytest.mark.parametrize("relative", ["a\\b", "a:b", "a.", "a ", "x/a. /y", "a\nb", "a*", "a?", 'a"', "a|b", "<a>"])
def test_refused_on_windows_alone(relative: str) -> None:
    assert path_problem(relative, windows=True) is not None


def test_windows_devices_are_allowed_elsewhere_if_asked_for() -> None:
    for relative in ("aux.c", "NUL", "c:/a"):
        assert path_problem(relative, portable=False, windows=False) is None
        assert path_problem(relative, portable=False, windows=True) is not None
    assert path_problem("../a", portable=False, windows=False) is not None


@settings(max_examples=1000, deadline=None)
@given(KEYS, st.booleans(), st.booleans())
@example("a/C:/b", False, True)
@example("a\\..\\b", True, False)
def test_a_path_that_is_taken_stays_below_the_directory(relative: str, windows: bool, portable: bool) -> None:
    if path_problem(relative, windows=windows, portable=portable) is not None:
        return
    paths, root = (ntpath, "D:\\root\\dir") if windows else (posixpath, "/root/dir")
    joined = paths.join(root, *relative.split("/"))
    assert paths.normpath(joined) == joined, "there is one key for a path"
    assert paths.commonpath([root, joined]) == root
    assert joined != root
    if os.sep == "/" and not windows:
        assert path_of(root, relative) == joined


def test_files_whose_names_no_key_can_have() -> None:
    assert key_problem("a/ä") is None
    assert "UTF-8" in (key_problem("a/\udcff") or "")
    assert key_problem("ä" * 512) is None
    assert "1,026 bytes" in (key_problem("ä" * 513) or "")


def test_a_prefix_is_a_directory() -> None:
    assert [directory_of(each) for each in ("", "a", "a/", "/a", "/")] == ["", "a/", "a/", "/a/", "/"]
