"""Fills the corpus: of many executions, those inputs that took a way through the code which none before them took.

python -m tests.fuzz.collect
"""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.__main__ import CORPUS, execute, keep
from tests.fuzz.targets import SHARES, TARGETS, dump

EXECUTIONS = 12_000
LARGEST = 3_000
PLACES = tuple(str(Path(__file__).parents[2] / "aiosdk" / each) for each in ("_compile", "_aws", "_transport"))


def main() -> None:
    rng, seen = random.Random(20_261_121), set[tuple[str, int, int]]()
    warnings.simplefilter("ignore")
    for _ in range(EXECUTIONS):
        target = rng.choices(list(SHARES), list(SHARES.values()))[0]
        case = TARGETS[target][0](rng)
        ways: set[tuple[str, int, int]] = set()
        before: dict[int, int] = {}

        def local(frame: FrameType, kind: str, _: Any, ways: Any = ways, before: Any = before) -> Any:
            if kind == "line":
                ways.add((frame.f_code.co_filename, before.get(id(frame), 0), frame.f_lineno))
                before[id(frame)] = frame.f_lineno
            return local

        def calls(frame: FrameType, *_: Any, local: Any = local) -> Any:
            return local if frame.f_code.co_filename.startswith(PLACES) else None

        sys.settrace(calls)
        try:
            wrong = execute(target, case)
        finally:
            sys.settrace(None)
        assert wrong is None, (target, case, wrong)
        if ways - seen and len(dump(case)) < LARGEST:
            seen |= ways
            print(keep(target, case, CORPUS).name, len(seen))


if __name__ == "__main__":
    main()
