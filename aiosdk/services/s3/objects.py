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

if TYPE_CHECKING:
    from collections.abc import Mapping


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

    bucket_name: str
    key: str


class ObjectsCollection(Collection):
    """The objects of a bucket.

    ListObjectsV2 is asked for the owners too, which version 1 always tells: `filter(FetchOwner=False)` leaves them out
    and makes the pages smaller. `filter(Marker=...)`, which version 2 does not have, goes to version 1.
    """

    __slots__ = ()

    def filter(self, **params: Any) -> Self:
        """Give the objects that match parameters of ListObjectsV2, or with `Marker` of ListObjects. Sends nothing."""
        narrowed = super().filter(**params)
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
