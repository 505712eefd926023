"""The public names: one list, all there, all documented, none imported before its time."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys

import pytest

import aiosdk
from aiosdk._aws.credentials import SessionCredentials
from aiosdk._client import Client
from aiosdk._pending import Pending
from aiosdk._transport.pool import ConnectionPool, PoolStats


def _members() -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [
        (name, getattr(aiosdk, name)) for name in aiosdk.__all__ if name != "__version__"
    ]
    for kind in (aiosdk.Session, Client, Pending, ConnectionPool, PoolStats, SessionCredentials):
        found.append((kind.__name__, kind))
        for name, member in vars(kind).items():
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                found.append((f"{kind.__name__}.{name}", member))
    return found


@pytest.mark.parametrize(("name", "member"), _members(), ids=[name for name, _ in _members()])
def test_every_public_name_is_documented_in_a_plain_sentence(name: str, member: object) -> None:
    first = (inspect.getdoc(member) or "").split("\n\n")[0]
    assert first, name
    assert first.rstrip().endswith((".", ":", "`", ")")), first


def test_all_names_are_there_and_dir_shows_them() -> None:
    for name in aiosdk.__all__:
        assert getattr(aiosdk, name) is not None
    with pytest.raises(AttributeError, match="it has AccessDeniedError, Client, ConflictError, "):
        aiosdk.Resource  # noqa: B018


def test_help_of_a_session_reads_well() -> None:
    text = pydoc.plain(pydoc.render_doc(aiosdk.Session))
    for part in ("async with Session", "max_connections: The most sockets", "PoolLimitError", "client("):
        assert part in text
    assert "partially" not in text


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, aiosdk; print([m for m in ('aiohttp', 'aiobotocore', 'boto3', 'jmespath') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("module", ["_client", "_aws.factory", "_aws.credentials", "_transport.pool", "default"])
def test_every_module_can_be_imported_alone(module: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", f"import aiosdk.{module}"], check=True)
