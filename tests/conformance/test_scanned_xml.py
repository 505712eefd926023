"""Bodies in XML read from their tokens: what is read is what aiobotocore reads; what is not plain is left to a tree.

`AIOSDK_DEEP=1` asks for more of everything.
"""

from __future__ import annotations

import copy
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiobotocore.parsers import PROTOCOL_PARSERS
from botocore.handlers import _handle_200_error
from botocore.model import OperationModel, ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk._aws.models import shared_loader
from aiosdk._aws.s3_bodies import find_error
from aiosdk._aws.xml_bodies import body_decoder
from aiosdk._compile.decode.columns import timestamps
from aiosdk._compile.decode.tokens import cut, skip
from aiosdk._compile.timestamps import parse_timestamp
from tests.support.answers import answer, response
from tests.support.parsing import STEPS, XML, Parsers, difference, moment, mutate_xml, outcome

DEEP = bool(os.environ.get("AIOSDK_DEEP"))
pytestmark = pytest.mark.timeout(3600 if DEEP else 240)


def operation(service: str, name: str) -> OperationModel:
    model = ServiceModel(shared_loader(None).load_service_model(service, "service-2"), service)
    return model.operation_model(name)


def protocol_of(model: OperationModel) -> str:
    return model.service_model.resolved_protocol


def s3_page(keys: int, *, owner: bool = False) -> bytes:
    by = "<Owner><ID>75aa57f0</ID><DisplayName>me &amp; you</DisplayName></Owner>" if owner else ""
    records = "".join(
        f"<Contents><Key>a/ü{n:05}&amp;.jpg</Key><LastModified>2026-01-{1 + n % 28:02}T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;{n:032x}&quot;</ETag><Size>{n}</Size>{by}<StorageClass>STANDARD</StorageClass></Contents>"
        for n in range(keys)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>b</Name><Prefix/><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{records}"
        "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes></ListBucketResult>\n"
    ).encode()


def iam_page(users: int) -> bytes:
    records = "".join(
        f"\n<member>\n <Path>/</Path>\n<UserName>u{n}</UserName> <CreateDate>2026-01-02T03:04:{n % 60:02}Z</CreateDate>"
        f"{'<Tags><member><Key>k</Key><Value/></member></Tags>' if n % 13 == 5 else ''}</member>"
        for n in range(users)
    )
    return (
        "<ListUsersResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><ListUsersResult><Users>"
        f"{records}\n</Users><IsTruncated>false</IsTruncated></ListUsersResult>\n"
        "<ResponseMetadata><RequestId>r</RequestId><Other></Other></ResponseMetadata></ListUsersResponse>"
    ).encode()


def ec2_page(instances: int) -> bytes:
    tag = "<item><key>k</key><value>v</value></item>"
    records = "".join(
        f"<item><reservationId>r-{n}</reservationId><groupSet/><instancesSet><item><instanceId>i-{n}</instanceId>"
        f"<instanceState><code>16</code><name>running</name></instanceState><launchTime>2026-01-02T03:04:05.000Z"
        f"</launchTime><ebsOptimized>true</ebsOptimized><tagSet>{tag * (n // 20)}</tagSet></item></instancesSet></item>"
        for n in range(instances)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/'
        f'2016-11-15/"><requestId>r</requestId><reservationSet>{records}</reservationSet></DescribeInstancesResponse>'
    ).encode()


PAGES: dict[str, tuple[str, str, bytes]] = {
    "keys": ("s3", "ListObjectsV2", s3_page(40)),
    "keys with owners": ("s3", "ListObjectsV2", s3_page(23, owner=True)),
    "users": ("iam", "ListUsers", iam_page(60)),
    "instances": ("ec2", "DescribeInstances", ec2_page(60)),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_from_its_tokens(name: str) -> None:
    service, called, body = PAGES[name]
    model = operation(service, called)
    decode = body_decoder(model.output_shape, protocol_of(model))
    assert decode is not None
    assert decode(body)
    assert Parsers(protocol_of(model)).differ(response(body), model.output_shape) is None


FIELDS = [
    "<ETag>&quot;e&quot;</ETag>",
    "<Size>1</Size>",
    "<StorageClass>STANDARD</StorageClass>",
    "<Owner/>",
]
FIELDS += ["<Owner><ID>i</ID></Owner>", "<Owner><DisplayName>d</DisplayName><ID>i</ID></Owner>", "<New><a>1</a></New>"]
FIELDS += ["<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>", "<LastModified>2026-01-02T03:04:05.000Z</LastModified>"]
FIELDS += ["<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>", "<StorageClass />"]


@pytest.mark.parametrize("kinds", [1, 2, 5, 40])
def test_records_of_several_kinds_are_read_in_their_order(kinds: int) -> None:
    judge = Judge("s3", "ListObjectsV2")
    for seed in range(200 if DEEP else 20):
        chance = random.Random(f"{kinds} {seed}")
        picks = [chance.sample(FIELDS, chance.randrange(8)) for _ in range(kinds)]
        forms = ["".join({re.split("[ />]", each)[0]: each for each in pick}.values()) for pick in picks]
        records = [f"<Contents><Key>{n}</Key>{chance.choice(forms)}</Contents>" for n in range(chance.choice((9, 150)))]
        body = f"<R>{''.join(records)}<CommonPrefixes/>{''.join(records[::2])}</R>".encode()
        assert judge.wrong(body) is None, body
    assert not judge.read[False]


def models(protocol: str) -> Iterator[OperationModel]:
    loader = shared_loader(None)
    for name in loader.list_available_services("service-2"):
        service = ServiceModel(loader.load_service_model(name, "service-2"), name)
        if service.resolved_protocol == protocol:
            yield from map(service.operation_model, service.operation_names)


@pytest.mark.parametrize("protocol", XML)
def test_most_answers_of_every_service_are_plain(protocol: str) -> None:
    """That they are read right is shown by the tests of all decoders."""
    read = Counter[bool]()
    for model in models(protocol):
        shape = model.output_shape
        made = answer(model, "plain", 1.0) if shape is not None else response(b"<R/>")
        decode = body_decoder(shape, protocol)
        if decode is None or not isinstance(made["body"], bytes):
            read[False] += 1
            continue
        try:
            decode(made["body"])
            read[True] += 1
        except Exception:
            read[False] += 1
    assert read[True] / read.total() > 0.97, read


def damages(body: bytes, seed: object) -> Iterator[bytes]:
    """A body with some bytes lost, repeated, or replaced by what could matter."""
    chance = random.Random(str(seed))
    while True:
        at, to = (chance.randrange(len(body)) for _ in range(2))
        size = chance.choice((1, 1, 1, 2, 5, 20, 300))
        kind = chance.randrange(5)
        if kind == 0:
            yield body[:at] + body[at + size :]
        elif kind == 1:
            yield body[:at] + body[at : at + size] + body[at:]
        elif kind == 2:
            yield body[:at] + body[to : to + size] + body[at:]
        else:
            yield body[:at] + chance.choice(ODD) + body[at + (size if kind == 3 else 0) :]


ODD = [b"<", b">", b"&", b";", b"/", b'"', b"'", b" ", b"=", b":", b"]]>", b"\r", b"\r\n", b"\n", b"\t", b"\0", b"\x0b"]
ODD += [b"\x1f", b"\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbf\xbe"]
ODD += [b"\xef\xbf\xbf", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98\x80", b"\xc3"]
ODD += [b"&amp;", b"&lt;", b"&gt;", b"&apos;", b"&quot;", b"&nbsp;", b"&amp;quot;", b"&#38;quot;", b"&AMP;", b"& amp;"]
ODD += [b"&#13;", b"&#xD;", b"&#10;", b"&#0;", b"&#1;", b"&#x1F;", b"&#xD800;", b"&#xFFFE;", b"&#xFFFF;", b"&#x10FFFF;"]
ODD += [
    b"&#x110000;",
    b"&#60;",
    b"&#x3e;",
    b"&#00065;",
    b"&#99999999999;",
    b"&#;",
    b"&#x;",
    b"&#X41;",
    b"&#-1;",
    b"&#65",
]
ODD += [b"<!-- c -->", b"<!-- c -- d -->", b"<![CDATA[x]]>", b"<![CDATA[<a>]]>", b"<?pi?>", b"<?pi x?>", b"<?xml?>"]
ODD += [b"<!DOCTYPE a>", b"<a/>", b"<a />", b"<a  />", b"<a></a>", b"<a ></a >", b"<a>x<b/></a>", b"</a>", b"<a>"]
ODD += [b"<a b='c'/>", b"<a b='c' b='d'/>", b"<a b/>", b"<a xmlns='u'/>", b"<n:a/>", b"<n:a xmlns:n='u'/>", b"< a/>"]
ODD += [
    b"</ a>",
    b"<1/>",
    b"<-a/>",
    b"<a.b-c_1/>",
    b"<\xc3\xa9/>",
    b"<>",
    b"</>",
    b"<//>",
    b"<a//>",
    b"<Key/>",
    b"<Key>",
]
ODD += [b"</Key>", b"<Contents/>", b"</Contents><Contents>", b"<Size>1</Size>", b"<item>", b"</item>", b"</item><item>"]
ODD += [b"<member/>", b"</member><member>", b"<Error/>", b"<RequestId/>", b"<requestId>2</requestId>", b"<tagSet/>"]


class Judge:
    """Compares what an operation's decoder makes of bodies with what aiobotocore's parser makes of them."""

    def __init__(self, service: str, name: str) -> None:
        model = operation(service, name)
        self.shape = model.output_shape
        self.protocol = protocol_of(model)
        self.theirs = PROTOCOL_PARSERS[self.protocol]()
        decode = body_decoder(self.shape, self.protocol)
        assert decode is not None
        self.decode = decode
        self.read = Counter[bool]()

    def wrong(self, body: bytes) -> str | None:
        """Say what is wrong with what was read, if something was."""
        try:
            ours = self.decode(body)
        except Exception:
            self.read[False] += 1
            return None
        self.read[True] += 1
        kind, theirs, *_ = outcome(self.theirs, response(body, headers={}), self.shape)
        if kind != "value":
            return f"it is no answer: {theirs}"
        metadata = theirs["ResponseMetadata"]
        del metadata["HTTPStatusCode"], metadata["HTTPHeaders"]
        if not metadata and "ResponseMetadata" not in ours:
            del theirs["ResponseMetadata"]
        return difference(ours, theirs)


@pytest.mark.parametrize("name", PAGES)
def test_a_damaged_page_is_read_as_in_aiobotocore_or_left_to_it(name: str) -> None:
    service, called, body = PAGES[name]
    judge, bodies = Judge(service, called), damages(body, name)
    found = [(each, wrong) for _ in range(50_000 if DEEP else 1_000) if (wrong := judge.wrong(each := next(bodies)))]
    assert found[:3] == [], len(found)
    assert min(judge.read.values()) > judge.read.total() / 20, judge.read


@pytest.mark.parametrize("name", PAGES)
def test_odd_things_anywhere_in_a_page_are_read_as_in_aiobotocore_or_left_to_it(name: str) -> None:
    service, called, body = PAGES[name]
    judge, chance = Judge(service, called), random.Random(name)
    cuts = [at for at in range(len(body) + 1) if body[at - 1 : at] in (b">", b"<", b"/") or body[at : at + 1] in b"</>"]
    found = []
    for odd in ODD:
        for at in [0, len(body), *cuts[:30], *chance.choices(cuts, k=300 if DEEP else 6)]:
            made = body[:at] + odd + body[at:]
            if wrong := judge.wrong(made):
                found.append((made, wrong))
    assert found[:3] == [], len(found)
    assert min(judge.read.values()) > judge.read.total() / 20, judge.read


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_breaks_off_is_never_read(name: str) -> None:
    service, called, body = PAGES[name]
    judge = Judge(service, called)
    complete = len(body.rstrip())
    for end in (
        range(1, complete) if DEEP else [*range(1, 600), *range(600, complete, 7), *range(complete - 300, complete)]
    ):
        with pytest.raises(Exception):  # noqa: B017, PT011 - which one does not matter
            judge.decode(body[:end])
    assert judge.decode(body[:complete])


HEADS = [
    *("", " ", "\n", "\ufeff", "x", "<?xml version='1.0'?>", " <?xml version='1.0'?>", "<?xml version='1.1'?>"),
    *("<?xml version='1.0' encoding='utf-8'?>\n", "<?xml version='1.0' encoding='latin-1'?>", "<?xml?>"),
    *("<?xml version='1.0' encoding='utf-16'?>", "<?xml version=\"1.0' ?>", "<?xml version='1.0' standalone='no'?>"),
    *("<?xml version='1.0' standalone='maybe'?>", "<?xml encoding='utf-8' version='1.0'?>", "<?XML version='1.0'?>"),
    *("<?xml version='1.0'?><?xml version='1.0'?>", "<!-- c -->", "<!DOCTYPE R>", "<?pi?>", "<![CDATA[]]>", "</R>"),
    *("<?xml version='1.0' encoding='Utf-8' standalone='yes' ?>", "<?xml  version='1.0'?>", "&#32;", "&amp;"),
]
ROOTS = [
    *("R", "Error", "R xmlns='u'", 'R xmlns="u"', "R xmlns=''", "R xmlns='u' xmlns='v'", "R xmlns='a&quot;b'", "R "),
    *("R xmlns='a}b'", "R xmlns='http://www.w3.org/XML/1998/namespace'", "R xmlns='http://www.w3.org/2000/xmlns/'"),
    *('R xmlns="a&quot;', "R xmlns='a\"", "R xmlns='&lt;'", "R xmlns='<'", "R a='b'", "R xmlns:n='u'", "n:R", "1", ""),
    *(
        "R xmlns='u' a='b'",
        "R xmlns=u",
        "R xmlns",
        "R/",
        "R xmlns='u'/",
        "R xmlns = 'u'",
        "R\nxmlns='u'",
        "é",
        "R&amp;",
    ),
]


@pytest.mark.parametrize("service", [("s3", "ListObjectsV2"), ("iam", "ListUsers"), ("ec2", "DescribeInstances")])
def test_heads_and_tails_are_read_as_in_aiobotocore_or_left_to_it(service: tuple[str, str]) -> None:
    judge = Judge(*service)
    inner = {"rest-xml": "<Name>n</Name>", "query": "<ListUsersResult/>", "ec2": "<nextToken>n</nextToken>"}
    for head in HEADS:
        for root in ROOTS:
            name = root.split(" ")[0].partition("\n")[0]
            for tail in ("", "\n", "x", "<R/>", "<!-- c -->", "&#32;", "&amp;", ">", "<", "\0", "</R>"):
                body = f"{head}<{root}>{inner[judge.protocol]}</{name}>{tail}".encode()
                assert judge.wrong(body) is None, body
    assert min(judge.read.values()) > 20, judge.read


CHANGED = [("s3", "ListObjectsV2"), ("s3", "ListObjectVersions"), ("s3", "ListParts"), ("route53", "ListHostedZones")]
CHANGED += [("iam", "ListUsers"), ("sns", "GetTopicAttributes"), ("cloudformation", "DescribeStacks")]
CHANGED += [("elasticache", "DescribeCacheClusters"), ("ec2", "DescribeInstances"), ("ec2", "DescribeVpcs")]


@settings(max_examples=10_000 if DEEP else 300, deadline=None)
@given(
    st.sampled_from(CHANGED),
    st.integers(0, 20),
    st.integers(2, 40),
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 10**4), st.integers(0, 10**4)), max_size=6),
)
def test_changed_pages_are_read_as_in_aiobotocore(which: tuple[str, str], seed: int, times: int, steps: Any) -> None:
    model = operation(*which)
    made = answer(model, seed, 0.5)
    root = ET.fromstring(made["body"])
    nested = [node for node in root.iter() if any(len(each) for each in node)]
    if nested:  # a long list, most likely
        parent = nested[seed % len(nested)]
        parent[:] = [copy.deepcopy(each) for each in parent for _ in range(times)]
    made["body"] = mutate_xml(ET.tostring(root), steps)
    made["body"] = re.sub(rb"\bns0:|:ns0\b", b"", made["body"])  # as AWS writes it
    assert Parsers(protocol_of(model)).differ(made, model.output_shape) is None


@pytest.mark.parametrize("name", ["keys", "keys with owners"])
def test_an_answer_with_status_200_is_an_error_where_botocore_says_so(name: str) -> None:
    service, called, body = PAGES[name]
    model, bodies, seen = operation(service, called), damages(body, name), Counter[int]()
    parsers = Parsers("rest-xml")
    odd = [b"", b" ", b"<Error/>", b"<Error><Code>c</Code></Error>", b"<Error xmlns='u'></Error>", b"<R/>", b"x"]
    for each in [body, *odd, *(body[:end] for end in range(0, len(body), 50)), *(next(bodies) for _ in range(1_000))]:
        ours, theirs = response(each), response(each)
        find_error(model, ours)
        _handle_200_error(model, theirs)
        assert ours["status_code"] == theirs["status_code"], each
        assert ours["body"] == theirs["body"]
        seen[ours["status_code"]] += 1
        read = [outcome(parsers.ours, ours, model.output_shape) for _ in range(2)]
        expected = outcome(parsers.theirs, theirs, model.output_shape)
        assert [difference(one, expected) for one in read] == [None, None], each
        if expected[0] == "value":
            assert read[0][1] is not read[1][1]
    assert min(seen.values()) > 50, seen


TIMES = ["2026-01-02T03:04:05Z", "2026-07-02T03:04:05.678Z", "1999-12-31T23:59:59Z", "2024-02-29T00:00:00.999Z"]
ODD_TIMES = ["2026-02-30T00:00:00Z", "0999-01-01T00:00:00Z", "2026-01-02T03:04:05+01:00", "2026-01-02", "", "x", "1"]
ODD_TIMES += ["2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "٢026-01-02T03:04:05Z", "0000-00-00T00:00:00Z", "NaN"]


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "Europe/London", "UTC0BST", "UTC5", "GMT0BST", "America/New_York"]
)
def test_many_timestamps_are_read_as_each_of_them(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    convert, chance = timestamps(parse_timestamp), random.Random(zone)
    try:
        for odd in (None, *ODD_TIMES, None, *TIMES):
            values = chance.choices([each for each in TIMES if len(each) == chance.choice((20, 24))] or TIMES, k=20)
            if odd is not None:
                values[chance.randrange(20)] = odd
            assert _times(convert, values) == _times(lambda all_: [parse_timestamp(each) for each in all_], values)
    finally:
        monkeypatch.undo()
        time.tzset()


def _times(convert: Callable[[list[str]], list[datetime]], values: list[str]) -> Any:
    try:
        return [moment(each) for each in convert(values)]
    except Exception:
        return None  # a parser of aiobotocore's says what is wrong


@pytest.mark.parametrize("body", [b"<a><b>x</b><c/><d /> <e>1&lt;2</e></a>", b"<?xml version='1.0'?> <a>\n</a>\n"])
def test_a_plain_body_is_cut_into_tags_and_texts(body: bytes) -> None:
    tags, texts = cut(body)
    assert len(tags) == len(texts)
    assert tags[0] == "a"
    assert skip(tags, 0) == len(tags)
    assert "".join(texts).strip() == "".join(ET.fromstring(body).itertext()).strip()


def test_a_decoder_is_compiled_once() -> None:
    shape = operation("iam", "ListUsers").output_shape
    assert body_decoder(shape, "query") is body_decoder(shape, "query")


@pytest.mark.parametrize(
    ("service", "name"),
    [("dynamodb", "GetItem"), ("s3", "GetObject"), ("s3", "SelectObjectContent"), ("lambda", "Invoke")],
)
def test_there_is_no_decoder_of_what_is_not_in_xml(service: str, name: str) -> None:
    model = operation(service, name)
    assert body_decoder(model.output_shape, protocol_of(model)) is None


@pytest.mark.parametrize(
    ("protocol", "body", "expected"),
    [
        ("rest-xml", b"", {}),
        ("query", b"<R><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></R>", {"RequestId": "r"}),
        ("query", b"<R></R>", {}),
        ("ec2", b"<R><return>true</return><requestId>r</requestId></R>", {"RequestId": "r"}),
        ("ec2", b"<R><requestId></requestId></R>", {"RequestId": None}),
    ],
)
def test_an_operation_without_output_has_a_request_id(protocol: str, body: bytes, expected: Any) -> None:
    decode = body_decoder(None, protocol)
    assert decode is not None
    assert decode(body) == ({"ResponseMetadata": expected} if expected else {})
    if body:
        assert Parsers(protocol).differ(response(body), None) is None


def test_only_an_error_by_its_name_is_left_where_there_is_no_body_to_read() -> None:
    model = operation("s3", "PutObject")
    decode = body_decoder(model.output_shape, "rest-xml")
    assert decode is not None
    assert decode(b"") == {}
    assert decode(b"<R></R>") == {}
    with pytest.raises(Exception):  # noqa: B017, PT011 - which one does not matter
        decode(b"<Error></Error>")
