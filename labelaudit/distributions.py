"""How what was found is distributed: small arrays that pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["QualityBins", "Reliability"]


@dataclass(frozen=True, slots=True)
class QualityBins:
    """Rows by label quality, in B bins of equal width from 0 to 1.

    Attributes
    ----------
    rows, flagged : (B,) int64
        Valid rows; those of them that are flagged.
    ranked : (R,) int64
        Valid rows again, in R bins of equal width of the fourth root of the quality: narrow ones
        where rows are worst.
    expected : (R,) float64
        Labels of the ranked rows that are expected to be wrong.
    by_class : (K, b) int64
        Valid rows of each given class, in b wider bins.
    """

    rows: npt.NDArray[np.int64]
    flagged: npt.NDArray[np.int64]
    ranked: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]
    by_class: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether the given label is as often the most probable class as that class's probability says.

    Attributes
    ----------
    confidence, agreement : (b,) float64
        Mean greatest probability of the rows of a bin; the share of them with that label.
    rows : (b,) int64
        Of a sample; bins of equal mass by the greatest probability.
    """

    confidence: npt.NDArray[np.float64]
    agreement: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
