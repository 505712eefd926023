"""The transfers of buckets and objects: the client's, with what the resource knows filled in."""
# pyright: reportPrivateUsage=false
# Part of the resource classes.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiosdk._async_only import typed_as
from aiosdk.resources.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk.services.s3.client import Arguments, Path, Tell


@typed_as("s3.Bucket")
class BucketTransfers(Resource):
    """Transfers to and from the objects of a bucket."""

    __slots__ = ()

    name: str

    async def upload_file(
        self,
        Filename: Path,  # noqa: N803 - boto3's names
        Key: str,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Upload a file to an object of the bucket.

        Sends what `upload_file` of the client sends, and takes and raises what that does.

        Args:
            Filename: The path of the file.
            Key: The key of the object.
            ExtraArgs: Parameters of the requests, such as `{"ContentType": "text/html"}`.
            Callback: Called with the number of bytes that have arrived in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.upload_file(Filename, self.name, Key, ExtraArgs, Callback, Config, progress=progress)

    async def upload_fileobj(
        self,
        Fileobj: Any,  # noqa: N803
        Key: str,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Upload what can be read from something to an object of the bucket.

        Sends what `upload_fileobj` of the client sends, and takes and raises what that does.

        Args:
            Fileobj: An open binary file, plain or asynchronous, bytes, or an iterator of bytes, plain or asynchronous.
            Key: The key of the object.
            ExtraArgs: Parameters of the requests.
            Callback: Called with the number of bytes that have arrived in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.upload_fileobj(Fileobj, self.name, Key, ExtraArgs, Callback, Config, progress=progress)

    async def download_file(
        self,
        Key: str,  # noqa: N803
        Filename: Path,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Download an object of the bucket to a file.

        Sends what `download_file` of the client sends, and takes and raises what that does.

        Args:
            Key: The key of the object.
            Filename: The path of the file, which is replaced when all bytes are there.
            ExtraArgs: Parameters of the requests, such as `{"VersionId": "..."}`.
            Callback: Called with the number of bytes that have come in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.download_file(self.name, Key, Filename, ExtraArgs, Callback, Config, progress=progress)

    async def download_fileobj(
        self,
        Key: str,  # noqa: N803
        Fileobj: Any,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Download an object of the bucket into an open file.

        Sends what `download_fileobj` of the client sends, and takes and raises what that does.

        Args:
            Key: The key of the object.
            Fileobj: A binary file open for writing, plain or asynchronous.
            ExtraArgs: Parameters of the requests.
            Callback: Called with the number of bytes that have come in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.download_fileobj(self.name, Key, Fileobj, ExtraArgs, Callback, Config, progress=progress)

    async def copy(
        self,
        CopySource: Mapping[str, Any],  # noqa: N803
        Key: str,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        SourceClient: Any = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Copy an object from anywhere in S3 to an object of the bucket.

        Sends what `copy` of the client sends, and takes and raises what that does.

        Args:
            CopySource: The source: `{"Bucket": ..., "Key": ...}`, with `VersionId` for one version of it.
            Key: The key of the copy.
            ExtraArgs: Parameters of the requests.
            Callback: Called with the number of bytes that were copied in addition; may be a coroutine function.
            SourceClient: A client that may read the source, if it is another one: of another region or account.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.copy(CopySource, self.name, Key, ExtraArgs, Callback, SourceClient, Config, progress=progress)


@typed_as("s3.Object")
class ObjectTransfers(Resource):
    """Transfers to and from an object. Those to it drop what was loaded."""

    __slots__ = ()

    bucket_name: str
    key: str

    async def upload_file(
        self,
        Filename: Path,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Upload a file to the object.

        Sends what `upload_file` of the client sends, and takes and raises what that does. Loaded data are dropped.

        Args:
            Filename: The path of the file.
            ExtraArgs: Parameters of the requests, such as `{"ContentType": "text/html"}`.
            Callback: Called with the number of bytes that have arrived in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.upload_file(Filename, self.bucket_name, self.key, ExtraArgs, Callback, Config, progress=progress)
        self._drop_data("upload_file")

    async def upload_fileobj(
        self,
        Fileobj: Any,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Upload what can be read from something to the object.

        Sends what `upload_fileobj` of the client sends, and takes and raises what that does. Loaded data are dropped.

        Args:
            Fileobj: An open binary file, plain or asynchronous, bytes, or an iterator of bytes, plain or asynchronous.
            ExtraArgs: Parameters of the requests.
            Callback: Called with the number of bytes that have arrived in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.upload_fileobj(Fileobj, self.bucket_name, self.key, ExtraArgs, Callback, Config, progress=progress)
        self._drop_data("upload_fileobj")

    async def download_file(
        self,
        Filename: Path,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Download the object to a file.

        Sends what `download_file` of the client sends, and takes and raises what that does.

        Args:
            Filename: The path of the file, which is replaced when all bytes are there.
            ExtraArgs: Parameters of the requests, such as `{"VersionId": "..."}`.
            Callback: Called with the number of bytes that have come in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.download_file(self.bucket_name, self.key, Filename, ExtraArgs, Callback, Config, progress=progress)

    async def download_fileobj(
        self,
        Fileobj: Any,  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Download the object into an open file.

        Sends what `download_fileobj` of the client sends, and takes and raises what that does.

        Args:
            Fileobj: A binary file open for writing, plain or asynchronous.
            ExtraArgs: Parameters of the requests.
            Callback: Called with the number of bytes that have come in addition; may be a coroutine function.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.download_fileobj(
            self.bucket_name, self.key, Fileobj, ExtraArgs, Callback, Config, progress=progress
        )

    async def copy(
        self,
        CopySource: Mapping[str, Any],  # noqa: N803
        ExtraArgs: Arguments = None,  # noqa: N803
        Callback: Tell = None,  # noqa: N803
        SourceClient: Any = None,  # noqa: N803
        Config: Any = None,  # noqa: N803
        *,
        progress: bool = False,
    ) -> None:
        """Copy an object from anywhere in S3 to this object.

        Sends what `copy` of the client sends, and takes and raises what that does. Loaded data are dropped.

        Args:
            CopySource: The source: `{"Bucket": ..., "Key": ...}`, with `VersionId` for one version of it.
            ExtraArgs: Parameters of the requests.
            Callback: Called with the number of bytes that were copied in addition; may be a coroutine function.
            SourceClient: A client that may read the source, if it is another one: of another region or account.
            Config: An `aiosdk.s3.TransferConfig`, or boto3's.
            progress: Whether to draw a bar, which needs tqdm.
        """
        client = self._client_to_call()
        await client.copy(
            CopySource, self.bucket_name, self.key, ExtraArgs, Callback, SourceClient, Config, progress=progress
        )
        self._drop_data("copy")
