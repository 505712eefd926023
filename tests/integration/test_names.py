"""Host names: looked up on threads of their own, within the connect time-out, and remembered for a short while."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from aiohttp.abc import AbstractResolver
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

import aiosdk
from aiosdk._transport import names
from aiosdk._transport.names import Names, Threads
from aiosdk.exceptions import SessionClosedError
from tests.support.server import CountingServer
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[..., aiosdk.Session]

ONCE = {"total_max_attempts": 1}


class SlowNames:
    """`socket.getaddrinfo`, for which all names are here, and those below `slow.test` hang until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: Counter[str] = Counter()
        self.hanging = 0
        self.let_go = threading.Event()
        self._lock = threading.Lock()
        self._resolve = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            self.asked[str(host)] += 1
        if str(host).endswith("slow.test"):
            with self._lock:
                self.hanging += 1
            self.let_go.wait(60)
        return self._resolve("127.0.0.1" if str(host).endswith(".test") else host, *args, **kwargs)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    made = SlowNames(monkeypatch)
    yield made
    made.let_go.set()


async def test_names_that_hang_hold_up_no_others(server: CountingServer, make_session: Make, slow: SlowNames) -> None:
    async with make_session(config=AioConfig(retries=ONCE)) as session:
        clients = [await session.client("sqs", endpoint_url=f"http://{n}.slow.test:{server.port}") for n in range(40)]
        stuck = [asyncio.create_task(each.list_queues()) for each in clients]
        await eventually(lambda: slow.hanging == 40)
        healthy = await session.client("sqs", endpoint_url=f"http://healthy.test:{server.port}")
        async with asyncio.timeout(20):
            await healthy.list_queues()
        assert not any(each.done() for each in stuck)
        slow.let_go.set()
        await asyncio.gather(*stuck)
    assert set(slow.asked.values()) == {1}


async def test_work_of_others_on_the_loops_executor_holds_up_no_name(
    server: CountingServer, make_session: Make, slow: SlowNames
) -> None:
    loop, release = asyncio.get_running_loop(), threading.Event()
    busy = [loop.run_in_executor(None, release.wait) for _ in range(64)]
    async with make_session(endpoint_url=f"http://healthy.test:{server.port}") as session:
        async with asyncio.timeout(20):
            await (await session.client("sqs")).list_queues()
    release.set()
    await asyncio.gather(*busy)


async def test_a_look_up_is_bounded_by_the_connect_timeout_and_its_answer_is_not_lost(
    server: CountingServer, make_session: Make, slow: SlowNames
) -> None:
    config = AioConfig(connect_timeout=0.2, retries=ONCE)
    async with make_session(endpoint_url=f"http://one.slow.test:{server.port}", config=config) as session:
        sqs = await session.client("sqs")
        async with asyncio.timeout(20):
            for _ in range(3):
                with pytest.raises(ConnectTimeoutError, match=r"one\.slow\.test") as caught:
                    await sqs.list_queues()
        assert caught.value.__notes__ == [
            "The address of 'one.slow.test' was not found within the connect time-out of 0.2 s."
        ]
        await eventually(lambda: session.pool.stats().open == 0)
        assert slow.asked == {"one.slow.test": 1}, "each attempt joins the look-up there is"
        slow.let_go.set()
        patient = await session.client("sqs", config=AioConfig(connect_timeout=20))
        await patient.list_queues()
    assert slow.asked == {"one.slow.test": 1}


async def test_one_look_up_serves_all_who_ask_meanwhile_also_without_a_cache(
    server: CountingServer, make_session: Make, slow: SlowNames
) -> None:
    config = AioConfig(connector_args={"use_dns_cache": False})
    async with make_session(endpoint_url=f"http://one.slow.test:{server.port}", config=config) as session:
        sqs = await session.client("sqs")
        calls = [asyncio.create_task(sqs.list_queues()) for _ in range(20)]
        await eventually(lambda: slow.hanging == 1 and session.pool.stats().in_use == 20)
        calls[0].cancel()
        slow.let_go.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert all(isinstance(each, dict) for each in results[1:])
    assert slow.asked["one.slow.test"] == 1


@pytest.mark.parametrize("how", ["threads", "a resolver"])
async def test_closing_ends_a_look_up_and_says_so(
    server: CountingServer, make_session: Make, slow: SlowNames, how: str
) -> None:
    args: dict[str, Any] = {"resolver": Resolver(asyncio.Event())} if how == "a resolver" else {}
    before = asyncio.all_tasks()
    session = make_session(
        endpoint_url=f"http://one.slow.test:{server.port}", config=AioConfig(retries=ONCE, connector_args=args)
    )
    sqs = await session.client("sqs")
    calls = [asyncio.create_task(sqs.list_queues()) for _ in range(3)]
    await eventually(lambda: session.pool.stats().in_use == 3)
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await session.close()
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in results] == [SessionClosedError] * 3
    assert asyncio.all_tasks() == before


class Resolver(AbstractResolver):
    """A resolver of the user's, which answers when it may."""

    def __init__(self, may: asyncio.Event) -> None:
        self.may, self.asked = may, 0

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        self.asked += 1
        await self.may.wait()
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        raise AssertionError("it is the user's")


async def test_a_resolver_of_the_users_is_asked_once_within_the_connect_timeout(
    server: CountingServer, make_session: Make
) -> None:
    resolver = Resolver(asyncio.Event())
    config = AioConfig(connect_timeout=0.1, retries=ONCE, connector_args={"resolver": resolver})
    async with make_session(endpoint_url=f"http://anywhere.test:{server.port}", config=config) as session:
        sqs = await session.client("sqs")
        results = await asyncio.gather(*(sqs.list_queues() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(each, ConnectTimeoutError) for each in results), results
        resolver.may.set()
        await asyncio.gather(*(sqs.list_queues() for _ in range(5)))
    assert resolver.asked == 1


async def test_the_name_of_a_proxy_is_bounded_as_well(make_session: Make, slow: SlowNames) -> None:
    config = AioConfig(connect_timeout=0.1, retries=ONCE, proxies={"http": "http://proxy.slow.test:3128"})
    async with make_session(endpoint_url="http://anywhere.test", config=config) as session:
        with pytest.raises(ConnectTimeoutError):
            await (await session.client("sqs")).list_queues()


async def test_all_addresses_of_a_name_are_tried(
    server: CountingServer, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(host: Any, port: int, *_: Any, **__: Any) -> Any:
        both = (socket.AF_INET6, ("::1", port, 0, 0)), (socket.AF_INET, ("127.0.0.1", port))
        return [(family, socket.SOCK_STREAM, 6, "", address) for family, address in both]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)  # the server listens on one of them only
    async with make_session(endpoint_url=f"http://both.test:{server.port}") as session:
        await (await session.client("sqs")).list_queues()


def test_a_look_up_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    program = """
import asyncio, socket, threading
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
import aiosdk
from aiobotocore.config import AioConfig
async def main():
    config = AioConfig(connect_timeout=0.1, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "AK", "aws_secret_access_key": "SK", "region_name": "us-east-1"}
    async with aiosdk.Session(**keys, config=config) as session:
        try:
            await (await session.client("sqs")).list_queues()
        except Exception as error:
            print(type(error).__name__)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("ConnectTimeoutError\n", "")


# What remembers


class Counted(Resolver):
    """Gives several addresses, or fails."""

    def __init__(self) -> None:
        super().__init__(asyncio.Event())
        self.fails = False

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        self.asked += 1
        if self.fails:
            raise OSError("no such name")
        return [{"host": f"{host}-{number}"} for number in range(3)]


async def test_addresses_are_remembered_for_their_time_and_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Counted()
    remembering = Names(resolver, 10)
    now = [0.0]
    monkeypatch.setattr(remembering, "_now", lambda: now[0])
    firsts = []
    for second in range(10):
        now[0] = second
        firsts.append((await remembering.resolve("a"))[0]["host"])
    assert firsts[:4] == ["a-0", "a-1", "a-2", "a-0"]
    assert resolver.asked == 1
    now[0] = 10
    await remembering.resolve("a")
    assert resolver.asked == 2


async def test_failures_are_not_remembered() -> None:
    resolver = Counted()
    remembering = Names(resolver, None)
    resolver.fails = True
    for _ in range(2):
        with pytest.raises(OSError, match="no such name"):
            await remembering.resolve("a")
    resolver.fails = False
    await remembering.resolve("a")
    assert resolver.asked == 3


async def test_what_is_remembered_has_a_bound() -> None:
    remembering = Names(Counted(), None)
    for number in range(names.MOST_REMEMBERED + 50):
        await remembering.resolve(f"host-{number}")
    assert len(remembering._known) == names.MOST_REMEMBERED
    assert not remembering._asking


async def test_one_domain_that_hangs_leaves_threads_for_others_and_the_rest_wait_in_bounds(
    monkeypatch: pytest.MonkeyPatch, slow: SlowNames
) -> None:
    monkeypatch.setattr(names, "MOST_PER_DOMAIN", 3)
    monkeypatch.setattr(names, "MOST_WAITING", 5)
    threads = Threads()
    tasks = [asyncio.create_task(threads.getaddrinfo(f"{n}.slow.test", 80)) for n in range(9)]
    await eventually(lambda: slow.hanging == 3)
    await threads.getaddrinfo("healthy.test", 80)
    assert isinstance(tasks[3].exception(), OSError), "the oldest of those that wait, for there are too many"
    tasks[4].cancel()
    await asyncio.sleep(0)
    slow.let_go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results] == [list] * 3 + [OSError, asyncio.CancelledError] + [list] * 4
    await eventually(lambda: not threads._running and not threads._waiting)


async def test_no_thread_to_be_had_is_an_endpoint_error(make_session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async with make_session(endpoint_url="http://anywhere.test", config=AioConfig(retries=ONCE)) as session:
        sqs = await session.client("sqs")
        start = threading.Thread.start

        def none_left(thread: threading.Thread) -> None:
            if thread.name == "aiosdk-name":
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(EndpointConnectionError) as caught:
            await sqs.list_queues()
    assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorDNSError)
