"""Runs blocking work on threads, so that the event loop never waits for a file, a parse, a subprocess or a prompt.

`call` is for a plain function. `drive` is for a coroutine that blocks between its awaits, as the credential
providers of aiobotocore do: its steps run on threads, and what it must do on the event loop (send a request, say)
it wraps in `OnLoop`.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, cast

from aiosdk import _forks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

P = ParamSpec("P")
T = TypeVar("T")

_driven: Final = contextvars.ContextVar("aiosdk_driven", default=False)


async def call(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function on a thread of its own and give back what it returns or raises.

    The threads are daemons and belong to no executor, so a user's saturated executor cannot hold us up and a
    prompt that nobody answers cannot hold up the interpreter's exit. Cancelling the caller abandons the result.
    """
    loop = asyncio.get_running_loop()
    _forks.remember_loop(loop)
    done: asyncio.Future[T] = loop.create_future()
    work = delivery(done, contextvars.copy_context(), func, *args, **kwargs)
    threading.Thread(target=work, name="aiosdk-off-loop", daemon=True).start()
    return await done


async def result_of(func: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """Call a function that may be a coroutine function, or one that gives something to await, or one that blocks."""
    if inspect.iscoroutinefunction(func):
        return await func(*args, **kwargs)
    given: Any = await call(func, *args, **kwargs)
    return await given if inspect.isawaitable(given) else given


def delivery(
    future: asyncio.Future[T],
    context: contextvars.Context,
    func: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Callable[[], None]:
    """Make the function for a thread that runs another one and gives a future what that returns or raises.

    Nothing happens to a future that is done before, as when nobody waits for it any more.
    """
    loop = future.get_loop()

    def deliver(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(func, *args, **kwargs)
        except StopIteration as raised:  # which a future would not take
            name = getattr(func, "__qualname__", type(func).__name__)  # its arguments may be the user's data
            error = RuntimeError(f"{name} raised StopIteration")
            error.__cause__ = raised
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(deliver, result, error)
        except RuntimeError:
            if not loop.is_closed():
                raise
            # Nobody waits any more.

    return work


MANY: Final = 20_000
"""So many new objects are worth a change to what the collector thinks of all there are."""

_pausing: Final = _forks.Lock()
_pauses = 0
_collected_before = False
_freezing = False


@contextmanager
def no_collection(*, stays: bool = True) -> Generator[None]:
    """Hold the garbage collector off while many objects are made that are none.

    Imports and models make hundreds of thousands. Each few hundred of them the collector looks whether they are
    garbage, and every so often it walks the whole heap, which stalls the event loop for 20 to 100 ms from whichever
    thread it happens in.

    Args:
        stays: Whether the objects stay for good. Then all objects there are count as old ones at the end, if many were
            made: the collector would walk them at once otherwise. It also puts off the next walk over the old ones,
            which for a few objects is no good bargain: whatever is often done would put it off for ever.
    """
    generation = _forks.generation
    _hold_off()
    try:
        yield
    finally:
        if generation == _forks.generation:  # else it was let go in the child, when that began
            _let_go(stays=stays)


# The steps of both stand in this order because another thread may fork between any two of them: as long as the
# collector may be off, `_pauses` says so.


def _hold_off() -> None:
    global _pauses, _collected_before
    with _pausing:
        if _pauses == 0:
            _collected_before = gc.isenabled()
        _pauses += 1
        if _pauses == 1:
            gc.disable()


def _let_go(*, stays: bool) -> None:
    global _pauses, _freezing
    with _pausing:
        if _pauses == 1 and _collected_before:
            many = gc.get_count()[0] > MANY
            if stays and many and gc.get_freeze_count() == 0:  # what the user has frozen stays so
                _freezing = True
                gc.freeze()
                gc.unfreeze()  # into the oldest generation; neither walks anything
                _freezing = False
            gc.enable()
        _pauses -= 1


def _let_go_in_child() -> None:
    global _pauses, _freezing
    pauses, _pauses = _pauses, 0
    if _freezing:
        _freezing = False
        gc.unfreeze()
    if pauses and _collected_before:
        gc.enable()


_forks.in_child(_let_go_in_child)


def let_loop_run() -> None:
    """Let other threads have the interpreter lock for as long as they need it, amid long work on this one.

    The interpreter itself passes the lock on every 5 ms, and the event loop may need it twice for one thing.
    """
    time.sleep(0)


def is_driven() -> bool:
    """Whether the calling code is a step of `drive`, off the event loop."""
    return _driven.get()


class OnLoop(Generic[T]):
    """Awaited in a driven coroutine: runs `func()` on the event loop that drives it, and gives its result."""

    __slots__ = ("_func", "answer")

    def __init__(self, func: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._func = func
        self.answer: T
        """What came of it, once it has run. Not a task's result: asyncio's debug mode logs those, credentials too."""

    def __await__(self) -> Generator[OnLoop[T], T, T]:
        return (yield self)

    async def run(self) -> None:
        token = _driven.set(False)
        try:
            self.answer = await self._func()
        finally:
            _driven.reset(token)


async def sleep(delay: float) -> None:
    """Sleep on the event loop, from a driven coroutine or not."""
    await (OnLoop(partial(asyncio.sleep, delay)) if is_driven() else asyncio.sleep(delay))


async def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that may block: each of its steps on a thread, each `OnLoop` within it on this loop.

    It may await nothing but `OnLoop`, other coroutines of its kind, and locks that nobody else holds: there is no
    running event loop where its steps run.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    abandoned = threading.Event()

    def step(resume: Callable[[], Any]) -> tuple[bool, Any]:
        wanted: Any
        _driven.set(True)
        try:
            while (wanted := resume()) is None:  # asyncio.sleep(0) yields None
                resume = partial(coroutine.send, None)
        except StopIteration as stopped:
            return True, stopped.value
        finally:
            if abandoned.is_set():
                coroutine.close()
        if not isinstance(wanted, OnLoop):
            coroutine.close()
            raise TypeError(f"A coroutine driven off the event loop awaited {type(wanted).__name__}")
        return False, cast("OnLoop[Any]", wanted)

    resume: Callable[[], Any] = partial(coroutine.send, None)
    try:
        while True:
            finished, value = await call(context.run, step, resume)
            if finished:
                return value
            try:
                await loop.create_task(value.run(), context=context)
            except Exception as error:
                resume = partial(coroutine.throw, error)
            else:
                resume = partial(coroutine.send, value.answer)
    except BaseException:
        abandoned.set()
        _close_when_idle(coroutine, context)
        raise


def _close_when_idle(coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> None:
    """Close an abandoned coroutine on a thread, for its cleanup may block; a step under way closes it itself."""

    def close() -> None:
        if getattr(coroutine, "cr_running", False):
            return
        try:
            context.run(coroutine.close)
        except RuntimeError as error:
            if "cannot enter context" not in str(error):
                raise
            # A step has just entered it, and closes the coroutine when it ends.

    if getattr(coroutine, "cr_frame", None) is not None:
        threading.Thread(target=close, name="aiosdk-off-loop", daemon=True).start()
