"""Reads what blocks, on threads: what is begun there and abandoned here neither leaks a file nor moves its position."""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiosdk import _off_loop
from aiosdk.services.s3.workers import finish

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# So many pieces become one: small ones take many times the memory of what is in them.
_MANY: Final = 1000


def as_bytes(name: str, data: Any) -> memoryview:
    """The bytes of what was read, whatever kind of buffer it is in."""
    if isinstance(data, str):
        raise TypeError(f"{name} gives text, and objects are made of bytes: open the file in binary mode, or encode.")
    if data is None:
        raise BlockingIOError(f"{name} has no bytes yet and does not wait for them: open it in blocking mode.")
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"{name} gives {type(data).__name__} objects; objects are made of bytes.") from None
    if not view.nbytes:
        return memoryview(b"")
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


class Reader:
    """Reads pieces of bytes on threads until there are enough, or nobody wants them any more.

    Args:
        name: What they come from.
        read: Gives the next piece, at most as many bytes as it is told if it can; an empty one at the end. It may give
            something to be awaited, too.
        returns: Whether `read` is sure to come back soon, so that it is waited for in the end. What it reads is the
            user's, who may begin again from the start: nothing is to move its position then.
    """

    def __init__(self, name: str, read: Callable[[int], Any], *, returns: bool) -> None:
        self._name, self._read, self._returns = name, read, returns
        self._lock = threading.Lock()  # waited for on threads only
        self._stopped = False

    async def read(self, size: int) -> Any:
        """Give so many bytes, or more; fewer at the end only."""
        data = await _off_loop.call(self._gather, size)
        return await data if inspect.isawaitable(data) else data

    async def stop(self) -> None:
        """Read no more."""
        self._stopped = True
        if self._returns and self._lock.locked():
            await _off_loop.call(self._wait)

    def _wait(self) -> None:
        with self._lock:
            pass

    def _gather(self, size: int) -> Any:
        pieces, joined = list[bytes](), 0  # the first of them are joined ones
        with self._lock:
            while size > 0 and not self._stopped:
                data = self._read(size)
                if inspect.isawaitable(data):
                    return data
                if not isinstance(data, bytes):
                    view = as_bytes(self._name, data)
                    if not pieces and len(view) >= size:
                        return view
                    data = bytes(view)  # the next piece may come in the same buffer
                    view.release()
                if not data:
                    break
                pieces.append(data)
                size -= len(data)
                if len(pieces) - joined == _MANY:
                    pieces[joined:] = [b"".join(pieces[joined:])]
                    joined += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def opened(open_it: Callable[[], T], close: Callable[[T], object]) -> T:
    """Open something on a thread, which may take for ever. If that is cancelled, it is closed as soon as it is open."""
    lock = threading.Lock()  # taken on threads only
    found: list[T] = []
    given_up = False

    def do() -> T:
        result = open_it()
        with lock:
            found.append(result)
            if given_up:
                close(result)
        return result

    def give_up() -> None:
        nonlocal given_up
        with lock:
            given_up = True
            for each in found:
                close(each)

    try:
        return await _off_loop.call(do)
    except BaseException:
        await finish(_off_loop.call(give_up))
        raise
