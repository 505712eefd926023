"""No secret comes out of many calls and faults at DEBUG: not in a log line, an exception, a repr or a pickle."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import random
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from botocore.parsers import ResponseParserError

import aiosdk
from aiosdk._transport.http import Request, Response
from tests.support.server import Answer, CountingServer
from tests.support.server import Request as Seen

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
ROUNDS = 400 if DEEP else 60
SECRET, TOKEN, OTHER = "SECRETKEYhush1/+", "SESSIONTOKENhush2/+==", "ANSWERSECREThush3/+"
CUSTOMER = "CUSTOMERKEYhush4CUSTOMERKEYhush4"
PROXY = "proxyhush5"
HUSH = [SECRET, TOKEN, OTHER, CUSTOMER, PROXY, "Q1VTVE9NRVJLRVlodXNoNENVU1RPTUVSS0VZaHVzaDQ="]
HUSH += [quote(each, safe="") for each in HUSH]
# 64 digits are a signature of version 4, unless they are a hash: of a request or a body, as which they are labelled.
SIGNATURE = re.compile(r"Signature(?:=|:\n|%3D)[0-9A-Za-z/+%]{16}")
STS = (
    f"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>{OTHER}"
    f"</SecretAccessKey><SessionToken>{TOKEN}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    "</AssumeRoleResult></AssumeRoleResponse>"
).encode()


class _Kept(logging.Handler):
    """Keeps every line as it would stand in a file."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def kept() -> Iterator[_Kept]:
    handler, root = _Kept(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


class _Faulty:
    """Answers, and misbehaves in every other answer."""

    def __init__(self) -> None:
        self.random = random.Random(5)

    async def __call__(self, request: Seen) -> Answer:
        good = STS if b"AssumeRole" in request.body else b"{}" if "x-amz-target" in request.headers else b""
        fault = self.random.randrange(8)
        if fault == 0:
            return Answer(403, b"<Error><Code>ExpiredToken</Code></Error>")
        if fault == 1:
            return Answer(503, b"<html>")
        if fault == 2:
            return Answer(200, good[: len(good) // 2], cut=True)
        if fault == 3:
            return Answer(200, good, length=len(good) + 10, cut=True)
        if fault == 4:
            return Answer(200, good, {"Transfer-Encoding": "nonsense"}, cut=True)
        if fault == 5:
            return Answer(301, b"", {"Location": "http://127.0.0.1:1/", "x-amz-bucket-region": "eu-west-1"})
        return Answer(200, good)


def _hushed(text: str) -> list[str]:
    return [each for each in HUSH if each in text] + SIGNATURE.findall(text.replace("Signature=***", ""))


def _everything_about(error: BaseException) -> str:
    """All that a program may print of an error, and of those behind it."""
    texts = ["".join(traceback.format_exception(error))]
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    try:
        texts.append(repr(pickle.loads(pickle.dumps(error))))
        texts.append(repr(pickle.dumps(error)))
    except Exception as unpicklable:
        texts.append(repr(unpicklable))
    return "\n".join(texts)


async def _calls(ours: aiosdk.Session) -> list[BaseException]:
    s3, sts, tables = [await ours.client(name) for name in ("s3", "sts", "dynamodb")]
    customer = {"SSECustomerKey": CUSTOMER, "SSECustomerAlgorithm": "AES256"}
    source = {f"CopySource{name}": value for name, value in customer.items()}
    errors: list[BaseException] = []

    async def get() -> None:
        await (await s3.get_object(Bucket="b", Key="k", **customer))["Body"].read()

    for make in (
        lambda: sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="name"),
        lambda: s3.put_object(Bucket="b", Key="k", Body=b"x", **customer),
        get,
        lambda: s3.copy_object(Bucket="b", Key="k", CopySource="b/k", **customer, **source),
        lambda: s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}),
        lambda: s3.generate_presigned_post("b", "k"),
        lambda: tables.list_tables(),
        lambda: s3.put_object(Bucket="b", Key="k", Metadata={"a": "x\r\ny"}, **customer),
        lambda: s3.get_object(Bucket="b", Key=5, **customer),
    ):
        try:
            await make()
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            errors.append(error)
    return errors


@pytest.fixture
def faulty() -> Iterator[CountingServer]:
    with CountingServer(_Faulty()) as server:
        yield server


async def test_no_secret_is_in_log_lines_or_exceptions(kept: _Kept, faulty: CountingServer) -> None:
    errors: list[BaseException] = []
    for version in (None, "s3v4"):
        config = AioConfig(
            retries={"mode": "standard", "total_max_attempts": 2}, signature_version=version, read_timeout=5
        )
        keys = {"aws_access_key_id": "AKID", "aws_secret_access_key": SECRET, "aws_session_token": TOKEN}
        async with aiosdk.Session(**keys, region_name="eu-west-1", endpoint_url=faulty.url, config=config) as ours:
            for client in ("s3", "sts", "dynamodb"):
                (await ours.client(client))._endpoint._sleep = _no_sleep
            for _ in range(ROUNDS // 2):
                errors += await _calls(ours)
            texts = [repr(ours), repr(ours._settings), repr(await ours.get_credentials()), repr(ours.pool)]
            view = (await ours.client("s3")).with_options(headers={"X-Token": SECRET})
            texts += [repr(view), repr(view._options)]
            texts += [repr(await ours.client("s3")), str((await ours.client("s3")).plan("put_object"))]
            assert [_hushed(text) for text in texts if _hushed(text)] == []
    assert len(kept.lines) > (50_000 if DEEP else 10_000)
    assert len(errors) > 100
    found = [(line[:200], _hushed(line)) for line in kept.lines if _hushed(line)]
    assert found[:3] == []
    told = [(type(error).__name__, _hushed(_everything_about(error))) for error in errors]
    assert [each for each in told if each[1]][:3] == []


async def test_credentials_on_their_way_are_in_no_line_of_the_event_loop(
    kept: _Kept, server: CountingServer, aws_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio's debug mode logs tasks that took long, with their results."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "slow_callback_duration", 0.0)
    monkeypatch.setattr(loop, "_debug", True)
    config = "[profile role]\nrole_arn=arn:aws:iam::123456789012:role/r\nsource_profile=keys\n"
    config += f"[profile keys]\naws_access_key_id=A\naws_secret_access_key={SECRET}\n"
    await asyncio.to_thread((aws_environment / "config").write_text, config)

    async def answer(_: Seen) -> Answer:
        return Answer(200, STS)

    server.answer = answer
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    async with aiosdk.Session(profile_name="role", region_name="us-east-1") as ours:
        found = await (await ours.get_credentials()).get_frozen_credentials()
        assert found.secret_key == OTHER
    assert any(line.startswith("asyncio") for line in kept.lines)
    assert [line[:200] for line in kept.lines if _hushed(line)] == []


async def test_what_a_container_refuses_with_is_in_no_error_as_it_is(
    kept: _Kept, server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(_: Seen) -> Answer:
        return Answer(400, f'{{"SecretAccessKey": "{OTHER}", "Token": "{TOKEN}", "More": "'.encode() + b"x" * 100_000)

    monkeypatch.setattr("aiosdk._off_loop.sleep", _no_sleep)
    server.answer = answer
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url + "/x")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", SECRET)
    async with aiosdk.Session(region_name="us-east-1") as ours:
        with pytest.raises(CredentialRetrievalError, match="400") as raised:
            await ours.get_credentials()
    assert "More" in str(raised.value)
    assert len(str(raised.value)) < 1000
    assert _hushed(_everything_about(raised.value)) == []
    assert [line[:200] for line in kept.lines if _hushed(line)] == []


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)


async def test_passwords_of_proxies_are_in_no_line(kept: _Kept) -> None:
    proxies = {"http": f"http://user:{PROXY}@127.0.0.1:1", "https": f"http://user:{PROXY}@127.0.0.1:1"}
    config = AioConfig(proxies=proxies, retries={"total_max_attempts": 2})
    keys = {"aws_access_key_id": "AKID", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    errors: list[BaseException] = []
    async with aiosdk.Session(**keys, config=config) as ours:
        for url in ("http://127.0.0.1:2", "https://127.0.0.1:2"):
            client = await ours.client("sqs", endpoint_url=url)
            client._endpoint._sleep = _no_sleep
            with pytest.raises(BotoCoreError) as failed:
                await client.list_queues()
            errors.append(failed.value)
    assert kept.lines
    assert [line[:200] for line in kept.lines if _hushed(line)] == []
    assert [str(each) for each in errors if _hushed(str(each) + repr(each))] == []


def test_requests_show_no_headers() -> None:
    request = Request("GET", f"http://u:{PROXY}@h/p?X-Amz-Signature={SECRET}", {"Authorization": SECRET}, None, None)  # type: ignore[arg-type]
    assert repr(request) == "<GET request for http://***@h/p>"
    assert repr(Response(200, {"x": SECRET}, None, SECRET.encode())) == "<response of status 200>"  # type: ignore[arg-type]
