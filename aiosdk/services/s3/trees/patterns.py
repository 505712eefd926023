"""Which paths of a tree are meant: `include` and `exclude`, patterns as those of `aws s3 sync` with `**/` added."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
_TOKEN: Final = re.compile(
    r"""(?P<any_directories> (?:(?<=/)|^) \*\*/)  # none, too
    | (?P<any> \*+)
    | (?P<one> \?)
    | (?P<set> \[ (?P<negated> !?) (?P<members> \]? [^\]]*) \])
    | (?P<text> .)""",
    re.DOTALL | re.VERBOSE,
)


def _translated(pattern: str) -> str:
    return "".join(_part(each) for each in _TOKEN.finditer(pattern))


def _part(token: re.Match[str]) -> str:
    if token["any_directories"]:
        return "(?:.*/)?"
    if token["any"]:
        return ".*"
    if token["one"]:
        return "."
    if token["set"]:
        members = _members(token["members"])
        if token["negated"]:
            return f"[^{members}]" if members else "."
        return f"[{members}]" if members else _NEVER
    return re.escape(token.group())


def _members(text: str) -> str:
    """The members of a set; a range that runs backwards, `z-a`, has none."""
    parts = ""
    while text:
        if len(text) > 2 and text[1] == "-":
            parts += f"{re.escape(text[0])}-{re.escape(text[2])}" if text[0] <= text[2] else ""
            text = text[3:]
        else:
            parts += re.escape(text[0])
            text = text[1:]
    return parts
