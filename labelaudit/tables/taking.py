"""Picking rows out of streamed batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.tables.arrays import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.tables.table import InputTable

__all__ = ["take_rows"]

_BATCH_ROWS = 65_536


def take_rows(
    table: InputTable, rows: npt.NDArray[np.int64], columns: Sequence[str]
) -> list[pa.RecordBatch]:
    """Return these columns of these rows (sorted), reading only the row groups they are in."""
    starts = np.concatenate(([0], np.cumsum(table.group_rows, dtype=np.int64)))
    picked: list[pa.RecordBatch] = []
    for group in np.unique(np.searchsorted(starts, rows, side="right") - 1).tolist():
        low, high = np.searchsorted(rows, starts[group : group + 2])
        batches = table.read(range(group, group + 1), columns, _BATCH_ROWS)
        picked.extend(_picked(batches, rows[low:high] - starts[group]))
    return picked


def _picked(
    batches: Iterator[pa.RecordBatch], rows: npt.NDArray[np.int64]
) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in batches:
        low, high = np.searchsorted(rows, (first, first + batch.num_rows))
        if low < high:
            yield batch.take(numbers(rows[low:high] - first))
        first += batch.num_rows
