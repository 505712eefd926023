"""A process that forks: the child starts afresh, and the parent notices nothing of it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from aiosdk import _forks, _off_loop
from aiosdk._aws import client_parts, events, models
from aiosdk._single_flight import SingleFlight
from aiosdk._transport import tls
from aiosdk.services.s3.workers import finish
from tests.support.forking import in_child
from tests.support.programs import run_program
from tests.support.s3_faults import hang
from tests.support.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]

BETWEEN = """
if sys.argv[1] == "uvloop":
    import uvloop
    new_loop = uvloop.new_event_loop
else:
    new_loop = asyncio.new_event_loop
aiosdk.setup_default_session(**ARGUMENTS)
session = aiosdk.Session(**ARGUMENTS)

async def calls():
    for s3 in (await session.client("s3"), await aiosdk.client("s3")):
        await asyncio.wait_for(s3.list_buckets(), 20)

async def end():
    await session.close()
    await aiosdk.close()

def child(how):
    if how == "collects":
        global loop, session
        del loop, session
        aiosdk.default._session = None
        gc.collect()
    if how == "new loop":
        asyncio.run(calls())
        asyncio.run(end())
    if how == "same loop":
        loop.run_until_complete(calls())
        loop.run_until_complete(asyncio.wait_for(asyncio.to_thread(os.getpid), 20))
        loop.run_until_complete(end())
    if how == "closes":
        asyncio.run(end())

loop = new_loop()
loop.run_until_complete(calls())
for how in ("ends", "collects", "new loop", "same loop", "closes"):
    pid = os.fork()
    if not pid:
        # asyncio complains of a loop that is left open.
        warnings.filterwarnings("ignore", "unclosed event loop")
        child(how)
        if sys.argv[1] == "uvloop":
            os._exit(0)  # libuv looks for the threads that have resolved names, and there are none in a child
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"
    loop.run_until_complete(calls())
    loop.run_until_complete(asyncio.wait_for(asyncio.to_thread(os.getpid), 20))
    print(how, session.pool.stats().connections_opened)
loop.run_until_complete(end())
loop.close()
"""
NOTICED_NOTHING = "ends 1\ncollects 1\nnew loop 1\nsame loop 1\ncloses 1\n"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_parent_notices_nothing_of_children_that_are_forked_between_its_calls(
    loop: str, server: CountingServer
) -> None:
    assert run_program(server.url, BETWEEN, loop) == NOTICED_NOTHING, "the parent did not use its connection again"
    assert server.accepted == 2 + 2 + 2


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_parents_tls_connections_are_not_shut_down_by_its_children(
    loop: str, tls_server: CountingServer, ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", ca_bundle)
    url = tls_server.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
    assert run_program(url, BETWEEN, loop) == NOTICED_NOTHING
    assert tls_server.accepted == 2 + 2 + 2


def test_a_session_that_was_used_before_a_pool_of_forked_workers_works_in_them(server: CountingServer) -> None:
    said = run_program(
        server.url,
        """
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing

        session = aiosdk.Session(**ARGUMENTS)

        async def calls():
            s3 = await session.client("s3")
            return len((await s3.list_buckets())["Buckets"])

        def work(_):
            return asyncio.run(calls())

        async def main():
            found = [await calls()]
            with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as workers:
                found += await asyncio.gather(*(loop.run_in_executor(workers, work, each) for each in range(4)))
            found.append(await calls())
            print(found, session.pool.stats().connections_opened)
            await session.close()

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        """,
    )
    assert said == "[1, 1, 1, 1, 1, 1] 1\n"


def test_a_child_that_leaves_the_parents_running_loop_leaves_its_uploads_and_files_alone(tmp_path: Path) -> None:
    """`sys.exit` in a coroutine ends `asyncio.run`, which cancels the copies of all of the parent's tasks."""
    folder, signal = tmp_path / "folder", tmp_path / "go on"
    folder.mkdir()
    with S3Server("bucket") as server:
        server.put("down", b"d" * (6 << 20))
        server.faults.add(hang(), operation="UploadPart", part=2)
        server.faults.add(hang("body", at=5 << 20), operation="GetObject")
        release = threading.Thread(target=lambda: (_until(signal.exists), server.release()))
        release.start()
        said = run_program(
            server.url,
            """
            folder, signal = sys.argv[1:]

            async def main():
                async with aiosdk.Session(**ARGUMENTS) as session:
                    s3 = await session.client("s3")
                    with open(folder + "/up", "wb") as file:
                        file.truncate(20 << 20)
                    up = asyncio.create_task(s3.upload_file(folder + "/up", "bucket", "up"))
                    down = asyncio.create_task(s3.download_file("bucket", "down", folder + "/down"))
                    await asyncio.sleep(0.1)
                    while len(os.listdir(folder)) == 1 or session.pool.stats().in_use != 2:
                        await asyncio.sleep(0.01)
                    if not (pid := os.fork()):
                        sys.exit(7)
                    status = (await asyncio.to_thread(os.waitpid, pid, 0))[1]
                    open(signal, "w").close()
                    await asyncio.wait_for(asyncio.gather(up, down), 30)
                    print(os.waitstatus_to_exitcode(status), sorted(os.listdir(folder)))

            asyncio.run(main())
            """,
            str(folder),
            str(signal),
        )
        release.join()
        assert said == "7 ['down', 'up']\n"
        assert server.operations["AbortMultipartUpload"] == 0
        assert len(server.body("up")) == 20 << 20
    assert (folder / "down").read_bytes() == b"d" * (6 << 20)


def test_a_loop_on_which_nothing_was_done_yet_goes_on_hearing_of_its_threads(server: CountingServer) -> None:
    said = run_program(
        server.url,
        """
        async def main():
            for _ in range(2):
                if not (pid := os.fork()):
                    sys.exit(7)
                os.waitpid(pid, 0)
                async with aiosdk.Session(**ARGUMENTS) as session:
                    s3 = await asyncio.wait_for(session.client("s3"), 30)
            print(await asyncio.wait_for(asyncio.to_thread(lambda: "heard"), 20))

        asyncio.run(main())
        """,
    )
    assert said == "heard\n"


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


# Locks, flights and the garbage collector


@pytest.fixture
def held_up() -> Iterator[Callable[[AbstractContextManager[Any]], None]]:
    """Enter a context on a thread that stays in it until the test ends."""
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    def hold(context: AbstractContextManager[Any]) -> None:
        entered = threading.Event()

        def stay() -> None:
            with context:
                entered.set()
                go_on.wait(60)

        threads.append(threading.Thread(target=stay))
        threads[-1].start()
        assert entered.wait(10)

    yield hold
    go_on.set()
    for thread in threads:
        thread.join()


def make_client() -> str:
    async def make() -> str:
        async with aiosdk.Session("a", "b", region_name="us-east-1") as session:
            await session.resource("sqs")
            return (await session.client("sns")).meta.service_model.service_name

    return asyncio.run(make())


@pytest.mark.parametrize(
    ("module", "lock"), [(models, "reading"), (client_parts, "_making"), (tls, "_building"), (events, "_registering")]
)
def test_a_child_does_not_wait_for_a_lock_that_a_thread_of_the_parents_holds(
    module: Any, lock: str, held_up: Callable[[Any], None]
) -> None:
    held_up(getattr(module, lock))

    def take() -> str:
        with getattr(module, lock), getattr(module, lock):
            pass
        return make_client()

    assert in_child(take) == "sns"


def test_whoever_forks_within_a_lock_leaves_it_in_both_processes() -> None:
    lock = _forks.Lock()
    with lock:
        assert in_child(lambda: _leave_and_take(lock)) == "taken"
    taken: list[str] = []
    other = threading.Thread(target=lambda: taken.append(_take(lock)))
    other.start()
    other.join(10)
    assert taken == ["taken"]


def _take(lock: _forks.Lock) -> str:
    with lock:
        return "taken"


def _leave_and_take(lock: _forks.Lock) -> str:
    lock.__exit__()
    return _take(lock)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_child_collects_garbage_as_the_program_had_it(enabled: bool, held_up: Callable[[Any], None]) -> None:
    if not enabled:
        gc.disable()
    try:
        held_up(_off_loop.no_collection())
        held_up(_off_loop.no_collection(stays=False))
        assert not gc.isenabled()
        assert in_child(gc.isenabled) == str(enabled)

        def fail() -> None:
            with _off_loop.no_collection(), _off_loop.no_collection():
                assert not gc.isenabled()
                raise ValueError("this")

        def hold_and_fail() -> bool:
            with pytest.raises(ValueError, match="this"):
                fail()
            return gc.isenabled()

        assert in_child(hold_and_fail) == str(enabled)
        with _off_loop.no_collection():
            assert in_child(gc.isenabled) == str(enabled)
    finally:
        gc.enable()


def test_whoever_forks_while_the_collector_is_held_off_has_it_in_the_child_and_after() -> None:
    with _off_loop.no_collection():
        holder = _off_loop.no_collection()
        holder.__enter__()
        said = in_child(lambda: (gc.isenabled(), holder.__exit__(None, None, None), gc.isenabled()))
        holder.__exit__(None, None, None)
        assert said == "(True, False, True)"
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_fork_waits_for_an_import_on_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_up: Callable[[Any], None]
) -> None:
    """A child would wait for ever for a module that a thread of the parent's was importing."""
    (tmp_path / "slow_module.py").write_text("import time\nfor _ in range(30): time.sleep(0.01)\ndone = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    begun = threading.Event()

    def load() -> None:
        with _forks.undisturbed():
            begun.set()
            importlib.import_module("slow_module")

    thread = threading.Thread(target=load)
    thread.start()
    try:
        assert begun.wait(10)
        assert in_child(lambda: importlib.import_module("slow_module").done) == "True"
    finally:
        thread.join()
        sys.modules.pop("slow_module", None)
    with _forks.undisturbed():
        assert in_child(lambda: "it does not wait for itself") == "it does not wait for itself"


def test_a_run_that_was_under_way_in_the_parent_is_begun_anew_on_a_loop_that_goes_on_in_the_child() -> None:
    runs: list[int] = []

    async def run() -> str:
        runs.append(1)
        if len(runs) == 1:
            await asyncio.sleep(3600)
        return "done"

    flight = SingleFlight("do it", run)

    async def begin() -> None:
        flight.start()
        await asyncio.sleep(0)

    async def again() -> str:
        flight_of_parent = flight.wait()
        await asyncio.wait_for(flight_of_parent, 10)
        return await asyncio.wait_for(flight.get(), 10)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    try:
        assert in_child(lambda: loop.run_until_complete(again())) == "done"
    finally:
        flight.stop()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_what_a_client_would_end_before_it_is_closed_is_not_ended_by_a_child(make_session: Make) -> None:
    ended: list[int] = []

    async def end() -> None:
        ended.append(1)

    async def begin() -> None:
        client: Any = await session.client("s3")
        client.at_close("upload", end)

    async def close_in_child() -> int:
        await session.close()
        return len(ended)

    session = make_session()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    assert in_child(lambda: asyncio.run(close_in_child())) == "0"
    loop.run_until_complete(session.close())
    loop.close()
    assert ended == [1]


async def test_work_is_finished_in_the_process_that_began_it() -> None:
    assert await finish(asyncio.sleep(0, "done")) == "done"
    task = asyncio.current_task()
    assert task is not None
    _forks._inherited.add(task)
    try:
        with pytest.raises(asyncio.CancelledError):
            await finish(asyncio.sleep(0, "done"))
    finally:
        _forks._inherited.discard(task)
