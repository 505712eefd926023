"""A server in a process of its own, for figures: what it costs is not counted among what its client does."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[str]:
    """Run a module that prints its address and then reads until its input ends; give the address.

    It runs until the block ends, or until this process does, however it ends.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.kill()
