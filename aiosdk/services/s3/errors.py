"""Says in an error what was being transferred. Its type stays what it is: it is what callers branch on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def doing(text: str) -> Generator[None]:
    """Add what was being done to the message of an error that comes out of the block."""
    try:
        yield
    except Exception as error:
        explain(error, text)
        raise


def explain(error: Exception, text: str) -> None:
    """Add to the message of an error what was being done, unless it says so already."""
    message = error.args[0] if error.args else None
    if not isinstance(message, str) or (isinstance(error, OSError) and error.errno is not None):
        if text not in getattr(error, "__notes__", ()):
            error.add_note(text)
    elif text not in message:
        error.args = (f"{message} ({text})", *error.args[1:])
