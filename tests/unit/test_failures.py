"""Every failure of aiohttp has its row in the table, and the rows are in the right order."""

from __future__ import annotations

import asyncio
import builtins
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
from botocore.retries.standard import TransientRetryableChecker
from botocore.retryhandler import EXCEPTION_MAP
from multidict import CIMultiDict, CIMultiDictProxy

from aiosdk import exceptions
from aiosdk._aws.endpoint import OutOfTimeError  # and with it aiobotocore, which adds to botocore's rules
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


# What sockets, TLS and asyncio can raise below aiohttp. One that is missing here is new in Python.
BELOW: dict[str, type[BotoCoreError]] = {
    "BlockingIOError": EndpointConnectionError,
    "ChildProcessError": EndpointConnectionError,
    "FileExistsError": EndpointConnectionError,
    "FileNotFoundError": EndpointConnectionError,
    "InterruptedError": EndpointConnectionError,
    "IsADirectoryError": EndpointConnectionError,
    "NotADirectoryError": EndpointConnectionError,
    "PermissionError": EndpointConnectionError,
    "ProcessLookupError": EndpointConnectionError,
    "OSError": EndpointConnectionError,
    "gaierror": EndpointConnectionError,
    "herror": EndpointConnectionError,
    "ConnectionError": ConnectionClosedError,
    "BrokenPipeError": ConnectionClosedError,
    "ConnectionAbortedError": ConnectionClosedError,
    "ConnectionRefusedError": ConnectionClosedError,  # from a connected socket; a refused one is a ClientConnectorError
    "ConnectionResetError": ConnectionClosedError,
    "IncompleteReadError": ConnectionClosedError,
    "TimeoutError": ReadTimeoutError,
    "SSLError": SSLError,
    "SSLCertVerificationError": SSLError,
    "SSLEOFError": SSLError,
    "SSLSyscallError": SSLError,
    "SSLWantReadError": SSLError,
    "SSLWantWriteError": SSLError,
    "SSLZeroReturnError": SSLError,
    "BrokenBarrierError": HTTPClientError,
    "InvalidStateError": HTTPClientError,
    "LimitOverrunError": HTTPClientError,
    "QueueEmpty": HTTPClientError,
    "QueueFull": HTTPClientError,
    "SendfileNotAvailableError": HTTPClientError,
}
_NOT_OF_SOCKETS = {"CancelledError"}  # which nobody may turn into an error
_LATER = {"QueueShutDown"}  # Python 3.13


def exceptions_below() -> dict[str, type[BaseException]]:
    modules = [builtins, socket, ssl, asyncio.exceptions, asyncio.queues]
    found: dict[str, type[BaseException]] = {}
    for module in modules:
        for kind in vars(module).values():
            if not inspect.isclass(kind) or not issubclass(kind, BaseException):
                continue
            if module is not builtins or issubclass(kind, OSError):
                found[kind.__name__] = kind
    return {name: kind for name, kind in found.items() if not name.startswith("_") and name != "Exception"}


def test_every_exception_of_sockets_tls_and_asyncio_is_known_here() -> None:
    assert set(exceptions_below()) - _LATER == set(BELOW) | _NOT_OF_SOCKETS


@pytest.mark.parametrize("name", sorted(BELOW))
def test_each_exception_of_sockets_tls_and_asyncio_becomes_the_error_it_means(name: str) -> None:
    assert type(request_error(raised(exceptions_below()[name]), URL, None)) is BELOW[name]


# Whether a request is sent again after an error, in the modes legacy and standard. It does not depend on the operation.
RETRIED: dict[type[BotoCoreError], tuple[bool, bool]] = {
    ConnectionClosedError: (True, True),
    ConnectTimeoutError: (True, True),
    EndpointConnectionError: (True, True),
    ProxyConnectionError: (True, True),
    ReadTimeoutError: (True, True),
    SSLError: (True, True),
    HTTPClientError: (False, True),
}
# DeadlineExceededError is raised outside of the attempts, where no rule sees it.
NEVER_RETRIED = [exceptions.PoolTimeoutError, exceptions.SessionClosedError, OutOfTimeError]


def test_which_errors_are_tried_again_is_botocores_rule_and_written_down() -> None:
    assert {error for _, error in TABLE} == set(RETRIED)
    legacy = tuple(EXCEPTION_MAP["GENERAL_CONNECTION_ERROR"])
    standard = TransientRetryableChecker._TRANSIENT_EXCEPTION_CLS
    assert {kind: (issubclass(kind, legacy), issubclass(kind, standard)) for kind in RETRIED} == RETRIED
    assert not [kind for kind in NEVER_RETRIED if issubclass(kind, (*legacy, *standard))]


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
