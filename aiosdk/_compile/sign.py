"""Signature version 4: the headers, or the query, that prove who sends a request.

Byte for byte what botocore's `SigV4Auth`, `S3SigV4Auth` and their query forms produce. What to hash of the body is the
caller's decision; the clock is an argument.
"""

from __future__ import annotations

import hmac
import time
from email.utils import formatdate
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EMPTY_SHA256: Final = sha256(b"").hexdigest()
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DATE: Final = "X-Amz-Date"
_TOKEN: Final = "X-Amz-Security-Token"  # noqa: S105
_HASH: Final = "X-Amz-Content-SHA256"
_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
_PROXIES: Final = ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade")
_TRACING: Final = ("baggage", "traceparent", "tracestate", "x-amzn-trace-id")
_NEVER_SIGNED: Final = frozenset((*_PROXIES, *_TRACING, "expect", "transfer-encoding", "user-agent"))


class Signer:
    """Signs for one service in one region. Holds no credentials and never changes, so that it can be shared.

    Args:
        service: The name to sign for, such as `s3` or `dynamodb`; it is the endpoint's or the model's signing name.
        region: The region to sign for.
        is_s3: Whether S3's rules apply (botocore's `s3v4`): paths are signed as they are sent, and the hash of the body
            goes into a header. They apply to `s3-outposts` and `s3-object-lambda` too.
    """

    __slots__ = ("_is_s3", "_region", "_scope", "_service")

    def __init__(self, service: str, region: str, *, is_s3: bool) -> None:
        self._service, self._region, self._is_s3 = service, region, is_s3
        self._scope = f"/{region}/{service}/aws4_request"

    def __repr__(self) -> str:
        return f"<Signer service={self._service} region={self._region}{' s3' if self._is_s3 else ''}>"

    def sign(
        self,
        method: str,
        host: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        payload_hash: str,
        access_key: str,
        secret_key: str,
        token: str | None,
        now: float,
    ) -> dict[str, str]:
        """Give the headers to send: those given, without earlier signatures, and then what the signature adds.

        Headers that the signature leaves out, such as `amz-sdk-request`, are put in afterwards.

        Args:
            method: The method; it is signed in upper case.
            host: What the `Host` header will say, see `host_of`. A `Host` among the headers goes before it.
            path: The path as it will be sent, percent-encoded.
            query: The query as it will be sent, percent-encoded and without `?`.
            headers: The headers of the request; names that differ in case alone are signed as one.
            payload_hash: SHA-256 of the body in hexadecimal digits, `UNSIGNED_PAYLOAD` or `UNSIGNED_TRAILER`. But for
                S3, a hash among the headers goes before it, unless the payload is unsigned.
            access_key: The access key.
            secret_key: The secret key; only the key derived from it for the day is remembered.
            token: The session's token, if it has one.
            now: The time in seconds since 1970.
        """
        stamp = _stamp(int(now))
        adds_hash = self._is_s3 or payload_hash == UNSIGNED_PAYLOAD
        layout = _layout(tuple(headers), _ADDED[bool(token), adds_hash])
        signed = dict(headers)
        for name in layout.dropped:
            del signed[name]
        if layout.has_date:
            signed["Date"] = formatdate(int(now))
        else:
            signed[_DATE] = stamp
        if token:
            signed[_TOKEN] = token
        if adds_hash:
            signed[_HASH] = payload_hash
        elif layout.hash_name:
            payload_hash = signed[layout.hash_name]
        path = path if self._is_s3 else _normalised(path)
        lines, names = layout.canonical(signed, host), layout.names
        text = f"{method.upper()}\n{path}\n{canonical_query(query)}\n{lines}\n\n{names}\n{payload_hash}"
        scope = stamp[:8] + self._scope
        signature = self._signature(text, stamp, scope, secret_key)
        signed["Authorization"] = (
            f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def presign(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        access_key: str,
        secret_key: str,
        token: str | None,
        now: float,
        expires: int,
        *,
        body: Mapping[str, Any] | None = None,
        payload_hash: str = EMPTY_SHA256,
    ) -> str:
        """Give a URL that carries its signature in the query, and can be used by anybody for `expires` seconds.

        Args:
            method: The method.
            url: The URL, percent-encoded. Of a name that its query repeats, the first value is kept.
            headers: The headers that whoever uses the URL must send.
            access_key: The access key.
            secret_key: The secret key.
            token: The session's token, if it has one.
            now: The time in seconds since 1970.
            expires: How long the URL is good, in seconds.
            body: The parameters of a body, which go into the query: a presigned request is sent without one.
            payload_hash: The hash to sign. For S3 the payload is always unsigned.
        """
        stamp = _stamp(int(now))
        types = [name for name in headers if name.lower() == "content-type"]
        if types and headers[types[0]] == _FORM:  # it is of a body that moves to the query
            headers = {name: value for name, value in headers.items() if name not in types}
        layout = _layout(tuple(headers), ())
        parts = urlsplit(url)
        given: dict[str, Any] = {name: each[0] for name, each in parse_qs(parts.query, keep_blank_values=True).items()}
        given.update(body or {})
        scope = stamp[:8] + self._scope
        added = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{access_key}/{scope}",
            _DATE: stamp,
            "X-Amz-Expires": expires,
            "X-Amz-SignedHeaders": layout.names,
        }
        if token is not None:
            added[_TOKEN] = token
        query = encode_query(added.items())
        if given:
            query = f"{encode_query(given.items())}&{query}"
        path = parts.path if self._is_s3 else _normalised(parts.path)
        payload_hash = UNSIGNED_PAYLOAD if self._is_s3 else payload_hash
        if layout.hash_name:
            payload_hash = headers[layout.hash_name]
        lines = layout.canonical(headers, host_of(url))
        text = f"{method.upper()}\n{path}\n{canonical_query(query)}\n{lines}\n\n{layout.names}\n{payload_hash}"
        signature = self._signature(text, stamp, scope, secret_key)
        return f"{urlunsplit(parts._replace(query=query))}&X-Amz-Signature={signature}"

    def _signature(self, canonical: str, stamp: str, scope: str, secret_key: str) -> str:
        signature = _signing_key(secret_key, stamp[:8], self._region, self._service).copy()
        signature.update(f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}".encode())
        return signature.hexdigest()


class _Layout:
    """What a set of header names means for a signature: which are dropped, which are signed, and in what order."""

    __slots__ = ("_adds_host", "_lines", "_repeated", "dropped", "has_date", "hash_name", "names")

    def __init__(self, names: tuple[str, ...], added: tuple[str, ...]) -> None:
        lower = [name.lower() for name in names]
        self.has_date = bool(added) and "date" in lower  # then it is set anew, and stands for X-Amz-Date
        replaced = {"authorization", "date", *map(str.lower, added)} if added else set[str]()
        self.dropped = tuple(name for name in names if name.lower() in replaced)
        self.hash_name = next(
            (name for name in names if name.lower() == _HASH.lower() and name not in self.dropped), ""
        )
        if self.has_date:
            added = ("Date", *added[1:])
        groups: dict[str, list[str]] = {}
        for name in (*(name for name in names if name not in self.dropped), *added):
            if name.lower() not in _NEVER_SIGNED:
                groups.setdefault(name.lower(), []).append(name)
        self._adds_host = "host" not in groups
        groups.setdefault("host", ["host"])
        self._repeated = {name: tuple(same) for name, same in groups.items() if len(same) > 1}
        self._lines = tuple((name + ":", same[0]) for name, same in sorted(groups.items()))
        self.names = ";".join(sorted(name.strip() for name in groups))

    def canonical(self, headers: Mapping[str, str], host: str) -> str:
        """The signed headers in canonical form: sorted, their white space collapsed."""
        if self._adds_host:
            headers = {**headers, "host": host}
        if self._repeated:
            headers = dict(headers)
            for same in self._repeated.values():
                headers[same[0]] = ",".join([" ".join(headers[name].split()) for name in same])
        return "\n".join([prefix + " ".join(headers[name].split()) for prefix, name in self._lines])


_ADDED: Final = {
    (has_token, has_hash): (_DATE, *([_TOKEN] if has_token else ()), *([_HASH] if has_hash else ()))
    for has_token in (False, True)
    for has_hash in (False, True)
}
_layout: Final = lru_cache(maxsize=512)(_Layout)  # user metadata are header names: there is no end of them


@lru_cache(maxsize=128)
def _signing_key(secret_key: str, date: str, region: str, service: str) -> hmac.HMAC:
    """The key for a day, as an HMAC to be copied: that takes two thirds of the time of `hmac.digest`."""
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")


@lru_cache(maxsize=4)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


def _normalised(path: str) -> str:
    """The path as services other than S3 sign it: without empty and dot segments, and encoded a second time."""
    if path in ("/", ""):
        return "/"
    if "//" in path or "/." in path or path[0] == ".":
        kept: list[str] = []
        for segment in path.split("/"):
            if segment == "..":
                del kept[-1:]
            elif segment not in ("", "."):
                kept.append(segment)
        end = "/" if kept and path[-1] == "/" else ""
        path = ("/" if path[0] == "/" else "") + "/".join(kept) + end
    return quote(path, safe="/~")


def canonical_query(query: str) -> str:
    """Give an encoded query as it is signed: sorted by names, and values where a name is repeated."""
    if "&" not in query:
        return query if not query or "=" in query else query + "="
    pairs = [pair.partition("=") for pair in query.split("&")]
    return "&".join([f"{name}={value}" for name, _, value in sorted(pairs)])


def encode_query(pairs: Iterable[tuple[str, Any]]) -> str:
    """Encode names and values as they are sent; a list of values repeats its name."""
    flat = [
        (name, each) for name, value in pairs for each in (cast("list[Any]", value) if type(value) is list else [value])
    ]
    return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in flat])


def _encode(value: Any) -> str:
    return quote(value if isinstance(value, bytes) else str(value), safe="-._~")


def host_of(url: str) -> str:
    """Give what the `Host` header of a request to a URL says: lower case, and the port unless it is the usual one."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else f"{parts.hostname}"
    if parts.port is None or parts.port == {"http": 80, "https": 443}.get(parts.scheme):
        return host
    return f"{host}:{parts.port}"


def hash_payload(body: bytes | bytearray | memoryview) -> str:
    """Give the SHA-256 of a body in hexadecimal digits."""
    return sha256(body).hexdigest() if body else EMPTY_SHA256


def s3_signs_payload(
    *, is_https: bool, has_checksum: bool, is_streaming: bool, is_unsigned: bool = False, configured: bool | None = None
) -> bool:
    """Say whether the hash of an S3 request's body is signed, when it carries no trailer.

    Args:
        is_https: Whether the request goes over TLS.
        has_checksum: Whether the headers hold the body's checksum: the one of the algorithm asked for, or Content-MD5.
        is_streaming: Whether the operation's input is streamed, or the body is a file.
        is_unsigned: Whether the model says that the operation's payload is not signed.
        configured: What `Config(s3={"payload_signing_enabled": ...})` says, if anything.
    """
    if configured is not None:
        return configured
    return not (is_https and has_checksum and (is_streaming or is_unsigned))
