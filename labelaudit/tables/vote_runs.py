"""More votes than fit in memory: runs in files, each sorted by task, and read back task by task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.shelves import spilling
from labelaudit.tables.arrays import numbers, viewed
from labelaudit.tables.column_files import ColumnFiles
from labelaudit.tables.vote_codes import (
    Encoder,
    code_of_values,
    shared_type,
    sorted_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Codes = npt.NDArray[np.int32]
    Rows = npt.NDArray[np.int64]
    Columns = Mapping[str, npt.NDArray[Any]]

__all__ = ["Costs", "TaskPart", "VoteRuns"]

_STEP = 1024
"""Rows, about, by which the tasks of a run are looked up."""


@dataclass(frozen=True, slots=True)
class Costs:
    """How large a part may be: bytes for each row and each task of it, and in all."""

    row: int
    task: int
    most: int


@dataclass(frozen=True, slots=True)
class TaskPart:
    """All rows of some tasks.

    Attributes
    ----------
    tasks : pyarrow.Array
        (n,) ids, ascending.
    task : (rows,) int32
        Place of each row's task among them; the rows of a task are in the order of the input.
    columns : mapping of str to (rows,) array
    """

    tasks: pa.Array
    task: Codes
    columns: Columns


@dataclass(frozen=True, slots=True)
class _Run:
    """Some rows of the input in files, sorted by task.

    Attributes
    ----------
    path : Path
        Ids and number of rows of each task, in batches.
    rows : ColumnFiles
    firsts : pyarrow.Array
        The first id of each batch.
    first_row, n_tasks : (batches,) int64
        Where the rows of each batch begin, and how many tasks it has.
    """

    path: Path
    rows: ColumnFiles
    firsts: pa.Array
    first_row: Rows
    n_tasks: Rows

    def remove(self) -> None:
        """Remove the files."""
        with spilling(self.path.parent):
            self.path.unlink()
            self.rows.remove()
            self.rows.folder.rmdir()


class VoteRuns:
    """Takes rows of votes in the order of the input, and gives them back by task.

    Parameters
    ----------
    folder : Path
        Where the runs are written; nothing else may be in it.
    kinds : mapping of str to dtype
        What is known of each row besides its task.
    """

    def __init__(self, folder: Path, kinds: Mapping[str, np.dtype[Any]]) -> None:
        self.folder, self.kinds = folder, kinds
        self.runs: list[_Run] = []
        self.types: dict[pa.DataType, bool] = {}

    def add(self, ids: Encoder, columns: Columns, useful: npt.NDArray[np.bool_]) -> Codes:
        """Write a run, and return the code of each row's task in it; negative without a task.

        Only the tasks are kept of rows that are not ``useful``.
        """
        values, task = ids.finish(pa.string())
        if ids.dictionaries:
            self.types[values.type] = self.types.get(values.type, False) or ids.entries > 0
        if not len(values):
            return task
        kept = np.flatnonzero(useful & (task >= 0))
        kept = kept[np.argsort(task[kept], kind="stable")]
        number = len(self.runs)
        part = {name: columns[name][kept] for name in self.kinds}
        counts = np.bincount(task[kept], minlength=len(values))
        self.runs.append(_written(self.folder, number, values, counts, self.kinds, part))
        return task

    @property
    def type(self) -> pa.DataType:
        """The type that holds all ids."""
        met = [kind for kind, used in self.types.items() if used]
        return shared_type(met or list(self.types))

    def parts(self, costs: Costs) -> Iterator[TaskPart]:
        """Yield all rows, ascending by task; all rows of a task are in one part."""
        kind = self.type
        firsts = pa.concat_arrays([run.firsts.cast(kind) for run in self.runs])
        marks = sorted_values(firsts)
        places = np.split(
            code_of_values(firsts, marks), np.cumsum([len(run.firsts) for run in self.runs])[:-1]
        )
        edges = _cuts(places, [self._bytes(run, costs) for run in self.runs], costs.most)
        bounds = [None, *(marks[edge] for edge in edges), None]
        ends = [0, *edges, len(marks)]
        for at in range(len(ends) - 1):
            pieces = []
            for run, place in zip(self.runs, places, strict=True):
                first = max(int(np.searchsorted(place, ends[at], "right")) - 1, 0)
                last = int(np.searchsorted(place, ends[at + 1], "left"))
                pieces.append(_between(run, range(first, last), kind, (bounds[at], bounds[at + 1])))
            yield self._joined([piece for piece in pieces if piece is not None])

    def _bytes(self, run: _Run, costs: Costs) -> Rows:
        rows = np.diff(np.append(run.first_row, run.rows.rows))
        return rows * costs.row + run.n_tasks * costs.task

    def _joined(self, pieces: Sequence[tuple[pa.Array, Rows, Columns]]) -> TaskPart:
        ids = pa.concat_arrays([piece[0] for piece in pieces])
        tasks = sorted_values(ids)
        task = np.repeat(code_of_values(ids, tasks), np.concatenate([piece[1] for piece in pieces]))
        columns = {
            name: np.concatenate([piece[2][name] for piece in pieces]) for name in self.kinds
        }
        return TaskPart(tasks, task, columns)

    def remove(self) -> None:
        """Remove the files."""
        for run in self.runs:
            run.remove()
        self.runs.clear()


def _written(
    folder: Path,
    number: int,
    values: pa.Array,
    counts: Rows,
    kinds: Mapping[str, np.dtype[Any]],
    columns: Columns,
) -> _Run:
    """Write the rows of a run, which are sorted by task, and its tasks."""
    path = folder / f"{number}.arrow"
    with spilling(folder):
        path.with_suffix("").mkdir()
    rows = ColumnFiles(path.with_suffix(""), kinds)
    rows.append(columns)
    rows.close()
    start = np.concatenate([[0], np.cumsum(counts)])
    step = (start[:-1] + np.arange(len(counts))) // _STEP
    edges = np.flatnonzero(np.diff(step, prepend=-1))
    table = pa.table({"task": values, "rows": numbers(counts)})
    with (
        spilling(folder),
        path.open("wb", 1 << 18) as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        for first, last in zip(edges, np.append(edges[1:], len(counts)), strict=True):
            writer.write_table(table.slice(first, last - first))
    return _Run(
        path,
        rows,
        values.take(numbers(edges)),
        start[edges],
        np.diff(np.append(edges, len(counts))),
    )


def _cuts(places: Sequence[Codes], sizes: Sequence[Rows], most: int) -> list[int]:
    """Return the marks at which a new part begins, so that parts have about the size wanted."""
    size = np.zeros(max(int(place.max()) for place in places) + 1, np.int64)
    for place, own in zip(places, sizes, strict=True):
        np.add.at(size, place, own)
    edges: list[int] = []
    held = 0
    for mark, more in enumerate(size.tolist()):
        if held and held + more > most:
            edges.append(mark)
            held = 0
        held += more
    return edges


def _between(
    run: _Run, batches: range, kind: pa.DataType, bounds: tuple[Any, Any]
) -> tuple[pa.Array, Rows, Columns] | None:
    """Return ids, rows of each and all rows of the tasks from one id on, up to another one."""
    if not len(batches):
        return None
    with spilling(run.path.parent), pa.OSFile(str(run.path)) as source:
        reader = pa.ipc.open_file(source)
        table = pa.Table.from_batches([reader.get_batch(at) for at in batches]).combine_chunks()
    values, counts = (_one(table[name]) for name in ("task", "rows"))
    values, rows = values.cast(kind), viewed(counts).astype(np.int64)
    first = 0 if bounds[0] is None else _place(values, bounds[0])
    last = len(values) if bounds[1] is None else _place(values, bounds[1])
    start = int(run.first_row[batches.start]) + np.concatenate([[0], np.cumsum(rows)])
    if first >= last:
        return None
    with spilling(run.path.parent):
        columns = run.rows.read(int(start[first]), int(start[last]))
    return values.slice(first, last - first), rows[first:last], columns


def _one(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _place(values: pa.Array, bound: pa.Scalar) -> int:
    """Return how many of the ascending values are below the bound."""
    limit = _comparable(bound)
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if _comparable(values[middle]) < limit:
            low = middle + 1
        else:
            high = middle
    return low


def _comparable(value: pa.Scalar) -> Any:
    """Return a value that Python orders as Arrow does."""
    return value.value if pt.is_temporal(value.type) else value.as_py()
