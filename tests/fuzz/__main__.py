"""Fuzzes for AIOSDK_FUZZ_SECONDS seconds (600); prints executions, crashes and hangs, and keeps them in the corpus."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from tests.fuzz.targets import SHARES, TARGETS, Case, dump

CORPUS = Path(__file__).parent / "corpus"
HANG = 10.0  # seconds of the processor


class HangError(Exception):
    """An execution took too long."""


def _hangs(*_: object) -> None:
    raise HangError


def execute(target: str, case: Case) -> str | None:
    """Run one case; says what is wrong."""
    signal.signal(signal.SIGVTALRM, _hangs)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
    try:
        return TARGETS[target][1](case)
    except HangError:
        return "hang"
    except Exception as error:
        return f"crash: {error!r:.300}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def keep(target: str, case: Case, folder: Path) -> Path:
    """Add a case to the corpus, a line of the file of its target."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target.replace(' ', '-')}.jsonl"
    with path.open("a") as file:
        file.write(dump(case) + "\n")
    return path


def main() -> int:
    seconds = float(os.environ.get("AIOSDK_FUZZ_SECONDS", "600"))
    seed = int(os.environ.get("AIOSDK_FUZZ_SEED", str(time.time_ns())))
    found = Path(os.environ.get("AIOSDK_FUZZ_FOUND", str(CORPUS)))
    rng = random.Random(seed)
    warnings.simplefilter("ignore")  # of dateutil, for time zones that are none
    counts: Counter[str] = Counter()
    wrongs: Counter[str] = Counter()
    slowest = 0.0, ""
    start = told = time.monotonic()
    names, weights = list(SHARES), list(SHARES.values())
    print(f"seed {seed}", flush=True)
    while (now := time.monotonic()) - start < seconds:
        target = rng.choices(names, weights)[0]
        case = TARGETS[target][0](rng)
        before = time.process_time()
        wrong = execute(target, case)
        taken = time.process_time() - before
        slowest = max(slowest, (taken, target))
        counts[target] += 1
        if wrong is not None:
            kind = "hang" if wrong == "hang" else "crash"
            wrongs[kind] += 1
            if wrongs[kind] <= 50:
                print(f"{kind} in {target}: {wrong}\n    {keep(target, case, found)}", flush=True)
        if now - told > 60:
            told = now
            print(f"{now - start:.0f} s: {counts.total():,} executions, {dict(wrongs)}", flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{counts.total():,} executions in {time.monotonic() - start:.0f} s: {dict(counts)}")
    print(
        f"crashes {wrongs['crash']}, hangs {wrongs['hang']}; slowest {slowest[0]:.2f} s ({slowest[1]}); {memory:.0f} MB"
    )
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
