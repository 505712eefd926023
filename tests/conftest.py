"""What every test has: a clean AWS environment, a detector of blocking calls, and servers to talk to."""

from __future__ import annotations

import signal
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from blockbuster import blockbuster_ctx

import aiosdk
from tests.support.server import CountingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Let programs that tests start be interrupted, also where a shell runs the tests in its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick ones first, and last those that load every service: tests that collect garbage would walk it all."""
    order = ["unit", "integration", "stress", "fuzz", "conformance"]
    items.sort(key=lambda item: order.index(item.path.parent.name))


@pytest.fixture(autouse=True)
def detect_blocking_calls() -> Iterator[None]:
    """A call that blocks the event loop raises `BlockingError`, in every test."""
    with blockbuster_ctx():
        yield


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials, no region, no files but those that a test writes into the folder given."""
    import os

    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "aws"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return folder


@pytest.fixture
def server() -> Iterator[CountingServer]:
    """A counting server that answers anything."""
    with CountingServer() as running:
        yield running


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[CountingServer]:
    """The same over TLS, for `localhost`, with a certificate of `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with CountingServer(tls=context) as running:
        yield running


@pytest.fixture
def ca_bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """The path of a bundle that makes the TLS server's certificate good."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def make_session(server: CountingServer) -> Callable[..., aiosdk.Session]:
    """Make sessions that talk to `server`, with keys and a region."""

    def make(**arguments: object) -> aiosdk.Session:
        defaults = {
            "aws_access_key_id": "AKIDEXAMPLE",
            "aws_secret_access_key": "secret",
            "region_name": "us-east-1",
            "endpoint_url": server.url,
        }
        return aiosdk.Session(**{**defaults, **arguments})

    return make
