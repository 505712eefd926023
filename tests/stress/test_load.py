"""Load, a little of it: `python -m tests.stress.load` is the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["requests", "--seconds=4"],
        ["collections", "--count=1000"],
        ["sessions", "--count=20", "--times=10"],
        ["tenants", "--count=300"],
    ],
    ids=lambda each: each[0],
)
def test_what_the_process_holds_stays_flat(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.stress.load", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
