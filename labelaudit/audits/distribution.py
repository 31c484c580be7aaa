"""How the label quality of all rows is distributed, and where wrong labels are expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.distributions import QualityBins

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.second import SecondReading

__all__ = ["quality_bins"]

BINS = 256
WIDE_BINS = 16


def quality_bins(
    quality: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    flagged: npt.NDArray[np.bool_],
    second: SecondReading,
    n_classes: int,
) -> QualityBins:
    """Count rows, and labels expected to be wrong, by label quality.

    Rows of one bin differ little in quality, so the expected errors in the worst rows, for any
    number of them, can be read off the bins without all rows being sorted. Sums are
    taken in row order, so that they do not depend on how the rows were read.

    Parameters
    ----------
    quality : (N,) float
    labels : (N,) int32
        Negative for rows that are left out.
    flagged : (N,) bool
    second : SecondReading
    n_classes : int
    """
    valid = labels >= 0
    place = _place(quality)
    rank = _place(np.sqrt(np.sqrt(np.maximum(quality, 0.0))))
    return QualityBins(
        rows=np.bincount(place[valid], minlength=BINS),
        flagged=np.bincount(place[flagged], minlength=BINS),
        ranked=np.bincount(rank[valid], minlength=BINS),
        expected=_doubt(rank, valid, second.face_score),
        by_class=_by_class(place[valid], labels[valid], n_classes),
    )


def _place(share: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
    place: npt.NDArray[np.int16] = np.clip(share * BINS, 0, BINS - 1).astype(np.int16)
    return place


def _doubt(
    place: npt.NDArray[np.int16], valid: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Add up the probability of a wrong label, of which the score is a logarithm."""
    doubt = np.where(valid, -np.expm1(score), 0.0)
    return np.bincount(place, weights=doubt, minlength=BINS).astype(np.float64)


def _by_class(
    place: npt.NDArray[np.int16], labels: npt.NDArray[np.int32], n_classes: int
) -> npt.NDArray[np.int64]:
    cell = labels.astype(np.int64) * WIDE_BINS + place // (BINS // WIDE_BINS)
    return np.bincount(cell, minlength=n_classes * WIDE_BINS).reshape(n_classes, WIDE_BINS)
