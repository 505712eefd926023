"""botocore's serializers with our encoders before them.

An encoder compiled from an operation's input checks the parameters and makes the request in one pass. Where it fails,
botocore's own serializer is asked with the same parameters: what it makes of them, or says is wrong, is the answer.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.serialize import (
    EC2Serializer,
    JSONSerializer,
    QuerySerializer,
    RestJSONSerializer,
    RestXMLSerializer,
)
from botocore.validate import ParamValidationDecorator, ParamValidator

from aiosdk._aws.async_bodies import check_bodies
from aiosdk._aws.models import Packed
from aiosdk._compile.encode.checks import unusual
from aiosdk._compile.encode.forms import compile_json, compile_query
from aiosdk._compile.encode.json import JsonEncoders
from aiosdk._compile.encode.moments import Moments
from aiosdk._compile.encode.query import QueryEncoders
from aiosdk._compile.encode.rest import compile_rest
from aiosdk._compile.encode.xml import XmlEncoders

if TYPE_CHECKING:
    from collections.abc import Callable

    Encode = Callable[[Any], dict[str, Any]]


class _Compiler:
    """Compiles the operations of one service, in one protocol and one precision of timestamps, each once."""

    def __init__(self, protocol: type, precision: str, shapes: Any) -> None:
        self.shapes = shapes  # kept, so that no others get their identity
        moments = Moments(precision)
        self._compiled: dict[tuple[Any, ...], Encode] = {}
        self._compile = _COMPILERS[protocol](moments)

    def encoder(self, operation: Any) -> Encode:
        """Give the encoder of an operation, which raises for what only botocore can serialise."""
        # botocore's handlers change paths and prefixes of S3's and S3 Control's models, unless somebody removes them.
        key = operation.name, operation.http.get("requestUri"), (operation.endpoint or {}).get("hostPrefix")
        encode = self._compiled.get(key)
        if encode is None:
            try:
                encode = self._compile(operation)
            except Exception:  # a model of a user's own may lack anything; botocore says what
                encode = unusual
            self._compiled[key] = encode
        return encode


def _json(moments: Moments) -> Callable[[Any], Encode]:
    encoders = JsonEncoders(moments)
    return lambda operation: compile_json(operation, encoders)


def _rest_json(moments: Moments) -> Callable[[Any], Encode]:
    encoders = JsonEncoders(moments)
    return lambda operation: compile_rest(operation, encoders, moments, content_type="application/json")


def _rest_xml(moments: Moments) -> Callable[[Any], Encode]:
    encoders = XmlEncoders(moments)
    return lambda operation: compile_rest(operation, encoders, moments, content_type=None)


def _query(moments: Moments) -> Callable[[Any], Encode]:
    encoders = QueryEncoders(moments)
    return lambda operation: compile_query(operation, encoders)


def _ec2(moments: Moments) -> Callable[[Any], Encode]:
    encoders = QueryEncoders(moments, ec2=True)
    return lambda operation: compile_query(operation, encoders)


_COMPILERS: Final[dict[type, Callable[[Moments], Callable[[Any], Encode]]]] = {
    JSONSerializer: _json,
    RestJSONSerializer: _rest_json,
    RestXMLSerializer: _rest_xml,
    QuerySerializer: _query,
    EC2Serializer: _ec2,
}

# By the identity of the model's dictionary of shapes.
_shared: Final[dict[tuple[int, type, str], _Compiler]] = {}


class CompiledSerializer:
    """Serialises parameters as the serializer that it is given does.

    Args:
        reference: botocore's serializer of a client, with its validator or without. It is asked for what is unusual.
    """

    def __init__(self, reference: Any) -> None:
        self._reference = reference
        inner = _inner(reference)
        self._protocol = type(inner)
        self._precision: str = inner._timestamp_precision
        self._encoders: dict[Any, Encode] = {}

    def serialize_to_request(self, parameters: Any, operation_model: Any) -> dict[str, Any]:
        """Check parameters and give what botocore's `prepare_request_dict` makes a request of.

        Raises what botocore raises, a `ParamValidationError` with its report for parameters that are not valid.
        """
        encode = self._encoders.get(operation_model)
        if encode is None:
            encode = self._encoders[operation_model] = self.encoder(operation_model)
        try:
            return encode(parameters)
        except Exception:  # noqa: S110 - whatever it is, it is said in botocore's words
            pass
        check_bodies(parameters, operation_model)
        return self._reference.serialize_to_request(parameters, operation_model)

    def encoder(self, operation_model: Any) -> Encode:
        """Give what serialises an operation's usual parameters, and raises for others."""
        shapes = operation_model.service_model._shape_resolver._shape_map
        if not isinstance(shapes, Packed):  # the model of a user's own loader, which may go
            return _Compiler(self._protocol, self._precision, shapes).encoder(operation_model)
        key = id(shapes), self._protocol, self._precision
        compiler = _shared.get(key)
        if compiler is None:
            compiler = _shared[key] = _Compiler(self._protocol, self._precision, shapes)
        return compiler.encoder(operation_model)


def compiled_serializer(reference: Any) -> Any:
    """Give a serializer that does as this one of botocore's, faster; or this one, where it is not plainly botocore's.

    The protocol smithy-rpc-v2-cbor is left to botocore.
    """
    return CompiledSerializer(reference) if type(_inner(reference)) in _COMPILERS else reference


def _inner(reference: Any) -> Any:
    """Give the serializer within botocore's decorator that validates parameters first."""
    plain = type(reference) is ParamValidationDecorator and type(reference._param_validator) is ParamValidator
    return reference._serializer if plain else reference
