"""The rows with the lowest margins, for every pair of given and other class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from labelaudit.kernels.prune import (
    bounds,
    leading_margins,
    lowest_margins,
    merge_heaps,
    unsettled_rows,
)
from labelaudit.kernels.rows import LEADING

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock
    from labelaudit.findings import JointCells

__all__ = ["Leading", "LowestMargins"]

_NO_ROW = np.iinfo(np.int64).max
ALL_ROWS = slice(0, None)


class Leading(Protocol):
    """The three leading classes of rows, as the first reading keeps them."""

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """(N,) given classes, negative for rows left out."""

    @property
    def given_prob(self) -> npt.NDArray[np.floating]:
        """(N,) probabilities of the given classes."""

    @property
    def classes(self) -> npt.NDArray[np.signedinteger]:
        """(N, 3) classes."""

    @property
    def leading(self) -> npt.NDArray[np.floating]:
        """(N, 3) their probabilities."""


@dataclass(frozen=True, slots=True)
class LowestMargins:
    """For each cell (given k, other j), the M rows given k with the lowest (P_k - P_j, row).

    Attributes
    ----------
    given_start : (K + 1,) int64
        Cells of given class k are ``given_start[k]:given_start[k + 1]``.
    other : (C,) int32
    heap_start : (C + 1,) int64
        Where the heap of each cell begins; its length is M.
    keys : (m,) float64
    rows : (m,) int64
    """

    given_start: npt.NDArray[np.int64]
    other: npt.NDArray[np.int32]
    heap_start: npt.NDArray[np.int64]
    keys: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return len(self.given_start) - 1

    @classmethod
    def wanted(cls, pruned: JointCells) -> LowestMargins:
        """Make room for as many rows of each cell off the diagonal as may be pruned."""
        off = pruned.given != pruned.true
        given, other, count = pruned.given[off], pruned.true[off], pruned.count[off]
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        return cls(
            np.searchsorted(given, np.arange(pruned.n_classes + 1)).astype(np.int64),
            other,
            start,
            np.full(start[-1], np.inf),
            np.full(start[-1], _NO_ROW),
        )

    def emptied(self) -> LowestMargins:
        """Return the same cells with no rows in them."""
        return LowestMargins(
            self.given_start,
            self.other,
            self.heap_start,
            np.full_like(self.keys, np.inf),
            np.full_like(self.rows, _NO_ROW),
        )

    def take_leading(
        self, facts: Leading, wanted: npt.NDArray[np.bool_], part: slice = ALL_ROWS
    ) -> None:
        """Take rows in by their three leading classes.

        Parameters
        ----------
        facts : Leading
            All rows of the input.
        wanted : (N,) bool
        part : slice
            Consecutive rows to look at.
        """
        leading_margins(
            facts.labels[part],
            facts.given_prob[part],
            facts.classes[part],
            facts.leading[part],
            part.start,
            wanted[part],
            self.given_start,
            self.other,
            self.heap_start,
            self.keys,
            self.rows,
        )

    def unsettled(self, facts: Leading) -> npt.NDArray[np.bool_]:
        """(N,) bool: rows whose further classes might have a margin that belongs in a heap."""
        if self.n_classes <= LEADING or not len(self.keys):
            return np.zeros(len(facts.labels), np.bool_)
        bound = bounds(self.given_start, self.heap_start, self.keys)
        return unsettled_rows(facts.labels, facts.given_prob, facts.leading, bound)

    def take(
        self,
        block: LabelBlock,
        probs: npt.NDArray[np.floating],
        wanted: npt.NDArray[np.bool_],
    ) -> None:
        """Take rows of a block in, with all their classes.

        Parameters
        ----------
        block : LabelBlock
        probs : (n, K) float
        wanted : (n,) bool
        """
        if len(self.keys) and wanted.any():
            lowest_margins(
                block.labels,
                probs,
                block.first_row,
                wanted,
                self.given_start,
                self.other,
                self.heap_start,
                self.keys,
                self.rows,
            )

    def __add__(self, more: LowestMargins) -> LowestMargins:
        keys, rows = self.keys.copy(), self.rows.copy()
        merge_heaps(self.heap_start, keys, rows, more.keys, more.rows)
        return LowestMargins(self.given_start, self.other, self.heap_start, keys, rows)

    def flags(self, n_rows: int) -> npt.NDArray[np.bool_]:
        """(N,) bool: the rows that are in any heap."""
        flags = np.zeros(n_rows, np.bool_)
        flags[self.rows[self.rows != _NO_ROW]] = True
        return flags

    def cuts(self) -> npt.NDArray[np.float64]:
        """(C,) float64: the greatest margin in each heap, infinite in one that is not full."""
        return self.keys[self.heap_start[:-1]]
