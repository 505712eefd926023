"""Odd answers, of a service that has one of everything, read as in aiobotocore: the same values, or the same errors."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from aiobotocore.parsers import PROTOCOL_PARSERS
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError

from aiosdk._aws.models import read_model
from aiosdk._aws.parsers import DecodingParserFactory
from tests.support.answers import response
from tests.support.parsing import JSON, XML, Parsers, outcome


def _of(shape: str, **traits: Any) -> dict[str, Any]:
    return {"shape": shape, **traits}


SCALARS = ("string", "character", "integer", "long", "float", "double", "boolean", "timestamp", "blob")
MODEL_SHAPES: dict[str, Any] = {
    **{kind.title(): {"type": kind} for kind in SCALARS},
    "Tag": {"type": "structure", "members": {"Key": _of("String"), "Value": _of("Integer", locationName="value")}},
    "Tags": {"type": "list", "member": _of("Tag", locationName="item")},
    "Words": {"type": "list", "member": _of("String")},
    "Flat": {"type": "list", "flattened": True, "member": _of("Integer")},
    "Named": {"type": "list", "flattened": True, "member": _of("Tag", locationName="Each")},
    "Times": {"type": "list", "member": _of("Timestamp")},
    "Matrix": {"type": "list", "member": _of("Flat")},
    "Map": {"type": "map", "key": _of("String"), "value": _of("Integer")},
    "FlatMap": {
        "type": "map",
        "flattened": True,
        "key": _of("String", locationName="K"),
        "value": _of("Tags", locationName="V"),
    },
    "Rows": {"type": "map", "key": _of("String"), "value": _of("Flat")},
    "Maps": {"type": "list", "member": _of("FlatMap")},
    "Choice": {"type": "structure", "union": True, "members": {"One": _of("String"), "Two": _of("Tags")}},
    "Document": {"type": "structure", "document": True, "members": {}},
    "Clash": {"type": "structure", "members": {k: _of(k, locationName="both") for k in ("String", "Flat", "Tag")}},
    "Twins": {"type": "structure", "members": {k: _of("String", locationName="both") for k in ("First", "Second")}},
    "Answer": {
        "type": "structure",
        "members": {
            **{kind: _of(kind) for kind in ("Tags", "Words", "Flat", "Matrix", "Map", "FlatMap", "Rows", "Maps")},
            **{kind: _of(kind) for kind in ("Named", "Times", "Choice", "Document", "Answer")},
            **{kind.title(): _of(kind.title()) for kind in SCALARS},
            "Other": _of("String", locationName="other"),
            "Clash": _of("Clash"),
            "Twins": _of("Twins"),
        },
    },
    "Heads": {
        "type": "structure",
        "members": {
            **{k.title(): _of(k.title(), location="header", locationName=f"x-{k}") for k in SCALARS},
            "Words": _of("Words", location="header", locationName="x-words"),
            "Times": _of("Times", location="header", locationName="x-times"),
            "Json": _of("String", location="header", locationName="x-json", jsonvalue=True),
            "Some": _of("Map", location="headers", locationName="x-"),
            "All": _of("Map", location="headers", locationName=""),
            "Status": _of("Integer", location="statusCode"),
            "Body": _of("String"),
        },
    },
}


@cache
def model(protocol: str) -> ServiceModel:
    """A service with one of everything, kept for good as real ones are."""
    operation = {"name": "Ask", "http": {"method": "POST", "requestUri": "/"}}
    output = {"shape": "Answer", "resultWrapper": "AskResult"} if protocol == "query" else {"shape": "Answer"}
    operations = {"Ask": {**operation, "output": output}, "Heads": {**operation, "output": {"shape": "Heads"}}}
    metadata = {"protocol": protocol, "protocols": [protocol], "serviceId": "s", "apiVersion": "1"}
    text = json.dumps({"metadata": metadata, "operations": operations, "shapes": MODEL_SHAPES})
    return ServiceModel(read_model("service-2", text.encode()), "s")


ODD_TEXTS = ("", " ", "x", " x ", "1", " +1_0 ", "٣", "1.5", "1e400", "1e18", "9" * 5000, "NaN", "-Infinity")
ODD_TEXTS += ("true", "True", " true ", "AA==", "A", "é", "2026-01-01", "&#49;", "<b/>")
ODD_TEXTS += ("<![CDATA[<1>]]>", "1<!-- 2 -->", "<?pi?>true", "<![CDATA[1]]>2026")
TAG, PAIR = "<Key>k</Key><value>1</value>", "<key>a</key><value>1</value>"
ODD_XML = [
    "text<Other/>",
    "<n:other xmlns:n='urn:n'>x</n:other>",
    "<Tags xmlns='urn:a'><b:c xmlns:b='urn:b'><b:Key>k</b:Key></b:c></Tags>",
    "<other xmlns='urn:1'>x</other><other xmlns='urn:2'>y</other>",
    "<other a='b' xml:lang='de'>x</other>",
    *(f"<{kind.title()}>{text}</{kind.title()}>" for kind in SCALARS for text in ODD_TEXTS),
    *(f"<{kind.title()}>1</{kind.title()}><{kind.title()}>1</{kind.title()}>" for kind in SCALARS),
    *(f"<{name}/>" for name in MODEL_SHAPES["Answer"]["members"]),
    *(f"<{name}/><{name}/>" for name in MODEL_SHAPES["Answer"]["members"]),
    *("<Unknown><Key/></Unknown>", "<other/><OTHER/>", "<Answer><Answer><other>x</other></Answer></Answer>"),
    f"<Tags><item>{TAG}</item><whatever>{TAG}</whatever>text<!-- c --></Tags>",
    f"<Tags><item>{TAG}{TAG}</item></Tags>",
    f"<Tags><item>{TAG}</item></Tags><Tags><item>{TAG}</item></Tags>",
    "<Words><member>a</member><member/> <member><b/></member></Words>",
    *(
        "<Flat>1</Flat>",
        "<Flat>1</Flat><other/><Flat>2</Flat>",
        "<Flat>1</Flat><Flat>x</Flat>",
        "<Flat><Flat>1</Flat></Flat>",
    ),
    *(
        f"<Each>{TAG}</Each>",
        f"<Each>{TAG}</Each><Each/>",
        f"<Named>{TAG}</Named>",
        f"<Named><Each>{TAG}</Each></Named>",
    ),
    *(f"<Map>{entries}</Map>" for entries in (f"<entry>{PAIR}</entry>" * 2, f"<e>{PAIR}</e>", "<entry/>", PAIR, "x")),
    "<Map><entry><value>1</value><key>a</key></entry></Map>",
    f"<Map><entry>{PAIR}</entry><entry><key>b</key></entry></Map>",
    f"<Map><entry>{PAIR}</entry><entry><value>2</value></entry><entry/></Map>",
    f"<Map><entry>{PAIR}<value>2</value></entry></Map>",
    f"<Map><entry>{PAIR}<odd/></entry></Map>",
    "<Map><entry><key>a</key><key>b</key></entry></Map>",
    "<n:Map xmlns:n='u'><n:entry><n:key>a</n:key><n:value>1</n:value></n:entry></n:Map>",
    "<FlatMap><K>a</K><V><item><Key>k</Key></item></V></FlatMap>",
    "<FlatMap><K>a</K><V/></FlatMap><FlatMap><K>a</K><V><x/></V></FlatMap><FlatMap><K/><V/></FlatMap>",
    "<FlatMap><K>a</K></FlatMap>",
    "<Matrix><member>1</member><member><member>1</member><member>2</member></member></Matrix>",
    "<Rows><entry><key>a</key><value>1</value></entry></Rows>",
    "<Rows><entry><key>a</key><value><member>1</member></value></entry></Rows>",
    "<Maps><member><K>a</K><V/></member></Maps>",
    "<Maps><member><entry><K>a</K><V/></entry></member></Maps>",
    *(
        f"<Choice>{of}</Choice>"
        for of in ("<One>a</One>", "<One/><Two/>", "<Three/>", "<Two/>", "<One/><One/>", "<__type/>")
    ),
    *(f"<Clash>{both}</Clash>" for both in ("<both>1</both>", "<both/><both/>", f"<both>1</both><both>{TAG}</both>")),
    "<Twins><both>x</both></Twins>",
    "<Document><a>1</a></Document>",
]


@pytest.mark.parametrize("protocol", XML)
def test_odd_xml_reads_as_in_aiobotocore(protocol: str) -> None:
    parsers, shape = Parsers(protocol), model(protocol).operation_model("Ask").output_shape
    metadata = "<ResponseMetadata><RequestId>r</RequestId><Extra/></ResponseMetadata><requestId>r</requestId>"
    form = (
        f"<R xmlns='urn:r'><AskResult>%s</AskResult>{metadata}</R>" if protocol == "query" else f"<R>%s{metadata}</R>"
    )
    given = [response((form % inside).encode()) for inside in ODD_XML]
    assert [(each["body"], wrong) for each in given if (wrong := parsers.differ(each, shape))] == []
    read = [outcome(parsers.ours, each, shape)[0] for each in given]
    assert min(read.count("error"), read.count("value")) > 100


ODD_DOCUMENTS = [
    *(
        b"",
        b" ",
        b"x",
        b"<",
        b"<R>",
        b"<R/>",
        b"<R/>x",
        b"<R/><R/>",
        b"\xff\xfe\x00",
        b"\x00",
        b"{}",
        b"null",
        b"<html></html>",
    ),
    b"\xef\xbb\xbf<R><AskResult><other>x</other></AskResult></R>",
    b" <?xml version='1.0'?><R/>",
    b"<?xml version='1.0' encoding='iso-8859-1'?><R><AskResult><other>\xe9</other></AskResult><other>\xe9</other></R>",
    "<R><AskResult><other>x</other></AskResult><other>x</other></R>".encode("utf-16"),
    b"<R><AskResult><other>&nbsp;</other></AskResult></R>",
    b"<R><AskResult><other>x</other></AskResult><AskResult><other>y</other></AskResult></R>",
    b"<R><AskResult/><AskResult><other>y</other></AskResult></R>",
    b"<R><Wrong><other>x</other></Wrong></R>",
    b"<AskResult><other>x</other></AskResult>",
    b"<R><AskResult/><ResponseMetadata/><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></R>",
    b"<R><AskResult/><requestId>a</requestId><requestId>b</requestId></R>",
    b"<R xmlns:x='u'><x:AskResult><x:other>x</x:other></x:AskResult><x:other>x</x:other></R>",
    b"<Error><Code>C</Code></Error>",
    b"<R><!-- c --><?pi?><AskResult><!-- c --></AskResult></R>",
    *(
        b"[]",
        b'"x"',
        b"1",
        b'{"Other": "x"',
        b'{"Other": "\xff"}',
        b'\xef\xbb\xbf{"other": "x"}',
        b'{"other": "x"} ',
        b'{"other": 1, "other": 2}',
    ),
    '{"other": "x"}'.encode("utf-16"),
]


@pytest.mark.parametrize("protocol", [*JSON, *XML])
def test_odd_documents_read_as_in_aiobotocore(protocol: str) -> None:
    parsers, ask = Parsers(protocol), model(protocol).operation_model("Ask")
    heads = model(protocol).shape_for("Heads")
    for body in ODD_DOCUMENTS:
        for status in (200, 300):
            for shape in (ask.output_shape, heads, None):
                assert parsers.differ(response(body, status=status), shape) is None, (body, shape)


ODD_VALUES = [
    "null",
    "1",
    "-0.0",
    "1.0",
    "1e400",
    "NaN",
    "Infinity",
    "9" * 4000,
    "true",
    "false",
    '""',
    '"x"',
    '"1"',
    '" 1 "',
]
ODD_VALUES += [
    '"True"',
    '"NaN"',
    '"AA=="',
    '"A"',
    '"\\u00e9"',
    '"\\ud800"',
    '"2026-01-01T00:00:00Z"',
    "1e18",
    "-1",
    "[]",
    "{}",
]
ODD_VALUES += [
    "[null]",
    "[1, null]",
    '["a"]',
    "[[1], null, []]",
    '{"a": null}',
    '{"a": 1, "b": null}',
    '{"a": [1, null]}',
]
ODD_VALUES += ['[{"Key": "k", "value": "1", "odd": {}}, {}, null]', '{"__type": "t"}', '{"One": "x"}', '{"One": null}']
ODD_VALUES += [
    '{"One": "x", "Two": null}',
    '{"One": "x", "Two": []}',
    '{"One": "x", "__type": "t"}',
    '{"Three": 1}',
    '{"Two": null, "Three": 1}',
]
ODD_VALUES += [
    '{"Two": [{"Key": null}]}',
    '{"other": "x"}',
    '{"other": null}',
    '{"both": "x"}',
    '{"Flat": ["1"]}',
    '{"Flat": "12"}',
    '{"odd": 1, "other": 2}',
]


@pytest.mark.parametrize("protocol", JSON)
def test_odd_json_reads_as_in_aiobotocore(protocol: str) -> None:
    parsers, shape = Parsers(protocol), model(protocol).operation_model("Ask").output_shape
    members = [member.serialization.get("name", name) for name, member in shape.members.items()]
    pairs = [f'"{name}": {value}' for name in members for value in ODD_VALUES]
    given = [
        response(body.encode()) for pair in pairs for body in (f"{{{pair}}}", f'{{"a": 1, {pair}, "String": "s"}}')
    ]
    assert [(each["body"], wrong) for each in given if (wrong := parsers.differ(each, shape))] == []
    read = [outcome(parsers.ours, each, shape)[0] for each in given]
    assert min(read.count("error"), read.count("value")) > 500


@pytest.mark.parametrize("protocol", ["rest-json", "rest-xml"])
def test_odd_headers_read_as_in_aiobotocore(protocol: str) -> None:
    parsers, shape = Parsers(protocol), model(protocol).shape_for("Heads")
    body = b"<R><Body>x</Body><String>in the body</String></R>"
    if protocol == "rest-json":
        body = b'{"Body": "x", "x-string": "in the body", "x-words": ["a"], "x-json": "e30=", "x-": {"a": 1}}'
    texts = ["", " ", "x", "1", "1.5", "true", "TRUE", "a, b,c", "1, 2", "e30=", "bnVsbA==", "AA==", "1767323045", "é"]
    texts += ["2026-01-01T00:00:00Z", "Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-01, 2026-01-02T00:00:00Z"]
    for name in (
        "string",
        "character",
        "integer",
        "long",
        "float",
        "double",
        "boolean",
        "timestamp",
        "blob",
        "words",
        "times",
        "json",
    ):
        for text in texts:
            for headers in ({f"x-{name}": text}, {f"X-{name.upper()}": text, "X-Other": "o"}):
                for status in (200, 206):
                    given = response(body, headers=headers, status=status)
                    assert parsers.differ(given, shape) is None, headers


def test_a_model_that_went_is_not_mistaken_for_the_next_one() -> None:
    parser = DecodingParserFactory().create_parser("rest-json")
    for kind, expected in [("string", "1"), ("integer", 1)] * 20:
        shapes = {"Answer": {"type": "structure", "members": {"Value": {"shape": "Value"}}}, "Value": {"type": kind}}
        text = json.dumps({"metadata": {}, "operations": {}, "shapes": shapes}).encode()
        shape = ServiceModel(read_model("service-2", text), "s").shape_for("Answer")
        assert outcome(parser, response(b'{"Value": "1"}'), shape)[1]["Value"] == expected
        del shape


@pytest.mark.parametrize("protocol", [*JSON, *XML])
def test_a_flaw_of_a_model_matters_only_to_answers_that_meet_it(protocol: str) -> None:
    shapes = {
        "Answer": {"type": "structure", "members": {"Good": {"shape": "Good"}, "Inner": {"shape": "Inner"}}},
        "Inner": {"type": "structure", "members": {"Bad": {"shape": "NotThere"}}},
        "Good": {"type": "string"},
    }
    shape = ServiceModel({"metadata": {}, "operations": {}, "shapes": shapes}, "s").shape_for("Answer")
    bodies = (
        [b'{"Good": "x"}', b'{"Inner": {}}'] if protocol in JSON else [b"<R><Good>x</Good></R>", b"<R><Inner/></R>"]
    )
    parsers = Parsers(protocol)
    assert [parsers.differ(response(body), shape) for body in bodies] == [None, None]


def _behind_guards(parser: object) -> type:
    """The class whose work a parser does."""
    return next(each for each in type(parser).__mro__ if each.__module__.startswith("aiobotocore"))


@pytest.mark.parametrize("protocol", XML)
def test_a_document_type_is_refused_which_aiobotocore_reads(protocol: str) -> None:
    body = b"<!DOCTYPE R [<!ENTITY e 'x'>]><R><AskResult><other>&e;</other></AskResult><other>&e;</other></R>"
    kind, error, text = outcome(
        Parsers(protocol).ours, response(body), model(protocol).operation_model("Ask").output_shape
    )
    assert (kind, error) == ("error", ResponseParserError)
    assert "document type" in text


def test_parsers_of_a_users_own_settings_and_of_cbor_are_aiobotocores() -> None:
    factory = DecodingParserFactory()
    assert factory.create_parser("json") is factory.create_parser("json")
    assert _behind_guards(factory.create_parser("smithy-rpc-v2-cbor")) is PROTOCOL_PARSERS["smithy-rpc-v2-cbor"]
    factory.set_parser_defaults(timestamp_parser=str)
    for protocol in (*JSON, *XML):
        assert _behind_guards(factory.create_parser(protocol)) is PROTOCOL_PARSERS[protocol]
    with pytest.raises(KeyError, match="soap"):
        factory.create_parser("soap")
