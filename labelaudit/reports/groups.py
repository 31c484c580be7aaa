"""Rows and issues for each value of a column (``--group``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["GroupCounts", "group_codes", "groups_table"]


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

    used = np.ones(len(values), dtype=np.bool_)
    if left_out is not None:
        used[left_out] = False
    is_issue = np.zeros(len(values), dtype=np.bool_)
    is_issue[flagged] = True
    counts = GroupCounts()
    counts.add(values, used, is_issue)
    return counts.table()


class GroupCounts:
    """Rows and issues for each value of a column that comes in parts."""

    def __init__(self) -> None:
        import numpy as np

        self._names: pa.Array | None = None
        self._rows = self._issues = np.zeros(0, np.int64)

    def add(
        self,
        values: pa.ChunkedArray | pa.Array,
        used: npt.NDArray[np.bool_],
        flagged: npt.NDArray[np.bool_],
    ) -> None:
        """Count some rows.

        Parameters
        ----------
        values : (n,) pyarrow array
        used : (n,) bool
            Those that took part in the audit.
        flagged : (n,) bool
        """
        import numpy as np

        names, codes = group_codes(values)
        places = self._places(names)
        rows = np.bincount(codes[used], minlength=len(names))
        issues = np.bincount(codes[flagged], minlength=len(names))
        more = int(places.max(initial=-1)) + 1 - len(self._rows)
        self._rows = np.pad(self._rows, (0, max(more, 0)))
        self._issues = np.pad(self._issues, (0, max(more, 0)))
        self._rows[places] += rows
        self._issues[places] += issues

    def _places(self, names: pa.Array) -> npt.NDArray[np.int64]:
        """Return where each of these values is counted; new ones come last."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._names is None:
            self._names = names
            return np.arange(len(names))
        new = names.filter(pc.invert(pc.is_in(names, value_set=self._names)))
        self._names = pa.concat_arrays([self._names, new])
        places = pc.index_in(names, value_set=self._names)
        found: npt.NDArray[np.int64] = places.to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    def table(self) -> pa.Table:
        """Return the table that ``groups_table`` describes."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        names = pa.nulls(0) if self._names is None else self._names
        rows, issues = self._rows, self._issues
        rate = np.divide(issues, rows, out=np.zeros(len(rows)), where=rows > 0)
        columns = [names, pa.array(rows), pa.array(issues), pa.array(rate), names.cast(pa.string())]
        table = pa.Table.from_arrays(
            columns, names=["group", "rows", "issues", "issue_rate", "text"]
        )
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
