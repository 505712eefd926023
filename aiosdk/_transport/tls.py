"""TLS contexts: built off the event loop, once per process for equal settings."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiosdk import _forks
from aiosdk._bounded import Bounded
from aiosdk.exceptions import CertificateFileError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """What a TLS context depends on.

    `verify` is True for the default bundle, False for none, or the path of a CA bundle (file or directory).
    `find_ca` says where the bundle of a `verify` value lies; it may read files and is called off the loop.
    """

    find_ca: Callable[[bool | str], str | None]
    verify: bool | str = True
    client_cert: str | None = None
    client_key: str | None = None
    extra_ca: str | None = None


MOST_CONTEXTS: Final = 100
"""Certificates that are issued anew each day, say, leave one each time; the oldest goes."""
_contexts: Final[dict[tuple[object, ...], ssl.SSLContext]] = Bounded(MOST_CONTEXTS)
_building: Final = _forks.Lock()


def tls_context(settings: TLSSettings) -> ssl.SSLContext:
    """Give the context for these settings. Reads files: call it off the loop.

    Contexts are shared between sessions, so that a CA bundle is parsed (10 to 40 ms of CPU) once per process. A
    bundle or certificate whose file has changed since gets a new one.

    Raises `CertificateFileError` when a file is missing or holds no certificate.
    """
    ca = settings.find_ca(settings.verify) if settings.verify else None
    files = (ca, settings.client_cert, settings.client_key, settings.extra_ca)
    key = (bool(settings.verify), *((path, _fingerprint(path)) for path in files))
    with _forks.undisturbed(), _building:
        context = _contexts.get(key)
        if context is None:
            context = _contexts[key] = _build(settings, ca)
    return context


def _fingerprint(path: str | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError as error:
        raise CertificateFileError(path=path, problem=error.strerror) from error
    return status.st_mtime_ns, status.st_size


def _build(settings: TLSSettings, ca: str | None) -> ssl.SSLContext:
    # The options are those of urllib3 and so of botocore: TLS 1.2 or later, no compression, post-handshake
    # client certificates allowed.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    context.post_handshake_auth = True
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca is not None:
        _load_ca(context, ca)
    if settings.extra_ca is not None:
        _load_ca(context, settings.extra_ca)
    if settings.client_cert is not None:
        try:
            context.load_cert_chain(settings.client_cert, settings.client_key)
        except OSError as error:  # ssl.SSLError is one
            raise CertificateFileError(path=settings.client_cert, problem=str(error)) from error
    if (key_log := os.environ.get("SSLKEYLOGFILE")) is not None:
        context.keylog_filename = key_log
    return context


def _load_ca(context: ssl.SSLContext, path: str) -> None:
    directory = os.path.isdir(path)
    try:
        context.load_verify_locations(capath=path if directory else None, cafile=None if directory else path)
    except OSError as error:  # ssl.SSLError is one
        raise CertificateFileError(path=path, problem=str(error)) from error
