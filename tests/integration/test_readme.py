"""Every Python block of the README runs, against a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.server import CountingServer

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_readme_runs(block: str, server: CountingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", block], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "1 objects, 48213 bytes; 1 users; <ConnectionPool open=1" in run.stdout


@pytest.fixture
def server(server: CountingServer) -> CountingServer:
    """Answers the calls of the README as AWS would."""
    from tests.support.server import Answer, Request

    async def answer(request: Request) -> Answer:
        if request.method == "POST":
            user = b"<member><UserName>ada</UserName></member>"
            return Answer(
                body=b"<ListUsersResponse><ListUsersResult><Users>%s</Users></ListUsersResult></ListUsersResponse>"
                % user
            )
        item = b"<Contents><Key>a</Key><Size>48213</Size></Contents>"
        return Answer(body=b"<ListBucketResult>%s</ListBucketResult>" % item)

    server.answer = answer
    return server


def test_a_whole_program_stands_by_line_20() -> None:
    first_lines = "\n".join(README.read_text().splitlines()[:20])
    assert "asyncio.run(main())" in first_lines
    assert BLOCKS


def test_the_commands_of_the_readme_exist() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z]+)`", README.read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"`pytest ([\w/.]+)`", README.read_text()):
        assert (README.parent / path).exists(), path
