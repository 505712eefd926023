"""Which error each failure of aiohttp or of a socket becomes: one table, read from the top.

The errors are botocore's, so that its retry rules and users' `except` clauses apply. The first row that matches
decides, so subclasses stand above their bases; a test walks the exceptions of aiohttp, sockets, TLS and asyncio, and
fails when one is new.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final

import aiohttp
from aiohttp import http_exceptions
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

from aiosdk._transport.bounds import too_much
from aiosdk.exceptions import AnswerRefusedError, SessionClosedError, hide_userinfo


class NameTimeoutError(aiohttp.ConnectionTimeoutError):
    """Raised when the address of a host was not found within the connect time-out."""


TABLE: Final[tuple[tuple[type[BaseException], type[BotoCoreError]], ...]] = (
    (aiohttp.ClientSSLError, SSLError),
    (aiohttp.ServerFingerprintMismatch, SSLError),
    (aiohttp.ClientProxyConnectionError, ProxyConnectionError),
    (aiohttp.ClientHttpProxyError, ProxyConnectionError),
    (aiohttp.ServerDisconnectedError, ConnectionClosedError),
    (aiohttp.ClientPayloadError, ConnectionClosedError),
    (aiohttp.ConnectionTimeoutError, ConnectTimeoutError),
    (aiohttp.ServerTimeoutError, ReadTimeoutError),
    (aiohttp.ClientConnectorError, EndpointConnectionError),
    (aiohttp.ClientConnectionResetError, ConnectionClosedError),
    (aiohttp.ClientOSError, ConnectionClosedError),
    (aiohttp.ClientConnectionError, EndpointConnectionError),
    (http_exceptions.BadStatusLine, ConnectionClosedError),
    (http_exceptions.HttpProcessingError, HTTPClientError),
    (aiohttp.InvalidURL, HTTPClientError),
    (aiohttp.ClientResponseError, ConnectionClosedError),  # what came was no HTTP
    (aiohttp.ClientError, HTTPClientError),
    (asyncio.TimeoutError, ReadTimeoutError),
    (socket.gaierror, EndpointConnectionError),
    (ssl.SSLError, SSLError),
    (ConnectionError, ConnectionClosedError),
    (EOFError, ConnectionClosedError),
    (OSError, EndpointConnectionError),
)


def request_error(failure: BaseException, url: str, proxy: str | None) -> BotoCoreError:
    """Give the error for a failure between connecting and the last byte of a buffered answer."""
    if (reason := too_much(failure)) is not None:
        return AnswerRefusedError(url=_shown(url), problem=reason)
    kind = next((error for cause, error in TABLE if isinstance(failure, cause)), HTTPClientError)
    text = str(failure)
    shown = failure if hide_userinfo(text) == text else type(failure).__name__  # a proxy's password may stand in it
    if kind is ProxyConnectionError:
        return ProxyConnectionError(proxy_url=hide_userinfo(proxy or ""), error=shown)
    error = kind(endpoint_url=hide_userinfo(url), error=shown)
    if isinstance(failure.__cause__, NameTimeoutError):
        error.add_note(str(failure.__cause__))
    return error


def body_error(failure: BaseException, url: str) -> BaseException:
    """Give the error for a failure while a streaming body is read.

    A timeout stays one: aiobotocore's body makes it an error that is both a `ReadTimeoutError` and a `TimeoutError`.
    """
    if isinstance(failure, (asyncio.TimeoutError, SessionClosedError)):
        return failure
    if (reason := too_much(failure)) is not None:
        return AnswerRefusedError(url=_shown(url), problem=reason)
    return ResponseStreamingError(endpoint_url=_shown(url), error=failure)


def without_headers(failure: Exception) -> Exception:
    """Take the headers of the request, which have its signature and session token, out of an error of aiohttp's."""
    if isinstance(failure, aiohttp.ClientResponseError):
        told = failure.request_info
        bare: CIMultiDict[str] = CIMultiDict()
        failure.request_info = aiohttp.RequestInfo(told.url, told.method, CIMultiDictProxy(bare), told.real_url)
        failure.args = (failure.request_info, ())
    return failure


def _shown(url: str) -> str:
    """A URL without its secrets: a password before the host, a signature behind the path."""
    return hide_userinfo(url.partition("?")[0])
