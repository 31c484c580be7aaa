"""Label quality with the probabilities taken at face value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.channel import log_share
from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["doubt_sums", "face_scores"]


@kernel
def face_scores(
    probs: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    floor: float,
    other: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Logarithm of the posterior probability that each label is right, under a channel.

    Parameters
    ----------
    probs : (n, K) float
        Probabilities over true classes; smaller ones count as ``floor``.
    labels : (n,) int32
        Rows with a negative label are left out: score 0.
    floor : float
    other : (K, K) or (1, K) float64
        Probability of the given label (row) for each true class; one row serves all labels.
    own : (K,) float64
        The same where the true class is the given label; the entry of ``other`` is not read.

    Returns
    -------
    (n,) float64
    """
    n, n_classes = probs.shape
    scores = np.zeros(n)
    for i in range(n):
        y = labels[i]
        if y >= 0:
            row = y % other.shape[0]
            rest = 0.0
            for k in range(y):
                rest += max(np.float64(probs[i, k]), floor) * other[row, k]
            for k in range(y + 1, n_classes):
                rest += max(np.float64(probs[i, k]), floor) * other[row, k]
            kept = max(np.float64(probs[i, y]), floor) * own[y]
            scores[i] = log_share(rest, kept, math.log(kept))
    return scores


@kernel
def doubt_sums(
    labels: npt.NDArray[np.int32], doubt: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Sum the probability that a label is wrong, and its square, exactly.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are left out.
    doubt : (n,) float64
        In [0, 1].

    Returns
    -------
    (2, 2) int64
        High parts of both sums, then low parts, as in ``ExactSum``.
    """
    sums = np.zeros((2, 2), np.int64)
    for i in range(len(labels)):
        if labels[i] >= 0:
            value = doubt[i]
            for power in range(2):
                units = np.int64(np.rint(value * 2.0**52))
                sums[0, power] += units >> 26
                sums[1, power] += units & 67108863
                value *= value
    return sums
