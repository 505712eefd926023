"""Loads a bucket."""
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# Part of the resource classes; botocore has no types.

from __future__ import annotations

from typing import Any, Final, Self

from botocore.exceptions import ClientError

from aiosdk._async_only import typed_as
from aiosdk.resources.actions import send, sends
from aiosdk.services.s3.existence import exists
from aiosdk.services.s3.transfers import BucketTransfers
from aiosdk.services.s3.trees.methods import Trees

_DENIED: Final = ("AccessDenied", "AllAccessDisabled", "403")


@typed_as("s3.Bucket")
class Bucket(BucketTransfers, Trees):
    """A bucket."""

    __slots__ = ()

    name: str

    async def load(self) -> Self:
        """Fetch the bucket's creation date and region, and give the bucket back.

        Sends `ListBuckets` with the bucket's name as `Prefix`, and follows the pages until it is found. For a bucket of
        another account, or without the permission to list buckets, sends `HeadBucket`; `creation_date` is None then.

        Raises:
            ClientError: 404 when there is no such bucket, 403 without permission to know.
        """
        self._put_data(await self._listed() or await self._asked())
        return self

    reload = load

    @sends("HeadBucket", "Bucket")
    async def exists(self, **params: Any) -> bool:
        """Tell whether there is such a bucket, whoever it belongs to.

        Sends `HeadBucket`. What was loaded stays as it is.

        Raises:
            AccessDeniedError: There is one, and it may not be looked at (403).
            ClientError: Anything else but 200 and 404.
        """
        return await exists(send(self._client_to_call(), "s3", "HeadBucket", {"Bucket": self.name, **params}))

    async def _listed(self) -> dict[str, Any] | None:
        """What the list of the account's buckets says of this one."""
        service: Any = self._family.service_class(client=self._client_to_call())
        try:
            async for bucket in service.buckets.filter(Prefix=self.name):
                if bucket == self:
                    return bucket.meta.data
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise
        return None

    async def _asked(self) -> dict[str, Any]:
        """What the bucket itself says."""
        response = await send(self._client_to_call(), "s3", "HeadBucket", {"Bucket": self.name})
        return {"Name": self.name, **response}
