"""aiobotocore's response parsers with our decoders inside.

Errors, headers, metadata and event streams are theirs. Where they would walk a body by name, a decoder compiled from
the shape reads it, compiled once per process. What it does not know or cannot decode goes to a parser of theirs, whose
answer or error it is. A body in XML has two decoders before theirs: one that reads a plain body from its tokens, and
one that reads a tree.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false, reportPrivateUsage=false
# pyright: reportUntypedBaseClass=false, reportMissingParameterType=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.parsers import (
    AioEC2QueryParser,
    AioJSONParser,
    AioQueryParser,
    AioResponseParserFactory,
    AioRestJSONParser,
    AioRestXMLParser,
)

from aiosdk._aws.guards import GuardedJSON, GuardedXML, guarded, parse_short_timestamp
from aiosdk._aws.models import Packed
from aiosdk._aws.s3_bodies import ParsedBody
from aiosdk._aws.xml_bodies import body_decoder
from aiosdk._compile.decode.json import JsonDecoders
from aiosdk._compile.decode.xml import XmlDecoders

if TYPE_CHECKING:
    from collections.abc import Callable

_BODIES: Final = ("structure", "list", "map")

# The decoders of each service's shapes, by the identity of the model's dictionary of shapes, which is kept with them.
_shared: Final[dict[tuple[int, str, Any], tuple[Any, Any]]] = {}


class _Decoding:
    """Gives what a parser reads from a body to a decoder."""

    _protocol: str
    _make_decoders: Callable[..., Any]

    def __init__(self) -> None:
        super().__init__(timestamp_parser=parse_short_timestamp)  # pyright: ignore[reportCallIssue]
        self._reference = guarded(self._protocol)(timestamp_parser=parse_short_timestamp)
        self._compiled: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if shape.type_name not in _BODIES or shape.serialization.get("location"):
            return super()._parse_shape(shape, node)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            decode = self._compiled.get(shape)
            if decode is None:
                decode = self._compiled[shape] = self._decoders(shape).decoder(shape) or _as_it_is
            return decode(node)
        except Exception:  # whatever it is, it is said in botocore's words
            return self._reference._parse_shape(shape, node)

    def _decoders(self, shape: Any) -> Any:
        return decoders_of(shape, self._protocol)


def _as_it_is(value: Any) -> Any:
    return value


class _QueryDecoding(_Decoding):
    """Reads the bodies of query and ec2, with what they say of the answer."""

    _make_decoders = XmlDecoders

    def _do_parse(self, response: dict[str, Any], shape: Any) -> Any:
        decode = body_decoder(shape, self._protocol)
        if decode is not None:
            try:
                return decode(response["body"])
            except Exception:  # noqa: S110 - it is not plain
                pass
        return super()._do_parse(response, shape)  # pyright: ignore[reportAttributeAccessIssue]


class _EC2Parser(_QueryDecoding, GuardedXML, AioEC2QueryParser):
    _protocol = "ec2"


class _QueryParser(_QueryDecoding, GuardedXML, AioQueryParser):
    _protocol = "query"


class _RestXMLParser(_Decoding, GuardedXML, AioRestXMLParser):
    _protocol = "rest-xml"
    EVENT_STREAM_PARSER_CLS = guarded("rest-xml").EVENT_STREAM_PARSER_CLS
    _make_decoders = XmlDecoders

    def _parse_payload(self, response: dict[str, Any], shape: Any, member_shapes: Any, final_parsed: Any) -> None:
        body = response["body"]
        decode = body_decoder(shape, self._protocol)
        if decode is not None:
            try:
                decoded = body.take(shape) if isinstance(body, ParsedBody) else decode(body)
            except Exception:  # noqa: S110 - it is not plain
                pass
            else:
                final_parsed.update(decoded)
                return
        super()._parse_payload(response, shape, member_shapes, final_parsed)

    def _initial_body_parse(self, xml_string: bytes) -> Any:
        if isinstance(xml_string, ParsedBody) and xml_string.root is not None:
            return xml_string.root
        return super()._initial_body_parse(xml_string)


class _JSONParser(_Decoding, GuardedJSON, AioJSONParser):
    _protocol = "json"
    EVENT_STREAM_PARSER_CLS = guarded("json").EVENT_STREAM_PARSER_CLS
    _make_decoders = partial(JsonDecoders, rest=False)


class _RestJSONParser(_Decoding, GuardedJSON, AioRestJSONParser):
    _protocol = "rest-json"
    EVENT_STREAM_PARSER_CLS = guarded("rest-json").EVENT_STREAM_PARSER_CLS
    _make_decoders = partial(JsonDecoders, rest=True)


_PARSERS: Final = {
    each._protocol: each for each in (_EC2Parser, _QueryParser, _RestXMLParser, _JSONParser, _RestJSONParser)
}


def decoders_of(shape: Any, protocol: str, instead: Callable[[Any], Any] | None = None) -> Any:
    """Give the decoders of the shapes of a service.

    Args:
        shape: One of the shapes.
        protocol: The service's protocol.
        instead: Gives decoders for some shapes, in the protocols in JSON.
    """
    make, shapes = _PARSERS[protocol]._make_decoders, shape._shape_resolver._shape_map
    given: dict[str, Any] = {} if instead is None else {"instead": instead}
    if not isinstance(shapes, Packed):  # the model of a user's own loader, which may go
        return make(parse_short_timestamp, **given)
    key = id(shapes), protocol, instead
    if key not in _shared:
        _shared[key] = shapes, make(parse_short_timestamp, **given)
    return _shared[key][1]


class DecodingParserFactory(AioResponseParserFactory):
    """Gives one parser for each protocol: they have no state but what they have compiled."""

    def __init__(self) -> None:
        super().__init__()
        self._parsers: dict[str, Any] = {}

    def create_parser(self, protocol_name: str) -> Any:
        if self._defaults:  # a user's own timestamp or blob parser
            return guarded(protocol_name)(**self._defaults)
        if protocol_name not in self._parsers:
            parser = _PARSERS.get(protocol_name) or guarded(protocol_name)
            self._parsers[protocol_name] = parser()
        return self._parsers[protocol_name]
