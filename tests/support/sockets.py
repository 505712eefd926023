"""Counts the sockets of a client where they are made and closed."""

from __future__ import annotations

import socket
from typing import Any

from aiobotocore.config import AioConfig


class CountedSockets:
    """Makes the client's sockets, and counts those that are open. (A server learns late that one was closed.)"""

    def __init__(self) -> None:
        self.open = self.peak = 0

    def __call__(self, address: Any) -> socket.socket:
        counts = self

        class Counted(socket.socket):
            counted = True

            def close(self) -> None:
                if self.counted:
                    self.counted = False
                    counts.open -= 1
                super().close()

        family, kind, protocol, _, _ = address
        made = Counted(family, kind, protocol)
        self.open += 1
        self.peak = max(self.peak, self.open)
        return made

    def config(self) -> AioConfig:
        return AioConfig(connector_args={"socket_factory": self})
