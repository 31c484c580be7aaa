"""Tags counted by what the model says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labelaudit.kernels.tag_bins import count_bins
from labelaudit.summaries.sparse_counts import SparseCounts

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["BINS", "HIGHEST", "ClassCells", "LogitCounts", "bin_logits"]

HIGHEST = 12.0
"""Logits are counted from -12 to 12; what lies outside is counted in the outermost bins."""

BINS = 256
"""A bin is 3/32 wide: within it P moves by at most 0.023."""

_PLACES = BINS + 1
_ROOM = 1 << 20


def bin_logits() -> npt.NDArray[np.float64]:
    """(BINS,) float64: the logit in the middle of each bin."""
    return HIGHEST * ((2.0 * np.arange(BINS) + 1.0) / BINS - 1.0)


class ClassCells(NamedTuple):
    """The counts of one class, by group and bin, in ascending order of both.

    ``group``, ``place`` (the bin; BINS where p is unknown), ``given``, ``rest`` are (m,) int64.
    """

    group: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]
    rest: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LogitCounts:
    """For each class, group and bin of logit(p), how many rows are given the tag, how many not.

    Attributes
    ----------
    n_classes, n_groups : int
        K and G.
    cells : SparseCounts
        By ``((class * G + group) * (BINS + 1) + bin) * 2 + given``; bin BINS is for unknown p.
    """

    n_classes: int
    n_groups: int
    cells: SparseCounts

    @classmethod
    def of(
        cls,
        given: npt.NDArray[np.int8],
        probs: npt.NDArray[np.floating],
        group: npt.NDArray[np.int32] | None = None,
        n_groups: int = 1,
    ) -> LogitCounts:
        """Summarize rows.

        Parameters
        ----------
        given : (n, K) int8
            1 given, 0 annotated without, negative: not annotated, left out.
        probs : (n, K) float
            From 0 to 1; NaN: unknown.
        group : (n,) int32, optional
            0..G-1; rows with a negative group are left out.
        n_groups : int
            G.
        """
        n, n_classes = given.shape
        codes = np.zeros(n, np.int32) if group is None else group
        size = n_groups * _PLACES * 2
        step = max(1, _ROOM // size)
        parts = []
        for first in range(0, n_classes, step):
            counts = np.zeros((min(step, n_classes - first), n_groups, _PLACES, 2), np.int64)
            count_bins(given, probs, codes, first, -HIGHEST, counts)
            parts.append(SparseCounts.of_dense(counts.ravel(), first * size))
        return cls(n_classes, n_groups, SparseCounts.joined(parts))

    def __add__(self, other: LogitCounts) -> LogitCounts:
        return LogitCounts(self.n_classes, self.n_groups, self.cells + other.cells)

    def of_class(self, k: int) -> ClassCells:
        """Return the counts of one class."""
        size = self.n_groups * _PLACES * 2
        low, high = np.searchsorted(self.cells.keys, (k * size, (k + 1) * size))
        keys = self.cells.keys[low:high] - k * size
        places, where = np.unique(keys >> 1, return_inverse=True)
        counts = np.zeros((len(places), 2), np.int64)
        counts[where, keys & 1] = self.cells.counts[low:high]
        return ClassCells(places // _PLACES, places % _PLACES, counts[:, 1], counts[:, 0])
