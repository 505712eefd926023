"""The operations of an S3 server: from a request whose body is there to an answer."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

from tests.support import s3_answers as answers
from tests.support.s3_answers import Answer, Page, Tree, checksum_headers, checksum_tree, moment, version_headers, xml
from tests.support.s3_checksums import checksum
from tests.support.s3_store import Bucket, S3Error, Store, Version

if TYPE_CHECKING:
    from tests.support.s3_requests import S3Request

MOST_IN_ONE_PUT = 5 * 2**30


class Operations:
    """Performs requests on a store. A method here is named as its operation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def perform(self, request: S3Request) -> Answer:
        sent = request.accept_body()
        operation = getattr(self, f"_{request.operation}", None)
        if operation is None:
            raise S3Error(501, "NotImplemented", request.operation)
        if request.operation in ("PutObject", "UploadPart", "CompleteMultipartUpload"):
            return operation(request, sent)
        return operation(request)

    def _bucket(self, request: S3Request) -> Bucket:
        return self._store.find(request.bucket)

    # Buckets

    def _ListBuckets(self, _: S3Request) -> Answer:  # noqa: N802
        buckets: Tree = [
            ("Bucket", [("Name", each.name), ("CreationDate", moment(each.created))])
            for each in self._store.buckets.values()
        ]
        return xml("ListAllMyBucketsResult", [("Owner", [("ID", "o")]), ("Buckets", buckets)])

    def _CreateBucket(self, request: S3Request) -> Answer:  # noqa: N802
        self._store.create(request.bucket)
        return Answer(headers={"Location": f"/{request.bucket}"})

    def _HeadBucket(self, request: S3Request) -> Answer:  # noqa: N802
        self._bucket(request)
        return Answer(headers={"x-amz-bucket-region": "us-east-1"})

    def _GetBucketLocation(self, request: S3Request) -> Answer:  # noqa: N802
        self._bucket(request)
        return xml("LocationConstraint", [])

    def _GetBucketVersioning(self, request: S3Request) -> Answer:  # noqa: N802
        return xml("VersioningConfiguration", [("Status", "Enabled")] if self._bucket(request).versioning else [])

    def _PutBucketVersioning(self, request: S3Request) -> Answer:  # noqa: N802
        self._bucket(request).versioning = request.xml().findtext("Status") == "Enabled"
        return Answer()

    def _DeleteBucket(self, request: S3Request) -> Answer:  # noqa: N802
        if self._bucket(request).keys():
            raise S3Error(409, "BucketNotEmpty")
        del self._store.buckets[request.bucket]
        return Answer(204)

    def _ListObjectsV2(self, request: S3Request) -> Answer:  # noqa: N802
        bucket, query = self._bucket(request), request.query
        token = query.get("continuation-token")
        page = Page(query, bucket.keys(), answers.name_in_token(token) if token else query.get("start-after", ""))
        tree = page.tree(bucket.name) + answers.contents(page, bucket)
        tree.append(("KeyCount", str(len(page.keys) + len(page.prefixes))))
        return xml("ListBucketResult", tree + ([("NextContinuationToken", page.token)] if page.truncated else []))

    def _ListObjects(self, request: S3Request) -> Answer:  # noqa: N802
        bucket = self._bucket(request)
        page = Page(request.query, bucket.keys(), request.query.get("marker", ""))
        tree = page.tree(bucket.name) + answers.contents(page, bucket)
        return xml("ListBucketResult", tree + ([("NextMarker", page.encode(page.last))] if page.truncated else []))

    def _ListMultipartUploads(self, request: S3Request) -> Answer:  # noqa: N802
        prefix = request.query.get("prefix", "")
        listed = [each for each in self._bucket(request).uploads.values() if each.key.startswith(prefix)]
        tree: Tree = [("Bucket", request.bucket), ("IsTruncated", "false")]
        return xml("ListMultipartUploadsResult", tree + answers.uploads(listed))

    def _DeleteObjects(self, request: S3Request) -> Answer:  # noqa: N802
        bucket, root, tree = self._bucket(request), request.xml(), Tree()
        for each in root.iter("Object"):
            key = each.findtext("Key") or ""
            bucket.delete(key, each.findtext("VersionId"))
            if root.findtext("Quiet") != "true":
                tree.append(("Deleted", [("Key", key)]))
        return xml("DeleteResult", tree)

    # Objects

    def _PutObject(self, request: S3Request, sent: dict[str, str]) -> Answer:  # noqa: N802
        bucket = self._bucket(request)
        _only_if_absent(request, bucket)
        version = Version(request.key, request.body, request.kept_headers(), checksums=sent)
        version.tags = request.headers.get("x-amz-tagging", "")
        bucket.put(version)
        return Answer(headers=_written(bucket, version) | checksum_headers(sent, "FULL_OBJECT"))

    def _GetObject(self, request: S3Request) -> Answer:  # noqa: N802
        answer = self._HeadObject(request)
        version = self._wanted(request)
        start, end = _wanted_range(request, version) or (0, len(version.body))
        answer.body = version.body[start:end]
        return answer

    def _HeadObject(self, request: S3Request) -> Answer:  # noqa: N802
        bucket, version = self._bucket(request), self._wanted(request)
        _check_conditions(request.headers, "", version)
        headers = version_headers(bucket, version)
        for name in ("content-type", "content-disposition", "content-encoding", "cache-control", "content-language"):
            if f"response-{name}" in request.query:
                headers[name.title()] = request.query[f"response-{name}"]
        size = len(version.body)
        wanted = _wanted_range(request, version)
        if wanted:
            start, end = wanted
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            if request.part and version.part_sizes:
                headers["x-amz-mp-parts-count"] = str(len(version.part_sizes))
        elif request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":  # of the whole, never of a range
            headers |= checksum_headers(version.known_checksums(), version.checksum_type)
        headers["Content-Length"] = str(wanted[1] - wanted[0] if wanted else size)
        return Answer(206 if wanted else 200, headers=headers)

    def _wanted(self, request: S3Request) -> Version:
        return self._bucket(request).find(request.key, request.query.get("versionId"))

    def _DeleteObject(self, request: S3Request) -> Answer:  # noqa: N802
        marker = self._bucket(request).delete(request.key, request.query.get("versionId"))
        return Answer(204, headers={"x-amz-delete-marker": "true", "x-amz-version-id": marker.id} if marker else {})

    def _GetObjectTagging(self, request: S3Request) -> Answer:  # noqa: N802
        pairs = urllib.parse.parse_qsl(self._wanted(request).tags, keep_blank_values=True)
        return xml("Tagging", [("TagSet", [("Tag", [("Key", key), ("Value", value)]) for key, value in pairs])])

    def _PutObjectTagging(self, request: S3Request) -> Answer:  # noqa: N802
        tags = [(each.findtext("Key"), each.findtext("Value")) for each in request.xml().iter("Tag")]
        self._wanted(request).tags = urllib.parse.urlencode(tags)
        return Answer()

    def _CopyObject(self, request: S3Request) -> Answer:  # noqa: N802
        bucket, source = self._bucket(request), self._source(request)
        if len(source.body) > MOST_IN_ONE_PUT:
            raise S3Error(400, "InvalidRequest", "The specified copy source is larger than the maximum allowable size")
        replace = request.headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
        algorithm = request.headers.get("x-amz-checksum-algorithm", "").lower()
        sums = {algorithm: checksum(algorithm, source.body)} if algorithm else dict(source.checksums)
        if not algorithm and source.checksum_type == "COMPOSITE":
            sums = {name: checksum(name, source.body) for name in sums}
        headers = request.kept_headers() if replace else source.headers
        version = Version(request.key, source.body, headers, checksums=sums)
        retagged = request.headers.get("x-amz-tagging-directive") == "REPLACE"
        version.tags = request.headers.get("x-amz-tagging", "") if retagged else source.tags
        bucket.put(version)
        tree: Tree = [("LastModified", moment(version.modified)), ("ETag", version.etag)]
        written = _written(bucket, version)
        return xml("CopyObjectResult", tree + checksum_tree(sums, "FULL_OBJECT"), **written)

    def _source(self, request: S3Request) -> Version:
        """What is to be copied."""
        path, _, query = request.headers["x-amz-copy-source"].partition("?")
        bucket, _, key = urllib.parse.unquote(path).removeprefix("/").partition("/")
        version = dict(urllib.parse.parse_qsl(query)).get("versionId")
        found = self._store.find(bucket).find(key, version)
        _check_conditions(request.headers, "x-amz-copy-source-", found)
        return found

    # Uploads of parts

    def _CreateMultipartUpload(self, request: S3Request) -> Answer:  # noqa: N802
        headers = request.headers
        algorithm = headers.get("x-amz-checksum-algorithm", "").lower()
        kind = headers.get("x-amz-checksum-type", "").upper()
        if kind == "FULL_OBJECT" and algorithm.startswith("sha"):
            raise S3Error(
                400, "InvalidRequest", "The FULL_OBJECT checksum type cannot be used with the sha algorithms."
            )
        tags = headers.get("x-amz-tagging", "")
        bucket = self._bucket(request)
        upload = bucket.create_upload(request.key, request.kept_headers(), tags, algorithm, kind)
        said = {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": upload.checksum_type}
        tree: Tree = [("Bucket", request.bucket), ("Key", request.key), ("UploadId", upload.id)]
        return xml("InitiateMultipartUploadResult", tree, **(said if algorithm else {}))

    def _UploadPart(self, request: S3Request, sent: dict[str, str]) -> Answer:  # noqa: N802
        bucket = self._bucket(request)
        upload = bucket.find_upload(request.key, request.query["uploadId"])
        part = bucket.put_part(upload, request.part or 0, request.body, sent)
        return Answer(headers={"ETag": part.etag, **checksum_headers(part.checksums)})

    def _UploadPartCopy(self, request: S3Request) -> Answer:  # noqa: N802
        bucket, source = self._bucket(request), self._source(request)
        upload = bucket.find_upload(request.key, request.query["uploadId"])
        body = source.body
        if request.range:
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.range)
            if not found or not int(found[1]) <= int(found[2]) < len(body):
                raise S3Error(400, "InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=0-1")
            body = body[int(found[1]) : int(found[2]) + 1]
        sums = {upload.algorithm: checksum(upload.algorithm, body)} if upload.algorithm else {}
        part = bucket.put_part(upload, request.part or 0, body, sums)
        tree: Tree = [("LastModified", moment(source.modified)), ("ETag", part.etag)]
        return xml("CopyPartResult", tree + checksum_tree(part.checksums))

    def _CompleteMultipartUpload(self, request: S3Request, sent: dict[str, str]) -> Answer:  # noqa: N802
        bucket = self._bucket(request)
        upload = bucket.find_upload(request.key, request.query["uploadId"])
        kind = request.headers.get("x-amz-checksum-type", "").upper()
        if kind and kind != upload.checksum_type:
            raise S3Error(400, "InvalidRequest", "The checksum type is not that of the upload.")
        _only_if_absent(request, bucket)
        size = request.headers.get("x-amz-mp-object-size")
        version = bucket.complete(upload, request.listed_parts(), sent, int(size) if size else None)
        tree: Tree = [("Bucket", request.bucket), ("Key", request.key), ("ETag", version.etag)]
        tree += checksum_tree(version.checksums, version.checksum_type)
        written = _written(bucket, version)
        del written["ETag"]
        return xml("CompleteMultipartUploadResult", tree, **written)

    def _AbortMultipartUpload(self, request: S3Request) -> Answer:  # noqa: N802
        bucket = self._bucket(request)
        del bucket.uploads[bucket.find_upload(request.key, request.query["uploadId"]).id]
        return Answer(204)

    def _ListParts(self, request: S3Request) -> Answer:  # noqa: N802
        upload = self._bucket(request).find_upload(request.key, request.query["uploadId"])
        after, most = int(request.query.get("part-number-marker", 0)), int(request.query.get("max-parts", 1000))
        numbers = sorted(number for number in upload.parts if number > after)
        tree: Tree = [("Key", upload.key), ("UploadId", upload.id), ("IsTruncated", str(len(numbers) > most).lower())]
        for part in [upload.parts[number] for number in numbers[:most]]:
            size, last = str(len(part.body)), str(part.number)
            entry: Tree = [("PartNumber", last), ("ETag", part.etag), ("Size", size)]
            tree.append(("Part", entry + checksum_tree(part.checksums)))
        return xml("ListPartsResult", tree + [("NextPartNumberMarker", str(n)) for n in numbers[:most][-1:]])


def _written(bucket: Bucket, version: Version) -> dict[str, str]:
    return {"ETag": version.etag, **({"x-amz-version-id": version.id} if bucket.versioning else {})}


def _only_if_absent(request: S3Request, bucket: Bucket) -> None:
    if request.headers.get("if-none-match") == "*" and bucket.has(request.key):
        raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")


def _check_conditions(headers: dict[str, str], prefix: str, version: Version) -> None:
    wanted, unwanted = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    if wanted is not None and wanted.strip('"') not in ("*", version.etag.strip('"')):
        raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    if unwanted is not None and unwanted.strip('"') in ("*", version.etag.strip('"')):
        raise S3Error(412 if prefix else 304, "PreconditionFailed" if prefix else "NotModified")


def _wanted_range(request: S3Request, version: Version) -> tuple[int, int] | None:
    """Where what is wanted starts and ends; None for all of it."""
    size = len(version.body)
    if request.part:
        sizes = version.part_sizes or [size]
        if request.part > len(sizes):
            raise S3Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
        return sum(sizes[: request.part - 1]), sum(sizes[: request.part])
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if not found or found[0] == "bytes=-":
        return None  # a range that is none is not minded
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
    if start >= end:
        raise S3Error(416, "InvalidRange", "The requested range is not satisfiable")
    return start, end
