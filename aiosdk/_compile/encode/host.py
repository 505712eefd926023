"""Prefixes of host names, with the parameters that belong into them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aiosdk._compile.encode.checks import UnusualInputError

if TYPE_CHECKING:
    from collections.abc import Callable

_LABEL: Final = re.compile(r"[A-Za-z0-9.\-]+", re.ASCII).fullmatch


def compile_host_prefix(operation: Any) -> Callable[[Any], str] | None:
    """Make the function from parameters to the prefix that an operation wants before its host, if it wants one."""
    endpoint: dict[str, str] = operation.endpoint or {}
    prefix = endpoint.get("hostPrefix")
    if prefix is None:
        return None
    shape = operation.input_shape
    members = {} if shape is None else shape.members
    labels = [name for name, member in members.items() if member.serialization.get("hostLabel")]
    if not labels and (shape is None or "{" not in prefix):
        return lambda _: prefix

    def encode(parameters: Any) -> str:
        values = {name: parameters[name] for name in labels}
        if not all(map(_LABEL, values.values())):
            raise UnusualInputError
        return prefix.format(**values)

    return encode
