"""One request as S3 understands it: which operation it is, on what, and whether its body is what was promised."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from tests.support.s3_checksums import ALGORITHMS, checksum
from tests.support.s3_store import Listed, S3Error

KEPT = {
    *("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"),
    *("x-amz-storage-class", "x-amz-website-redirect-location"),
    *("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"),
}
"""Headers of an object that come back with it, beside `x-amz-meta-...`."""

# What tells them apart: the method, whether there is a key, and a parameter or a header.
_OPERATIONS = [
    ("GET", False, "uploads", "ListMultipartUploads"),
    ("GET", False, "location", "GetBucketLocation"),
    ("GET", False, "versioning", "GetBucketVersioning"),
    ("GET", False, "versions", "ListObjectVersions"),
    ("GET", False, "list-type", "ListObjectsV2"),
    ("GET", False, "", "ListObjects"),
    ("HEAD", False, "", "HeadBucket"),
    ("PUT", False, "versioning", "PutBucketVersioning"),
    ("PUT", False, "", "CreateBucket"),
    ("POST", False, "delete", "DeleteObjects"),
    ("DELETE", False, "", "DeleteBucket"),
    ("GET", True, "uploadId", "ListParts"),
    ("GET", True, "tagging", "GetObjectTagging"),
    ("GET", True, "", "GetObject"),
    ("HEAD", True, "", "HeadObject"),
    ("PUT", True, "tagging", "PutObjectTagging"),
    ("PUT", True, "uploadId", "UploadPart"),
    ("PUT", True, "", "PutObject"),
    ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("DELETE", True, "tagging", "DeleteObjectTagging"),
    ("DELETE", True, "", "DeleteObject"),
]


@dataclass
class S3Request:
    """A request; `body` is empty until it has been received, and again when it has been answered."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    received: int = 0  # bytes of the body
    bucket: str = ""
    key: str = ""
    query: dict[str, str] = field(default_factory=dict)
    operation: str = ""

    def __post_init__(self) -> None:
        path, _, query = self.target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        host = self.headers.get("host", "").partition(":")[0]
        rest = path.removeprefix("/")
        if host.endswith(".localhost"):  # the bucket is in the name of the host
            self.bucket, key = host.removesuffix(".localhost"), rest
        else:
            bucket, _, key = rest.partition("/")
            self.bucket = urllib.parse.unquote(bucket)
        self.key = urllib.parse.unquote(key)
        self.operation = self._operation()

    def _operation(self) -> str:
        if not self.bucket:
            return "ListBuckets"
        for method, with_key, parameter, name in _OPERATIONS:
            if method == self.method and with_key == bool(self.key) and (not parameter or parameter in self.query):
                if "x-amz-copy-source" in self.headers:
                    return {"UploadPart": "UploadPartCopy", "PutObject": "CopyObject"}.get(name, name)
                return name
        raise S3Error(405, "MethodNotAllowed")

    @property
    def part(self) -> int | None:
        return int(self.query["partNumber"]) if "partNumber" in self.query else None

    @property
    def range(self) -> str:
        """`bytes=0-99`, of a download or of a part's copy."""
        return self.headers.get("range") or self.headers.get("x-amz-copy-source-range", "")

    def describe(self) -> str:
        part = f" part {self.part}" if self.part else ""
        return f"{self.operation} {self.bucket}/{self.key}{part} {self.range}".rstrip()

    def kept_headers(self) -> dict[str, str]:
        kept = {name: value for name, value in self.headers.items() if name in KEPT or name.startswith("x-amz-meta-")}
        if "content-encoding" in kept:
            encodings = [each.strip() for each in kept.pop("content-encoding").split(",")]
            if left := [each for each in encodings if each != "aws-chunked"]:
                kept["content-encoding"] = ",".join(left)
        return kept

    def accept_body(self) -> dict[str, str]:
        """Unwrap the body and check it against all that was said of it; the checksums that came with it."""
        trailers: dict[str, str] = {}
        said = self.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        if said.startswith("STREAMING-"):
            self.body, trailers = _unwrap(self.body)
            if len(self.body) != int(self.headers["x-amz-decoded-content-length"]):
                raise S3Error(400, "IncompleteBody", "The body is not as long as x-amz-decoded-content-length says.")
        elif said != "UNSIGNED-PAYLOAD" and hashlib.sha256(self.body).hexdigest() != said:
            raise S3Error(
                400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match."
            )
        if "content-md5" in self.headers:
            digest = base64.b64encode(hashlib.md5(self.body).digest()).decode()
            if digest != self.headers["content-md5"]:
                raise S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        if (promised := self.headers.get("x-amz-trailer", "").lower()) and promised not in trailers:
            raise S3Error(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed.")
        return self._checked(trailers)

    def _checked(self, trailers: dict[str, str]) -> dict[str, str]:
        sent = self.checksums(trailers)
        if self.operation not in ("CompleteMultipartUpload", "CreateMultipartUpload"):  # they are not of the body there
            for name, value in sent.items():
                if checksum(name, self.body) != value:
                    problem = f"The {name.upper()} you specified did not match the calculated checksum."
                    raise S3Error(400, "BadDigest", problem)
        return sent

    def checksums(self, trailers: dict[str, str] | None = None) -> dict[str, str]:
        headers = {**self.headers, **(trailers or {})}
        names = {name: f"x-amz-checksum-{name}" for name in ALGORITHMS}
        return {name: headers[header] for name, header in names.items() if header in headers}

    def xml(self) -> ET.Element:
        """The body, without namespaces."""
        try:
            root = ET.fromstring(self.body)
        except ET.ParseError as error:
            raise S3Error(400, "MalformedXML", str(error)) from None
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    def listed_parts(self) -> list[Listed]:
        """The parts that a completion names."""
        listed = []
        for part in self.xml().iter("Part"):
            said = {child.tag: child.text or "" for child in part}
            sums = {name: said[tag] for name in ALGORITHMS if (tag := f"Checksum{name.upper()}") in said}
            listed.append(Listed(int(said["PartNumber"]), said["ETag"], sums))
        return listed


def _unwrap(body: bytes) -> tuple[bytes, dict[str, str]]:
    """What is in an aws-chunked body, and the headers that trail it."""
    chunks, position = [], 0
    try:
        while True:
            end = body.index(b"\r\n", position)
            size = int(body[position:end].partition(b";")[0], 16)
            position = end + 2
            if not size:
                break
            chunks.append(body[position : position + size])
            position += size + 2
        lines = [line.decode() for line in body[position:].split(b"\r\n") if line]
        trailers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    except ValueError:
        raise S3Error(400, "InvalidRequest", "The body is not aws-chunked.") from None
    return b"".join(chunks), trailers
