"""Is majority vote the best possible rule for these annotators? Closed forms.

After "The Majority Vote Paradigm Shift: When Popular Meets Optimal". All conditions are about
vote patterns without a tie, with strict inequalities: majority vote then returns the class of
largest posterior probability, whatever the votes are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

__all__ = [
    "best_with_binary_annotators",
    "best_with_equal_binary_annotators",
    "best_with_one_coin_annotators",
    "best_with_symmetric_annotators",
]


def best_with_symmetric_annotators(error: float, prior: float) -> bool:
    """Two classes, an odd number of annotators who all err with the same probability.

    Parameters
    ----------
    error : float
        Probability of a wrong vote, whatever the class.
    prior : float
        Probability of one of the classes.
    """
    return error < prior < 1.0 - error


def best_with_equal_binary_annotators(
    right: tuple[float, float], prior: tuple[float, float], annotators: int
) -> bool:
    """Two classes, an odd number of annotators with the same confusion matrix.

    Parameters
    ----------
    right : (float, float)
        Probability of a right vote where the class is 0, and where it is 1; inside (0, 1).
    prior : (float, float)
        Probabilities of the classes.
    annotators : int
        Their number, odd.
    """
    d0, d1 = right[0] / (1.0 - right[1]), right[1] / (1.0 - right[0])
    middle, width = (d0 / d1) ** (annotators / 2.0), (d0 * d1) ** 0.5
    return bool(middle / width < prior[1] / prior[0] < middle * width)


def best_with_binary_annotators(right: Floats, prior: Floats) -> Flags:
    """Two classes, any annotators in any number.

    Parameters
    ----------
    right : (n, H, 2) float64
        For n groups of H annotators: probability of a right vote by true class, inside (0, 1).
    prior : (2,) float64

    Returns
    -------
    (n,) bool
    """
    for_0 = np.log(right[:, :, 0]) - np.log1p(-right[:, :, 1])
    for_1 = np.log(right[:, :, 1]) - np.log1p(-right[:, :, 0])
    lean = np.log(prior[0] / prior[1]) + (for_0 - for_1).sum(axis=1) / 2.0
    weight = np.sort(for_0 + for_1, axis=1)
    needed = right.shape[1] // 2 + 1
    least = (weight[:, :needed].sum(axis=1) - weight[:, needed:].sum(axis=1)) / 2.0
    certain: Flags = least > np.abs(lean)
    return certain


def best_with_one_coin_annotators(right: Floats, prior: Floats) -> Flags:
    """K classes, any number of annotators who err evenly over the wrong classes.

    The m weakest annotators for one class must outweigh the r < m strongest for another, for
    all m and r that leave few enough votes for the other K - 2 classes to stay behind.

    Parameters
    ----------
    right : (n, H) float64
        For n groups of H annotators: probability of a right vote, inside (0, 1).
    prior : (K,) float64

    Returns
    -------
    (n,) bool
    """
    groups, size = right.shape
    classes = len(prior)
    weight = np.sort(np.log(right) - np.log1p(-right) + np.log(classes - 1.0), axis=1)
    low = np.concatenate([np.zeros((groups, 1)), np.cumsum(weight, axis=1)], axis=1)
    high = np.concatenate([np.zeros((groups, 1)), np.cumsum(weight[:, ::-1], axis=1)], axis=1)
    margin = np.full(groups, np.inf)
    for m in range(1, size + 1):
        fewest = max(size - m - (classes - 2) * (m - 1), 0)
        most = min(m - 1, size - m)
        if fewest <= most:
            # The strongest rival has most annotators: if one of them weighs less than nothing,
            # so do the m weakest together, and the condition fails either way.
            margin = np.minimum(margin, low[:, m] - high[:, most])
    certain: Flags = margin > np.log(prior.max() / prior.min())
    return certain
