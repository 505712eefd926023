"""Which parameters the rules of a service look at to find an endpoint.

Evaluating the rules takes 15 to 140 us; most calls of a client differ in no parameter that the rules look at, so what
they gave is remembered by those that they do.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Rulesets are JSON.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

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
