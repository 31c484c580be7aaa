"""Is majority vote the Bayes rule? By trying every pattern of votes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def one_coin(right: Floats, k: int) -> Floats:
    """Confusion matrices (H, k, k) of annotators who err evenly."""
    pi = np.repeat(((1 - right) / (k - 1))[:, None], k * k, axis=1).reshape(-1, k, k)
    pi[:, np.arange(k), np.arange(k)] = right[:, None]
    return pi


def least_margin(pi: Floats, prior: Floats) -> float:
    """Least lead of the majority's class in log-posterior over any other, over all patterns.

    Patterns with a tie are left out. Above 0: majority is the Bayes rule; below 0: it is not.
    """
    k = len(prior)
    least = np.inf
    for pattern in itertools.product(range(k), repeat=len(pi)):
        counts = np.bincount(pattern, minlength=k)
        if (counts == counts.max()).sum() > 1:
            continue
        scores = np.log(prior) + np.log(pi[np.arange(len(pi)), :, pattern]).sum(axis=0)
        best = counts.argmax()
        least = min(least, scores[best] - np.delete(scores, best).max())
    return float(least)
