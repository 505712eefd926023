"""Remembers which endpoint the rules of a service give for the parameters that they read.

Evaluating the rules takes 15 to 140 us; most calls of a client differ in no parameter that the rules look at.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Rulesets are JSON.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Result = TypeVar("Result")

_TEMPLATE: Final = re.compile(r"\{([^{}#]*)").findall  # {Bucket}, {url#authority}


def parameters_read(ruleset: Mapping[str, Any]) -> frozenset[str]:
    """Give the names of the declared parameters that can have an influence on the endpoint.

    These are the ones that any rule refers to, reachable or not, and those without which there is an error. A name too
    many costs memory, one too few would send calls to the wrong place: what only looks like a reference counts as one.
    """
    parameters: Mapping[str, Mapping[str, Any]] = ruleset["parameters"]
    needed = {name for name, spec in parameters.items() if spec.get("required") and spec.get("default") is None}
    rest = {key: value for key, value in ruleset.items() if key != "parameters"}
    return frozenset((needed | _references(rest)) & set(parameters))


def _references(ruleset: object) -> set[str]:
    """Whatever a ruleset refers to: parameters, and what its conditions assigned."""
    found: set[str] = set()
    nodes: list[Any] = [ruleset]
    while nodes:
        node = nodes.pop()
        if isinstance(node, str):
            if "{" in node:
                found.update(_TEMPLATE(node))
        elif isinstance(node, list):
            nodes += node
        elif isinstance(node, dict):  # botocore's are ordered ones
            if "ref" in node:
                found.add(node["ref"])
            nodes += [value for key, value in node.items() if key != "documentation"]
    return found


class EndpointMemo(Generic[Result]):
    """The endpoints of the latest parameters, by those that the rules read.

    Results are shared and must not be changed. Errors are not kept: they come again, in full, with every call. The
    types of parameters that no rule reads are not looked at.

    Args:
        resolve: Evaluates the rules.
        read: The names that `parameters_read` gives.
        size: How many results are kept; then the oldest goes, used or not, for a hit to cost nothing more.
    """

    __slots__ = ("_names", "_resolve", "_results", "_size")

    def __init__(self, resolve: Callable[[Mapping[str, Any]], Result], read: Iterable[str], size: int = 1000) -> None:
        self._resolve, self._names, self._size = resolve, tuple(sorted(read)), size
        self._results: dict[tuple[Any, ...], Result] = {}

    def __repr__(self) -> str:
        return f"<EndpointMemo of {', '.join(self._names)} kept={len(self._results)}/{self._size}>"

    def __len__(self) -> int:
        return len(self._results)

    def get(self, params: Mapping[str, Any]) -> Result:
        """Give the endpoint for parameters; one that is None counts as not given."""
        key = tuple(map(params.get, self._names))
        try:
            return self._results[key]
        except KeyError:
            pass
        except TypeError:  # a list cannot be hashed
            key = tuple([tuple(value) if isinstance(value, list) else value for value in key])
            if key in self._results:
                return self._results[key]
        # Templates of importexport, say, tell None from nothing; botocore's clients give no None.
        result = self._resolve({name: value for name, value in params.items() if value is not None})
        if len(self._results) >= self._size:
            self._drop_oldest()
        self._results[key] = result
        return result

    def _drop_oldest(self) -> None:
        kept = list(self._results)  # in one step: other threads may add meanwhile
        for oldest in kept[: max(0, len(kept) - self._size + 1)]:
            self._results.pop(oldest, None)
