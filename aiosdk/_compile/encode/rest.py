"""Requests of the REST protocols, whose parameters go to path, query string, headers and body."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What parameters hold is known when they are there.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiosdk._compile.encode import places
from aiosdk._compile.encode.checks import UnusualInputError, check_stream, compile_string, unusual
from aiosdk._compile.encode.host import compile_host_prefix
from aiosdk._compile.encode.members import Members

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk._compile.encode.json import JsonEncoders
    from aiosdk._compile.encode.moments import Moments
    from aiosdk._compile.encode.xml import XmlEncoders

    Encode = Callable[[Any], Any]
    EncodeRequest = Callable[[Any], dict[str, Any]]

_PATH: Final = 0
_QUERY: Final = 1
_HEADER: Final = 2
_BODY: Final = 3
_PAYLOAD: Final = 4
_QUERY_MAP: Final = 5
_HEADER_MAP: Final = 6


def compile_rest(
    operation: Any, encoders: JsonEncoders | XmlEncoders, moments: Moments, *, content_type: str | None
) -> EncodeRequest:
    """Make the function from an operation's parameters to its request.

    Args:
        operation: botocore's model of the operation.
        encoders: The encoders of bodies, of the same service.
        moments: The encoders of timestamps.
        content_type: What a body that is encoded says of itself, unless a parameter does; None for nothing.
    """
    shape, method = operation.input_shape, operation.http.get("method", "POST")
    host_prefix = compile_host_prefix(operation)
    if shape is None:
        return _without_input(operation.http["requestUri"], method, host_prefix)
    members = Members(shape, _placer(shape, encoders, moments))
    required = tuple(shape.metadata.get("required", ()))
    body_default, content_type = _body_default(shape, encoders, content_type)
    encode_body = unusual if shape.is_document_type or shape.is_tagged_union else encoders.rest_body(shape)
    assemble = _compile_assembly(operation, method, content_type, host_prefix)

    def encode(parameters: Any) -> dict[str, Any]:
        if not isinstance(parameters, dict):
            raise UnusualInputError
        for name in required:
            if name not in parameters:
                raise UnusualInputError
        labels: dict[str, Any] = {}
        query: dict[str, Any] = {}
        headers: dict[str, Any] = {}
        in_body: dict[str, Any] = {}
        body = body_default
        for name, value in parameters.items():
            place, key, encode = members[name]
            if value is None:  # not in every place an error
                raise UnusualInputError
            if place == _PATH:
                labels[key] = encode(value)
            elif place == _QUERY:
                query[key] = encode(value)
            elif place == _HEADER:
                text = encode(value)
                if text is not None:
                    headers[key] = text
            elif place == _BODY:
                in_body[name] = value
            elif place == _PAYLOAD:
                body = encode(value)
            elif place == _QUERY_MAP:
                query.update(encode(value))
            else:
                for entry, text in encode(value).items():
                    headers[key + entry] = text
        if in_body:
            body = encode_body(in_body)
        return assemble(parameters, labels, query, headers, body)

    return encode


def _compile_assembly(
    operation: Any, method: str, content_type: str | None, host_prefix: Callable[[Any], str] | None
) -> Callable[..., dict[str, Any]]:
    """Make the function that puts the encoded parts together."""
    encode_path = places.compile_path(operation.http["requestUri"])
    encode_auth_path = places.compile_path(operation.http["authPath"]) if "authPath" in operation.http else None

    def assemble(
        parameters: Any, labels: dict[str, Any], query: dict[str, Any], headers: dict[str, Any], body: Any
    ) -> dict[str, Any]:
        if content_type is not None and body != b"" and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = content_type
        request = {
            "url_path": encode_path(labels),
            "query_string": query,
            "method": method,
            "headers": headers,
            "body": body,
        }
        if host_prefix is not None:
            request["host_prefix"] = host_prefix(parameters)
        if encode_auth_path is not None:
            request["auth_path"] = encode_auth_path(labels)
        return request

    return assemble


def _without_input(path: str, method: str, host_prefix: Callable[[Any], str] | None) -> EncodeRequest:
    def encode(parameters: Any) -> dict[str, Any]:
        request = {"url_path": path, "query_string": "", "method": method, "headers": {}, "body": b""}
        if host_prefix is not None:
            request["host_prefix"] = host_prefix(parameters)
        return request

    return encode


def _body_default(
    shape: Any, encoders: JsonEncoders | XmlEncoders, content_type: str | None
) -> tuple[bytes, str | None]:
    """Give the body that is sent when nothing is to be in it, and what a body says of itself."""
    payload = shape.serialization.get("payload")
    if payload is None:
        unplaced = any("location" not in member.serialization for member in shape.members.values())
        return encoders.empty_body if unplaced else b"", content_type
    if shape.members[payload].type_name in ("blob", "string"):
        return b"", None
    return encoders.empty_body, content_type


def _placer(
    shape: Any, encoders: JsonEncoders | XmlEncoders, moments: Moments
) -> Callable[[str, Any], tuple[int, str, Encode]]:
    """Make the function that says where a member goes, by what name, and as what."""
    payload = shape.serialization.get("payload")

    def place(name: str, member: Any) -> tuple[int, str, Encode]:
        traits = member.serialization
        location, key, is_map = traits.get("location"), traits.get("name", name), member.type_name == "map"
        if name == payload:
            return _PAYLOAD, key, unusual if location else _compile_payload(member, encoders)
        if location == "uri":
            return _PATH, key, places.compile_label(member, moments)
        if location == "querystring" and is_map:
            return _QUERY_MAP, key, places.compile_query_map(member)
        if location == "querystring":
            return _QUERY, key, places.compile_query(member, moments)
        if location == "header":
            return _HEADER, key, places.compile_header(member, moments)
        if location == "headers" and is_map:
            return _HEADER_MAP, key, places.compile_header_map(member)
        if location is None and payload is None:
            return _BODY, key, unusual
        return _PAYLOAD, key, unusual

    return place


def _compile_payload(member: Any, encoders: JsonEncoders | XmlEncoders) -> Encode:
    """Make the encoder of the one parameter that is the whole body."""
    if member.type_name == "blob":
        return check_stream
    if member.type_name == "string":
        check = compile_string(member)
        return lambda value: check(value).encode()
    return encoders.body(member)
