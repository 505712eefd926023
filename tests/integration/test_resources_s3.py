"""S3's resources, side by side with boto3's."""

from __future__ import annotations

import asyncio
import pickle
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

import aiosdk
from tests.support.server import Answer, CountingServer, Request
from tests.support.side_by_side import both, requests_of, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Boto3
    from tests.support.side_by_side import Side

MIB = 1024 * 1024


async def put_all(bucket: Any, keys: list[str]) -> None:
    """Put an object under each key, several at a time."""
    await asyncio.gather(*[bucket.put_object(Key=key, Body=key.encode()) for key in keys])


async def test_a_bucket_lives_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        s3 = await side.resource("s3")
        bucket = s3.Bucket("mine")
        await side.do(lambda: bucket.create())
        await side.do(lambda: s3.create_bucket(Bucket="mine-too"))
        await side.do(lambda: bucket.wait_until_exists())
        await side.load(bucket)
        await side.do(lambda: s3.buckets.all())
        await side.do(lambda: bucket.put_object(Key="a", Body=b"abc"))
        await side.do(lambda: bucket.put_object(Key="b", Body=b"abc"))
        await side.do(lambda: bucket.objects.all())
        await side.do(lambda: bucket.delete_objects(Delete={"Objects": [{"Key": "a"}, {"Key": "not there"}]}))
        await side.fail(lambda: bucket.delete())
        await side.do(lambda: bucket.objects.all().delete())
        await side.do(lambda: bucket.objects.all().delete())
        await side.do(lambda: bucket.delete())
        await side.do(lambda: bucket.wait_until_not_exists())
        await side.fail(lambda: bucket.objects.all())
        await side.fail(lambda: bucket.put_object(Key="a"))
        await side.fail(lambda: bucket.put_object())
        await side.fail(lambda: bucket.wait_until_exists(WaiterConfig={"MaxAttempts": 1}))

    await side_by_side(life, aws, ours, theirs)


RULE = {"ID": "old", "Status": "Enabled", "Expiration": {"Days": 3}}
SETTINGS: dict[str, dict[str, Any]] = {
    "Acl": {"ACL": "public-read"},
    "Cors": {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}},
    "Lifecycle": {"LifecycleConfiguration": {"Rules": [{**RULE, "Prefix": "tmp/"}]}},
    "LifecycleConfiguration": {"LifecycleConfiguration": {"Rules": [{**RULE, "Filter": {"Prefix": "tmp/"}}]}},
    "Logging": {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "mine/"}}},
    "Notification": {
        "NotificationConfiguration": {
            "TopicConfigurations": [
                {"TopicArn": "arn:aws:sns:us-east-1:123456789012:told", "Events": ["s3:ObjectCreated:*"]}
            ]
        }
    },
    "Policy": {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
    "RequestPayment": {"RequestPaymentConfiguration": {"Payer": "Requester"}},
    "Tagging": {"Tagging": {"TagSet": [{"Key": "a", "Value": "1"}]}},
    "Versioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "Website": {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
}


@pytest.mark.parametrize("kind", SETTINGS)
async def test_a_setting_of_a_bucket_is_put_and_loaded_and_deleted_as_in_boto3(
    kind: str, aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    async def life(side: Side) -> None:
        s3, sns = await side.resource("s3"), await side.resource("sns")
        await side.do(lambda: sns.create_topic(Name="told"))
        await side.do(lambda: s3.create_bucket(Bucket="logs"))
        await side.do(lambda: s3.BucketAcl("logs").put(ACL="log-delivery-write"))
        bucket = await side.do(lambda: s3.create_bucket(Bucket="mine"))
        setting = await side.do(lambda: getattr(bucket, kind)())
        await side.do(lambda: setting.put(**SETTINGS[kind]))
        await side.load(setting)
        await side.do(lambda: setting.Bucket())
        if kind == "Versioning":
            await side.do(lambda: setting.suspend())
            await side.load(setting)
            await side.do(lambda: setting.enable())
            await side.load(setting)
        if hasattr(setting, "delete"):
            await side.do(lambda: setting.delete())
            await side.fail(lambda: setting.load())

    await side_by_side(life, aws, ours, theirs)


async def test_an_object_lives_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        s3 = await side.resource("s3")
        bucket = await side.do(lambda: s3.create_bucket(Bucket="mine"))
        obj = await side.do(lambda: bucket.Object("a/b.txt"))
        await side.fail(lambda: obj.load())
        await side.do(lambda: obj.put(Body=b"abc", ContentType="text/plain", Metadata={"who": "me"}))
        await side.do(lambda: obj.wait_until_exists())
        await side.load(obj)
        await side.do(lambda: obj.get(Range="bytes=1-"))
        await side.do(lambda: obj.Acl().put(ACL="public-read"))
        await side.load(obj.Acl())
        copied = bucket.Object("copied")
        await side.do(lambda: copied.copy_from(CopySource={"Bucket": "mine", "Key": "a/b.txt"}))
        await side.load(copied)
        cold = await side.do(lambda: bucket.put_object(Key="cold", Body=b"abc", StorageClass="GLACIER"))
        await side.do(lambda: cold.restore_object(RestoreRequest={"Days": 1}))
        side.name((await side.load(cold)).restore, "until a moment")
        await side.do(lambda: [obj.Bucket(), obj.Version("1"), obj.Version("1").Object(), obj.Acl().Object()])
        await side.do(lambda: [obj.MultipartUpload("u").Part(3), obj.MultipartUpload("u").Part(3).MultipartUpload()])
        await side.fail(lambda: obj.get(IfMatch='"another"'))
        await side.do(lambda: obj.delete())
        await side.do(lambda: obj.wait_until_not_exists())
        await side.fail(lambda: obj.get())

    await side_by_side(life, aws, ours, theirs)


async def test_an_object_summary_lives_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        s3 = await side.resource("s3")
        bucket = await side.do(lambda: s3.create_bucket(Bucket="mine"))
        await side.do(lambda: bucket.put_object(Key="a", Body=b"abc"))
        summary = (await side.do(lambda: bucket.objects.all()))[0]
        await side.load(summary)
        await side.do(lambda: summary.get())
        await side.do(lambda: summary.put(Body=b"abcdef"))
        await side.load(s3.ObjectSummary("mine", "a"))
        await side.do(lambda: s3.ObjectSummary("mine", "b").copy_from(CopySource="mine/a"))
        await side.do(lambda: [summary.Acl(), summary.Bucket(), summary.Object(), summary.Version("7")])
        await side.do(lambda: summary.MultipartUpload("u"))
        await side.do(lambda: summary.wait_until_exists())
        await side.do(lambda: summary.delete())
        await side.do(lambda: summary.wait_until_not_exists())
        await side.fail(lambda: summary.load())
        upload = (await side._run(lambda: summary.initiate_multipart_upload()))[0]
        side.name(upload.id, "an upload")
        await side.do(lambda: upload)

    await side_by_side(life, aws, ours, theirs)


async def test_multipart_uploads_and_their_parts_are_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        s3 = await side.resource("s3")
        bucket = await side.do(lambda: s3.create_bucket(Bucket="mine"))
        await side.do(lambda: bucket.put_object(Key="source", Body=b"x" * 5 * MIB))
        for key in ("one", "three", "two"):
            obj = bucket.Object(key)
            side.name((await side.do(obj.initiate_multipart_upload)).id, key)
        upload = (await side.do(lambda: bucket.multipart_uploads.filter(Prefix="on")))[0]
        await side.do(lambda: bucket.multipart_uploads.all())
        await side.do(lambda: [upload.Object(), upload.Part(1), upload.Part(1).MultipartUpload()])
        await side.do(lambda: upload.Part(1).upload(Body=b"y" * 5 * MIB))
        await side.do(lambda: upload.Part(2).copy_from(CopySource="mine/source"))
        await side.do(lambda: upload.Part(3).upload(Body=b"z"))
        parts = await side.do(lambda: upload.parts.all())
        await side.do(lambda: upload.parts.page_size(1))
        await side.do(lambda: upload.parts.page_size(1).pages())
        await side.do(lambda: upload.parts.limit(2))
        await side.do(lambda: upload.parts.filter(PartNumberMarker=1))
        await side.fail(lambda: upload.complete(MultipartUpload={"Parts": [{"PartNumber": 9, "ETag": "no"}]}))
        given = [{"PartNumber": part.part_number, "ETag": part.e_tag} for part in parts]
        await side.load(await side.do(lambda: upload.complete(MultipartUpload={"Parts": given})))
        for other in await side.do(lambda: bucket.multipart_uploads.all()):
            await side.do(other.abort)
        await side.do(lambda: bucket.multipart_uploads.all())
        await side.fail(lambda: upload.parts.all())

    await side_by_side(life, aws, ours, theirs)


async def test_versions_and_delete_markers_are_as_in_boto3(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def life(side: Side) -> None:
        s3 = await side.resource("s3")
        bucket = await side.do(lambda: s3.create_bucket(Bucket="mine"))
        await side.do(lambda: bucket.Versioning().enable())
        for key in "abcabcabc":
            await side.do(bucket.Object(key).put)
        await side.do(lambda: bucket.Object("b").delete())
        versions = await side.do(lambda: bucket.object_versions.all())
        assert len(versions) == 10
        await side.do(lambda: bucket.object_versions.filter(Prefix="b"))
        await side.do(lambda: bucket.object_versions.page_size(2).pages())
        for limit in (1, 3, 10, 11):
            await side.do(bucket.object_versions.limit(limit).all)
            await side.do(bucket.object_versions.page_size(2).limit(limit).all)
        await side.do(lambda: versions[0].Object())
        await side.do(lambda: versions[0].get())
        await side.do(lambda: versions[0].head())
        await side.do(lambda: versions[0].delete())
        (marker,) = [version for version in versions if version.size is None]
        await side.fail(lambda: marker.get())
        await side.fail(lambda: marker.head())
        await side.do(lambda: bucket.object_versions.filter(Prefix="b").delete())
        await side.do(lambda: bucket.object_versions.page_size(2).delete())
        await side.do(lambda: bucket.object_versions.all())

    await side_by_side(life, aws, ours, theirs)


@pytest.mark.parametrize("page_size", [None, 1, 4, 100])
async def test_listings_are_cut_as_in_boto3(page_size: int | None, ours: aiosdk.Session, theirs: Boto3) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    other = await asyncio.to_thread(lambda: theirs.resource("s3").Bucket("mine"))
    await put_all(bucket, [f"{letter}/{number}" for letter in "ab" for number in range(6)])
    for limit in (None, 0, 1, 4, 5, 11, 12, 13):
        mine, expected = bucket.objects.limit(limit), other.objects.limit(limit)
        if page_size:
            mine, expected = mine.page_size(page_size), expected.page_size(page_size)
        found = await both(mine, expected.all)
        assert len(found) == (12 if limit is None else min(limit, 12))
        filtered = await both(mine.filter(Prefix="b/"), lambda each=expected: each.filter(Prefix="b/"))
        assert {item.key[0] for item in filtered} <= {"b"}


async def test_keys_of_any_characters_are_listed_and_deleted_as_in_boto3(
    aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    async def life(side: Side) -> None:
        bucket = (await side.resource("s3")).Bucket("mine")
        await side.do(bucket.create)
        for key in ("a b", "\xe4/\xf6", "x&y<z>", "100%", "q?+", "%2F", "//x", "tab\tx"):
            obj = bucket.Object(key)
            await side.do(obj.put)
            await side.load(obj)
            await side.do(bucket.objects.filter(Prefix=key).all)
        await side.do(lambda: bucket.objects.page_size(1))
        await side.do(lambda: bucket.objects.filter(Marker="100%").page_size(1))
        await side.do(lambda: bucket.objects.filter(Delimiter="/").page_size(2))
        await side.do(lambda: bucket.objects.filter(MaxKeys=2).limit(3))
        await side.do(lambda: bucket.objects.page_size(2).limit(3).delete())
        await side.do(lambda: bucket.objects.page_size(2).delete())
        await side.do(lambda: bucket.objects.all())

    await side_by_side(life, aws, ours, theirs)


async def test_a_thousand_of_2500_objects_are_deleted_by_one_batch_action(ours: aiosdk.Session, theirs: Boto3) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    gone = [f"gone/{number:04}" for number in range(1000)]
    kept = [f"kept/{number:04}" for number in range(1500)]
    await put_all(bucket, gone + kept)
    assert [item.key for item in await bucket.objects] == gone + kept
    with requests_of(bucket) as sent:
        responses = await bucket.objects.filter(Prefix="gone/").delete()
    assert [each.operation for each in sent] == ["ListObjectsV2", "DeleteObjects"]
    assert [item["Key"] for response in responses for item in response["Deleted"]] == gone
    other = await asyncio.to_thread(lambda: theirs.resource("s3").Bucket("mine"))
    left = await both(bucket.objects, other.objects.all)
    assert [item.key for item in left] == kept
    with requests_of(bucket) as sent:
        assert len(await bucket.objects.page_size(1200).delete()) == 3
    assert [each.body.count("<Key>") for each in sent if each.operation == "DeleteObjects"] == [1000, 200, 300]
    assert await both(bucket.objects, other.objects.all) == []


async def test_no_more_is_asked_for_than_is_wanted(ours: aiosdk.Session) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    await put_all(bucket, list("abcdefgh"))
    objects = bucket.objects
    for collection, asked in [
        (objects.limit(5), ["5"]),
        (objects.limit(5).page_size(2), ["2", "2", "1"]),
        (objects.limit(0), []),
        (objects.page_size(3), ["3", "3", "3"]),
        (objects.all(), [None]),
        (objects.filter(MaxKeys=7), ["7", "7"]),
    ]:
        with requests_of(bucket) as sent:
            await collection
        assert [each.query.get("max-keys") for each in sent] == asked
    with requests_of(bucket) as sent:
        assert (await objects.first()).key == "a"
        assert await objects.filter(Prefix="z").first() is None
    assert [each.query["max-keys"] for each in sent] == ["1", "1"]


async def test_a_loop_that_is_left_asks_no_further_and_one_begun_anew_starts_over(ours: aiosdk.Session) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    await put_all(bucket, list("abcdef"))
    pairs = bucket.objects.page_size(2)
    for _ in range(2):
        with requests_of(bucket) as sent:
            async for item in pairs:
                if item.key == "c":
                    break
        assert len(sent) == 2


async def test_a_marker_goes_to_version_1_and_all_else_to_version_2(ours: aiosdk.Session, theirs: Boto3) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    await put_all(bucket, list("abcdef"))
    other = await asyncio.to_thread(lambda: theirs.resource("s3").Bucket("mine"))
    with requests_of(bucket) as sent:
        found = await both(
            bucket.objects.filter(Marker="b").page_size(2), other.objects.filter(Marker="b").page_size(2).all
        )
    assert [item.key for item in found] == list("cdef")
    assert {each.operation for each in sent} == {"ListObjects"}
    with requests_of(bucket) as sent:
        found = await bucket.objects.filter(StartAfter="b").page_size(2)
    assert [item.key for item in found] == list("cdef")
    assert {each.operation for each in sent} == {"ListObjectsV2"}


async def test_common_prefixes_are_on_the_response_of_the_page(ours: aiosdk.Session) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    await put_all(bucket, ["a", "b/1", "b/2", "c/1", "d"])
    pages = [page async for page in bucket.objects.filter(Delimiter="/").pages()]
    assert [item.key for page in pages for item in page] == ["a", "d"]
    assert [each["Prefix"] for page in pages for each in page.response["CommonPrefixes"]] == ["b/", "c/"]


async def test_the_users_parameters_stand_beside_those_of_a_batch_action(ours: aiosdk.Session) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    await put_all(bucket, list("abc"))
    with requests_of(bucket) as sent:
        await bucket.objects.delete(Delete={"Quiet": True})
    assert "<Quiet>true</Quiet>" in sent[-1].body
    assert sent[-1].body.count("<Key>") == 3
    assert await bucket.objects == []


async def test_reading_keeps_the_data_and_writing_drops_them(ours: aiosdk.Session) -> None:
    bucket = await (await ours.resource("s3")).create_bucket(Bucket="mine")
    obj = bucket.Object("a")
    with pytest.raises(aiosdk.NotLoadedError) as unloaded:
        _ = obj.content_length
    assert str(unloaded.value) == (
        "s3.Object(bucket_name='mine', key='a') has no content_length yet: it is not loaded. "
        "Write `await object.load()` first."
    )
    await obj.put(Body=b"abc")
    assert await obj.load() is obj
    (await obj.get())["Body"].close()
    assert obj.content_length == 3
    await obj.put(Body=b"abcdef")
    with pytest.raises(aiosdk.NotLoadedError) as dropped:
        _ = obj.content_length
    assert str(dropped.value) == (
        "s3.Object(bucket_name='mine', key='a') has no content_length any more: put() dropped the data. "
        "Write `await object.load()` to fetch them again."
    )
    assert (await obj.reload()).content_length == 6
    version = obj.Version("null")
    with pytest.raises(aiosdk.NotLoadedError, match=r"no load\(\).*`bucket.object_versions`"):
        _ = version.size


async def test_resources_compare_hash_pickle_and_await_to_themselves(ours: aiosdk.Session, theirs: Boto3) -> None:
    s3 = await ours.resource("s3")
    bucket = await s3.create_bucket(Bucket="mine")
    await put_all(bucket, list("abc"))
    with requests_of(s3) as sent:
        assert await bucket is bucket
        assert {bucket, s3.Bucket("mine"), s3.Bucket(name="mine")} == {bucket}
        assert bucket != s3.Bucket("other")
        assert bucket != "mine"
        assert repr(bucket) == repr(await asyncio.to_thread(lambda: theirs.resource("s3").Bucket("mine")))
    assert sent == []
    items = await bucket.objects
    again = pickle.loads(pickle.dumps(items))
    assert again == items
    assert {type(item) for item in again} == {aiosdk.types.s3.ObjectSummary}
    assert [item.size for item in again] == [1, 1, 1]
    with pytest.raises(aiosdk.exceptions.NoClientError):
        await again[0].get()
    again[0].meta.client = s3.meta.client
    assert await (await again[0].get())["Body"].read() == b"a"


# What moto does not show: buckets in pages, and denials.


class Buckets:
    """Lists buckets two at a time, unless it refuses."""

    def __init__(self, *names: str, refusal: str = "", head: int = 200) -> None:
        self._names = names
        self._refusal = refusal
        self._head = head

    async def __call__(self, request: Request) -> Answer:
        if request.method == "HEAD":
            return Answer(self._head, headers={"x-amz-bucket-region": "us-east-1"})
        if self._refusal:
            return Answer(403, f"<Error><Code>{self._refusal}</Code><Message>no</Message></Error>".encode())
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))
        names = [name for name in self._names if name.startswith(query.get("prefix", ""))]
        start = int(query.get("continuation-token", "0"))
        page = "".join(
            f"<Bucket><Name>{name}</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket>"
            for name in names[start : start + 2]
        )
        token = f"<ContinuationToken>{start + 2}</ContinuationToken>" if start + 2 < len(names) else ""
        return Answer(
            body=f"<ListAllMyBucketsResult><Buckets>{page}</Buckets>{token}</ListAllMyBucketsResult>".encode()
        )


@pytest.fixture
async def bucket(make_session: Callable[..., aiosdk.Session]) -> Any:
    async with make_session() as session:
        yield (await session.resource("s3")).Bucket("logs")


async def test_buckets_come_in_pages(bucket: Any, server: CountingServer) -> None:
    server.answer = Buckets("a", "b", "c", "d", "e")
    s3 = aiosdk.types.s3.ServiceResource(client=bucket.meta.client)
    pages = [page async for page in s3.buckets.pages()]
    assert [[each.name for each in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    assert len(await s3.buckets.limit(3)) == 3
    assert len(server.requests) == 5


async def test_a_bucket_is_loaded_from_the_list_of_those_that_begin_like_it(
    bucket: Any, server: CountingServer
) -> None:
    server.answer = Buckets("a", "logs-2025", "logs-2026", "logs-all", "logs", "logs-z", "z", "zz")
    assert await bucket.load() is bucket
    assert bucket.creation_date.isoformat() == "2026-01-02T03:04:05+00:00"
    assert [request.method for request in server.requests] == ["GET", "GET"]
    assert all("prefix=logs" in request.target for request in server.requests)


async def test_without_the_permission_to_list_the_bucket_itself_is_asked(bucket: Any, server: CountingServer) -> None:
    server.answer = Buckets(refusal="AccessDenied")
    await bucket.load()
    assert bucket.creation_date is None
    assert bucket.bucket_region == "us-east-1"
    assert [(request.method, request.path) for request in server.requests] == [("GET", "/"), ("HEAD", "/logs")]


@pytest.mark.parametrize(("status", "refusal"), [(404, ""), (404, "AccessDenied"), (403, "AccessDenied")])
async def test_a_bucket_that_is_not_there_or_not_ours_to_see_does_not_load(
    status: int, refusal: str, bucket: Any, server: CountingServer
) -> None:
    server.answer = Buckets("logs-2025", refusal=refusal, head=status)
    with pytest.raises(ClientError) as refused:
        await bucket.load()
    assert refused.value.response["Error"]["Code"] == str(status)
    assert refused.value.operation_name == "HeadBucket"
    with pytest.raises(aiosdk.NotLoadedError):
        _ = bucket.creation_date


async def test_another_refusal_is_no_reason_to_ask_the_bucket(bucket: Any, server: CountingServer) -> None:
    server.answer = Buckets(refusal="InvalidAccessKeyId")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        await bucket.load()
    assert [request.method for request in server.requests] == ["GET"]


async def test_an_object_that_could_not_be_deleted_is_in_the_responses(bucket: Any, server: CountingServer) -> None:
    async def answer(request: Request) -> Answer:
        if request.method == "POST":
            error = "<Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
            return Answer(body=f"<DeleteResult><Deleted><Key>a</Key></Deleted>{error}</DeleteResult>".encode())
        keys = "<Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>"
        return Answer(body=f"<ListBucketResult>{keys}</ListBucketResult>".encode())

    server.answer = answer
    (response,) = await bucket.objects.delete()
    assert response["Deleted"] == [{"Key": "a"}]
    assert response["Errors"] == [{"Key": "b", "Code": "AccessDenied", "Message": "no"}]
