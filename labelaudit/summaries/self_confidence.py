"""How sure the model is of the given labels, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.joint import class_sums
from labelaudit.summaries.exact import ExactSum

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["THRESHOLD_FLOOR", "SelfConfidence"]

AT_ONCE = 1 << 16

THRESHOLD_FLOOR = 2e-6
"""No threshold is lower, so that it stays above 0 when the slack of 1e-6 is taken off."""


@dataclass(frozen=True, slots=True)
class SelfConfidence:
    """Rows of each given class, and the sum of P(given) over them.

    Attributes
    ----------
    count : (K,) int64
    total : ExactSum of shape (K,)
    """

    count: npt.NDArray[np.int64]
    total: ExactSum

    @classmethod
    def of(
        cls, labels: npt.NDArray[np.int32], given_prob: npt.NDArray[np.floating], n_classes: int
    ) -> SelfConfidence:
        """Summarize rows; those with a negative label are left out."""
        labels = labels.view()
        labels.flags.writeable = False  # numba compiles apart what can be written to
        sums = np.zeros((3, n_classes), np.int64)
        for start in range(0, len(labels), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            class_sums(labels[part], given_prob[part].astype(np.float64), sums)
        return cls(sums[0], ExactSum(sums[1], sums[2]))

    @classmethod
    def none(cls, n_classes: int) -> SelfConfidence:
        """Return the sums of no rows."""
        nothing = np.zeros(n_classes, np.int64)
        return cls(nothing, ExactSum(nothing, nothing))

    def __add__(self, other: SelfConfidence) -> SelfConfidence:
        return SelfConfidence(self.count + other.count, self.total + other.total)

    def thresholds(self) -> npt.NDArray[np.float64]:
        """(K,) float64 confident thresholds: the mean of P(given); NaN for a class without rows."""
        mean = np.full(len(self.count), np.nan)
        np.divide(self.total.value(), self.count, out=mean, where=self.count > 0)
        np.maximum(mean, THRESHOLD_FLOOR, out=mean)
        return mean
