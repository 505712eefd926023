"""Requests of the protocols that put all parameters into the body: json, query and ec2."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiosdk._compile.encode.host import compile_host_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosdk._compile.encode.json import JsonEncoders
    from aiosdk._compile.encode.query import QueryEncoders

    EncodeRequest = Callable[[Any], dict[str, Any]]


def compile_json(operation: Any, encoders: JsonEncoders) -> EncodeRequest:
    """Make the function from an operation's parameters to its request, in json 1.0 or 1.1."""
    metadata, shape = operation.metadata, operation.input_shape
    headers = {
        "X-Amz-Target": f"{metadata['targetPrefix']}.{operation.name}",
        "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}",
    }
    if operation.service_model.is_query_compatible:
        headers["x-amzn-query-mode"] = "true"
    encode_body = _nothing if shape is None else encoders.body(shape)
    return _request(operation, headers, encode_body)


def compile_query(operation: Any, encoders: QueryEncoders) -> EncodeRequest:
    """Make the function from an operation's parameters to its request, whose body is a form yet to be encoded."""
    shape = operation.input_shape
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    first = {"Action": operation.name, "Version": operation.metadata["apiVersion"]}
    put = None if shape is None else encoders.encoder(shape)

    def encode_body(parameters: Any) -> dict[str, Any]:
        form = first.copy()
        if put is not None:
            put(form, parameters, "")
        return form

    return _request(operation, headers, encode_body)


def _nothing(_: Any) -> bytes:
    return b"{}"


def _request(operation: Any, headers: dict[str, str], encode_body: Callable[[Any], Any]) -> EncodeRequest:
    method = operation.http.get("method", "POST")
    host_prefix = compile_host_prefix(operation)

    def encode(parameters: Any) -> dict[str, Any]:
        request = {
            "url_path": "/",
            "query_string": "",
            "method": method,
            "headers": headers.copy(),
            "body": encode_body(parameters),
        }
        if host_prefix is not None:
            request["host_prefix"] = host_prefix(parameters)
        return request

    return encode
