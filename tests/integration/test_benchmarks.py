"""The benchmarks run, at a size too small to time anything."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

MODULES = ("calls", "listings", "dynamodb", "transfers", "streams", "processes", "clients", "memory", "resources")


@pytest.mark.parametrize("name", MODULES)
def test_each_benchmark_prints_every_row_that_we_have_a_figure_for(name: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", name, "--runs", "1", "--sides", "aiosdk"]
    done = subprocess.run(command, env={**os.environ, "AIOSDK_BENCHMARKS_TINY": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    goals = importlib.import_module(f"tests.benchmarks.{name}").GOALS
    assert not [row for row in goals if not any(line.startswith(row) for line in rows)]


def test_a_benchmark_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.benchmarks", "speed"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "speed; there are calls, listings" in done.stderr
