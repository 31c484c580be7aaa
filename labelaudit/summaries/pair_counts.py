"""How many rows have each pair of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import JointCells
from labelaudit.summaries.sparse_counts import SparseCounts

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["PairCounts"]

MOST_DENSE = 1 << 16
"""Cells that are counted in an array; where there are more, pairs are sorted."""


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Rows by a pair of classes, such as given and confident class.

    Attributes
    ----------
    n_classes : int
    counts : SparseCounts
        By first class * K + second class.
    """

    n_classes: int
    counts: SparseCounts

    @classmethod
    def of(
        cls,
        first: npt.NDArray[np.signedinteger],
        second: npt.NDArray[np.signedinteger],
        n_classes: int,
    ) -> PairCounts:
        """Count pairs of class codes, (n,) each; a pair with a negative one is not counted."""
        counted = (first >= 0) & (second >= 0)
        codes = first[counted].astype(np.int64) * n_classes + second[counted]
        if n_classes * n_classes <= MOST_DENSE:
            return cls(n_classes, SparseCounts.of_dense(np.bincount(codes)))
        keys, counts = np.unique(codes, return_counts=True)
        return cls(n_classes, SparseCounts(keys, counts.astype(np.int64)))

    @classmethod
    def none(cls, n_classes: int) -> PairCounts:
        """Return the counts of no rows."""
        nothing = np.empty(0, np.int32)
        return cls.of(nothing, nothing, n_classes)

    def __add__(self, more: PairCounts) -> PairCounts:
        return PairCounts(self.n_classes, self.counts + more.counts)

    def cells(self) -> JointCells:
        """Return the pairs that were counted."""
        return JointCells(
            self.n_classes,
            (self.counts.keys // self.n_classes).astype(np.int32),
            (self.counts.keys % self.n_classes).astype(np.int32),
            self.counts.counts,
        )
