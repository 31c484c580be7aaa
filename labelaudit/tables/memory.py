"""Arrays and data frames: whatever is in memory becomes one Arrow table, without a copy."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.errors import NothingToAuditError, UsageError
from labelaudit.running import threads_wanted
from labelaudit.tables.arrays import flags, numbers
from labelaudit.tables.boundary import reading
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import LabelSource, columns_in_use, source_of
from labelaudit.tables.streams import spooled_table
from labelaudit.tables.views import plain_batch, plain_column, without_view, without_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

__all__ = ["MemoryTable", "memory_labels", "memory_table"]

_LEAST_GROUP_BYTES = 4 << 20
_MOST_GROUP_BYTES = 32 << 20
_GROUPS_A_CORE = 8
_FEW_ROWS = 1 << 16
_GROUPS_OF_FEW = 4
"""Groups a core of so few rows: what each group costs by itself is most of the time then."""
_LEAST_GROUP_ROWS = 1024


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """A table in memory, cut into row groups of one size, so that they can be shared out.

    Attributes
    ----------
    table : pyarrow.Table
    format, name, path : str
    step : int
        Rows of a full row group; 0: such that every core has some, and none is small.
    """

    table: pa.Table
    format: str = "memory"
    name: str = "the table in memory"
    path: str = ""
    step: int = 0

    def __post_init__(self) -> None:
        if not self.step:
            object.__setattr__(self, "step", _group_rows(self.table))

    @property
    def schema(self) -> pa.Schema:
        """Columns and types as they were given."""
        return self.table.schema

    @property
    def group_rows(self) -> tuple[int, ...]:
        """Rows of each row group."""
        rows, step = self.table.num_rows, self.step
        return tuple(min(step, rows - start) for start in range(0, rows, step))

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the bytes of these columns, shared out over row groups."""
        size = sum(self.table.column(column).nbytes for column in columns)
        rows = max(self.table.num_rows, 1)
        return tuple(size * each // rows for each in self.group_rows)

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield these columns of consecutive row groups, in pieces that share their memory."""
        start = groups.start * self.step
        chosen = self.table.select(columns).slice(start, len(groups) * self.step)
        yield from chosen.to_batches(max_chunksize=batch_rows)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (0-based)."""
        return self.table.select(columns).take(numbers(rows))


def _group_rows(table: pa.Table) -> int:
    """Choose the rows of a row group: a power of two, as blocks and pieces have."""
    size = table.nbytes
    each = _GROUPS_OF_FEW if table.num_rows <= _FEW_ROWS else _GROUPS_A_CORE
    share = size // (each * threads_wanted(None))
    wanted = min(max(share, _LEAST_GROUP_BYTES), _MOST_GROUP_BYTES)
    rows = wanted * table.num_rows // max(size, 1)
    return max(1 << round(math.log2(max(rows, 1))), _LEAST_GROUP_ROWS)


def memory_labels(
    data: Any,
    probs: Any = None,
    options: ReadOptions | None = None,
) -> LabelSource:
    """Understand labels and probabilities that are in memory already.

    Parameters
    ----------
    data : (N,) array, list or series of labels; or a table
        For several labels a row, a list of lists, or an (N, K) array of 0 and 1 (NaN, or masked:
        not annotated).
        Without ``probs`` anything with ``__arrow_c_stream__``: a data frame of pandas or polars, a
        DuckDB relation, a pyarrow table or reader. A stream is read once and kept.
    probs : (N, K) array, or a list of several, optional
        Predicted probabilities; several are one ensemble.
    options : ReadOptions, optional

    Raises
    ------
    UsageError
        If shapes do not fit or a column has no role.
    NothingToAuditError
        If there are no rows.
    """
    options = options or ReadOptions()
    if probs is None:
        lazy = spooled_table(data, partial(columns_in_use, options))
        return source_of((memory_table(data) if lazy is None else lazy,), options)
    models = _models(probs)
    labels = _label_array(data)
    names = ["pred_probs"] if len(models) == 1 else [f"pred_probs_{i}" for i in range(len(models))]
    columns = {"labels": labels, **dict(zip(names, map(_prob_array, models), strict=True))}
    for name in names:
        if len(columns[name]) != len(labels):
            raise UsageError(
                f"There are {len(labels):,} labels, but {len(columns[name]):,} rows in {name}.",
                "Give one row of probabilities for each label.",
            )
    asked = replace(options, labels="labels", probs=tuple(names))
    return source_of((MemoryTable(pa.table(columns)),), asked)


def memory_table(data: Any) -> MemoryTable:
    """Return anything with ``__arrow_c_stream__`` as a table in memory; streams are read once."""
    return MemoryTable(_arrow_table(data))


def _arrow_table(data: Any) -> pa.Table:
    if not (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")):
        raise UsageError(
            f"Data of type {type(data).__name__} is no table, and there are no probabilities.",
            "Give labels and probabilities, or a data frame that holds both.",
        )
    with reading("the table in memory", "Give a data frame with labels and probabilities."):
        table = pa.table(data)
        fields = without_views(table.schema)
        batches = [plain_batch(batch) for batch in table.to_batches()]
        return pa.Table.from_batches(batches, fields)


def _label_array(labels: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(labels, pa.Array | pa.ChunkedArray):
        return labels
    with reading("the labels", "Give one string, integer or boolean for each row."):
        if hasattr(labels, "__arrow_c_stream__"):
            return _plain_chunks(labels)
        if isinstance(labels, np.ma.MaskedArray) and labels.ndim == 2:
            return _flag_tensor(np.ma.filled(labels.astype(np.float32), np.nan))
        if isinstance(labels, list | tuple):
            rows = [sorted(row) if isinstance(row, set | frozenset) else row for row in labels]
            return pa.array(rows, from_pandas=True)
        return _from_numpy(np.asarray(labels))


def _plain_chunks(series: Any) -> pa.ChunkedArray:
    chunks = pa.chunked_array(series)
    kind = without_view(chunks.type)
    return pa.chunked_array(list(map(plain_column, chunks.chunks)), kind)


def _from_numpy(labels: npt.NDArray[Any]) -> pa.Array:
    if labels.ndim == 2 and labels.shape[1] > 0 and labels.dtype.kind in "biuf":
        return _flag_tensor(labels)
    if labels.ndim != 1:
        raise UsageError(
            f"The labels have the shape {labels.shape}.",
            "Give a one-dimensional array of labels, a list of lists of them, or an array of 0 "
            "and 1 with one row for each row and one column for each class.",
        )
    if labels.dtype.kind in "iuf":
        return numbers(labels.astype(labels.dtype.newbyteorder("="), copy=False))
    if labels.dtype.kind == "b":
        return flags(labels)
    return pa.array(labels, from_pandas=True)


def _flag_tensor(labels: npt.NDArray[Any]) -> pa.Array:
    """Return an (N, K) array of 0 and 1 as a tensor column."""
    if labels.dtype.kind in "fu" or labels.dtype.kind == "i":
        wanted = np.dtype(np.float32 if labels.dtype.kind == "f" else np.int64)
        flat = np.ascontiguousarray(labels, wanted).reshape(-1)
    else:
        flat = np.ascontiguousarray(labels, np.uint8).reshape(-1)
    width = labels.shape[1]
    storage = pa.FixedSizeListArray.from_arrays(numbers(flat), width)
    kind = pa.fixed_shape_tensor(storage.type.value_type, (width,))
    return pa.ExtensionArray.from_storage(kind, storage)


def _models(probs: Any) -> list[Any]:
    """Tell several arrays from one."""
    if isinstance(probs, list | tuple):
        if probs and (hasattr(probs[0], "__arrow_c_stream__") or np.ndim(probs[0]) == 2):
            return list(probs)
        return [probs]
    return list(probs) if getattr(probs, "ndim", 2) == 3 else [probs]


def _prob_array(probs: Any) -> pa.Array | pa.ChunkedArray:
    """Return probabilities as a list column, or as a struct of a data frame's columns."""
    if isinstance(probs, pa.Array | pa.ChunkedArray):
        return probs
    with reading("the array of probabilities", _NUMBERS):
        if hasattr(probs, "__arrow_c_stream__"):
            if not hasattr(probs, "columns"):  # a series of lists, not a frame
                return _plain_chunks(probs)
            return pa.table(probs).combine_chunks().to_struct_array()
        matrix = np.asarray(probs)
        if matrix.ndim == 2 and len(matrix) == 0:
            raise NothingToAuditError(
                "The probabilities have no rows.", "Give a table with at least one row."
            )
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise UsageError(
                f"The probabilities have the shape {matrix.shape}, not (rows, classes).", _NUMBERS
            )
        exact = matrix.dtype.kind == "f" and matrix.dtype.itemsize <= 8
        wanted = matrix.dtype.newbyteorder("=") if exact else np.dtype(np.float64)
        values = np.ascontiguousarray(matrix.astype(wanted, copy=False)).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(numbers(values), matrix.shape[1])


_NUMBERS = "Give an array of numbers with one row for each label and one column for each class."
