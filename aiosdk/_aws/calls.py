"""A call on the reference lane, while it is under way: its options, its attempts, and what its error is told."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# botocore has no types.

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from aiosdk._aws.error_kinds import classify
from aiosdk._errors import Attempt, Remembering, become
from aiosdk._options import NONE
from aiosdk.exceptions import DeadlineExceededError

if TYPE_CHECKING:
    from aiosdk._aws.handover import FirstAttempt
    from aiosdk._aws.throttling import Turn
    from aiosdk._options import CallOptions
    from aiosdk._transport.progress import Progress

# Told to botocore's retry handlers as the number of an attempt that is to be the last, whatever their limit is.
_LAST: Final = 1_000_000
# How many attempts they make at least unless configured, in each mode: there they are told to be before the last one.
_FEWEST: Final = {"legacy": 5, "standard": 3, "adaptive": 3}


class Call:
    """A call on the reference lane.

    Args:
        options: Its options.
        first: What came of its first request, where that was sent already.
    """

    __slots__ = ("_begun", "_ended", "_seconds", "first", "history", "options", "out_of_budget", "turn")

    def __init__(self, options: CallOptions | None, first: FirstAttempt | None) -> None:
        self.options = NONE if options is None else options
        self.first = first
        self.turn: Turn | None = None
        """Leave to send the next request, where the service throttles."""
        self.history: list[Attempt] = []
        self.out_of_budget = False
        self._begun = monotonic()
        self._seconds = 0.0
        self._ended: tuple[Any, Exception | None] | None = None

    def ended(self, answer: Any, failure: Exception | None) -> None:
        """An attempt has ended, with an answer and what was read from it, or with a failure."""
        self._record(None)  # the one before, should somebody have replaced the pause after it
        self._ended = answer, failure
        handed_over = self.first is not None and not self.history
        self._seconds = self.first.seconds if handed_over and self.first else monotonic() - self._begun

    def forget(self) -> None:
        """Let go of the answer: timers and transports that were made on the way keep the context and the call in it."""
        self._ended = self.first = self.turn = None

    @property
    def answer(self) -> Any:
        """The answer to the last attempt, if one came."""
        return self._ended and self._ended[0] and self._ended[0][0]

    def pauses(self, delay: float | None) -> None:
        """Another attempt is made after so many seconds, or would be if there were time for it."""
        self._record(delay)

    def unfinished(self, *, is_sending: bool) -> None:
        """The time is up, whatever the call is at."""
        self._record(None)
        if is_sending:
            number = len(self.history) + 1
            self.history.append(Attempt(number, None, None, None, monotonic() - self._begun, None))

    def goes_on(self) -> None:
        """The next attempt begins."""
        self._begun = monotonic()

    def _record(self, delay: float | None) -> None:
        if self._ended is None:
            return
        answer, failure = self._ended
        self._ended = None
        status = code = None
        if answer is not None:
            status = answer[0].status_code
            error = answer[1].get("Error") if isinstance(answer[1], dict) else None
            code = (error.get("Code") or None) if isinstance(error, dict) else None
        name = None if failure is None else type(failure).__name__
        number = len(self.history) + 1
        self.history.append(Attempt(number, status, code, name, self._seconds, delay))

    def number_for_handlers(self, number: int, configured: dict[str, Any]) -> int:
        """Give the number of an attempt that has botocore's retry handlers make as many attempts as the options say."""
        wanted = self.options.attempts
        if wanted is None:
            return number
        if number >= wanted:
            return _LAST
        fewest = configured.get("total_max_attempts") or _FEWEST.get(configured.get("mode", ""), 1)
        return min(number, fewest - 1)

    def tell(self, error: Exception) -> None:
        """Tell the error that ends the call of its attempts, and make it one of its kind."""
        if isinstance(error, ClientError):
            classify(error)
        elif not isinstance(error, (BotoCoreError, ResponseParserError)):
            return
        self._record(None)
        if not self.history or "attempts" in vars(error):  # nothing was sent; or it is not of this call alone
            return
        become(error, Remembering)
        error.attempts = attempts = tuple(self.history)  # pyright: ignore[reportAttributeAccessIssue]
        if len(attempts) > 1:
            error.add_note(f"{len(attempts)} attempts: " + "; ".join(map(str, attempts)))
        if self.out_of_budget:
            error.add_note(
                "It was not tried again: the session's retries are used up, for most of its requests to this endpoint "
                "fail. Requests that succeed give retries back; Session(retry_budget=...) allows more."
            )


_DOING: Final = {
    "prepare": "preparing the request (finding credentials or the endpoint)",
    "turn": "waiting for its turn, since the service refuses requests that come faster",
    "pool": "waiting for a free connection of the pool",
    "connect": "connecting",
    "send": "sending the request",
    "read": "waiting for the answer",
    "backoff": "about to wait {pause:.3g} s before the next attempt",
}
_ON_ITS_WAY: Final = ("pool", "connect", "send", "read")


def deadline_exceeded(current: Progress, service: str, method: str, seconds: float) -> DeadlineExceededError:
    """Make the error of a call that was not done in time."""
    call, history = current.call, list[Attempt]()
    if call is not None:
        call.unfinished(is_sending=current.phase in _ON_ITS_WAY)
        history = call.history
    elif current.phase in _ON_ITS_WAY:
        history = [Attempt(1, None, None, None, seconds, None)]
    made = f"{'in' if current.phase in _ON_ITS_WAY else 'after'} attempt {len(history)}"
    error = DeadlineExceededError(
        service_name=service,
        operation_name=method,
        timeout=seconds,
        phase=current.phase,
        doing=_DOING[current.phase].format(pause=current.pause),
        made=made if history else "before the first attempt",
    )
    error.attempts = tuple(history)
    if len(history) > 1:
        error.add_note(f"{len(history)} attempts: " + "; ".join(map(str, history)))
    return error


under_way: Final[ContextVar[Call | None]] = ContextVar("aiosdk_call", default=None)
