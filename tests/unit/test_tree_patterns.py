"""`include` and `exclude`: what the patterns of a tree match."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiosdk.exceptions import TreeArgumentError
from aiosdk.services.s3.trees.patterns import Choice


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "sub/deep/a.txt", True),  # as in aws s3 sync
        ("*.txt", "a.txt.gz", False),
        ("*.TXT", "a.txt", False),
        ("sub/*", "sub/a", True),
        ("sub/*", "sub/deep/a", True),
        ("sub/*", "sub", False),
        ("sub/*", "other/sub/a", False),
        ("sub/", "sub/deep/a", True),
        ("sub/**", "sub/deep/a", True),
        ("sub", "sub/a", False),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "x/y/a.txt", True),
        ("**/x/a", "x/a", True),
        ("**/x/a", "yx/a", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/xb", False),
        ("a**b", "a/x/b", True),
        ("?.txt", "a.txt", True),
        ("?.txt", ".txt", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[!ab].txt", "c.txt", True),
        ("[a-c]x", "bx", True),
        ("[]]x", "]x", True),
        ("[^a]x", "^x", True),
        ("[^a]x", "bx", False),
        ("[", "[", True),
        ("a.b+c(d)", "a.b+c(d)", True),
        ("a.b", "axb", False),
        ("ä*", "äö\n", True),
        ("*", "", True),
    ],
)
def test_what_a_pattern_matches(pattern: str, path: str, matches: bool) -> None:
    assert Choice(include=pattern).takes(path) is matches
    assert Choice(exclude=pattern).takes(path) is not matches


@settings(max_examples=500, deadline=None)
@given(
    pattern=st.text("ab/*?[]!-.^\\", min_size=1, max_size=8).filter(lambda each: "**" not in each and each[-1] != "/"),
    path=st.text("ab/-.]!^\\", max_size=8),
)
@example(pattern="[--a]", path="-")
@example(pattern="[b-a]", path="a")
@example(pattern="[!b-a]", path="a")
def test_without_double_stars_patterns_are_those_of_fnmatch(pattern: str, path: str) -> None:
    if pattern.startswith(("/", "./")):
        return
    assert Choice(include=pattern).takes(path) == fnmatch.fnmatchcase(path, pattern)


def as_regular_expression(pattern: str) -> str:
    """The meaning of a pattern of letters, `?` and stars, where time does not matter."""
    tokens = re.findall(r"(?:(?<=/)|^)\*\*/|\*+|.", pattern)
    plain = {"?": ".", "**/": "(?:.*/)?"}
    return "".join(plain.get(each, ".*" if each[0] == "*" else re.escape(each)) for each in tokens)


@settings(max_examples=300, deadline=None)
@given(
    pattern=st.lists(st.sampled_from(["a", "/", "*", "**/", "/**/", "?", "-"]), min_size=1, max_size=8).map("".join),
    paths=st.lists(st.text("a/-*\n", max_size=8), min_size=8, max_size=8),
)
@example(pattern="**/**/a", paths=["a", "/a", "-a", "a/a", "a/-/a"])
@example(pattern="*/**/a", paths=["a", "/a", "-/a", "a/-a", "a//a"])
@example(pattern="a**/a", paths=["aa", "a/a", "aa/a", "a/-a"])
def test_stars_that_keep_to_the_first_place_match_what_those_do_that_try_all(pattern: str, paths: list[str]) -> None:
    if pattern.startswith(("/", "./")) or pattern.endswith("/"):
        return
    matches = re.compile(as_regular_expression(pattern), re.DOTALL).fullmatch
    choice = Choice(include=pattern)
    assert {each for each in paths if choice.takes(each)} == {each for each in paths if matches(each)}


@pytest.mark.timeout(20)  # they took minutes, or for ever
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*-*-*-*.log", "-" * 1024),
        ("**/*-?*[-a]*[!a]*-x", "-" * 1024),
        ("**/" * 8 + "x", "/" * 1024),
        ("**/**/**/**/*.py", "a/" * 512),
        ("*?" * 20 + "x", "a" * 1024),
        ("*a" * 100 + "b", "a" * 1024),
    ],
)
def test_no_key_makes_a_pattern_try_again_and_again(pattern: str, path: str) -> None:
    assert not Choice(include=pattern).takes(path)
    assert Choice(exclude=pattern).takes(path)
    assert not Choice(exclude=f"{pattern}/").leaves_out_all_of(path)


def test_what_is_included_and_not_excluded_is_taken() -> None:
    choice = Choice(include=["*.py", "*.md"], exclude=("tests/", "*.tmp.py"))

    taken = [path for path in ("a.py", "b.md", "c.txt", "tests/a.py", "x/a.tmp.py", "x/a.py") if choice.takes(path)]

    assert taken == ["a.py", "b.md", "x/a.py"]


def test_nothing_is_included_by_an_empty_list() -> None:
    assert not Choice(include=[]).takes("a")
    assert Choice(exclude=[]).takes("a")


@pytest.mark.parametrize(
    ("pattern", "directory", "left_out"),
    [
        (".git/", ".git", True),
        (".git/", "git", False),
        ("**/node_modules/**", "a/b/node_modules", True),
        ("lost+found/*", "lost+found", True),  # as for the aws command: `*` stands for slashes too
        ("lost+found/*", "lost+found/deeper", True),
        ("lost+found*", "lost+found", True),
        ("lost+found", "lost+found", False),  # a file of that name
        ("*", "a", True),
        ("a/*/", "a/b", True),
        ("a/*/", "a", False),  # but not a/file
        ("a/?*", "a", False),  # it is, and is read all the same
        ("a?*", "a", True),
        ("*.txt", "a", False),
        ("*.d/*.txt", "a.d", False),
    ],
)
def test_directories_that_are_left_out_whole_need_not_be_read(pattern: str, directory: str, left_out: bool) -> None:
    assert Choice(exclude=["other", pattern]).leaves_out_all_of(directory) is left_out
    assert not Choice().leaves_out_all_of(directory)


@settings(max_examples=500, deadline=None)
@given(
    pattern=st.text("ab/*?[]!", min_size=1, max_size=6).filter(lambda each: not each.startswith("/")),
    directory=st.text("ab/*", min_size=1, max_size=3).filter(lambda each: "" not in each.split("/")),
    below=st.text("ab/", max_size=4),
)
def test_of_a_directory_that_is_left_out_whole_nothing_is_taken(pattern: str, directory: str, below: str) -> None:
    choice = Choice(exclude=pattern)
    if choice.leaves_out_all_of(directory):
        assert not choice.takes(f"{directory}/{below}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"include": "*.txt", "exclude": "*"}, "Give include alone"),
        ({"include": "*.txt", "exclude": ["a", "**"]}, "Give include alone"),
        ({"include": ""}, "include='' is no pattern"),
        ({"exclude": [1]}, "exclude=1 is no pattern"),
        ({"exclude": b"*.txt"}, "is no pattern"),
        ({"exclude": Path("a")}, "is no pattern"),
        ({"exclude": "/tmp/*"}, "Write 'tmp/*'"),
        ({"include": "./a"}, "Write 'a'"),
    ],
)
def test_patterns_that_make_no_sense_are_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(TreeArgumentError, match=re.escape(says)):
        Choice(**arguments)
