"""Packed JSON says what `json.loads` says, however it is written, and is refused where that refuses it."""

from __future__ import annotations

import json
import pickle
import random
from typing import Any

import pytest

from aiosdk._aws.packed import PACKED, Packed, read_packed

LAYOUTS: list[Any] = [
    None,
    PACKED,
    {"a": PACKED, "b": PACKED},
    {"a": {"b": PACKED}},
    {"a": [{"b": PACKED}], "b": [PACKED]},
    [{"a": PACKED}],
]
STRINGS = [
    "a",
    "b",
    "c",
    "",
    "{",
    "}",
    '"',
    "\\",
    '\\"}',
    "]},",
    "\n",
    "\u00fc",
    "\u20ac",
    "\U0001f600",
    "\ud800",
    "\x7f",
    "a b",
]
SCALARS = [None, True, False, 0, -1, 1.5e300, 10**30, float("inf")]


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        return rng.choice(SCALARS) if rng.random() < 0.5 else "".join(rng.choices(STRINGS, k=rng.randrange(4)))
    if kind < 0.5:
        return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(STRINGS): _value(rng, depth - 1) for _ in range(rng.randrange(5))}


def _text(rng: random.Random, value: Any) -> str:
    indent = rng.choice([None, None, 0, 1, 4, "\t", "\r\n"])
    separators = rng.choice([None, (",", ":"), (" , ", " :\n"), (",\t", " :")])
    return rng.choice(["", " ", "\n"]) + json.dumps(value, indent=indent, separators=separators, ensure_ascii=True)


def _outcome(read: Any, text: str) -> Any:
    try:
        return read(text)
    except (ValueError, RecursionError):
        return ValueError


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_it_says_what_the_standard_library_says(layout: Any) -> None:
    rng = random.Random(4)
    for _ in range(1500):
        text = _text(rng, _value(rng, 4))
        assert read_packed(text, layout, lambda: None) == json.loads(text), text


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_what_is_no_json_is_refused(layout: Any) -> None:
    rng = random.Random(5)
    refused = 0
    for _ in range(3000):
        text = _text(rng, {"a": _value(rng, 3), "b": _value(rng, 2)})
        at = rng.randrange(len(text))
        text = (
            text[:at] + rng.choice(["", ",", "}", "]", '"', "x", "\\", "{", ":", "\n"]) + text[at + rng.randrange(2) :]
        )
        expected = _outcome(json.loads, text)
        refused += expected is ValueError
        assert _outcome(lambda text: read_packed(text, layout, lambda: None), text) == expected, text
    assert refused > 1000


@pytest.mark.parametrize(
    "text", ["", " ", "{", '{"a"', '{"a":', '{"a":1', '{"a":{', '{"a":{"b":1', "{}}", "{,}", "[1,]"]
)
def test_what_ends_too_soon_or_too_late_is_refused(text: str) -> None:
    for layout in LAYOUTS:
        with pytest.raises(ValueError, match=r"."):
            read_packed(text, layout, lambda: None)


def test_of_two_values_with_one_name_the_last_counts() -> None:
    packed = read_packed('{"a": 1, "b": {}, "a": {"x": [2]}}', PACKED, lambda: None)
    assert list(packed) == ["a", "b"]
    assert packed == {"a": {"x": [2]}, "b": {}}


def test_a_value_is_parsed_once_and_can_be_changed_in_place() -> None:
    packed = read_packed('{"a": {"x": 1}, "b": [1], "c": null}', PACKED, lambda: None)
    assert isinstance(packed, Packed)
    assert all(type(dict.__getitem__(packed, key)) is bytes for key in packed)
    packed["a"]["x"] = 2
    assert packed["a"] == packed.get("a") == {"x": 2}
    assert dict.__getitem__(packed, "b") == b"[1]"
    assert packed.get("d", 5) == 5
    assert packed.copy() == {"a": {"x": 2}, "b": [1], "c": None}
    assert type(pickle.loads(pickle.dumps(packed))) is dict
    assert packed.pop("b") == [1]
    assert packed.pop("b", 7) == 7


def test_the_event_loop_gets_its_turn() -> None:
    turns: list[None] = []
    read_packed(json.dumps({str(number): {} for number in range(1000)}), PACKED, lambda: turns.append(None))
    assert len(turns) == 50
