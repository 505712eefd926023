"""The objects of a bucket, listed by version 2 of the operation."""
# pyright: reportPrivateUsage=false
# Part of the resource classes.

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self

from aiosdk.exceptions import CollectionArgumentError
from aiosdk.resources.actions import send, sends
from aiosdk.resources.collections import Collection, Listing
from aiosdk.resources.resource import Resource
from aiosdk.services.s3.existence import exists
from aiosdk.services.s3.transfers import ObjectTransfers

if TYPE_CHECKING:
    from collections.abc import Mapping


class Object(ObjectTransfers):
    """An object."""

    __slots__ = ()

    @sends("HeadObject", "Bucket", "Key")
    async def exists(self, **params: Any) -> bool:
        """Tell whether there is such an object. Sends `HeadObject`; what was loaded stays as it is.

        Raises:
            AccessDeniedError: 403, which S3 also answers when there is none to whoever may not list the bucket.
            ClientError: Anything else but 200 and 404.
        """
        given = {"Bucket": self.bucket_name, "Key": self.key, **params}
        return await exists(send(self._client_to_call(), "s3", "HeadObject", given))


class ObjectVersion(Resource):
    """One version of an object."""

    __slots__ = ()

    @sends("HeadObject", "Bucket", "Key", "VersionId")
    async def exists(self, **params: Any) -> bool:
        """Tell whether there is such a version. Sends `HeadObject`; what was loaded stays as it is.

        Raises:
            AccessDeniedError: 403.
            ClientError: Anything else but 200 and 404: 405 for a delete marker, say.
        """
        given = {"Bucket": self.bucket_name, "Key": self.object_key, "VersionId": self.id, **params}
        return await exists(send(self._client_to_call(), "s3", "HeadObject", given))

    bucket_name: str
    object_key: str
    id: str


class ObjectSummary(Resource):
    """An object as a listing shows it."""

    __slots__ = ()

    @sends("HeadObject", "Bucket", "Key")
    async def load(self, **params: Any) -> Self:
        """Fetch what a listing says of the object, and give the object back.

        Sends `HeadObject`, with `Bucket` and `Key` filled in. The size is in bytes.

        Raises:
            ClientError: 404 when there is no such object, 403 without permission to know.
        """
        given = {"Bucket": self.bucket_name, "Key": self.key, **params}
        response = await send(self._client_to_call(), "s3", "HeadObject", given)
        response["Size"] = response.pop("ContentLength", None)
        self._put_data(response)
        return self

    reload = load

    exists = Object.exists

    bucket_name: str
    key: str


class ObjectsCollection(Collection):
    """The objects of a bucket.

    ListObjectsV2 is asked for the owners too, which version 1 always tells: `filter(FetchOwner=False)` leaves them out
    and makes the pages smaller. `filter(Marker=...)`, which version 2 does not have, goes to version 1.
    """

    __slots__ = ()

    def filter(self, *args: Any, **params: Any) -> Self:
        """Give the objects that match parameters of ListObjectsV2, or with `Marker` of ListObjects. Sends nothing."""
        narrowed = super().filter(*args, **params)
        if "Marker" not in narrowed._params:
            return narrowed
        for name in ("StartAfter", "ContinuationToken"):
            if name in narrowed._params:
                problem = f"Marker belongs to ListObjects and {name} to ListObjectsV2: give one of them."
                raise CollectionArgumentError(collection=repr(self), problem=problem)
        kept = {name: value for name, value in narrowed._params.items() if name != "FetchOwner"}  # it always does
        return narrowed._with(params=kept)

    @classmethod
    def _listing_for(cls, params: Mapping[str, Any]) -> Listing:
        if "Marker" in params:
            return super()._listing_for(params)
        return _second_version(cls._listing())


@cache
def _second_version(first: Listing) -> Listing:
    return Listing(first.collection, first.family, "ListObjectsV2", {"FetchOwner": True})
