"""The part of a crawler that has little to do with AWS: options, concurrency, progress, records, tables, failures."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

try:
    from tqdm import tqdm
except ImportError:  # a crawler without a progress bar is still a crawler
    tqdm = None

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence

T = TypeVar("T")


def options(description: str | None, *, concurrency: int) -> argparse.ArgumentParser:
    """Give a parser with the options that every crawler has."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--endpoint-url", metavar="URL", help="where to send requests, if not to AWS")
    parser.add_argument("--profile", help="profile of the AWS config files")
    parser.add_argument("--region", help="region, if not the profile's")
    parser.add_argument(
        "--concurrency",
        type=_positive,
        default=concurrency,
        metavar="N",
        help="requests under way at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write every record to FILE, one JSON object a line (JSON Lines)"
    )
    return parser


def session_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Give the arguments for the `aiosdk.Session` that the options ask for."""
    return {
        "profile_name": options.profile,
        "region_name": options.region,
        "endpoint_url": options.endpoint_url,
        "max_connections": options.concurrency,
    }


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def run(
    crawl: Callable[[Records], Coroutine[Any, Any, None]], found: T, report: Callable[[T], None], json_path: str | None
) -> int:
    """Run a crawl, report what it found, and give the exit code; one that ends early says what it had done."""
    try:
        with Records(json_path) as records:
            asyncio.run(crawl(records))
    except KeyboardInterrupt:
        return _stopped(found, "interrupted", code=130)
    except (BotoCoreError, ClientError, OSError) as error:
        return _stopped(found, error, code=1)
    report(found)
    return 0


def _stopped(found: object, why: object, *, code: int) -> int:
    done = f"stopped after {found}: " if found else ""
    print(f"{os.path.basename(sys.argv[0])}: {done}{why}", file=sys.stderr)
    return code


async def for_each(items: Iterable[T], act: Callable[[T], Awaitable[object]], *, concurrency: int) -> None:
    """Do something with every item, `concurrency` of them at a time. The first error cancels the rest."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


@asynccontextmanager
async def progress_bar(progress: Callable[[], tuple[int, int, str]]) -> AsyncIterator[None]:
    """Show how much is done, of how much, and what that is, while the block runs, if stderr is a terminal.

    Drawn on threads: a terminal that is slow to take it must not hold up the event loop.
    """
    if tqdm is None or not sys.stderr.isatty():
        yield
        return
    bar = await asyncio.to_thread(tqdm, bar_format="{percentage:3.0f}% |{bar:30}| {elapsed} {desc}", total=1)

    async def draw() -> None:
        while True:
            await asyncio.to_thread(_show, bar, *progress())
            await asyncio.sleep(0.1)

    drawing = asyncio.create_task(draw())
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.to_thread(_show, bar, *progress())
        await asyncio.to_thread(bar.close)


def _show(bar: Any, done: int, total: int, what: str) -> None:
    bar.n, bar.total = done, total
    bar.set_description_str(what)


class Records:
    """A file of JSON Lines, written off the event loop; without a path it takes records and does nothing."""

    def __init__(self, path: str | None) -> None:
        self._file = open(path, "w", encoding="utf-8") if path is not None else None  # noqa: SIM115
        self._lock = asyncio.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._file is not None:
            self._file.close()

    async def write(self, records: Iterable[dict[str, Any]]) -> None:
        """Append records to the file; a generator runs off the event loop too."""
        if self._file is None:
            return
        async with self._lock:
            await asyncio.to_thread(self._file.writelines, (json.dumps(record) + "\n" for record in records))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
    """Print rows below their headings: text to the left, numbers to the right."""
    rows = list(rows)
    numeric = [any(isinstance(row[i], int) for row in rows) for i in range(len(headings))]
    lines = [tuple(headings), *(tuple(f"{each:,}" if isinstance(each, int) else each for each in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        print("  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in cells).rstrip())
