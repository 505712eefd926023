"""A local AWS (moto, in another process), and sessions of ours and of boto3 that talk to it."""

from __future__ import annotations

import http.client
import ssl
import urllib.parse
from typing import TYPE_CHECKING

import boto3
import pytest

import aiosdk
from examples.local_aws import local_aws
from tests.support.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import trustme

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}


@pytest.fixture(scope="session")
def running_aws() -> Iterator[str]:
    with local_aws() as url:
        yield url


@pytest.fixture
def aws(running_aws: str) -> str:
    """The URL of an AWS in which nothing is yet."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(running_aws).netloc)
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().status == 200
    connection.close()
    return running_aws


@pytest.fixture
async def ours(aws: str) -> AsyncIterator[aiosdk.Session]:
    """Our session."""
    async with aiosdk.Session(**KEYS, endpoint_url=aws) as session:
        yield session


class Boto3:
    """boto3's session. It blocks: `await asyncio.to_thread(...)`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = boto3.Session(**KEYS)

    def resource(self, name: str) -> object:
        return self._session.resource(name, endpoint_url=self._url)

    def client(self, name: str) -> object:
        return self._session.client(name, endpoint_url=self._url)


@pytest.fixture
def theirs(aws: str) -> Boto3:
    """boto3's session, on the same server."""
    return Boto3(aws)


@pytest.fixture
def tls_s3_server(authority: trustme.CA) -> Iterator[S3Server]:
    """An S3 server of our own, over TLS; `ca_bundle` makes its certificate good."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with S3Server("bucket", tls=context) as running:
        yield running
