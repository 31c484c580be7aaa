"""How the label quality of all rows is distributed, and where wrong labels are expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.distributions import QualityBins
from labelaudit.kernels.joint import quality_counts
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["QualityCounts"]

BINS = 256
WIDE_BINS = 16


@dataclass(frozen=True, slots=True)
class QualityCounts:
    """Rows, and labels expected to be wrong, by label quality.

    Rows of one bin differ little in quality, so the expected errors in the worst rows, for any
    number of them, can be read off the bins without all rows being sorted.

    Attributes
    ----------
    rows, flagged : (B,) int64
    expected : SelfConfidence
        Rows by the fourth root of the quality, and the sum of the probabilities of a wrong label.
    by_class : (K * b,) int64
    """

    rows: npt.NDArray[np.int64]
    flagged: npt.NDArray[np.int64]
    expected: SelfConfidence
    by_class: npt.NDArray[np.int64]

    @classmethod
    def none(cls, n_classes: int) -> QualityCounts:
        """Return the counts of no rows."""
        nothing = np.zeros(BINS, np.int64)
        by_class = np.zeros(n_classes * WIDE_BINS, np.int64)
        return cls(nothing, nothing, SelfConfidence.none(BINS), by_class)

    @classmethod
    def of(
        cls,
        quality: npt.NDArray[np.floating],
        labels: npt.NDArray[np.int32],
        flagged: npt.NDArray[np.bool_],
        doubts: npt.NDArray[np.float64],
        n_classes: int,
    ) -> QualityCounts:
        """Count rows.

        Parameters
        ----------
        quality : (n,) float
        labels : (n,) int32
            Negative for rows that are left out.
        flagged : (n,) bool
        doubts : (n,) float64
            Probability that the label is wrong.
        n_classes : int
        """
        counts = np.zeros((2, BINS), np.int64)
        by_class = np.zeros((n_classes, WIDE_BINS), np.int64)
        ranks = np.empty(len(labels), np.int32)
        quality_counts(labels, quality, flagged, counts, by_class, ranks)
        expected = SelfConfidence.of(ranks, doubts, BINS)
        return cls(counts[0], counts[1], expected, by_class.ravel())

    def __add__(self, more: QualityCounts) -> QualityCounts:
        return QualityCounts(
            self.rows + more.rows,
            self.flagged + more.flagged,
            self.expected + more.expected,
            self.by_class + more.by_class,
        )

    def bins(self) -> QualityBins:
        """Return what pictures are made of."""
        return QualityBins(
            rows=self.rows,
            flagged=self.flagged,
            ranked=self.expected.count,
            expected=self.expected.total.value(),
            by_class=self.by_class.reshape(-1, WIDE_BINS),
        )
