"""CPU of this process, per call: many at a time, one after another, or on threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import resource
from typing import TYPE_CHECKING, Any

from tests.benchmarks.sides import AT_ONCE, TINY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECONDS = 0.02 if TINY else 0.6
"""How much CPU a figure is taken from, about."""


def cpu() -> float:
    """Seconds of CPU that this process has used, in all of its threads; those of other processes are not in it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def per_call(call: Callable[[], Awaitable[Any]], at_once: int = AT_ONCE) -> float:
    """Microseconds of CPU per call, after a warm-up."""

    async def worker(rounds: int) -> None:  # a task per worker, not per call: what tasks cost is not what is measured
        for _ in range(rounds):
            await call()

    async def burst(rounds: int) -> float:
        before = cpu()
        await asyncio.gather(*(worker(rounds) for _ in range(at_once)))
        return cpu() - before

    await burst(1)
    rounds = 1
    while (taken := await burst(rounds)) < SECONDS / 8:
        rounds *= 2
    rounds = max(round(rounds * SECONDS / taken), 1)
    return await burst(rounds) / (rounds * at_once) * 1e6


def per_blocking_call(call: Callable[[], Any], at_once: int = AT_ONCE) -> float:
    """The same for a call that blocks: on threads, or on this one if they come one after another."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:

        def worker(rounds: int) -> None:
            for _ in range(rounds):
                call()

        def burst(rounds: int) -> float:
            before = cpu()
            if at_once == 1:
                worker(rounds)
            else:
                list(threads.map(worker, [rounds] * at_once))
            return cpu() - before

        burst(1)
        rounds = 1
        while (taken := burst(rounds)) < SECONDS / 8:
            rounds *= 2
        rounds = max(round(rounds * SECONDS / taken), 1)
        return burst(rounds) / (rounds * at_once) * 1e6
