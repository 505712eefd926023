"""What a forked child does with the sockets and event loops that it inherits: it lets go of them unnoticed.

A socket has one state, however many processes have a descriptor of it, and a selector of Linux's (epoll) likewise: to
take a connection out of it in the child takes it out of the parent's, who never hears from it again; a TLS connection
that is closed properly in the child is closed for the parent. asyncio does both when a transport is closed or a loop
collected, at the interpreter's exit say. So the child's copies are made harmless before anything else runs there.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from aiosdk import _forks

if TYPE_CHECKING:
    from collections.abc import Callable

# Every socket of a connection, from before it is connected.
_sockets: Final[WeakSet[socket.socket]] = WeakSet()


def remembering(make: Callable[[Any], socket.socket] | None) -> Callable[[Any], socket.socket]:
    """Make the function for aiohttp that makes sockets; each is known here from then on."""

    def make_socket(address: Any) -> socket.socket:
        made = socket.socket(*address[:3]) if make is None else make(address)
        _sockets.add(made)
        return made

    return make_socket


def close_silently(transport: asyncio.BaseTransport | None) -> None:
    """Close the socket of a connection whose event loop cannot do it any more, or is the parent's.

    asyncio would complain when the transport is collected, which is right for transports that somebody forgot:
    `loop.close()` without `loop.shutdown_asyncgens()` gives nobody a chance.
    """
    tls: Any = getattr(transport, "_ssl_protocol", None)
    raw: Any = transport
    if tls is not None:
        vars_of: Any = transport
        vars_of._closed = True
        raw = tls._transport
    if (sock := getattr(raw, "_sock", None)) is not None:
        sock.close()
        raw._sock = None


def _leave_to_parent() -> None:
    loops = [loop for loop in _forks.loops if not loop.is_closed()]
    sockets = [each for each in _sockets if each.fileno() >= 0]
    _forks.loops.clear()
    _sockets.clear()
    if not loops and not sockets:
        return
    for loop in loops:
        _forks.inherit(asyncio.all_tasks(loop))
        _part(loop)
    numbers = {each.fileno() for each in sockets}
    for loop in loops:
        _forget(loop, numbers)
    others = [loop for loop in loops if not hasattr(loop, "_selector")]
    for each in sockets:
        if others:  # uvloop's, which go on using the number
            _put_dead_socket(each.fileno())
        else:
            each.close()


def _part(loop: Any) -> None:
    """Give an event loop a selector, a pipe and threads of its own, as far as it is asyncio's on Linux."""
    selector = getattr(loop, "_selector", None)
    if hasattr(selectors, "EpollSelector") and isinstance(selector, selectors.EpollSelector):
        fresh = selectors.EpollSelector()
        os.dup2(fresh.fileno(), selector.fileno(), inheritable=False)
        fresh.close()
    ends: list[Any] = [getattr(loop, name, None) for name in ("_ssock", "_csock")]
    if None not in ends:
        for end, new in zip(ends, socket.socketpair(), strict=True):
            new.setblocking(False)
            os.dup2(new.fileno(), end.fileno(), inheritable=False)
            new.close()
    loop.set_default_executor(ThreadPoolExecutor())  # whose threads begin when there is something to do


def _forget(loop: Any, numbers: set[int]) -> None:
    """Take the parent's connections out of a loop that has a selector of its own, and put the rest into that."""
    selector: Any = getattr(loop, "_selector", None)
    if isinstance(selector, selectors.BaseSelector):
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
            if key.fd not in numbers:
                selector.register(key.fileobj, key.events, key.data)
    transports: Any = getattr(loop, "_transports", None) or {}
    for number in numbers:
        transport = transports.get(number)
        if transport is not None and hasattr(transport, "_sock") and not transport.is_closing():
            _silence(transport)


def _silence(transport: Any) -> None:
    """Let a transport of asyncio's be one that is closed already: nothing is sent, read, or complained of."""
    protocol = transport.get_protocol()
    while (secure := getattr(protocol, "_app_transport", None)) is not None:  # TLS, perhaps within TLS
        secure._closed = True
        protocol = secure.get_protocol()
    transport._closing = True
    transport._conn_lost = 1
    transport._sock = None


def _put_dead_socket(number: int) -> None:
    """Put a socket that leads nowhere in the place of one whose number a loop of another make goes on using."""
    dead, peer = socket.socketpair()
    peer.close()
    os.dup2(dead.fileno(), number, inheritable=False)
    dead.close()


def _note_running_loop() -> None:
    # One that forks before it has done anything with us; its child may end it, and take it out of its selector so.
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    _forks.remember_loop(loop)


def mind_forks() -> None:
    """Do what is to be done in each child, from now on. To be called once."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_note_running_loop)
    _forks.in_child(_leave_to_parent)
