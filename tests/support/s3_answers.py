"""The answers that an S3 server gives: its XML and headers, and the ways in which sending them can go wrong."""

from __future__ import annotations

import base64
import datetime
import email.utils
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.s3_store import Bucket, S3Error, Upload, Version

Tree = list["tuple[str, Tree | str]"]
"""XML: names with text or with more of the same."""


@dataclass
class Answer:
    """What to send. After `stop_at` bytes of the body (-1: before the headers) the sending stops, as `stop` says.

    `stop` is `close`, `reset`, or `hang`, which lasts until the server is released; `drip` sends the body in pieces of
    so many bytes.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stop_at: int | None = None
    stop: str = "close"
    drip: int = 0


def xml(root: str, tree: Tree, **headers: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    body = f"{text}{_branches(tree)}</{root}>".encode()
    return Answer(200, body, {"Content-Type": "application/xml", **headers})


def _branches(tree: Tree) -> str:
    return "".join(
        f"<{name}>{escape(value) if isinstance(value, str) else _branches(value)}</{name}>" for name, value in tree
    )


def error(problem: S3Error, resource: str, **headers: str) -> Answer:
    tree: Tree = [("Code", problem.code), ("Message", problem.message), ("Resource", resource), ("RequestId", "R")]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{_branches(tree)}</Error>'.encode()
    return Answer(problem.status, body, {"Content-Type": "application/xml", **headers})


def moment(when: datetime.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def version_headers(bucket: Bucket, version: Version) -> dict[str, str]:
    """What HEAD and GET say of an object, but for its length and checksums."""
    headers = {"ETag": version.etag, "Accept-Ranges": "bytes", "Content-Type": "binary/octet-stream"}
    headers["Last-Modified"] = email.utils.format_datetime(version.modified, usegmt=True)
    if bucket.versioning:
        headers["x-amz-version-id"] = version.id
    if version.tags:
        headers["x-amz-tagging-count"] = str(len(urllib.parse.parse_qsl(version.tags)))
    named = {name.title() if not name.startswith("x-") else name: value for name, value in version.headers.items()}
    return headers | named


def checksum_headers(checksums: dict[str, str], kind: str = "") -> dict[str, str]:
    headers = {f"x-amz-checksum-{name}": value for name, value in checksums.items()}
    return headers | ({"x-amz-checksum-type": kind} if kind and headers else {})


def checksum_tree(checksums: dict[str, str], kind: str = "") -> Tree:
    tree: Tree = [(f"Checksum{name.upper()}", value) for name, value in checksums.items()]
    return tree + ([("ChecksumType", kind)] if kind and tree else [])


class Page:
    """A page of a listing: what comes after a name, up to so many, folded at a delimiter."""

    def __init__(self, query: dict[str, str], names: Iterable[str], after: str) -> None:
        self.prefix, self.delimiter = query.get("prefix", ""), query.get("delimiter", "")
        self._quoted = query.get("encoding-type") == "url"
        self.limit = min(int(query.get("max-keys", 1000)), 1000)
        self.keys: list[str] = []
        self.prefixes: list[str] = []
        self.last = after
        self.truncated = False
        for name in names:
            if not name.startswith(self.prefix):
                continue
            head, cut, _ = name[len(self.prefix) :].partition(self.delimiter) if self.delimiter else (name, "", "")
            shown = self.prefix + head + cut if cut else name
            if shown.encode() <= after.encode() or (cut and after.startswith(shown)) or shown in self.prefixes:
                continue
            if len(self.keys) + len(self.prefixes) == self.limit:
                self.truncated = True
                break
            (self.prefixes if cut else self.keys).append(shown)
            self.last = shown

    def encode(self, name: str) -> str:
        return urllib.parse.quote(name, safe="/") if self._quoted else name

    def tree(self, bucket: str) -> Tree:
        tree: Tree = [("Name", bucket), ("Prefix", self.encode(self.prefix)), ("MaxKeys", str(self.limit))]
        if self.delimiter:
            tree.append(("Delimiter", self.encode(self.delimiter)))
        if self._quoted:
            tree.append(("EncodingType", "url"))
        tree.append(("IsTruncated", str(self.truncated).lower()))
        return tree + [("CommonPrefixes", [("Prefix", self.encode(each))]) for each in self.prefixes]

    @property
    def token(self) -> str:
        return base64.urlsafe_b64encode(self.last.encode()).decode()


def name_in_token(token: str) -> str:
    return base64.urlsafe_b64decode(token).decode()


def contents(page: Page, bucket: Bucket) -> Tree:
    tree: Tree = []
    for key in page.keys:
        version = bucket.find(key)
        entry: Tree = [("Key", page.encode(key)), ("LastModified", moment(version.modified)), ("ETag", version.etag)]
        entry += [("ChecksumAlgorithm", name.upper()) for name in version.checksums]
        entry += [("Size", str(len(version.body))), ("StorageClass", "STANDARD")]
        tree.append(("Contents", entry))
    return tree


def uploads(listed: Iterable[Upload]) -> Tree:
    return [
        ("Upload", [("Key", each.key), ("UploadId", each.id), ("Initiated", moment(each.started))]) for each in listed
    ]
