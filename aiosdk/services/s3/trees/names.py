"""Which path a key has below a directory, and which keys have none: those that would leave it, or name no file."""

from __future__ import annotations

import os
import re
from typing import Final

from aiosdk.exceptions import TreeNameError

KEY_SIZE: Final = 1024
"""The most bytes that S3 allows for a key."""

_NAME_SIZE: Final = 255
_DEVICES: Final = r"CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]"
_DEVICE: Final = re.compile(rf"(?:{_DEVICES}) *(?:[.:].*)?", re.IGNORECASE | re.DOTALL)
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*\x00-\x1f\\]')


def path_problem(relative: str, *, portable: bool = True, windows: bool = os.name == "nt") -> str | None:
    """Say why a key, relative to the prefix, cannot be a path below a directory; None if it can.

    Refused everywhere: what would leave the directory, whether slashes or backslashes part it, and names that are none
    ("", ".", NUL bytes, over 255 bytes). Windows' devices and drives are refused there, and elsewhere unless `portable`
    is false; on Windows also whatever Windows would change or take for something else.
    """
    if "\0" in relative:
        return "holds a NUL byte, which no file name can"
    if relative.startswith(("/", "\\")):
        return "is absolute and would leave the directory"
    parts = relative.split("/")
    every = re.split(r"[/\\]", relative)
    if ".." in every:
        return "has a part '..' and would leave the directory"
    if "" in parts or "." in parts:
        return "has a part that is empty or '.', and would have the path of another key"
    if len(parts) > KEY_SIZE // 2 + 1:  # which no server of AWS's lists
        return f"has {len(parts):,} parts, and a key of at most {KEY_SIZE:,} bytes has fewer"
    for part in parts:
        size = len(part.encode("utf-16-le")) // 2 if windows else len(part.encode("utf-8", "surrogatepass"))
        if size > _NAME_SIZE:
            return (
                f"has a part of {size} {'characters' if windows else 'bytes'}, and file names have at most {_NAME_SIZE}"
            )
    if windows or portable:
        if _DRIVE.match(relative):
            return "begins with the letter of a drive, as on Windows, and would leave the directory"
        if device := next((part for part in every if _DEVICE.fullmatch(part)), None):
            return f"has a part {device!r}, which is a device on Windows"
    return _windows_problem(parts) if windows else None


def _windows_problem(parts: list[str]) -> str | None:
    for part in parts:
        if found := _NOT_ON_WINDOWS.search(part):
            return f"holds {found.group()!r}, which no file name on Windows can"
        if part.endswith((".", " ")):
            return "has a part that ends in a dot or a space, which Windows would leave out"
    return None


def path_of(root: str, relative: str) -> str:
    """Give the path of a key that has no problem."""
    return os.path.join(root, *relative.split("/")) if os.sep != "/" else f"{root.rstrip('/')}/{relative}"


def refused_key(key: str, problem: str, *, portable: bool = False) -> TreeNameError:
    """Make the error for a key that was not downloaded."""
    hint = " Pass portable_names=False to have it here all the same." if portable and os.name != "nt" else ""
    return TreeNameError(what=f"the key {key[:200]!r}", problem=problem, hint=hint)


def key_problem(key: str) -> str | None:
    """Say why a file cannot be uploaded under a key; None if it can."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid UTF-8, and keys are: rename the file"
    if size > KEY_SIZE:
        return f"would make a key of {size:,} bytes, and keys have at most {KEY_SIZE:,}"
    return None


def directory_of(prefix: str) -> str:
    """Give a prefix as the keys below it begin: with a slash at its end, unless it is empty."""
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
