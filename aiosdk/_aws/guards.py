"""Keeps hostile answers out of aiobotocore's parsers, and gives one error to whatever they stumble over.

The parsers trust a server: they raise `RecursionError` for what is nested deeply, `KeyError` and the like for what is
not there, reserve the memory that a length claims, and put the whole body into the text of an error. These classes go
before them in the order of inheritance.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false, reportPrivateUsage=false
# pyright: reportUntypedBaseClass=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import json
import re
import struct
from typing import Any, Final, Self
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from aiobotocore.eventstream import AioEventStream
from aiobotocore.parsers import PROTOCOL_PARSERS
from aiobotocore.response import AioReadTimeoutError
from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from aiosdk._async_only import Fetched
from aiosdk._aws.error_kinds import classify
from aiosdk._aws.event_frames import EventFrames
from aiosdk._aws.streaming_bodies import adopt_body
from aiosdk._compile.timestamps import parse_timestamp
from aiosdk.exceptions import UnreadableAnswerError

# A text that is longer is no timestamp; dateutil takes seconds to say so.
LONGEST_TIMESTAMP: Final = 6000
# Of parameters that botocore may fail for; DynamoDB takes 32 levels.
DEEPEST: Final = 100
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")  # which expat reads, whatever it is told
# Anchored, unlike botocore's, which takes quadratic time for a namespace of many brackets.
_NAMESPACE: Final = re.compile(r"\A\{.*\}", re.DOTALL)


def parse_short_timestamp(value: Any) -> Any:
    """Read a timestamp of the length that one may have."""
    if isinstance(value, str) and len(value) > LONGEST_TIMESTAMP:
        raise ValueError(f"Invalid timestamp of {len(value)} characters")
    return parse_timestamp(value)


def unreadable(error: Exception, status: int, body: Any) -> UnreadableAnswerError:
    """Make the error for an answer whose parser failed."""
    size = len(body) if isinstance(body, (bytes, str)) else 0
    return UnreadableAnswerError(what=f"status {status}, {size} bytes", problem=_problem(error))


def _problem(error: Exception) -> str:
    """What a parser's error means, without anything of the answer in it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 at byte {error.start}"
    if isinstance(error, KeyError):
        return "an element that the protocol prescribes is missing"
    return f"its parser failed with {type(error).__name__}"


def explained(error: Exception, operation: str, params: Any) -> Exception | None:
    """Make the error for a call that failed outside the parser: encoding its parameters, or reading what is in texts.

    botocore reads some answers a second time, and documents in JSON that are a text of the answer. None where there is
    nothing better to say.
    """
    if _depth(params) > DEEPEST:
        return ParamValidationError(report=f"The parameters of {operation} are nested more than {DEEPEST} deep.")
    if not isinstance(error, TypeError) and (text := _no_unicode(params)) is not None:
        return ParamValidationError(report=f"{text!r:.80} in the parameters of {operation} has half a surrogate pair.")
    if isinstance(error, (RecursionError, ParseError)):
        return UnreadableAnswerError(what=operation, problem=_problem(error))
    return None


def _no_unicode(value: Any) -> str | None:
    """Find a text that cannot be encoded, such as the name of a file that is no UTF-8."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value
    elif isinstance(value, dict):
        return next((each for item in value.items() for part in item if (each := _no_unicode(part)) is not None), None)
    elif isinstance(value, (list, tuple)):
        return next((each for item in value if (each := _no_unicode(item)) is not None), None)
    return None


def _depth(value: Any) -> int:
    """How deep dictionaries and lists are nested, as far as it matters; one that contains itself is very deep."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        depth += 1
        nested = [each for each in level if isinstance(each, (dict, list, tuple))]
        inner = {id(each): each for one in nested for each in (one.values() if isinstance(one, dict) else one)}
        level = list(inner.values())
    return depth


class Guarded:
    """Any parser: what it raises is an error of aiosdk's or botocore's."""

    async def parse(self, response: dict[str, Any], shape: Any) -> Any:
        adopt_body(response["body"])
        try:
            parsed: Any = await super().parse(response, shape)  # pyright: ignore[reportUnknownVariableType]
            error = parsed.get("Error") if response["status_code"] >= 300 and isinstance(parsed, dict) else None
            if isinstance(error, dict):
                hash(error.get("Code"))  # or it could not be looked up
            return parsed
        except (ResponseParserError, BotoCoreError):
            raise
        except Exception as failure:
            raise unreadable(failure, response["status_code"], response["body"]) from failure

    def _create_event_stream(self, response: dict[str, Any], shape: Any) -> Any:
        return _EventStream(
            response["body"], shape, self._event_stream_parser, response["context"].get("operation_name")
        )


class GuardedXML(Guarded):
    """A parser of XML, which refuses document types: there would be entities in them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._namespace_re = _NAMESPACE

    def _parse_xml_string_to_dom(self, xml_string: bytes) -> Any:
        check_document_type(xml_string)
        try:
            return super()._parse_xml_string_to_dom(xml_string)
        except ResponseParserError as error:
            # Its text has the body behind the first line; in an answer of STS that would be secrets.
            said = str(error).partition("\n")[0].removesuffix(":")
        raise ResponseParserError(f"{said}. The body had {len(xml_string)} bytes.")  # here, for it is no context


class GuardedJSON(Guarded):
    """A parser of JSON."""

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        if not body_contents:
            return {}
        text = body_contents.decode()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return {"message": text}  # as in botocore
        except ValueError as error:
            raise ResponseParserError("The answer has a number of more digits than Python reads.") from error


class GuardedCBOR(Guarded):
    """A parser of CBOR, which believes no length that the body does not have."""

    def _read_from_stream(self, stream: Any, num_bytes: int) -> bytes:
        if num_bytes > 8 and num_bytes > stream.raw.getbuffer().nbytes:
            raise ResponseParserError(f"The answer ends before the {num_bytes} bytes that a length in it claims.")
        return super()._read_from_stream(stream, num_bytes)


_GUARDS: Final = {
    "ec2": GuardedXML,
    "query": GuardedXML,
    "rest-xml": GuardedXML,
    "json": GuardedJSON,
    "rest-json": GuardedJSON,
    "smithy-rpc-v2-cbor": GuardedCBOR,
}


def guarded(protocol: str, parser: type[Any] | None = None) -> type[Any]:
    """Make a class of a parser, aiobotocore's unless another is given, with the guard of its protocol before it."""
    base, guard = parser or PROTOCOL_PARSERS[protocol], _GUARDS.get(protocol, Guarded)
    members: dict[str, Any] = {}
    if base.EVENT_STREAM_PARSER_CLS is not None:
        events = base.EVENT_STREAM_PARSER_CLS
        members["EVENT_STREAM_PARSER_CLS"] = type(events.__name__, (guard, events), {})
    return type(base.__name__, (guard, base), members)


def check_document_type(body: bytes) -> None:
    """Raise for a body in XML that begins with a document type. Entities are defined in one."""
    if b"<!DOCTYPE" not in body and not (0 in body[:2] or body[:2] in _UTF_16):
        return
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = _stop
    try:
        parser.Parse(body, True)
    except (_StopError, expat.ExpatError):  # whose text is for the parser proper to find
        pass


class _StopError(Exception):
    """Ends the look for a document type."""


def _refuse(*_: Any) -> None:
    raise ResponseParserError("Refused an answer in XML with a document type, which no answer of AWS has.")


def _stop(*_: Any) -> None:
    raise _StopError


class _RawEvents:
    """The frames of a stream of events, whatever they are. Knows nothing of its reader: both would be a cycle."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._chunks: Any = None
        self._buffer: Any = EventFrames()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._chunks is None:
            self._chunks = self._raw.content.iter_chunks()
        try:
            while True:
                for event in self._buffer:
                    return event
                data, _ = await anext(self._chunks)
                self._buffer.add_data(data)
        except ParserError as error:  # which has nothing of the body in it but lengths and checksums
            self._raw.close()
            raise ResponseParserError(f"The stream of events is broken: {error}") from error
        except TimeoutError as error:
            raise AioReadTimeoutError(endpoint_url=getattr(self._raw, "url", ""), error=error) from error
        except (struct.error, ValueError, LookupError, TypeError) as error:
            self._raw.close()
            raise unreadable(error, 200, None) from error


class _EventStream(Fetched, AioEventStream):
    """aiobotocore's stream of events, which gives its connection back when it is dropped, and has `async with`.

    There is no generator in it: those of asyncio end only when their loop comes to it, or the garbage collector.
    """

    _item = "event"
    _how = "event by event"
    _as_list = "[event async for event in ...]"
    _empty = "`async for event in ...`"

    def __bool__(self) -> bool:
        return True  # as in boto3

    def _create_raw_event_generator(self) -> Any:
        return _RawEvents(self._raw_stream)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        frames: Any = self._event_generator
        while True:
            event = await self._parse_event(await anext(frames))
            if event:
                return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    async def _parse_event(self, event: Any) -> Any:
        try:
            return await super()._parse_event(event)
        except ClientError as error:
            classify(error)
            raise
