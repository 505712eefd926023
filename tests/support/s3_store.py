"""What an S3 server keeps, in memory: buckets, versions of objects, uploads of parts. It knows nothing of HTTP."""

from __future__ import annotations

import datetime
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.s3_checksums import checksum, composite, composite_etag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NO_SUCH_KEY = (404, "NoSuchKey", "The specified key does not exist.")


class S3Error(Exception):
    """What is answered instead."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message or code


@dataclass
class Version:
    """One version of an object. `headers` are those that came with it and are given back."""

    key: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    checksums: dict[str, str] = field(default_factory=dict)
    checksum_type: str = "FULL_OBJECT"
    part_sizes: Sequence[int] = ()
    tags: str = ""
    id: str = "null"
    deleted: bool = False
    modified: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    def __post_init__(self) -> None:
        self.etag = self.etag or f'"{hashlib.md5(self.body).hexdigest()}"'

    def known_checksums(self) -> dict[str, str]:
        """Those that came with it; S3 makes one itself where none did (here: late, for it takes Python a while)."""
        self.checksums = self.checksums or {"crc64nvme": checksum("crc64nvme", self.body)}
        return self.checksums


@dataclass
class Part:
    number: int
    body: bytes
    checksums: dict[str, str]

    def __post_init__(self) -> None:
        self.digest = hashlib.md5(self.body).digest()
        self.etag = f'"{self.digest.hex()}"'


@dataclass
class Upload:
    """An upload in parts. `algorithm` is "" when its creator named none."""

    id: str
    key: str
    headers: dict[str, str]
    tags: str
    algorithm: str
    checksum_type: str
    parts: dict[int, Part] = field(default_factory=dict)
    started: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))


@dataclass
class Listed:
    """What a completion says of a part."""

    number: int
    etag: str
    checksums: dict[str, str]


class Bucket:
    """A bucket; with `versioning` nothing that is overwritten is lost."""

    def __init__(self, name: str, minimum_part_size: int = 0) -> None:
        self.name = name
        self.versioning = False
        self.minimum_part_size = minimum_part_size
        self.created = datetime.datetime.now(datetime.UTC)
        self.uploads: dict[str, Upload] = {}
        self._versions: dict[str, list[Version]] = {}
        self._numbers = itertools.count(1)

    def keys(self) -> list[str]:
        """The keys that a listing shows, in its order."""
        return sorted((key for key, each in self._versions.items() if not each[-1].deleted), key=str.encode)

    def has(self, key: str) -> bool:
        return key in self._versions and not self._versions[key][-1].deleted

    def versions(self) -> Iterator[Version]:
        for key in sorted(self._versions, key=str.encode):
            yield from reversed(self._versions[key])

    def find(self, key: str, version: str | None = None) -> Version:
        versions = self._versions.get(key, [])
        if version is None:
            if versions and not versions[-1].deleted:
                return versions[-1]
            raise S3Error(*NO_SUCH_KEY)
        for each in versions:
            if each.id == version:
                if each.deleted:
                    raise S3Error(405, "MethodNotAllowed", "The specified version is a delete marker.")
                return each
        raise S3Error(404, "NoSuchVersion", "The specified version does not exist.")

    def put(self, version: Version) -> Version:
        if self.versioning:
            version.id = f"v{next(self._numbers)}"
            self._versions.setdefault(version.key, []).append(version)
        else:
            self._versions[version.key] = [version]
        return version

    def delete(self, key: str, version: str | None = None) -> Version | None:
        """Delete an object or one version of it; what is left in its place, if that is a marker."""
        if version is not None:
            kept = [each for each in self._versions.get(key, []) if each.id != version]
            if kept:
                self._versions[key] = kept
            else:
                self._versions.pop(key, None)
            return None
        if not self.versioning:
            self._versions.pop(key, None)
            return None
        return self.put(Version(key, b"", deleted=True))

    def create_upload(self, key: str, headers: dict[str, str], tags: str, algorithm: str, kind: str) -> Upload:
        default = "FULL_OBJECT" if algorithm in ("", "crc64nvme") else "COMPOSITE"
        upload = Upload(f"upload-{next(self._numbers)}", key, headers, tags, algorithm, kind or default)
        self.uploads[upload.id] = upload
        return upload

    def find_upload(self, key: str, upload_id: str) -> Upload:
        upload = self.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise S3Error(404, "NoSuchUpload", "The specified multipart upload does not exist.")
        return upload

    def put_part(self, upload: Upload, number: int, body: bytes, sent: dict[str, str]) -> Part:
        if not 1 <= number <= 10_000:
            raise S3Error(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        if upload.algorithm and upload.algorithm not in sent:
            expected = f"expected checksum Type: {upload.algorithm}, actual checksum Type: {next(iter(sent), None)}"
            raise S3Error(400, "InvalidRequest", f"Checksum Type mismatch occurred, {expected}")
        part = Part(number, body, sent)
        upload.parts[number] = part
        return part

    def complete(self, upload: Upload, listed: Sequence[Listed], full: dict[str, str], size: int | None) -> Version:
        """Put the parts together; `full` are the checksums of the whole that the client is sure of."""
        if not listed:
            raise S3Error(400, "MalformedXML", "You must specify at least one part")
        parts = [self._listed_part(upload, each) for each in listed]
        numbers = [each.number for each in listed]
        if numbers != sorted(set(numbers)):
            raise S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        if any(len(part.body) < self.minimum_part_size for part in parts[:-1]):
            raise S3Error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        body = b"".join(part.body for part in parts)
        if size is not None and size != len(body):
            raise S3Error(400, "InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match.")
        checksums = self._checksums(upload, parts, body, full)
        version = Version(upload.key, body, upload.headers, composite_etag([part.digest for part in parts]))
        version.checksums, version.checksum_type, version.tags = checksums, upload.checksum_type, upload.tags
        version.part_sizes = [len(part.body) for part in parts]
        del self.uploads[upload.id]
        return self.put(version)

    def _listed_part(self, upload: Upload, listed: Listed) -> Part:
        part = upload.parts.get(listed.number)
        if part is None or part.etag.strip('"') != listed.etag.strip('"'):
            raise S3Error(400, "InvalidPart", f"Part {listed.number} could not be found, or its ETag is another.")
        for name, value in listed.checksums.items():
            if part.checksums.get(name) != value:
                raise S3Error(400, "InvalidPart", f"The {name} of part {listed.number} is another.")
        if upload.algorithm and upload.checksum_type == "COMPOSITE" and upload.algorithm not in listed.checksums:
            problem = f"The upload was created using a {upload.algorithm} checksum. "
            raise S3Error(
                400, "InvalidRequest", problem + "The complete request must include the checksum for each part."
            )
        return part

    @staticmethod
    def _checksums(upload: Upload, parts: Sequence[Part], body: bytes, full: dict[str, str]) -> dict[str, str]:
        if upload.algorithm and upload.checksum_type == "COMPOSITE":
            of_parts = [part.checksums[upload.algorithm] for part in parts]
            return {upload.algorithm: composite(upload.algorithm, of_parts)}
        for name, value in full.items():
            if checksum(name, body) != value:
                raise S3Error(400, "BadDigest", f"The {name} you specified did not match the calculated checksum.")
        names = {upload.algorithm} if upload.algorithm else set(full)
        return {name: checksum(name, body) for name in names}


class Store:
    """All buckets of one server."""

    def __init__(self, minimum_part_size: int = 0) -> None:
        self.buckets: dict[str, Bucket] = {}
        self._minimum_part_size = minimum_part_size

    def create(self, name: str) -> Bucket:
        if name in self.buckets:
            raise S3Error(409, "BucketAlreadyOwnedByYou", "You already own it.")
        self.buckets[name] = Bucket(name, self._minimum_part_size)
        return self.buckets[name]

    def find(self, name: str) -> Bucket:
        try:
            return self.buckets[name]
        except KeyError:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist") from None
