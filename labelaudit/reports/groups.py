"""Rows and issues for each value of a column (``--group``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["group_codes", "groups_table"]


def groups_table(
    values: pa.ChunkedArray | pa.Array,
    flagged: npt.NDArray[np.int64],
    left_out: npt.NDArray[np.int64] | None = None,
) -> pa.Table:
    """Count rows and issues for each value of a column.

    Parameters
    ----------
    values : pyarrow array
        The column, all rows of the input in order; null is a value of its own.
    flagged : (m,) int64
        Flagged rows, all of them, in any order.
    left_out : (l,) int64 or None
        Rows that took no part in the audit.

    Returns
    -------
    pyarrow.Table
        ``group`` (as in the input), ``rows``, ``issues`` (int64), ``issue_rate`` (float64), highest
        rate first, ties by more rows, then by the text of the value.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    names, codes = group_codes(values)
    used = np.ones(len(codes), dtype=np.bool_)
    if left_out is not None:
        used[left_out] = False
    rows = np.bincount(codes[used], minlength=len(names)).astype(np.int64)
    issues = np.bincount(codes[flagged], minlength=len(names)).astype(np.int64)
    rate = np.divide(issues, rows, out=np.zeros(len(rows)), where=rows > 0)
    columns = [names, pa.array(rows), pa.array(issues), pa.array(rate), names.cast(pa.string())]
    table = pa.Table.from_arrays(columns, names=["group", "rows", "issues", "issue_rate", "text"])
    order = [("issue_rate", "descending"), ("rows", "descending"), ("text", "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=order)).drop_columns("text")


def group_codes(
    values: pa.ChunkedArray | pa.Array,
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return the different values and, for each row, which of them it has."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    encoded = values.dictionary_encode(null_encoding="encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = pa.concat_arrays(encoded.unify_dictionaries().chunks)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary, codes
