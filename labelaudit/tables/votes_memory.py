"""Votes in arrays and data frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.errors import UsageError
from labelaudit.tables.arrays import numbers
from labelaudit.tables.boundary import reading
from labelaudit.tables.memory import MemoryTable
from labelaudit.tables.streams import spooled_table
from labelaudit.tables.views import without_view, without_views
from labelaudit.tables.vote_roles import vote_text_columns
from labelaudit.tables.votes import votes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.tables.vote_options import VoteOptions
    from labelaudit.tables.votes import VoteSource

__all__ = ["gold_in_memory", "memory_votes"]

_ONE_EACH = "Give one task, one worker and one label for each vote."


def memory_votes(votes: Any, workers: Any, labels: Any, options: VoteOptions) -> VoteSource:
    """Understand votes that are in memory already.

    Parameters
    ----------
    votes : (V,) task ids; or (N, W) labels; or a table
        Task ids go with ``workers`` and ``labels``. A table is anything with
        ``__arrow_c_stream__``.
    workers, labels : (V,) arrays, or None
    options : VoteOptions

    Raises
    ------
    UsageError
        If lengths differ, one of the arrays is missing, or a column has no role.
    """
    if workers is None and labels is None:
        if _is_nested(votes):
            votes = np.array(votes, dtype=object)
        if getattr(votes, "ndim", 1) == 2 and not _is_table(votes):
            return _from_matrix(votes, options)
        lazy = spooled_table(votes, lambda schema: vote_text_columns(options, schema).plain)
        return votes_of((MemoryTable(_table(votes)) if lazy is None else lazy,), options)
    if workers is None or labels is None:
        raise UsageError("Tasks, workers and labels go together, and one is missing.", _ONE_EACH)
    columns = {"task": _array(votes), "worker": _array(workers), "label": _array(labels)}
    lengths = [len(each) for each in columns.values()]
    if len(set(lengths)) > 1:
        sizes = ", ".join(f"{size:,} {name}s" for name, size in zip(columns, lengths, strict=True))
        raise UsageError(f"The votes have {sizes}.", _ONE_EACH)
    asked = replace(options, task="task", workers=("worker",), label="label")
    return votes_of((MemoryTable(pa.table(columns)),), asked)


def gold_in_memory(gold: Any) -> pa.Table:
    """Return known labels, a mapping of task to label or a table, as a table of the two."""
    if _is_table(gold) and getattr(gold, "ndim", 2) == 2:
        return _table(gold)
    if not hasattr(gold, "items"):
        raise UsageError(
            f"Gold labels cannot be of type {type(gold).__name__}.",
            "Give a mapping of task to label, a table with both, a file or a column.",
        )
    pairs: Mapping[Any, Any] = dict(gold.items())
    return pa.table({"task": _array(list(pairs)), "label": _array(list(pairs.values()))})


def _is_nested(data: Any) -> bool:
    """Say whether these are rows of equal length in lists."""
    if not isinstance(data, list | tuple) or not data:
        return False
    return all(isinstance(row, list | tuple) and len(row) == len(data[0]) for row in data)


def _is_table(data: Any) -> bool:
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def _table(data: Any) -> pa.Table:
    if isinstance(data, dict):
        data = pa.table({str(name): _array(column) for name, column in data.items()})
    if not _is_table(data):
        raise UsageError(
            f"A table of votes cannot be of type {type(data).__name__}.",
            "Give a data frame, or arrays of tasks, workers and labels.",
        )
    with reading("the table in memory", "Give a data frame of votes."):
        table = pa.table(data)
        return table.cast(without_views(table.schema))


def _from_matrix(matrix: Any, options: VoteOptions) -> VoteSource:
    """Take a row per task and a column per worker; rows and columns are numbered from 0."""
    values = np.asarray(matrix)
    columns = {str(j): _array(values[:, j]) for j in range(values.shape[1])}
    return votes_of((MemoryTable(pa.table(columns)),), replace(options, workers=("*",)))


def _array(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    with reading("the votes", _ONE_EACH):
        if hasattr(values, "__arrow_c_stream__"):
            column = pa.chunked_array(values)
            return column.cast(without_view(column.type))
        if isinstance(values, list | tuple):
            return pa.array(values, from_pandas=True)
        array = np.asarray(values)
        if array.ndim != 1:
            raise UsageError(f"The votes have the shape {array.shape}.", _ONE_EACH)
        if array.dtype.kind in "iuf":
            return numbers(array.astype(array.dtype.newbyteorder("="), copy=False))
        return pa.array(array, from_pandas=True)
