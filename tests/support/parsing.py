"""Ours and aiobotocore's parsers side by side: what each reads in an answer, and in one that has been changed."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from aiobotocore.eventstream import AioEventStream
from aiobotocore.parsers import PROTOCOL_PARSERS
from botocore.parsers import ResponseParserError

from aiosdk._aws.parsers import DecodingParserFactory
from aiosdk.exceptions import UnreadableAnswerError
from tests.support.answers import Response

XML = ("rest-xml", "query", "ec2")
JSON = ("json", "rest-json")

_ADDRESS = re.compile(r"(?<= at )0x[0-9a-f]+")


class Parsers:
    """Ours and theirs of one protocol, and the shapes that ours has left to theirs."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.ours = DecodingParserFactory().create_parser(protocol)
        self.theirs = PROTOCOL_PARSERS[protocol]()
        self.left: list[str] = []
        self._reference, self.ours._reference = self.ours._reference, self

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        self.left.append(shape.name)
        return self._reference._parse_shape(shape, node)

    def differ(self, given: dict[str, Any], shape: Any) -> str | None:
        return difference(outcome(self.ours, given, shape), outcome(self.theirs, given, shape))


def outcome(parser: Any, of: Response, shape: Any) -> tuple[Any, ...]:
    """What a parser makes of a response: a value, or an exception's type and text."""
    try:
        parser.parse(of, shape).send(None)
    except StopIteration as done:
        return "value", done.value
    except UnreadableAnswerError as error:  # around theirs
        cause = error.__cause__
        return "error", type(cause), _ADDRESS.sub("", str(cause))
    except ResponseParserError as error:  # theirs goes on with the body
        return "error", type(error), _ADDRESS.sub("", re.sub("(invalid XML received)[^$]*", r"\1", str(error)))
    except Exception as error:
        return "error", type(error), _ADDRESS.sub("", str(error))
    raise AssertionError("a parser waited for something")


def difference(ours: Any, theirs: Any, path: str = "") -> str | None:
    """Say where two parsed answers differ, in values or in types, or None."""
    if type(ours) is not type(theirs) and not (isinstance(ours, AioEventStream) and type(theirs) is AioEventStream):
        return f"{path}: {ours!r:.200} of {type(ours)} is not {theirs!r:.200} of {type(theirs)}"
    if isinstance(ours, dict):
        if list(ours) != list(theirs):
            return f"{path}: keys {list(ours)!r:.300} are not {list(theirs)!r:.300}"
        found = (difference(ours[key], theirs[key], f"{path}.{key}") for key in ours)
    elif isinstance(ours, list | tuple):
        if len(ours) != len(theirs):
            return f"{path}: {ours!r:.200} is not {theirs!r:.200}"
        found = (difference(a, b, f"{path}[{n}]") for n, (a, b) in enumerate(zip(ours, theirs, strict=True)))
    elif isinstance(ours, ET.Element):  # botocore hands some repeated elements out as they are
        return difference(ET.tostring(ours), ET.tostring(theirs), path)
    else:
        return None if _same(ours, theirs) else f"{path}: {ours!r} is not {theirs!r}"
    return next((each for each in found if each), None)


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and math.isnan(ours):
        return math.isnan(theirs)
    if isinstance(ours, datetime):
        return moment(ours) == moment(theirs)
    if isinstance(ours, AioEventStream):
        return ours._output_shape is theirs._output_shape and ours._raw_stream is theirs._raw_stream
    return ours == theirs


def moment(value: datetime) -> tuple[object, ...]:
    """All that can be told from a time."""
    zone = value.tzinfo
    clock = value.replace(tzinfo=None), value.fold, type(zone)
    return clock if zone is None else (*clock, zone.utcoffset(value), zone.dst(value), zone.tzname(value))


Step = tuple[str, int, int]
STEPS = ("drop", "repeat", "rename", "swap", "move", "empty", "say", "null")
_SAID = ("", " ", "x", "1", "-1.5", "true", "True", "2026-01-02T03:04:05Z", "NaN", "AA==", "A")


def mutate_xml(body: bytes, steps: Iterable[Step]) -> bytes:
    """Change a body here and there; it stays well-formed."""
    root = ET.fromstring(body)
    for kind, where, what in steps:
        places = [(parent, index) for parent in root.iter() for index in range(len(parent))]
        if not places:
            break
        parent, index = places[where % len(places)]
        node, (other, _) = parent[index], places[what % len(places)]
        if kind == "drop":
            del parent[index]
        elif kind == "repeat":
            parent.insert(what % (len(parent) + 1), copy.deepcopy(node))
        elif kind == "rename":
            node.tag = (other[0].tag, "Unknown", node.tag.rpartition("}")[2], node.tag.swapcase())[what % 4]
        elif kind == "swap":
            parent[:] = parent[::-1]
        elif kind == "move":
            other.append(copy.deepcopy(node))
        elif kind == "say":
            node.text = _SAID[what % len(_SAID)]
        else:
            node[:], node.text = [], None
    return ET.tostring(root, encoding="utf-8")


def mutate_json(body: bytes, steps: Iterable[Step]) -> bytes:
    """Change a body here and there; it stays JSON."""
    root = [json.loads(body)]
    for kind, where, what in steps:
        places = list(_places(root))
        holder, key = places[where % len(places)]
        other, other_key = places[what % len(places)]
        value = copy.deepcopy(holder[key])
        if kind == "drop" and holder is not root:
            del holder[key]
        elif kind in ("repeat", "rename") and isinstance(holder, dict):
            name = other_key if isinstance(other_key, str) else ("Unknown", "__type", str(key).swapcase())[what % 3]
            holder[name] = holder.pop(key) if kind == "rename" else value
        elif kind == "repeat" and holder is not root:
            holder.insert(what % (len(holder) + 1), value)
        elif kind == "swap" and isinstance(value, dict | list):
            holder[key] = value[::-1] if isinstance(value, list) else dict(reversed(value.items()))
        elif kind == "move" and other is not root:
            other[other_key] = value
        elif kind == "null":
            holder[key] = None
        else:
            holder[key] = ([], {}, 0, 1.5, True, *_SAID)[what % (5 + len(_SAID))]
    return json.dumps(root[0]).encode()


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])
