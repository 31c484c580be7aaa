"""Schedulers and workers of dask in processes that nobody starts again, and how they die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelaudit.cluster.connecting import Cluster

__all__ = ["Daemons", "killed", "scheduler_and_worker", "started", "tasks_left"]

_QUIET = ("--dashboard-address", "127.0.0.1:0")
_HERE = ("--host", "127.0.0.1", "--port", "0")


class Daemons(NamedTuple):
    """A scheduler, a worker, and the file that says where the scheduler is."""

    file: Path
    scheduler: subprocess.Popen[bytes]
    worker: subprocess.Popen[bytes]


def started(name: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start ``dask scheduler`` or ``dask worker``; a worker has one thread."""
    alone = ("--no-nanny", "--nthreads", "1") if name == "worker" else ()
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{name}", *alone, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def scheduler_and_worker(
    folder: Path, *both: str | Path, scheduler: tuple[str, ...] = ()
) -> Iterator[Daemons]:
    """Start one of each, with options for both and for the scheduler; kill them afterwards."""
    file = folder / "scheduler.json"
    ours = ("--scheduler-file", file, *_QUIET, *both)
    begun = Daemons(file, started("scheduler", *ours, *_HERE, *scheduler), started("worker", *ours))
    try:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield begun
    finally:
        for process in (begun.worker, begun.scheduler):
            process.kill()
            process.wait()


def killed(cluster: Cluster, most: int = 9) -> None:
    """Kill so many workers of a cluster."""
    for pid in list(cluster.client.run(os.getpid).values())[:most]:
        os.kill(pid, signal.SIGKILL)


def tasks_left(cluster: Cluster) -> int:
    """Return how many tasks a scheduler still has, after some time to forget them."""
    deadline = time.monotonic() + 20
    while (left := _number(cluster)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _number(cluster: Cluster) -> int:
    found: int = cluster.client.run_on_scheduler(_tasks_of)
    return found


def _tasks_of(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)
