"""Margins of leading classes, and what they say at face value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["face_scores", "low_margins"]


@kernel
def low_margins(
    rows: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int32],
    given: npt.NDArray[np.floating],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    start: npt.NDArray[np.int64],
    other: npt.NDArray[np.int32],
    cuts: npt.NDArray[np.float64],
    negative: bool,
    cell: npt.NDArray[np.int32],
    row: npt.NDArray[np.int32],
    margin: npt.NDArray[np.float64],
) -> int:
    """List P(given) - P(other) of leading classes, where a cell asks for it.

    Parameters
    ----------
    rows : (m,) int32
        Which of the n rows to look at.
    labels : (n,) int32
        Rows with a negative label have no margins.
    given : (n,) float
        Probability of the given class.
    classes, leading : (n, 3)
        From ``leading_classes``.
    start : (K + 1,) int64
        Cells of given class k are ``start[k]:start[k + 1]``.
    other : (C,) int32
        The other class of each cell, ascending for each given class.
    cuts : (C,) float64
        No greater margin is asked for.
    negative : bool
        List the negative margins, or the others.
    cell, row, margin : (3 m,) int32, int32, float64
        Filled, in the order of ``rows``.

    Returns
    -------
    int
        How many margins there are.
    """
    n = 0
    for i in rows:
        y = labels[i]
        if y < 0 or (negative and given[i] >= leading[i, 0]):
            continue
        first, after = start[y], start[y + 1]
        for place in range(3):
            k = classes[i, place]
            difference = given[i] - leading[i, place]
            if k < 0 or (difference < 0.0) != negative:
                continue
            # Where all other classes have a cell, this is the one.
            low = first + k - (k > y)
            if low >= after or other[low] != k:
                low, high = first, after
                while low < high:
                    middle = (low + high) >> 1
                    if other[middle] < k:
                        low = middle + 1
                    else:
                        high = middle
            if low < after and other[low] == k:
                cell[n], row[n], margin[n] = low, i, difference
                n += difference <= cuts[low]
    return n


@kernel
def face_scores(
    labels: npt.NDArray[np.int32],
    given: npt.NDArray[np.floating],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    floor: float,
    least: npt.NDArray[np.floating],
    other: npt.NDArray[np.float64],
    others: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
) -> None:
    """How probable it is that the label is wrong, negative so that the worst rows are the lowest.

    What is left to the classes that are neither given nor among the leading ones is taken as
    spread evenly over them.

    Parameters
    ----------
    labels : (n,) int32
    given : (n,) float
        Probability of the given class.
    classes, leading : (n, 3)
        From ``leading_classes``.
    floor : float
        Smaller probabilities count as this.
    least : (1,) float, type of ``leading``
        The same.
    other : (K, K) or (1, K) float64
        P(label | other true class), from the channel.
    others : (K,) float64
        Its sum over the classes that are not the given one.
    own : (K,) float64
        P(label | true class) where the label is right.
    scores : (n,) float64
        Filled; 0 for a row that is left out.
    """
    rows, n_classes = other.shape
    for i in range(len(labels)):
        y = labels[i]
        if y < 0:
            scores[i] = 0.0
            continue
        line = y if rows > 1 else 0
        own_prob = np.float64(given[i])
        rest, left, spread = 0.0, 1.0 - own_prob, others[y]
        among = n_classes - 1
        for place in range(3):
            k = classes[i, place]
            if k >= 0 and k != y:
                weight = other[line, k]
                rest += np.float64(max(leading[i, place], least[0])) * weight
                left -= np.float64(leading[i, place])
                spread -= weight
                among -= 1
        if among > 0:
            rest += max(left, among * floor) * max(spread, 0.0) / among
        scores[i] = -rest / (rest + max(own_prob, floor) * own[y])
