"""Read a parquet file with pandas over s3fs over aiosdk.

    python examples/parquet_over_s3fs.py s3://bucket/orders.parquet

It needs s3fs, pandas and pyarrow. s3fs runs on an event loop of its own, on a thread; `aiosdk.compat` gives it a
session that may be used there, whichever loop the program itself has.
"""

from __future__ import annotations

import sys

import pandas as pd
import s3fs

import aiosdk.compat


def read(path: str, **client_kwargs: str) -> pd.DataFrame:
    """Read a parquet file into a data frame; the columns that are not asked for are not fetched."""
    fs = s3fs.S3FileSystem(session=aiosdk.compat.get_session(), client_kwargs=client_kwargs)
    with fs.open(path, "rb") as file:
        return pd.read_parquet(file)


def main() -> None:
    frame = read(sys.argv[1])
    print(frame.describe(include="all"))
    print(f"{len(frame):,} rows, {len(frame.columns)} columns")


if __name__ == "__main__":
    main()
