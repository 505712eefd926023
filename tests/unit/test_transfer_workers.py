"""Workers, work that is finished whatever happens, and uploads in parts that are aborted: cancelled at any moment."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aiosdk._transport.progress import enter
from aiosdk.services.s3 import multipart
from aiosdk.services.s3.workers import finish, run_workers
from tests.support.waiting import nothing_is_left  # noqa: F401 - a fixture for each test

# Workers


class Job:
    """Work for several, which is held up until it is let go, and fails where it is told to."""

    def __init__(self, size: int, fails_at: int = -1, error: BaseException | None = None) -> None:
        self.left = iter(range(size))
        self.done: list[int] = []
        self.running = self.peak = 0
        self.cleaned_up = 0
        self.fails_at, self.error = fails_at, error
        self.gate = asyncio.Event()

    async def work(self) -> None:
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            for number in self.left:
                await asyncio.sleep(0)
                if number == self.fails_at:
                    assert self.error is not None
                    raise self.error
                if self.fails_at < 0:
                    await self.gate.wait()
                self.done.append(number)
        finally:
            try:
                await asyncio.sleep(0)
            finally:
                self.running -= 1
                self.cleaned_up += 1


@pytest.mark.parametrize("count", [1, 2, 7])
async def test_workers_do_all_there_is(count: int) -> None:
    job = Job(20)
    job.gate.set()
    await run_workers(count, job.work)
    assert sorted(job.done) == list(range(20))
    assert (job.peak, job.running, job.cleaned_up) == (count, 0, count)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("error", [ValueError("mine"), KeyError("k"), asyncio.CancelledError("of the work")], ids=repr)
async def test_the_first_failure_ends_all_workers_and_is_raised_as_it_is(count: int, error: BaseException) -> None:
    job = Job(1000, 10, error)
    with pytest.raises(type(error)) as caught:
        await run_workers(count, job.work)
    assert caught.value is error
    assert error.__context__ is None
    assert (job.running, job.cleaned_up) == (0, count)
    assert len(job.done) < 30
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_several_failures_at_once_give_one() -> None:
    async def work() -> None:
        raise ValueError("each")

    with pytest.raises(ValueError, match="each"):
        await run_workers(5, work)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("cancellations", [1, 2, 3])
async def test_workers_are_cancelled_with_their_owner(count: int, cancellations: int) -> None:
    job = Job(1000)
    owner = asyncio.create_task(run_workers(count, job.work))
    while job.running < count:
        await asyncio.sleep(0)
    for _ in range(cancellations):
        owner.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await owner
    assert job.running == 0


async def test_a_failure_in_the_moment_of_a_cancellation_is_no_loose_end() -> None:
    """The owner is cancelled; what its workers raise meanwhile is of no interest, and nobody complains of it."""

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("in the end")

    owner = asyncio.create_task(run_workers(3, work))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner
    del owner
    gc.collect()


async def test_a_timeout_around_workers_that_failed_is_a_timeout() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    async def fail_and_wait() -> None:
        async with asyncio.timeout(0.05):
            with pytest.raises(ValueError, match="mine"):
                await run_workers(3, fail)
            await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        await fail_and_wait()


async def test_work_is_finished_whether_its_owner_is_cancelled_or_not() -> None:
    for cancellations in range(5):
        gate = asyncio.Event()
        ended: list[bool] = []

        async def work(gate: asyncio.Event = gate, ended: list[bool] = ended) -> int:
            await gate.wait()
            ended.append(True)
            return 5

        owner = asyncio.create_task(finish(work()))
        await asyncio.sleep(0)
        for _ in range(cancellations):
            owner.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert not owner.done()
        gate.set()
        [outcome] = await asyncio.gather(owner, return_exceptions=True)
        assert ended == [True]
        assert isinstance(outcome, asyncio.CancelledError) if cancellations else outcome == 5


async def test_a_cancellation_in_the_moment_in_which_the_work_ends_counts() -> None:
    """The work is done then, and its owner has not been told yet."""
    work: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    owner = asyncio.create_task(finish(work))
    await asyncio.sleep(0)
    work.set_result(5)
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


async def test_an_error_of_work_that_is_finished_is_raised_unless_its_owner_was_cancelled() -> None:
    for cancelled in (False, True):
        gate = asyncio.Event()

        async def work(gate: asyncio.Event = gate) -> None:
            await gate.wait()
            raise ValueError("mine")

        owner = asyncio.create_task(finish(work()))
        await asyncio.sleep(0)
        if cancelled:
            owner.cancel()
            await asyncio.sleep(0)
        gate.set()
        with pytest.raises(asyncio.CancelledError if cancelled else ValueError):
            await owner
    gc.collect()


async def test_work_that_cancels_itself_ends_its_owner() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await finish(work())


# Multipart uploads


class Uploads:
    """A client whose uploads are counted; each operation waits for the gate."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []
        self.problem: Exception | None = None

    def at_close(self, *_: Any) -> None:
        """Nobody closes it."""

    def with_options(self, **_: Any) -> Uploads:
        return self

    async def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        self.asked.append("create")
        enter("read")  # it is on its way
        await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        self.open.add("u")
        return {"UploadId": "u"}

    async def abort_multipart_upload(self, **_: Any) -> dict[str, Any]:
        self.asked.append("abort")
        await self.gate.wait()
        self.open.discard("u")
        return {}


async def test_an_upload_that_is_created_while_its_owner_is_cancelled_is_aborted() -> None:
    for cancellations in (1, 2, 3):
        client = Uploads()
        client.gate.clear()

        async def upload(client: Uploads = client) -> None:
            async with multipart.multipart_upload(client, "b", "k", {}, {}):
                raise AssertionError("never entered")

        owner = asyncio.create_task(upload())
        for _ in range(cancellations):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            owner.cancel()
        await asyncio.sleep(0)
        client.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await owner
        assert client.open == set()
        assert client.asked == ["create", "abort"]


async def test_an_upload_that_is_not_created_is_not_aborted() -> None:
    for cancelled in (False, True):
        client = Uploads()
        client.problem = ClientError({"Error": {"Code": "AccessDenied"}}, "CreateMultipartUpload")
        client.gate.clear()

        async def upload(client: Uploads = client) -> None:
            async with multipart.multipart_upload(client, "b", "k", {}, {}):
                raise AssertionError("never entered")

        owner = asyncio.create_task(upload())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if cancelled:
            owner.cancel()
            await asyncio.sleep(0)
        client.gate.set()
        with pytest.raises(asyncio.CancelledError if cancelled else ClientError):
            await owner
        assert client.asked == ["create"]


@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError(), KeyboardInterrupt()], ids=repr)
async def test_an_upload_whose_owner_ends_badly_is_aborted(error: BaseException) -> None:
    client = Uploads()
    with pytest.raises(type(error)):
        async with multipart.multipart_upload(client, "b", "k", {}, {}):
            raise error
    assert client.asked == ["create", "abort"]


async def test_an_abort_that_is_cancelled_is_finished() -> None:
    client = Uploads()

    async def upload() -> None:
        async with multipart.multipart_upload(client, "b", "k", {}, {}):
            client.gate.clear()
            raise ValueError

    owner = asyncio.create_task(upload())
    while "abort" not in client.asked:
        await asyncio.sleep(0)
    owner.cancel()
    await asyncio.sleep(0)
    owner.cancel()
    await asyncio.sleep(0)
    client.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await owner
    assert client.open == set()
