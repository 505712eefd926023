"""Tokens that go round in a circle are found, whatever its length and wherever it begins; others are not."""

from __future__ import annotations

import pytest

from aiosdk._circle import Trail


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 100])
@pytest.mark.parametrize("before", [0, 1, 5, 100])
def test_a_circle_is_found_soon(length: int, before: int) -> None:
    trail = Trail()
    for number in range(4 * (length + before)):
        token = {"Marker": number if number < before else before + (number - before) % length}
        if trail.has(token):
            assert number >= before + length
            return
        trail = trail.and_then(token)
    pytest.fail("not found")


def test_tokens_that_differ_are_no_circle() -> None:
    trail = Trail()
    assert not trail.has(None)
    for number in range(1000):
        assert not trail.has(number)
        trail = trail.and_then(number)
