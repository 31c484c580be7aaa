"""A scheduler and two workers on this machine, in processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelaudit.cluster.connecting import Cluster, connected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two workers with a thread each."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with connected("dask", threads=2) as found:
        yield found
