"""Compiled decoders read what aiobotocore's parsers read: the same values of the same types, or the same errors.

`AIOSDK_DEEP=1` asks for every operation and every error of every service, ten times each, instead of a sample.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EventStreamError
from botocore.model import ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk._aws.models import shared_loader
from tests.support.answers import STREAM, Answers, EventBody, answer, event, failure, json_body, response, xml_body
from tests.support.parsing import JSON, STEPS, XML, Parsers, difference, mutate_json, mutate_xml, outcome

DEEP = bool(os.environ.get("AIOSDK_DEEP"))
pytestmark = pytest.mark.timeout(1800 if DEEP else 120)

TIMES = 10 if DEEP else 1
SAMPLE = 10**9 if DEEP else 12  # operations of a service with JSON; of those with XML, which are few, it is all
FILLS = ((1.0, 2), (0.5, 2), (0.0, 0))  # part of the optional members, length of the lists

# What only aiobotocore's parser reads, in answers with everything that the model allows.
BY_AIOBOTOCORE = {
    ("redshift", "CreateRedshiftIdcApplication"): "a tagged union",
    ("redshift", "DescribeRedshiftIdcApplications"): "a tagged union",
    ("redshift", "ModifyRedshiftIdcApplication"): "a tagged union",
    ("s3", "GetBucketAcl"): "Grantee, whose Type is an attribute",
    ("s3", "GetBucketLogging"): "Grantee, whose Type is an attribute",
    ("s3", "GetBucketNotification"): "two members of one tag, one of them flattened",
    ("s3", "GetObjectAcl"): "Grantee, whose Type is an attribute",
    ("s3control", "DescribeJob"): "a tagged union",
    ("s3control", "GetAccessPointConfigurationForObjectLambda"): "a tagged union",
}


def services(protocol: str) -> Iterator[ServiceModel]:
    loader = shared_loader(None)
    for name in loader.list_available_services("service-2"):
        service = ServiceModel(loader.load_service_model(name, "service-2"), name)
        if service.resolved_protocol == protocol:
            yield service


def service(name: str) -> ServiceModel:
    return ServiceModel(shared_loader(None).load_service_model(name, "service-2"), name)


def sample(of: list[str], service: ServiceModel) -> list[str]:
    if service.resolved_protocol in XML:
        return of
    return random.Random(service.service_name).sample(of, min(SAMPLE, len(of)))


@pytest.mark.parametrize("protocol", [*JSON, *XML])
def test_answers_of_every_service_read_as_in_aiobotocore(protocol: str) -> None:
    parsers, found, left = Parsers(protocol), [], set()
    for each in services(protocol):
        for name in sample(each.operation_names, each):
            model = each.operation_model(name)
            if model.output_shape is None or (protocol == "json" and model.has_event_stream_output):
                continue
            for seed in range(TIMES):
                for fill, most in FILLS:
                    made = answer(model, f"{each.service_name} {name} {seed}", fill, most)
                    parsers.left.clear()
                    result = outcome(parsers.ours, made, model.output_shape)
                    if parsers.left:
                        left.add((each.service_name, name))
                    wrong = difference(result, outcome(parsers.theirs, made, model.output_shape))
                    if wrong or result[0] == "error":
                        found.append(f"{each.service_name} {name} {fill}: {wrong or result}")
    assert found[:5] == [], f"{len(found)} differ"
    assert left <= BY_AIOBOTOCORE.keys(), left


@pytest.mark.parametrize(("name", "operation"), BY_AIOBOTOCORE)
def test_what_is_left_to_aiobotocore_is_what_is_listed(name: str, operation: str) -> None:
    model = service(name).operation_model(operation)
    parsers = Parsers(model.service_model.resolved_protocol)
    assert [parsers.differ(answer(model, seed, 1.0), model.output_shape) for seed in range(5)] == [None] * 5
    assert parsers.left, "it is compiled now: strike it off the list"


@pytest.mark.parametrize("protocol", [*JSON, *XML])
def test_errors_of_every_service_read_as_in_aiobotocore(protocol: str) -> None:
    parsers, found = Parsers(protocol), []
    for each in services(protocol):
        for name in sample(list(each._shape_resolver._shape_map.error_names), each):
            shape = each.shape_for(name)
            for error in (failure(protocol, shape, seed) for seed in range(TIMES)):
                wrong = [parsers.differ(error, of) for of in (shape, None)]
                found += [f"{each.service_name} {name}: {one}" for one in wrong if one]
                assert outcome(parsers.ours, error, None)[1]["Error"]["Code"] == shape.error_code
    assert found[:5] == [], f"{len(found)} differ"


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
@pytest.mark.parametrize("protocol", [*JSON, *XML])
def test_errors_that_no_model_knows_read_as_in_aiobotocore(protocol: str, status: int) -> None:
    parsers = Parsers(protocol)
    bodies = [
        b"",
        b" ",
        b"<html><body>Service Unavailable</body></html>",
        b"<HTML>",
        b"garbage",
        b"\xff\xfe",
        b"<Error>",
    ]
    texts = ["null", "[]", '"x"', "{}", '{"__type": "a.b#C:d", "message": "m"}', '{"Message": "M", "code": "E:1"}']
    texts += ['{"__type": null}', '{"message": null, "Message": "M", "Code": "a#b"}', '{"code": 5}', '{"__type": 5}']
    texts += [
        "<Error><Code>C</Code><Message>M</Message><Key>k</Key><RequestId>r</RequestId><HostId>h</HostId></Error>",
        "<ErrorResponse xmlns='urn:x'><Error><Code>C</Code></Error><RequestId>r</RequestId></ErrorResponse>",
        "<Response><Errors><Error><Code>C</Code></Error><Error><Code>D</Code></Error></Errors>"
        "<RequestID>r</RequestID></Response>",
        "<ErrorResponse/>",
    ]
    sets = [{}, {"x-amzn-requestid": "r"}, {"x-amz-request-id": "r", "x-amz-id-2": "h"}]
    sets += [{"x-amzn-errortype": "A#B:c"}, {"x-amzn-query-error": "Q.Code;Sender"}, {"x-amzn-query-error": "odd"}]
    for body in [*bodies, *map(str.encode, texts)]:
        for headers in sets:
            made = response(body, headers=headers, status=status)
            assert parsers.differ(made, None) is None, made


@pytest.mark.parametrize(
    ("name", "operation"), [("s3", "GetObject"), ("lambda", "Invoke"), ("polly", "SynthesizeSpeech")]
)
def test_a_streaming_payload_stays_what_it_is(name: str, operation: str) -> None:
    model = service(name).operation_model(operation)
    parsers, made = Parsers(model.service_model.resolved_protocol), answer(model, 1, 1.0)
    assert parsers.differ(made, model.output_shape) is None
    assert outcome(parsers.ours, made, model.output_shape)[1][model.output_shape.serialization["payload"]] is STREAM


@pytest.mark.parametrize("protocol", ["json", "rest-json", "rest-xml"])
def test_streams_of_events_read_as_in_aiobotocore(protocol: str) -> None:
    parsers, seen = Parsers(protocol), 0
    for each in services(protocol):
        for name in each.operation_names:
            model = each.operation_model(name)
            if model.has_event_stream_output:
                frames = _frames(protocol, model.output_shape)
                ours, theirs = (_events(parser, frames, model) for parser in (parsers.ours, parsers.theirs))
                assert difference(ours, theirs) is None, (each.service_name, name)
                assert len(ours) == 1 + len(_events_of(model.output_shape).members), (each.service_name, name)
                seen += 1
    assert seen


def _events_of(shape: Any) -> Any:
    return shape.members[shape.event_stream_name]


def _frames(protocol: str, shape: Any) -> list[bytes]:
    """An event of each kind, one that is unknown, and an error."""
    frames = [event("event", "initial-response", b"{}")] if protocol == "json" else []
    for name, each in _events_of(shape).members.items():
        value = Answers(name, 1.0).value(each)
        times = {key: 1767323045123 for key in value if each.members[key].serialization.get("eventheader")}
        body = {key: one for key, one in value.items() if key not in times}
        for key, member in each.members.items():
            if member.serialization.get("eventpayload"):
                each, body = member, value[key]
        if not isinstance(body, bytes | str):
            body = json_body(each, body) if protocol in JSON else xml_body(protocol, name, each, body)
        frames.append(event("event", name, body.encode() if isinstance(body, str) else body, **times))
    return [*frames, event("event", "NotInTheModel", b""), event("exception", "Trouble", b"")]


def _events(parser: Any, frames: list[bytes], model: Any) -> list[Any]:
    results: list[Any] = []

    async def read() -> None:
        made = response(EventBody(*frames), operation=model.name)
        answered = await parser.parse(made, model.output_shape)
        try:
            async for each in answered[model.output_shape.event_stream_name]:
                results.append(each)  # noqa: PERF401 - those before an error count
        except EventStreamError as error:
            results.append((str(error), error.response))

    with pytest.raises(StopIteration):
        read().send(None)
    return results


MUTATED = [
    *(("dynamodb", name) for name in ("GetItem", "Query", "DescribeTable")),
    *(("s3", name) for name in ("ListObjectsV2", "ListObjectVersions", "GetBucketAcl", "GetBucketNotification")),
    *(("ec2", name) for name in ("DescribeInstances", "DescribeSecurityGroups")),
    *(
        ("iam", "ListUsers"),
        ("cloudformation", "DescribeStacks"),
        ("sns", "GetTopicAttributes"),
        ("rds", "DescribeDBInstances"),
    ),
    *(
        ("sqs", "ReceiveMessage"),
        ("lambda", "GetFunction"),
        ("bedrock-agent", "GetFlow"),
        ("apigateway", "GetRestApis"),
    ),
    *(("route53", "ListResourceRecordSets"), ("cloudfront", "ListDistributions"), ("s3control", "DescribeJob")),
    *(("redshift", "CreateRedshiftIdcApplication"), ("redshift", "DescribeClusters"), ("lexv2-models", "DescribeSlot")),
]


@settings(max_examples=10_000 if DEEP else 400, deadline=None)
@given(
    st.sampled_from(MUTATED),
    st.integers(0, 20),
    st.sampled_from((1.0, 0.4)),
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 10**4), st.integers(0, 10**4)), min_size=1, max_size=6),
)
def test_changed_answers_read_as_in_aiobotocore(
    which: tuple[str, str], seed: int, fill: float, steps: list[Any]
) -> None:
    asked = service(which[0]).operation_model(which[1])
    protocol = asked.service_model.resolved_protocol
    made = answer(asked, seed, fill)
    if made["body"]:
        made["body"] = (mutate_json if protocol in JSON else mutate_xml)(made["body"], steps)
    assert Parsers(protocol).differ(made, asked.output_shape) is None
