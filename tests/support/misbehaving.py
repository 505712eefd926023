"""A server with a little of each protocol, for many cases at once, in each of which something else goes wrong.

    with Misbehaving() as server:
        case = server.case(operation="GetObject", spoil=..., times=2)
        ... a session with `case.keys` talks to `server.url` ...
        assert case.befallen == 2

A case is known by the access key of its requests, and has buckets, tables and users of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support import s3_answers
from tests.support.listings import INSTANCES, OBJECTS, USERS, Shelf, numbered
from tests.support.s3_operations import Operations
from tests.support.s3_requests import S3Request
from tests.support.s3_store import S3Error, Store, Version
from tests.support.server import Answer, CountingServer, Request

Spoil = Callable[[Request, Answer], Answer]
"""Makes of a good answer what comes instead."""
ALWAYS = 10**9
_CREDENTIAL = re.compile("Credential=(CASE[0-9]+)/")


def protocol_of(request: Request) -> str:
    """Which protocol a request speaks: json, query, ec2, cbor, rest-json or rest-xml."""
    if "x-amz-target" in request.headers:
        return "json"
    if request.body.startswith(b"Action="):
        return "ec2" if b"Version=2016-11-15" in request.body else "query"
    if "smithy-protocol" in request.headers:
        return "cbor"
    return "rest-json" if request.path.startswith("/2015-03-31/") else "rest-xml"


def operation_of(request: Request) -> str:
    """The name of the operation that a request asks for."""
    protocol = protocol_of(request)
    if protocol == "json":
        return request.headers["x-amz-target"].partition(".")[2]
    if protocol in ("query", "ec2"):
        return request.body[7:].partition(b"&")[0].decode()
    if protocol == "cbor":
        return request.path.rpartition("/")[2]
    return "ListFunctions" if protocol == "rest-json" else _s3(request).operation


def _s3(request: Request) -> S3Request:
    return S3Request(request.method, request.target, request.headers, request.body)


@dataclass
class Case:
    """What one session talks to, and what goes wrong there."""

    name: str
    operation: str
    spoil: Spoil
    times: int
    skip: int
    befallen: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    regions: list[str] = field(default_factory=list)
    store: Store = field(default_factory=lambda: Store(0))
    items: dict[str, Any] = field(default_factory=dict)
    listed: dict[str, Shelf] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, str]:
        return {"aws_access_key_id": self.name, "aws_secret_access_key": "secret", "region_name": "us-east-1"}

    async def answer(self, request: Request) -> Answer:
        operation = operation_of(request)
        self.seen[operation] += 1
        self.regions.append(request.headers["authorization"].split("/")[2])
        wanted = operation == self.operation
        if wanted and self.skip:
            self.skip -= 1
            wanted = False
        if not (wanted and self.befallen < self.times):
            return await self.good(request, operation)
        self.befallen += 1
        # What was spoiled did not happen, unless it was the answer only that was spoiled.
        return self.spoil(request, await self.good(request, operation))

    async def good(self, request: Request, operation: str) -> Answer:
        if operation in self.listed:
            return await self.listed[operation](request)
        if (make := getattr(self, f"_{operation}", None)) is not None:
            return make(request)
        return self._perform(request)

    def _perform(self, request: Request) -> Answer:
        asked = _s3(request)
        try:
            given = Operations(self.store).perform(asked)
        except S3Error as problem:
            given = s3_answers.error(problem, asked.key)
        return Answer(given.status, given.body, dict(given.headers))

    def _ListTables(self, _: Request) -> Answer:  # noqa: N802
        return _json({"TableNames": ["t"]})

    def _DescribeTable(self, _: Request) -> Answer:  # noqa: N802
        return _json({"Table": {"TableName": "t", "TableStatus": "ACTIVE"}})

    def _BatchWriteItem(self, request: Request) -> Answer:  # noqa: N802
        ((_, writes),) = json.loads(request.body)["RequestItems"].items()
        for each in writes:
            item = each["PutRequest"]["Item"]
            self.items[item["id"]["S"]] = item
        return _json({"UnprocessedItems": {}})

    def _Scan(self, _: Request) -> Answer:  # noqa: N802
        return _json({"Items": list(self.items.values()), "Count": len(self.items)})

    def _GetUser(self, _: Request) -> Answer:  # noqa: N802
        user = b"<User><Path>/</Path><UserName>u</UserName><UserId>i</UserId><Arn>a</Arn></User>"
        return Answer(body=b"<GetUserResponse><GetUserResult>%s</GetUserResult></GetUserResponse>" % user)

    def _ListFunctions(self, _: Request) -> Answer:  # noqa: N802
        return _json({"Functions": [{"FunctionName": "f"}]})

    def _ListEventBuses(self, _: Request) -> Answer:  # noqa: N802
        return Answer(body=b"\xa1jEventBuses\x80", headers={"smithy-protocol": "rpc-v2-cbor", **_CBOR})


_CBOR = {"Content-Type": "application/cbor"}


def _json(value: Any) -> Answer:
    return Answer(body=json.dumps(value).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


class Misbehaving(CountingServer):
    """A server for many cases."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.cases: dict[str, Case] = {}
        self._numbers = itertools.count(1)
        self._released = threading.Event()

    def case(self, operation: str, spoil: Spoil, times: int = ALWAYS, skip: int = 0) -> Case:
        """Begin a case: `spoil` befalls the requests of an operation, so many times, after so many of them."""
        case = Case(f"CASE{next(self._numbers)}", operation, spoil, times, skip)
        case.store.create("bucket")
        case.listed["ListUsers"] = Shelf(USERS, numbered("u", 30), most=10)
        case.listed["DescribeInstances"] = Shelf(INSTANCES, numbered("i-", 30), most=10)
        self.cases[case.name] = case
        return case

    async def _answer(self, request: Request) -> Answer:
        found = _CREDENTIAL.search(request.headers["authorization"])
        assert found is not None
        self.requests.clear()
        return await self.cases[found[1]].answer(request)

    async def released(self) -> None:
        """Wait until the server ends."""
        while not self._released.is_set():
            await asyncio.sleep(0.01)

    def __exit__(self, *exc_info: object) -> None:
        self._released.set()
        super().__exit__(*exc_info)


def put(case: Case, key: str, body: bytes) -> None:
    """Have an object in the bucket of a case."""
    case.store.find("bucket").put(Version(key, body))


def list_keys(case: Case, keys: list[str], page: int) -> None:
    """Have so many keys in its listing, without objects."""
    case.listed["ListObjectsV2"] = Shelf(OBJECTS, keys, most=page)


# Answers instead of the good one

ERROR_XML = "<Error><Code>{0}</Code><Message>Told to.</Message></Error>"
QUERY_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{0}</Code><Message>Told to.</Message></Error></ErrorResponse>"
)
EC2_ERROR = "<Response><Errors><Error><Code>{0}</Code><Message>Told to.</Message></Error></Errors></Response>"
BODIES = {"rest-xml": ERROR_XML, "query": QUERY_ERROR, "ec2": EC2_ERROR}


def error_answer(protocol: str, status: int, code: str, **headers: str) -> Answer:
    """An error in the words of a protocol."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if protocol in BODIES:
        return Answer(status, BODIES[protocol].format(code).encode(), named)
    if protocol == "rest-json":
        return Answer(status, b'{"message":"Told to."}', {"x-amzn-ErrorType": code, **named})
    if protocol == "cbor":
        text = code.encode()
        body = b"\xa1f__type" + (b"\x78%c" % len(text) if len(text) > 23 else b"%c" % (0x60 + len(text))) + text
        return Answer(status, body, {"smithy-protocol": "rpc-v2-cbor", **_CBOR, **named})
    return Answer(status, json.dumps({"__type": f"x#{code}", "message": "Told to."}).encode(), named)


def refusing(status: int, code: str | dict[str, str], **headers: str) -> Spoil:
    """An error instead of the answer; its code may differ from protocol to protocol."""

    def spoil(request: Request, _: Answer) -> Answer:
        protocol = protocol_of(request)
        return error_answer(protocol, status, code if isinstance(code, str) else code[protocol], **headers)

    return spoil


def with_mishap(mishap: Any) -> Spoil:
    """The good answer, which something befalls on its way."""
    return lambda request, answer: replace(answer, mishap=mishap)


def saying(status: int, body: bytes, **headers: str) -> Spoil:
    """Another answer, whatever was asked."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, answer: Answer(status, body, named)
