"""Tables on disk: what is written of them in a format, and a disk that is full."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from labelaudit.tables.writing import write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["full_disk", "written"]


def written(table: Any, form: str, **more: Any) -> bytes:
    """Return a table as it is written in a format."""
    sink = BytesIO()
    write_table(table, form, sink, **more)
    return sink.getvalue()


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file get longer than a hundred bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
