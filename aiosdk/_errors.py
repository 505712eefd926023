"""What errors remember, and how they keep their class when they are pickled or copied.

botocore makes the classes of `client.exceptions` anew for each session, so that an error comes out of a pickle as a
plain `ClientError`, and its own errors lose what was added to their message. The classes made here know how they were
made, once per process for each service and name, and are found or made again where an error of theirs is unpickled.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# botocore has no types.

from __future__ import annotations

import copyreg
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a call that ended in an error: an entry of `error.attempts`."""

    number: int
    """1 for the first."""
    status: int | None
    """The HTTP status that came back, or None when no answer came."""
    code: str | None
    """The code of AWS's error, `SlowDown` say; None where there was none."""
    error: str | None
    """The class of the error when no answer came, `ReadTimeoutError` say."""
    seconds: float
    """How long the request and its answer took, the wait for a connection included."""
    delay: float | None
    """How many seconds were waited before the next attempt; None where there was none."""

    def __str__(self) -> str:
        answer = " ".join(str(each) for each in (self.status, self.code) if each is not None)
        told = self.error or answer or "no answer yet"
        return f"{told} after {self.seconds:.3g} s" + (f", {self.delay:.3g} s pause" if self.delay else "")


class Remembering:
    """Has the attempts of the call that an error ended, and pickles and copies with its class and all it was told."""

    __slots__ = ()

    attempts: tuple[Attempt, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        state = {**vars(self), "args": self.args}  # pyright: ignore[reportAttributeAccessIssue]
        if "kwargs" in state:
            state["kwargs"] = {name: _picklable(value) for name, value in state["kwargs"].items()}
        return _restored, (type(self),), state


def _picklable(value: Any) -> Any:
    """A failure as it is, or its text: some of aiohttp's hold the TLS context of their connection."""
    if isinstance(value, BaseException):
        try:
            pickle.dumps(value)
        except Exception:
            return str(value)
    return value


def _restored(kind: type[BaseException]) -> BaseException:
    return kind.__new__(kind)


class _Made(type):
    """The class of the classes that are made here."""

    __slots__ = ()

    _recipe: tuple[Callable[..., type], tuple[Any, ...]]


def _reduced(made: _Made) -> Any:
    return vars(made).get("_recipe") or made.__qualname__  # a class that a user has derived has a name of its own


copyreg.pickle(_Made, _reduced)  # pyright: ignore[reportArgumentType]

_known: Final[dict[tuple[Any, ...], type]] = {}


def _make(name: str, module: str, bases: tuple[type, ...], maker: Callable[..., type], *arguments: Any) -> Any:
    key = (maker, *arguments)
    known = _known.get(key)
    if known is None:
        # Of two threads that come here at once, both get what the first of them has left.
        made = _Made(name, bases, {"__module__": module, "_recipe": (maker, arguments)})
        known = _known.setdefault(key, made)
    return known


class AnsweredError(Remembering, ClientError):
    """AWS answered with an error."""


def plain(kind: type[AnsweredError]) -> type[AnsweredError]:
    """Give the class of errors of a kind that have no class in their service's model, named as in boto3."""
    return _make("ClientError", "botocore.exceptions", (kind,), plain, kind)


def modelled(service_name: str, name: str, kind: type[AnsweredError] | None) -> type[AnsweredError]:
    """Give the class of `client.exceptions` of a name, always the same one."""
    return _make(name, "botocore.errorfactory", (kind or AnsweredError,), modelled, service_name, name, kind)


def mixed(error_class: type[BaseException], other: type) -> type[BaseException]:
    """Give a class that is both, and goes by the name of the first."""
    bases = (error_class, other) if issubclass(other, BaseException) else (other, error_class)
    return _make(error_class.__name__, error_class.__module__, bases, mixed, error_class, other)


def become(error: BaseException, other: type) -> None:
    """Make an error an instance of one more class, in place, so that what it has been through stays with it."""
    now = type(error)
    if issubclass(now, other):
        return
    is_plain = now is ClientError and issubclass(other, AnsweredError)
    error.__class__ = plain(other) if is_plain else mixed(now, other)
