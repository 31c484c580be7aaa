"""Sockets that clients of clusters and stores leave to the collector.

Those to workers that were killed are never closed, and others wait in a loop that outlives its
client. Packages of tests that use such clients forgive that, and collect what is left themselves:
elsewhere, a socket that is not closed is an error.
"""

from __future__ import annotations

import gc
import time
import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["collected", "forgiven"]

_UNCLOSED = "ignore:unclosed:ResourceWarning"


def forgiven(items: Iterable[pytest.Item], folder: Path) -> None:
    """Let the tests in a folder not be told of them."""
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(_UNCLOSED))


def collected() -> Iterator[None]:
    """Collect them after all tests of a package: the body of a fixture."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(3):
            gc.collect()
            time.sleep(0.1)  # for loops in other threads to let go of what they hold
