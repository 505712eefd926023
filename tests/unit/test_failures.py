"""Every failure of aiohttp has its row in the table, and the rows are in the right order."""

from __future__ import annotations

import inspect
import socket
import ssl

import aiohttp
import pytest
import yarl
from aiohttp import client_exceptions, http_exceptions
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from multidict import CIMultiDict, CIMultiDictProxy

from aiosdk._transport.failures import TABLE, body_error, request_error

URL = "https://s3.amazonaws.com/bucket"

PROXY = "http://user:hunter2@proxy.example:3128"
PROXY_REQUEST = aiohttp.RequestInfo(yarl.URL(PROXY), "CONNECT", CIMultiDictProxy(CIMultiDict()), yarl.URL(PROXY))

# What each of aiohttp's exceptions means to a caller of botocore. A class that is missing here is new in aiohttp:
# decide what it means, add it here and, where a base's row says something else, to the table.
EXPECTED: dict[str, type[BotoCoreError]] = {
    # No connection
    "ClientConnectionError": EndpointConnectionError,
    "ClientConnectorError": EndpointConnectionError,
    "ClientConnectorDNSError": EndpointConnectionError,
    "UnixClientConnectorError": EndpointConnectionError,
    "ServerConnectionError": EndpointConnectionError,
    "ClientProxyConnectionError": ProxyConnectionError,
    "ClientHttpProxyError": ProxyConnectionError,
    "ConnectionTimeoutError": ConnectTimeoutError,
    # No trust
    "ClientSSLError": SSLError,
    "ClientConnectorSSLError": SSLError,
    "ClientConnectorCertificateError": SSLError,
    "ServerFingerprintMismatch": SSLError,
    # A connection that broke, or an answer that did
    "ClientOSError": ConnectionClosedError,
    "ClientConnectionResetError": ConnectionClosedError,
    "ServerDisconnectedError": ConnectionClosedError,
    "ClientPayloadError": ConnectionClosedError,
    "ClientResponseError": ConnectionClosedError,  # what aiohttp makes of an answer that is no HTTP
    "BadStatusLine": ConnectionClosedError,
    "BadHttpMethod": ConnectionClosedError,
    # Silence
    "ServerTimeoutError": ReadTimeoutError,
    "SocketTimeoutError": ReadTimeoutError,
    # Anything else
    "ClientError": HTTPClientError,
    "UploadAbortedError": HTTPClientError,
    "InvalidURL": HTTPClientError,
    "InvalidUrlClientError": HTTPClientError,
    "NonHttpUrlClientError": HTTPClientError,
    "HttpProcessingError": HTTPClientError,
    "BadHttpMessage": HTTPClientError,
    "HttpBadRequest": HTTPClientError,
    "InvalidHeader": HTTPClientError,
    "InvalidURLError": HTTPClientError,
    "LineTooLong": HTTPClientError,
    "PayloadEncodingError": HTTPClientError,
    "ContentEncodingError": HTTPClientError,
    "ContentLengthError": HTTPClientError,
    "DecompressSizeError": HTTPClientError,
    "TransferEncodingError": HTTPClientError,
}
if not hasattr(aiohttp, "UploadAbortedError"):  # before aiohttp 3.14.5
    del EXPECTED["UploadAbortedError"]
NEVER_RAISED = {
    "TooManyRedirects",  # redirects are not followed
    "RedirectClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlRedirectClientError",
    "ContentTypeError",  # the body is never asked for as JSON
    "WSServerHandshakeError",  # there are no websockets
    "WSMessageTypeError",
}


def aiohttp_exceptions() -> dict[str, type[Exception]]:
    return {
        name: kind
        for module in (client_exceptions, http_exceptions)
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == module.__name__
    }


def raised(kind: type[BaseException], text: str = "what happened") -> BaseException:
    """An instance, whatever its constructor wants."""
    return type(kind.__name__, (kind,), {"__init__": lambda self: None, "__str__": lambda self: text})()


def test_every_exception_of_aiohttp_is_known_here() -> None:
    assert set(aiohttp_exceptions()) == set(EXPECTED) | NEVER_RAISED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_exception_of_aiohttp_becomes_the_error_it_means(name: str) -> None:
    error = request_error(raised(aiohttp_exceptions()[name]), URL, "http://proxy.example:3128")
    assert type(error) is EXPECTED[name]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (TimeoutError(), ReadTimeoutError),
        (socket.gaierror(-2, "Name or service not known"), EndpointConnectionError),
        (ConnectionResetError(104, "Connection reset by peer"), ConnectionClosedError),
        (BrokenPipeError(32, "Broken pipe"), ConnectionClosedError),
        (OSError(113, "No route to host"), EndpointConnectionError),
        (ssl.SSLError(1, "bad record mac"), SSLError),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), SSLError),
        (RuntimeError("a bug"), HTTPClientError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_each_failure_below_aiohttp_becomes_the_error_it_means(
    failure: Exception, expected: type[BotoCoreError]
) -> None:
    assert type(request_error(failure, URL, None)) is expected


def test_no_row_of_the_table_is_shadowed_by_one_above_it() -> None:
    shadowed = [
        (above.__name__, below.__name__)
        for position, (below, _) in enumerate(TABLE)
        for above, _ in TABLE[:position]
        if issubclass(below, above)
    ]
    assert shadowed == []


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_error_names_the_endpoint_or_the_proxy_or_the_cause(name: str) -> None:
    error = request_error(raised(aiohttp_exceptions()[name]), URL, "http://proxy.example:3128")
    assert any(part in str(error) for part in (URL, "proxy.example", "what happened"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_error_shows_the_password_in_the_url_of_the_proxy(name: str) -> None:
    error = request_error(raised(aiohttp_exceptions()[name]), URL, PROXY)
    assert "hunter2" not in str(error) + repr(error)


@pytest.mark.parametrize(
    "failure",
    [
        aiohttp.InvalidURL(PROXY),
        aiohttp.ClientResponseError(PROXY_REQUEST, (), status=400, message="no HTTP"),
        aiohttp.ClientHttpProxyError(PROXY_REQUEST, (), status=407, message="who are you?"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_no_error_shows_the_password_that_aiohttp_shows_in_its_own(failure: Exception) -> None:
    assert "hunter2" in str(failure)
    error = request_error(failure, URL, PROXY)
    assert "hunter2" not in str(error) + repr(error)


def test_a_proxy_error_says_which_proxy() -> None:
    error = request_error(raised(aiohttp.ClientProxyConnectionError), URL, "http://user:hunter2@proxy.example:3128")
    assert "proxy.example:3128" in str(error)


def test_a_broken_streaming_body_is_a_streaming_error() -> None:
    error = body_error(aiohttp.ClientPayloadError("cut off"), URL)
    assert type(error) is ResponseStreamingError
    assert "cut off" in str(error)


def test_a_timeout_of_a_streaming_body_stays_a_timeout_for_aiobotocore_to_name() -> None:
    failure = aiohttp.SocketTimeoutError("silence")
    assert body_error(failure, URL) is failure
