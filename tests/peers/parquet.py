"""Write a parquet file to a local S3, and read it by `examples/parquet_over_s3fs.py`: part of `make s3fs`."""

from __future__ import annotations

import io
import os
import sys

import boto3
import pandas as pd

from examples.local_aws import local_aws
from examples.parquet_over_s3fs import read

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


def main() -> None:
    written = pd.DataFrame({"order": range(10_000), "customer": [f"c{number % 97}" for number in range(10_000)]})
    buffer = io.BytesIO()
    written.to_parquet(buffer)
    os.environ.update(KEYS)
    with local_aws() as url:
        os.environ["AWS_ENDPOINT_URL"] = url
        s3 = boto3.client("s3", endpoint_url=url)
        s3.create_bucket(Bucket="logs")
        s3.put_object(Bucket="logs", Key="orders.parquet", Body=buffer.getvalue())
        found = read("s3://logs/orders.parquet")
    pd.testing.assert_frame_equal(found, written)
    print(f"parquet over s3fs over aiosdk: {len(found):,} rows, as written")


if __name__ == "__main__":
    sys.exit(main())
