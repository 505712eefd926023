"""The corpus of the fuzzer, and a few new inputs of hypothesis's making: nothing crashes, hangs or reads otherwise."""

from __future__ import annotations

import json
import random
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import execute
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_finds_nothing(target: str) -> None:
    warnings.simplefilter("ignore")
    lines = (CORPUS / f"{target.replace(' ', '-')}.jsonl").read_text().splitlines()
    assert lines
    for number, line in enumerate(lines, 1):
        assert execute(target, json.loads(line)) is None, f"line {number}"


@pytest.mark.parametrize("target", TARGETS)
def test_new_inputs_find_nothing(target: str) -> None:
    make, judge = TARGETS[target]

    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        case = make(random.Random(seed))
        assert judge(case) is None, case

    warnings.simplefilter("ignore")
    check()
