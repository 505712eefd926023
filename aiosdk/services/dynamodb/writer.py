"""BatchWriter: puts and deletes of single items, sent 25 at a time."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from aiosdk._async_only import AsyncContext
from aiosdk._aws.error_kinds import take_after
from aiosdk._errors import become
from aiosdk.exceptions import (
    BatchKeyError,
    BatchWriteError,
    BatchWriterClosedError,
    ThrottledError,
    UnreadableAnswerError,
)
from aiosdk.services.dynamodb.keys import identity_of, same_table
from aiosdk.services.dynamodb.retrying import PATIENCE, Backoff, end, is_throttled
from aiosdk.services.dynamodb.transform import takes_python_types
from aiosdk.services.dynamodb.types import Ready
from aiosdk.services.dynamodb.writes import Batch, UnprocessedError, Write, as_given, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from aiosdk.services.dynamodb.writes import Request

MOST_ITEMS: Final = 25
# DynamoDB takes 16 MB, and there is more in a request than its items.
MOST_BYTES: Final = 16 * 1024 * 1024 - 64 * 1024
_NEW: Final = "not yet entered: write `async with table.batch_writer() as batch:`"
_OPEN: Final = "open"
_LEFT: Final = "closed: its `async with` was left"

AT_ONCE: Final = 4
"""How many requests of one writer are under way at the same time."""


class BatchWriter(AsyncContext):
    """Writes many items to a table, 25 with each request: `async with table.batch_writer() as batch:`.

    Any number of tasks may use it at once. `put_item` and `delete_item` take a copy, and wait only while as much as
    `flush_amount` is waiting to be sent. Leaving the `async with` sends the rest, and waits until all is written. What
    DynamoDB leaves unprocessed, or refuses because it is asked too much, is sent again after a while.

    An exception in the body ends the writing: requests that are under way are waited for (unless the exception is a
    cancellation), nothing else is sent, and the exception goes on as it is, with a note, and with `unwritten` and
    `unwritten_by_table`: the latter for all the writers that it comes through. If writing itself fails, `put_item`,
    `delete_item` and the end of the `async with` raise `BatchWriteError`. In an async generator that is closed, the
    body ends as usual.

    Args:
        table_name: The name of the table.
        client: The client of a DynamoDB resource, or another, for items as that takes them.
        flush_amount: How many items are kept back before a request is sent. Each request has 25 at the most.
        overwrite_by_pkeys: The attributes of the table's key. Of several writes with the same key the last is made
            then, and the order of those that are made is kept. Without it, the same key must not come twice at a time.
        when_done: Called when the writer is done, if there was anything to write.
    """

    _entered_as = "async with table.batch_writer() as batch:"

    def __init__(
        self,
        table_name: str,
        client: Any,
        flush_amount: int = MOST_ITEMS,
        overwrite_by_pkeys: Sequence[str] | None = None,
        *,
        when_done: Callable[[], None] | None = None,
    ) -> None:
        if type(flush_amount) is not int or flush_amount < 1:
            raise ValueError(
                f"flush_amount={flush_amount!r} is no number of items to keep back: it takes a whole number of at "
                "least 1."
            )
        self._table = table_name
        self._client = client
        self._flush_amount = flush_amount
        self._names = (overwrite_by_pkeys,) if isinstance(overwrite_by_pkeys, str) else tuple(overwrite_by_pkeys or ())
        self._when_done = when_done
        self._python = takes_python_types(client)
        self._count = 0
        self._buffer: dict[Hashable, Write] = {}
        self._in_flight: set[Hashable] = set()
        self._flushes: dict[asyncio.Task[None], Batch] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._promised = 0
        self._state = _NEW
        self._finishing = False
        self._stopped = asyncio.Event()
        self._failure: Exception | None = None
        self._progress = 0
        self._unwritten: list[Request] = []

    @property
    def unwritten(self) -> list[Request]:
        """What was not written, after the writing has ended before its time; as `batch_write_item` takes it.

        Of a cancelled request it is not known, so its items are listed.
        """
        return self._unwritten

    async def put_item(self, Item: Mapping[str, Any]) -> None:  # noqa: N803 - as in boto3
        """Write an item, now or later. The item is copied.

        Sends nothing itself. Waits while `flush_amount` items are to be sent and all requests are under way.

        Raises:
            TypeError: It is no mapping, or has a value or a name that DynamoDB does not have; it is not taken.
            BatchKeyError: The item lacks an attribute of `overwrite_by_pkeys`.
            BatchWriteError: Writing earlier items has failed; this one is not taken, and not in `unwritten`.
            BatchWriterClosedError: The writer was not entered, or was left.
        """
        await self._add("PutRequest", "Item", Item)

    async def delete_item(self, Key: Mapping[str, Any]) -> None:  # noqa: N803 - as in boto3
        """Delete an item, now or later. As `put_item`."""
        await self._add("DeleteRequest", "Key", Key)

    async def __aenter__(self) -> Self:
        if self._state is not _NEW:
            raise BatchWriterClosedError(table=self._table, state=self._state)
        self._state = _OPEN
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._state = _LEFT
        self._wake(all_of_them=True)
        try:
            if error is None or (isinstance(error, GeneratorExit) and _loop_runs()):
                # No caller sees a GeneratorExit: there is nobody to be told what was not written.
                await self._finish()
            else:
                await self._stop(error, cancel=not isinstance(error, Exception))
        finally:
            if self._when_done is not None and self._count:
                self._when_done()

    def __repr__(self) -> str:
        under_way = sum(len(batch.left) for batch in self._flushes.values())
        return f"<BatchWriter of {self._table!r} kept={len(self._buffer)} under_way={under_way}>"

    # Taking

    async def _add(self, kind: str, member: str, given: Mapping[str, Any]) -> None:
        self._check()
        if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"{member} for the table {self._table!r} is a {type(given).__name__}, not a dictionary of attributes."
            )
        item = Ready(given) if self._python else copy.deepcopy(dict(given))
        key: Hashable = self._key_of(member, item) if self._names else self._count
        self._count += 1
        size = size_of(item)
        full = key not in self._buffer and len(self._buffer) >= self._flush_amount
        if full or self._waiting or self._promised:  # never past those that wait: theirs may be of the same key
            await self._room()
            self._check()
        self._buffer.pop(key, None)
        self._buffer[key] = Write({kind: {member: item}}, size)
        self._start()

    def _check(self) -> None:
        if self._failure is not None:
            self._raise()
        if self._state is not _OPEN:
            raise BatchWriterClosedError(table=self._table, state=self._state)

    def _key_of(self, member: str, item: Mapping[str, Any]) -> Hashable:
        try:
            return identity_of(item, self._names, python=self._python)
        except KeyError as error:
            missing = [name for name in self._names if name not in item]
            raise BatchKeyError(table=self._table, member=member, missing=", ".join(map(repr, missing))) from error

    async def _room(self) -> None:
        """Wait until there is room in the buffer, behind those that wait already."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._promised -= 1
                self._wake()  # it was this one's turn: it is the next one's now
            raise
        self._promised -= 1

    def _wake(self, *, all_of_them: bool = False) -> None:
        """Promise the room that there is to those that wait, in their order."""
        room = len(self._waiting) if all_of_them else self._flush_amount - len(self._buffer) - self._promised
        while room > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._promised += 1
                room -= 1

    # Sending

    def _start(self) -> None:
        """Start as many requests as there is something for."""
        while (
            len(self._flushes) < AT_ONCE
            and not self._stopped.is_set()
            and (self._finishing or len(self._buffer) >= self._flush_amount)
            and (writes := self._take())
        ):
            batch = Batch(writes)
            self._in_flight |= batch.keys
            task = asyncio.create_task(self._flush(batch))
            self._flushes[task] = batch
            task.add_done_callback(partial(self._flushed, batch))
        self._wake()

    def _take(self) -> dict[Hashable, Write]:
        """Take the oldest writes from the buffer; of keys that are being written now, none."""
        taken: dict[Hashable, Write] = {}
        size = 0
        for key, write in self._buffer.items():
            if key in self._in_flight:
                continue
            size += write.size
            if taken and size > MOST_BYTES:
                break
            taken[key] = write
            if len(taken) == min(MOST_ITEMS, self._flush_amount):
                break
        for key in taken:
            del self._buffer[key]
        return taken

    async def _flush(self, batch: Batch) -> None:
        backoff, progress = Backoff(), self._progress
        while batch.left:
            before = len(batch.left)
            failure = await self._send(batch)
            if len(batch.left) < before:
                self._progress += 1
            if progress != self._progress:
                progress = self._progress
                backoff.succeeded()
            if not batch.left or self._stopped.is_set():
                return
            delay = backoff.next_delay()
            if delay is None:
                raise failure or UnprocessedError(f"DynamoDB left them unprocessed for {PATIENCE:g} s")
            try:
                await asyncio.wait_for(self._stopped.wait(), delay)
                return
            except TimeoutError:
                pass

    async def _send(self, batch: Batch) -> Exception | None:
        """Send a batch once. Of it is left what is to be sent again; gives the error if it was all refused."""
        try:
            response = await self._client.batch_write_item(RequestItems={self._table: batch.left})
        except Exception as error:
            if not is_throttled(error):
                raise
            return error
        unprocessed: dict[str, list[Request]] = response.get("UnprocessedItems") or {}
        left = [request for requests in unprocessed.values() for request in requests]
        if not all(same_table(name, self._table) for name in unprocessed):
            raise UnreadableAnswerError(what="BatchWriteItem", problem="it speaks of another table")
        if len(left) > len(batch.left):
            problem = f"it leaves {len(left)} of {len(batch.left)} writes unprocessed"
            raise UnreadableAnswerError(what="BatchWriteItem", problem=problem)
        batch.left = left
        return None

    def _flushed(self, batch: Batch, task: asyncio.Task[None]) -> None:
        if self._flushes.pop(task, None) is None:
            return
        self._in_flight -= batch.keys
        self._unwritten += map(as_given, batch.left)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        elif task.cancelled() and not self._stopped.is_set():
            self._fail(RuntimeError("a task of the writer was cancelled"))
        self._start()

    def _fail(self, failure: Exception) -> None:
        """Send nothing more, and tell everybody who waits."""
        self._failure = self._failure or failure
        self._stopped.set()
        self._wake(all_of_them=True)

    # Ending

    async def _finish(self) -> None:
        """Write what is left."""
        self._finishing = True
        try:
            self._start()
            while self._flushes:
                await asyncio.wait(list(self._flushes), return_when=asyncio.FIRST_COMPLETED)
                if self._failure is not None:
                    break
        except BaseException as error:
            await self._stop(error, cancel=True)
            raise
        if self._failure is not None:
            await self._stop(None, cancel=False)
            self._raise()

    async def _stop(self, error: BaseException | None, *, cancel: bool) -> None:
        """Send nothing more, wait for what is under way, and tell an error what was not written."""
        self._stopped.set()
        try:
            await end(list(self._flushes), cancel=cancel)
        except asyncio.CancelledError as cancelled:
            self._put_aside()
            self._tell(cancelled)
            raise
        finally:
            self._put_aside()
            if error is not None:
                self._tell(error)

    def _put_aside(self) -> None:
        for task, batch in list(self._flushes.items()):  # done, but their callbacks are yet to come
            self._flushed(batch, task)
        self._unwritten += [as_given(each.request) for each in self._buffer.values()]
        self._buffer.clear()

    def _tell(self, error: BaseException) -> None:
        count = len(self._unwritten)
        if not count or (isinstance(error, BatchWriteError) and error.unwritten is self._unwritten):
            return
        told: dict[str, list[Request]] = getattr(error, "unwritten_by_table", {})  # of a writer within this one
        with suppress(Exception):  # it takes no attributes, as a frozen dataclass; the writers have them
            error.add_note(
                f"{count} write(s) to the DynamoDB table {self._table!r} not made, or not known to be: see "
                "`unwritten` of the batch writer, or `unwritten_by_table` of this error."
                + ("" if self._failure is None else f" Writing has failed: {self._failure}")
            )
            if not told:
                error.unwritten = self._unwritten  # pyright: ignore[reportAttributeAccessIssue]
            error.unwritten_by_table = {  # pyright: ignore[reportAttributeAccessIssue]
                **told,
                self._table: [*told.get(self._table, ()), *self._unwritten],
            }

    def _raise(self) -> NoReturn:
        failure = self._failure
        response = getattr(failure, "response", None) or {"Error": {"Code": type(failure).__name__}}
        problem = str(failure).removesuffix(".")
        error = BatchWriteError(table=self._table, problem=problem, response=response, unwritten=self._unwritten)
        if isinstance(failure, UnprocessedError):
            become(error, ThrottledError)
        elif failure is not None:
            take_after(error, failure)
        raise error from failure


def _loop_runs() -> bool:
    """Whether there is a running event loop, and not the end of the program, which throws coroutines away."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
