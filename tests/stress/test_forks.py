"""A sample of `python -m tests.stress.forks`."""

from __future__ import annotations

import os

from tests.stress.forks import run

FORKS = 200 if os.environ.get("AIOSDK_DEEP") == "1" else 12


def test_children_that_are_forked_at_any_moment_come_to_their_end_and_their_parents_notice_nothing() -> None:
    children, parents, wrong = run(FORKS, seed=5)
    assert wrong == [], "\n".join(wrong)
    assert children.total() == FORKS
    assert parents["calls"] > 0
    assert parents["transfers"] > 0
