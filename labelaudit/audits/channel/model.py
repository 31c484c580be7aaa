"""What the fit hands to the scoring of rows, and what scoring hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["FOLDS", "Channel", "ChannelModel", "ChannelRows"]

FOLDS = 5
LEAST = 1e-200
"""No probability of a channel is below this, so that its logarithm and products stay finite."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Probability of each given label for each true class.

    Attributes
    ----------
    other : (K, K) or (1, K) float64
        Row: given label; column: true class; 0 on the diagonal of the square one. One row serves
        every label where the classes are too many for a square: each label's probabilities are
        then known up to a factor of that label, which no posterior depends on.
    own : (K,) float64
        Probability (or multiple of it, likewise) that a label is given rightly.
    """

    other: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]

    @classmethod
    def of_matrix(cls, matrix: npt.NDArray[np.float64]) -> Channel:
        """Split a (K, K) matrix with columns that sum to 1."""
        other = np.maximum(matrix, LEAST)
        own = np.diagonal(other).copy()
        np.fill_diagonal(other, 0.0)
        return cls(other, own)

    @classmethod
    def of_rate(cls, error: float, frequencies: npt.NDArray[np.float64]) -> Channel:
        """One error rate for all classes, wrong labels falling as often as labels are given."""
        rest = 1.0 - frequencies
        spread = error / np.where(rest > 0.0, rest, 1.0)
        least = np.min(frequencies, initial=1.0, where=frequencies > 0.0)
        own = (1.0 - error) / np.maximum(frequencies, least)
        return cls(np.maximum(spread, LEAST)[None, :], np.maximum(own, LEAST))


@dataclass(frozen=True, slots=True)
class ChannelModel:
    """Everything needed to score any row.

    Attributes
    ----------
    floor : float
        Smaller probabilities count as this.
    sharpening, recalibration : float
        h = sharpening z + recalibration g.
    weights : (folds, K, F) float32 or float64
        What turns the members' log-probabilities, side by side, into h. No fold at all
        where recalibration is 0; one for every row, or one for each fold of the cross-fit.
    offsets : (folds, K) likewise
    seed : int
        Of the hash that tells a row's fold.
    others : (2, K, K) or (2, 1, K) float64
        ``Channel.other`` fitted on softmax(h) and softmax(2 h).
    owns : (2, K) float64
    concentration : float
        Rows' worth of belief in evenly spread noise, with which the first of the channels is
        fitted.
    informative : bool
        The probabilities tell something about the labels beyond their frequencies. If not,
        nothing should be flagged.
    sample_rows : int
        Rows the model was fitted on.
    notes : tuple of str
        What was simplified, one sentence each.
    """

    floor: float
    sharpening: float
    recalibration: float
    weights: npt.NDArray[np.floating]
    offsets: npt.NDArray[np.floating]
    seed: int
    others: npt.NDArray[np.float64]
    owns: npt.NDArray[np.float64]
    concentration: float
    informative: bool
    sample_rows: int
    notes: tuple[str, ...]

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return int(self.owns.shape[1])


@dataclass(frozen=True, slots=True)
class ChannelRows:
    """Scored rows. One that is left out has quality 1, class -1 and probabilities 0 and -1.

    Attributes
    ----------
    score : (n,) float64
        Logarithm of ``label_quality``, precise where that is 0 or 1; low: bad label.
    label_quality : (n,) float64
        Posterior probability that the given label is right.
    suggested : (n,) int32
        Most probable true class, the lowest of equals. It may be the given label.
    quality2 : (n,) float64
        As ``label_quality``, with the probabilities made twice as sharp.
    given : (n,) float64
        Recalibrated probability of the given label, without the channel.
    classes : (n, 3) int32
        Classes of the largest recalibrated probabilities, the lowest of equals first; -1 where
        there are fewer.
    leading : (n, 3) float64
        These probabilities; -1 where there are fewer.
    """

    score: npt.NDArray[np.float64]
    label_quality: npt.NDArray[np.float64]
    suggested: npt.NDArray[np.int32]
    quality2: npt.NDArray[np.float64]
    given: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int32]
    leading: npt.NDArray[np.float64]
