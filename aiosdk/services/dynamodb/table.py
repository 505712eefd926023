"""What a table does beside what its definition says: batches, and items that follow each other over pages."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from aiosdk._async_only import typed_as
from aiosdk.resources.resource import Resource
from aiosdk.services.dynamodb.batch_get import batch_get
from aiosdk.services.dynamodb.items import Items
from aiosdk.services.dynamodb.transform import copied
from aiosdk.services.dynamodb.writer import BatchWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@typed_as("dynamodb.Table")
class Table(Resource):
    """A table."""

    __slots__ = ()

    name: str

    def batch_writer(
        self,
        overwrite_by_pkeys: Sequence[str] | None = None,
        flush_amount: int = 25,
        on_exit_loop_sleep: float = 0,
    ) -> BatchWriter:
        """Write many items, 25 with each request: `async with table.batch_writer() as batch:`.

        >>> async with table.batch_writer() as batch:
        ...     for number in range(10_000):
        ...         await batch.put_item(Item={"shop": "here", "number": number})
        ...     await batch.delete_item(Key={"shop": "there", "number": 1})

        Sends `BatchWriteItem`, up to four requests at once, and what DynamoDB leaves unprocessed again after a while.
        Any number of tasks may use the writer. When the `async with` is left, all is written; or the error that is
        raised has in `unwritten` what is not, and nothing more is sent. Loaded data are dropped.

        Args:
            overwrite_by_pkeys: The attributes of the table's key, if the same key may come more than once: the last
                write of a key is the one that counts. DynamoDB refuses requests with the same key twice.
            flush_amount: How many items are kept back before they are sent. A request never has more than 25.
            on_exit_loop_sleep: Without effect, here so that aioboto3's arguments are taken: what DynamoDB leaves
                unprocessed is sent again after a pause of its own, whatever this says.

        Raises (when left):
            BatchWriteError: Writing failed; `unwritten` lists what was not written.
        """
        if on_exit_loop_sleep:
            warnings.warn(
                f"on_exit_loop_sleep={on_exit_loop_sleep!r} of batch_writer() has no effect: the writer pauses by "
                "itself, longer each time, before it sends again what DynamoDB leaves unprocessed. Leave it out.",
                DeprecationWarning,
                stacklevel=2,
            )
        client = self._client_to_call()
        return BatchWriter(
            self.name,
            client,
            flush_amount,
            overwrite_by_pkeys,
            when_done=lambda: self._drop_data("batch_writer"),
        )

    def query_items(self, **params: Any) -> Items:
        """Find items by their key, over all pages: `async for item in table.query_items(...)`.

        >>> orders = table.query_items(KeyConditionExpression=Key("shop").eq("here"))
        >>> async for order in orders: ...
        >>> latest = await orders.limit(10)

        Sends nothing itself; each page sends `Query`, from where the one before has ended. `await` gives a list,
        `.first()` the first item, `.limit(n)` cuts the whole. The parameters are those of `query`; `Limit` is
        how many items DynamoDB reads for each page.

        Raises:
            ValueError: `Select="COUNT"` is given, which finds no items; `query` counts them.
        """
        return self._items("Query", params)

    def scan_items(self, segments: int = 1, **params: Any) -> Items:
        """Read all items, over all pages: `async for item in table.scan_items(segments=8)`.

        Sends nothing itself; each page sends `Scan`. The parameters are those of `scan`; `Limit` is how many items
        DynamoDB reads for each page, and `.limit(n)` cuts the whole.

        Args:
            segments: Into how many parts the table is divided. One page of each is fetched at the same time, up to 32,
                and the items come in no particular order.
            **params: The parameters of `scan`.

        Raises:
            ValueError: `segments` is below 1, or there is `ExclusiveStartKey`, `Segment` or `TotalSegments` beside
                several; or `Select="COUNT"` is given.
        """
        if type(segments) is not int or segments < 1:
            raise ValueError(f"segments={segments!r}: a table is divided into a whole number of segments, at least 1.")
        for name in ("ExclusiveStartKey", "Segment", "TotalSegments"):
            if segments > 1 and name in params:
                raise ValueError(
                    f"{name} does not go with segments={segments}, which reads all of them from the start."
                )
        return self._items("Scan", params, segments)

    def _items(self, operation: str, params: dict[str, Any], segments: int = 1) -> Items:
        if params.get("Select") == "COUNT":
            method = operation.lower()
            raise ValueError(f'Select="COUNT" finds no items: `(await table.{method}(...))["Count"]` counts a page.')
        # Later pages, and other loops, ask for what was meant here.
        return Items(self._client_to_call(), operation, self.name, copied(params), segments)

    async def batch_get(self, keys: Iterable[Mapping[str, Any]], **params: Any) -> list[dict[str, Any]]:
        """Fetch many items by their keys, and give those that there are.

        Sends `BatchGetItem` for each 100 keys, up to four requests at once, and for unprocessed keys again after a
        while. A key that is given twice is asked for once. The items come in the order of their keys, unless a
        `ProjectionExpression` leaves the keys out.

        Args:
            keys: The keys, as `get_item` takes them.
            **params: `ConsistentRead`, `ProjectionExpression`, `ExpressionAttributeNames`.

        Raises:
            TypeError: The keys are no list of mappings.
            BatchGetError: Keys were left unprocessed for a minute; it has what was found, and what is left.
        """
        found = await batch_get(self._client_to_call(), {self.name: {**params, "Keys": keys}})
        return found[self.name]


class ServiceResource(Resource):
    """DynamoDB itself."""

    __slots__ = ()

    async def batch_get(
        self, requests: Mapping[Any, Iterable[Mapping[str, Any]] | Mapping[str, Any]]
    ) -> dict[str, list[dict[str, Any]]]:
        """Fetch many items of several tables by their keys; gives a list of those that there are for each table.

        >>> found = await dynamodb.batch_get({"orders": [{"shop": "here", "number": 1}], "users": [{"id": 7}]})

        Sends `BatchGetItem` as `Table.batch_get` does.

        Args:
            requests: For each table, by name, its keys; or a dictionary with `Keys` and `ConsistentRead`,
                `ProjectionExpression`, `ExpressionAttributeNames`.

        Raises:
            TypeError: The keys are no list of mappings.
            BatchGetError: Keys were left unprocessed for a minute; it has what was found, and what is left.
        """
        by_name = {getattr(table, "name", table): keys for table, keys in requests.items()}
        if len(by_name) < len(requests):
            raise ValueError(f"A table comes twice, by its name and as itself: {', '.join(map(repr, requests))}.")
        return await batch_get(self._client_to_call(), by_name)
