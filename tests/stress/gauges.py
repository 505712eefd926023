"""What a process holds: memory, file descriptors, sockets, threads, tasks."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """What this process holds at one moment."""

    megabytes: float
    descriptors: int
    sockets: int
    tasks: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.megabytes:6.1f} MB, {self.descriptors} descriptors, {self.sockets} sockets, {self.tasks} tasks, "
            f"{self.threads} threads"
        )

    def grown_from(self, before: Held, megabytes: float) -> list[str]:
        """What is more than before, memory by more than so many megabytes."""
        grown = [
            f"{name}: {getattr(before, name)} before, {getattr(self, name)} now"
            for name in ("descriptors", "sockets", "tasks", "threads")
            if getattr(self, name) > getattr(before, name)
        ]
        if self.megabytes > before.megabytes + megabytes:
            grown.append(f"memory: {before.megabytes:.1f} MB before, {self.megabytes:.1f} MB now")
        return grown


def held(*, collect: bool = True) -> Held:
    """Look. It reads files of the kernel's, which takes a moment: off the loop in tests that watch it."""
    if collect:
        gc.collect()
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    try:
        tasks = len(asyncio.all_tasks())
    except RuntimeError:
        tasks = 0
    sockets = sum(link.startswith("socket:") for link in links)
    megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Held(megabytes, len(links), sockets, tasks, threading.active_count())
