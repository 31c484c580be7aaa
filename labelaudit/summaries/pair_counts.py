"""How many rows have each pair of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import JointCells
from labelaudit.kernels.joint import pair_counts
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
        if n_classes * n_classes <= MOST_DENSE:
            dense = np.zeros((n_classes, n_classes), np.int64)
            pair_counts(_codes(first), _codes(second), dense)
            return cls(n_classes, SparseCounts.of_dense(dense.ravel()))
        counted = (first >= 0) & (second >= 0)
        codes = first[counted].astype(np.int64) * n_classes + second[counted]
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


def _codes(classes: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.int32]:
    """Return the codes as the one type of array that the kernel is compiled for."""
    codes = np.ascontiguousarray(classes, np.int32).view()
    codes.flags.writeable = False
    return codes
