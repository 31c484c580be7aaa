"""Lists kept in memory, and ranked there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from labelaudit.tag_findings import TagCells, TagChunk, TagRows

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Kept", "joined", "nothing", "some_of"]

Columns = TypeVar("Columns", TagCells, TagRows)

ROOM = 1 << 18
"""So many more lines than are wanted are held before the others are let go."""


@dataclass(slots=True)
class Kept:
    """A sink that keeps what it takes, or of the cells the worst ones.

    Attributes
    ----------
    top : int or None
        How many cells are wanted; None: all.
    """

    top: int | None
    _cells: list[TagCells] = field(default_factory=list)
    _order: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _rows: list[TagRows] = field(default_factory=list)
    _left_out: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _held: int = 0

    def take(self, chunk: TagChunk) -> None:
        """Take the next rows."""
        self._cells.append(chunk.cells)
        self._order.append(chunk.order)
        self._rows.append(chunk.rows)
        self._left_out.append(chunk.left_out)
        self._held += len(chunk.order)
        if self.top is not None and self._held > self.top + ROOM:
            self._let_go(self.top)

    def _let_go(self, top: int) -> None:
        order = np.concatenate(self._order)
        # They stay in row order, so that ties are decided by row.
        worst = np.sort(np.argsort(order, kind="stable")[:top])
        self._cells = [some_of(joined(TagCells, self._cells), worst)]
        self._order, self._held = [order[worst]], len(worst)

    def cells(self) -> TagCells:
        """Return the cells, worst first."""
        order = np.concatenate([np.empty(0), *self._order])
        worst = np.argsort(order, kind="stable")[: self.top]
        return some_of(joined(TagCells, self._cells), worst)

    def rows(self) -> TagRows:
        """Return the rows, in row order."""
        return joined(TagRows, self._rows)

    def left_out(self) -> npt.NDArray[np.int64]:
        """Return the rows that took no part, ascending."""
        return np.concatenate([np.empty(0, np.int64), *self._left_out])


_TYPES = {
    TagCells: "i8 i4 i1 f8 ? f4 f4 f4 f4 ? u1 i1",
    TagRows: "i8 f8 i4 ?",
}


def nothing(kind: type[Columns]) -> Columns:
    """Return columns without a line."""
    return kind(*(np.empty(0, name) for name in _TYPES[kind].split()))


def joined(kind: type[Columns], parts: list[Columns]) -> Columns:
    """Return the lines of all parts."""
    if not parts:
        return nothing(kind)
    return kind(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in kind.__slots__)
    )


def some_of(columns: Columns, which: npt.NDArray[Any]) -> Columns:
    """Return some lines, by a mask or by number."""
    kind = type(columns)
    return kind(*(getattr(columns, name)[which] for name in kind.__slots__))
