"""Functions compiled from shapes, each once; a shape may contain itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Decode = Callable[[Any], Any]

# Deeper ones are compiled when they are first met: an answer rarely has all that it might have, and the largest models
# would hold up the event loop.
_AT_ONCE: Final = 4


class Compiled:
    """The functions compiled so far, by what they were compiled from."""

    def __init__(self) -> None:
        self._known: dict[object, Decode] = {}
        self._depth = 0

    def get(self, key: object, compile_it: Callable[[], Decode]) -> Decode:
        """Give the function for a key, compiling it unless that is done."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _later(self, compile_it)
            if self._depth < _AT_ONCE:
                known = self._known[key] = self.compile(compile_it)
        return known

    def compile(self, compile_it: Callable[[], Decode]) -> Decode:
        """Compile one function with those it calls."""
        self._depth += 1
        try:
            return compile_it()
        finally:
            self._depth -= 1


def _later(compiled: Compiled, compile_it: Callable[[], Decode]) -> Decode:
    """A function that is compiled when it is first called."""
    made: list[Decode] = []

    def call(value: Any) -> Any:
        if not made:
            made.append(compiled.compile(compile_it))
        return made[0](value)

    return call
