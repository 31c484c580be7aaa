"""Label quality with the probabilities taken at face value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.channel import log_share
from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["face_scores"]


@kernel
def face_scores(
    probs: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    floor: float,
    other: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
) -> None:
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
    scores : (n,) float64
        Filled.
    """
    for i in range(len(labels)):
        y = labels[i]
        scores[i] = 0.0
        if y >= 0:
            row = y % other.shape[0]
            rest = kept = 0.0
            for k in range(probs.shape[1]):
                p = max(np.float64(probs[i, k]), floor)
                if k == y:
                    kept = p * own[k]
                else:
                    rest += p * other[row, k]
            scores[i] = log_share(rest, kept, math.log(kept))
