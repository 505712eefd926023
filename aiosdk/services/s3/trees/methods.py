"""Trees: the methods of an S3 bucket that keep a directory and a prefix alike."""
# pyright: reportPrivateUsage=false
# Part of the resource classes.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aiosdk._async_only import typed_as
from aiosdk.exceptions import TreeArgumentError
from aiosdk.resources.resource import Resource
from aiosdk.services.s3.trees.download import Download
from aiosdk.services.s3.trees.settings import check_settings
from aiosdk.services.s3.trees.upload import Upload

if TYPE_CHECKING:
    import os

    from aiosdk.services.s3.client import Arguments, Tell
    from aiosdk.services.s3.trees.compare import Comparison
    from aiosdk.services.s3.trees.patterns import Patterns
    from aiosdk.services.s3.trees.result import TreeResult
    from aiosdk.services.s3.trees.run import TreeRun


@typed_as("s3.Bucket")
class Trees(Resource):
    """Uploads, downloads and synchronises directories."""

    __slots__ = ()

    name: str

    async def upload_dir(
        self,
        path: str | os.PathLike[str],
        prefix: str = "",
        *,
        include: Patterns = None,
        exclude: Patterns = None,
        compare: Comparison = "time",
        overwrite: bool = False,
        dry_run: bool = False,
        follow_symlinks: bool = True,
        raise_failures: bool = True,
        concurrency: int | None = None,
        ExtraArgs: Arguments = None,  # noqa: N803 - boto3's names
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        progress: bool = False,
    ) -> TreeResult:
        """Upload the files of a directory, and of those below it, to the keys below a prefix.

        What is in the bucket already is not sent again, so that a run that was interrupted goes on where it ended.
        Lists the prefix (`ListObjectsV2`) and uploads file by file while it does, as `upload_file` would. One file's
        failure does not stop the others.

        >>> result = await bucket.upload_dir("site", "www", exclude=["*.tmp", ".git/"])
        >>> result
        <TreeResult up: done=12, skipped=3, deleted=0, failed=0, 48,213 bytes>

        Args:
            path: The directory.
            prefix: Where its files go. It is a directory: `"www"` and `"www/"` both give `"www/index.html"`.
            include: Patterns of paths, relative to the directory and with `/`, of which a file must match one. `*`
                stands for anything, slashes too, as in `aws s3 sync`; `**/` for any number of directories, none too;
                `?` for a character, `[a-z]` for one of a set. Capitals count.
            exclude: Patterns of which a file must match none; `".git/"` is short for `".git/**"`, and such a directory
                is not read at all. Nothing is told of what is left out.
            compare: What makes an object the same as a file. `"time"`: the same size, and a file that is not newer than
                the object, in whole seconds. `"size"`: the same size. `"checksum"`: the same content, by a checksum
                that S3 stores of the whole object or an ETag that is an MD5; where there is neither, it is sent.
            overwrite: Send everything, without a look at what is there.
            dry_run: Send nothing, and tell in the result what would be sent.
            follow_symlinks: Whether links are taken for what they lead to, or left out.
            raise_failures: False to return the result though something has failed.
            concurrency: How many requests may be in flight, a large file counting for several; by default
                `Config.max_concurrency`, which is 10.
            ExtraArgs: Arguments of each upload, as `upload_file` takes them.
            Callback: Called with the number of bytes of each step, of any file; a function or a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's, for each upload.
            progress: Whether to draw a bar, which needs tqdm: `pip install aiosdk[progress]`.

        Returns:
            TreeResult: `done`, `skipped` and `failed`, with key, path, size, why and error of each file. Special files
            and links that lead nowhere, or around, are skipped.

        Raises:
            TreeTransferError: Everything else is done, but some files have failed; it has `failed` and `result`.
            TreeRootError: There is no such directory.
            TreeArgumentError: An argument makes no sense.
            ValueError: A name in `ExtraArgs` is not allowed.
            ClientError: The prefix cannot be listed; uploads under way were ended.
        """
        settings = check_settings(
            self._client_to_call(),
            self.name,
            path,
            prefix,
            direction="up",
            include=include,
            exclude=exclude,
            compare=compare,
            overwrite=overwrite,
            dry_run=dry_run,
            follow_symlinks=follow_symlinks,
            concurrency=concurrency,
            ExtraArgs=ExtraArgs,
            Callback=Callback,
            Config=Config,
            progress=progress,
        )
        return await _result(Upload(settings), raise_failures=raise_failures)

    async def download_dir(
        self,
        prefix: str,
        path: str | os.PathLike[str],
        *,
        include: Patterns = None,
        exclude: Patterns = None,
        compare: Comparison = "time",
        overwrite: bool = False,
        dry_run: bool = False,
        follow_symlinks: bool = True,
        portable_names: bool = True,
        raise_failures: bool = True,
        concurrency: int | None = None,
        ExtraArgs: Arguments = None,  # noqa: N803 - boto3's names
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        progress: bool = False,
    ) -> TreeResult:
        """Download the objects below a prefix into a directory, which is made if it is not there.

        What is there already is not fetched again: a file gets the time of its object, and is the same as long as size
        and time are. Lists the prefix (`ListObjectsV2`) and downloads object by object while it does, as
        `download_file` would; a file appears when it is complete. One object's failure does not stop the others.

        A key that would leave the directory is refused and is among the failures: one with a part `..`, with a slash at
        its beginning, with the letter of a drive, through a symbolic link that leads out. So are keys that no file can
        have: empty parts, names that are too long, `a/b` where `a` is an object too, names that the file system does
        not tell apart, and devices of Windows (`NUL`, `aux.c`; see `portable_names`). Objects that only mark a
        directory are skipped.

        >>> result = await bucket.download_dir("www", "site", include="*.html")
        >>> [(each.key, each.why) for each in result.skipped]
        [('www/index.html', 'the same size and time')]

        Args:
            prefix: What to download. It is a directory: `"www"` and `"www/"` both mean the keys that begin with
                `"www/"`; `""` means all.
            path: The directory.
            include: Patterns of keys, relative to the prefix, of which an object must match one. `*` stands for
                anything, slashes too, as in `aws s3 sync`; `**/` for any number of directories, none too; `?` for a
                character, `[a-z]` for one of a set. Capitals count.
            exclude: Patterns of which an object must match none; `"tmp/"` is short for `"tmp/**"`. Nothing is told of
                what is left out.
            compare: What makes a file the same as an object. `"time"`: the same size and time, in whole seconds.
                `"size"`: the same size. `"checksum"`: the same content, by a checksum that S3 stores of the whole
                object or an ETag that is an MD5; where there is neither, it is fetched.
            overwrite: Fetch everything, without a look at what is there.
            dry_run: Write nothing, and tell in the result what would be fetched.
            follow_symlinks: Whether links in the directory are taken for what they lead to, or left alone with all that
                would be written through them. Nothing is written through a link that leads out of it.
            portable_names: Whether names that are devices or drives on Windows are refused on other systems too.
            raise_failures: False to return the result though something has failed.
            concurrency: How many requests may be in flight, a large object counting for several; by default
                `Config.max_concurrency`, which is 10.
            ExtraArgs: Arguments of each download, as `download_file` takes them.
            Callback: Called with the number of bytes of each step, of any object; a function or a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's, for each download.
            progress: Whether to draw a bar, which needs tqdm: `pip install aiosdk[progress]`.

        Returns:
            TreeResult: `done`, `skipped` and `failed`, with key, path, size, why and error of each object.

        Raises:
            TreeTransferError: Everything else is done, but some objects have failed; it has `failed` and `result`.
            TreeRootError: Where the directory should be is a file.
            TreeArgumentError: An argument makes no sense.
            ValueError: A name in `ExtraArgs` is not allowed.
            ClientError: The prefix cannot be listed; downloads under way were ended.
        """
        settings = check_settings(
            self._client_to_call(),
            self.name,
            path,
            prefix,
            direction="down",
            include=include,
            exclude=exclude,
            compare=compare,
            overwrite=overwrite,
            dry_run=dry_run,
            follow_symlinks=follow_symlinks,
            portable_names=portable_names,
            concurrency=concurrency,
            ExtraArgs=ExtraArgs,
            Callback=Callback,
            Config=Config,
            progress=progress,
        )
        return await _result(Download(settings), raise_failures=raise_failures)

    async def sync(
        self,
        path: str | os.PathLike[str],
        prefix: str = "",
        *,
        direction: Literal["up", "down"],
        delete: bool = False,
        include: Patterns = None,
        exclude: Patterns = None,
        compare: Comparison = "time",
        dry_run: bool = False,
        follow_symlinks: bool = True,
        portable_names: bool = True,
        raise_failures: bool = True,
        concurrency: int | None = None,
        ExtraArgs: Arguments = None,  # noqa: N803 - boto3's names
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        progress: bool = False,
    ) -> TreeResult:
        """Make a prefix like a directory (`direction="up"`) or a directory like a prefix (`"down"`).

        Does what `upload_dir` or `download_dir` does, and with `delete=True` deletes at the destination what the source
        does not have. What is excluded is neither sent nor deleted. Deletions come last: not before listing and
        directory were read to their ends, and not at all if a part of the directory could not be read. Up, they are
        `DeleteObjects` of 1,000 keys each, and objects that only mark a directory stay. Down, only files below the
        directory are deleted, never through a symbolic link, with the directories that become empty.

        >>> await bucket.sync("site", "www", direction="up", delete=True, dry_run=True)
        <TreeResult up (dry run): done=2, skipped=13, deleted=1, failed=0, 1,024 bytes>

        Args:
            path: The directory.
            prefix: The prefix, a directory too: `"www"` and `"www/"` are the same.
            direction: `"up"` to the bucket, `"down"` from it.
            delete: Whether to delete what only the destination has.
            include: Patterns of which a path must match one, as for `upload_dir`.
            exclude: Patterns of which a path must match none.
            compare: `"time"`, `"size"` or `"checksum"`, as for `upload_dir` and `download_dir`.
            dry_run: Change nothing, and tell in the result what would be sent and deleted.
            follow_symlinks: Whether links are taken for what they lead to, or left out.
            portable_names: Down: whether names that are devices or drives on Windows are refused elsewhere too.
            raise_failures: False to return the result though something has failed.
            concurrency: How many requests may be in flight, a large file counting for several; by default
                `Config.max_concurrency`, which is 10.
            ExtraArgs: Arguments of each transfer, as `upload_file` and `download_file` take them.
            Callback: Called with the number of bytes of each step, of any file; a function or a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's, for each transfer.
            progress: Whether to draw a bar, which needs tqdm: `pip install aiosdk[progress]`.

        Returns:
            TreeResult: `done`, `skipped`, `deleted` and `failed`, with key, path, size, why and error of each.

        Raises:
            TreeTransferError: Everything else is done, but something has failed; it has `failed` and `result`.
            TreeRootError: There is no such directory to upload, or down, with `delete`, nothing at all under the
                prefix.
            TreeArgumentError: An argument makes no sense.
            ValueError: A name in `ExtraArgs` is not allowed.
            ClientError: The prefix cannot be listed; nothing was deleted.
        """
        if direction not in ("up", "down"):
            raise TreeArgumentError(
                problem=f"direction={direction!r} is not known: give 'up' (to the bucket) or 'down' (from it)"
            )
        settings = check_settings(
            self._client_to_call(),
            self.name,
            path,
            prefix,
            direction=direction,
            include=include,
            exclude=exclude,
            compare=compare,
            delete=delete,
            dry_run=dry_run,
            follow_symlinks=follow_symlinks,
            portable_names=portable_names,
            concurrency=concurrency,
            ExtraArgs=ExtraArgs,
            Callback=Callback,
            Config=Config,
            progress=progress,
        )
        return await _result(
            Upload(settings) if direction == "up" else Download(settings), raise_failures=raise_failures
        )


async def _result(run: TreeRun, *, raise_failures: bool) -> TreeResult:
    result = await run.run()
    if raise_failures:
        result.raise_for_failures()
    return result
