"""Run every benchmark, peers and us in turn, and print them side by side."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys

from tests.benchmarks import calls, clients

RUNS = 3


def main() -> None:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("aiobotocore", "botocore", "aiohttp")
    )
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores; medians of {RUNS} runs\n")
    for module in (clients, calls):
        print((module.__doc__ or "").splitlines()[0])
        sides = {side: _median(module.__name__, side) for side in module.SIDES}
        ours = sides["aiosdk"]
        width = max(map(len, ours))
        print(f"{'':{width}}" + "".join(f"{side:>16}" for side in sides))
        for name in ours:
            cells = "".join(f"{figures.get(name, float('nan')):16.2f}" for figures in sides.values())
            print(f"{name:{width}}{cells}")
        print()


def _median(module: str, side: str) -> dict[str, float]:
    runs = [json.loads(subprocess.check_output([sys.executable, "-m", module, side])) for _ in range(RUNS)]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


main()
