"""Checks and texts of single values, which all protocols share.

What is checked is what botocore's validator checks: types and minima. A check only fails; botocore then says what is
wrong with the parameters, or serialises what is only unusual.
"""

from __future__ import annotations

import math
from binascii import b2a_base64
from decimal import Decimal
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Encode = Callable[[Any], Any]

# What botocore takes for these types, or more.
LISTS: Final = (list, tuple)
_NUMBERS: Final = (float, int, Decimal)
_BYTES: Final = (bytes, bytearray)
_PLAIN: Final = (str, int, float)


class UnusualInputError(Exception):
    """Raised for parameters that only botocore's validator and serializers know what to do with."""


def least_of(shape: Any) -> Any:
    """Give the least length of a text or a list."""
    return shape.metadata.get("min", 1 if shape.serialization.get("hostLabel") else 0)


def compile_string(shape: Any) -> Encode:
    """Make the check of a text, which it gives back."""
    least = least_of(shape)

    def check(value: Any) -> Any:
        if isinstance(value, str) and len(value) >= least:
            return value
        raise UnusualInputError

    return check


def compile_integer(shape: Any) -> Encode:
    """Make the check of a whole number, which it gives back."""
    least: Any = shape.metadata.get("min", 1 if shape.serialization.get("hostLabel") else -math.inf)

    def check(value: Any) -> Any:
        if isinstance(value, int) and value >= least:
            return value
        raise UnusualInputError

    return check


def compile_float(shape: Any) -> Encode:
    """Make the check of a number, which it gives back, or its name where it is not finite."""
    least: Any = shape.metadata.get("min")

    def check(value: Any) -> Any:
        if not isinstance(value, _NUMBERS) or (least is not None and value < least):
            raise UnusualInputError
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"

    return check


def check_boolean(value: Any) -> Any:
    """Check a boolean and give it back."""
    if value is True or value is False:
        return value
    raise UnusualInputError


def encode_boolean(value: Any) -> str:
    """Give the text of a boolean."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    raise UnusualInputError


def encode_blob(value: Any) -> str:
    """Encode bytes, or the UTF-8 of a text, in base 64."""
    if isinstance(value, str):
        value = value.encode()
    elif not isinstance(value, _BYTES):
        raise UnusualInputError
    return b2a_base64(value, newline=False).decode("ascii")


def check_stream(value: Any) -> Any:
    """Check what is sent as a body as it is: bytes, a text, which is encoded, or something to read from."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, _BYTES):
        return value
    read = getattr(value, "read", None)
    if read is None or hasattr(value, "__aiter__") or iscoroutinefunction(read):
        raise UnusualInputError
    return value


def check_document(value: Any) -> Any:
    """Check a document, anything that JSON can hold, and give it back."""
    if isinstance(value, dict):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            check_document(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            check_document(each)
    elif value is not None and not isinstance(value, _PLAIN):
        raise UnusualInputError
    return value  # pyright: ignore[reportUnknownVariableType]


def unusual(*_: Any) -> Any:
    """Leave a value to botocore."""
    raise UnusualInputError
