"""A forked child of the test's own process that does one thing, and must come to an end."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 30.0


def in_child(do: Callable[[], object]) -> str:
    """Fork, call a function in the child, and give what it returned as text; "hangs" when it does not come back."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn whoever forks beside threads; these tests are to.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            os.write(writing, str(do()).encode())
        except BaseException:
            traceback.print_exc(file=sys.stderr)
            os._exit(1)
        os._exit(0)
    os.close(writing)
    try:
        return _what_it_says(child, reading)
    finally:
        os.close(reading)


def _what_it_says(child: int, reading: int) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.read(reading, 65536).decode() if status == 0 else f"ended with status {status}"
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"
