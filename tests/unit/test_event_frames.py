"""Frames of streams of events: those of botocore's buffer, from whatever pieces, in time that follows their length."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk._aws.event_frames import EventFrames
from tests.support.answers import event


def frames_of(buffer: Any, pieces: list[bytes]) -> list[Any]:
    found: list[Any] = []
    try:
        for piece in pieces:
            buffer.add_data(piece)
            found += [(vars(each.prelude), each.headers, each.payload, each.crc) for each in buffer]
    except ParserError as error:
        found.append(repr(error))
    return found


@settings(max_examples=200, deadline=None)
@given(
    payloads=st.lists(st.binary(max_size=40), max_size=4),
    spoiled=st.none() | st.tuples(st.integers(0, 400), st.integers(1, 255)),
    cut=st.integers(0, 20),
    sizes=st.lists(st.sampled_from([1, 4, 12, 16, 100, 1000]), min_size=1, max_size=8),
)
def test_frames_are_those_of_botocore(
    payloads: list[bytes], spoiled: tuple[int, int] | None, cut: int, sizes: list[int]
) -> None:
    data = bytearray(b"".join(event("event", "X", each) for each in payloads))
    if spoiled is not None and spoiled[0] < len(data):
        data[spoiled[0]] ^= spoiled[1]
    data = data[: len(data) - cut]
    pieces, at = [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(bytes(data[at : at + size]))
        at += size

    assert frames_of(EventFrames(), pieces) == frames_of(EventStreamBuffer(), pieces)


@pytest.mark.timeout(20)  # minutes, where what was there of a frame was copied with each piece
def test_a_large_frame_comes_in_small_pieces() -> None:
    data = event("event", "X", bytes(16 << 20))
    found = frames_of(EventFrames(), [data[at : at + 512] for at in range(0, len(data), 512)])
    assert [len(each[2]) for each in found] == [16 << 20]


@pytest.mark.timeout(20)
def test_many_frames_come_in_one_piece() -> None:
    assert len(frames_of(EventFrames(), [event("event", "X", b"") * 20_000])) == 20_000
