"""Errors of profiles that somebody has to log in for say the command that does it.

The library's own say that a token is missing or has expired, and leave it to the reader to find which profile that is:
it may be the source of the one that was asked for.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import (
    BotoCoreError,
    LoginRefreshRequired,
    LoginTokenLoadError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from aiosdk._errors import become
from aiosdk.exceptions import LoginNeededError

if TYPE_CHECKING:
    from collections.abc import Generator

    from aiobotocore.session import AioSession

_COMMANDS: Final[dict[type[Exception], str]] = {
    SSOTokenLoadError: "aws sso login",
    UnauthorizedSSOTokenError: "aws sso login",
    TokenRetrievalError: "aws sso login",
    LoginRefreshRequired: "aws login",
    LoginTokenLoadError: "aws login",
}
_CACHED: Final = re.compile("[0-9a-f]{40}")
_MARKS: Final = ("sso_session", "sso_start_url", "login_session")


@contextmanager
def telling_login(session: AioSession | None) -> Generator[None]:
    """Have an error that a login would end tell the command for it."""
    try:
        yield
    except BotoCoreError as error:
        command = next((command for kind, command in _COMMANDS.items() if isinstance(error, kind)), None)
        if command is None and _is_broken_token(error):
            command = "aws sso login"
        if session is not None and command is not None and not isinstance(error, LoginNeededError):
            _tell(error, command, session)
        raise


def _is_broken_token(error: BotoCoreError) -> bool:
    """Whether a file of botocore's token cache, which has a hash for its name, could not be read."""
    cause = error.__cause__
    return type(cause) is KeyError and bool(cause.args) and _CACHED.fullmatch(str(cause.args[0])) is not None


def _tell(error: BotoCoreError, command: str, session: AioSession) -> None:
    command = f"{command} --profile {shlex.quote(_profile_of(session))}"
    said = str(error).rstrip(".")
    become(error, LoginNeededError)
    vars(error)["kwargs"] = {**vars(error).get("kwargs", {}), "said": said, "command": command}
    error.args = (LoginNeededError.fmt.format(said=said, command=command),)


def _profile_of(session: AioSession) -> str:
    """The profile of a session, or the one that it takes its credentials from, which may be further on."""
    name = str(session.profile or "default")
    if session._config is None:
        return name
    profiles: dict[str, Any] = session.full_config.get("profiles", {})
    seen: set[str] = set()
    source = name
    while source not in seen:
        seen.add(source)
        profile = profiles.get(source, {})
        if any(mark in profile for mark in _MARKS):
            return source
        source = str(profile.get("source_profile", name))
    return name
