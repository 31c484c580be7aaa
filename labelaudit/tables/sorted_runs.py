"""More rows than fit in memory, sorted: runs that do fit, each sorted and written, then merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.shelves import spilling
from labelaudit.tables.arrays import numbers, viewed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["SortedRuns", "in_blocks"]

MOST_RUNS = 64
_MOST_ROWS = 1 << 16
_LEAST_BYTES = 1 << 16


@dataclass(slots=True)
class SortedRuns:
    """Sorts tables by a column of numbers; ties stay in the order in which they came.

    Attributes
    ----------
    folder : Path
        Where runs are written; nothing else may be in it.
    by : str
        The column: integers or floats, none of them null or NaN.
    memory : int
        Bytes that sorting and merging may take, about.
    rows, bytes : int
        How many have come.
    """

    folder: Path
    by: str
    memory: int
    rows: int = 0
    bytes: int = 0
    _waiting: list[pa.Table] = field(default_factory=list)
    _bytes: int = 0
    _runs: list[Path] = field(default_factory=list)
    _written: int = 0
    _step: int = 1

    def add(self, table: pa.Table) -> None:
        """Take the next rows; all tables have the same columns, without dictionaries."""
        if not table.num_rows:
            return
        self._waiting.append(table)
        self.bytes += table.nbytes
        self._bytes += table.nbytes
        self.rows += table.num_rows
        if 3 * self._bytes >= self.memory:
            self._flush()

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, on average."""
        return self.bytes // max(self.rows, 1)

    def merged(self) -> Iterator[pa.Table]:
        """Yield all rows in order, as tables of bounded size, and remove what was written."""
        self._flush()
        while len(self._runs) > MOST_RUNS:
            first, self._runs = self._runs[:MOST_RUNS], self._runs[MOST_RUNS:]
            self._runs.insert(0, self._write(_merged(first, self.by), self._step))
            _remove(first)
        yield from _merged(self._runs, self.by)
        _remove(self._runs)
        self._runs = []

    def _flush(self) -> None:
        """Write what is waiting as a run."""
        if not self._waiting:
            return
        whole = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting.clear()
        self._step = max(_LEAST_BYTES, self.memory // (4 * MOST_RUNS)) * len(whole) // self._bytes
        self._step = min(max(self._step, 1), _MOST_ROWS)
        order = np.argsort(_values(whole, self.by), kind="stable")
        parts = (
            whole.take(numbers(order[at : at + self._step]))
            for at in range(0, len(order), self._step)
        )
        self._runs.append(self._write(parts, self._step))
        self._bytes = 0

    def _write(self, tables: Iterable[pa.Table], step: int) -> Path:
        path = self.folder / f"{self._written}.arrow"
        self._written += 1
        tables = in_blocks(tables, step)
        first = next(tables)
        with (
            spilling(self.folder),
            path.open("wb", 1 << 20) as sink,
            pa.ipc.new_file(sink, first.schema) as writer,
        ):
            writer.write_table(first)
            for table in tables:
                writer.write_table(table)
        return path


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink()


def _values(table: pa.Table, by: str) -> npt.NDArray[Any]:
    column = table[by].combine_chunks()
    return viewed(column.chunk(0) if isinstance(column, pa.ChunkedArray) else column)


class _Run:
    """A sorted file, as far as it has been read."""

    def __init__(self, path: Path, by: str) -> None:
        self.by = by
        self.reader = pa.ipc.open_file(pa.OSFile(str(path)))
        self.next = 0
        self.batch: pa.RecordBatch | None = None
        self.values: npt.NDArray[Any] = np.empty(0)

    @property
    def more(self) -> bool:
        return self.next < int(self.reader.num_record_batches)

    def fill(self) -> None:
        """Read on if nothing is left of what was read."""
        if not len(self.values) and self.more:
            self.batch = self.reader.get_batch(self.next)
            self.values = viewed(self.batch.column(self.by))
            self.next += 1

    def cut(self, end: int) -> list[pa.RecordBatch]:
        """Take some rows off the front."""
        if not end or self.batch is None:
            return []
        front, self.batch = self.batch.slice(0, end), self.batch.slice(end)
        self.values = self.values[end:]
        return [front]


def _merged(paths: Sequence[Path], by: str) -> Iterator[pa.Table]:
    """Merge sorted files; of ties those of earlier files come first."""
    runs = [_Run(path, by) for path in paths]
    while True:
        for run in runs:
            run.fill()
        runs = [run for run in runs if len(run.values)]
        if not runs:
            return
        yield _sorted(pa.Table.from_batches(_front(runs)), by)


def _front(runs: Sequence[_Run]) -> list[pa.RecordBatch]:
    """Cut off what can only be followed by greater rows, or by ties that come later."""
    open_runs = [i for i, run in enumerate(runs) if run.more]
    if not open_runs:
        ends = [len(run.values) for run in runs]
    else:
        last = min(open_runs, key=lambda i: runs[i].values[-1])  # of ties, the first
        bound = runs[last].values[-1]
        ends = [
            int(np.searchsorted(run.values, bound, "right" if i <= last else "left"))
            for i, run in enumerate(runs)
        ]
    return [front for run, end in zip(runs, ends, strict=True) for front in run.cut(end)]


def _sorted(table: pa.Table, by: str) -> pa.Table:
    order = np.argsort(_values(table, by), kind="stable")
    return table.take(numbers(order))


def in_blocks(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Cut tables anew, so that each but the last has this many rows, in one chunk."""
    waiting: list[pa.Table] = []
    held = 0
    for table in tables:
        waiting.append(table)
        held += table.num_rows
        if held >= rows:
            whole = pa.concat_tables(waiting)
            for start in range(0, held - rows + 1, rows):
                yield whole.slice(start, rows).combine_chunks()
            waiting = [whole.slice(held - held % rows)] if held % rows else []
            held %= rows
    if held:
        yield pa.concat_tables(waiting).combine_chunks()
