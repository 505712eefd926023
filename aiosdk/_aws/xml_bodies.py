"""Decoders of whole bodies in XML, by the output shapes of operations: compiled once per process for botocore's models.

`body_decoder` is what both lanes of a call read a plain body with. Its decoders raise when a body is not plain; then
a parser of aiobotocore's reads it, and has the last word.
"""
# pyright: reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from aiosdk._aws.guards import parse_short_timestamp
from aiosdk._aws.models import Packed
from aiosdk._compile.decode.scanned import ScanDecoders
from aiosdk._off_loop import no_collection

if TYPE_CHECKING:
    from aiosdk._compile.decode.scanned import DecodeBody

# While a larger body is decoded the garbage collector is held off: it would take a third of the time, and now and then
# walk the whole heap, and all it could find is what is being made.
LARGE: Final = 32 * 1024

# By the identity of the model's dictionary of shapes, which is kept with them.
_shared: Final[dict[int, tuple[Any, ScanDecoders]]] = {}
_without_shape: Final = ScanDecoders(parse_short_timestamp)
_known: Final[weakref.WeakKeyDictionary[Any, dict[str, DecodeBody | None]]] = weakref.WeakKeyDictionary()


def body_decoder(shape: Any, protocol: str) -> DecodeBody | None:
    """Give the decoder of the answers of an operation, or None if only aiobotocore's parser can read them.

    The decoder takes the body of an answer that is not an error by its status, and gives a dictionary of its own:

    * `rest-xml`: the members that stand in the body, which are all that have no other location, or the payload;
    * `query`: the members, and `ResponseMetadata` with all that the element of this name says, if there is one;
    * `ec2`: the members, and `ResponseMetadata` with the `RequestId`, if there is one.

    It raises an exception, of whatever kind, unless the whole body is well-formed, plain, and not an `<Error>`.

    >>> decode = body_decoder(client.meta.service_model.operation_model("ListUsers").output_shape, "query")
    >>> decode(body)
    {'Users': [...], 'IsTruncated': False, 'ResponseMetadata': {'RequestId': '7a62c49f-347e-4fc4-9331-6e8eEXAMPLE'}}

    Args:
        shape: The output shape of the operation, or None if it has none.
        protocol: The service's protocol; None is the answer for those that are not in XML.
    """
    if shape is None:
        return _compile(_without_shape, None, protocol)
    by_protocol = _known.setdefault(shape, {})
    if protocol not in by_protocol:
        by_protocol[protocol] = _compile(_decoders(shape), shape, protocol)
    return by_protocol[protocol]


def _compile(decoders: ScanDecoders, shape: Any, protocol: str) -> DecodeBody | None:
    try:
        decode = decoders.body_decoder(shape, protocol)
    except Exception:  # the flaw of a model, say; aiobotocore's parser may never meet it, or words the error
        return None

    def decode_body(body: bytes) -> dict[str, Any]:
        if len(body) < LARGE:
            return decode(body)
        with no_collection(stays=False):
            return decode(body)

    return decode_body


def _decoders(shape: Any) -> ScanDecoders:
    shapes = shape._shape_resolver._shape_map
    if not isinstance(shapes, Packed):  # the model of a user's own loader, which may go
        return ScanDecoders(parse_short_timestamp)
    if id(shapes) not in _shared:
        _shared[id(shapes)] = shapes, ScanDecoders(parse_short_timestamp)
    return _shared[id(shapes)][1]
