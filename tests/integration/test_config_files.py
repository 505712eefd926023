"""An error of a config file tells its place; what boto3 takes is taken, and an empty AWS_PROFILE is none."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ConfigParseError, ProfileNotFound

import aiosdk
from aiosdk.exceptions import ConfigFileError, InvalidEndpointError

if TYPE_CHECKING:
    from pathlib import Path

KEYS = b"[default]\naws_access_key_id = AKID\naws_secret_access_key"
# The config file, the credentials file, and the place and the reason that the error tells.
BROKEN: dict[str, tuple[bytes, bytes, str, str]] = {
    "a byte order mark": (b"\xef\xbb\xbf[default]\nregion = x\n", b"", "config, line 1", "byte order mark"),
    "a section twice": (b"[default]\n\n[profile a]\n[default]\n", b"", "config, line 4", "a section [default] already"),
    "a name twice": (b"[default]\nregion = hush\nregion = x\n", b"", "config, line 3", "`region` in the section"),
    "no section": (b"region = hush\n", b"", "config, line 1", "such as [default] must come first"),
    "no value": (b"[default]\nregion hush\n", b"", "config, line 2", "neither a section nor `name = value`"),
    "an open section": (b"[default]\na = b\n[hush\n", b"", "config, line 3", "neither a section nor"),
    "no UTF-8": (b"[default]\nregion = x\n# h\xffush\n", b"", "config, line 3", "0xff is no UTF-8"),
    "a nested text": (b"[default]\ns3 =\n  a = b\n  hush\n", b"", "config, line 4", "indented below a name"),
    "credentials with a mark": (b"", b"\xef\xbb\xbf" + KEYS + b" = hush\n", "credentials, line 1", "byte order mark"),
    "credentials without =": (b"", KEYS + b" hush\n", "credentials, line 3", "neither a section nor"),
    "credentials twice": (b"", KEYS + b" = hush\n[default]\n", "credentials, line 4", "[default] already"),
    "services as a text": (
        b"[default]\nregion = eu-west-1\nservices = x\n[services x]\nsqs =\n  endpoint_url = http://h\ns3 = hush\n",
        b"",
        "config, line 7",
        "`s3` takes no value",
    ),
    "s3 as a text": (b"[default]\nregion = eu-west-1\ns3 = hush\n", b"", "config, line 3", "`s3` takes no value"),
}
TAKEN = (
    b"[default]\nregion = eu-west-1\nproxies_config = text\n",
    b"[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n",
    b"[default]\nregion = eu-west-1\n[profile a]\ns3 = text\n",
    b'[profile "a b]\nregion = x\n[default]\nregion = eu-west-1\n',
    b"# comment\n[default]\r\nregion = eu-west-1\r\n",
)


def make(write: dict[Path, bytes], **arguments: Any) -> tuple[str, str | None]:
    """Make a client of S3; give the session's profile and the client's region."""
    for path, content in write.items():
        path.write_bytes(content)

    async def program() -> tuple[str, str | None]:
        async with aiosdk.Session(**arguments) as session:
            return session.profile_name, (await session.client("s3")).meta.region_name

    return asyncio.run(program())


@pytest.mark.parametrize("case", BROKEN)
def test_an_error_of_a_file_tells_file_line_and_reason_and_nothing_of_it(aws_environment: Path, case: str) -> None:
    config, credentials, place, reason = BROKEN[case]
    files = {aws_environment / "config": config, aws_environment / "credentials": credentials}
    with pytest.raises(ConfigFileError) as raised:
        make(files)
    text = str(raised.value)
    assert f"{aws_environment}/{place}: " in text
    assert reason in text
    assert "hush" not in repr(raised.getrepr()) + text
    assert isinstance(raised.value, ConfigParseError)
    assert str(pickle.loads(pickle.dumps(raised.value))) == text
    with pytest.raises((ConfigParseError, AttributeError)):
        boto3.Session().client("s3")


@pytest.mark.parametrize("config", TAKEN)
def test_what_boto3_takes_is_taken(aws_environment: Path, config: bytes) -> None:
    assert make({aws_environment / "config": config}) == ("default", "eu-west-1")
    assert boto3.Session().client("s3").meta.region_name == "eu-west-1"


CONFIG = b"[default]\nregion = eu-west-1\n[profile other]\nregion = us-west-2\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"AWS_PROFILE": ""}, ("default", "eu-west-1")),
        ({"AWS_DEFAULT_PROFILE": ""}, ("default", "eu-west-1")),
        ({"AWS_DEFAULT_PROFILE": "", "AWS_PROFILE": "other"}, ("other", "us-west-2")),
        ({"AWS_PROFILE": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, ("default", "eu-west-1")),
        ({"AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": ""}, ("default", "eu-west-1")),
    ],
)
def test_an_empty_variable_is_none(
    aws_environment: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: tuple[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert aiosdk.Session().profile_name == expected[0]
    assert make({aws_environment / "config": CONFIG}) == expected


def test_an_empty_profile_works_without_any_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "")
    assert make({}, region_name="us-east-1") == ("default", "us-east-1")


def test_an_empty_profile_in_the_arguments_is_told_as_what_it_is(aws_environment: Path) -> None:
    with pytest.raises(ProfileNotFound, match="no profile ''"):
        make({aws_environment / "config": CONFIG}, profile_name="")


def test_a_number_that_is_none_is_told_with_its_places(aws_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {aws_environment / "config": CONFIG.replace(b"[profile", b"max_attempts = many\n[profile")}
    with pytest.raises(ValueError, match="invalid literal") as raised:
        make(config)
    assert "AWS_MAX_ATTEMPTS or `max_attempts` of the profile" in raised.value.__notes__[0]
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "")
    with pytest.raises(ValueError, match="invalid literal") as raised:
        make(config)
    assert "AWS_MAX_ATTEMPTS" in raised.value.__notes__[0]
    with pytest.raises(ValueError, match="invalid literal"):
        boto3.Session().client("s3")


def test_an_empty_region_is_told_as_what_it_is(aws_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    with pytest.raises(InvalidEndpointError, match="has no region: AWS_DEFAULT_REGION"):
        make({aws_environment / "config": CONFIG})
    with pytest.raises(ValueError, match="Invalid endpoint"):
        boto3.Session().client("s3")
