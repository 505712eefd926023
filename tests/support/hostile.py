"""A server that answers with whatever bytes it is given, HTTP or not, and answers that harm whoever trusts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiobotocore.config import AioConfig

import aiosdk

Writer = asyncio.StreamWriter
Script = bytes | Callable[[Writer], Awaitable[None]]
ONCE = {"mode": "standard", "total_max_attempts": 1}
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}


@dataclass
class RawServer:
    """Answers each request with `script`: bytes as they are, or what a function writes until the client has enough."""

    script: Script = b""
    heads: list[bytes] = field(default_factory=list)
    url: str = ""
    written: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(lengths[0]) if lengths else 0)
                if isinstance(self.script, bytes):
                    writer.write(self.script)
                    await writer.drain()
                else:
                    await self.script(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def flood(self, head: bytes, piece: bytes) -> Script:
        """An answer that begins like this and goes on like that for ever."""

        async def write(writer: Writer) -> None:
            writer.write(head)
            while True:
                writer.write(piece)
                self.written += len(piece)
                await writer.drain()

        return write


@asynccontextmanager
async def raw_server(script: Script = b"") -> AsyncIterator[RawServer]:
    """Run a server of raw answers on the loop of the test."""
    raw = RawServer(script)
    server = await asyncio.start_server(raw._serve, "127.0.0.1", 0, limit=2**24)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()
        for task in list(raw._tasks):
            task.cancel()
        await asyncio.gather(*raw._tasks, return_exceptions=True)


def session(url: str | None, **arguments: Any) -> aiosdk.Session:
    """A session that makes one attempt."""
    config = AioConfig(retries=ONCE, read_timeout=10).merge(arguments.pop("config", AioConfig()))
    return aiosdk.Session(**{**KEYS, **arguments}, endpoint_url=url, config=config)


def http(body: bytes, status: int = 200, **headers: str) -> bytes:
    """An answer with this body. In the names of headers `_` stands for `-`."""
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


# An operation of each protocol: service, method, parameters, and a body that it reads without complaint.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any], bytes]] = {
    "rest-xml": ("s3", "list_objects_v2", {"Bucket": "b"}, b"<R/>"),
    "s3 location": ("s3", "get_bucket_location", {"Bucket": "b"}, b"<R/>"),
    "query": ("sts", "get_caller_identity", {}, b"<R><GetCallerIdentityResult/></R>"),
    "query iam": ("iam", "get_role", {"RoleName": "r"}, b"<R><GetRoleResult/></R>"),
    "ec2": ("ec2", "describe_vpcs", {}, b"<R/>"),
    "json": ("dynamodb", "list_tables", {}, b"{}"),
    "json items": ("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "b"}}}, b"{}"),
    "rest-json": ("lambda", "list_functions", {}, b"{}"),
    "cbor": ("eventbridgev2", "list_event_buses", {}, b"\xa0"),
}
XML = ("rest-xml", "s3 location", "query", "query iam", "ec2")
JSON = ("json", "json items", "rest-json")

DEEP = 100_000
_LOL = b"".join(
    b'<!ENTITY l%d "%s">' % (level, (b"&l%d;" % (level - 1)) * 10 if level else b"lol") for level in range(10)
)
BOMBS_XML: dict[str, bytes] = {
    "billion laughs": b"<!DOCTYPE r [" + _LOL + b"]><R><a>&l9;</a></R>",
    "quadratic blow-up": b'<!DOCTYPE r [<!ENTITY a "%s">]><R>%s</R>' % (b"a" * 100_000, b"&a;" * 10_000),
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><R><a>&x;</a></R>',
    "external document type": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><R/>',
    "parameter entity": b'<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><R/>',
    "document type behind a comment": b"<?xml version='1.0'?><!-- --><?a b?>\n<!DOCTYPE r [<!ENTITY e 'x'>]><R>&e;</R>",
    "small entity": b"<!DOCTYPE R [<!ENTITY e 'x'>]><R><other>&e;</other></R>",
    "undefined entity": b"<R>&nothing;</R>",
    "open tags": b"<a>" * DEEP,
    "no UTF-8": b"<R>\xff\xfe</R>",
    "document type in UTF-16": "<!DOCTYPE R [<!ENTITY e 'x'>]><R>&e;</R>".encode("utf-16"),
    "document type in UTF-16 without a mark": "<!DOCTYPE R [<!ENTITY e 'x'>]><R>&e;</R>".encode("utf-16-be"),
    "NUL": b"<R>\x00</R>",
    "character that XML has not": b"<R>&#0;</R>",
    "attribute twice": b"<R a='1' a='2'/>",
    "HTML": b"<html><br></html>",
    "nothing but JSON": b"{}",
}
# These are well-formed: botocore, too, reads what it knows, here nothing, or misses something. They must not take long.
LARGE_XML: dict[str, bytes] = {
    "deep": b"<a>" * DEEP + b"</a>" * DEEP,
    "namespace of brackets": b'<a xmlns="' + b"{" * DEEP + b'&#10;"><b/></a>',
    "100,000 attributes": b"<a " + b" ".join(b'a%d="x"' % number for number in range(DEEP)) + b"/>",
    "attribute of 10 MB": b"<a a='" + b"x" * 10_000_000 + b"'/>",
    "100,000 namespaces": b"<a>" + b"".join(b"<b xmlns='u%d'/>" % number for number in range(DEEP)) + b"</a>",
    "100,000 comments": b"<a>" + b"<!---->" * DEEP + b"</a>",
    "100,000 references": b"<a>" + b"&#x26;" * DEEP + b"</a>",
}
BOMBS_JSON: dict[str, bytes] = {
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep lists without an end": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep attribute values": b'{"Item":{"a":' + b'{"L":[' * DEEP + b'{"S":"x"}' + b"]}" * DEEP + b"}}",
    "deep tables": b'{"TableNames":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "number of 10 MB": b'{"TableNames":[%s]}' % (b"9" * 10_000_000),
    "no UTF-8": b'{"TableNames":["\xff"]}',
    "a list": b"[1, 2]",
    "a number": b"5",
    "a text": b'"x"',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
}
BOMBS_CBOR: dict[str, bytes] = {
    "deep lists": b"\x81" * DEEP + b"\x00",
    "deep lists without an end": b"\x9f" * DEEP,
    "deep maps": b"\xa1\x61a" * DEEP + b"\x00",
    "deep tags": b"\xc1" * DEEP + b"\x00",
    "list of 2^64": b"\xa1\x6aEventBuses\x9b" + b"\xff" * 8,
    "map of 2^64": b"\xbb" + b"\xff" * 8,
    "text of 2^64": b"\xa1\x7b" + b"\xff" * 8 + b"x",
    "bytes of 8 EiB": b"\xa1\x6aEventBuses\x5b\x7f" + b"\xff" * 7 + b"x",
    "bytes of 64 GiB": b"\xa1\x6aEventBuses\x5b\x00\x00\x00\x10\x00\x00\x00\x00x",
    "pieces of 64 GiB": b"\xa1\x6aEventBuses\x5f\x5b\x00\x00\x00\x10\x00\x00\x00\x00x",
    "no UTF-8": b"\xa1\x61\xff\x00",
    "key that is a list": b"\xa1\x80\x00",
    "unknown tag": b"\xda\xff\xff\xff\xff\x00",
    "reserved length": b"\xbe",
    "break alone": b"\xff",
    "time that is a text": b"\xc1\x61a",
    "endless time": b"\xa1\x6aEventBuses\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    "a list": b"\x80",
    "JSON": b'{"a": 1}',
}
