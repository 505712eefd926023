"""Tells where in a config file something is wrong, and what, without repeating what stands there: there may be secrets.

botocore says which file cannot be parsed, and that is all.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import codecs
import configparser
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ConfigParseError

from aiosdk.exceptions import ConfigFileError

if TYPE_CHECKING:
    from collections.abc import Generator

    from aiobotocore.session import AioSession

_SECTION: Final = re.compile(r"\[(?P<name>.+)\]")


@contextmanager
def telling_place() -> Generator[None]:
    """Have an error of a config file tell the line and the reason. Reads the file again: call it off the loop."""
    try:
        yield
    except ConfigParseError as error:
        if isinstance(error, ConfigFileError):
            raise
        facts: dict[str, Any] = error.kwargs
        path = os.path.expanduser(str(facts.get("path")))
        line, reason = _place(facts.get("error") or error.__cause__, _content(path))
        raise ConfigFileError(path=path, place="" if line is None else f", line {line}", reason=reason) from None


def nested_as_text(session: AioSession) -> ConfigFileError | None:
    """Make the error for a profile in which something that has settings below it is a text; None where nothing is.

    That is `s3`, and whatever stands in the profile's section of services. Reads the files again.
    """
    profile = session.get_scoped_config()
    if isinstance(profile.get("s3"), str):
        return _as_text(session, "profile", session.profile or "default", "s3", "addressing_style = path")
    section = profile.get("services")
    services = session.full_config.get("services", {}).get(section, {})
    name = next((name for name, settings in services.items() if isinstance(settings, str)), None)
    return None if name is None else _as_text(session, "services", section, name, "endpoint_url = https://example.com")


def _as_text(session: AioSession, kind: str, section: str, name: str, example: str) -> ConfigFileError:
    reason = f"`{name}` takes no value: its settings stand below it, each indented, such as `{example}`"
    text = re.compile(rf"{re.escape(name)}\s*[=:]\s*\S", re.IGNORECASE)
    for variable in ("config_file", "credentials_file"):
        path = os.path.expanduser(str(session.get_config_variable(variable)))
        within = ""
        for number, line in enumerate(_content(path).decode(errors="replace").splitlines(), 1):
            if found := _SECTION.match(line):
                within = found["name"].removeprefix(kind).strip(" \t\"'")
            elif within == section and text.match(line):
                return ConfigFileError(path=path, place=f", line {number}", reason=reason)
    return ConfigFileError(path=f"of the {kind} {section!r}", place="", reason=reason)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _place(error: object, content: bytes) -> tuple[int | None, str]:
    """The line that botocore's error is about, if that is known, and what is wrong there."""
    if content.startswith(codecs.BOM_UTF8):
        return 1, "the file begins with a byte order mark; save it as UTF-8 without one"
    if isinstance(error, UnicodeDecodeError):
        return _no_unicode(content)
    if isinstance(error, configparser.DuplicateSectionError):
        return error.lineno, f"there is a section [{error.section}] already"
    if isinstance(error, configparser.DuplicateOptionError):
        return error.lineno, f"there is a `{error.option}` in the section [{error.section}] already"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return error.lineno, "a section such as [default] must come first"
    if isinstance(error, configparser.ParsingError):
        return next((line for line, _ in error.errors), None), "it is neither a section nor `name = value`"
    if isinstance(error, ValueError):
        return _bad_nested(content)
    return None, f"it cannot be parsed ({type(error).__name__})"


def _no_unicode(content: bytes) -> tuple[int | None, str]:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return line, f"the byte 0x{content[error.start]:02x} is no UTF-8"
    return None, "it is not in the encoding of this system; set PYTHONUTF8=1"


def _bad_nested(content: bytes) -> tuple[int | None, str]:
    """The first line below a name without a value that is not `name = value` itself."""
    within = False
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        text = line.strip()
        if line[:1].isspace() and text:
            if within and "=" not in text and not text.startswith(("#", ";")):
                return number, "it is not `name = value`, as what is indented below a name has to be"
        else:
            within = text.endswith("=")
    return None, "something that is indented below a name is not `name = value`"
