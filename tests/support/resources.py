"""boto3's resources and ours side by side: boto3's definition files, its classes, and clients that only pretend.

Nothing here waits for anything: `run` drives ours to its end, and boto3's runs as it is.
"""

from __future__ import annotations

import copy
import datetime
import functools
import glob
import json
import os
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import boto3.utils
from botocore import xform_name

import aiosdk.types

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
SERVICE = "ServiceResource"


class Version(NamedTuple):
    """One of boto3's definition files."""

    service: str
    api_version: str
    latest: bool
    path: str

    def __str__(self) -> str:
        return self.service if self.latest else f"{self.service}@{self.api_version}"

    @property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """What the file says, by the name of the class."""
        document = _read(self.path)
        return {SERVICE: document["service"], **document["resources"]}

    @property
    def ours(self) -> Any:
        """Our classes."""
        return getattr(aiosdk.types, str(self))

    @property
    def theirs(self) -> Boto3Classes:
        """boto3's classes."""
        return _boto3_classes(self)


@functools.cache
def _read(path: str) -> dict[str, Any]:
    return json.loads(Path(path).read_text())


def _versions() -> Iterator[Version]:
    folder = os.path.join(os.path.dirname(boto3.__file__), "data")
    paths = sorted(glob.glob(f"{folder}/*/*/resources-1.json"))
    for path in paths:
        service, api_version = path.split(os.sep)[-3:-1]
        latest = max(each for each in paths if each.split(os.sep)[-3] == service)
        yield Version(service, api_version, path == latest, path)


VERSIONS = list(_versions())
LATEST = [each for each in VERSIONS if each.latest]


class Paging(NamedTuple):
    """The tokens that go in and that come out, what tells that there is more, and what asks for a number."""

    inputs: list[str]
    outputs: list[str]
    more: str | None
    size: str | None


class Boto3Classes:
    """boto3's classes for one version of a service, and a client of botocore's that sends nothing."""

    def __init__(self, version: Version) -> None:
        session = boto3.Session(**KEYS)
        root: Any = session.resource(version.service, api_version=version.api_version, endpoint_url="http://[::1]:1")
        self.client: Any = root.meta.client
        self.model: Any = self.client.meta.service_model
        self.operations: dict[str, str] = dict(self.client._PY_TO_OP_NAME)
        self.waiters: list[str] = self.client.waiter_names
        self._paginators: dict[str, Any] = {}
        context = boto3.utils.ServiceContext(
            service_name=version.service,
            service_model=self.model,
            service_waiter_model=None,
            resource_json_definitions=_read(version.path)["resources"],
        )
        self.classes: dict[str, Any] = {
            name: type(root)
            if name == SERVICE
            else session.resource_factory.load_from_definition(name, definition, context)
            for name, definition in version.definitions.items()
        }

    def __getitem__(self, kind: str) -> Any:
        return self.classes[kind]

    def identifiers(self, kind: str) -> list[str]:
        """The names of a resource's identifiers."""
        return [each.name for each in self.classes[kind].meta.resource_model.identifiers]

    def paginator(self, operation: str) -> Any:
        """botocore's paginator of an operation, if it has one."""
        name = xform_name(operation)
        if name not in self._paginators:
            self._paginators[name] = self.client.get_paginator(name) if self.client.can_paginate(name) else None
        return self._paginators[name]

    def paging(self, operation: str) -> Paging | None:
        """How the pages of an operation hang together."""
        paginator = self.paginator(operation)
        if paginator is not None:
            outputs = [each.expression.partition(" ")[0] for each in paginator._output_token]
            more = paginator._more_results and paginator._more_results.expression
            return Paging(paginator._input_token, outputs, more, paginator._limit_key)
        model = self.model.operation_model(operation)
        if all(shape and "NextToken" in shape.members for shape in (model.input_shape, model.output_shape)):
            return Paging(["NextToken"], ["NextToken"], None, "MaxResults")
        return None


@functools.cache
def _boto3_classes(version: Version) -> Boto3Classes:
    return Boto3Classes(version)


class FakeAws:
    """Answers operations and keeps what it was asked, in order."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self._answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, operation: str, params: dict[str, Any]) -> Any:
        self.calls.append((operation, copy.deepcopy(params)))
        return copy.deepcopy(self._answer(operation, params))


class _Waiter:
    def __init__(self, aws: FakeAws, name: str) -> None:
        self._aws = aws
        self._name = name

    def wait(self, **params: Any) -> None:
        self._aws.calls.append((f"waiter {self._name}", copy.deepcopy(params)))


class _AsyncWaiter(_Waiter):
    async def wait(self, **params: Any) -> None:  # type: ignore[override]
        super().wait(**params)


class FakeClient:
    """A client of ours that asks a `FakeAws`."""

    def __init__(self, aws: FakeAws, operations: dict[str, str]) -> None:
        self._aws = aws
        self._operations = operations

    def __getattr__(self, name: str) -> Any:
        if name not in self._operations:
            raise AttributeError(name)

        async def call(**params: Any) -> Any:
            return self._aws(self._operations[name], params)

        return call

    def get_waiter(self, name: str) -> Any:
        return _AsyncWaiter(self._aws, name)


class Pair:
    """The same resource of ours and of boto3's, each with an AWS of its own that answers alike."""

    def __init__(self, version: Version, kind: str, answer: Callable[[], Callable[[str, dict[str, Any]], Any]]) -> None:
        theirs = version.theirs
        self.asked_by_us, self.asked_by_boto3 = FakeAws(answer()), FakeAws(answer())
        theirs.client._make_api_call = self.asked_by_boto3
        theirs.client.get_waiter = lambda name: _Waiter(self.asked_by_boto3, name)
        identifiers = [f"the-{name}" for name in theirs.identifiers(kind)]
        client = FakeClient(self.asked_by_us, theirs.operations)
        self.ours: Any = getattr(version.ours, kind)(*identifiers, client=client)
        self.boto3s: Any = theirs[kind](*identifiers, client=theirs.client)

    def put_data(self, data: Any) -> None:
        self.ours.meta.data, self.boto3s.meta.data = copy.deepcopy(data), copy.deepcopy(data)


def run(awaitable: Awaitable[Any]) -> Any:
    """Drive what waits for nothing but a `FakeClient`, which does not wait either."""
    waiting = awaitable.__await__()
    try:
        next(waiting)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something else than the client")


def items_of(stream: Any) -> list[Any]:
    """Iterate over a collection of ours, item by item."""

    async def collect() -> list[Any]:
        return [item async for item in stream]

    return run(collect())


def visible(result: Any) -> Any:
    """What can be seen of a result, so that ours and boto3's can be compared."""
    if isinstance(result, list):
        return [visible(each) for each in result]
    if not hasattr(result, "meta"):
        return result
    identifiers = {name: getattr(result, name) for name in result.meta.identifiers}
    return type(result).__name__, result.meta.service_name, identifiers, result.meta.data


_LENGTHS = (3, 2, 2)
"""How many elements the outer lists have; those further in have one."""


def generate(shape: Any, path: str, leave_out: Callable[[str], bool] = lambda _: False, level: int = 0) -> Any:
    """Make a value of a shape. It depends on the path alone, and is another one at every path."""
    return _generate(shape, path, leave_out, level, ())


def _generate(shape: Any, path: str, leave_out: Callable[[str], bool], level: int, inside: tuple[str, ...]) -> Any:
    number = zlib.crc32(path.encode())
    if shape.type_name == "structure":
        if inside.count(shape.name) > 1:
            return {}
        members = [(name, member) for name, member in shape.members.items() if not leave_out(f"{path}.{name}")]
        inside = (*inside, shape.name)
        return {name: _generate(member, f"{path}.{name}", leave_out, level, inside) for name, member in members}
    if shape.type_name == "list":
        length = _LENGTHS[level] if level < len(_LENGTHS) else 1
        places = [f"{path}[{place}]" for place in range(length)]
        return [_generate(shape.member, place, leave_out, level + 1, inside) for place in places]
    if shape.type_name == "map":
        return {key: _generate(shape.value, f"{path}.{key}", leave_out, level + 1, inside) for key in ("one", "two")}
    if shape.type_name == "timestamp":
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=number)
    if shape.type_name == "blob":
        return path.encode()
    if shape.type_name == "boolean":
        return bool(number & 1)
    if shape.type_name == "string":
        return path
    return number % 1_000_000 + (0.5 if shape.type_name in ("float", "double") else 0)


def emptied(value: Any) -> Any:
    """The same with nothing in its lists and maps."""
    if isinstance(value, dict):
        return {name: emptied(each) for name, each in value.items()}
    return [] if isinstance(value, list) else value


def filled(params: Any) -> set[str]:
    """The top-level parameters that are filled in."""
    return {re.split(r"[.\[]", each.target)[0] for each in params if each.source != "input"}


class PagedAws:
    """Has `total` items in each list that a collection shows, and gives three of them a page, or fewer if asked."""

    def __init__(self, version: Version, collection: Any, total: int, page: int = 3) -> None:
        self._theirs = version.theirs
        self._page = page
        self._total = total
        path = next(each.path for each in collection.resource.identifiers if "[]" in (each.path or ""))
        self.merged = path.startswith("[")
        self._lists = path[1 : path.index("]")].split(",") if self.merged else [path.partition("[")[0]]
        self._inner = re.findall(r"\.(\w+)\[\]", path)
        self.paginated = self._theirs.paging(collection.request.operation) is not None

    def size_name(self, operation: str) -> str | None:
        paging = self._theirs.paging(operation)
        return paging and paging.size

    def least(self, operation: str) -> int:
        """The least number that the operation takes."""
        shape = self._theirs.model.operation_model(operation).input_shape.members[self.size_name(operation)]
        return int(shape.metadata.get("min", 5 if self._theirs.model.service_name == "ec2" else 1))

    def _slice(self, operation: str, params: dict[str, Any]) -> tuple[int, int]:
        paging = self._theirs.paging(operation)
        if paging is None:
            return 0, self._total
        start = next((int(params[name]) for name in paging.inputs if name in params), 0)
        return start, min(start + min(int(params.get(paging.size) or self._page), self._page), self._total)

    def items_given(self, operation: str, params: dict[str, Any]) -> int:
        start, end = self._slice(operation, params)
        return (end - start) * len(self._lists) * 2 ** len(self._inner)

    def __call__(self, operation: str, params: dict[str, Any]) -> Any:
        start, end = self._slice(operation, params)
        output = self._theirs.model.operation_model(operation).output_shape
        answer: dict[str, Any] = {}
        for name in self._lists:
            member = output.members[name].member
            answer[name] = [generate(member, f"{name}[{place}]", level=1) for place in range(start, end)]
        paging = self._theirs.paging(operation)
        if paging and paging.more:
            answer[paging.more] = end < self._total
        # S3 tells where the last page ends, too.
        for name in paging.outputs if paging and (paging.more or end < self._total) else ():
            answer[name] = end if output.members[name].type_name == "integer" else str(end)
        return answer


def models(version: Version) -> Iterator[tuple[str, Any]]:
    for kind in version.definitions:
        yield kind, version.theirs[kind].meta.resource_model


def identifying(definition: Any) -> Iterator[str]:
    for key, value in definition.items() if isinstance(definition, dict) else enumerate(definition):
        if key == "path" and isinstance(value, str):
            yield from value.translate(str.maketrans("[],.|0123456789", " " * 15)).split()
        elif isinstance(value, dict | list):
            yield from identifying(value)


def answer_once(version: Version, operation: str, missing: Callable[[str], bool] = lambda _: False) -> Any:
    """An answer of one page: without tokens."""
    shape = version.theirs.model.operation_model(operation).output_shape
    paging = version.theirs.paging(operation)
    tokens = {f".{name}" for name in (*paging.outputs, paging.more)} if paging else ()
    return generate(shape, "", lambda path: path in tokens or missing(path)) if shape else {}


# Calls that differ on purpose: why, and what ours sends where boto3 sends something else.
DIFFERENT_CALLS: dict[str, tuple[str, Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]]] = {
    "s3.Bucket.objects": (
        "W20: the version that S3 recommends, with the owners, which version 1 always tells",
        lambda params: ("ListObjectsV2", {"FetchOwner": True, **params}),
    ),
    "sqs.ServiceResource.queues": (
        "SQS gives the first 1,000, and a token for the rest only if it was asked for a number",
        lambda params: ("ListQueues", {"MaxResults": 1000, **params}),
    ),
    "sqs.Queue.dead_letter_source_queues": (
        "the same",
        lambda params: ("ListDeadLetterSourceQueues", {"MaxResults": 1000, **params}),
    ),
}


def expected_calls(calls: list[Any], where: str) -> list[Any]:
    if where not in DIFFERENT_CALLS or not calls:
        return calls
    (_, params), *others = calls
    return [DIFFERENT_CALLS[where][1](params), *others]
