"""A bad network: a proxy of plain TCP before a server, which delays, slows, stops and breaks what goes through it.

    with BadNetwork(server.port) as network:
        ... a session talks to `network.url` ...
        network.up = False          # connections are refused, and `network.break_all()` ends those there are

The kernel of the test machines has no `netem`; loss and reordering show to a program as delay only.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from typing import Any

from tests.support.mishaps import reset
from tests.support.on_a_thread import OnAThread, until_one_ends

PIECE = 16_384


@dataclass
class Weather:
    """How the network is. Changed from the test's thread, it counts for the next piece of data."""

    delay: float = 0.0
    """Seconds that each piece takes, and half of it again at random."""
    rate: float = 0.0
    """Bytes per second on each connection; 0 for as many as there are."""
    lost: float = 0.0
    """The share of connections that is broken at each piece."""
    half_open: bool = False
    """Nothing goes through any more, and nobody is told."""
    garbage: bytes = b""
    """Sent to clients before anything else."""
    chance: random.Random = field(default_factory=lambda: random.Random(4))


class BadNetwork(OnAThread):
    """Listens at `port` and forwards to the `target` port while it is `up`."""

    def __init__(self, target: int, **weather: Any) -> None:
        super().__init__()
        self._target = target
        self.weather = Weather(**weather)
        self.up = True
        self.accepted = self.open = self.broken = 0
        self._writers: set[StreamWriter] = set()

    def break_all(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(lambda: [reset(writer) for writer in list(self._writers)])

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        if not self.up:
            reset(writer)
            return
        self.open += 1
        self._writers.add(writer)
        up_writer: StreamWriter | None = None
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
            if self.weather.garbage:
                writer.write(self.weather.garbage)
            await until_one_ends(self._carry(reader, up_writer), self._carry(up_reader, writer))
        except OSError:
            self.broken += 1
            reset(writer)
        finally:
            self.open -= 1
            self._writers.discard(writer)
            for each in (writer, up_writer):
                if each is not None:
                    each.close()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(PIECE):
                weather = self.weather
                while weather.half_open:
                    await asyncio.sleep(0.01)
                if weather.lost and weather.chance.random() < weather.lost:
                    self.broken += 1
                    reset(writer)
                    return
                if seconds := weather.delay * (1 + weather.chance.random() / 2):
                    await asyncio.sleep(seconds)
                if weather.rate:
                    await asyncio.sleep(len(data) / weather.rate)
                writer.write(data)
                await writer.drain()
