"""Bodies of requests, as the express lane sends them: encoded forms, checksums, one chunk for a body in memory."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from aiobotocore.httpchecksum import AioAwsChunkedWrapper
from botocore.httpchecksum import resolve_response_checksum_algorithms

# botocore makes files of the bodies of PutObject and UploadPart, and asks for leave to send any file, which costs a
# round trip. Smaller ones go at once here, as in AWS's SDK for Java.
ASKS_FROM: Final = 1024 * 1024
_NO_CHECKSUM: Final = ("x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type")


def may_have_checksum(operation: Any) -> bool:
    """Whether requests of an operation may carry a checksum."""
    members = {} if operation.input_shape is None else operation.input_shape.members
    names = [each.serialization.get("name", "").lower() for each in members.values()]
    return bool(
        operation.http_checksum_required
        or operation.http_checksum.keys() & {"requestChecksumRequired", "requestAlgorithmMember"}
        or any(name.startswith("x-amz-checksum-") and name not in _NO_CHECKSUM for name in names)
    )


def validated_by(operation: Any) -> tuple[str, dict[str, Any]] | None:
    """The parameter that asks for answers with a checksum, and what botocore then notes in the call's context."""
    parameter = operation.http_checksum.get("requestValidationModeMember")
    if parameter is None:
        return None
    request: dict[str, Any] = {"context": {}}
    resolve_response_checksum_algorithms(request, operation, {parameter: "ENABLED"})
    return parameter, request["context"]["checksum"]


def as_sent(body: Any) -> Any:
    """The body as it is hashed and sent; None for none."""
    if isinstance(body, dict):
        return urlencode([(_utf8(key), _utf8(value)) for key, value in body.items()], doseq=True).encode()
    if type(body) is AioAwsChunkedWrapper:
        return _one_chunk(body)
    if isinstance(body, (str, bytearray)):
        body = body.encode() if isinstance(body, str) else bytes(body)
    return None if body == b"" else body


def _one_chunk(body: AioAwsChunkedWrapper) -> Any:
    """The bytes that aiobotocore's wrapper of a body in memory would give one by one, if they are few."""
    wrapped: Any = body
    data, checksum = wrapped._raw.getvalue(), wrapped._checksum
    if len(data) > wrapped._chunk_size:
        return body
    checksum.update(data)
    chunk = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
    return b"%s0\r\n%s:%s\r\n\r\n" % (chunk, wrapped._checksum_name.encode(), checksum.b64digest().encode())


def _utf8(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
