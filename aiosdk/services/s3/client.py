"""The methods of S3's clients that are written by hand: transfers of files."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Final

from aiosdk import _forks, _off_loop
from aiosdk._async_only import typed_as
from aiosdk._client import Client
from aiosdk.exceptions import FileobjError
from aiosdk.services.s3.order import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # botocore's and boto3's types are not known here.
    Path = str | os.PathLike[str]
    Arguments = Mapping[str, Any] | None
    Tell = Callable[[int], Any] | None

_loaded: Final[dict[str, Any]] = {}


async def _load(name: str) -> Any:
    """Import a module of this package when it is first used, off the event loop."""
    module = _loaded.get(name)
    if module is None:
        module = _loaded[name] = await _off_loop.call(_import, f"aiosdk.services.s3.{name}")
    return module


def _import(name: str) -> Any:
    with _forks.undisturbed():
        return importlib.import_module(name)


async def _absolute(path: Path) -> Path:
    """A path wherever the process goes before it is opened, or before what was written takes its place.

    It is not normalised, which would lead elsewhere where it goes through a link and back. What is no path stays as it
    is, and is refused by whoever takes it.
    """
    try:
        given: object = os.fspath(path)
    except TypeError:
        given = None
    if isinstance(given, str) and given and not os.path.isabs(given):
        return os.path.join(await _off_loop.call(os.getcwd), given)
    return path


def _refuse_processing(processing: object) -> None:
    if processing is not None:
        raise FileobjError(
            problem="upload_fileobj() takes no Processing, which aioboto3 calls with each part. Give an iterator, "
            "plain or asynchronous, of what is to be uploaded: upload_fileobj((process(each) for each in pieces), ...)"
        )


@typed_as("s3")
class S3Client(Client):
    """The client of S3."""

    async def upload_file(
        self,
        Filename: Path,  # noqa: N803 - boto3's names
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Upload a file to an object.

        Sends `PutObject`, or for a large file `CreateMultipartUpload`, `UploadPart` for each of its parts, several at
        once, and `CompleteMultipartUpload`. However it ends, no multipart upload is left behind. Each part is checked
        by its checksum, and the whole object as well where the server can.

        Args:
            Filename: The path of the file.
            Bucket: The bucket.
            Key: The key of the object.
            ExtraArgs: Parameters of those requests, such as `{"ContentType": "text/html"}`.
            Callback: Called with the number of bytes that have arrived in addition, as parts do; may be a coroutine
                function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm: `pip install aiosdk[progress]`.

        Raises:
            S3UploadFailedError: S3 refused, a `ClientError`.
            OSError: The file cannot be read.
            FileChangedError: The file became shorter meanwhile.
            ValueError: A name in `ExtraArgs` is not allowed, or `Filename` is no path.
        """
        order, path = Order(self, Bucket, Key, ExtraArgs, Callback, Config, progress), await _absolute(Filename)
        await (await _load("upload")).upload_file(order, path)

    async def upload_fileobj(
        self,
        Fileobj: Any,  # noqa: N803
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        Processing: None = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Upload what can be read from something to an object.

        Sends what `upload_file` sends. A file object is read from where it stands, off the event loop if it is a plain
        one, and stays open.

        Args:
            Fileobj: An open binary file, plain or asynchronous (of aiofiles, anyio, the body of another object), bytes,
                or an iterator or asynchronous iterator of bytes. Its length need not be known.
            Bucket: The bucket.
            Key: The key of the object.
            ExtraArgs: As for `upload_file`, like all that follow.
            Callback: Called with numbers of bytes.
            Config: A transfer configuration.
            Processing: Not supported: aioboto3's. Give an iterator of what you make of the bytes as `Fileobj`.
            progress: Whether to draw a bar.

        Raises:
            S3UploadFailedError: S3 refused, a `ClientError`.
            ValueError, TypeError: `Fileobj` cannot be read, or gives text instead of bytes.
        """
        _refuse_processing(Processing)
        order = Order(self, Bucket, Key, ExtraArgs, Callback, Config, progress)
        await (await _load("upload")).upload_fileobj(order, Fileobj)

    async def download_file(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Filename: Path,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Download an object to a file.

        Sends `GetObject`; for a large object several, one for each part of it, all of one and the same version of the
        object, and the first body is left after its part; and `HeadObject` if it is refused, to raise what boto3 would.
        The bytes go to a temporary file beside the target, which takes the target's place when all are there and their
        checksum, if the object has one, is right. However it ends otherwise, the temporary file is removed and an
        existing file is untouched. A link is replaced by the file; a pipe or a device is written to as it is.

        Checked are the checksums of whole objects: of one that comes in parts the CRCs, not those "of the type
        COMPOSITE", and CRC32C and CRC64NVME only with awscrt (`pip install aiosdk[crt]`).

        Args:
            Bucket: The bucket.
            Key: The key of the object.
            Filename: The path of the file.
            ExtraArgs: Parameters of those requests, such as `{"VersionId": "..."}`.
            Callback: Called with the number of bytes that have come in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm: `pip install aiosdk[progress]`.

        Raises:
            ClientError: 404 when there is no such object; 412 when it was replaced by another one meanwhile.
            RetriesExceededError: The bytes of a part broke off too often.
            UnexpectedRangeError: The server gave other bytes than those that were asked for.
            FlexibleChecksumError: They are not those that the object's checksum is of.
            OSError: The file cannot be written.
            ValueError: A name in `ExtraArgs` is not allowed, or `Filename` is no path.
        """
        order, path = Order(self, Bucket, Key, ExtraArgs, Callback, Config, progress), await _absolute(Filename)
        await (await _load("download")).download_file(order, path)

    async def download_fileobj(
        self,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Fileobj: Any,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Download an object into an open file.

        Sends what `download_file` sends. The bytes are written in order, off the event loop if the file is a plain one;
        it stays open. Those that were written before a failure stay in it.

        Args:
            Bucket: The bucket.
            Key: The key of the object.
            Fileobj: A binary file open for writing, plain or asynchronous (of aiofiles, anyio).
            ExtraArgs: As for `download_file`, like all that follow.
            Callback: Called with numbers of bytes.
            Config: A transfer configuration.
            progress: Whether to draw a bar.

        Raises:
            ClientError, RetriesExceededError, UnexpectedRangeError, FlexibleChecksumError: As for `download_file`.
            ValueError, TypeError: `Fileobj` cannot be written to, or takes text instead of bytes.
        """
        order = Order(self, Bucket, Key, ExtraArgs, Callback, Config, progress)
        await (await _load("download")).download_fileobj(order, Fileobj)

    async def copy(
        self,
        CopySource: Mapping[str, Any],  # noqa: N803
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        SourceClient: Any = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Copy an object to another place in S3, without its bytes coming here.

        Sends `HeadObject` to the source, and `CopyObject`; or for a large object `CreateMultipartUpload`,
        `UploadPartCopy` for each of its parts, several at once, and `CompleteMultipartUpload`, and what it takes to
        copy its tags and annotations as `CopyObject` does. However it ends, no multipart upload is left behind.

        Args:
            CopySource: The source: `{"Bucket": ..., "Key": ...}`, with `VersionId` for one version of it.
            Bucket: The bucket of the copy.
            Key: The key of the copy.
            ExtraArgs: Parameters of those requests, such as `{"MetadataDirective": "REPLACE", "Metadata": {...}}`.
            Callback: Called with the number of bytes that were copied in addition; may be a coroutine function.
            SourceClient: A client that may read the source, if it is another one: of another region or account.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm: `pip install aiosdk[progress]`.

        Raises:
            ClientError: 404 when there is no such object.
            S3CopyFailedError: 412, the object was replaced by another one meanwhile; or an annotation was not carried
                over. A `ClientError`.
            TypeError: `CopySource` is not such a dictionary.
            ValueError: A name in `ExtraArgs` is not allowed.
        """
        order = Order(self, Bucket, Key, ExtraArgs, Callback, Config, progress)
        await (await _load("copying")).copy(order, CopySource, SourceClient)
