"""Memory for parts, which the kernel gives when it is first written to, and gets back at once when it is let go."""

from __future__ import annotations

import mmap
from typing import Final

_SMALL: Final = 64 * 1024


def make_buffer(size: int) -> memoryview:
    """Make room for so many bytes. That of Python's own kinds would be filled with zeros first, on the event loop."""
    if size <= _SMALL:
        return memoryview(bytearray(size))
    if hasattr(mmap, "MAP_PRIVATE"):
        return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    return memoryview(mmap.mmap(-1, size))
