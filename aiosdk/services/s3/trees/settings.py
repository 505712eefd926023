"""TreeSettings: the arguments of `upload_dir`, `download_dir` and `sync`, checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from aiosdk.exceptions import TreeArgumentError, TreeRootError
from aiosdk.services.s3.trees.compare import Comparison
from aiosdk.services.s3.trees.names import directory_of
from aiosdk.services.s3.trees.patterns import Choice, Patterns

_DEFAULT_CONCURRENCY: Final = 10
_MIB: Final = 1024 * 1024


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
    callback: Any
    config: Any

    def of_request(self, *more: str) -> dict[str, Any]:
        """Those of ExtraArgs that every request to the bucket needs."""
        names = ("ExpectedBucketOwner", "RequestPayer", *more)
        return {name: value for name, value in self.extra_args.items() if name in names}

    def weight(self, size: int) -> int:
        """How many requests are in flight for a file at a time."""
        if size < (getattr(self.config, "multipart_threshold", None) or 8 * _MIB):
            return 1
        parts = -(-size // (getattr(self.config, "multipart_chunksize", None) or 8 * _MIB))
        return min(parts, _concurrency_of(self.config))


def check_settings(
    client: Any,
    bucket: str,
    path: Any,
    prefix: Any,
    *,
    include: Patterns,
    exclude: Patterns,
    compare: Any,
    concurrency: Any,
    ExtraArgs: dict[str, Any] | None,  # noqa: N803 - boto3's names
    Callback: Any,  # noqa: N803
    Config: Any,  # noqa: N803
    overwrite: bool = False,
    delete: bool = False,
    dry_run: bool,
    follow_symlinks: bool,
    portable_names: bool = True,
) -> TreeSettings:
    """Check the arguments. Raises `TreeArgumentError`."""
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
        concurrency=concurrency or _concurrency_of(Config),
        extra_args=dict(ExtraArgs or {}),
        callback=Callback,
        config=Config,
    )


def _concurrency_of(config: Any) -> int:
    return getattr(config, "max_concurrency", None) or _DEFAULT_CONCURRENCY


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
