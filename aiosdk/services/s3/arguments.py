"""`ExtraArgs`: which are allowed for what, and which requests of a transfer they go into. The names are boto3's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

CHECKSUMS: Final = tuple(
    "Checksum" + name
    for name in ("CRC32", "CRC32C", "CRC64NVME", "MD5", "SHA1", "SHA256", "SHA512", "XXHASH3", "XXHASH64", "XXHASH128")
)
"""The checksum of a whole object, where the caller knows it."""

_WRITING: Final = (
    "ACL",
    "CacheControl",
    "ChecksumAlgorithm",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "ExpectedBucketOwner",
    "Expires",
    "GrantFullControl",
    "GrantRead",
    "GrantReadACP",
    "GrantWriteACP",
    "Metadata",
    "ObjectLockLegalHoldStatus",
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "RequestPayer",
    "ServerSideEncryption",
    "StorageClass",
    "SSECustomerAlgorithm",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
    "SSEKMSKeyId",
    "SSEKMSEncryptionContext",
    "Tagging",
    "WebsiteRedirectLocation",
)
_CUSTOMER_KEY: Final = ("SSECustomerKey", "SSECustomerAlgorithm", "SSECustomerKeyMD5")
_SOURCE_CONDITIONS: Final = (
    "CopySourceIfMatch",
    "CopySourceIfModifiedSince",
    "CopySourceIfNoneMatch",
    "CopySourceIfUnmodifiedSince",
)
_SOURCE_KEY: Final = (
    "CopySourceSSECustomerAlgorithm",
    "CopySourceSSECustomerKey",
    "CopySourceSSECustomerKeyMD5",
)

DOWNLOAD: Final = ("ChecksumMode", "VersionId", *_CUSTOMER_KEY, "RequestPayer", "ExpectedBucketOwner")
UPLOAD: Final = (*_WRITING, "ChecksumType", "MpuObjectSize", *CHECKSUMS)
COPY: Final = (
    *_WRITING,
    *_SOURCE_CONDITIONS,
    *_SOURCE_KEY,
    "MetadataDirective",
    "TaggingDirective",
    "AnnotationDirective",
)

# What goes into which request of an upload or copy in parts; the rest into the first, which creates it.
OF_PART: Final = (*_CUSTOMER_KEY, "ChecksumAlgorithm", "RequestPayer", "ExpectedBucketOwner")
OF_PART_COPY: Final = (*_SOURCE_CONDITIONS, *_SOURCE_KEY, *_CUSTOMER_KEY, "RequestPayer", "ExpectedBucketOwner")
OF_COMPLETION: Final = (
    *_CUSTOMER_KEY,
    "RequestPayer",
    "ExpectedBucketOwner",
    "ChecksumType",
    "MpuObjectSize",
    *CHECKSUMS,
)
OF_HEAD: Final = (*_CUSTOMER_KEY, "RequestPayer", "ExpectedBucketOwner")
OF_ABORTION: Final = ("RequestPayer", "ExpectedBucketOwner")
NOT_OF_CREATION: Final = ("MpuObjectSize", *CHECKSUMS)
NOT_OF_PUT: Final = ("ChecksumType", "MpuObjectSize")
NOT_OF_COPY_CREATION: Final = (
    *_SOURCE_CONDITIONS,
    *_SOURCE_KEY,
    "MetadataDirective",
    "TaggingDirective",
    "AnnotationDirective",
    "Tagging",
)
# What a copy's look at its source is asked with.
OF_SOURCE: Final = {
    **{name: name.removeprefix("CopySource") for name in (*_SOURCE_CONDITIONS, *_SOURCE_KEY)},
    "RequestPayer": "RequestPayer",
    "ExpectedBucketOwner": "ExpectedBucketOwner",
}


def check_arguments(given: Mapping[str, Any] | None, allowed: tuple[str, ...], bucket: Any) -> dict[str, Any]:
    """Give a copy of `ExtraArgs`; raise `ValueError` for a name that is not allowed, or a bucket that cannot be."""
    for name in given or {}:
        if name not in allowed:
            raise ValueError(f"Invalid extra_args key {name!r}, must be one of: {', '.join(allowed)}")
    # What is no text at all is told by the client's own check of parameters.
    if isinstance(bucket, str) and bucket.startswith("arn:") and ":s3-object-lambda:" in bucket:
        raise ValueError(
            f"{bucket} is an S3 Object Lambda, which takes no transfers: call the client's own operations."
        )
    return dict(given or {})


def only(given: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    """Give those that one request takes."""
    return {name: value for name, value in given.items() if name in names}


def without(given: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    """Give those that a request takes which takes all but some."""
    return {name: value for name, value in given.items() if name not in names}
