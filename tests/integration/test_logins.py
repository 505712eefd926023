"""A token that is missing or has expired is told by one error with the command to run, and by nothing else."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.tokens import SSOTokenProvider

import aiosdk
from aiosdk._aws.redaction import redact_logs, redacted_traceback
from aiosdk.exceptions import LoginNeededError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[profile new]
region = us-east-1
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Admin
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
[profile old]
region = us-east-1
sso_region = us-east-1
sso_start_url = https://old.awsapps.com/start
sso_account_id = 123456789012
sso_role_name = Admin
[profile role]
region = us-east-1
role_arn = arn:aws:iam::123456789012:role/r
source_profile = between
[profile between]
role_arn = arn:aws:iam::123456789012:role/s
source_profile = old
"""
OLD = "https://old.awsapps.com/start"
EXPIRED = {"accessToken": "hush", "expiresAt": "2020-01-01T00:00:00Z", "startUrl": OLD, "region": "us-east-1"}
CASES = {
    "a session's token is missing": ("new", "corp", None, SSOTokenLoadError, "new"),
    "a session's token has expired": ("new", "corp", json.dumps(EXPIRED), TokenRetrievalError, "new"),
    "a session's token is broken": ("new", "corp", "{", CredentialRetrievalError, "new"),
    "a profile's token is missing": ("old", OLD, None, SSOTokenLoadError, "old"),
    "a profile's token has expired": ("old", OLD, json.dumps(EXPIRED), UnauthorizedSSOTokenError, "old"),
    "the token of a role's source is missing": ("role", OLD, None, SSOTokenLoadError, "old"),
}


@pytest.fixture(params=CASES)
def case(
    request: pytest.FixtureRequest, aws_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, type[BotoCoreError], str]:
    profile, key, token, kind, named = CASES[request.param]
    for provider in (SSOTokenProvider, SSOProvider):  # who have looked for it when they were imported
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(aws_environment.parent / ".aws" / "sso" / "cache"))
    write(aws_environment, key, token)
    return profile, kind, named


async def test_the_error_says_how_to_log_in(case: tuple[str, type[BotoCoreError], str]) -> None:
    profile, kind, named = case
    async with aiosdk.Session(profile_name=profile) as session:
        s3 = await session.client("s3")
        for _ in range(2):
            with pytest.raises(kind) as raised:
                await s3.list_buckets()
            error = raised.value
            assert isinstance(error, LoginNeededError)
            assert str(error).endswith(f". Run `aws sso login --profile {named}`.")
            assert str(error).count("Run `") == 1
            assert error.command == f"aws sso login --profile {named}"
            twin = pickle.loads(pickle.dumps(error))
            assert (type(twin), str(twin), twin.command) == (type(error), str(error), error.command)


PROGRAM = """
import asyncio, aiosdk
async def main():
    async with aiosdk.Session(profile_name="new") as session:
        try:
            await (await session.client("s3")).list_buckets()
        except aiosdk.exceptions.LoginNeededError as error:
            print(error.command)
asyncio.run(main())
"""


def test_nothing_goes_to_standard_error(aws_environment: Path) -> None:
    write(aws_environment, "corp", None)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("aws sso login --profile new\n", "")


def test_a_traceback_in_a_log_keeps_its_source_and_no_secret() -> None:
    session_token = "hush"
    try:
        frozen_token = wrong(session_token)
        print(frozen_token)
    except BotoCoreError:
        text = logging.Formatter().formatException(sys.exc_info())
    clean = redacted_traceback(text + '\n  File "other.py", line 1, in f\n    token = hush')
    assert "frozen_token = wrong(session_token)" in clean
    assert "token='***'" in clean
    assert "hush" not in clean


def test_loggers_of_aiobotocore_have_a_handler_that_does_nothing() -> None:
    redact_logs()
    redact_logs()
    handlers = logging.getLogger("aiobotocore").handlers
    assert [type(each) for each in handlers].count(logging.NullHandler) == 1


def wrong(value: str) -> str:
    raise CredentialRetrievalError(provider="p", error_msg=f"token={value!r}")


def write(folder: Path, key: str, token: str | None) -> None:
    (folder / "config").write_text(CONFIG)
    cache = folder.parent / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    if token is not None:
        (cache / f"{hashlib.sha1(key.encode()).hexdigest()}.json").write_text(token)
