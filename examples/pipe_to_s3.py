"""Upload what comes through a pipe, of whatever length, or with --down download an object into one.

tar cz site | python examples/pipe_to_s3.py my-bucket backups/site.tar.gz
python examples/pipe_to_s3.py my-bucket backups/site.tar.gz --down | tar tz
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from botocore.exceptions import BotoCoreError, ClientError

import aiosdk


async def transfer(arguments: argparse.Namespace) -> None:
    """Upload standard input, or download to standard output. Memory holds a few parts at a time."""
    async with aiosdk.Session(region_name=arguments.region, endpoint_url=arguments.endpoint_url) as session:
        obj = (await session.resource("s3")).Bucket(arguments.bucket).Object(arguments.key)
        progress = sys.stderr.isatty()
        if arguments.down:
            await obj.download_fileobj(sys.stdout.buffer, progress=progress)
        else:
            await obj.upload_fileobj(sys.stdin.buffer, progress=progress)


def main() -> None:
    """Run the program; exit with 1 if it failed, with nothing left in the bucket but what was there before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bucket")
    parser.add_argument("key")
    parser.add_argument("--down", action="store_true", help="from the bucket to standard output")
    parser.add_argument("--region")
    parser.add_argument("--endpoint-url")
    try:
        asyncio.run(transfer(parser.parse_args()))
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"pipe_to_s3.py: {error}")
    except KeyboardInterrupt:
        sys.exit("pipe_to_s3.py: stopped; the upload was aborted")


if __name__ == "__main__":
    main()
