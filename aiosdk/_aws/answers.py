"""From an answer that succeeded to the dictionary of a call: what aiobotocore's parsers give, by functions made once.

A function raises for whatever is not plain; then the answer goes to aiobotocore's own parser, by the reference lane.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aiosdk._aws.parsers import decoders_of
from aiosdk._aws.s3_bodies import find_error
from aiosdk._aws.xml_bodies import LARGE, body_decoder
from aiosdk._compile.decode.xml import UnusualError
from aiosdk._off_loop import no_collection

if TYPE_CHECKING:
    from collections.abc import Callable

    Headers = dict[str, str]
    Decode = Callable[[Any], Any]
    Answer = Callable[[int, Headers, Any], dict[str, Any]]

_STREAMED: Final = ("string", "blob")


def compile_answer(operation: Any, parser: Any, instead: Callable[[Any], Decode | None] | None = None) -> Answer:
    """Make the function from status, headers and body to a call's result, without its `ResponseMetadata` completed.

    Args:
        operation: botocore's model of the operation.
        parser: The parser of the service's protocol. Its decoders are used, and are its own.
        instead: Gives decoders for some shapes in place of the parser's, for the protocol json.
    """
    shape, protocol = operation.output_shape, operation.service_model.resolved_protocol
    if protocol in ("rest-json", "rest-xml"):
        decode_body = _rest_body(operation, parser)
        put_headers = None if shape is None else _Headers(shape, parser)
        return _rest_answer(decode_body, put_headers)
    if protocol == "json":
        return _json_answer(shape, _json_decoder(shape, parser, instead))
    if protocol in ("query", "ec2"):
        return _query_answer(shape, parser)
    raise UnusualError


def _json_decoder(shape: Any, parser: Any, instead: Callable[[Any], Decode | None] | None) -> Decode:
    """Make the function from what `json.loads` gives to the members of a result."""
    if shape is None or instead is None:
        return lambda value: parser._parse_shape(shape, value)
    decode = decoders_of(shape, "json", instead).decoder(shape)
    if decode is None:
        raise UnusualError
    return decode


def _json_answer(shape: Any, decode: Decode) -> Answer:
    def answer(status: int, headers: Headers, body: bytes) -> dict[str, Any]:
        parsed: dict[str, Any] = {} if shape is None else _decode_json(decode, body)
        parsed["ResponseMetadata"] = {"RequestId": headers["x-amzn-requestid"]} if "x-amzn-requestid" in headers else {}
        return parsed

    return answer


def _query_answer(shape: Any, parser: Any) -> Answer:
    def answer(status: int, headers: Headers, body: bytes) -> dict[str, Any]:
        parsed: dict[str, Any] = parser._do_parse({"body": body}, shape)
        parsed.setdefault("ResponseMetadata", {})
        return parsed

    return answer


def _rest_answer(decode_body: Callable[[int, Any], dict[str, Any]] | None, put_headers: _Headers | None) -> Answer:
    def answer(status: int, headers: Headers, body: Any) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        if "x-amzn-requestid" in headers:
            metadata["RequestId"] = headers["x-amzn-requestid"]
        elif "x-amz-request-id" in headers:
            metadata["RequestId"] = headers["x-amz-request-id"]
            metadata["HostId"] = headers.get("x-amz-id-2", "")
        parsed: dict[str, Any] = {"ResponseMetadata": metadata}
        if put_headers is not None:
            put_headers.put(parsed, headers)
        if decode_body is not None:
            parsed.update(decode_body(status, body))
        return parsed

    return answer


def _rest_body(operation: Any, parser: Any) -> Callable[[int, Any], dict[str, Any]] | None:
    """Make the function from a status and a body to the members that they hold."""
    shape = operation.output_shape
    if shape is None:
        return None
    statuses = [name for name, member in shape.members.items() if member.serialization.get("location") == "statusCode"]
    if any(shape.members[name].type_name != "integer" for name in statuses):
        raise UnusualError
    decode = _rest_payload(operation, parser)
    if not statuses:
        return lambda _, body: decode(body)
    return lambda status, body: {**dict.fromkeys(statuses, status), **decode(body)}


def _rest_payload(operation: Any, parser: Any) -> Callable[[Any], dict[str, Any]]:
    shape, is_xml = operation.output_shape, operation.service_model.resolved_protocol == "rest-xml"
    payload: str = shape.serialization.get("payload", "")
    member = shape.members[payload] if payload else None
    if member is not None and member.serialization.get("eventstream"):
        raise UnusualError
    if member is not None and member.type_name in _STREAMED:
        return lambda body: {payload: body.decode() if isinstance(body, bytes) else body}
    if is_xml:
        return _xml_payload(operation, parser)
    body_shape = shape if member is None else member

    def decode_body(value: Any) -> Any:
        return parser._parse_shape(body_shape, value)

    def decode(body: bytes) -> dict[str, Any]:
        value = _decode_json(decode_body, body)
        return value if member is None else {payload: value}

    return decode


def _xml_payload(operation: Any, parser: Any) -> Callable[[Any], dict[str, Any]]:
    shape, decode_plain = operation.output_shape, body_decoder(operation.output_shape, "rest-xml")
    looks_for_errors = operation.service_model.service_name == "s3"

    def decode(body: bytes) -> dict[str, Any]:
        if decode_plain is not None:
            try:
                return decode_plain(body)  # which an error is not
            except Exception:  # noqa: S110 - it is not plain
                pass
        response: dict[str, Any] = {"body": body, "status_code": 200, "headers": {}}
        if looks_for_errors:
            find_error(operation, response)
            if response["status_code"] != 200:
                raise UnusualError
        parsed: dict[str, Any] = {}
        parser._parse_payload(response, shape, shape.members, parsed)
        return parsed

    return decode


def _decode_json(decode: Decode, body: bytes) -> Any:
    if len(body) < LARGE:
        return decode(json.loads(body.decode()) if body else {})
    with no_collection(stays=False):
        return decode(json.loads(body.decode()))


class _Headers:
    """Reads what the headers of an answer say about members. They come out in the order of the model."""

    def __init__(self, shape: Any, parser: Any) -> None:
        self._by_header: dict[str, tuple[int, str, Decode | None]] = {}
        self._maps: list[tuple[str, str]] = []
        for name, member in shape.members.items():
            traits = member.serialization
            if traits.get("location") == "headers":
                self._maps.append((name, traits.get("name", "").lower()))
            elif traits.get("location") == "header":
                header = traits.get("name", name).lower()
                if header in self._by_header:
                    raise UnusualError
                self._by_header[header] = len(self._by_header), name, _scalar(member, parser)

    def put(self, parsed: dict[str, Any], headers: Headers) -> None:
        """Put what the headers say into a result."""
        by_header = self._by_header
        found = [(*by_header[name], text) for name, text in headers.items() if name in by_header]
        found.sort()
        for _, name, decode, text in found:
            parsed[name] = text if decode is None else decode(text)
        for name, prefix in self._maps:
            parsed[name] = {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)}


def _scalar(member: Any, parser: Any) -> Decode | None:
    """The decoder of a header; None for a text."""
    if member.type_name in ("string", "character") and not member.serialization.get("jsonvalue"):
        return None
    return int if member.type_name in ("integer", "long") else lambda text: parser._parse_shape(member, text)
