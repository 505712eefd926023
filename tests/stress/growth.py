"""Time that grows: each decoder, encoder, pattern and helper at once, twice, four and eight times a size.

`python -m tests.stress.growth` prints the CPU time of each and how many times more the largest takes than the smallest;
it fails if that is more than 8 times by much. Whatever a stranger may choose comes first: keys, answers, headers.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from time import process_time
from typing import Any

import botocore.serialize
from aiobotocore.response import AioStreamingBody

from aiosdk._aws.answers import compile_answer
from aiosdk._aws.error_kinds import kind_of
from aiosdk._aws.event_frames import EventFrames
from aiosdk._aws.guards import check_document_type, explained
from aiosdk._aws.parsers import DecodingParserFactory
from aiosdk._aws.redaction import redacted
from aiosdk._aws.retry_after import pause
from aiosdk._aws.serializers import compiled_serializer
from aiosdk._aws.streaming_bodies import adopt_body
from aiosdk._circle import Trail
from aiosdk._compile.sign import canonical_query, encode_query, hash_payload
from aiosdk._compile.timestamps import parse_timestamp
from aiosdk._transport.header_check import check_head
from aiosdk.dynamodb import Attr
from aiosdk.exceptions import InvalidEndpointError
from aiosdk.resources.paths import compile_path
from aiosdk.services.dynamodb.deserializing import deserialize
from aiosdk.services.dynamodb.expressions import ConditionExpressionBuilder
from aiosdk.services.dynamodb.types import serialize
from aiosdk.services.s3.checksums import WholeCRC
from aiosdk.services.s3.trees.merge import Merged
from aiosdk.services.s3.trees.names import key_problem, path_problem
from aiosdk.services.s3.trees.patterns import Choice
from tests.fuzz.targets import service
from tests.support.answers import event
from tests.support.lanes import FakeBody

SIZES = (1, 2, 4, 8)
MOST = 20.0
"""How many times more eight times the size may take: eight, and what machines that are shared add to it."""
ENOUGH = 0.002
"""Seconds: what takes less at the largest size is not judged."""

Make = Callable[[int], Callable[[], Any]]
CASES: dict[str, Make] = {}


def case(name: str) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        CASES[name] = make
        return make

    return keep


def text_case(name: str, work: Callable[[str], Any], *parts: str) -> None:
    """A case for each of some texts that are repeated."""
    for part in parts:

        def make(times: int, part: str = part) -> Callable[[], Any]:
            text = part * (2000 * times)
            return lambda: allowed_to_fail(work, text)

        CASES[f"{name}: {part[:30]!r}"] = make


def allowed_to_fail(work: Callable[[Any], Any], value: Any) -> None:
    try:
        work(value)
    except Exception:
        return


def run(coroutine: Any) -> Any:
    """Run what waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")


# Keys and patterns


for _pattern in ("*-*-*-*.log", "**/**/**/x", "*?*[!a]*[-a]*x", "*/*/*/*.py"):
    text_case(f"include={_pattern!r}", Choice(include=_pattern).takes, "-", "/", "a/", "-/", ".")
    text_case(f"exclude={_pattern!r}/", Choice(exclude=f"{_pattern}/").leaves_out_all_of, "-", "/", "a/")
text_case("pattern", lambda text: Choice(include=text), "[", "[!", "[a-", "[]", "*", "*a", "**/", "?", "a")
text_case("path of a key", path_problem, "a/", "a", "./", "\\", "con.", "con ", "..")
text_case("key of a path", key_problem, "a", "ä", "\udcff")


# Answers


XML = {
    ("s3", "ListObjectsV2"): ("<Contents><Key>k&amp;</Key><Size>5</Size></Contents>", "<CommonPrefixes/>", "<x/>"),
    ("iam", "ListUsers"): ("<member><UserName>u</UserName></member>", "<member/>"),
    ("ec2", "DescribeInstances"): ("<item><reservationId>r</reservationId></item>", "<item/>", "<x>1</x>"),
}
_WRAPPED = {
    "s3": "<ListBucketResult>%s</ListBucketResult>",
    "iam": "<R><ListUsersResult><Users>%s</Users></ListUsersResult></R>",
    "ec2": "<R><reservationSet>%s</reservationSet></R>",
}
_ODD_XML = ("<a>", "</a>", "<!-- -->", "<![CDATA[x]]>", "&amp;", "&#65;", "&", "<", ">", "<?p ?>", "\n", '<a b="c"/>')


def xml_case(service_name: str, operation: str, part: str) -> None:
    def make(times: int) -> Callable[[], Any]:
        model = service(service_name).operation_model(operation)
        body = (_WRAPPED[service_name] % (part * (500 * times))).encode()
        answer = compile_answer(model, parser_of(model))
        return lambda: allowed_to_fail(lambda given: answer(200, {}, given), body)

    CASES[f"{operation}: {part[:30]!r}"] = make


def parser_of(model: Any) -> Any:
    return DecodingParserFactory().create_parser(model.service_model.resolved_protocol)


for (_service, _operation), _parts in XML.items():
    for _part in (*_parts, *_ODD_XML):
        xml_case(_service, _operation, _part)


@case("records of XML that are all unlike")
def _(times: int) -> Callable[[], Any]:
    model = service("s3").operation_model("ListObjectsV2")
    kinds = ("<Size>1</Size>", "<ETag>e</ETag>", "<StorageClass>S</StorageClass>", "<Owner><ID>i</ID></Owner>")
    records = "".join(
        f"<Contents><Key>k</Key>{''.join(kinds[n % 4 :])}{kinds[0] * (n % 2)}</Contents>" for n in range(500 * times)
    )
    answer, body = compile_answer(model, parser_of(model)), f"<R>{records}</R>".encode()
    return lambda: answer(200, {}, body)


def json_case(name: str, service_name: str, operation: str, body: Callable[[int], str]) -> None:
    def make(times: int) -> Callable[[], Any]:
        model = service(service_name).operation_model(operation)
        answer, data = compile_answer(model, parser_of(model)), body(times).encode()
        return lambda: allowed_to_fail(lambda given: answer(200, {}, given), data)

    CASES[name] = make


json_case(
    "items", "dynamodb", "Scan", lambda n: json.dumps({"Items": [{"a": {"N": "1"}, "b": {"S": "x"}}] * (500 * n)})
)
json_case("a deep item", "dynamodb", "Scan", lambda n: '{"Items":[{"a":' + '{"M":{"a":' * (4000 * n))
json_case("brackets", "dynamodb", "Scan", lambda n: "[" * (4000 * n))
json_case("digits", "dynamodb", "Scan", lambda n: '{"Count":' + "1" * (50_000 * n) + "}")
json_case("a float", "dynamodb", "Scan", lambda n: '{"Count":1.' + "1" * (50_000 * n) + "}")
json_case("escapes", "sqs", "ReceiveMessage", lambda n: '{"Messages":[{"Body":"' + "\\u00e4\\n" * (5000 * n) + '"}]}')
json_case(
    "functions", "lambda", "ListFunctions", lambda n: json.dumps({"Functions": [{"FunctionName": "f"}] * (500 * n)})
)

text_case("document type", lambda text: check_document_type(text.encode()), "<!DOCTYPE", "<!DOCTYPE a>", "<", "\0", " ")
text_case("timestamp", parse_timestamp, "2", "2020-", "T", "+", " ", "jan ", "1.", ":")
text_case(
    "code of an error", lambda text: kind_of(text, 400), "Incorrect", "Duplicate", "Object", "Limit", "Insufficient"
)
text_case("code of an error", lambda text: kind_of(text, 400), "NotFound", "Exceptio", "Conflict", "a", "Exists", ".")
text_case(
    "Retry-After", lambda text: pause({"retry-after": text, "date": text}, 0.0), "1", "1.", "Mon, ", "(", " ", ","
)


@case("frames of events in one piece")
def _(times: int) -> Callable[[], Any]:
    data = event("event", "X", b"") * (300 * times)
    return lambda: read_frames([data])


@case("a frame of events in many pieces")
def _(times: int) -> Callable[[], Any]:
    data = event("event", "X", bytes(times << 20))
    return lambda: read_frames([data[at : at + 1024] for at in range(0, len(data), 1024)])


def read_frames(pieces: list[bytes]) -> int:
    frames, count = EventFrames(), 0
    for piece in pieces:
        frames.add_data(piece)
        count += sum(1 for _ in frames)
    return count


def lines_case(name: str, part: bytes, size: int) -> None:
    def make(times: int) -> Callable[[], Any]:
        data = part * (size * times // len(part))

        async def read() -> int:
            body: Any = AioStreamingBody(FakeBody(data), len(data))
            adopt_body(body)
            return len([line async for line in body.iter_lines(512)])

        return lambda: run(read())

    CASES[name] = make


lines_case("one long line", b"-", 1 << 20)
lines_case("lines", b"a line\n", 1 << 14)
lines_case("ends of lines", b"\r\n", 1 << 14)
lines_case("carriage returns", b"\r", 1 << 14)


# Logs and messages


_SECRETS = (
    "password=",
    "token=a ",
    "'password': '",
    '"SecretKey": "x", ',
    "\\",
    "Bearer ",
    "Basic  ",
    "AWS a",
    "//",
    "//a",
)
text_case(
    "log", redacted, *_SECRETS, "Signature:\n", "%3D", "('password', ", "password>", "a", "secret", " ", "password  "
)
text_case(
    "log", redacted, "x-amz-security-token: ", "key_", "auth", "AWS aaaaaaaa:", "('", 'b"', "password%3D", "=", "@//"
)
text_case("message of an error", lambda text: str(InvalidEndpointError(url=text, problem="")), "//", "//a", "@", "a")
text_case("header", lambda text: check_head("GET", "/", {"x": text, text: "x"}), "a", "\t", "ä")


# Requests


def sent_case(name: str, service_name: str, operation: str, parameters: Callable[[int], dict[str, Any]]) -> None:
    def make(times: int) -> Callable[[], Any]:
        model = service(service_name).operation_model(operation)
        reference = botocore.serialize.create_serializer(model.service_model.resolved_protocol, True)
        serializer, given = compiled_serializer(reference), parameters(times)
        return lambda: allowed_to_fail(lambda params: serializer.serialize_to_request(params, model), given)

    CASES[name] = make


sent_case("a key", "s3", "HeadObject", lambda n: {"Bucket": "b", "Key": "/ä%" * (2000 * n)})
sent_case(
    "metadata",
    "s3",
    "HeadObject",
    lambda n: {"Bucket": "b", "Key": "k", "Metadata": {str(k): "v" for k in range(n * 500)}},
)
sent_case(
    "keys to delete",
    "s3",
    "DeleteObjects",
    lambda n: {"Bucket": "b", "Delete": {"Objects": [{"Key": "<&>\r"}] * (500 * n)}},
)
sent_case(
    "filters", "ec2", "DescribeInstances", lambda n: {"Filters": [{"Name": "a", "Values": ["b"] * 5}] * (200 * n)}
)
sent_case("tags", "iam", "TagUser", lambda n: {"UserName": "u", "Tags": [{"Key": "k", "Value": "v"}] * (200 * n)})
sent_case(
    "an item", "dynamodb", "PutItem", lambda n: {"TableName": "t", "Item": {str(k): {"S": "x"} for k in range(500 * n)}}
)
sent_case(
    "wrong parameters", "dynamodb", "PutItem", lambda n: {"TableName": "t", "Item": {str(k): 5 for k in range(200 * n)}}
)
text_case("query to sign", canonical_query, "a=b&", "&", "=", "a", "%", "z=1&a=2&")
text_case("query", lambda text: encode_query([("a", text)] * 2), "a", "ä", "%")
text_case("payload", lambda text: hash_payload(text.encode()), "a" * 50)


@case("parameters that are no text")
def _(times: int) -> Callable[[], Any]:
    params = {"a": [{"b": "x"}] * (2000 * times), "c": "\udcff"}
    return lambda: explained(ValueError(), "Operation", params)


# DynamoDB's types


text_case("a number", lambda text: deserialize({"N": text}), "1", "0", "1.", "e")
text_case("a number to send", lambda text: serialize(Decimal(text)), "1", "0")
text_case("a path", lambda text: build(Attr(text).eq(1)), "a.", "a[0].", "[", "]", "a]", ".", "a[")


def build(condition: Any) -> Any:
    return ConditionExpressionBuilder().build_expression(condition)


@case("many values in a condition")
def _(times: int) -> Callable[[], Any]:
    condition = Attr("a").is_in([*range(500 * times)])
    return lambda: build(condition)


@case("nested conditions")
def _(times: int) -> Callable[[], Any]:
    condition: Any = Attr("a").eq(1)
    for _ in range(15 * times):
        condition &= Attr("a").eq(1)
    return lambda: build(condition)


@case("sets")
def _(times: int) -> Callable[[], Any]:
    return lambda: deserialize(serialize({str(number) for number in range(1000 * times)}))


@case("nested values")
def _(times: int) -> Callable[[], Any]:
    value: Any = "x"
    for _ in range(20 * times):
        value = {"a": [value]}
    return lambda: deserialize(serialize(value))


# Pages, trees, checksums


@case("pages")
def _(times: int) -> Callable[[], Any]:
    def follow() -> None:
        trail = Trail()
        for number in range(1000 * times):
            assert not trail.has(number)
            trail = trail.and_then(number)

    return follow


@case("what a path finds")
def _(times: int) -> Callable[[], Any]:
    read = compile_path("Reservations[].Instances[].InstanceId")
    found = {"Reservations": [{"Instances": [{"InstanceId": "i"}] * 5}] * (500 * times)}
    return lambda: read(found)


class _Placed:
    def __init__(self, number: int) -> None:
        self.relative = f"{number:09}"


class _Batches:
    def __init__(self, count: int, step: int) -> None:
        self._batches = iter([[_Placed(at + n) for n in range(0, 500, step)] for at in range(0, count, 500)])

    async def next_batch(self) -> Any:
        return next(self._batches, None)


@case("two trees side by side")
def _(times: int) -> Callable[[], Any]:
    async def pair() -> None:
        merged = Merged(_Batches(1000 * times, 1), _Batches(1000 * times, 3))
        while await merged.next_batch():
            pass

    return lambda: run(pair())


@case("checksums of parts")
def _(times: int) -> Callable[[], Any]:
    crc = zlib.crc32(b"part").to_bytes(4, "big")

    def combine() -> None:
        whole = WholeCRC("CRC32")
        for _ in range(50 * times):
            whole.add(crc, 8 << 20)

    return combine


# Measuring


def seconds(work: Callable[[], Any]) -> float:
    """The CPU time that it takes once, the best of three."""
    best = float("inf")
    for _ in range(3):
        before = process_time()
        work()
        best = min(best, process_time() - before)
    return best


def measure(names: Iterator[str]) -> list[str]:
    """Print what each case takes, and give those that take too much."""
    slow: list[str] = []
    gc.disable()
    for name in names:
        taken = [seconds(CASES[name](size)) for size in SIZES]
        ratio = taken[-1] / taken[0]
        judged = taken[-1] >= ENOUGH
        bad = judged and ratio > MOST
        shown = " ".join(f"{each * 1000:9.3f}" for each in taken)
        print(
            f"{shown} ms  {ratio:6.1f} times {'TOO MUCH' if bad else '' if judged else '(short)':9} {name}", flush=True
        )
        if bad:
            slow.append(name)
    return slow


def main() -> int:
    wanted = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    slow = measure(name for name in CASES if wanted.search(name))
    print(f"{len(slow)} take more than in proportion: {', '.join(slow)}" if slow else "All take in proportion.")
    return bool(slow)


if __name__ == "__main__":
    sys.exit(main())
