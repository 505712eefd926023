"""One session, one event loop after another; and what is left when loops, kernels and interpreters end."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import re
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

import aiosdk
from aiosdk.exceptions import EventLoopConflictError
from tests.support.programs import run_program
from tests.support.waiting import Gate, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import CountingServer

    Make = Callable[..., aiosdk.Session]


async def names(session: aiosdk.Session) -> list[str]:
    s3 = await session.client("s3")
    return [bucket["Name"] for bucket in (await s3.list_buckets())["Buckets"]]


# One loop after another


def test_a_session_used_under_asyncio_run_twice_gets_fresh_connections(server: CountingServer) -> None:
    said = run_program(
        server.url,
        """
        session = aiosdk.Session(**ARGUMENTS)

        async def main():
            s3 = await session.client("s3")
            await asyncio.gather(*(s3.list_buckets() for _ in range(5)))
            print(session.pool.stats().open)

        async def end():
            await main()
            await session.close()

        asyncio.run(main())
        print(session.pool.stats().open)
        asyncio.run(main())
        asyncio.run(end())
        """,
    )
    assert said.split() == ["5", "0", "5", "5"]
    assert server.accepted == 15


def test_connections_are_closed_when_their_loop_ends(server: CountingServer, make_session: Make) -> None:
    session = make_session()
    asyncio.run(names(session))

    async def look() -> None:
        await eventually(lambda: server.open == 0)
        assert await names(session) == ["b"]
        assert server.open == 1
        await session.close()

    asyncio.run(look())
    assert server.accepted == 2


def test_the_default_session_works_under_asyncio_run_twice_and_goes_silently_at_exit(server: CountingServer) -> None:
    said = run_program(
        server.url,
        """
        aiosdk.setup_default_session(**ARGUMENTS)

        async def main():
            s3 = await aiosdk.client("s3")
            print(len((await s3.list_buckets())["Buckets"]))

        asyncio.run(main())
        asyncio.run(main())
        """,
    )
    assert said.split() == ["1", "1"]
    assert server.accepted == 2


def test_a_loop_that_is_closed_without_ceremony_leaves_nothing_to_complain_about(server: CountingServer) -> None:
    said = run_program(
        server.url,
        """
        session = aiosdk.Session(**ARGUMENTS)

        async def main():
            s3 = await session.client("s3")
            print(len((await s3.list_buckets())["Buckets"]))

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.run_until_complete(main())
        loop.run_until_complete(session.close())
        loop.close()
        """,
    )
    assert said.split() == ["1", "1"]
    assert server.accepted == 1


def test_a_loop_that_is_closed_with_connections_open_leaves_nothing_to_complain_about_either(
    server: CountingServer,
) -> None:
    said = run_program(
        server.url,
        """
        session = aiosdk.Session(**ARGUMENTS)

        async def main():
            s3 = await session.client("s3")
            print(len((await s3.list_buckets())["Buckets"]))

        for _ in range(2):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(main())
            loop.close()
            gc.collect()
        asyncio.run(main())
        gc.collect()
        asyncio.run(session.close())
        """,
    )
    assert said.split() == ["1", "1", "1"]
    assert server.accepted == 3


def test_a_default_session_whose_loop_was_closed_without_ceremony_goes_silently_at_exit(
    server: CountingServer,
) -> None:
    said = run_program(
        server.url,
        """
        aiosdk.setup_default_session(**ARGUMENTS)

        async def main():
            s3 = await aiosdk.client("s3")
            body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
            print(len(await body.read(10)))

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        """,
    )
    assert said.split() == ["10"]


def test_a_default_session_in_a_loop_that_never_ends_goes_silently_at_exit(server: CountingServer) -> None:
    said = run_program(
        server.url,
        """
        aiosdk.setup_default_session(**ARGUMENTS)

        async def main():
            s3 = await aiosdk.client("s3")
            print(len((await s3.list_buckets())["Buckets"]), flush=True)

        def forever():
            loop = asyncio.new_event_loop()
            loop.create_task(main()).add_done_callback(lambda _: done.set())
            loop.run_forever()

        done = threading.Event()
        threading.Thread(target=forever, daemon=True).start()
        done.wait(20)
        """,
    )
    assert said.split() == ["1"]


def test_a_loop_that_ended_without_closing_its_connections_does_not_disturb_the_next(
    server: CountingServer, make_session: Make
) -> None:
    session = make_session()
    first = asyncio.new_event_loop()
    assert first.run_until_complete(names(session)) == ["b"]
    assert asyncio.run(names(session)) == ["b"], "the first loop does not run, so its connections are let go"
    first.run_until_complete(asyncio.sleep(0))
    first.run_until_complete(first.shutdown_asyncgens())
    first.close()

    async def end() -> None:
        await session.close()
        await eventually(lambda: server.open == 0)

    asyncio.run(end())


def test_a_thread_with_its_own_loop_may_use_the_session_after_the_first_loop_has_ended(
    server: CountingServer, make_session: Make
) -> None:
    session = make_session()
    asyncio.run(names(session))
    found: list[Any] = []

    async def use_and_close() -> None:
        found.extend(await names(session))
        await session.close()

    thread = threading.Thread(target=lambda: asyncio.run(use_and_close()))
    thread.start()
    thread.join(30)
    assert found == ["b"]
    assert server.accepted == 2


def test_a_client_made_under_the_first_loop_works_under_the_second(server: CountingServer, make_session: Make) -> None:
    session = make_session()
    s3 = asyncio.run(_awaited(session.client("s3")))

    async def again() -> None:
        assert await session.client("s3") is s3
        await s3.list_buckets()
        await session.close()

    asyncio.run(again())
    assert len(server.requests) == 1


async def _awaited(pending: Any) -> Any:
    return await pending


def test_requests_cancelled_by_the_end_of_their_loop_leave_nothing(server: CountingServer, make_session: Make) -> None:
    gate = Gate()

    async def held(request: Any) -> Any:
        from tests.support.server import answer_anything

        await gate.passed()
        return await answer_anything(request)

    server.answer = held
    session = make_session(max_connections=2)
    tasks: list[Any] = []

    async def leave_in_the_middle() -> None:
        tasks.extend(asyncio.create_task(names(session)) for _ in range(5))
        await eventually(lambda: server.active == 2 and session.pool.stats().waiting == 3)

    asyncio.run(leave_in_the_middle())
    assert all(task.cancelled() for task in tasks)
    gate.open()

    async def again() -> None:
        await eventually(lambda: server.open == 0)
        assert await names(session) == ["b"]
        await session.close()

    asyncio.run(again())


def test_a_body_left_over_from_an_ended_loop_is_dropped_silently(server: CountingServer, make_session: Make) -> None:
    session = make_session()

    async def read_a_little() -> Any:
        s3 = await session.client("s3")
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        await body.read(10)
        return body

    body = asyncio.run(read_a_little(), debug=True)
    del body
    gc.collect()

    async def again() -> None:
        assert await names(session) == ["b"]
        await session.close()
        await eventually(lambda: server.open == 0)

    asyncio.run(again(), debug=True)


# Two loops at once


async def test_use_from_a_second_running_loop_is_an_error_that_names_the_problem(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session() as session:
        assert await names(session) == ["b"]
        with pytest.raises(EventLoopConflictError, match=r"another running event loop.*one Session per thread"):
            await asyncio.to_thread(asyncio.run, names(session))
        assert await names(session) == ["b"]
        assert session.pool.stats().open == 1
    assert server.accepted == 1


async def test_a_request_from_a_second_loop_during_one_of_the_first_harms_neither(
    server: CountingServer, make_session: Make
) -> None:
    gate = Gate()
    answer = server.answer

    async def held(request: Any) -> Any:
        await gate.passed()
        return await answer(request)

    server.answer = held
    async with make_session(max_connections=1) as session:
        first = asyncio.create_task(names(session))
        await eventually(lambda: server.active == 1)
        with pytest.raises(EventLoopConflictError):
            await asyncio.to_thread(asyncio.run, names(session))
        gate.open()
        assert await first == ["b"]


async def test_closing_from_a_second_running_loop_is_an_error_and_closes_nothing(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session() as session:
        assert await names(session) == ["b"]
        with pytest.raises(EventLoopConflictError):
            await asyncio.to_thread(asyncio.run, session.close())
        assert await names(session) == ["b"]
    assert server.accepted == 1


# Other loops and kernels


def test_uvloop(server: CountingServer, make_session: Make) -> None:
    session = make_session(max_connections=4)

    async def main() -> None:
        assert "uvloop" in type(asyncio.get_running_loop()).__module__
        s3 = await session.client("s3")
        await asyncio.gather(*(s3.list_buckets() for _ in range(40)))
        body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
        assert await body.read() == b"x" * 1024
        assert session.pool.stats().open == 4

    async def end() -> None:
        await main()
        await session.close()
        await eventually(lambda: server.open == 0)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(end())
    assert server.peak == 4
    assert server.accepted == 8


def test_uvloop_over_tls(tls_server: CountingServer, ca_bundle: str, make_session: Make) -> None:
    async def main() -> None:
        async with make_session(endpoint_url=tls_server.url, max_connections=2) as session:
            s3 = await session.client("s3", verify=ca_bundle)
            await asyncio.gather(*(s3.list_buckets() for _ in range(20)))
        await eventually(lambda: tls_server.open == 0)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert tls_server.accepted == 2


NOTEBOOK = """
import queue
from jupyter_client.manager import start_new_kernel

CELLS = [
    "import aiosdk; aiosdk.setup_default_session(**{arguments!r}); s3 = await aiosdk.client('s3')",
    "print((await s3.list_buckets())['Buckets'])",
    "import asyncio; s3 = await aiosdk.client('s3')\\n"
    "print(len(await asyncio.gather(*(s3.list_buckets() for _ in range(3)))))",
]
manager, client = start_new_kernel(kernel_name="python3")
try:
    for cell in CELLS:
        reply = client.execute_interactive(
            cell,
            timeout=60,
            output_hook=lambda message: print(message["msg_type"], message["content"].get("text", message["content"])),
        )
        print(reply["content"]["status"])
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=False)
"""


def test_a_notebook_uses_the_default_session_in_cell_after_cell(server: CountingServer) -> None:
    arguments = {
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "secret",
        "region_name": "us-east-1",
        "endpoint_url": server.url,
    }
    program = NOTEBOOK.replace("{arguments!r}", repr(arguments))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    output = re.sub(r"^status.*\n|^execute_input.*\n", "", done.stdout, flags=re.MULTILINE)
    assert output.split("\n") == ["ok", "stream [{'Name': 'b'}]", "", "ok", "stream 3", "", "ok", ""], done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


# Sessions that nobody closes


def drop(held: list[Any]) -> None:
    """Let go of what the list holds, which must be held nowhere else."""
    held.clear()
    gc.collect()


async def test_a_session_dropped_open_warns_once_with_the_place_where_it_was_made(
    server: CountingServer, make_session: Make
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = aiosdk.Session("AKIDEXAMPLE", "secret", region_name="us-east-1", endpoint_url=server.url)
        made_at = f"{__file__}:{sys._getframe().f_lineno - 1}"
        assert await names(session) == ["b"]
        del session
        gc.collect()
        await eventually(lambda: server.open == 0)
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert made_at in str(caught[0].message)
    assert "async with" in str(caught[0].message)


async def test_a_session_dropped_in_the_middle_of_a_body_frees_its_sockets(
    server: CountingServer, make_session: Make
) -> None:
    asyncio.get_running_loop().set_debug(True)
    held: list[Any] = [make_session()]
    s3 = await held[0].client("s3")
    body = (await s3.get_object(Bucket="b", Key="k"))["Body"]
    del s3
    with pytest.warns(ResourceWarning, match="dropped without being closed"):
        drop(held)
    del body
    gc.collect()
    await eventually(lambda: server.open == 0)


async def test_a_session_kept_alive_by_its_client_is_not_dropped(server: CountingServer, make_session: Make) -> None:
    held: list[Any] = [await make_session().client("s3")]
    gc.collect()
    await held[0].list_buckets()
    with pytest.warns(ResourceWarning, match="dropped without being closed"):
        drop(held)


async def test_a_session_that_was_never_used_does_not_warn(make_session: Make) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        make_session()
        gc.collect()
    assert said == []


async def test_a_closed_session_does_not_warn(server: CountingServer, make_session: Make) -> None:
    session = make_session()
    assert await names(session) == ["b"]
    await session.close()
    await session.close()
    del session
    gc.collect()
    await eventually(lambda: server.open == 0)


def test_a_session_dropped_after_its_loop_has_ended_warns_once_and_does_nothing_worse(
    server: CountingServer, make_session: Make
) -> None:
    held: list[Any] = [make_session()]
    asyncio.run(names(held[0]), debug=True)
    with pytest.warns(ResourceWarning, match="dropped without being closed") as caught:
        drop(held)
    assert len(caught) == 1


def test_a_session_closed_under_another_loop_than_it_was_used_on_is_closed(
    server: CountingServer, make_session: Make
) -> None:
    session = make_session()
    asyncio.run(names(session))
    asyncio.run(session.close())
    with pytest.raises(aiosdk.exceptions.SessionClosedError):
        asyncio.run(names(session))


# Copies


async def test_a_session_in_use_copies_and_pickles_as_its_arguments_without_its_connections(
    server: CountingServer, make_session: Make
) -> None:
    async with make_session(max_connections=3) as session:
        assert await names(session) == ["b"]
        for copied in (copy.deepcopy(session), copy.copy(session), pickle.loads(pickle.dumps(session))):
            async with copied:
                assert copied.pool is not session.pool
                assert copied.pool.stats().limit == 3
                assert await names(copied) == ["b"]
        assert session.pool.stats().open == 1
    assert server.accepted == 4


def test_a_worker_process_gets_a_session_that_works(server: CountingServer, make_session: Make) -> None:
    pickled = pickle.dumps(make_session())
    said = run_program(
        server.url,
        f"""
        import pickle

        async def main():
            async with pickle.loads({pickled!r}) as session:
                s3 = await session.client("s3")
                print(len((await s3.list_buckets())["Buckets"]))

        asyncio.run(main())
        """,
    )
    assert said.split() == ["1"]
