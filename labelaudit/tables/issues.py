"""Ranked rows and class counts as tables: names, keys and ids put to the numbers of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelaudit.findings import FILTERS
from labelaudit.running import Here, beside, each
from labelaudit.tables.arrays import numbers, strings
from labelaudit.tables.issue_ids import issue_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.findings import IssueRows
    from labelaudit.running import Executor

__all__ = [
    "SEVERITIES",
    "dictionary",
    "filter_names",
    "issues_table",
    "kinds_of",
    "ranked_table",
    "with_kept",
]

LABEL_ERROR = "label_error"
AT_ONCE = 1 << 16
SEVERITIES = ("low", "medium", "high")


def issues_table(
    rows: IssueRows,
    values: pa.Array,
    keys: pa.Array,
    files: pa.Array | None,
    kept: pa.Table | None,
    on: Executor | None = None,
) -> pa.Table:
    """Write ranked rows as the issues table, worst first.

    Parameters
    ----------
    rows : IssueRows
    values : pyarrow.Array
        (K,) the label of each class, as in the input.
    keys : pyarrow.Array
        (m,) the user's key of each row, or row numbers.
    files : pyarrow.Array or None
        (m,) file of each row, when there are several.
    kept : pyarrow.Table or None
        Further columns of the input to carry along, unchanged.
    on : Executor, optional
    """

    def name_them() -> pa.Array:
        return issue_ids(kinds_of(values), rows.given, keys, on)

    with beside(name_them, on or Here()) as ids:
        flagged_by = filter_names(rows.flagged_by, on)
        table = ranked_table(rows, values, ids.result(), keys, files, flagged_by=flagged_by)
    return table if kept is None else with_kept(table, kept)


def kinds_of(values: pa.Array) -> list[tuple[str, ...]]:
    """Return what issues of each given label say besides their key."""
    return [(LABEL_ERROR, "", name) for name in values.cast(pa.string()).to_pylist()]


def ranked_table(
    rows: IssueRows,
    values: pa.Array,
    ids: pa.Array,
    keys: pa.Array,
    files: pa.Array | None,
    first: int = 0,
    flagged_by: pa.ChunkedArray | None = None,
) -> pa.Table:
    """Write some of the ranked rows, the first of which has ``first`` rows before it.

    What they are flagged by is spelled out unless it has been already.
    """
    n = len(rows.row)
    columns = {
        "rank": pa.array(np.arange(first + 1, first + n + 1)),
        "issue_id": ids,
        "key": keys,
        "row": pa.array(rows.row),
        **({} if files is None else {"file": files}),
        "issue_type": dictionary(np.zeros(n, np.int8), (LABEL_ERROR,)),
        "class": pa.nulls(n, pa.string()),
        "given_label": values.take(pa.array(rows.given)),
        "suggested_label": values.take(
            pa.array(np.maximum(rows.suggested, 0), mask=rows.suggested < 0)
        ),
        "label_quality": pa.array(rows.label_quality),
        "is_issue": pa.array(rows.is_issue),
        "given_prob": pa.array(rows.given_prob),
        "suggested_prob": pa.array(rows.suggested_prob),
        "margin": pa.array(rows.margin),
        "entropy": pa.array(rows.entropy),
        "flagged_by": filter_names(rows.flagged_by) if flagged_by is None else flagged_by,
        "severity": dictionary(rows.severity, SEVERITIES),
    }
    return pa.table(columns)


def with_kept(table: pa.Table, kept: pa.Table) -> pa.Table:
    """Append columns of the input, under names that are not taken."""
    for name in kept.column_names:
        shown = name
        while shown in table.column_names:
            shown = f"{shown}_"
        table = table.append_column(pa.field(shown, kept.schema.field(name).type), kept[name])
    return table


def dictionary(codes: npt.NDArray[np.int8], names: Sequence[str]) -> pa.Array:
    """Return the names of codes; null for a negative one."""
    indices = pa.array(codes, pa.int8(), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def filter_names(bits: npt.NDArray[np.uint8], on: Executor | None = None) -> pa.ChunkedArray:
    """Spell the bits out as lists of filter names."""
    parts = [bits[at : at + AT_ONCE] for at in range(0, max(len(bits), 1), AT_ONCE)]
    return pa.chunked_array(list(each(_spelled_out, parts, on)))


def _spelled_out(bits: npt.NDArray[np.uint8]) -> pa.ListArray:
    starts, name_starts = _starts(_COUNTS[bits]), _starts(_LENGTHS[_filters_of(bits)])
    buffers = [None, pa.py_buffer(name_starts), pa.py_buffer(_names_of(bits))]
    names = pa.Array.from_buffers(pa.string(), len(name_starts) - 1, buffers)
    return pa.ListArray.from_arrays(numbers(starts), names)


_LENGTHS = np.array([len(name) for name in FILTERS], np.int32)
_COUNTS = np.array([number.bit_count() for number in range(256)], np.int32)
_TOGETHER = ["".join(FILTERS[i] for i in range(8) if number >> i & 1) for number in range(256)]


def _filters_of(bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the filters of all rows, one row behind the other."""
    each = np.unpackbits(bits[:, None], axis=1, bitorder="little")
    return np.flatnonzero(each.ravel().view(np.bool_)) & 7


def _names_of(bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return their names likewise: those of a row are copied at once."""
    texts = pc.take(strings(_TOGETHER), numbers(bits)).buffers()[2]
    return np.frombuffer(texts if texts is not None else b"", np.uint8)


def _starts(lengths: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    starts = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=starts[1:])
    return starts
