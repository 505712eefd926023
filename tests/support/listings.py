"""Services that list things page by page, for a `CountingServer`: what they were asked, and what they answer.

A `Shelf` gives as many items as it is asked for; a `Book` has the pages that a test wrote, tokens and all.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.server import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOISE = ("Action", "Version", "list-type", "encoding-type", "versions")
"""Parameters that say which operation is asked for."""


def parameters(request: Request) -> dict[str, Any]:
    """What a request says, in the words of its protocol."""
    if "x-amz-target" in request.headers:
        return json.loads(request.body)
    query = request.body.decode() if request.body.startswith(b"Action=") else request.target.partition("?")[2]
    found = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return {name: value for name, value in found if name not in NOISE}


@dataclass(frozen=True)
class Kind:
    """How an operation names its token and its size, and how a page of it looks."""

    token: str
    size: str
    render: Callable[[Sequence[str], str | None], Answer]
    place: Callable[[str], int] = int
    """Where the page of a token begins."""


@dataclass
class Shelf:
    """Items that are given as many at a time as the request asks for, `most` unless it does, never more."""

    kind: Kind
    items: Sequence[str]
    most: int = 1000
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer:
        asked = parameters(request)
        self.asked.append(asked)
        start = self.kind.place(asked[self.kind.token]) if self.kind.token in asked else 0
        end = start + min(int(asked.get(self.kind.size, self.most)), self.most)
        return self.kind.render(self.items[start:end], str(end) if end < len(self.items) else None)

    @property
    def sizes(self) -> list[int | None]:
        """How many each request has asked for."""
        return [int(each[self.kind.size]) if self.kind.size in each else None for each in self.asked]


@dataclass
class Book:
    """Pages as they are written. Each leads to the next, but where `after` says to which."""

    kind: Kind
    pages: Sequence[Sequence[str]]
    after: dict[int, int] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer:
        asked = parameters(request)
        self.asked.append(asked)
        number = int(asked.get(self.kind.token, 0))
        following = self.after.get(number, number + 1)
        return self.kind.render(self.pages[number], str(following) if following < len(self.pages) else None)


def numbered(letter: str, count: int) -> list[str]:
    return [f"{letter}{number:05}" for number in range(count)]


def _after(name: str) -> int:
    return int(name[-5:]) + 1 if name else 0


# S3


def _xml(text: str) -> Answer:
    return Answer(body=f'<?xml version="1.0"?>{text}'.encode(), headers={"Content-Type": "application/xml"})


def _s3_object(key: str) -> str:
    if key.endswith("/"):
        return f"<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
        "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1024</Size>"
        "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _s3_objects(keys: Sequence[str], token: str | None) -> Answer:
    following = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return _s3_page(keys, following, truncated=bool(token))


def _s3_objects_of_version_1(keys: Sequence[str], token: str | None) -> Answer:
    return _s3_page(keys, "", truncated=bool(token))  # S3 names the next marker only where there is a delimiter


def _s3_page(keys: Sequence[str], following: str, *, truncated: bool) -> Answer:
    items = "".join(map(_s3_object, keys))
    more = f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{following}"
    return _xml(f"<ListBucketResult><Name>b</Name>{more}{items}</ListBucketResult>")


def _s3_versions(names: Sequence[str], token: str | None) -> Answer:
    items = "".join(f"<Version><Key>k</Key><VersionId>{name}</VersionId></Version>" for name in names)
    following = f"<NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>{token}</NextVersionIdMarker>" if token else ""
    more = f"<IsTruncated>{str(bool(token)).lower()}</IsTruncated>{following}"
    return _xml(f"<ListVersionsResult><Name>b</Name>{more}{items}</ListVersionsResult>")


OBJECTS = Kind("continuation-token", "max-keys", _s3_objects)
OBJECTS_OF_VERSION_1 = Kind("marker", "max-keys", _s3_objects_of_version_1, _after)
VERSIONS = Kind("version-id-marker", "max-keys", _s3_versions)


# The others


def _iam_users(names: Sequence[str], token: str | None) -> Answer:
    users = "".join(
        f"<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId>"
        f"<Arn>arn:aws:iam::123456789012:user/{name}</Arn><CreateDate>2026-01-02T03:04:05Z</CreateDate></member>"
        for name in names
    )
    more = f"<IsTruncated>true</IsTruncated><Marker>{token}</Marker>" if token else "<IsTruncated>false</IsTruncated>"
    result = f"<ListUsersResult>{more}<Users>{users}</Users></ListUsersResult>"
    return _xml(f"<ListUsersResponse>{result}</ListUsersResponse>")


def _ec2_instances(ids: Sequence[str], token: str | None) -> Answer:
    reservations = "".join(
        f"<item><instancesSet><item><instanceId>{each}</instanceId></item></instancesSet></item>" for each in ids
    )
    following = f"<nextToken>{token}</nextToken>" if token else ""
    return _xml(
        f"<DescribeInstancesResponse><reservationSet>{reservations}</reservationSet>{following}"
        "</DescribeInstancesResponse>"
    )


def _ec2_volumes(ids: Sequence[str], token: str | None) -> Answer:
    volumes = "".join(f"<item><volumeId>{each}</volumeId></item>" for each in ids)
    following = f"<nextToken>{token}</nextToken>" if token else ""
    return _xml(f"<DescribeVolumesResponse><volumeSet>{volumes}</volumeSet>{following}</DescribeVolumesResponse>")


def _json(value: dict[str, Any]) -> Answer:
    found = {name: each for name, each in value.items() if each is not None}
    return Answer(body=json.dumps(found).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


def _sqs_queues(names: Sequence[str], token: str | None) -> Answer:
    return _json({"QueueUrls": [f"https://sqs/123456789012/{name}" for name in names], "NextToken": token})


def _dynamodb_tables(names: Sequence[str], token: str | None) -> Answer:
    return _json({"TableNames": list(names), "LastEvaluatedTableName": names[-1] if token else None})


def _glacier_vaults(names: Sequence[str], token: str | None) -> Answer:
    return _json({"VaultList": [{"VaultName": name} for name in names], "Marker": token})


def _cloudwatch_alarms(names: Sequence[str], token: str | None) -> Answer:
    return _json({"MetricAlarms": [{"AlarmName": name} for name in names], "NextToken": token})


USERS = Kind("Marker", "MaxItems", _iam_users)
INSTANCES = Kind("NextToken", "MaxResults", _ec2_instances)
VOLUMES = Kind("NextToken", "MaxResults", _ec2_volumes)
QUEUES = Kind("NextToken", "MaxResults", _sqs_queues)
TABLES = Kind("ExclusiveStartTableName", "Limit", _dynamodb_tables, _after)
VAULTS = Kind("marker", "limit", _glacier_vaults)
ALARMS = Kind("NextToken", "MaxRecords", _cloudwatch_alarms)


# Batch actions


@dataclass
class Deleting:
    """A bucket's listing beside `DeleteObjects`, which notes what it was told to delete, batch by batch."""

    listing: Shelf | Book
    refused: frozenset[str] = frozenset()
    """Keys that cannot be deleted."""
    fail_at: int | None = None
    """The batch that is denied as a whole."""
    batches: list[list[str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer:
        if request.method != "POST":
            return await self.listing(request)
        self.bodies.append(request.body)
        keys = [key.decode() for key in re.findall(rb"<Key>(.*?)</Key>", request.body)]
        self.batches.append(keys)
        if len(self.batches) - 1 == self.fail_at:
            return Answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        quiet = b"<Quiet>true</Quiet>" in request.body
        deleted = "" if quiet else "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        errors = "".join(
            f"<Error><Key>{key}</Key><Code>AccessDenied</Code></Error>" for key in keys if key in self.refused
        )
        return _xml(f"<DeleteResult>{deleted}{errors}</DeleteResult>")
