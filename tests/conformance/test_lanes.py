"""The express lane against the reference lane: equal requests, signature included, and equal results and errors.

One difference is on purpose: botocore asks leave (`Expect: 100-continue`) for each body of PutObject and UploadPart,
for it makes a file even of one byte. The express lane sends bodies in memory of less than a mebibyte at once, as AWS's
SDK for Java does, which saves a round trip. The header is not signed.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import botocore
import botocore.handlers
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.hooks import _HANDLER_MAPPING
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.loaders import Loader

import aiosdk
from aiosdk._aws.events import hooks_of
from aiosdk._aws.express import Plan
from aiosdk._aws.lanes import Lanes
from aiosdk._aws.quirks import KINDS, QUIRKS, name_of
from aiosdk._aws.request_bodies import ASKS_FROM
from aiosdk.services.dynamodb.transform import use_python_types
from tests.support.answers import STREAM, answer, failure
from tests.support.inputs import Inputs, spoil
from tests.support.lanes import NEEDS_EXPRESS, Canned, Outcome, Sent, outcome
from tests.support.parsing import difference

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
FILLS = (0, 1, 0.5, 0.3, 0.8) if DEEP else (0, 1, 0.5)
SERVICES = Loader().list_available_services("service-2")
ARGUMENTS = {
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "secret",
    "aws_session_token": "to/ken==",
    "region_name": "us-west-2",
}
# Handlers that are not compiled: an operation that has one of them takes the reference lane, always.
REFERENCE = {
    "aiobotocore.handlers.inject_presigned_url_ec2": "it signs another request",
    "aiobotocore.handlers.inject_presigned_url_rds": "it signs another request",
    "aiobotocore.handlers.parse_get_bucket_location": "it reads the raw body",
    "aiobotocore.discovery.AioEndpointDiscoveryHandler.discover_endpoint": "it sends another request",
    "botocore.discovery.EndpointDiscoveryHandler.gather_identifiers": "it sends another request",
    "botocore.discovery.EndpointDiscoveryHandler.handle_retries": "it sends another request",
    "botocore.handlers.add_glacier_checksums": "it reads the body",
    "botocore.handlers.change_get_to_post": "it makes another request of the one that was made",
    "botocore.handlers.switch_host_machinelearning": "it sends the request elsewhere",
    "botocore.utils.S3ControlArnParamHandler.handle_arn": "it takes ARNs apart, into headers",
}


@asynccontextmanager
async def client_of(service: str, **options: Any) -> AsyncIterator[Any]:
    async with aiosdk.Session(**{**ARGUMENTS, **options}) as session:
        client: Any = await session.client(service)

        async def no_sleep(_: float) -> None:
            """Wait for nothing between attempts."""

        client._endpoint._sleep = no_sleep
        yield client


def usual(parameters: dict[str, Any], seed: str) -> dict[str, Any]:
    """Put in what botocore's own rules want of names, of which the models say nothing."""
    chance = random.Random(seed)
    texts: dict[str, tuple[str, ...]] = {
        "Bucket": ("bucket", "my.dotted.bucket", "arn:aws:s3:us-west-2:123456789012:accesspoint:my-ap", "Upper_1"),
        "Key": ("key", "a/b c+d%/ü.txt", "/lead", "../x", "tilde~'()*!", "a//b/./c"),
        "CopySource": ("bucket/ke y",),
        "ChecksumAlgorithm": ("CRC32", "SHA1", "SHA256"),
        "TableName": ("table", "arn:aws:dynamodb:us-west-2:123456789012:table/t"),
        "TableArn": ("table", "arn:aws:dynamodb:us-west-2:123456789012:table/t"),
        "StreamARN": ("arn:aws:kinesis:us-west-2:123456789012:stream/s",),
        "KvsARN": ("arn:aws:cloudfront::123456789012:key-value-store/e",),
    }
    for name, choices in texts.items():
        if isinstance(parameters.get(name), str):
            parameters[name] = chance.choice(choices)
    if isinstance(parameters.get("Metadata"), dict):
        parameters["Metadata"] = {"a": "b", "C-d": "e  f"}
    return parameters


def canned(operation: Any, seed: object, fill: float) -> Canned:
    """An answer to an operation that succeeds."""
    if operation.output_shape is None:
        empty = b"<Response/>" if operation.service_model.resolved_protocol in ("query", "ec2") else b""
        return 200, {"x-amzn-requestid": "r-1"}, empty
    made = answer(operation, seed, fill)
    body = b"some bytes" if made["body"] is STREAM else made["body"]
    return made["status_code"], {name.lower(): value for name, value in made["headers"].items()}, body


def plain(sent: list[Sent]) -> list[Any]:
    return [
        (each.method, each.url, {k.lower(): _agent(v) for k, v in each.headers.items()}, each.body) for each in sent
    ]


def _agent(text: str) -> str:
    """A User-Agent with the features of the call in one order; botocore keeps them in a set."""
    return re.sub(r"(?<= m/)[\w,+-]+", lambda found: ",".join(sorted(found[0].split(","))), text)


def ordered(value: Any) -> Any:
    """A result with the keys of its dictionaries in one order; theirs follows the headers', ours the model's."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value, key=str)}
    return [ordered(each) for each in value] if isinstance(value, list) else value


def unlike(ours: Outcome, theirs: Outcome) -> str | None:
    """Where two calls differ."""
    if ours.kind != theirs.kind:
        return f"{ours.kind} {ours.value!r:.300} where it {theirs.kind} {theirs.value!r:.300}"
    for number, (mine, other) in enumerate(zip(plain(ours.sent), plain(theirs.sent), strict=False)):
        length = int(other[2].get("x-amz-decoded-content-length") or len(other[3] or b""))
        if length < ASKS_FROM and "expect" not in mine[2]:
            other[2].pop("expect", None)
        for part, one, two in zip(("method", "url", "headers", "body"), mine, other, strict=True):
            if one != two and isinstance(one, dict):
                return f"headers of request {number}: {sorted(one.items() ^ two.items())}"
            if one != two:
                return f"{part} of request {number}: {one!r:.900} is not {two!r:.900}"
    if len(ours.sent) != len(theirs.sent):
        return f"{len(ours.sent)} requests, not {len(theirs.sent)}"
    return difference(ordered(ours.value), ordered(theirs.value))


async def both(client: Any, name: str, make: Callable[[], dict[str, Any]], answers: list[Canned]) -> Outcome:
    """Make a call down each lane; gives what became of it, which must be the same."""
    ours = await outcome(client, answers, lambda: client._make_api_call(name, make()))
    theirs = await outcome(client, answers, lambda: client._reference(name, make()))
    assert (found := unlike(ours, theirs)) is None, (client, name, make(), found)
    return ours


def express_operations(client: Any) -> Iterator[Any]:
    lanes = client._open_lanes()
    for name in client.meta.service_model.operation_names:
        if isinstance(lanes.compiled(name), Plan):
            yield client.meta.service_model.operation_model(name)


def sampled(service: str, operations: Iterator[Any], part: int) -> list[Any]:
    found = list(operations)
    return found if DEEP else random.Random(service).sample(found, -(-len(found) // part))


@pytest.mark.timeout(1800)
async def test_every_operation_sends_and_gives_the_same_on_both_lanes() -> None:
    counts: Counter[str] = Counter()
    for number, service in enumerate(SERVICES):
        endpoint = "http://localhost:4566/base" if number % 4 == 3 else None
        async with client_of(service, endpoint_url=endpoint) as client:
            for operation in sampled(service, express_operations(client), 16):
                counts["operations"] += 1
                for fill in FILLS:
                    seed = f"{service} {operation.name} {fill}"
                    answers = [canned(operation, seed, fill)]

                    def make(operation: Any = operation, seed: str = seed, fill: float = fill) -> dict[str, Any]:
                        return usual(Inputs(seed, fill).of(operation), seed)

                    counts[(await both(client, operation.name, make, answers)).kind] += 1
    print(dict(counts))
    assert counts["operations"] > (19_000 if DEEP else 1_300)
    assert counts["gives"] > 50 * (counts["raises"] + counts["error"])


@pytest.mark.timeout(1800)
async def test_what_is_not_valid_sends_nothing_and_is_reported_in_the_same_words() -> None:
    counts: Counter[str] = Counter()
    for service in SERVICES:
        async with client_of(service) as client:
            for operation in sampled(service, express_operations(client), 40):
                seed = f"{service} {operation.name}"

                def make(operation: Any = operation, seed: str = seed) -> dict[str, Any]:
                    return spoil(usual(Inputs(seed, 0.5).of(operation), seed), seed)

                of = await both(client, operation.name, make, [canned(operation, seed, 0)])
                counts[of.kind] += 1
                assert of.kind == "gives" or not of.sent or of.value[0] != "ParamValidationError"
    assert counts["raises"] > counts["gives"]


def failures(operation: Any, seed: str) -> Iterator[list[Canned]]:
    """Answers that are no success, each followed by one that is."""
    good = canned(operation, seed, 0.5)
    protocol = operation.service_model.resolved_protocol
    empty = {"x-amzn-requestid": "r-1"}
    for shape in operation.error_shapes[:1]:
        made = failure(protocol, shape, seed)
        yield [(made["status_code"], {k.lower(): v for k, v in made["headers"].items()}, made["body"])]
    yield [(400, empty, good[2] if isinstance(good, tuple) else b"")]
    yield [(500, empty, b"<html>down</html>"), good]
    yield [(503, empty, b""), (503, empty, b""), good]
    yield [(403, empty, b""), good]
    yield [(429, empty, b"Slow down"), good]
    yield [(301, {**empty, "location": "http://elsewhere/"}, b""), good]
    yield [(300, empty, b""), good]
    yield [(200, empty, b"<html>a proxy's page</html>"), good]
    yield [(200, empty, b"{ broken"), good]
    assert isinstance(good, tuple)
    yield [(good[0], good[1], good[2][:-7]), good]
    yield [ConnectionClosedError(endpoint_url="http://server/"), good]
    yield [EndpointConnectionError(endpoint_url="http://server/", error=OSError("refused")), good]
    yield [ValueError("what nobody expects"), good]


@pytest.mark.timeout(1800)
async def test_errors_and_attempts_are_the_same_on_both_lanes() -> None:
    counts: Counter[str] = Counter()
    for service in SERVICES if DEEP else ("s3", "dynamodb", "sqs", "iam", "ec2", "lambda", "route53", "glacier", "sns"):
        async with client_of(service) as client:
            for operation in sampled(service, express_operations(client), 12):
                seed = f"{service} {operation.name}"

                def make(operation: Any = operation, seed: str = seed) -> dict[str, Any]:
                    return usual(Inputs(seed, 0.5).of(operation), seed)

                for answers in failures(operation, seed):
                    of = await both(client, operation.name, make, answers)
                    counts[of.kind] += 1
                    counts["requests"] += len(of.sent)
    print(dict(counts))
    assert counts["error"] > 250
    assert counts["requests"] > counts["error"] + counts["gives"], "nothing was tried again"


@NEEDS_EXPRESS
@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
@pytest.mark.parametrize("endpoint", [None, "http://localhost:4566"])
@pytest.mark.parametrize("size", [0, 1, ASKS_FROM - 1, ASKS_FROM, ASKS_FROM + 1, 3 * ASKS_FROM])
async def test_leave_is_asked_for_large_bodies_only(operation: str, endpoint: str | None, size: int) -> None:
    part = {"UploadId": "u", "PartNumber": 1} if operation == "UploadPart" else {}
    async with client_of("s3", endpoint_url=endpoint) as client:
        for body in (b"x" * size, bytearray(b"x") * size, "x" * size):
            more = {**part, "Body": body}
            of = await both(client, operation, lambda more=more: {"Bucket": "b", "Key": "k", **more}, [(200, {}, b"")])
            assert of.kind == "gives"
            # A bytearray is no file to botocore.
            asks = size >= ASKS_FROM and not isinstance(body, bytearray)
            assert ("Expect" in of.sent[0].headers) is asks


CONFIGS: dict[str, dict[str, Any]] = {
    "path style": {"s3": {"addressing_style": "path"}},
    "virtual style": {"s3": {"addressing_style": "virtual"}},
    "unsigned": {"signature_version": botocore.UNSIGNED},
    "signature of version 2": {"signature_version": "s3"},
    "signature of version 4": {"signature_version": "s3v4"},
    "payloads signed": {"s3": {"payload_signing_enabled": True}},
    "payloads not signed": {"s3": {"payload_signing_enabled": False}},
    "accelerated": {"s3": {"use_accelerate_endpoint": True}},
    "dual stack": {"use_dualstack_endpoint": True},
    "FIPS": {"use_fips_endpoint": True},
    "standard retries": {"retries": {"mode": "standard", "max_attempts": 3}},
    "adaptive retries": {"retries": {"mode": "adaptive"}},
    "one attempt": {"retries": {"total_max_attempts": 1, "mode": "legacy"}},
    "a user agent": {"user_agent": "me/1", "user_agent_extra": "more/2", "user_agent_appid": "app"},
    "checksums when required": {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    },
    "no validation": {"parameter_validation": False},
    "no prefixes of hosts": {"inject_host_prefix": False},
    "account ids disabled": {"account_id_endpoint_mode": "disabled"},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("service", ["s3", "dynamodb", "sts", "s3control", "lambda", "ebs", "s3 over http"])
async def test_configurations_count_on_both_lanes(service: str, config: dict[str, Any]) -> None:
    more: dict[str, Any] = {"aws_account_id": "123456789012"} if service == "dynamodb" else {}
    if service in ("ebs", "s3 over http"):
        service, more = service.partition(" ")[0], {"endpoint_url": "http://localhost:4566"}
    async with client_of(service, config=AioConfig(**config), **more) as client:
        for operation in sampled(service, express_operations(client), 4):
            seed = f"{service} {operation.name}"

            def make(operation: Any = operation, seed: str = seed) -> dict[str, Any]:
                return usual(Inputs(seed, 0.7).of(operation), seed)

            good = canned(operation, seed, 0.7)
            await both(client, operation.name, make, [good])
            await both(client, operation.name, make, [(500, {}, b""), good])


def _handlers_of_botocore() -> Iterator[tuple[str, str]]:
    for event, handler, *_ in botocore.handlers.BUILTIN_HANDLERS:
        kind = event.partition(".")[0]
        if kind in KINDS:
            yield kind, name_of(_HANDLER_MAPPING.get(handler, handler))


async def test_every_handler_that_botocore_has_is_accounted_for() -> None:
    met = set(_handlers_of_botocore())
    for service in SERVICES:
        async with client_of(service) as client:
            for operation in client.meta.service_model.operation_names:
                for kind in KINDS:
                    name = f"{kind}.{client.meta.service_model.service_id.hyphenize()}.{operation}"
                    met.update((kind, name_of(handler)) for handler in hooks_of(client.meta.events, name))
    async with client_of("s3", config=AioConfig(retries={"mode": "standard"})) as client:
        for kind in KINDS:
            met.update((kind, name_of(each)) for each in hooks_of(client.meta.events, f"{kind}.s3.GetObject"))
    async with client_of("dynamodb") as client:
        use_python_types(client)
        for kind in KINDS:
            met.update((kind, name_of(each)) for each in hooks_of(client.meta.events, f"{kind}.dynamodb.GetItem"))
    known = {(kind, name) for kind, names in QUIRKS.items() for name in names}
    replaced = {("before-parse", "botocore.handlers._handle_200_error")}  # by ours, which are in the table
    replaced |= {("after-call", f"botocore.handlers.decode_list_object{end}") for end in ("", "_v2", "_versions")}
    assert not {(kind, name) for kind, name in met - known - replaced if name not in REFERENCE}
    assert not known - met, "the table has handlers that are no more"
    assert set(REFERENCE) <= {name for _, name in met}, set(REFERENCE) - {name for _, name in met}


async def test_few_operations_are_not_compiled() -> None:
    reasons: Counter[str] = Counter()
    for service in SERVICES:
        async with client_of(service) as client:
            lanes = Lanes(client)
            for name in client.meta.service_model.operation_names:
                plan = lanes.compiled(name)
                reasons["compiled" if isinstance(plan, Plan) else str(plan).partition(" is registered")[0]] += 1
    print(reasons)
    assert reasons.pop("compiled") > 19_000
    usual = {"it is a stream of events", "its protocol is not compiled"}
    assert set(reasons) - usual <= set(REFERENCE)
