"""aiobotocore's `http_session_cls` over the session's pool."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import io
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from aiobotocore.awsrequest import AioAWSResponse
from botocore.httpsession import ProxyConfiguration, get_cert_path

from aiosdk import _off_loop
from aiosdk._aws.calls import under_way
from aiosdk._aws.clock import Clock
from aiosdk._aws.throttling import Throttles
from aiosdk._aws.whom import NOBODY, Whom
from aiosdk._transport import http
from aiosdk._transport.bounds import MAX_BODY, MAX_ERROR_BODY
from aiosdk._transport.connector import ConnectorOptions
from aiosdk._transport.failures import request_error
from aiosdk._transport.loop_pool import Setup
from aiosdk._transport.tls import TLSSettings
from aiosdk.exceptions import UnreadableAnswerError, UnsupportedOptionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from aiosdk._aws.throttling import Turn
    from aiosdk._transport.pool import ConnectionPool

# While nothing moves: a fan-out of tens of thousands of requests over few connections is none of that.
POOL_TIMEOUT: Final = 30.0
_ENCODING: Final = "Accept-Encoding"
_encoding: Final = _ENCODING.lower()
# asyncio sets it itself.
_NO_DELAY: Final = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class PooledHTTPSession:
    """Sends the requests of one client over the pool of its session. Owns no connection."""

    pool: ClassVar[ConnectionPool]
    throttles: ClassVar[Throttles | None] = None
    clock: ClassVar[Clock]
    max_response_size: ClassVar[int] = MAX_BODY
    pool_timeout: ClassVar[float] = POOL_TIMEOUT
    whom: Whom = NOBODY
    """Whom the requests concern; what the client shares with others is keyed by it."""

    def __init__(
        self,
        verify: bool | str = True,
        proxies: Mapping[str, str] | None = None,
        timeout: float | tuple[float, float] | None = None,
        max_pool_connections: int | None = None,
        socket_options: Any = None,
        client_cert: str | tuple[str, str] | None = None,
        proxies_config: Mapping[str, Any] | None = None,
        connector_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.budget = self.pool.budget.of(NOBODY)
        self._is_closed = False
        args = dict(connector_args or {})
        _refuse_what_has_no_effect(args, proxies_config or {})
        connect, read = timeout if isinstance(timeout, (list, tuple)) else (timeout, timeout)
        self._timeouts = http.Timeouts(args.get("pool_timeout", self.pool_timeout), connect, read)
        self._proxies = ProxyConfiguration(proxies=proxies, proxies_settings=proxies_config)
        self._has_proxies = bool(proxies)
        names = ConnectorOptions.__dataclass_fields__
        options = ConnectorOptions(
            socket_options=tuple(each for each in socket_options or () if each != _NO_DELAY),
            **{name: value for name, value in args.items() if name in names},
        )
        self._plain = Setup(options=options)
        self._secure = Setup(
            tls=_tls(verify, client_cert),
            proxy_tls=_proxy_tls(verify, self._proxies.settings) if proxies_config else None,
            options=options,
            context=args.get("ssl_context"),
        )

    def concerns(self, whom: Whom) -> None:
        """Say whom the requests of its client concern."""
        self.whom = whom
        self.budget = self.pool.budget.of((whom.account, whom.endpoint))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close no connection: they are the session's."""
        self._is_closed = True

    @property
    def _sessions(self) -> dict[Any, Any] | None:
        """What aiobotocore's has here, for s3fs: nothing in it while it is open, None when it is closed."""
        return None if self._is_closed or self.pool.closed else {}

    @_sessions.setter
    def _sessions(self, sessions: dict[Any, Any] | None) -> None:
        self._is_closed = sessions is None

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Self]:
        """What aiobotocore's metadata fetchers ask of their session before they send."""
        yield self

    async def send(self, request: Any) -> AioAWSResponse:
        """Send a prepared botocore request; the body is read unless the request asks for a stream."""
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(lambda: self._send(request))
        return await self._send(request)

    async def _send(self, request: Any) -> AioAWSResponse:
        url, headers = request.url, request.headers
        response = turn = None
        call = under_way.get()
        if call is not None:
            turn, call.turn = call.turn, None
            if (first := call.first) is not None and first.sender is self:
                response, headers = first.take(), first.same_call(headers)
        if response is None:
            response = await self.exchange(
                request.method,
                url,
                {_ENCODING if name.lower() == _encoding else name: _text(value) for name, value in headers.items()},
                _off_loop_body(request.body),
                stream=bool(request.stream_output),
                read_timeout=(getattr(request, "context", None) or {}).get("read_timeout"),
                turn=turn,
            )
        _check_headers(response)
        answer = _Answer(url, response.status, response.spelled_headers, response.body)
        answer._content = response.content  # pyright: ignore[reportPrivateUsage]
        return answer

    async def exchange(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Any,
        *,
        stream: bool,
        read_timeout: float | None = None,
        turn: Turn | None = None,
    ) -> http.Response:
        """Send one request over the pool, with the client's time-outs, TLS settings and proxy.

        It waits for its turn where the service throttles, unless it has one.
        """
        proxy = self._proxies.proxy_url_for(url) if self._has_proxies else None
        secure = url.startswith("https:") or (proxy or "").startswith("https:")
        timeouts = self._timeouts
        if read_timeout is not None:
            timeouts = http.Timeouts(timeouts.pool, timeouts.connect, read_timeout)
        if _ENCODING not in headers:  # a hook's may be signed
            headers[_ENCODING] = "identity"
        throttles = self.throttles
        if turn is None and throttles is not None and throttles.lines:
            turn = await throttles.turn(self.whom, url, headers, body)
        response = await http.exchange(
            self.pool,
            self._secure if secure else self._plain,
            http.Request(method, url, headers, body, timeouts, stream, proxy, self.max_response_size),
        )
        if turn is not None or response.status >= 400:
            if throttles is not None:
                throttles.answered(turn, self.whom, url, headers, body, response)
            response.body.signature = headers.get("Authorization")
            response.body.signed_at = headers.get("X-Amz-Date") or headers.get("Date")
        return response


class _Answer(AioAWSResponse):
    """aiobotocore's answer; when a body is read that was to be a stream, which is an error's, it has an end."""

    async def _content_prop(self) -> bytes:
        if self._content is None:
            try:
                self._content: Any = await self.raw.read_whole(MAX_ERROR_BODY)
            except BaseException as failure:
                self.raw.close()
                if isinstance(failure, Exception):
                    raise request_error(failure, self.url, None) from failure
                raise
        return self._content


def _check_headers(response: http.Response) -> None:
    """Refuse a header that botocore's retry rules would stumble over."""
    crc32 = response.headers.get("x-amz-crc32", "0")
    if not (crc32.isascii() and crc32.isdecimal() and len(crc32) < 20):
        response.body.close()
        raise UnreadableAnswerError(what=f"status {response.status}", problem="its header x-amz-crc32 is no number")


def bind(
    pool: ConnectionPool,
    max_response_size: int | None = None,
    *,
    paced: bool = True,
    pool_timeout: float | None = None,
) -> type[PooledHTTPSession]:
    """Make the class that sends over this pool, for `AioConfig(http_session_cls=...)`."""
    parts: dict[str, Any] = {
        "pool": pool,
        "throttles": Throttles(pool) if paced else None,
        "clock": Clock(),
        "max_response_size": max_response_size or MAX_BODY,
        "pool_timeout": POOL_TIMEOUT if pool_timeout is None else pool_timeout,
        "__doc__": PooledHTTPSession.__doc__,
    }
    return type("PooledHTTPSession", (PooledHTTPSession,), parts)


def _refuse_what_has_no_effect(args: Mapping[str, Any], proxies_config: Mapping[str, Any]) -> None:
    """Raise `UnsupportedOptionError` for options that the pool could only ignore."""
    if args.get("write_timeout") is not None:
        raise UnsupportedOptionError(
            name="connector_args['write_timeout']",
            value=args["write_timeout"],
            problem="aiobotocore minds it for httpx alone. Bound the whole call, with client.with_options(timeout=...)",
        )
    if proxies_config.get("proxy_use_forwarding_for_https"):
        raise UnsupportedOptionError(
            name="proxies_config['proxy_use_forwarding_for_https']",
            value=proxies_config["proxy_use_forwarding_for_https"],
            problem="HTTPS goes through a tunnel (CONNECT), as with aiobotocore; a proxy that is to read the requests "
            "can be given as the endpoint_url",
        )


def _tls(verify: bool | str, client_cert: str | tuple[str, str] | None) -> TLSSettings:
    cert, key = client_cert if isinstance(client_cert, tuple) else (client_cert, None)
    return TLSSettings(find_ca=get_cert_path, verify=verify, client_cert=cert, client_key=key)


def _proxy_tls(verify: bool | str, settings: Mapping[str, Any]) -> TLSSettings:
    cert = settings.get("proxy_client_cert")
    cert, key = cert if isinstance(cert, tuple) else (cert, None)
    return TLSSettings(
        find_ca=get_cert_path,
        verify=verify,
        client_cert=cert,
        client_key=key,
        extra_ca=settings.get("proxy_ca_bundle"),
    )


def _text(value: str | bytes) -> str:
    """A header as it is signed and written; what a member of an enumeration says of itself may be something else."""
    if type(value) is str:
        return value
    return value.decode("utf-8") if isinstance(value, bytes) else str.__str__(value)


class _OffLoopReads:
    """The file below aiobotocore's chunked wrapper, read off the event loop."""

    def __init__(self, file: http.Readable) -> None:
        self.file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    async def read(self, size: int) -> bytes:
        return await _off_loop.call(self.file.read, size)


def read_by(file: Any) -> Any:
    """Give the file that is read, also where its reads are made off the event loop."""
    return file.file if isinstance(file, _OffLoopReads) else file


def _off_loop_body(body: Any) -> Any:
    """A trailing checksum is computed while its file is read, by a wrapper that reads on the loop; mend that."""
    file: Any = getattr(body, "_raw", None)
    if hasattr(body, "__aiter__") and hasattr(file, "fileno") and not isinstance(file, (io.BytesIO, _OffLoopReads)):
        body._raw = _OffLoopReads(file)
    return body
