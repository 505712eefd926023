"""Which paths of a tree are meant: `include` and `exclude`, patterns as those of `aws s3 sync` with `**/` added."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

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
        self._included = _compiled(included) if include is not None else None
        self._excluded = _compiled(excluded)
        self._pruned = _compiled(each[:-3] for each in map(_whole, excluded) if each.endswith("/**"))

    def takes(self, relative: str) -> bool:
        """Whether a path is chosen."""
        if self._included is not None and not self._included(relative):
            return False
        return self._excluded is None or not self._excluded(relative)

    def leaves_out_all_of(self, directory: str) -> bool:
        """Whether a pattern of `exclude` is for everything below a directory, so that it need not be read."""
        return self._pruned is not None and bool(self._pruned(directory))


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
    return re.compile("|".join(sources), re.DOTALL).fullmatch if sources else None


_TOKEN = re.compile(
    r"(?P<any_directories>(?:(?<=/)|^)\*\*/)|(?P<any>\*+)|(?P<one>\?)|(?P<set>\[!?\]?[^\]]*\])|(?P<text>.)", re.DOTALL
)


def _translated(pattern: str) -> str:
    return "".join(_part(each) for each in _TOKEN.finditer(pattern))


def _part(token: re.Match[str]) -> str:
    text = token.group()
    match token.lastgroup:
        case "any_directories":
            return "(?:.*/)?"
        case "any":
            return ".*"
        case "one":
            return "."
        case "set":
            negated = text.startswith("[!")
            return f"[{'^' if negated else ''}{_members(text[2 if negated else 1 : -1])}]"
        case _:
            return re.escape(text)


def _members(text: str) -> str:
    """The members of a set, in which only a range (`a-z`) means something; one that runs backwards has none."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        if text[place + 1 : place + 2] == "-" and place + 2 < len(text):
            first, last = text[place], text[place + 2]
            if first <= last:
                parts.append(f"{re.escape(first)}-{re.escape(last)}")
            place += 3
        else:
            parts.append(re.escape(text[place]))
            place += 1
    return "".join(parts) or r"\Z\A"
