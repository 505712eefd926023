"""Run every benchmark, peers and us in turn, and print them side by side."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from typing import Any

from tests.benchmarks import calls, clients, resources

RUNS = 3


def main() -> None:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("aiobotocore", "botocore", "aiohttp")
    )
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores; medians of {RUNS} runs\n")
    for module in (clients, calls, resources):
        print((module.__doc__ or "").splitlines()[0])
        sides = _medians(module)
        ours = sides["aiosdk"]
        width = max(map(len, ours))
        print(f"{'':{width}}" + "".join(f"{side:>{16 if side == 'aiosdk' else 26}}" for side in sides))
        for name, figure in ours.items():
            peers = [figures.get(name, float("nan")) for side, figures in sides.items() if side != "aiosdk"]
            print(f"{name:{width}}{figure:16.2f}" + "".join(_beside(peer, figure) for peer in peers))
        print()


def _medians(module: Any) -> dict[str, dict[str, float]]:
    """The figures of each side, which take turns."""
    find = getattr(module, "interpreter", lambda _: sys.executable)
    pythons = {side: python for side in module.SIDES if (python := find(side))}
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in pythons}
    for _ in range(RUNS):
        for side, python in pythons.items():
            runs[side].append(json.loads(subprocess.check_output([python, "-m", module.__name__, side])))
    return {
        side: {name: statistics.median(run[name] for run in each) for name in each[0]} for side, each in runs.items()
    }


def _beside(peer: float, ours: float) -> str:
    """A peer's figure, and how many times ours it is."""
    ratio = f"({peer / ours:.1f}x)" if ours and peer == peer else ""
    return f"{peer:16.2f} {ratio:>9}"


main()
