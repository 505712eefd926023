"""Which paths of a tree are meant: `include` and `exclude`, patterns as those of `aws s3 sync` with `**/` added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, cast

from aiosdk.exceptions import TreeArgumentError

Patterns = str | Iterable[str] | None
"""One pattern, several, or none."""


class Choice:
    """Chooses paths relative to the root of a tree, written with `/`.

    A path is chosen when it matches any pattern of `include` (all do when there is none) and no pattern of `exclude`.
    """

    def __init__(self, include: Patterns = None, exclude: Patterns = None) -> None:
        included = _checked("include", include)
        excluded = _checked("exclude", exclude)
        if included and any(not each.strip("*/") for each in excluded):
            raise TreeArgumentError(
                problem="exclude='*' leaves nothing: what is taken matches include and does not match exclude. Give "
                "include alone"
            )
        self._included = _compiled(included if include is not None else ["**"])
        self._excluded = _compiled(excluded)
        self._pruned = _compiled(each for each in map(_whole, excluded) if each.endswith("*"))

    def takes(self, relative: str) -> bool:
        """Whether a path is chosen."""
        return bool(self._included(relative)) and not self._excluded(relative)

    def leaves_out_all_of(self, directory: str) -> bool:
        """Whether a pattern of `exclude` is for everything below a directory, so that it need not be read.

        One that ends in a star and matches up to the directory's slash matches whatever comes after it.
        """
        return bool(self._pruned(f"{directory}/"))


def _checked(name: str, patterns: Any) -> tuple[str, ...]:
    if not isinstance(patterns, Iterable) or isinstance(patterns, str | bytes):
        patterns = () if patterns is None else (patterns,)
    given: tuple[Any, ...] = tuple(cast("Iterable[Any]", patterns))
    for each in given:
        if not isinstance(each, str) or not each:
            raise TreeArgumentError(
                problem=f"{name}={each!r} is no pattern: give a text such as '*.log', or a list of them"
            )
        if each.startswith(("/", "./")):
            raise TreeArgumentError(
                problem=f"{name}={each!r} matches nothing: patterns are relative to the root of the tree and begin "
                f"neither with '/' nor with './'. Write {each.lstrip('./')!r}"
            )
    return given


def _whole(pattern: str) -> str:
    """A pattern that ends in a slash is for everything below such a directory."""
    return f"{pattern}**" if pattern.endswith("/") else pattern


def _compiled(patterns: Iterable[str]) -> Any:
    sources = [_translated(_whole(each)) for each in patterns]
    return re.compile("|".join(sources) or _NEVER, re.DOTALL).fullmatch


_NEVER: Final = r"(?!)"
_SET: Final = r"(?P<set> \[ (?P<negated> !?) (?P<members> \]? [^\]]*) \])"
_OTHERS: Final = r"(?P<any_directories> (?:(?<=/)|^) \*\*/) | (?P<any> \*+) | (?P<one> \?) | (?P<text> .)"
_TOKEN: Final = re.compile(f"{_SET} | {_OTHERS}", re.DOTALL | re.VERBOSE)
_TOKEN_BUT_SETS: Final = re.compile(_OTHERS, re.DOTALL | re.VERBOSE)
_MEMBERS: Final = re.compile(r"(?P<low>.)(?:-(?P<high>.))?", re.DOTALL)
_WHERE_A_DIRECTORY_BEGINS: Final = "(?<![^/])"


def _translated(pattern: str) -> str:
    """Write a pattern as a regular expression that takes time in proportion to the pattern and the path.

    All that stands between two stars is as long wherever it is found. So its first place is as good as any other, and
    the expression keeps to it by an atomic group: there is nothing to try again, whatever the path is.
    """
    first, *others = _between_stars(pattern)
    if not others:
        return first
    *middle, last = others
    return "".join((first, *(f"(?>.*?{each})" for each in middle), ".*", last))


def _between_stars(pattern: str) -> list[str]:
    """What is before the first star, between each two and after the last one.

    `**/` is a star that ends where a directory begins. It begins at such a place itself, and so may be empty.
    """
    parts: list[list[str]] = [[]]
    for token in _tokens(pattern):
        if token.lastgroup == "any_directories":
            parts.append([_WHERE_A_DIRECTORY_BEGINS])
        elif token.lastgroup == "any":
            parts.append([])
        else:
            parts[-1].append(_one_character(token))
    return list(map("".join, parts))


def _tokens(pattern: str) -> Iterator[re.Match[str]]:
    # Apart, or for each bracket that nothing closes all that follows would be searched.
    closed = pattern.rfind("]") + 1
    return chain(_TOKEN.finditer(pattern, 0, closed), _TOKEN_BUT_SETS.finditer(pattern, closed))


def _one_character(token: re.Match[str]) -> str:
    if token.lastgroup == "one":
        return "."
    if token.lastgroup == "set":
        members = "".join(map(_members, _MEMBERS.finditer(token["members"])))
        if token["negated"]:
            return f"[^{members}]" if members else "."
        return f"[{members}]" if members else _NEVER
    return re.escape(token.group())


def _members(token: re.Match[str]) -> str:
    """One member of a set, or a range of them; a range that runs backwards, `z-a`, has none."""
    low, high = token["low"], token["high"]
    if high is None:
        return re.escape(low)
    return f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
