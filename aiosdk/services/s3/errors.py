"""Says in an error what was being transferred. Its type stays what it is: it is what callers branch on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

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
    """Add to the message of an error of botocore's or ours what was being done, unless it says so already.

    Others may be the user's, from a callback, a source or a sink: what their arguments mean is theirs. They get a note.
    """
    message = error.args[0] if error.args else None
    if not isinstance(message, str) or not isinstance(error, (BotoCoreError, ClientError)):
        if text not in getattr(error, "__notes__", ()):
            error.add_note(text)
    elif text not in message:
        error.args = (f"{message} ({text})", *error.args[1:])
