"""Lists a prefix page by page, in the order of its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aiosdk._circle import Trail
from aiosdk.exceptions import RepeatedTokenError
from aiosdk.resources.actions import send

if TYPE_CHECKING:
    from datetime import datetime

    from aiosdk.services.s3.trees.patterns import Choice


class RemoteObject(NamedTuple):
    """An object of the tree, as the listing shows it."""

    relative: str
    size: int
    modified: float
    etag: str

    @property
    def is_marker(self) -> bool:
        """Whether it only says that there is a directory, as consoles and tools make them."""
        return self.size == 0 and (not self.relative or self.relative.endswith("/"))


class OutOfOrderError(Exception):
    """The server lists keys in another order, as directory buckets and some that are like S3 do."""


class ObjectListing:
    """The objects under a prefix that are chosen, a batch for each page. Raises `OutOfOrderError` if unsorted."""

    def __init__(self, client: Any, bucket: str, prefix: str, choice: Choice, more: dict[str, Any]) -> None:
        self.found = False
        """Whether there was any object, chosen or not."""
        self._client = client
        self._params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, **more}
        self._skip = len(prefix)
        self._choice = choice
        self._last = ""
        self._token: str | None = ""
        self._trail = Trail()

    async def next_batch(self) -> list[RemoteObject] | None:
        """Fetch the next page; None at the end."""
        items = await self._page()
        for each in items or ():
            if each.relative <= self._last and each.relative:
                raise OutOfOrderError
            self._last = each.relative
        return items and [each for each in items if self._choice.takes(each.relative)]

    async def sorted(self) -> SortedObjects:
        """Fetch all pages, whatever their order, and sort the objects."""
        every: dict[str, RemoteObject] = {}
        while (items := await self._page()) is not None:
            every |= {each.relative: each for each in items if self._choice.takes(each.relative)}
        return SortedObjects([every[relative] for relative in sorted(every)])

    async def _page(self) -> list[RemoteObject] | None:
        if self._token is None:
            return None
        more = {"ContinuationToken": self._token} if self._token else {}
        page = await send(self._client, "s3", "ListObjectsV2", {**self._params, **more})
        token: str | None = page.get("NextContinuationToken") if page.get("IsTruncated") else None
        if token is not None and self._trail.has(token):
            raise RepeatedTokenError(service_name="s3", operation_name="ListObjectsV2", message=token[:80])
        self._token = token
        self._trail = self._trail.and_then(token)
        objects: list[dict[str, Any]] = page.get("Contents", [])
        self.found = self.found or bool(objects)
        return [self._object(each) for each in objects]

    def _object(self, listed: dict[str, Any]) -> RemoteObject:
        modified: datetime = listed["LastModified"]
        etag = str(listed.get("ETag", "")).strip('"')
        return RemoteObject(listed["Key"][self._skip :], listed["Size"], modified.timestamp(), etag)


class SortedObjects:
    """Objects that were sorted here, as one batch."""

    def __init__(self, items: list[RemoteObject]) -> None:
        self._items: list[RemoteObject] | None = items

    async def next_batch(self) -> list[RemoteObject] | None:
        """Give all at first, then None."""
        items, self._items = self._items, None
        return items
