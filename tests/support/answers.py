"""Answers of AWS services, made up from their models in the protocol of each."""

from __future__ import annotations

import base64
import json
import random
import struct
from binascii import crc32
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, StructureShape

Response = dict[str, Any]

DEEPEST = 3  # how often a shape may contain itself
FULL = 2  # how many structures of one shape get all their members: more would make trees of millions of nodes
STREAM = object()

_NAMESPACE = {"xmlns": "https://example.amazonaws.com/doc/2006-03-01/"}
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_TEXTS = (
    "",
    "a",
    "two words",
    " around ",
    "a&b<c>\"d'",
    "grüße ✓ 𝄞",
    "line\nbreak",
    "true",
    "12",
    "NaN",
    "null",
    "1e5",
)
_ISO_TIMES = (
    "2026-01-02T03:04:05Z",
    "2024-02-29T23:59:59.123Z",
    "1999-12-31T00:00:00.000001Z",
    "2026-07-01T12:00:00+05:30",
    "2026-07-01T12:00:00",
    "2026-07-01",
)
_RFC_TIMES = ("Fri, 02 Jan 2026 03:04:05 GMT", "Wed, 01 Jul 2015 12:00:00 GMT", "Mon, 02 Jan 2006 15:04:05 -0700")
_EPOCHS = (0, 1, 1767323045, 1767323045.123, 1.4e9, 253402300799, -86400)


class Answers:
    """Makes up the values of shapes. The same seed makes up the same.

    Args:
        seed: Anything; its text counts.
        fill: The part of the optional members that are there: 1 for all of them.
        most: The greatest length of lists and maps.
    """

    def __init__(self, seed: object, fill: float, most: int = 2) -> None:
        self._random = random.Random(str(seed))
        self._fill = fill
        self._most = most
        self._within: Counter[str] = Counter()
        self._made: Counter[str] = Counter()

    def value(self, shape: Any) -> Any:
        """A value as the wire has it, but for its structures (by the model's names), its maps (pairs) and bytes."""
        if shape.type_name not in ("structure", "list", "map"):
            return self._scalar(shape)
        self._within[shape.name] += 1
        try:
            if shape.type_name == "structure":
                return self._structure(shape)
            if shape.type_name == "list":
                return [self.value(shape.member) for _ in range(self._length(shape.member))]
            pairs = [(self.value(shape.key), self.value(shape.value)) for _ in range(self._length(shape.value))]
            return list(dict(pairs).items())
        finally:
            self._within[shape.name] -= 1

    def _length(self, of: Any) -> int:
        return 0 if self._within[of.name] >= DEEPEST else self._random.randint(min(self._most, 1), self._most)

    def _structure(self, shape: Any) -> Any:
        if shape.is_document_type:
            return self._random.choice(({}, {"a": [1, None, {"b": 2.5}]}, [1, "x"], "text", 7, True))
        possible = {
            name: member
            for name, member in shape.members.items()
            if self._within[member.name] < DEEPEST and not member.serialization.get("eventstream")
        }
        if shape.is_tagged_union:
            names = [self._random.choice(list(possible))] if possible else []
        else:
            required = shape.metadata.get("required", ())
            names = [name for name in possible if name in required or self._random.random() < self._fill]
            if self._made[shape.name] >= FULL:
                names = [name for name in names if possible[name].type_name not in ("structure", "list", "map")]
        self._made[shape.name] += 1
        return {name: self.value(possible[name]) for name in names}

    def _scalar(self, shape: Any) -> Any:
        kind, choice = shape.type_name, self._random.choice
        if kind == "string" or kind == "character":
            return choice(shape.enum) if kind == "string" and shape.enum else choice(_TEXTS)
        if kind == "boolean":
            return choice((True, False))
        if kind in ("integer", "long"):
            return choice((0, 1, -1, 42, 2**31, 2**53 + 1, -(2**63)))
        if kind in ("float", "double"):
            return choice((0.0, 1.5, -2e-7, 1e22, 3, 0.1))
        if kind == "timestamp":
            return choice(_RFC_TIMES if shape.serialization.get("location") else _ISO_TIMES + _RFC_TIMES + _EPOCHS)
        assert kind == "blob", f"no such values: {shape}"
        return self._random.randbytes(self._random.randrange(20))


def answer(model: OperationModel, seed: object, fill: float, most: int = 2) -> Response:
    """A successful answer to an operation, as parsers take it."""
    shape, answers = model.output_shape, Answers(seed, fill, most)
    value = answers.value(shape)
    headers = HeadersDict({"x-amzn-requestid": "r-1", "date": _RFC_TIMES[0]})
    protocol = model.service_model.resolved_protocol
    if protocol.startswith("rest"):
        _fill_headers(headers, shape, value)
    body: Any = STREAM
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "string":
        body = value.get(payload, "").encode()
    elif not (model.has_streaming_output or model.has_event_stream_output):
        body = json_body(shape, value) if protocol.endswith("json") else xml_body(protocol, model.name, shape, value)
    return response(body, headers=headers, status=answers._random.choice((200, 201)), operation=model.name)


def response(body: Any, *, headers: Any = None, status: int = 200, operation: str = "Operation") -> Response:
    """What aiobotocore gives its parsers."""
    headers = HeadersDict({} if headers is None else headers)
    return {"body": body, "headers": headers, "status_code": status, "context": {"operation_name": operation}}


def failure(protocol: str, shape: StructureShape, seed: object) -> Response:
    """An answer with an error of the model."""
    value = Answers(seed, 1).value(shape)
    headers = HeadersDict({"x-amzn-requestid": "r-1"})
    if protocol.startswith("rest"):
        _fill_headers(headers, shape, value)
    if protocol.endswith("json"):
        body = {"__type": f"com.amazonaws#{shape.error_code}", **to_json(shape, value)}
        if protocol == "rest-json":
            headers["x-amzn-errortype"] = f"{body.pop('__type')}:http://internal.amazon.com/"
        return response(json.dumps(body).encode(), headers=headers, status=400)
    error = ET.Element("Error")
    for tag, text in (("Type", "Sender"), ("Code", shape.error_code), ("Message", "what went wrong")):
        ET.SubElement(error, tag).text = text
    error.extend(each for each in _members(shape, value) if each.tag not in ("Type", "Code", "Message"))
    if protocol == "ec2":
        root = ET.Element("Response")
        ET.SubElement(root, "Errors").append(error)
    else:
        root = ET.Element("ErrorResponse", _NAMESPACE)
        root.append(error)
    ET.SubElement(root, "RequestID" if protocol == "ec2" else "RequestId").text = "r-2"
    return response(ET.tostring(root), headers=headers, status=400)


def _located(shape: Any) -> bool:
    return "location" in shape.serialization


def _fill_headers(headers: Any, shape: Any, value: dict[str, Any]) -> None:
    for name, each in value.items():
        member = shape.members[name]
        wire = member.serialization.get("name", name)
        if member.serialization.get("location") == "header":
            text = _text(each).replace("\n", " ")
            json_text = base64.b64encode(json.dumps({"text": text}).encode()).decode()
            headers[wire] = json_text if member.serialization.get("jsonvalue") else text
        elif member.serialization.get("location") == "headers":
            headers.update({f"{wire}key-{index}": f"value {index}" for index in range(len(each))})


def json_body(shape: Any, value: Any) -> bytes:
    """The body of an answer in JSON, with a member that no model knows and the absent ones null now and then."""
    payload = shape.serialization.get("payload")
    if payload:
        if payload not in value:
            return b""
        return json.dumps(to_json(shape.members[payload], value[payload])).encode()
    body = {name: each for name, each in value.items() if not _located(shape.members[name])}
    wire = to_json(shape, body)
    for name, member in shape.members.items():
        if len(wire) % 2 and name not in value:
            wire[member.serialization.get("name", name)] = None
    return json.dumps({**wire, "NotInTheModel": {"at": ["all"]}} if len(wire) % 3 else wire).encode()


def to_json(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and not shape.is_document_type:
        members = shape.members
        return {members[n].serialization.get("name", n): to_json(members[n], each) for n, each in value.items()}
    if kind == "list":
        return [to_json(shape.member, each) for each in value]
    if kind == "map":
        return {to_json(shape.key, key): to_json(shape.value, each) for key, each in value}
    return base64.b64encode(value).decode() if kind == "blob" else value


def xml_body(protocol: str, operation: str, shape: Any, value: Any) -> bytes:
    """The body of an answer in XML."""
    payload = shape.serialization.get("payload")
    if payload:
        if payload not in value:
            return b""
        shape, value = shape.members[payload], value[payload]
    root = ET.Element(shape.serialization.get("name", f"{operation}Response"), _NAMESPACE)
    inner = root
    if protocol == "query":
        inner = ET.SubElement(root, shape.serialization.get("resultWrapper", f"{operation}Result"))
        ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = "r-3"
    elif protocol == "ec2":
        ET.SubElement(root, "requestId").text = "r-3"
    inner.extend(_members(shape, value))
    if len(inner) % 2:
        ET.SubElement(ET.SubElement(inner, "NotInTheModel"), "at").text = "all"
        ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=len(inner) % 3 == 0)


def _members(shape: Any, value: dict[str, Any]) -> list[ET.Element]:
    nodes: list[ET.Element] = []
    for name, each in value.items():
        member = shape.members[name]
        if not _located(member) and not member.serialization.get("xmlAttribute"):
            nodes += _nodes(member, each, member.serialization.get("name", name))
    return nodes


def _nodes(shape: Any, value: Any, tag: str) -> list[ET.Element]:
    """One node; or as many as there are items, of a flattened list or map."""
    node = ET.Element(tag)
    flat = shape.serialization.get("flattened")
    if shape.type_name == "structure":
        node.extend(_members(shape, value))
        for name, member in shape.members.items():
            if member.serialization.get("xmlAttribute") and name in value:
                node.set(_INSTANCE + member.serialization["name"].partition(":")[2], value[name])
    elif shape.type_name == "list":
        name = shape.member.serialization.get("name")
        items = [each for item in value for each in _nodes(shape.member, item, name or (tag if flat else "member"))]
        if flat:
            return items
        node.extend(items)
    elif shape.type_name == "map":
        names = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        entries = [ET.Element(tag if flat else "entry") for _ in value]
        for entry, (key, each) in zip(entries, value, strict=True):
            entry.extend(_nodes(shape.key, key, names[0]) + _nodes(shape.value, each, names[1]))
        if flat:
            return entries
        node.extend(entries)
    else:
        node.text = _text(value)
    return [node]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


class EventBody:
    """A body of events as aiohttp hands it out, piece by piece."""

    def __init__(self, *frames: bytes) -> None:
        self.content = self
        self._frames = frames

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        for frame in self._frames:
            yield frame[:7], False
            yield frame[7:], True

    def close(self) -> None:
        """Have nothing to give back."""


def event(kind: str, name: str, payload: bytes, **headers: int) -> bytes:
    """One frame of a body of events; headers are times in milliseconds or whole numbers."""
    named = {f":{kind}-type": name, ":message-type": "exception" if kind == "exception" else "event"}
    wire = b"".join(_event_name(key) + struct.pack(">BH", 7, len(text)) + text.encode() for key, text in named.items())
    wire += b"".join(_event_name(key) + struct.pack(">Bq", 8, number) for key, number in headers.items())
    prelude = struct.pack(">II", 16 + len(wire) + len(payload), len(wire))
    frame = prelude + struct.pack(">I", crc32(prelude)) + wire + payload
    return frame + struct.pack(">I", crc32(frame))


def _event_name(name: str) -> bytes:
    return bytes([len(name)]) + name.encode()
