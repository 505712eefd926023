"""Does the same with our resources and with boto3's on one server, and compares what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import http.client
import inspect
import pprint
import urllib.parse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.resources.base import ServiceResource as TheirResource
from boto3.resources.collection import ResourceCollection
from botocore.exceptions import BotoCoreError, ClientError

from aiosdk.resources.attributes import Value
from aiosdk.resources.resource import Resource as OurResource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from botocore.awsrequest import AWSPreparedRequest

    Scenario = Callable[["Side"], Awaitable[None]]

_OF_THE_REQUEST = "ResponseMetadata"

# moto tells who lists with version 2, as we do, and not who lists with version 1, as boto3 does. S3 tells both.
_OF_VERSION_2 = {"s3.ObjectSummary": ("ChecksumAlgorithm", "checksum_algorithm")}


def comparable(value: Any, *, dates: bool = True) -> Any:
    """A value that equals that of the other side if both mean the same; without `dates`, whenever it happened."""
    if isinstance(value, ClientError):
        return type(value).__name__, value.response["Error"].get("Code")
    if isinstance(value, BotoCoreError):
        return type(value).__name__, str(value)
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key != _OF_THE_REQUEST}
        if not dates:
            kept.update({key: "a moment" for key in kept if key.endswith("Timestamp")})
        return {key: comparable(each, dates=dates) for key, each in kept.items()}
    if isinstance(value, list | tuple):
        return [comparable(each, dates=dates) for each in value]
    if isinstance(value, datetime) and not dates:
        return "a moment", value.utcoffset()
    if isinstance(value, OurResource | TheirResource):
        return _parts(value, dates=dates)
    return value


def _parts(resource: Any, *, dates: bool) -> tuple[Any, ...]:
    """The class, the identifiers, the data, and what attributes and references give."""
    kind = type(resource).__name__
    identifiers = {name: getattr(resource, name) for name in resource.meta.identifiers}
    if resource.meta.data is None:
        return kind, identifiers
    data, members = comparable(resource.meta.data, dates=dates), comparable(_members(resource), dates=dates)
    for name in _OF_VERSION_2.get(kind, ()):
        data.pop(name, None)
        members.pop(name, None)
    return kind, identifiers, data, members


def _members(resource: Any) -> dict[str, Any]:
    if isinstance(resource, OurResource):
        kind = type(resource)
        names = [name for name in dir(kind) if isinstance(getattr(kind, name), Value) and name not in kind._names]
    else:
        model = resource.meta.resource_model
        shape = resource.meta.client.meta.service_model.shape_for(model.shape)
        names = [*model.get_attributes(shape), *(each.name for each in model.references)]
    return {name: getattr(resource, name) for name in sorted(names)}


async def both(ours: Awaitable[Any], theirs: Callable[[], Any]) -> Any:
    """Do the same with both, who see the same AWS; what they give must be equal, to the moment. Gives ours."""

    def run() -> Any:
        return comparable(_listed(theirs()))

    mine = await ours
    expected = await asyncio.to_thread(run)
    assert comparable(mine) == expected, _difference(comparable(mine), expected)
    return mine


def _difference(mine: Any, expected: Any) -> str:
    lines = (pprint.pformat(each, width=120).splitlines() for each in (expected, mine))
    return "\n".join(list(difflib.unified_diff(*lines, "boto3", "ours", lineterm="", n=1))[:60])


def _listed(result: Any) -> Any:
    return list(result) if isinstance(result, ResourceCollection) or inspect.isgenerator(result) else result


class Side:
    """Ours or theirs, with a whole AWS to itself: does steps, and notes what came of each."""

    def __init__(self, url: str, session: Any) -> None:
        self._url = url
        self._session = session
        self._names: dict[str, str] = {}
        self._notes: list[tuple[str, Any]] = []

    async def resource(self, name: str) -> Any:
        raise NotImplementedError

    async def _run(self, step: Callable[[], Any]) -> tuple[Any, Any]:
        """Do a step to its end, and give its result, and that as it can be compared."""
        raise NotImplementedError

    async def do(self, step: Callable[[], Any]) -> Any:
        """Do a step. A collection and pages give lists, and a body that comes with a response its bytes."""
        await self._same_chance()
        result, note = await self._run(step)
        self._note(note)
        return result

    async def load(self, resource: Any) -> Any:
        """Load a resource and look at all that it has then."""
        await self._same_chance()

        await self._run(resource.load)
        await self.do(lambda: resource)
        return resource

    def name(self, random: str, name: str) -> None:
        """Give a name to something that moto made at random whatever its dice show."""
        self._names[random] = name

    @property
    def notes(self) -> list[tuple[str, Any]]:
        """What was done, and what came of it."""
        return [(line, self._named(note)) for line, note in self._notes]

    def _named(self, note: Any) -> Any:
        if isinstance(note, dict):
            return {key: self._named(each) for key, each in note.items()}
        if isinstance(note, list | tuple):
            return [self._named(each) for each in note]
        return self._names.get(note, note) if isinstance(note, str) else note

    async def fail(self, step: Callable[[], Any]) -> None:
        """Do a step that AWS refuses, or botocore."""
        await self._same_chance()
        try:
            await self._run(step)
        except (BotoCoreError, ClientError) as error:
            self._note(comparable(error))
        else:
            raise AssertionError(f"{_where()} did not fail")

    def _note(self, note: Any) -> None:
        self._notes.append((_where(), note))

    async def _same_chance(self) -> None:
        """Have moto roll the same dice for the same step of both sides."""
        await asyncio.to_thread(_post, self._url, f"/moto-api/seed?a={len(self._notes)}")


def _where() -> str:
    """The line of the scenario that is being played."""
    frame = inspect.currentframe()
    while frame and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"line {frame.f_lineno}" if frame else "nowhere"


class OurSide(Side):
    async def resource(self, name: str) -> Any:
        return await self._session.resource(name)

    async def _run(self, step: Callable[[], Any]) -> tuple[Any, Any]:
        result = step()
        if inspect.isawaitable(result):
            result = await result
        elif hasattr(result, "__aiter__"):
            result = [each async for each in result]
        if isinstance(result, dict) and "Body" in result:
            result["Body"] = await result["Body"].read()
        return result, comparable(result, dates=False)


class TheirSide(Side):
    async def resource(self, name: str) -> Any:
        return await asyncio.to_thread(self._session.resource, name)

    async def _run(self, step: Callable[[], Any]) -> tuple[Any, Any]:
        def run() -> Any:
            result = _listed(step())
            if isinstance(result, dict) and "Body" in result:
                result["Body"] = result["Body"].read()
            return result, comparable(result, dates=False)

        return await asyncio.to_thread(run)


async def side_by_side(scenario: Scenario, url: str, ours: Any, theirs: Any) -> None:
    """Play a scenario with our session and with boto3's, each in an AWS with nothing in it: all notes are equal."""
    sides = OurSide(url, ours), TheirSide(url, theirs)
    for side in sides:
        await asyncio.to_thread(_post, url, "/moto-api/reset")
        await scenario(side)
    mine, other = (side.notes for side in sides)
    assert mine
    assert len(mine) == len(other)
    for each, expected in zip(mine, other, strict=True):
        assert each == expected, _difference(each, expected)


def _post(url: str, path: str) -> None:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    connection.request("POST", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200


class Sent:
    """One request that a client has sent."""

    def __init__(self, operation: str, request: AWSPreparedRequest) -> None:
        self.operation = operation
        url = urllib.parse.urlsplit(request.url)
        body = request.body or b""
        self.body: str = body if isinstance(body, str) else bytes(body).decode() if isinstance(body, bytes) else ""
        form = self.body if self.body.startswith("Action=") else ""
        self.query = dict(urllib.parse.parse_qsl(form or url.query, keep_blank_values=True))


@contextlib.contextmanager
def requests_of(resource: Any) -> Iterator[list[Sent]]:
    """Note the requests that a resource's client sends within the block."""
    sent: list[Sent] = []
    client = resource.meta.client
    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}"

    def note(request: AWSPreparedRequest, event_name: str, **_: Any) -> None:
        sent.append(Sent(event_name.rpartition(".")[2], request))

    client.meta.events.register(event, note)
    try:
        yield sent
    finally:
        client.meta.events.unregister(event, note)


async def collect(items: AsyncIterator[Any]) -> list[Any]:
    """The items of an asynchronous iterator."""
    return [each async for each in items]
