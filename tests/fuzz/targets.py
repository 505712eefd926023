"""What is fuzzed: each target makes an input from a source of chance, and says what is wrong with what came of it.

A target that finds nothing wrong gives None. Whatever it raises is a crash.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import botocore.utils
from aiobotocore.parsers import PROTOCOL_PARSERS
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import _handle_200_error
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import ResponseParserError
from botocore.serialize import create_serializer

from aiosdk._aws.answers import compile_answer
from aiosdk._aws.models import Packed
from aiosdk._aws.parsers import DecodingParserFactory
from aiosdk._aws.redaction import redacted
from aiosdk._aws.s3_bodies import find_error
from aiosdk._aws.serializers import compiled_serializer
from aiosdk._compile.timestamps import parse_timestamp
from aiosdk._transport.bounds import TooMuchError, read_whole
from aiosdk._transport.connector import Wire
from tests.fuzz.mutations import mutate, mutate_document, mutate_text
from tests.support.answers import STREAM, EventBody, answer, event, failure, response
from tests.support.inputs import Inputs, spoil
from tests.support.parsing import JSON, difference, moment

# A few services of each protocol; S3's XML is the richest, and DynamoDB's JSON nests without an end.
SERVICES = {
    "rest-xml": ("s3", "route53", "cloudfront"),
    "query": ("iam", "sts", "sns", "autoscaling"),
    "ec2": ("ec2",),
    "json": ("dynamodb", "sqs", "logs", "kms"),
    "rest-json": ("lambda", "apigateway", "glacier", "lexv2-runtime"),
    "smithy-rpc-v2-cbor": ("eventbridgev2", "partnercentral-revenue-measurement"),
}
CLASSIFIED = (BotoCoreError, ClientError, ResponseParserError)
# What we refuse on purpose, and botocore reads.
REFUSED = re.compile("document type|more digits than|Invalid timestamp of|that a length in it claims")
Case = dict[str, Any]


@cache
def service(name: str) -> ServiceModel:
    loader = Loader()
    model = loader.load_service_model(name, "service-2")
    model["shapes"] = Packed(model["shapes"])
    return ServiceModel(model, name)


class _Both(NamedTuple):
    """Our parser and aiobotocore's."""

    ours: Any
    theirs: Any


@cache
def parsers(protocol: str) -> _Both:
    return _Both(DecodingParserFactory().create_parser(protocol), PROTOCOL_PARSERS[protocol]())


def operation_of(case: Case) -> OperationModel:
    return service(case["service"]).operation_model(case["operation"])


def _choose(rng: random.Random, protocol: str | None = None) -> tuple[str, OperationModel]:
    protocol = protocol or rng.choice(list(SERVICES))
    model = service(rng.choice(SERVICES[protocol]))
    return protocol, model.operation_model(rng.choice(list(model.operation_names)))


def _packed(case: Case, data: bytes) -> Case:
    return {**case, "body": base64.b64encode(data).decode()}


def body_of(case: Case) -> bytes:
    return base64.b64decode(case["body"])


# Answers: both lanes' ways to read one against aiobotocore's parser.


def make_answer(rng: random.Random) -> Case:
    protocol, operation = _choose(rng)
    shape, errors = operation.output_shape, operation.error_shapes
    if errors and rng.random() < 0.25 and protocol in (*JSON, "query", "ec2", "rest-xml"):
        made = failure(protocol, rng.choice(errors), rng.random())
    elif shape is not None and protocol != "smithy-rpc-v2-cbor":
        made = answer(operation, rng.random(), rng.choice((1.0, 0.5, 0.2)), rng.choice((1, 2, 5)))
    else:
        made = response(rng.choice((b"", b"{}", b"\xa0", _cbor(rng), b"<R/>")))
    body = b"" if made["body"] is STREAM else bytes(made["body"])
    if rng.random() < 0.9:
        is_json = protocol in JSON
        body = mutate_document(body, rng, is_json=is_json) if body and rng.random() < 0.5 else mutate(body, rng)
    headers = {name: str(value) for name, value in made["headers"].items()}
    if headers and rng.random() < 0.3:
        name = rng.choice(list(headers))
        headers[name] = mutate_text(headers[name], rng)
    status = made["status_code"] if rng.random() < 0.8 else rng.choice((200, 204, 301, 400, 404, 500, 503))
    case = {"service": operation.service_model.service_name, "operation": operation.name}
    return _packed({**case, "status": status, "headers": headers}, body)


def _cbor(rng: random.Random) -> bytes:
    """A random document, with the forms that nobody uses among them."""

    def item(depth: int) -> bytes:
        kind = rng.randrange(8 if depth < 4 else 4)
        small = rng.randrange(24)
        if kind < 2:
            return bytes([kind << 5 | small])
        if kind < 4:
            return bytes([kind << 5 | 3]) + rng.choice((b"abc", b"\xff\x00\x01", rng.randbytes(3)))
        if kind == 4:
            return bytes([0x80 | 2]) + item(depth + 1) + item(depth + 1)
        if kind == 5:
            return b"\xbf\x63Arn" + item(depth + 1) + b"\x69NextToken" + item(depth + 1) + b"\xff"
        if kind == 6:
            return b"\xc1" + item(depth + 1)
        return rng.choice((b"\xf4", b"\xf5", b"\xf6", b"\xfb\x41\xd0\x00\x00\x00\x00\x00\x00", b"\xf9\x7e\x00"))

    return b"\xa1\x6aEventBuses\x81" + item(0) if rng.random() < 0.5 else b"\xbf\x63Arn" + item(0) + b"\xff"


def _response(case: Case, operation: OperationModel) -> dict[str, Any]:
    is_stream = operation.has_streaming_output or operation.has_event_stream_output
    body: Any = STREAM if is_stream and case["status"] < 300 else body_of(case)
    return response(body, headers=case["headers"], status=case["status"], operation=operation.name)


def judge_answer(case: Case) -> str | None:
    operation = operation_of(case)
    protocol, shape = operation.service_model.resolved_protocol, operation.output_shape
    both = parsers(protocol)
    wrong = _compare(
        _raw(both.ours, _response(case, operation), shape), _raw(both.theirs, _response(case, operation), shape)
    )
    if wrong is None and case["status"] < 300 and protocol != "smithy-rpc-v2-cbor":
        wrong = _express(case, operation, both)
    return wrong


def _raw(parser: Any, of: Any, shape: Any) -> tuple[str, Any]:
    try:
        parser.parse(of, shape).send(None)
    except StopIteration as done:
        return "value", done.value
    except Exception as error:
        return "error", error
    raise AssertionError("a parser waited for something")


def _compare(ours: tuple[str, Any], theirs: tuple[str, Any]) -> str | None:
    if ours[0] == "error":
        error = ours[1]
        if not isinstance(error, CLASSIFIED):
            return f"unclassified: {error!r:.300}"
        if theirs[0] == "value" and not REFUSED.search(f"{error} {error.__cause__}") and _is_usable(theirs[1]):
            return f"refused what botocore reads: {error!r:.300}"
        return None
    if theirs[0] == "error":
        return None if isinstance(theirs[1], RecursionError) else f"read what botocore refuses: {theirs[1]!r:.300}"
    return difference(ours[1], theirs[1])


def _is_usable(answer: Any) -> bool:
    """Whether its code can be looked up: botocore's parsers read any, and its retries stumble over it."""
    error = answer.get("Error") if isinstance(answer, dict) else None
    return not isinstance(error, dict) or not isinstance(error.get("Code"), (dict, list))


@cache
def _compiled(name: str, operation: str) -> Any:
    model = service(name).operation_model(operation)
    try:
        return compile_answer(model, parsers(model.service_model.resolved_protocol).ours)
    except Exception:
        return None


def _express(case: Case, operation: OperationModel, both: _Both) -> str | None:
    """The express lane may raise anything, for then it hands over; what it gives must be what botocore gives."""
    read = _compiled(case["service"], operation.name)
    if read is None:
        return None
    of = _response(case, operation)
    try:
        found = read(case["status"], {name.lower(): text for name, text in case["headers"].items()}, of["body"])
    except Exception:
        return None
    if case["service"] == "s3" and _broken(case, operation):
        return "the express lane read what is an error with status 200"
    kind, theirs = _raw(both.theirs, _response(case, operation), operation.output_shape)
    if kind == "error":
        return f"the express lane read what botocore refuses: {theirs!r:.300}"
    theirs["ResponseMetadata"] = {k: v for k, v in theirs["ResponseMetadata"].items() if not k.startswith("HTTP")}
    wrong = difference(dict(sorted(found.items())), dict(sorted(theirs.items())))
    return wrong and f"express lane: {wrong}"


def _broken(case: Case, operation: OperationModel) -> bool:
    of = _response(case, operation)
    if of["status_code"] != 200 or of["body"] is STREAM:
        return False
    find_error(operation, of)
    return bool(of["status_code"] != 200)


# Errors of S3 that come with status 200.


def make_s3_body(rng: random.Random) -> Case:
    operation = rng.choice(("CompleteMultipartUpload", "CopyObject", "DeleteObjects", "ListObjectsV2", "ListParts"))
    model = service("s3").operation_model(operation)
    error = b"<Error><Code>InternalError</Code></Error>"
    body = error if rng.random() < 0.3 else bytes(answer(model, rng.random(), 0.7)["body"])
    return _packed({"service": "s3", "operation": operation}, mutate(body, rng))


def judge_s3_body(case: Case) -> str | None:
    operation = operation_of(case)
    seen = []
    for look in (find_error, _handle_200_error):
        of = response(body_of(case), operation=operation.name)
        look(operation, of)
        seen.append(of["status_code"])
    refused = b"<!DOCTYPE" in body_of(case) and seen[0] == 500
    return None if seen[0] == seen[1] or refused else f"status {seen[0]} is not {seen[1]}"


# Streams of events.


def make_events(rng: random.Random) -> Case:
    name, operation = rng.choice((("s3", "SelectObjectContent"), ("logs", "StartLiveTail")))
    kinds = {"s3": ("Records", "Stats", "End", "Odd"), "logs": ("initial-response", "sessionStart", "sessionUpdate")}
    payloads = (
        b"{}",
        b"<Details><BytesScanned>1</BytesScanned></Details>",
        b"x" * 100,
        b'{"sessionResults": [{}]}',
        b"",
    )
    frames = [
        event(rng.choice(("event", "event", "exception", "error")), rng.choice(kinds[name]), rng.choice(payloads))
        for _ in range(rng.randrange(1, 5))
    ]
    if name == "logs":
        frames.insert(0, event("event", "initial-response", b"{}"))
    data = b"".join(frames)
    return _packed({"service": name, "operation": operation}, mutate(data, rng) if rng.random() < 0.9 else data)


def judge_events(case: Case) -> str | None:
    operation = operation_of(case)
    both = parsers(operation.service_model.resolved_protocol)
    ours, theirs = (_events(parser, body_of(case), operation) for parser in (both.ours, both.theirs))
    if ours[1] is not None and not isinstance(ours[1], CLASSIFIED):
        return f"unclassified: {ours[1]!r:.300}"
    if (ours[1] is None) != (theirs[1] is None):
        return f"{ours[1]!r:.200} is not {theirs[1]!r:.200}"
    return difference(ours[0], theirs[0])


def _events(parser: Any, data: bytes, operation: OperationModel) -> tuple[list[Any], Exception | None]:
    seen: list[Any] = []

    async def read() -> None:
        made = response(EventBody(data), operation=operation.name)
        parsed = await parser.parse(made, operation.output_shape)
        async for each in parsed[operation.output_shape.event_stream_name]:
            seen.append(each)  # noqa: PERF401 - what came before an error counts

    try:
        coroutine = read()
        coroutine.send(None)
    except StopIteration:
        return seen, None
    except Exception as error:
        return seen, error
    raise AssertionError("a stream waited for something")


# Timestamps.

_TIMES = ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456+01:00", "Fri, 02 Jan 2026 03:04:05 GMT", "1767323045.123")


def make_timestamp(rng: random.Random) -> Case:
    text = rng.choice(_TIMES)
    return {"text": mutate_text(text, rng)[:3000]}


def judge_timestamp(case: Case) -> str | None:
    found = []
    for parse in (parse_timestamp, botocore.utils.parse_timestamp):
        try:
            found.append(("value", *moment(parse(case["text"]))))
        except Exception as error:
            found.append(("error", type(error), str(error)))
    return None if found[0] == found[1] else f"{found[0]} is not {found[1]}"


# Requests.


def make_request(rng: random.Random) -> Case:
    _, operation = _choose(rng, rng.choice([each for each in SERVICES if each != "smithy-rpc-v2-cbor"]))
    return {
        "service": operation.service_model.service_name,
        "operation": operation.name,
        "seed": rng.randrange(2**32),
        "fill": rng.choice((0, 0.3, 0.5, 1)),
        "spoils": rng.choice((0, 0, 1, 2)),
    }


@cache
def _serializers(protocol: str) -> tuple[Any, Any]:
    reference = create_serializer(protocol)
    return reference, compiled_serializer(reference)


def judge_request(case: Case) -> str | None:
    operation = operation_of(case)
    params = Inputs(case["seed"], case["fill"]).of(operation)
    for number in range(case["spoils"]):
        params = spoil(params, f"{case['seed']} {number}") if params else params
    found = []
    for each in _serializers(operation.service_model.resolved_protocol):
        try:
            found.append(("gives", each.serialize_to_request(params, operation)))
        except Exception as error:
            found.append(("raises", type(error), str(error)))
    theirs, ours = found
    return None if repr(ours) == repr(theirs) else f"{ours!r:.300} is not {theirs!r:.300}"


# Bytes of HTTP, below everything.

_HTTP = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nto the end",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\nhello",
)


def make_http(rng: random.Random) -> Case:
    data = mutate(rng.choice(_HTTP), rng)
    return _packed({"cuts": sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(4)))}, data)


class _Transport(asyncio.Transport):
    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def judge_http(case: Case) -> str | None:
    data, cuts = body_of(case), [0, *case["cuts"]]

    async def read() -> Any:
        wire = Wire(asyncio.get_running_loop())
        wire.connection_made(_Transport())
        wire.set_response_params(read_until_eof=True, auto_decompress=False)
        for start, end in zip(cuts, [*cuts[1:], len(data)], strict=True):
            wire.data_received(data[start:end])
        wire.connection_lost(None)
        for _ in range(100):
            message, body = await wire.read()
            if not 100 <= message.code <= 199:
                return await read_whole(body, 1000, message.headers)
        return None

    try:
        asyncio.run(asyncio.wait_for(read(), 5))
    except TimeoutError:
        return "it waits for ever"
    except Exception as error:
        if isinstance(error, TooMuchError) or type(error).__module__.startswith("aiohttp."):
            return None
        if isinstance(error, RuntimeError) and str(error) == "Connection closed.":  # aiohttp's, of a body
            return None
        return f"unclassified: {error!r:.300}"
    return None


# Logs.

_LINES = (
    "CanonicalRequest:\nGET\n/\nX-Amz-Security-Token={s}&x=y\nhost:h\nx-amz-security-token:{s}\n",
    "Sending http request: <AWSPreparedRequest headers={{'X-Amz-Security-Token': b'{s}', 'a': b'b'}}>",
    'Response body:\nb\'{{"SecretAccessKey": "{s}", "Token" : "{s}"}}\'',
    "Response body:\nb'<SecretAccessKey>{s}</SecretAccessKey><SessionToken>{s}</SessionToken>'",
    "Signature:\n{s}",
    "Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=c;d, Signature={s}",
    "{{'SSECustomerKey': '{s}', 'Key': 'k'}}",
    "Authorization: Bearer {s}",
)


def make_line(rng: random.Random) -> Case:
    secret = base64.b64encode(rng.randbytes(rng.choice((12, 33, 700)))).decode()
    before, after = (mutate_text(rng.choice(_LINES), rng) for _ in range(2))
    return {"secret": secret, "line": before + "\n" + rng.choice(_LINES).format(s=secret) + "\n" + after}


def judge_line(case: Case) -> str | None:
    clean = redacted(case["line"])
    return "a secret is left" if case["secret"] in clean else None


Target = tuple[Callable[[random.Random], Case], Callable[[Case], str | None]]
TARGETS: dict[str, Target] = {
    "answer": (make_answer, judge_answer),
    "s3 body": (make_s3_body, judge_s3_body),
    "events": (make_events, judge_events),
    "timestamp": (make_timestamp, judge_timestamp),
    "request": (make_request, judge_request),
    "http": (make_http, judge_http),
    "line": (make_line, judge_line),
}
# Of a hundred executions; what reads answers is what a stranger gets at.
SHARES = {"answer": 60, "s3 body": 6, "events": 8, "timestamp": 6, "request": 12, "http": 4, "line": 4}


def dump(case: Case) -> str:
    return json.dumps(case, sort_keys=True)
