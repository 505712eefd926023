"""Run the benchmarks, peers and us in turn, and print them side by side.

`python -m tests.benchmarks calls listings --runs 5` runs two modules five times; without names all are run.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import ratio
from tests.benchmarks.sides import TINY, Figures, interpreter

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES = ("calls", "listings", "dynamodb", "transfers", "streams", "processes", "clients", "memory", "resources")
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=f"any of {', '.join(MODULES)}")
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each side runs; medians are printed")
    parser.add_argument("--sides", nargs="+", metavar="side", help="aiosdk, and peers to have beside it")
    arguments = parser.parse_args()
    if unknown := set(arguments.modules) - set(MODULES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("aiobotocore", "botocore", "aiohttp")
    )
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores; medians of {arguments.runs} runs.")
    print("Ours is in front. Beside a peer's figure stands what ours is of it.\n")
    for name in arguments.modules or MODULES:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        sides = [side for side in module.SIDES if side == "aiosdk" or side in (arguments.sides or module.SIDES)]
        print((module.__doc__ or "").splitlines()[0])
        _print_rows(module, _medians(module, sides, min(arguments.runs, getattr(module, "MOST_RUNS", arguments.runs))))
        print(flush=True)


def _medians(module: Any, sides: Sequence[str], runs: int) -> dict[str, Figures]:
    """The figures of each side, which take turns."""
    pythons = {side: python for side in sides if (python := interpreter(side))}
    measured: dict[str, list[Figures]] = {side: [] for side in pythons}
    for number in range(runs):
        for side, python in pythons.items():
            started = time.monotonic()
            figures = _run(python, module.__name__, side)
            taken = time.monotonic() - started
            print(f"{module.__name__} {side}, run {number + 1} of {runs}: {taken:.0f} s", file=sys.stderr)
            if figures is not None:
                measured[side].append(figures)
    return {
        side: {name: statistics.median(run[name] for run in each) for name in each[0]}
        for side, each in measured.items()
        if each
    }


def _run(python: str, module: str, side: str) -> Figures | None:
    """One run of a side in a fresh process; None if it failed, which is said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run([python, "-m", module, side], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{side} failed and is left out:\n{done.stderr[-2000:]}", file=sys.stderr if side != "aiosdk" else None)
        if TINY:
            sys.exit(f"{module} {side} failed")
        return None
    return json.loads(done.stdout)


def _print_rows(module: Any, sides: dict[str, Figures]) -> None:
    names = list(dict.fromkeys(name for figures in sides.values() for name in figures))
    names.sort(key=list(module.GOALS).index)
    for name in names:
        row = {side: figures[name] for side, figures in sides.items() if name in figures}
        ours = row.get("aiosdk", float("nan"))
        goals = "   ".join(goal.judge({"aiosdk": ours, **row}) for goal in module.GOALS[name] if ours == ours)
        print(f"  {name:44} {_number(ours):>9}   {goals}".rstrip())
        peers = [
            f"{side} {_number(theirs)} {_beside(ours, theirs)}" for side, theirs in row.items() if side != "aiosdk"
        ]
        for start in range(0, len(peers), 4):
            print("      " + "".join(f"{peer:<34}" for peer in peers[start : start + 4]).rstrip())


def _number(figure: float) -> str:
    if figure != figure:
        return "-"
    return f"{figure:.2f}" if abs(figure) < 100 else f"{figure:,.0f}"


def _beside(ours: float, theirs: float) -> str:
    text = ratio(ours, theirs)
    return f"({text})" if text else ""


main()
