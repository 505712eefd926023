"""TreeSettings: the arguments of `upload_dir`, `download_dir` and `sync`, checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from aiosdk.exceptions import TreeArgumentError, TreeRootError
from aiosdk.services.s3.arguments import DOWNLOAD, UPLOAD, check_arguments
from aiosdk.services.s3.config import TransferConfig
from aiosdk.services.s3.trees.compare import Comparison
from aiosdk.services.s3.trees.names import directory_of
from aiosdk.services.s3.trees.patterns import Choice, Patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, kw_only=True)
class TreeSettings:
    """What to do, and how."""

    client: Any
    bucket: str
    path: str
    prefix: str
    choice: Choice
    compare: Comparison
    overwrite: bool
    delete: bool
    dry_run: bool
    follow_symlinks: bool
    portable_names: bool
    concurrency: int
    extra_args: dict[str, Any]
    callback: Callable[[int], Any] | None
    progress: bool
    config: TransferConfig

    def of_request(self, *more: str) -> dict[str, Any]:
        """Those of ExtraArgs that every request to the bucket needs."""
        names = ("ExpectedBucketOwner", "RequestPayer", *more)
        return {name: value for name, value in self.extra_args.items() if name in names}

    def weight(self, size: int, *, up: bool) -> int:
        """How many requests are in flight for a file at a time."""
        config = self.config
        if size < config.multipart_threshold:
            return 1
        part = config.part_size(size) if up else config.multipart_chunksize
        return min(-(-size // part), config.concurrency)


def check_settings(
    client: Any,
    bucket: str,
    path: Any,
    prefix: Any,
    *,
    direction: Literal["up", "down"],
    include: Patterns,
    exclude: Patterns,
    compare: Any,
    concurrency: Any,
    ExtraArgs: Mapping[str, Any] | None,  # noqa: N803 - boto3's names
    Callback: Any,  # noqa: N803
    Config: Any,  # noqa: N803
    progress: bool,
    overwrite: bool = False,
    delete: bool = False,
    dry_run: bool,
    follow_symlinks: bool,
    portable_names: bool = True,
) -> TreeSettings:
    """Check the arguments. Raises `TreeArgumentError`, or what a transfer raises for `Config` and `ExtraArgs`."""
    if isinstance(path, os.PathLike):
        path = os.fspath(cast("os.PathLike[Any]", path))
    if not isinstance(path, str) or not path:
        raise TreeArgumentError(problem=f"path={path!r} is no directory: give its path as a text or a pathlib.Path")
    if not isinstance(prefix, str):
        raise TreeArgumentError(problem=f"prefix={prefix!r} is no prefix of keys: give a text, '' for the whole bucket")
    if compare not in get_args(Comparison):
        raise TreeArgumentError(problem=f"compare={compare!r} is not known: give 'time', 'size' or 'checksum'")
    if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
        raise TreeArgumentError(problem=f"concurrency={concurrency!r} takes a whole number of at least 1, or None")
    config = TransferConfig.of(Config)
    together: int = concurrency or config.concurrency
    return TreeSettings(
        client=client,
        bucket=bucket,
        path=path,
        prefix=directory_of(prefix),
        choice=Choice(include, exclude),
        compare=compare,
        overwrite=overwrite,
        delete=delete,
        dry_run=dry_run,
        follow_symlinks=follow_symlinks,
        portable_names=portable_names,
        concurrency=together,
        extra_args=check_arguments(ExtraArgs, UPLOAD if direction == "up" else DOWNLOAD, bucket),
        callback=Callback,
        progress=progress,
        config=replace(config, max_concurrency=min(config.max_concurrency, together)),
    )


def source_root(path: str) -> str:
    """Give the absolute path of a directory that must be there. Blocks."""
    _check_kind(path)
    if not os.path.isdir(path):
        raise TreeRootError(problem=f"There is no directory {path!r} to upload from. Nothing was sent or deleted")
    return os.path.abspath(path)


def target_root(path: str) -> str:
    """Give the absolute path of a directory that may be there. Blocks."""
    _check_kind(path)
    return os.path.abspath(path)


def _check_kind(path: str) -> None:
    if os.path.lexists(path) and not os.path.isdir(path):
        raise TreeRootError(problem=f"{path!r} is no directory. For a single file use upload_file or download_file")
