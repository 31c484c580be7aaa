"""Counting rows in classes: exact sums, confident classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "EMPTY",
    "UNDECIDED",
    "class_sums",
    "confident_classes",
    "contested_rows",
    "pair_counts",
    "quality_counts",
    "square_sums",
]

EMPTY = -1
"""No class of the row reaches its threshold."""

UNDECIDED = -2
"""The leading classes of the row do not settle which class it counts for."""


@kernel
def class_sums(
    labels: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    sums: npt.NDArray[np.int64],
) -> None:
    """Count rows and sum a value for each class, exactly.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are left out.
    values : (n,) float64
        In [-2, 2].
    sums : (3, K) int64
        Counts, and the high and low parts of the sums as in ``ExactSum``; added to.
    """
    for i in range(len(labels)):
        y = labels[i]
        if y >= 0:
            units = np.int64(np.rint(values[i] * 2.0**52))
            sums[0, y] += 1
            sums[1, y] += units >> 26
            sums[2, y] += units & 67108863


@kernel
def square_sums(values: npt.NDArray[np.float64], sums: npt.NDArray[np.int64]) -> None:
    """Sum values and their squares, exactly.

    Parameters
    ----------
    values : (n,) float64
        In [-1, 1].
    sums : (2, 2) int64
        High and low parts as in ``ExactSum``, of the values and of the squares; added to.
    """
    for i in range(len(values)):
        units = np.int64(np.rint(values[i] * 2.0**52))
        squares = np.int64(np.rint(values[i] * values[i] * 2.0**52))
        sums[0, 0] += units >> 26
        sums[1, 0] += units & 67108863
        sums[0, 1] += squares >> 26
        sums[1, 1] += squares & 67108863


@kernel
def pair_counts(
    first: npt.NDArray[np.int32], second: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]
) -> None:
    """Count pairs of classes; a pair with a negative one is not counted.

    Parameters
    ----------
    first, second : (n,) int32
    counts : (K, K) int64
        Added to.
    """
    for i in range(len(first)):
        if first[i] >= 0 and second[i] >= 0:
            counts[first[i], second[i]] += 1


@kernel
def quality_counts(
    labels: npt.NDArray[np.int32],
    quality: npt.NDArray[np.floating],
    flagged: npt.NDArray[np.bool_],
    counts: npt.NDArray[np.int64],
    by_class: npt.NDArray[np.int64],
    ranks: npt.NDArray[np.int32],
) -> None:
    """Count rows by label quality, in bins of equal width.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are left out.
    quality : (n,) float
    flagged : (n,) bool
    counts : (2, B) int64
        Of all rows, and of the flagged ones; added to.
    by_class : (K, b) int64
        By given label, in wider bins; added to.
    ranks : (n,) int32
        Filled with the bin of the fourth root of the quality, of B; -1 where left out.
    """
    bins, wide = counts.shape[1], counts.shape[1] // by_class.shape[1]
    for i in range(len(labels)):
        ranks[i] = -1
        if labels[i] >= 0:
            share = max(quality[i], quality.dtype.type(0.0))
            place = min(int(share * bins), bins - 1)
            counts[0, place] += 1
            counts[1, place] += flagged[i]
            by_class[labels[i], place // wide] += 1
            ranks[i] = min(int(np.sqrt(np.sqrt(share)) * bins), bins - 1)


@kernel
def contested_rows(
    labels: npt.NDArray[np.int32],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    rows: npt.NDArray[np.int32],
) -> int:
    """List the rows of which another class is at least as probable as the given one.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are not listed.
    classes, leading : (n, 3)
        From ``leading_classes``.
    rows : (n,) int32
        Filled, ascending.

    Returns
    -------
    int
        How many there are.
    """
    n = 0
    for i in range(len(labels)):
        rows[n] = i
        rival = classes[i, 0] != labels[i] or leading[i, 1] >= leading[i, 0]
        n += labels[i] >= 0 and rival
    return n


@kernel
def confident_classes(
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    reach: npt.NDArray[np.float64],
    lowest: float,
    most_probable: bool,
    confident: npt.NDArray[np.int32],
) -> None:
    """Decide from the leading classes of each row which class it counts for.

    A row counts for the most probable of the classes that reach their thresholds (Northcutt,
    Jiang, Chuang 2021, eq. 1). The leading three classes nearly always settle that: any other
    class has at most the probability of the third.

    Parameters
    ----------
    classes, leading : (n, 3)
        From ``leading_classes``.
    reach : (K,) float64
        What a class's probability must be at least; infinite for a class without threshold.
    lowest : float
        What the probability of a class that is not among the three must be at least; infinite
        where there is none.
    most_probable : bool
        When several classes reach their thresholds, count the row for the most probable of all
        classes, whether or not that one reaches its own.
    confident : (n,) int32
        Filled with classes, ``EMPTY`` or ``UNDECIDED``.
    """
    for i in range(len(classes)):
        found, members = -1, 0
        for place in range(3):
            k = classes[i, place]
            if k >= 0 and leading[i, place] >= reach[k]:
                members += 1
                if found < 0:
                    found = k
        unsure = members == 0
        if most_probable:
            found = classes[i, 0] if members > 1 else found
            unsure = found != classes[i, 0]
        confident[i] = UNDECIDED if unsure and leading[i, 2] >= lowest else found
