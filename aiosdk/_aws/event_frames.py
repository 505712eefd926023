"""Cuts a stream of events into its frames, in time that follows its length."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

from typing import Any

from botocore.eventstream import _PRELUDE_LENGTH, EventStreamBuffer


class EventFrames(EventStreamBuffer):
    """botocore's buffer, which gets one frame at a time.

    It joins whatever it has with each piece that comes, and copies what is behind a frame with each frame. Here pieces
    are kept as they come until a frame is whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []  # what has come since, to be joined once it is enough
        self._size = 0
        self._wanted = _PRELUDE_LENGTH
        self._rest = memoryview(b"")

    def add_data(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)

    def next(self) -> Any:
        """Give the next frame, or raise StopIteration while it is not there."""
        for _ in range(2):  # its prelude tells how long it is
            if len(self._rest) + self._size < self._wanted:
                raise StopIteration
            if len(self._rest) < self._wanted:
                self._rest = memoryview(b"".join((self._rest, *self._pieces)))
                self._pieces, self._size = [], 0
            self._data = bytes(self._rest[: self._wanted])
            if self._prelude is None:
                self._prelude = self._parse_prelude()
                self._wanted = self._prelude.total_length
        return self._parse_message()

    def _prepare_for_next_message(self) -> None:
        self._rest = self._rest[self._wanted :]
        self._prelude, self._wanted = None, _PRELUDE_LENGTH
