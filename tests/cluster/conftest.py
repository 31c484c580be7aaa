"""A scheduler and two workers on this machine, in processes of their own."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from labelaudit.cluster.connecting import Cluster, connected

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
UNCLOSED = "ignore:unclosed:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the library forget sockets: to workers that were killed, they are not closed."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(UNCLOSED))


@pytest.fixture(scope="package", autouse=True)
def _forgotten_sockets() -> Iterator[None]:
    """Collect them here, and not in other tests."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Two workers with a thread each."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with connected("dask", threads=2) as found:
        yield found
