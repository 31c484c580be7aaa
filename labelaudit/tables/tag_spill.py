"""What a multi-label audit lists: in memory while it fits, then in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.tables.ranked_kinds import CELLS, SCORED_ROWS
from labelaudit.tables.ranked_spill import ORDER, RankedSpill, Spill, mark
from labelaudit.tag_findings import TagRows

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.tag_findings import TagCells, TagChunk

__all__ = ["TagSpill"]

_LISTED_ROWS = 2
_ROWS = 8
"""A row of the table of rows takes half of what an issue takes, and its score alone an eighth."""


class TagSpill:
    """Takes the cells to be ranked and the scores of rows; a ``TagSink``.

    Parameters
    ----------
    most : int
        Issues that would fit in memory if there were nothing else: half of that is for them, and
        a quarter each for the rows that are listed and for the scores of all.
    top : int or None
        Only so many of the worst are wanted.
    every_row : bool
        All rows that have a score are listed, not only flagged ones.
    marks : int or None
        Rows of the table, if it is to be known of each whether it is flagged.

    Attributes
    ----------
    cells, listed : RankedSpill
        Cells, and rows to be listed.
    rows : Spill
        The scores of all rows.
    """

    def __init__(
        self, most: int, *, top: int | None, every_row: bool, marks: int | None = None
    ) -> None:
        self.cells = RankedSpill(CELLS.numbers, most // 2, top)
        self.listed = RankedSpill(SCORED_ROWS.numbers, _LISTED_ROWS * most // 4, top)
        self.rows = Spill(SCORED_ROWS.numbers, _ROWS * most // 4)
        self.every_row = every_row
        self.marks = None if marks is None else np.zeros(marks // 8 + 1, np.uint8)
        self._left_out: list[npt.NDArray[np.int64]] = []

    def take(self, chunk: TagChunk) -> None:
        """Take the next rows; each chunk begins behind the last one."""
        rows = chunk.rows
        mark(self.marks, rows.row[rows.is_issue])
        if self.marks is not None:
            self._left_out.append(chunk.left_out)
        self.cells.add({ORDER: chunk.order, **_columns(chunk.cells)})
        self.rows.add(_columns(rows))
        listed = np.flatnonzero(~np.isnan(rows.quality) if self.every_row else rows.is_issue)
        quality = rows.quality[listed]
        # Files are sorted by numbers alone; a row without a score comes last.
        order = np.where(np.isnan(quality), np.inf, quality)
        columns = {name: each[listed] for name, each in _columns(rows).items()}
        self.listed.add({ORDER: order, **columns})

    def left_out(self) -> npt.NDArray[np.int64]:
        """Return the rows that took no part, ascending; known only where rows are marked."""
        return np.concatenate([np.empty(0, np.int64), *self._left_out])

    def scores(self) -> TagRows:
        """Return the scores of all rows, in row order, and let go of them."""
        return TagRows(**self.rows.as_they_came())

    def close(self) -> None:
        """Remove what was written, if it is not in use any more."""
        for each in (self.cells, self.listed, self.rows):
            each.close()


def _columns(lines: TagCells | TagRows) -> dict[str, npt.NDArray[Any]]:
    return {name: getattr(lines, name) for name in type(lines).__slots__}
