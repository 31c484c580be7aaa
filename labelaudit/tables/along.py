"""Picking rows out of columns that are read along once, in row order, some batches at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.tables.arrays import numbers
from labelaudit.tables.parts import common_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.tables.table import InputTable

__all__ = ["Along"]

_BATCH_BYTES = 8 << 20
_FIRST_ROWS, _LEAST_ROWS, _MOST_ROWS = 8_192, 16, 65_536


class Along:
    """Gives columns of rows that are asked for in ascending order.

    Row groups without any of the rows are skipped where the format can, others are read once, and
    no more is held than a batch.

    Parameters
    ----------
    tables : sequence of InputTable
        Parts of one table.
    columns : sequence of str
    """

    def __init__(self, tables: Sequence[InputTable], columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self.schema = pa.schema(
            (name, common_type([table.schema.field(name).type for table in tables]))
            for name in columns
        )
        self._tables = tuple(tables)
        self._ends = np.cumsum([sum(table.group_rows) for table in tables], dtype=np.int64)
        self._group_ends: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._at = -1
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._batch: pa.RecordBatch | None = None
        self._first = 0
        self.batch_rows = _FIRST_ROWS

    def take(self, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Return the columns of some rows.

        Parameters
        ----------
        rows : (m,) int64
            Counted among the rows of the tables; ascending, and behind all that were asked for.
        """
        picked: list[pa.Table] = []
        done = 0
        while done < len(rows):
            batch = self._batch_with(int(rows[done]))
            end = int(np.searchsorted(rows, self._first + batch.num_rows))
            chosen = batch.take(numbers(rows[done:end] - self._first))
            picked.append(pa.Table.from_batches([chosen]).cast(self.schema))
            done = end
        if not picked:
            return pa.Table.from_batches([], self.schema)
        return pa.concat_tables(picked).unify_dictionaries()

    def _batch_with(self, row: int) -> pa.RecordBatch:
        """Read on to the batch that the row is in."""
        at = int(np.searchsorted(self._ends, row, side="right"))
        if at != self._at or self._may_skip(row):
            self._open(at, row)
        while self._batch is None or row >= self._first + self._batch.num_rows:
            self._first += 0 if self._batch is None else self._batch.num_rows
            self._batch = next(self._batches)
        return self._batch

    def _may_skip(self, row: int) -> bool:
        """Whether there is a row group before the row that has not been begun."""
        if self._tables[self._at].format != "parquet" or self._batch is None:
            return False
        unread = self._first + self._batch.num_rows
        here, there = np.searchsorted(self._group_ends, (unread - 1, row), side="right")
        return bool(there > here + 1)

    def _open(self, at: int, row: int) -> None:
        self._adapt()
        table = self._tables[at]
        start = int(self._ends[at]) - sum(table.group_rows)
        self._group_ends = start + np.cumsum(table.group_rows, dtype=np.int64)
        group = int(np.searchsorted(self._group_ends, row, side="right"))
        groups = range(group, len(table.group_rows))
        self._batches = table.read(groups, self.columns, self.batch_rows)
        self._batch = None
        self._first = int(self._group_ends[group]) - table.group_rows[group]
        self._at = at

    def _adapt(self) -> None:
        """Choose larger batches for narrow columns and smaller ones for wide ones."""
        if self._batch is not None and self._batch.num_rows:
            row_bytes = max(self._batch.nbytes // self._batch.num_rows, 1)
            self.batch_rows = min(max(_BATCH_BYTES // row_bytes, _LEAST_ROWS), _MOST_ROWS)
