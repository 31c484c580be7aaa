"""Schedulers and workers on this machine: to work with, to kill, and without one who revives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelaudit.cluster.connecting import Cluster, connected
from tests.cluster.daemons import scheduler_and_worker

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    Bare = tuple[Cluster, subprocess.Popen[bytes], subprocess.Popen[bytes]]


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Two workers with a thread each."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with connected("dask", threads=2) as found:
        yield found


@pytest.fixture(scope="module")
def lossy() -> Iterator[Cluster]:
    """Two workers that may be killed: others are started for them."""
    with connected("dask", threads=2) as found:
        yield found


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Bare]:
    """A scheduler and a worker that nobody starts again, and their processes."""
    dask = pytest.importorskip("dask")
    from distributed import Client

    quick = {"distributed.comm.timeouts.connect": "1s"}
    with (
        scheduler_and_worker(tmp_path) as begun,
        dask.config.set(quick),
        Client(scheduler_file=str(begun.file)) as client,
    ):
        client.wait_for_workers(1, timeout=60)
        yield Cluster(client, client.scheduler.address), begun.scheduler, begun.worker
