"""Reads the answers that succeeded: checks them by their checksums, and calls what botocore calls after a call."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from aiobotocore.httpchecksum import handle_checksum_body
from botocore.awsrequest import HeadersDict
from botocore.handlers import handle_expires_header

from aiosdk._aws.answers import compile_answer
from aiosdk._aws.quirks import Way, called
from aiosdk._aws.streaming_bodies import StreamingBody, adopt_body
from aiosdk._compile.decode.xml import UnusualError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk._aws.quirks import Quirk
    from aiosdk._transport.http import Response


class AnswerReader:
    """Makes the results of the calls of one operation of one client.

    Args:
        client: The client.
        operation: botocore's model of the operation.
        handlers: The handlers of each kind of event, with their treatment.
    """

    def __init__(self, client: Any, operation: Any, handlers: Mapping[str, list[tuple[Any, Quirk]]]) -> None:
        parsers, protocol = client._endpoint._response_parser_factory, operation.service_model.resolved_protocol
        self._operation = operation
        # Of ours, the decoders of what such a handler would change.
        ours: Any = next((handler for handler, quirk in handlers["after-call"] if quirk.way is Way.DECODED), None)
        instead = None if ours is None else ours.__self__.decoder
        self._answer = compile_answer(operation, parsers.create_parser(protocol), instead)
        self._maps = _header_maps(operation.output_shape)
        self._after_call = called(handlers["after-call"])
        self._minds_expires = bool(handlers["before-parse"])
        self._checks_crc32 = operation.service_model.service_name == "dynamodb"
        self._streams = bool(operation.has_streaming_output)

    async def read(self, response: Response, context: dict[str, Any]) -> dict[str, Any]:
        """Make the result of a call from an answer that says it succeeded; raises where that is not plain."""
        headers, body = response.headers, response.content
        if self._checks_crc32 and body is not None and "x-amz-crc32" in headers:
            _check_crc32(body, headers["x-amz-crc32"])
        algorithm = None
        content: Any = body
        if self._streams:
            content = StreamingBody(response.body, headers.get("content-length"))
        checksum = context.get("checksum")
        if checksum is not None and _has_checksum(headers) and checksum.get("response_algorithms"):
            answer: dict[str, Any] = {"headers": headers, "body": content, "context": {}}
            await handle_checksum_body(_Content(response), answer, context, self._operation)
            adopt_body(answer["body"])
            content, algorithm = answer["body"], answer["context"].get("checksum", {}).get("response_algorithm")
        customized: dict[str, Any] = {}
        if "expires" in headers and self._minds_expires:
            answer = {"headers": HeadersDict(headers)}
            handle_expires_header(self._operation, answer, customized)
            headers = dict(answer["headers"].items())
        parsed = self._answer(response.status, headers, content)
        for name, prefix in self._maps:
            if parsed[name]:
                _respell(parsed[name], prefix, response)
        metadata: dict[str, Any] = parsed["ResponseMetadata"]
        metadata["HTTPStatusCode"] = response.status
        metadata["HTTPHeaders"] = headers
        metadata["RetryAttempts"] = 0
        if algorithm is not None:
            metadata["ChecksumAlgorithm"] = algorithm
        parsed.update(customized)
        if self._after_call:
            after = _HTTPAnswer(response)
            for handler, _ in self._after_call:
                handler(http_response=after, parsed=parsed, model=self._operation, context=context)
        return parsed


class _HTTPAnswer:
    """What the handlers of botocore that are called after a call look at."""

    __slots__ = ("headers", "status_code")

    def __init__(self, response: Response) -> None:
        self.status_code, self.headers = response.status, response.headers


class _Content:
    """A response whose body aiobotocore's check of checksums reads."""

    def __init__(self, response: Response) -> None:
        self.raw, self._content = response.body, response.content

    @property
    async def content(self) -> bytes | None:
        return self._content


def _header_maps(shape: Any) -> list[tuple[str, str]]:
    """Find the members of a result that take all headers whose names begin alike, with that beginning."""
    members = {} if shape is None else shape.members
    found = [(name, member.serialization) for name, member in members.items()]
    return [(name, traits.get("name", "").lower()) for name, traits in found if traits.get("location") == "headers"]


def _respell(values: dict[str, str], prefix: str, response: Response) -> None:
    """Give the keys of such a member as the server wrote them."""
    spelled = {name.lower(): name for name in response.spelled_headers}
    found = {spelled[prefix + key][len(prefix) :]: value for key, value in values.items()}
    values.clear()
    values.update(found)


def _has_checksum(headers: dict[str, str]) -> bool:
    for name in headers:  # noqa: SIM110 - any() takes twice as long
        if name.startswith("x-amz-checksum-"):
            return True
    return False


def _check_crc32(body: bytes, expected: str) -> None:
    if zlib.crc32(body) != int(expected):
        raise UnusualError  # retries look at it
