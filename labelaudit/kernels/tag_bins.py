"""Counts of tags by what the model says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["bin_of", "count_bins"]


@kernel
def bin_of(prob: float, lowest: float, bins: int) -> int:
    """Find the bin of a probability among equal bins of its logit from ``lowest`` to ``-lowest``.

    Parameters
    ----------
    prob : float
        From 0 to 1, or NaN.
    lowest : float
        Negative; what lies outside is counted in the first or last bin.
    bins : int

    Returns
    -------
    int
        0 to ``bins - 1``; ``bins`` for NaN.
    """
    if np.isnan(prob):
        return bins
    if prob <= 0.0:
        return 0
    if prob >= 1.0:
        return bins - 1
    at = int(np.floor((np.log(prob) - np.log1p(-prob) - lowest) / (-2.0 * lowest) * bins))
    return min(max(at, 0), bins - 1)


@kernel
def count_bins(
    given: npt.NDArray[np.int8],
    probs: npt.NDArray[np.floating],
    group: npt.NDArray[np.int32],
    first: int,
    lowest: float,
    counts: npt.NDArray[np.int64],
) -> None:
    """Count cells of a block by class, group, bin of the logit and whether the tag is given.

    Parameters
    ----------
    given : (n, K) int8
        1 given, 0 not given, negative: left out.
    probs : (n, K) float
    group : (n,) int32
        Below G; rows with a negative group are left out.
    first : int
        The classes counted are ``first`` and those after it, as many as ``counts`` has room for.
    lowest : float
    counts : (C, G, bins + 1, 2) int64, changed in place
    """
    bins = counts.shape[2] - 1
    for i in range(len(given)):
        if group[i] >= 0:
            for k in range(counts.shape[0]):
                tag = given[i, first + k]
                if tag >= 0:
                    place = bin_of(np.float64(probs[i, first + k]), lowest, bins)
                    counts[k, group[i], place, tag] += 1
