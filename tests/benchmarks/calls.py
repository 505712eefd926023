"""Calls: CPU of the client per call, microseconds; 64 at a time, boto3 on as many threads.

Prints one side as JSON. Raw aiohttp sends headers as long as ours, and reads the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import per_blocking_call, per_call
from tests.benchmarks.server import serving
from tests.benchmarks.sides import Figures, measure_side, open_aiodynamo, open_clients, open_obstore, open_raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SIDES = ("aiosdk", "aiohttp", "obstore", "aiodynamo", "aiobotocore", "aioboto3", "boto3")
BODY = b"x" * 1024
GET, HEAD, PUT = "GetObject 1 KiB", "HeadObject", "PutObject 1 KiB"
GET_ALONE = "GetObject 1 KiB, one at a time"
GET_ITEM, RECEIVE = "DynamoDB GetItem", "SQS ReceiveMessage (10)"
_LIKE_AIOHTTP = Goal("aiohttp", 1.6)
_LIKE_OBSTORE = Goal("obstore", 1)
GOALS = {
    GET: (_LIKE_AIOHTTP, _LIKE_OBSTORE),
    HEAD: (_LIKE_AIOHTTP, _LIKE_OBSTORE),
    PUT: (_LIKE_AIOHTTP, _LIKE_OBSTORE),
    GET_ALONE: (),
    GET_ITEM: (_LIKE_AIOHTTP,),
    RECEIVE: (_LIKE_AIOHTTP,),
}


async def _measure(calls: dict[str, Callable[[], Awaitable[Any]]]) -> Figures:
    figures = {name: await per_call(call) for name, call in calls.items()}
    if GET in calls:
        figures[GET_ALONE] = await per_call(calls[GET], at_once=1)
    return figures


async def client(side: str) -> Figures:
    """Ours, aiobotocore or aioboto3."""
    with serving() as url:
        async with open_clients(side, url) as make:
            s3, dynamodb, sqs = [await make(name) for name in ("s3", "dynamodb", "sqs")]

            async def get() -> None:
                await (await s3.get_object(Bucket="bucket", Key="key"))["Body"].read()

            return await _measure(
                {
                    GET: get,
                    HEAD: lambda: s3.head_object(Bucket="bucket", Key="key"),
                    PUT: lambda: s3.put_object(Bucket="bucket", Key="key", Body=BODY),
                    GET_ITEM: lambda: dynamodb.get_item(TableName="t", Key={"pk": {"S": "a"}}),
                    RECEIVE: lambda: sqs.receive_message(QueueUrl=f"{url}/1/q", MaxNumberOfMessages=10),
                }
            )


async def boto3() -> Figures:
    with serving() as url:
        async with open_clients("boto3", url) as make:
            s3, dynamodb, sqs = [await make(name) for name in ("s3", "dynamodb", "sqs")]

            def get() -> None:
                s3.get_object(Bucket="bucket", Key="key")["Body"].read()

            calls: dict[str, Callable[[], Any]] = {
                GET: get,
                HEAD: lambda: s3.head_object(Bucket="bucket", Key="key"),
                PUT: lambda: s3.put_object(Bucket="bucket", Key="key", Body=BODY),
                GET_ITEM: lambda: dynamodb.get_item(TableName="t", Key={"pk": {"S": "a"}}),
                RECEIVE: lambda: sqs.receive_message(QueueUrl=f"{url}/1/q", MaxNumberOfMessages=10),
            }
            figures = {name: per_blocking_call(call) for name, call in calls.items()}
            return figures | {GET_ALONE: per_blocking_call(get, at_once=1)}


async def aiohttp() -> Figures:
    get_item = b'{"TableName": "t", "Key": {"pk": {"S": "a"}}}'
    receive = b'{"QueueUrl": "http://127.0.0.1:37073/1/q", "MaxNumberOfMessages": 10}'
    with serving() as url:
        key = f"{url}/bucket/key"
        json = {"Content-Type": "application/x-amz-json-1.0"}
        item = {**json, "X-Amz-Target": "DynamoDB_20120810.GetItem"}
        queue = {**json, "X-Amz-Target": "AmazonSQS.ReceiveMessage", "x-amzn-query-mode": "true"}
        checksum = {"x-amz-checksum-crc32": "SNfwYw==", "x-amz-sdk-checksum-algorithm": "CRC32"}
        async with open_raw() as send:
            return await _measure(
                {
                    GET: lambda: send("GET", key, **{"x-amz-checksum-mode": "ENABLED"}),
                    HEAD: lambda: send("HEAD", key),
                    PUT: lambda: send("PUT", key, BODY, **checksum),
                    GET_ITEM: lambda: send("POST", f"{url}/", get_item, **item),
                    RECEIVE: lambda: send("POST", f"{url}/", receive, **queue),
                }
            )


async def obstore() -> Figures:
    import obstore

    with serving() as url:
        store: Any = open_obstore(url)

        async def get() -> None:
            await (await obstore.get_async(store, "key")).bytes_async()

        return await _measure(
            {
                GET: get,
                HEAD: lambda: obstore.head_async(store, "key"),
                PUT: lambda: obstore.put_async(store, "key", BODY),
            }
        )


async def aiodynamo() -> Figures:
    with serving() as url:
        async with open_aiodynamo(url) as client:
            return await _measure({GET_ITEM: lambda: client.get_item("t", {"pk": "a"})})


if __name__ == "__main__":
    measure_side(
        {
            "aiosdk": lambda: client("aiosdk"),
            "aiohttp": aiohttp,
            "obstore": obstore,
            "aiodynamo": aiodynamo,
            "aiobotocore": lambda: client("aiobotocore"),
            "aioboto3": lambda: client("aioboto3"),
            "boto3": boto3,
        }
    )
