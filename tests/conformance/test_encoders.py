"""Parameters become requests, or are refused, word for word as by botocore's validator and serializers."""

from __future__ import annotations

import copy
import enum
import io
import os
import random
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ParamValidationError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.serialize import JSONSerializer, create_serializer
from botocore.validate import ParamValidationDecorator, ParamValidator
from dateutil.tz import gettz, tzlocal, tzutc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiosdk._aws import serializers
from aiosdk._aws.models import Packed
from aiosdk._aws.serializers import CompiledSerializer, compiled_serializer
from tests.support.inputs import Inputs, spoil

DEEP = os.environ.get("AIOSDK_DEEP") == "1"
FILLS = (0, 1, 0.5, 0.3, 0.8) if DEEP else (0, 1, 0.5)
# All that is left to botocore: what they take is a stream of events.
LEFT_TO_BOTOCORE = {
    "bedrock-runtime InvokeModelWithBidirectionalStream",
    "connecthealth StartMedicalScribeListeningSession",
    "lexv2-runtime StartConversation",
    "polly StartSpeechSynthesisStream",
    "qbusiness Chat",
}


@pytest.fixture(autouse=True)
def forget_what_is_compiled() -> Iterator[None]:
    yield
    serializers._shared.clear()


_KNOWN = Loader()
SERVICES = _KNOWN.list_available_services("service-2")


def _service(name: str) -> ServiceModel:
    loader = Loader()  # one that goes with its model
    loader._cache.update(_KNOWN._cache)  # finding out which services there are takes longer than most models
    description = loader.load_service_model(name, "service-2")
    description["shapes"] = Packed(description["shapes"])
    return ServiceModel(description, name)


def _pair(model: ServiceModel, **options: Any) -> tuple[Any, Any]:
    """botocore's serializer and ours."""
    reference = create_serializer(model.resolved_protocol, **options)
    return reference, compiled_serializer(reference)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal in values, types and order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one is other or one == other)


def _outcome(call: Callable[[], Any]) -> tuple[Any, ...]:
    try:
        return "gives", call()
    except Exception as error:
        return "raises", type(error), str(error)


def _check(pair: tuple[Any, Any], operation: OperationModel, parameters: Any) -> tuple[Any, ...]:
    """Check that ours does with parameters what botocore does, and leaves them alone. Gives what that is."""
    reference, ours = pair
    before = repr(parameters)
    expected = _outcome(lambda: reference.serialize_to_request(parameters, operation))
    got = _outcome(lambda: ours.serialize_to_request(parameters, operation))
    assert _same(got, expected), (operation.name, parameters, got, expected)
    assert repr(parameters) == before
    return expected


def _is_encoded(ours: Any, operation: OperationModel, parameters: Any) -> bool:
    """Whether ours needs no help."""
    return _outcome(lambda: ours.encoder(operation)(parameters))[0] == "gives"


def _case(service: str, operation: str, **options: Any) -> tuple[tuple[Any, Any], OperationModel]:
    model = _service(service)
    return _pair(model, **options), model.operation_model(operation)


@pytest.mark.timeout(900)
def test_every_operation_is_serialised_and_refused_as_by_botocore() -> None:
    counts: Counter[str] = Counter()
    left: set[str] = set()
    for service in SERVICES:
        model = _service(service)
        pair = _pair(model)
        if pair[1] is pair[0]:
            assert model.resolved_protocol == "smithy-rpc-v2-cbor"
            continue
        names = list(model.operation_names)
        if not DEEP:
            names = random.Random(service).sample(names, -(-len(names) // 8))
        for name in names:
            operation = model.operation_model(name)
            counts["operations"] += 1
            for fill in FILLS:
                seed = f"{service} {name} {fill}"
                parameters = Inputs(seed, fill).of(operation)
                assert _check(pair, operation, parameters)[0] == "gives", seed
                counts["inputs"] += 1
                if not _is_encoded(pair[1], operation, parameters):
                    left.add(f"{service} {name}")
                counts[_check(pair, operation, spoil(parameters, seed))[0]] += 1
        serializers._shared.clear()
    assert left == LEFT_TO_BOTOCORE if DEEP else left <= LEFT_TO_BOTOCORE
    assert counts["operations"] > (19_000 if DEEP else 2_400)
    assert counts["raises"] > counts["gives"] * 5, "too little of what was spoilt is refused"
    print(dict(counts))


@pytest.mark.parametrize("precision", ["default", "millisecond", "legacy"])
@pytest.mark.parametrize("validation", [True, False])
def test_without_validation_and_in_other_precisions_as_well(precision: str, validation: bool) -> None:
    for service in ("s3", "sqs", "autoscaling", "logs", "groundstation", "connect", "iot-data"):
        model = _service(service)
        pair = _pair(model, include_validation=validation, timestamp_precision=precision)
        for name in model.operation_names[:: 1 if DEEP else 9]:
            operation = model.operation_model(name)
            parameters = Inputs((name, precision), 1).of(operation)
            assert _check(pair, operation, parameters)[0] == "gives"
            assert _is_encoded(pair[1], operation, parameters)
            _check(pair, operation, spoil(parameters, name))


def test_an_error_is_botocores_alone() -> None:
    (_, ours), operation = _case("sqs", "SendMessage")
    with pytest.raises(ParamValidationError) as raised:
        ours.serialize_to_request({"QueueUrl": 5, "Unknown": 1}, operation)
    assert str(raised.value).count("\n") == 3
    assert raised.value.__context__ is None


INVALID = [
    ("s3", "GetObject", {}),
    ("s3", "GetObject", {"Bucket": "b", "Key": ""}),
    ("s3", "GetObject", {"Bucket": None, "Key": "k"}),
    ("s3", "GetObject", {"Bucket": "b", "Key": "k", "IfModifiedSince": "no time", "PartNumber": "1"}),
    ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": 5, "Metadata": {"a": 1, 2: "b"}}),
    ("s3", "PutObject", [("Bucket", "b"), ("Key", "k")]),
    ("s3", "PutBucketAcl", {"Bucket": "b", "AccessControlPolicy": {"Grants": [{"Grantee": {}}, 1, None]}}),
    ("s3control", "GetAccessPoint", {"AccountId": "not/a/label", "Name": "abc"}),
    ("s3control", "GetAccessPoint", {"AccountId": "", "Name": "abc"}),
    ("dynamodb", "PutItem", {"TableName": "", "Item": {"a": {"S": 1, "L": [{"N": 2}]}}}),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {"a": "text", "b": None, "c": {"X": 1}}}),
    ("ecs", "RegisterTaskDefinition", {"containerDefinitions": {"name": "x"}, "cpu": 256}),
    ("ec2", "RunInstances", {"MinCount": "1", "SecurityGroupIds": "sg-1", "Nothing": 1}),
    ("ec2", "DescribeInstances", {"MaxResults": 1.5, "Filters": [{"Name": "n", "Values": "v"}]}),
    ("iam", "ListUsers", {"MaxItems": 0, "PathPrefix": ""}),
    ("iam", "CreateRole", {"RoleName": "", "Tags": [{"Key": ""}, {}]}),
    ("logs", "PutLogEvents", {"logGroupName": "g", "logEvents": []}),
    ("bedrock-runtime", "Converse", {"modelId": "m", "messages": [{"role": "user", "content": [{}]}]}),
    ("bedrock-runtime", "Converse", {"modelId": "m", "additionalModelRequestFields": {"a": {1, 2}}}),
    ("bedrock-runtime", "Converse", {"modelId": "m", "messages": [{"content": [{"text": "a", "image": {}}]}]}),
    ("iot-data", "Publish", {"topic": "t", "userProperties": {"a": b"bytes"}}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), INVALID)
def test_what_is_invalid_gets_botocores_report(service: str, operation: str, parameters: Any) -> None:
    pair, model = _case(service, operation)
    assert _check(pair, model, parameters)[0] == "raises"


class _Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "said otherwise"


class _Colour(enum.StrEnum):
    RED = "red & green"


class _Mixed(str, enum.Enum):  # noqa: UP042 - which says its name as a text
    ONE = "first/one"


class _Number(enum.IntEnum):
    THREE = 3


class _Moment(datetime):
    def strftime(self, format: str) -> str:  # noqa: A002 - as in its base
        return "in its own way"


@pytest.mark.parametrize("text", [_Text("a<b"), _Colour.RED, _Mixed.ONE])
def test_texts_of_other_classes_are_written_as_botocore_writes_them(text: str) -> None:
    put: dict[str, Any] = {"Bucket": text, "Key": text, "ContentType": text, "Metadata": {text: text}}
    for service, operation, parameters in (
        ("s3", "PutObject", put),
        ("s3", "ListObjectsV2", {"Bucket": text, "Prefix": text, "OptionalObjectAttributes": [text]}),
        ("s3", "DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": text}]}}),
        ("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": text}),
        ("dynamodb", "PutItem", {"TableName": text, "Item": {text: {"S": text, "SS": [text], "B": text}}}),
        (
            "iam",
            "CreateRole",
            {"RoleName": text, "AssumeRolePolicyDocument": "{}", "Tags": []},
        ),
        (
            "apigateway",
            "GetExport",
            {"restApiId": text, "stageName": "s", "exportType": "", "parameters": {text: text}},
        ),
    ):
        pair, model = _case(service, operation)
        assert _check(pair, model, parameters)[0] == "gives"


def test_other_classes_of_dictionaries_lists_numbers_and_times_do_as_well() -> None:
    pair, model = _case("ecs", "RegisterTaskDefinition")
    container = OrderedDict(name="x", cpu=_Number.THREE, essential=True, command=("a", "b"), memory=True)
    _check(pair, model, OrderedDict(family="f", containerDefinitions=(container,)))
    _check(pair, model, {"family": "f", "containerDefinitions": [{"environment": Counter("ab")}]})
    pair, model = _case("s3", "GetObject")
    moment = _Moment(2026, 1, 2, tzinfo=UTC)
    _check(pair, model, {"Bucket": "b", "Key": "k", "PartNumber": _Number.THREE, "IfModifiedSince": moment})
    _check(pair, model, {"Bucket": "b", "Key": "k", "ResponseExpires": moment})
    pair, model = _case("geo-maps", "GetStaticMap")
    for zoom in (1, True, 1.5, Decimal("2.50"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), 10**400, "1"):
        _check(pair, model, {"Height": 1, "Width": 2, "FileName": "map", "Zoom": zoom})


ZONES: tuple[tzinfo | None, ...] = (
    *(None, UTC, tzutc(), tzlocal(), gettz("Europe/Berlin")),
    *(timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(seconds=1))),
)


def _moments(chance: random.Random) -> Iterator[Any]:
    for _ in range(3000 if DEEP else 300):
        zone = chance.choice(ZONES)
        moment = datetime(1970, 1, 1) + timedelta(seconds=chance.randint(-(2**33), 2**34))  # noqa: DTZ001
        yield moment.replace(microsecond=chance.choice((0, 0, 1, 999, 1000, 999_999, 500_000)), tzinfo=zone)
    for hour in range(48):  # New York's clocks go back at 6 of the first of November 2026, in UTC
        yield datetime(2026, 10, 31, 12, 30, tzinfo=UTC) + timedelta(hours=hour)
        yield 1793448000 + hour * 3600
        yield datetime(2026, 11, 1, hour % 24, 30, tzinfo=tzlocal(), fold=hour // 24)
    first, last = datetime.min, datetime.max  # noqa: DTZ901
    yield from (first, last, first.replace(tzinfo=ZONES[5]), first.replace(tzinfo=ZONES[6]), last.replace(year=999))
    yield from (
        0,
        -1,
        1.5,
        1e18,
        "1.5",
        "2026-01-02",
        "2026-01-02T03:04:05.678+09:30",
        "nothing",
        True,
        b"5",
        Decimal(1),
    )


@pytest.mark.parametrize("precision", ["default", "millisecond", "legacy"])
@pytest.mark.parametrize("where", ["UTC", "America/New_York"])
def test_timestamps_of_any_zone_in_any_place_and_precision(
    monkeypatch: pytest.MonkeyPatch, where: str, precision: str
) -> None:
    monkeypatch.setenv("TZ", where)
    time.tzset()
    try:
        get, put = _case("s3", "GetObject", timestamp_precision=precision)
        delete = _case("s3", "DeleteObjects", timestamp_precision=precision)
        scale = _case("autoscaling", "DescribeScheduledActions", timestamp_precision=precision)
        audit = _case("cloudtrail", "LookupEvents", timestamp_precision=precision)
        copied = _case("s3", "CopyObject", timestamp_precision=precision)
        for moment in _moments(random.Random(where + precision)):
            _check(get, put, {"Bucket": "b", "Key": "k", "IfModifiedSince": moment, "ResponseExpires": moment})
            objects = [{"Key": "k", "LastModifiedTime": moment}]
            _check(*delete, {"Bucket": "b", "Delete": {"Objects": objects}})
            _check(*scale, {"StartTime": moment})
            _check(*audit, {"StartTime": moment})
            source = {"Bucket": "b", "Key": "k", "CopySource": "c/d"}
            _check(*copied, {**source, "ObjectLockRetainUntilDate": moment})
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_host_label_that_botocore_lets_through_is_let_through() -> None:
    pair, model = _case("s3control", "GetAccessPoint")
    request = _check(pair, model, {"AccountId": "label\n", "Name": "abc"})[1]
    assert request["host_prefix"] == "label\n."


def test_a_body_is_passed_on_as_it_is() -> None:
    pair, model = _case("s3", "PutObject")
    for body in (b"bytes", bytearray(b"array"), "text ✓", "", io.BytesIO(b"file"), io.StringIO("text")):
        parameters: dict[str, Any] = {"Bucket": "b", "Key": "k", "Body": body}
        request = _check(pair, model, parameters)[1]
        assert request["body"] is body or isinstance(body, str)
        assert not hasattr(body, "tell") or body.tell() == 0  # type: ignore[union-attr]


def test_what_is_given_may_be_changed_and_changes_nothing_else() -> None:
    for service, operation, parameters in (
        ("sqs", "SendMessage", {"QueueUrl": "u", "MessageBody": "b"}),
        ("sts", "AssumeRole", {"RoleArn": "r" * 20, "RoleSessionName": "name"}),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "p"}),
        ("s3", "ListBuckets", {}),
        ("apigateway", "GetAccount", {}),
        ("amp", "ListScrapers", {"filters": {"a": ["b"]}}),
    ):
        (reference, ours), model = _case(service, operation)
        first = ours.serialize_to_request(parameters, model)
        expected = copy.deepcopy(first)
        first["headers"]["x"] = "y"
        if isinstance(first["body"], dict):
            first["body"]["x"] = "y"
        if isinstance(first["query_string"], dict):
            first["query_string"]["x"] = "y"
        assert _same(ours.serialize_to_request(parameters, model), expected)
        assert _same(reference.serialize_to_request(parameters, model), expected)


def test_operations_are_compiled_once_for_all_clients_of_a_packed_model() -> None:
    model = _service("sqs")
    one, other = _pair(model)[1], _pair(model)[1]
    operation, again = model.operation_model("SendMessage"), ServiceModel(model._service_description, "sqs")
    encode = one.encoder(operation)
    assert other.encoder(again.operation_model("SendMessage")) is encode
    assert _pair(model, timestamp_precision="legacy")[1].encoder(operation) is not encode
    description = {**model._service_description, "shapes": dict(model._service_description["shapes"])}
    own = ServiceModel(description, "sqs").operation_model("SendMessage")
    assert one.encoder(own) is not one.encoder(own)
    _check((create_serializer("json"), one), own, {"QueueUrl": "u", "MessageBody": "b"})


def test_a_path_that_a_handler_changes_is_compiled_anew() -> None:
    model = _service("s3")
    operation = model.operation_model("GetObject")
    parameters = {"Bucket": "b", "Key": "k"}
    assert _pair(model)[1].encoder(operation)(parameters)["url_path"] == "/b/k"
    operation.http["requestUri"] = "/{Key+}"
    assert _pair(model)[1].encoder(operation)(parameters)["url_path"] == "/k"


def test_a_structure_that_contains_itself_is_compiled_once() -> None:
    pair, model = _case("dynamodb", "PutItem")
    value: dict[str, Any] = {"S": "deep"}
    for depth in range(40):
        value = {"M": {"a": value}} if depth % 2 else {"L": [value]}
    assert _check(pair, model, {"TableName": "t", "Item": {"a": value}})[0] == "gives"
    [compiler] = serializers._shared.values()
    [encoders] = [
        cell.cell_contents
        for cell in compiler._compile.__closure__ or ()  # type: ignore[attr-defined]
        if hasattr(cell.cell_contents, "_compiled")
    ]
    assert 3 < len(encoders._compiled) < 12


def test_serializers_that_are_not_plainly_botocores_stay() -> None:
    class Own(JSONSerializer):
        pass

    class Validator(ParamValidator):
        pass

    for reference in (
        create_serializer("smithy-rpc-v2-cbor"),
        Own(),
        ParamValidationDecorator(ParamValidator(), Own()),
        ParamValidationDecorator(Validator(), JSONSerializer()),
    ):
        assert compiled_serializer(reference) is reference


def test_the_serializer_of_a_client_is_one_that_we_know() -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = botocore.session.get_session().create_client("sqs", region_name="eu-west-1", **keys)
    assert isinstance(compiled_serializer(client._serializer), CompiledSerializer)


def test_a_model_that_makes_no_sense_is_left_to_botocore() -> None:
    def change(shapes: dict[str, Any], shape: dict[str, Any]) -> tuple[Any, OperationModel]:
        description = copy.deepcopy(Loader().load_service_model("sqs", "service-2"))
        description["shapes"].update(shapes)
        description["shapes"]["SendMessageRequest"]["members"]["MessageBody"] = shape
        model = ServiceModel(description, "sqs")
        return _pair(model), model.operation_model("SendMessage")

    for shapes, shape in (
        ({}, {"shape": "Missing"}),
        ({"Odd": {"type": "odd"}}, {"shape": "Odd"}),
        ({"Odd": {"type": "timestamp", "timestampFormat": "odd"}}, {"shape": "Odd"}),
        ({"Odd": {"type": "string", "min": "a"}}, {"shape": "Odd"}),
        ({"Odd": {"type": "list", "member": {"shape": "Odd"}}}, {"shape": "Odd"}),
        ({"Odd": {"type": "map", "key": {"shape": "Integer"}, "value": {"shape": "Odd"}}}, {"shape": "Odd"}),
    ):
        pair, model = change(shapes, shape)
        for value in ("text", "", 5, [[]], {1: {}}):
            _check(pair, model, {"QueueUrl": "u", "MessageBody": value})


def _shape(kind: str, **traits: Any) -> dict[str, Any]:
    return {"type": kind, **traits}


def _to(shape: str, **traits: Any) -> dict[str, Any]:
    return {"shape": shape, **traits}


_SCALARS = ("string", "integer", "long", "boolean", "float", "double", "blob", "timestamp")
_NAMED: dict[str, Any] = {"locationName": "named"}
_SPACE: dict[str, Any] = {"xmlNamespace": {"uri": "https://a/?b&c", "prefix": "p"}}
# What no service of today has in every protocol, in one structure.
_ODD_SHAPES: dict[str, Any] = {
    **{kind: _shape(kind) for kind in _SCALARS},
    "Iso": _shape("timestamp", timestampFormat="iso8601"),
    "Rfc": _shape("timestamp", timestampFormat="rfc822"),
    "Epoch": _shape("timestamp", timestampFormat="unixTimestamp"),
    "Texts": _shape("list", member=_to("string"), min=1),
    "Flat": _shape("list", member=_to("string"), flattened=True),
    "FlatNamed": _shape("list", member=_to("Leaf", locationName="leaf"), flattened=True),
    "ListNamed": _shape("list", member=_to("timestamp", locationName="when")),
    "Lists": _shape("list", member=_to("Texts")),
    "Spaced": _shape("list", member=_to("string"), flattened=True, **_SPACE),
    "Map": _shape("map", key=_to("string"), value=_to("Leaf")),
    "FlatMap": _shape("map", key=_to("string"), value=_to("Flat"), flattened=True),
    "NamedMap": _shape("map", key=_to("string", locationName="k"), value=_to("double", locationName="v")),
    "Numbered": _shape("map", key=_to("integer"), value=_to("string")),
    "Union": _shape("structure", union=True, members={"a": _to("string"), "b": _to("Union"), "c": _to("Texts")}),
    "Document": _shape("structure", document=True, members={}),
    "Empty": _shape("structure", members={}),
    "Leaf": _shape(
        "structure",
        required=["x"],
        members={
            "x": _to("string"),
            "y": _to("Union"),
            "z": _to("Leaf"),
            "e": _to("Empty", locationName="empty"),
            "attribute": _to("string", xmlAttribute=True, locationName="p:attribute"),
        },
        **_SPACE,
    ),
}


def _odd(protocol: str, members: dict[str, Any], **traits: Any) -> tuple[tuple[Any, Any], OperationModel]:
    """An operation of a service of our own."""
    path = "/a/{label}/{number}/{path+}?x" if "label" in members else "/"
    required = [name for name in ("label", "number", "path") if name in members]
    description = {
        "metadata": {
            "protocol": protocol,
            "apiVersion": "1",
            "endpointPrefix": "odd",
            "serviceId": "Odd",
            "targetPrefix": "Odd",
            "jsonVersion": "1.1",
        },
        "operations": {
            "Do": {
                "name": "Do",
                "http": {"method": "PATCH", "requestUri": path, "authPath": path},
                "input": _to("Input", locationName="Root", xmlNamespace={"uri": "https://root"}),
                "endpoint": {"hostPrefix": "odd."},
            }
        },
        "shapes": {**_ODD_SHAPES, "Input": _shape("structure", members=members, required=required, **traits)},
    }
    model = ServiceModel(description, "odd")
    return _pair(model), model.operation_model("Do")


@pytest.mark.parametrize("protocol", ["json", "rest-json", "rest-xml", "query", "ec2"])
def test_traits_that_no_service_uses_today(protocol: str) -> None:
    members = {f"In{name}": _to(name, **(_NAMED if name == "Map" else {})) for name in _ODD_SHAPES}
    members["Other"] = _to("Flat", locationName="other", queryName="Another")
    pair, model = _odd(protocol, members)
    encoded = Counter[str]()
    for name in members:
        for number in range(12):
            one = {name: Inputs((name, number), 0.7).of(model).get(name, {})}
            _check(pair, model, one)
            encoded[name] += _is_encoded(pair[1], model, one)
    for number in range(200 if DEEP else 30):
        _check(pair, model, Inputs((protocol, number), number % 3 / 2).of(model))
    never = {name for name in members if not encoded[name]}
    assert never <= {"InNumbered", "InSpaced", "InDocument"}, "left to botocore"


_PLACED: dict[str, Any] = {
    "label": _to("string", location="uri", locationName="label"),
    "number": _to("double", location="uri", locationName="number"),
    "path": _to("string", location="uri", locationName="path"),
    **{f"query {each}": _to(each, location="querystring", locationName=f"q{each}") for each in _SCALARS},
    **{f"header {each}": _to(each, location="header", locationName=f"x-{each}") for each in _SCALARS},
    **{f"query {each}": _to(each, location="querystring") for each in ("Iso", "Rfc", "Epoch", "Texts", "ListNamed")},
    **{f"header {each}": _to(each, location="header") for each in ("Iso", "Rfc", "Epoch", "Texts", "Flat", "Lists")},
    "query map": _to("Texts by name", location="querystring"),
    "query of texts": _to("Headers", location="querystring"),
    "headers": _to("Headers", location="headers", locationName="content-"),
    "status": _to("integer", location="statusCode"),
    "json": _to("string", location="header", jsonvalue=True),
    "in the body": _to("Leaf", locationName="leaf"),
}


@pytest.mark.parametrize("payload", [None, "blob", "string", "Leaf", "Texts", "Document", "Union"])
@pytest.mark.parametrize("protocol", ["rest-json", "rest-xml"])
def test_places_that_no_service_uses_today(protocol: str, payload: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_ODD_SHAPES, "Headers", _shape("map", key=_to("string"), value=_to("string")))
    monkeypatch.setitem(_ODD_SHAPES, "Texts by name", _shape("map", key=_to("string"), value=_to("Flat")))
    traits = {} if payload is None else {"payload": "payload"}
    members = _PLACED if payload is None else {**_PLACED, "payload": _to(payload, locationName="Payload")}
    pair, model = _odd(protocol, members, **traits)
    labels: dict[str, Any] = {"label": "a,b/c", "number": 1.5, "path": "a/b c//"}
    for name in members:
        for number in range(12):
            _check(pair, model, {**labels, name: Inputs((name, number), 0.7).of(model).get(name, "text")})
    for number in range(200 if DEEP else 30):
        _check(pair, model, Inputs((payload, number), number % 3 / 2).of(model))
    assert _is_encoded(pair[1], model, labels)
    for more in (
        {"header Texts": ["a,b", 'c"d', "e"], "header Flat": []},
        {"header Flat": [""]},
        {"headers": {"Type": "text/plain", "length": "5"}, "payload": {"x": "y"}},
        {"headers": {"type": "text/plain"}, "in the body": {"x": "y"}},
        {"query map": {"a": ["b", "c"], "qstring": ["d"]}, "query string": "e"},
        {"payload": None},
    ):
        _check(pair, model, {**labels, **more})


_any_text = st.text(st.characters(), max_size=12)
_wrong = st.one_of(st.none(), st.integers(), st.floats(), st.binary(max_size=3), st.lists(st.integers(), max_size=2))
_maybe_text = st.one_of(_any_text, _any_text, _any_text, _wrong)
_attribute = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"S": _maybe_text}),
        st.fixed_dictionaries({"N": _any_text}),
        st.fixed_dictionaries({"BOOL": st.booleans()}),
        st.fixed_dictionaries({"B": st.one_of(st.binary(max_size=5), _any_text)}),
        st.fixed_dictionaries({"SS": st.lists(_any_text, max_size=3)}),
        st.fixed_dictionaries({"NULL": st.just(True)}, optional={"BS": st.lists(st.binary(max_size=3), max_size=2)}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"M": st.dictionaries(_any_text, inner, max_size=3)}),
    ),
    max_leaves=8,
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _any_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_any_text, inner, max_size=3)),
    max_leaves=8,
)
_often = settings(
    max_examples=2000 if DEEP else 150,
    deadline=None,
    derandomize=not DEEP,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
_put_item = _case("dynamodb", "PutItem")
_put_object = _case("s3", "PutObject")
_delete_objects = _case("s3", "DeleteObjects")
_describe_instances = _case("ec2", "DescribeInstances")
_put_metric = _case("autoscaling", "PutScalingPolicy")
_converse = _case("bedrock-runtime", "Converse")
_publish = _case("iot-data", "Publish")


@_often
@given(st.dictionaries(_any_text, _attribute, max_size=4))
def test_any_item_of_dynamodb(item: Any) -> None:
    _check(*_put_item, {"TableName": "t", "Item": item})


@_often
@given(_maybe_text, st.dictionaries(_any_text, _maybe_text, max_size=3), _maybe_text, st.booleans())
def test_any_key_and_metadata_of_s3(key: Any, metadata: Any, kind: Any, enabled: bool) -> None:
    parameters = {"Bucket": "b", "Key": key, "Metadata": metadata, "ContentType": kind, "BucketKeyEnabled": enabled}
    _check(*_put_object, parameters)


@_often
@given(st.lists(st.fixed_dictionaries({"Key": _any_text}, optional={"VersionId": _maybe_text, "Size": st.integers()})))
def test_any_list_in_xml(objects: Any) -> None:
    _check(*_delete_objects, {"Bucket": "b", "Delete": {"Objects": objects, "Quiet": True}})


@_often
@given(st.lists(st.fixed_dictionaries({}, optional={"Name": _maybe_text, "Values": st.lists(_maybe_text, max_size=3)})))
def test_any_filter_of_ec2(filters: Any) -> None:
    _check(*_describe_instances, {"Filters": filters})


@_often
@given(st.one_of(st.floats(), st.integers(), st.decimals(), _wrong), st.integers())
def test_any_number_in_a_form(number: Any, adjustment: int) -> None:
    steps = [{"ScalingAdjustment": adjustment, "MetricIntervalLowerBound": number}]
    _check(*_put_metric, {"AutoScalingGroupName": "g", "PolicyName": "p", "StepAdjustments": steps})


@_often
@given(_json, st.one_of(st.floats(), st.decimals(), st.integers()))
def test_any_document(document: Any, temperature: Any) -> None:
    configuration = {"temperature": temperature}
    _check(*_converse, {"modelId": "m/n", "inferenceConfig": configuration, "additionalModelRequestFields": document})
    _check(*_publish, {"topic": "t", "userProperties": document, "payload": "p"})
