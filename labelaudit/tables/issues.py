"""Ranked rows and class counts as tables: names, keys and ids put to the numbers of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelaudit.findings import FILTERS
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
    ids = issue_ids(kinds_of(values), rows.given, keys, on)
    return ranked_table(rows, values, ids, keys, files, kept)


def kinds_of(values: pa.Array) -> list[tuple[str, ...]]:
    """Return what issues of each given label say besides their key."""
    return [(LABEL_ERROR, "", name) for name in values.cast(pa.string()).to_pylist()]


def ranked_table(
    rows: IssueRows,
    values: pa.Array,
    ids: pa.Array,
    keys: pa.Array,
    files: pa.Array | None,
    kept: pa.Table | None,
    first: int = 0,
) -> pa.Table:
    """Write some of the ranked rows, the first of which has ``first`` rows before it."""
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
        "flagged_by": filter_names(rows.flagged_by),
        "severity": dictionary(rows.severity, SEVERITIES),
    }
    table = pa.table(columns)
    return table if kept is None else with_kept(table, kept)


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


def filter_names(bits: npt.NDArray[np.uint8]) -> pa.Array:
    """Spell the bits out as lists of filter names."""
    each = np.unpackbits(bits[:, None], axis=1, bitorder="little").ravel()
    which = np.flatnonzero(each.view(np.bool_)) & 7
    # The names of a row are copied at once, of whatever filters they are.
    together = [b"".join(_names_of(number)) for number in range(256)]
    texts = pc.take(pa.array(together, pa.binary()), pa.array(bits)).buffers()[2]
    lengths = np.array([len(name) for name in FILTERS])
    ends = _offsets(lengths[which])
    names = pa.StringArray.from_buffers(len(which), ends, texts or pa.py_buffer(b""))
    counts = np.array([number.bit_count() for number in range(256)])
    return pa.ListArray.from_buffers(
        pa.list_(pa.string()), len(bits), [None, _offsets(counts[bits])], children=[names]
    )


def _names_of(number: int) -> list[bytes]:
    return [name.encode() for i, name in enumerate(FILTERS) if number >> i & 1]


def _offsets(lengths: npt.NDArray[np.int64]) -> pa.Buffer:
    ends = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=ends[1:])
    return pa.py_buffer(ends)
