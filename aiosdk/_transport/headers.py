"""The headers of an answer as boto3 gives them: text in Latin-1, and what comes twice joined."""

from __future__ import annotations

from typing import Final

RawHeaders = tuple[tuple[bytes, bytes], ...]

# The names of headers that have been met: they are few, unless a server makes them up.
_names: Final[dict[bytes, str]] = {}
_MOST_NAMES: Final = 1000


def in_lower_case(raw: RawHeaders) -> dict[str, str]:
    """Give headers by their names in lower case, as botocore's parsers expect them."""
    try:
        headers = {_names[name]: value.decode("latin-1") for name, value in raw}
    except KeyError:
        headers = {_name(name): value.decode("latin-1") for name, value in raw}
    if len(headers) == len(raw):
        return headers
    return {name.lower(): value for name, value in as_spelled(raw).items()}


def as_spelled(raw: RawHeaders) -> dict[str, str]:
    """Give headers by their names as the server wrote them, where one comes twice as it wrote the first."""
    found: dict[bytes, tuple[bytes, list[bytes]]] = {}
    for name, value in raw:
        found.setdefault(name.lower(), (name, []))[1].append(value)
    return {name.decode("latin-1"): b", ".join(values).decode("latin-1") for name, values in found.values()}


def _name(name: bytes) -> str:
    text = name.decode("latin-1").lower()
    if len(_names) < _MOST_NAMES:
        _names[name] = text
    return text
