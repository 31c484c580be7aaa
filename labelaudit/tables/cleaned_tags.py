"""Lists of labels with some labels taken out and others put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelaudit.tables.arrays import flags, null_mask
from labelaudit.tables.labels import label_codes
from labelaudit.tables.layouts import plain

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["TagEdits"]


@dataclass(frozen=True, slots=True)
class TagEdits:
    """Which labels of which rows are taken out or put in, by ascending row.

    Attributes
    ----------
    row : (m,) int64
    tag : (m,) int32
        Class code; each pair of row and class once.
    add : (m,) bool
        Put in; otherwise taken out.
    values : pyarrow.Array
        (K,) the label of each class.
    """

    row: npt.NDArray[np.int64]
    tag: npt.NDArray[np.int32]
    add: npt.NDArray[np.bool_]
    values: pa.Array

    @classmethod
    def of(
        cls,
        row: npt.NDArray[np.int64],
        tag: npt.NDArray[np.int32],
        add: npt.NDArray[np.bool_],
        values: pa.Array,
    ) -> TagEdits:
        """Sort the edits by row, then class."""
        order = np.lexsort((tag, row))
        return cls(row[order], tag[order], add[order], values)

    def chosen(self, which: npt.NDArray[np.bool_]) -> TagEdits:
        """Return some of the edits."""
        return TagEdits(self.row[which], self.tag[which], self.add[which], self.values)

    def edited(self, column: pa.Array, first_row: int) -> pa.Array:
        """Return the lists of consecutive rows, edited.

        The labels that stay keep their order; those that are put in follow, in the order of the
        classes.
        """
        low, high = np.searchsorted(self.row, (first_row, first_row + len(column)))
        if low == high:
            return column
        if isinstance(column, pa.ExtensionArray):
            return pa.ExtensionArray.from_storage(
                column.type, self.edited(column.storage, first_row)
            )
        n, null = len(column), null_mask(column)
        lengths = np.where(null, 0, pc.fill_null(pc.list_value_length(column), 0).to_numpy())
        entries, owner = column.flatten(), np.repeat(np.arange(n), lengths)
        row, tag, add = self.row[low:high] - first_row, self.tag[low:high], self.add[low:high]
        stay = ~self._taken_out(owner, entries, row[~add], tag[~add])
        new = self.values.take(pa.array(tag[add])).cast(entries.type)
        whole = pa.concat_arrays([entries.filter(flags(stay)), new])
        rows = np.concatenate((owner[stay], row[add]))
        order = np.argsort(rows, kind="stable")
        ends = np.cumsum(np.bincount(rows, minlength=n))
        offsets = pa.array(np.concatenate(([0], ends)), pa.int64())
        missing = flags(null) if null.any() else None
        lists = pa.LargeListArray.from_arrays(offsets, whole.take(pa.array(order)), mask=missing)
        return lists.cast(column.type)

    def _taken_out(
        self,
        owner: npt.NDArray[np.int64],
        entries: pa.Array,
        row: npt.NDArray[np.int64],
        tag: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.bool_]:
        """Say which entries of lists are to go."""
        n_classes = len(self.values)
        codes = label_codes(plain(entries), self.values).astype(np.int64)
        cells = np.where(codes >= 0, owner * n_classes + codes, -1)
        found: npt.NDArray[np.bool_] = np.isin(cells, row * n_classes + tag)
        return found
