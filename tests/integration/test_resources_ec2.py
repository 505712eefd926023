"""EC2's instances, disks, images, keys and tags: our resources beside boto3's, on the same server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aiobotocore.session import AioSession
from botocore.loaders import create_loader

import aiosdk
from tests.integration.conftest import KEYS
from tests.support.side_by_side import both, collect, requests_of, side_by_side

if TYPE_CHECKING:
    from tests.integration.conftest import Boto3
    from tests.support.side_by_side import Side

IMAGE = "ami-12c6146b"
STOPPED = {"Name": "instance-state-name", "Values": ["stopped"]}
PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2q1Q0Z0b0w3mYyq0Q1VwKk1Vd0m5l0cZ8n7mJmVYxT me"


async def start(side: Side) -> Any:
    """Give the EC2 resource of a side, and have moto throw the dice for its default network before they count."""
    ec2 = await side.resource("ec2")
    await side.do(lambda: ec2.key_pairs.all())
    return ec2


def untimed(side: Side, *resources: Any) -> None:
    """Take the times out of texts: the sides do not act in the same second."""
    for each in resources:
        for name in ("StateTransitionReason", "CreationDate"):
            if each.meta.data.get(name):
                side.name(each.meta.data[name], f"{name} with a time")


async def make_subnet(side: Side) -> Any:
    """Make a network of our own: the default one is not the same for both sides."""
    ec2 = await start(side)
    vpc = await side.do(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16"))
    return await side.do(lambda: vpc.create_subnet(CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a"))


async def run_instances(side: Side, count: int, **params: Any) -> list[Any]:
    """Run instances in a network of their own."""
    subnet = await make_subnet(side)
    sizes = {"MinCount": count, "MaxCount": count, "ClientToken": "once"}
    return await side.do(lambda: subnet.create_instances(ImageId=IMAGE, **sizes, **params))


async def run_reservations(session: aiosdk.Session, *counts: int) -> list[str]:
    """Run instances by so many requests, of so many each; gives their IDs."""
    client = await session.client("ec2")
    ids: list[str] = []
    for count in counts:
        answer = await client.run_instances(ImageId=IMAGE, MinCount=count, MaxCount=count)
        ids += [each["InstanceId"] for each in answer["Instances"]]
    return ids


async def test_instances_are_created_loaded_stopped_started_and_terminated(
    aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        instance, other = await run_instances(side, 2, InstanceType="t2.micro")
        await side.do(lambda: instance.wait_until_exists())
        await side.do(lambda: instance.wait_until_running())
        await side.load(instance)
        await side.do(lambda: instance.state)
        await side.do(lambda: instance.stop())
        await side.do(lambda: instance.wait_until_stopped())
        untimed(side, *await side.do(lambda: ec2.instances.filter(Filters=[STOPPED])))
        await side.do(lambda: instance.start())
        await side.do(lambda: other.terminate())
        await side.do(lambda: other.wait_until_terminated())
        await side.load(other)
        untimed(side, *await side.do(lambda: ec2.instances.all()))

    await side_by_side(scenario, aws, ours, theirs)


async def test_the_other_actions_of_an_instance_answer_as_in_boto3(
    aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    async def scenario(side: Side) -> None:
        (instance,) = await run_instances(side, 1)
        await side.do(lambda: instance.console_output())
        await side.do(lambda: instance.password_data())
        await side.do(lambda: instance.reboot())
        await side.do(lambda: instance.describe_attribute(Attribute="instanceType"))
        await side.do(lambda: instance.modify_attribute(DisableApiTermination={"Value": True}))
        await side.do(lambda: instance.describe_attribute(Attribute="disableApiTermination"))
        await side.fail(lambda: instance.terminate())
        image = await side.do(lambda: instance.create_image(Name="golden", Description="of an instance"))
        untimed(side, await side.load(image))

    await side_by_side(scenario, aws, ours, theirs)


async def test_an_instance_refers_to_its_network_its_image_and_its_key(
    aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        await side.do(lambda: ec2.import_key_pair(KeyName="mine", PublicKeyMaterial=PUBLIC_KEY))
        (instance,) = await run_instances(side, 1, KeyName="mine")
        await side.load(instance)
        for name in ("vpc", "subnet", "image", "key_pair"):
            untimed(side, await side.load(getattr(instance, name)))
        await side.do(lambda: instance.placement_group)
        await side.do(lambda: instance.classic_address)
        await side.do(lambda: instance.security_groups)
        (interface,) = await side.do(lambda: instance.network_interfaces)
        await side.do(lambda: instance.network_interfaces_attribute)
        await side.load(interface)
        await side.do(lambda: (interface.subnet, interface.vpc))

    await side_by_side(scenario, aws, ours, theirs)


async def test_limits_and_page_sizes_give_the_instances_that_boto3_gives(ours: aiosdk.Session, theirs: Boto3) -> None:
    ids = await run_reservations(ours, *[1] * 12)
    ec2 = await ours.resource("ec2")
    other = await asyncio.to_thread(theirs.resource, "ec2")
    assert [each.id for each in await ec2.instances] == ids
    for limit in (0, 1, 5, 11, 12, 13, 100):
        await both(ec2.instances.limit(limit), lambda limit=limit: other.instances.limit(limit))
        await both(
            ec2.instances.limit(limit).page_size(5), lambda limit=limit: other.instances.limit(limit).page_size(5)
        )
    for size in (2, 5, 12, 100):
        pages = ec2.instances.page_size(size).pages()
        await both(collect(pages), lambda size=size: other.instances.page_size(size).pages())
    subset = [{"Name": "instance-id", "Values": ids[:3]}]
    await both(ec2.instances.filter(Filters=subset).limit(2), lambda: other.instances.filter(Filters=subset).limit(2))
    some = ec2.instances.filter(InstanceIds=ids[:2])
    await both(some.filter(InstanceIds=ids[2:4]), lambda: other.instances.filter(InstanceIds=ids[:4]))
    await both(some.limit(1), lambda: other.instances.filter(InstanceIds=ids[:2]).limit(1))


async def test_reservations_of_several_instances_are_cut_at_the_limit(ours: aiosdk.Session, theirs: Boto3) -> None:
    ids = await run_reservations(ours, 3, 1, 4, 2, 1, 2, 1)
    ec2 = await ours.resource("ec2")
    other = await asyncio.to_thread(theirs.resource, "ec2")
    for limit in (1, 2, 3, 4, 7, 13, 14, 15):
        assert [each.id for each in await ec2.instances.limit(limit).page_size(5)] == ids[:limit]
        await both(ec2.instances.limit(limit), lambda limit=limit: other.instances.limit(limit))


async def test_no_more_instances_are_asked_for_than_are_wanted(ours: aiosdk.Session) -> None:
    ids = await run_reservations(ours, *[1] * 12)
    ec2 = await ours.resource("ec2")
    for collection, asked in [
        (ec2.instances.limit(0), []),
        (ec2.instances.limit(7), ["7"]),
        (ec2.instances.limit(2), ["5"]),  # EC2 takes no less
        (ec2.instances.page_size(5).limit(7), ["5", "5"]),
        (ec2.instances.page_size(5), ["5", "5", "5"]),
        (ec2.instances.filter(InstanceIds=ids[:3]).limit(2), [None]),  # nor a number beside IDs
        (ec2.instances.filter(InstanceIds=ids[:3]).limit(0), []),
    ]:
        with requests_of(ec2) as sent:
            await collection
        assert [each.query.get("MaxResults") for each in sent] == asked
    with requests_of(ec2) as sent:
        assert (await ec2.instances.first()).id == ids[0]
        async for instance in ec2.instances.page_size(5):
            if instance.id == ids[6]:
                break
    assert [each.query["MaxResults"] for each in sent] == ["5", "5", "5"]


async def test_batch_actions_go_over_three_pages(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        subnet = await make_subnet(side)
        one = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1}
        for number in range(12):
            await side.do(lambda token=str(number): subnet.create_instances(**one, ClientToken=token))
        running = ec2.instances.filter(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
        tags = [{"Key": "batch", "Value": "1"}, {"Key": "empty", "Value": ""}]
        answers = await side.do(lambda: running.page_size(5).create_tags(Tags=tags))
        assert len(answers) == 3
        await side.do(lambda: ec2.instances.filter(Filters=[{"Name": "tag:batch", "Values": ["1"]}]))
        await side.do(lambda: running.page_size(5).reboot())
        await side.do(lambda: running.limit(7).stop())
        untimed(side, *await side.do(lambda: ec2.instances.filter(Filters=[STOPPED])))
        await side.do(lambda: ec2.instances.filter(Filters=[STOPPED]).start())
        assert await side.do(lambda: ec2.instances.filter(Filters=[STOPPED]).start()) == []
        answers = await side.do(lambda: ec2.instances.page_size(5).terminate())
        assert [len(each["TerminatingInstances"]) for each in answers] == [5, 5, 2]

    await side_by_side(scenario, aws, ours, theirs)


async def test_create_tags_tags_every_resource_with_every_tag(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        (instance,) = await run_instances(side, 1)
        volume = await side.do(lambda: ec2.create_volume(AvailabilityZone="us-east-1a", Size=1))
        wanted = [{"Key": "name", "Value": "a"}, {"Key": "empty", "Value": ""}]
        tags = await side.do(lambda: ec2.create_tags(Resources=[instance.id, volume.id], Tags=wanted))
        assert len(tags) == 4
        for tag in tags:
            await side.load(tag)
        await side.load(instance)
        assert sorted(instance.tags, key=lambda each: each["Key"]) == [wanted[1], wanted[0]]
        await side.do(lambda: instance.create_tags(Tags=[{"Key": "more", "Value": "1"}]))
        await side.do(lambda: instance.delete_tags(Tags=[{"Key": "name"}]))
        await side.load(instance)
        await side.do(lambda: instance.tags)
        await side.do(lambda: tags[3].delete())
        await side.load(volume)
        await side.do(lambda: volume.tags)
        await side.fail(lambda: ec2.create_tags(Resources=["no-such-thing"], Tags=wanted))

    await side_by_side(scenario, aws, ours, theirs)


async def test_volumes_and_snapshots(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        (instance,) = await run_instances(side, 1)
        volume = await side.do(lambda: ec2.create_volume(AvailabilityZone="us-east-1a", Size=8))
        await side.do(lambda: volume.attach_to_instance(InstanceId=instance.id, Device="/dev/sdh"))
        await side.load(volume)
        await side.do(lambda: instance.volumes.all())
        await side.do(lambda: volume.detach_from_instance(InstanceId=instance.id, Device="/dev/sdh"))
        await side.do(lambda: instance.attach_volume(VolumeId=volume.id, Device="/dev/sdi"))
        await side.do(lambda: instance.detach_volume(VolumeId=volume.id, Device="/dev/sdi"))
        await side.do(lambda: instance.volumes.all())
        await side.do(lambda: volume.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        snapshot = await side.do(lambda: volume.create_snapshot(Description="first"))
        await side.do(lambda: snapshot.wait_until_completed())
        await side.load(snapshot)
        await side.load(snapshot.volume)
        second = await side.do(lambda: ec2.create_snapshot(VolumeId=volume.id, Description="second"))
        await side.do(lambda: volume.snapshots.all())
        await side.do(lambda: volume.snapshots.limit(1))
        await side.do(lambda: ec2.snapshots.filter(SnapshotIds=[snapshot.id]))
        copied = await side.do(lambda: snapshot.copy(SourceRegion="us-east-1", Description="third"))
        await side.load(ec2.Snapshot(copied["SnapshotId"]))
        share = {"Attribute": "createVolumePermission", "OperationType": "add", "UserIds": ["111122223333"]}
        await side.do(lambda: snapshot.modify_attribute(**share))
        await side.do(lambda: snapshot.describe_attribute(Attribute="createVolumePermission"))
        await side.do(lambda: second.delete())
        await side.do(lambda: volume.snapshots.all())
        await side.do(lambda: volume.delete())
        await side.fail(lambda: volume.load())
        await side.do(lambda: ec2.volumes.all())

    await side_by_side(scenario, aws, ours, theirs)


async def test_images(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        image = await side.do(lambda: ec2.register_image(Name="golden", RootDeviceName="/dev/sda1"))
        await side.do(lambda: image.wait_until_exists())
        untimed(side, await side.load(image))
        await side.do(lambda: image.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        untimed(side, *await side.do(lambda: ec2.images.filter(Owners=["self"])))
        (first,) = await side.do(lambda: ec2.images.filter(ImageIds=[image.id, IMAGE]).limit(1))
        untimed(side, first)
        share = {"Add": [{"UserId": "111122223333"}]}
        await side.do(lambda: image.modify_attribute(LaunchPermission=share))
        await side.do(lambda: image.describe_attribute(Attribute="launchPermission"))
        await side.do(lambda: image.deregister())
        await side.do(lambda: ec2.images.filter(Filters=[{"Name": "name", "Values": ["golden"]}]))

    await side_by_side(scenario, aws, ours, theirs)


async def test_a_created_key_pair_has_the_key_and_a_listed_one_has_not(
    aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        pair = await side.do(lambda: ec2.create_key_pair(KeyName="mine"))
        assert type(pair).__name__ == "ec2.KeyPair"
        side.name(pair.key_material, "the key")
        side.name(pair.key_fingerprint, "its fingerprint")
        info = await side.do(lambda: ec2.KeyPair("mine"))
        assert type(info).__name__ == "ec2.KeyPairInfo"
        await side.load(info)
        await side.do(lambda: ec2.import_key_pair(KeyName="imported", PublicKeyMaterial=PUBLIC_KEY))
        await side.do(lambda: ec2.key_pairs.all())
        await side.do(lambda: ec2.key_pairs.filter(KeyNames=["imported"]))
        await side.do(lambda: ec2.key_pairs.limit(1))
        await side.do(lambda: pair.delete())
        await side.do(lambda: ec2.KeyPair("imported").delete())
        assert await side.do(lambda: ec2.key_pairs.all()) == []
        await side.fail(lambda: info.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_what_is_not_there_cannot_be_loaded(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        missing = [ec2.Instance("i-0123456789abcdef0"), ec2.Volume("vol-0123456789abcdef0")]
        missing += [ec2.Snapshot("snap-0123456789abcdef0"), ec2.Image("ami-0123456789abcdef0"), ec2.KeyPair("none")]
        for resource in missing:
            await side.fail(lambda resource=resource: resource.load())
        await side.fail(lambda: missing[0].terminate())
        nobody = ec2.instances.filter(InstanceIds=["i-0123456789abcdef0"])
        await side.fail(lambda: nobody)
        await side.fail(lambda: nobody.stop())

    await side_by_side(scenario, aws, ours, theirs)


async def test_a_tag_that_is_not_there_is_not_found_though_ec2_answers_200(ours: aiosdk.Session) -> None:
    ec2 = await ours.resource("ec2")
    tag = ec2.Tag("i-0123456789abcdef0", "name", "mine")
    with pytest.raises(aiosdk.exceptions.ResourceNotFoundError, match=r"DescribeTags answered with nothing") as caught:
        await tag.load()
    assert repr(tag) in str(caught.value)
    with pytest.raises(aiosdk.NotLoadedError):
        _ = tag.resource_type


async def test_data_that_are_not_loaded_or_were_dropped_are_missed_by_name(ours: aiosdk.Session) -> None:
    (instance_id,) = await run_reservations(ours, 1)
    ec2 = await ours.resource("ec2")
    instance = ec2.Instance(instance_id)
    with requests_of(ec2) as sent:
        for name in ("state", "vpc", "network_interfaces"):
            with pytest.raises(aiosdk.NotLoadedError, match=r"Write `await instance\.load\(\)` first") as caught:
                getattr(instance, name)
            assert instance_id in str(caught.value)
            assert name in str(caught.value)
    assert sent == []
    assert await instance.load() is instance
    assert instance.state["Name"] == "running"
    await instance.describe_attribute(Attribute="instanceType")
    assert instance.state["Name"] == "running"
    await instance.stop()
    with pytest.raises(aiosdk.NotLoadedError, match=r"stop\(\) dropped the data.*await instance\.load\(\)"):
        _ = instance.state
    await instance.reload()
    assert instance.state["Name"] == "stopped"
    await instance.delete_tags(Tags=[{"Key": "none"}])
    with pytest.raises(aiosdk.NotLoadedError, match=r"delete_tags\(\) dropped the data"):
        _ = instance.image


async def test_an_older_version_of_the_resource_has_what_it_had_then(
    aws: str, ours: aiosdk.Session, theirs: Boto3
) -> None:
    ids = await run_reservations(ours, *[1] * 11)
    old = await ours.resource("ec2", api_version="2015-10-01")
    new = await ours.resource("ec2")

    def make() -> Any:
        return boto3.Session(**KEYS).resource("ec2", api_version="2015-10-01", endpoint_url=aws)

    other = await asyncio.to_thread(make)
    assert old.meta.client.meta.service_model.api_version == "2015-10-01"
    assert type(old.Instance("i")) is not type(new.Instance("i"))
    assert old.get_available_subresources() == sorted(other.get_available_subresources())
    with requests_of(old) as sent:
        assert [each.id for each in await old.instances.page_size(5)] == ids
    assert [each.query["Version"] for each in sent] == ["2015-10-01"] * 3
    await both(old.instances.limit(7), lambda: other.instances.limit(7))
    await both(old.Instance(ids[0]).load(), lambda: _loaded(other.Instance(ids[0])))
    await old.Instance(ids[0]).stop()
    await both(old.instances.filter(Filters=[STOPPED]), lambda: other.instances.filter(Filters=[STOPPED]))


def _loaded(resource: Any) -> Any:
    resource.load()
    return resource


async def test_a_botocore_session_with_a_loader_of_its_own_has_the_same_classes(ours: aiosdk.Session) -> None:
    botocore_session = AioSession()
    botocore_session.register_component("data_loader", await asyncio.to_thread(create_loader))
    botocore_session.set_credentials("AKIDEXAMPLE", "secret")
    async with aiosdk.Session(botocore_session=botocore_session, region_name="us-east-1") as session:
        ec2 = await session.resource("ec2")
        assert type(ec2) is type(await ours.resource("ec2"))
