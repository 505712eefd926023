"""The answers of the benchmarks' server: as long as AWS's own, and made before the first request comes in."""

from __future__ import annotations

import hashlib
import json
import re
import zlib

_DATE = b"Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"
_OBJECT = (
    b"x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran7dKIw0TsM1o=\r\n"
    b"x-amz-request-id: 318BC8BC148832E5\r\n" + _DATE + b"Last-Modified: Wed, 12 Nov 2025 17:50:00 GMT\r\n"
    b'ETag: "fba9dede5f27731c9771645a39863328"\r\nx-amz-server-side-encryption: AES256\r\n'
    b"Accept-Ranges: bytes\r\nContent-Type: binary/octet-stream\r\nServer: AmazonS3\r\n"
)
_XML = b"x-amzn-RequestId: 7a62c49f-347e-4fc4-9331-6e8eEXAMPLE\r\nContent-Type: text/xml\r\n" + _DATE
_JSON = (
    b"x-amzn-RequestId: 5UBOKP4AUVUVTHJQKS9GHCPTK3VV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nServer: Server\r\n" + _DATE
)


def whole(headers: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (headers, len(body), body)


def _json(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    return whole(_JSON + b"x-amz-crc32: %d\r\n" % zlib.crc32(body), body)


# S3

GET = whole(_OBJECT, b"x" * 1024)
HEAD = GET.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
PUT = whole(_OBJECT, b"")
BUCKETS = whole(
    _XML, b"<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>"
)


def _s3_object(number: int) -> str:
    etag = hashlib.md5(str(number).encode()).hexdigest()
    return (
        f"<Contents><Key>logs/2026/01/02/PAGE/{number:06}.json.gz</Key>"
        f"<LastModified>2026-01-02T{number % 24:02}:{number % 60:02}:{number % 59:02}.PAGZ</LastModified>"
        f"<ETag>&quot;{etag}&quot;</ETag><Size>{number * 1031}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


class Objects:
    """Pages of an S3 bucket, by the token or the marker of the request; no two have a key in common."""

    def __init__(self, pages: int, items: int) -> None:
        self._last = pages - 1
        self._items = "".join(map(_s3_object, range(items))).encode()

    def page(self, head: bytes) -> bytes:
        # Version 2 hands back our token, version 1 the last key, whose folder is the number of its page.
        found = re.search(rb"[?&]continuation-token=(\d+)|[?&]marker=[^& ]*?(\d{4})(?:/|%2F)\d{6}\.", head)
        number = 0 if found is None else int(found[1]) if found[1] else int(found[2]) + 1
        page = b"%04d" % number
        items = self._items.replace(b"PAGE", page).replace(b"PAGZ", page[1:] + b"Z")
        more = number < self._last
        token = b"<NextContinuationToken>%d</NextContinuationToken>" % (number + 1) if more else b""
        return whole(
            _XML,
            b'<?xml version="1.0" encoding="UTF-8"?>\n'
            b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix></Prefix>'
            b"%s<KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
            b"<IsTruncated>%s</IsTruncated>%s</ListBucketResult>" % (token, b"true" if more else b"false", items),
        )


# IAM and EC2


def _user(number: int) -> str:
    return (
        f"<member><Path>/division_abc/</Path><UserName>user-PAGE-{number}</UserName>"
        f"<Arn>arn:aws:iam::123456789012:user/division_abc/user-PAGE-{number}</Arn>"
        f"<UserId>AIDACKCEVSQ6C2{number:06}</UserId>"
        f"<CreateDate>2026-01-02T{number % 24:02}:{number % 60:02}:{number % 59:02}Z</CreateDate></member>"
    )


def _instance(number: int) -> str:
    mac = f"02:dd:2c:{number % 90 + 10}:69:f2"
    name = f"i-{number:010}fPAGE"
    tags = "".join(f"<item><key>{key}</key><value>{key}-{number}</value></item>" for key in ("Name", "team", "stage"))
    groups = "<groupSet><item><groupId>sg-e4076980</groupId><groupName>SecurityGroup1</groupName></item></groupSet>"
    at = f"2026-01-02T{number % 24:02}:{number % 60:02}:{number % 59:02}.000Z"
    association = (
        "<association><publicIp>192.0.2.44</publicIp><publicDnsName>ec2-192-0-2-44.compute-1.amazonaws.com"
        "</publicDnsName><ipOwnerId>amazon</ipOwnerId></association>"
    )
    return (
        f"<item><reservationId>r-{number:017}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet>"
        f"<item><instanceId>{name}</instanceId><imageId>ami-bff32ccc</imageId>"
        "<instanceState><code>16</code><name>running</name></instanceState>"
        f"<privateDnsName>ip-192-168-1-{number % 250}.ec2.internal</privateDnsName><dnsName>ec2-192-0-2-44.compute-1"
        ".amazonaws.com</dnsName><reason/><keyName>my_keypair</keyName><amiLaunchIndex>0</amiLaunchIndex>"
        f"<productCodes/><instanceType>t2.micro</instanceType><launchTime>{at}</launchTime>"
        "<placement><availabilityZone>us-east-1c</availabilityZone><groupName/><tenancy>default</tenancy></placement>"
        "<monitoring><state>disabled</state></monitoring><subnetId>subnet-56f5f633</subnetId>"
        f"<vpcId>vpc-11112222</vpcId><privateIpAddress>192.168.1.{number % 250}</privateIpAddress>"
        f"<ipAddress>192.0.2.44</ipAddress><sourceDestCheck>true</sourceDestCheck>{groups}"
        "<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>"
        "<rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs>"
        f"<volumeId>vol-{number:017}</volumeId><status>attached</status><attachTime>{at}</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>"
        f"<virtualizationType>hvm</virtualizationType><clientToken>xMcwG14507example</clientToken><tagSet>{tags}</tagSet>"
        "<hypervisor>xen</hypervisor><networkInterfaceSet><item>"
        f"<networkInterfaceId>eni-{number:017}</networkInterfaceId><subnetId>subnet-56f5f633</subnetId>"
        "<vpcId>vpc-11112222</vpcId><description>Primary network interface</description><ownerId>123456789012</ownerId>"
        f"<status>in-use</status><macAddress>{mac}</macAddress><privateIpAddress>192.168.1.88</privateIpAddress>"
        f"<sourceDestCheck>true</sourceDestCheck>{groups}<attachment><attachmentId>eni-attach-39697adc</attachmentId>"
        f"<deviceIndex>0</deviceIndex><status>attached</status><attachTime>{at}</attachTime>"
        f"<deleteOnTermination>true</deleteOnTermination></attachment>{association}<privateIpAddressesSet><item>"
        f"<privateIpAddress>192.168.1.88</privateIpAddress><primary>true</primary>{association}</item>"
        "</privateIpAddressesSet></item></networkInterfaceSet><ebsOptimized>false</ebsOptimized></item>"
        "</instancesSet></item>"
    )


class Users:
    def __init__(self, pages: int, items: int) -> None:
        self._last = pages - 1
        self._items = "".join(map(_user, range(items))).encode()

    def page(self, body: bytes) -> bytes:
        number = _number(rb"&Marker=(\d+)", body)
        more = b"<IsTruncated>false</IsTruncated>"
        if number < self._last:
            more = b"<IsTruncated>true</IsTruncated><Marker>%d</Marker>" % (number + 1)
        return whole(
            _XML,
            b'<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListUsersResult><Users>%s</Users>'
            b"%s</ListUsersResult><ResponseMetadata><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId>"
            b"</ResponseMetadata></ListUsersResponse>" % (self._items.replace(b"PAGE", b"%04d" % number), more),
        )


class Instances:
    def __init__(self, pages: int, items: int) -> None:
        self._last = pages - 1
        self._items = "".join(map(_instance, range(items))).encode()

    def page(self, body: bytes) -> bytes:
        number = _number(rb"&NextToken=(\d+)", body)
        more = b"<nextToken>%d</nextToken>" % (number + 1) if number < self._last else b""
        return whole(
            _XML,
            b'<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>8f7724cf-496f-496e'
            b"-8fe3-example</requestId><reservationSet>%s</reservationSet>%s</DescribeInstancesResponse>"
            % (self._items.replace(b"PAGE", b"%04d" % number), more),
        )


def _number(pattern: bytes, body: bytes) -> int:
    found = re.search(pattern, body)
    return int(found[1]) if found else 0


# DynamoDB and SQS


def _item(number: int) -> dict[str, object]:
    return {
        "pk": {"S": f"customer-{number:08}"},
        "sk": {"S": f"order#2026-01-{number % 28 + 1:02}"},
        "amount": {"N": f"{number}.95"},
        "count": {"N": str(number)},
        "paid": {"BOOL": number % 2 == 0},
        "note": {"S": "left at the door, as it was asked for"},
        "tags": {"L": [{"S": "gift"}, {"S": "express"}]},
        "address": {"M": {"street": {"S": "Main Street 1"}, "zip": {"S": "12345"}, "floor": {"N": "3"}}},
    }


def _message(number: int) -> dict[str, object]:
    body = f"message {number}: " + "x" * 200
    return {
        "MessageId": f"5fea7756-0ea4-451a-a703-{number:012}",
        "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a" * 5,
        "MD5OfBody": hashlib.md5(body.encode()).hexdigest(),
        "Body": body,
    }


def targets(items: int) -> dict[bytes, bytes]:
    """The answers of the JSON services, by their X-Amz-Target."""
    query = {"Items": [_item(number) for number in range(items)], "Count": items, "ScannedCount": items}
    return {
        b"DynamoDB_20120810.GetItem": _json({"Item": _item(1)}),
        b"DynamoDB_20120810.Query": _json(query),
        b"DynamoDB_20120810.BatchWriteItem": _json({"UnprocessedItems": {}}),
        b"AmazonSQS.ReceiveMessage": _json({"Messages": [_message(number) for number in range(10)]}),
    }


EMPTY_JSON = _json({})


def empty_xml(action: bytes) -> bytes:
    """What a query service answers that has found nothing."""
    return whole(_XML, b"<%sResponse><%sResult/></%sResponse>" % (action, action, action))


EMPTY_CBOR = whole(b"smithy-protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n" + _DATE, b"\xa0")
