"""What type checkers must make of annotations with resource classes. Checked by `make check`, never run."""

from typing import assert_type

from aiosdk.types import dynamodb, s3


async def total_size(bucket: s3.Bucket) -> int:
    return sum([obj.size async for obj in bucket.objects])


def same(bucket: s3.Bucket, table: dynamodb.Table) -> tuple[s3.Bucket, dynamodb.Table]:
    assert_type(bucket, s3.Bucket)
    assert_type(table, dynamodb.Table)
    return bucket, table


def made() -> s3.Object:
    return s3.Object("bucket", "key")
