"""Counting rows in classes: exact sums, confident classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["EMPTY", "UNDECIDED", "class_sums", "confident_classes"]

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
