"""EC2's networks, addresses and firewalls: our resources beside boto3's, on the same server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from tests.integration.test_resources_ec2 import IMAGE, make_subnet, run_instances, start
from tests.support.side_by_side import both, requests_of, side_by_side

if TYPE_CHECKING:
    from tests.integration.conftest import Boto3
    from tests.support.side_by_side import Side

SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


async def make_vpc(side: Side, **params: Any) -> tuple[Any, Any]:
    """Give the EC2 resource of a side, and a VPC."""
    ec2 = await start(side)
    return ec2, await side.do(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16", **params))


async def allocate(side: Side, domain: str) -> dict[str, Any]:
    """Allocate an address, which the resources cannot."""
    ec2 = await side.resource("ec2")
    return await side.do(lambda: ec2.meta.client.allocate_address(Domain=domain))


async def test_a_vpc_lives(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2, vpc = await make_vpc(side)
        await side.do(lambda: vpc.wait_until_exists())
        await side.do(lambda: vpc.wait_until_available())
        await side.load(vpc)
        await side.do(lambda: vpc.modify_attribute(EnableDnsHostnames={"Value": True}))
        await side.do(lambda: vpc.describe_attribute(Attribute="enableDnsHostnames"))
        await side.do(lambda: vpc.enable_classic_link())
        await side.do(lambda: vpc.disable_classic_link())
        await side.do(lambda: vpc.create_tags(Tags=[{"Key": "name", "Value": "mine"}]))
        subnet = await side.do(lambda: vpc.create_subnet(CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b"))
        await side.load(subnet)
        await side.load(subnet.vpc)
        await side.do(lambda: subnet.create_tags(Tags=[{"Key": "name", "Value": "mine"}]))
        await side.do(lambda: ec2.vpcs.filter(Filters=[{"Name": "tag:name", "Values": ["mine"]}]))
        await side.do(lambda: ec2.subnets.filter(SubnetIds=[subnet.id]))
        assert len(await side.do(lambda: ec2.vpcs.filter(VpcIds=[vpc.id]).limit(1))) == 1
        await side.do(lambda: subnet.delete())
        await side.fail(lambda: subnet.load())
        await side.do(lambda: vpc.delete())
        await side.fail(lambda: vpc.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_the_collections_of_a_vpc_list_what_is_in_it(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2, vpc = await make_vpc(side)
        _, other = await make_vpc(side)
        blocks = ("10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24")
        subnets = [await side.do(lambda block=block: vpc.create_subnet(CidrBlock=block)) for block in blocks]
        one = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "ClientToken": "once"}
        await side.do(lambda: subnets[0].create_instances(**one))
        await side.do(lambda: subnets[1].create_network_interface(Description="spare"))
        gateway = await side.do(lambda: ec2.create_internet_gateway())
        await side.do(lambda: vpc.attach_internet_gateway(InternetGatewayId=gateway.id))
        await side.do(lambda: vpc.create_route_table())
        await side.do(lambda: vpc.create_network_acl())
        await side.do(lambda: vpc.create_security_group(GroupName="mine", Description="ours"))
        await side.do(lambda: vpc.request_vpc_peering_connection(PeerVpcId=other.id))
        names = ["accepted_vpc_peering_connections", "instances", "internet_gateways", "network_acls"]
        names += ["network_interfaces", "requested_vpc_peering_connections", "route_tables", "security_groups"]
        for name in (*names, "subnets"):
            found = await side.do(lambda name=name: getattr(vpc, name).all())
            for limit in range(len(found) + 2):
                await side.do(lambda name=name, limit=limit: getattr(vpc, name).limit(limit + 1))
            await side.do(lambda name=name: getattr(other, name).all())
        await side.do(lambda: subnets[0].instances.all())
        await side.do(lambda: subnets[1].network_interfaces.all())
        assert await side.do(lambda: subnets[2].instances.all()) == []

    await side_by_side(scenario, aws, ours, theirs)


async def test_a_limit_of_zero_asks_for_nothing_where_boto3_gives_one(ours: aiosdk.Session, theirs: Boto3) -> None:
    ec2 = await ours.resource("ec2")
    client = ec2.meta.client
    for _ in range(3):
        await client.allocate_address(Domain="vpc")
    other = await asyncio.to_thread(theirs.resource, "ec2")
    with requests_of(ec2) as sent:
        assert await ec2.vpc_addresses.limit(0) == []
        assert await ec2.vpcs.limit(0) == []
    assert sent == []
    for limit in (1, 2, 3, 4):
        await both(ec2.vpc_addresses.limit(limit), lambda limit=limit: other.vpc_addresses.limit(limit))
    assert await ec2.vpc_addresses.page_size(1).first() == (await ec2.vpc_addresses)[0]


async def test_routes_come_and_go(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2, vpc = await make_vpc(side)
        gateway = await side.do(lambda: ec2.create_internet_gateway())
        await side.do(lambda: gateway.attach_to_vpc(VpcId=vpc.id))
        await side.load(gateway)
        table = await side.do(lambda: ec2.create_route_table(VpcId=vpc.id))
        assert len(await side.do(lambda: table.routes)) == 1
        route = await side.do(lambda: table.create_route(DestinationCidrBlock="192.168.0.0/24", GatewayId=gateway.id))
        await side.load(table)
        assert len(await side.do(lambda: table.routes)) == 2
        await side.do(lambda: route.RouteTable())
        await side.do(lambda: route.replace(GatewayId=gateway.id))
        await side.do(lambda: ec2.Route(table.id, "192.168.0.0/24").delete())
        await side.load(table)
        await side.do(lambda: table.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        await side.do(lambda: ec2.route_tables.filter(RouteTableIds=[table.id]))
        await side.do(lambda: gateway.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        await side.do(lambda: ec2.internet_gateways.all())
        await side.do(lambda: gateway.detach_from_vpc(VpcId=vpc.id))
        await side.do(lambda: vpc.attach_internet_gateway(InternetGatewayId=gateway.id))
        await side.do(lambda: vpc.detach_internet_gateway(InternetGatewayId=gateway.id))
        await side.do(lambda: gateway.delete())
        await side.do(lambda: table.delete())
        await side.fail(lambda: table.load())
        await side.fail(lambda: gateway.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_every_route_has_its_own_data_and_can_go_be_it_for_ipv4_for_ipv6_or_a_prefix_list(
    ours: aiosdk.Session,
) -> None:
    ec2 = await ours.resource("ec2")
    vpc = await ec2.create_vpc(CidrBlock="10.0.0.0/16")
    gateway = await ec2.create_internet_gateway()
    await vpc.attach_internet_gateway(InternetGatewayId=gateway.id)
    table = await vpc.create_route_table()
    client = ec2.meta.client
    made = await client.create_managed_prefix_list(PrefixListName="mine", MaxEntries=1, AddressFamily="IPv4")
    destinations = {
        "DestinationIpv6CidrBlock": "::/0",
        "DestinationPrefixListId": made["PrefixList"]["PrefixListId"],
        "DestinationCidrBlock": "0.0.0.0/0",
    }
    for name, destination in destinations.items():
        route = await table.create_route(**{name: destination}, GatewayId=gateway.id)
        assert route == ec2.Route(table.id, destination)
    await table.load()
    local, *others = table.routes
    assert (local.destination_cidr_block, local.gateway_id) == ("10.0.0.0/16", "local")
    assert {_kind_of(route): route.destination_cidr_block for route in others} == destinations
    assert {route.gateway_id for route in others} == {gateway.id}
    for route in others:
        with requests_of(ec2) as sent:
            await route.replace(GatewayId=gateway.id)
            await route.delete()
        own = {_kind_of(route): route.destination_cidr_block}
        assert [{name: each.query[name] for name in each.query if name in destinations} for each in sent] == [own, own]
    await table.load()
    assert table.routes == [local]


def _kind_of(route: Any) -> str:
    (name,) = (name for name in route.meta.data if name.startswith("Destination"))
    return name


async def test_associations_of_a_route_table(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        subnet = await make_subnet(side)
        await side.load(subnet)
        table = await side.do(lambda: subnet.vpc.create_route_table())
        other = await side.do(lambda: subnet.vpc.create_route_table())
        made = await side.do(lambda: table.associate_with_subnet(SubnetId=subnet.id))
        await side.load(table)
        (association,) = await side.do(lambda: table.associations)
        assert association == made
        await side.load(association.subnet)
        await side.load(association.route_table)
        moved = await side.do(lambda: association.replace_subnet(RouteTableId=other.id))
        await side.load(other)
        await side.do(lambda: other.associations)
        await side.do(lambda: moved.delete())
        await side.load(other)
        assert await side.do(lambda: other.associations) == []
        again = await side.do(lambda: other.associate_with_subnet(SubnetId=subnet.id))
        await side.do(lambda: ec2.disassociate_route_table(AssociationId=again.id))
        await side.fail(lambda: ec2.disassociate_route_table(AssociationId=again.id))

    await side_by_side(scenario, aws, ours, theirs)


async def test_network_interfaces(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        (instance,) = await run_instances(side, 1)
        await side.load(instance)
        interface = await side.do(lambda: instance.subnet.create_network_interface(Description="spare"))
        await side.load(interface)
        assert await side.do(lambda: interface.association) is None
        await side.do(lambda: interface.assign_private_ip_addresses(SecondaryPrivateIpAddressCount=1))
        await side.load(interface)
        second = interface.private_ip_addresses[1]["PrivateIpAddress"]
        await side.do(lambda: interface.unassign_private_ip_addresses(PrivateIpAddresses=[second]))
        await side.do(lambda: interface.modify_attribute(Description={"Value": "used"}))
        await side.do(lambda: interface.describe_attribute(Attribute="description"))
        await side.do(lambda: interface.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        await side.do(lambda: interface.attach(InstanceId=instance.id, DeviceIndex=1))
        await side.load(interface)
        await side.load(instance)
        assert len(await side.do(lambda: instance.network_interfaces)) == 2
        await side.do(lambda: ec2.network_interfaces.filter(NetworkInterfaceIds=[interface.id]))
        # The attachment stands in the data of an interface, which is not loaded here.
        await side.do(lambda: ec2.NetworkInterface(interface.id).detach())
        await side.do(lambda: interface.delete())
        await side.fail(lambda: interface.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_an_address_leads_to_its_association_and_back(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        subnet = await make_subnet(side)
        interface = await side.do(lambda: subnet.create_network_interface(Description="spare"))
        allocated = await allocate(side, "vpc")
        address = ec2.VpcAddress(allocated["AllocationId"])
        await side.load(address)
        assert await side.do(lambda: address.association) is None
        await side.do(lambda: address.associate(NetworkInterfaceId=interface.id))
        await side.load(address)
        await side.load(interface)
        association = await side.do(lambda: interface.association)
        assert association == await side.do(lambda: address.association)
        assert await side.do(lambda: association.address) == address
        await side.do(lambda: interface.association_attribute)
        await side.do(lambda: association.delete())
        await side.do(lambda: ec2.vpc_addresses.all())
        await side.do(lambda: ec2.VpcAddress(address.allocation_id).release())
        assert await side.do(lambda: ec2.vpc_addresses.all()) == []
        await side.fail(lambda: address.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_an_instance_has_a_classic_address(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        (instance,) = await run_instances(side, 1)
        allocated = await allocate(side, "vpc")
        address = ec2.ClassicAddress(allocated["PublicIp"])
        await side.do(lambda: address.associate(InstanceId=instance.id))
        await side.load(address)
        await side.load(instance)
        assert await side.do(lambda: instance.classic_address) == address
        await side.do(lambda: instance.vpc_addresses.all())
        await side.do(lambda: ec2.ClassicAddress(address.public_ip).disassociate())
        await side.do(lambda: ec2.ClassicAddress(address.public_ip).release())
        await allocate(side, "standard")
        await side.do(lambda: ec2.classic_addresses.all())
        await side.fail(lambda: ec2.ClassicAddress("192.0.2.1").release())

    await side_by_side(scenario, aws, ours, theirs)


async def test_releasing_an_address_loads_it_first_and_only_if_it_must(ours: aiosdk.Session) -> None:
    ec2 = await ours.resource("ec2")
    first, second = [await ec2.meta.client.allocate_address(Domain="vpc") for _ in range(2)]
    with requests_of(ec2) as sent:
        address = ec2.VpcAddress(first["AllocationId"])
        await address.release()
        (other,) = await ec2.vpc_addresses
        await other.release()
    steps = ["DescribeAddresses", "ReleaseAddress"]
    assert [each.operation for each in sent] == steps * 2
    assert sent[3].query["AllocationId"] == second["AllocationId"]
    with pytest.raises(aiosdk.NotLoadedError, match=r"release\(\) dropped the data"):
        _ = address.public_ip


async def test_peering_connections_refer_to_both_vpcs(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2, vpc = await make_vpc(side)
        other = await side.do(lambda: ec2.create_vpc(CidrBlock="10.9.0.0/16"))
        peering = await side.do(lambda: vpc.request_vpc_peering_connection(PeerVpcId=other.id))
        await side.do(lambda: peering.wait_until_exists())
        await side.load(peering)
        assert await side.do(lambda: peering.accepter_vpc) == other
        assert await side.do(lambda: peering.requester_vpc) == vpc
        await side.load(peering.accepter_vpc)
        await side.do(lambda: peering.accept())
        await side.do(lambda: ec2.vpc_peering_connections.all())
        second = await side.do(lambda: ec2.create_vpc_peering_connection(VpcId=vpc.id, PeerVpcId=other.id))
        await side.do(lambda: second.reject())
        await side.load(second)
        await side.do(lambda: peering.delete())
        await side.load(peering)

    await side_by_side(scenario, aws, ours, theirs)


async def test_dhcp_options_and_network_acls(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        subnet = await make_subnet(side)
        ec2 = await side.resource("ec2")
        await side.load(subnet)
        vpc = subnet.vpc
        domain = [{"Key": "domain-name", "Values": ["example.com"]}]
        options = await side.do(lambda: ec2.create_dhcp_options(DhcpConfigurations=domain))
        await side.do(lambda: options.associate_with_vpc(VpcId=vpc.id))
        await side.load(vpc)
        await side.load(vpc.dhcp_options)
        await side.do(lambda: vpc.associate_dhcp_options(DhcpOptionsId="default"))
        await side.do(lambda: options.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        await side.do(lambda: ec2.dhcp_options_sets.filter(DhcpOptionsIds=[options.id]))
        await side.do(lambda: options.delete())
        await side.fail(lambda: options.load())

        acl = await side.do(lambda: ec2.create_network_acl(VpcId=vpc.id))
        rule = {"RuleNumber": 100, "Protocol": "-1", "Egress": False, "CidrBlock": "0.0.0.0/0"}
        await side.do(lambda: acl.create_entry(**rule, RuleAction="allow"))
        await side.do(lambda: acl.replace_entry(**rule, RuleAction="deny"))
        await side.load(acl)
        await side.load(acl.vpc)
        await side.do(lambda: acl.delete_entry(RuleNumber=100, Egress=False))
        (default,) = [each for each in await side.do(lambda: vpc.network_acls.all()) if each.associations]
        old = default.associations[0]["NetworkAclAssociationId"]
        await side.do(lambda: acl.replace_association(AssociationId=old))
        await side.do(lambda: acl.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        await side.load(acl)
        await side.do(lambda: default.replace_association(AssociationId=acl.associations[0]["NetworkAclAssociationId"]))
        await side.do(lambda: acl.delete())
        await side.fail(lambda: acl.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_security_groups(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2, vpc = await make_vpc(side)
        names = {"GroupName": "mine", "Description": "ours"}
        group = await side.do(lambda: ec2.create_security_group(VpcId=vpc.id, **names))
        await side.fail(lambda: vpc.create_security_group(**names))
        await side.do(lambda: group.authorize_ingress(IpPermissions=[SSH]))
        await side.do(lambda: group.authorize_egress(IpPermissions=[SSH]))
        await side.load(group)
        await side.do(lambda: group.revoke_ingress(IpPermissions=group.ip_permissions))
        await side.do(lambda: group.revoke_egress(IpPermissions=[SSH]))
        await side.load(group)
        await side.do(lambda: group.create_tags(Tags=[{"Key": "a", "Value": "b"}]))
        await side.do(lambda: ec2.security_groups.filter(Filters=[{"Name": "group-name", "Values": ["mine"]}]))
        await side.do(lambda: group.delete())
        await side.fail(lambda: group.load())

    await side_by_side(scenario, aws, ours, theirs)


async def test_what_is_not_there_cannot_be_loaded(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        ec2 = await start(side)
        for name in ("Vpc", "Subnet", "RouteTable", "NetworkAcl", "NetworkInterface", "InternetGateway", "DhcpOptions"):
            await side.fail(lambda name=name: getattr(ec2, name)("none-0123456789abcdef0").load())
        for name in ("SecurityGroup", "VpcAddress", "ClassicAddress"):
            await side.fail(lambda name=name: getattr(ec2, name)("none-0123456789abcdef0").load())
        await side.fail(lambda: ec2.vpcs.filter(VpcIds=["vpc-0123456789abcdef0"]))

    await side_by_side(scenario, aws, ours, theirs)


async def test_a_peering_connection_that_is_not_there_is_not_found_though_moto_answers_200(
    ours: aiosdk.Session,
) -> None:
    ec2 = await ours.resource("ec2")
    with pytest.raises(aiosdk.exceptions.ResourceNotFoundError, match="pcx-0123456789abcdef0"):
        await ec2.VpcPeeringConnection("pcx-0123456789abcdef0").load()
