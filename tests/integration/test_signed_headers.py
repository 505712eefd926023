"""Headers that a `before-sign` hook sets go out as they were signed, on a server that works the signature out again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import aiosdk
from tests.support.server import CountingServer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., aiosdk.Session]

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
HEADERS = {
    "Accept-Encoding": "gzip",
    "accept-encoding": "deflate",
    "ACCEPT-ENCODING": "br;q=1.0",
    "Accept": "text/x-anything",
    "Connection": "close",
    "Content-Type": "text/x-other",
    "Host": "elsewhere.example",
    "TE": "trailers",
    "X-Custom": "yes",
    "amz-sdk-request": "attempt=7",
    "amz-sdk-invocation-id": "mine",
    "Expect": "100-continue",
    "User-Agent": "mine/1.0",
    "X-Amzn-Trace-Id": "Root=1-2-3",
}
# botocore writes its own over a hook's after signing: boto3's signatures are wrong there, and so are ours.
WRITTEN_OVER = ("amz-sdk-request", "amz-sdk-invocation-id")
# These say which library sends, and which call.
ITS_OWN = ("User-Agent", "amz-sdk-invocation-id")


def signature_of(request: Request, service: str) -> tuple[str, str]:
    """The signature of a request as it came, and as it should be for what came."""
    authorization = request.headers["authorization"]
    parts = dict(each.strip().split("=", 1) for each in authorization.partition(" ")[2].split(","))
    came = request.headers
    signed = {name: came.get(name, "") for name in parts["SignedHeaders"].split(";")}
    auth: Any = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials("AKIDEXAMPLE", "secret"), service, "us-east-1"
    )
    url = f"http://{came['host']}{request.target}"
    again = AWSRequest(method=request.method, url=url, headers=signed, data=request.body)
    again.context["timestamp"] = came["x-amz-date"]
    path, query = urlsplit(url).path or "/", urlsplit(url).query
    canonical = "\n".join(
        [
            request.method,
            path,
            query,
            "".join(f"{name}:{' '.join(value.split())}\n" for name, value in sorted(signed.items())),
            ";".join(sorted(signed)),
            came.get("x-amz-content-sha256") or auth.payload(again),
        ]
    )
    return parts["Signature"], auth.signature(auth.string_to_sign(again, canonical), again)


def relevant(request: Request) -> dict[str, str]:
    """The headers that depend on neither the time nor the library."""
    apart = ("authorization", "x-amz-date", "user-agent", "amz-sdk-invocation-id", "connection")
    return {name: value for name, value in request.headers.items() if name not in apart}


@pytest.mark.parametrize("service", ["s3", "sqs"])
@pytest.mark.parametrize("name", HEADERS)
async def test_what_a_hook_sets_before_signing_is_what_is_signed_and_sent(
    server: CountingServer, make_session: Make, name: str, service: str
) -> None:
    def hook(request: Any, **_: Any) -> None:
        del request.headers[name]
        request.headers[name] = HEADERS[name]

    def theirs() -> None:
        client = boto3.client(service, endpoint_url=server.url, **KEYS)
        client.meta.events.register("before-sign", hook)
        _call(client)

    await asyncio.to_thread(theirs)
    async with make_session() as session:
        client = await session.client(service)
        client.meta.events.register("before-sign", hook)
        await _call(client)
        await _call(client)  # over the connection that is there now
    expected, *ours = server.requests
    was, should_be = signature_of(expected, service)
    assert (was == should_be) is (name not in WRITTEN_OVER)
    assert len(ours) == 2
    for request in ours:
        was, should_be = signature_of(request, service)
        assert (was == should_be) is (name not in WRITTEN_OVER)
        assert relevant(request) == relevant(expected)
        assert request.headers[name.lower()] == expected.headers[name.lower()] or name in ITS_OWN


def _call(client: Any) -> Any:
    if client.meta.service_model.service_name == "s3":
        return client.put_object(Bucket="bucket", Key="key", Body=b"data")
    return client.send_message(QueueUrl=client.meta.endpoint_url + "/1/q", MessageBody="x")
