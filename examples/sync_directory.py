"""Keep a directory and a prefix of a bucket alike: up to the bucket, or with --down from it.

python examples/sync_directory.py site my-bucket www --exclude '*.tmp' --delete --dry-run
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

import aiosdk

if TYPE_CHECKING:
    from aiosdk.s3 import TreeResult


async def synchronise(arguments: argparse.Namespace) -> TreeResult:
    """Send what is missing or different, and with --delete delete what is too much."""
    async with aiosdk.Session(region_name=arguments.region, endpoint_url=arguments.endpoint_url) as session:
        bucket = (await session.resource("s3")).Bucket(arguments.bucket)
        return await bucket.sync(
            arguments.directory,
            arguments.prefix,
            direction="down" if arguments.down else "up",
            delete=arguments.delete,
            exclude=arguments.exclude,
            dry_run=arguments.dry_run,
            raise_failures=False,  # they are printed with the rest
            progress=sys.stderr.isatty(),
        )


def print_result(result: TreeResult) -> None:
    """Print a line for each file that was sent, deleted or failed, and the counts."""
    for what in ("done", "deleted", "failed"):
        for each in getattr(result, what):
            print(f"{what:8}{each.key or each.path}  ({each.why})")
    print(result)


def main() -> None:
    """Run the program; exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("bucket")
    parser.add_argument("prefix", nargs="?", default="")
    parser.add_argument("--down", action="store_true", help="from the bucket to the directory")
    parser.add_argument("--delete", action="store_true", help="delete what only the destination has")
    parser.add_argument("--exclude", action="append", metavar="PATTERN", help="may be given several times")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be done")
    parser.add_argument("--region")
    parser.add_argument("--endpoint-url")
    try:
        result = asyncio.run(synchronise(parser.parse_args()))
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"sync_directory.py: {error}")
    print_result(result)
    sys.exit(1 if result.failed else 0)


if __name__ == "__main__":
    main()
