"""Counting rows in classes: exact sums, confident classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["EMPTY", "UNDECIDED", "class_sums", "confident_classes", "pair_counts"]

EMPTY = -1
"""No class of the row reaches its threshold."""

UNDECIDED = -2
"""The leading classes of the row do not settle which class it counts for."""


@kernel
def class_sums(
    labels: npt.NDArray[np.int32], values: npt.NDArray[np.floating], n_classes: int
) -> npt.NDArray[np.int64]:
    """Count rows and sum a value for each class, exactly.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are left out.
    values : (n,) float
        In [-2, 2].
    n_classes : int

    Returns
    -------
    (3, K) int64
        Counts, and the high and low parts of the sums as in ``ExactSum``.
    """
    sums = np.zeros((3, n_classes), np.int64)
    for i in range(len(labels)):
        y = labels[i]
        if y >= 0:
            units = np.int64(np.rint(values[i] * 2.0**52))
            sums[0, y] += 1
            sums[1, y] += units >> 26
            sums[2, y] += units & 67108863
    return sums


@kernel
def confident_classes(
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    reach: npt.NDArray[np.float64],
    most_probable: bool,
) -> npt.NDArray[np.int32]:
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
    most_probable : bool
        When several classes reach their thresholds, count the row for the most probable of all
        classes, whether or not that one reaches its own.

    Returns
    -------
    (n,) int32
        Class, ``EMPTY`` or ``UNDECIDED``.
    """
    n = len(classes)
    n_classes = len(reach)
    lowest = np.inf
    for k in range(n_classes):
        lowest = min(lowest, reach[k])
    result = np.empty(n, np.int32)
    for i in range(n):
        found, members = -1, 0
        for place in range(min(3, n_classes)):
            k = classes[i, place]
            if leading[i, place] >= reach[k]:
                members += 1
                if found < 0:
                    found = k
        settled = n_classes <= 3 or leading[i, 2] < lowest
        if not most_probable:
            result[i] = found if found >= 0 or settled else UNDECIDED
        elif members > 1 or found == classes[i, 0]:
            result[i] = classes[i, 0]
        else:
            result[i] = found if settled else UNDECIDED
    return result


@kernel
def pair_counts(
    given: npt.NDArray[np.int32], true: npt.NDArray[np.signedinteger], n_classes: int
) -> npt.NDArray[np.int64]:
    """Count pairs of classes.

    Parameters
    ----------
    given, true : (n,) int
        A pair with a negative class is not counted.
    n_classes : int

    Returns
    -------
    (K * K,) int64
        Pair (i, j) at i * K + j.
    """
    counts = np.zeros(n_classes * n_classes, np.int64)
    for i in range(len(given)):
        if given[i] >= 0 and true[i] >= 0:
            counts[given[i] * n_classes + true[i]] += 1
    return counts
