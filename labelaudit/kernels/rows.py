"""One look at every row: whether it is a distribution, and which classes lead it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "LEADING",
    "STATUSES",
    "complaint",
    "entropies",
    "leading_classes",
    "leading_classes_single",
    "row_statuses",
]

LEADING = 3
"""How many leading classes are kept of a row between readings."""

STATUSES = (
    "valid",
    "nan",
    "infinite",
    "percent",
    "log_probabilities",
    "negative",
    "above_one",
    "wrong_sum",
)
"""What a row's probabilities can be; a status is an index into this."""


@kernel
def complaint(row: npt.NDArray[np.floating], tolerance: float) -> int:
    """Name what is wrong with one row whose sum is off or that has an entry outside [0, 1].

    Parameters
    ----------
    row : (K,) float
    tolerance : float
        How far the sum may be from 1.

    Returns
    -------
    int
        Index into ``STATUSES``.
    """
    total, exponentials, lowest, highest = 0.0, 0.0, math.inf, -math.inf
    for k in range(len(row)):
        p = np.float64(row[k])
        if math.isnan(p):
            return 1
        if p == math.inf:
            return 2
        total += p
        exponentials += math.exp(min(p, 1.0))
        lowest, highest = min(lowest, p), max(highest, p)
    if highest <= 0.0 and abs(exponentials - 1.0) <= tolerance:
        return 4
    if lowest == -math.inf:
        return 2
    if lowest < 0.0:
        return 5
    if abs(total - 100.0) <= 100.0 * tolerance + 0.1:
        return 3
    return 6 if highest > 1.0 + tolerance else 7


@kernel
def row_statuses(
    labels: npt.NDArray[np.int32], probs: npt.NDArray[np.floating], tolerance: float
) -> npt.NDArray[np.uint8]:
    """Check that every row of probabilities is a distribution.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are not looked at.
    probs : (n, K) float
    tolerance : float
        How far a row's sum may be from 1.

    Returns
    -------
    (n,) uint8
        Indices into ``STATUSES``.
    """
    n, n_classes = probs.shape
    status = np.zeros(n, np.uint8)
    for i in range(n):
        if labels[i] < 0:
            continue
        total = 0.0
        negative = 0
        for k in range(n_classes):
            total += probs[i, k]
            negative += probs[i, k] < 0.0
        # Written so that NaN, which no comparison holds for, falls through to the complaint.
        if not (negative == 0 and abs(total - 1.0) <= tolerance):
            status[i] = complaint(probs[i], tolerance)
    return status


@kernel
def leading_classes(
    labels: npt.NDArray[np.int32], probs: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Find the three most probable classes of every row; of equal ones the lowest class first.

    Parameters
    ----------
    labels : (n,) int32
    probs : (n, K) float

    Returns
    -------
    classes : (n, 3) int32
        Most probable first; -1 where there are fewer than three classes.
    leading : (n, 3) float, type of ``probs``
        Their probabilities; -1 where there are fewer than three classes.
    given : (n,) float, type of ``probs``
        Probability of the given label; 0 for a row that is left out.
    """
    n, n_classes = probs.shape
    given = np.zeros(n, probs.dtype)
    classes = np.empty((n, 3), np.int32)
    leading = np.empty((n, 3), probs.dtype)
    none = probs.dtype.type(-1.0)
    for i in range(n):
        p1 = p2 = p3 = none
        k1 = k2 = k3 = np.int32(-1)
        for k in range(n_classes):
            p = probs[i, k]
            # One branch that is seldom taken, selections inside: mispredicted branches are what
            # this loop would spend its time on (1.2 to 2 times slower as an insertion loop).
            if p > p3:
                first, second, this = p > p1, p > p2, np.int32(k)
                p3 = p2 if second else p
                k3 = k2 if second else this
                p2 = p1 if first else (p if second else p2)
                k2 = k1 if first else (this if second else k2)
                p1 = p if first else p1
                k1 = this if first else k1
        classes[i, 0], classes[i, 1], classes[i, 2] = k1, k2, k3
        leading[i, 0], leading[i, 1], leading[i, 2] = p1, p2, p3
        if labels[i] >= 0:
            given[i] = probs[i, labels[i]]
    return classes, leading, given


@kernel
def leading_classes_single(
    labels: npt.NDArray[np.int32], probs: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Find the three most probable classes, as ``leading_classes`` does, in single precision.

    The bits of floats that are not negative are in the order of their values, so probability and
    class fit into one integer of 64 bits, and three minima and maxima sort one more entry in
    without a branch: 6 times as fast for 10 classes.

    Parameters
    ----------
    labels : (n,) int32
    probs : (n, K) float32
        Of a row with an entry that is negative or NaN the result has no meaning.

    Returns
    -------
    classes : (n, 3) int32
    leading : (n, 3) float32
    given : (n,) float32
    """
    n, n_classes = probs.shape
    bits = probs.view(np.int32)
    classes = np.empty((n, 3), np.int32)
    leading = np.empty((n, 3), np.float32)
    given = np.empty(n, np.float32)
    for i in range(n):
        k1 = k2 = k3 = np.int64(-1)
        for k in range(n_classes):
            # Zero may have a sign. Of equal probabilities the lowest class is the greatest key.
            magnitude = np.int64(bits[i, k] & np.int32(0x7FFFFFFF))
            key = (magnitude << 32) | np.int64(0x7FFFFFFF - k)
            lower = min(k1, key)
            k1 = max(k1, key)
            lowest = min(k2, lower)
            k2 = max(k2, lower)
            k3 = max(k3, lowest)
        for place in range(3):
            key = k1 if place == 0 else (k2 if place == 1 else k3)
            found = 0x7FFFFFFF - (key & 0xFFFFFFFF) if key >= 0 else -1
            classes[i, place] = found
            leading[i, place] = probs[i, found] if found >= 0 else np.float32(-1.0)
        given[i] = probs[i, labels[i]] if labels[i] >= 0 else np.float32(0.0)
    return classes, leading, given


@kernel
def entropies(
    probs: npt.NDArray[np.floating], wanted: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Entropy of the wanted rows as a share of the most it can be, ln K; 0 for the others.

    Parameters
    ----------
    probs : (n, K) float
    wanted : (n,) bool

    Returns
    -------
    (n,) float64
    """
    n, n_classes = probs.shape
    result = np.zeros(n)
    if n_classes < 2:
        return result
    for i in range(n):
        if wanted[i]:
            total = 0.0
            for k in range(n_classes):
                p = np.float64(probs[i, k])
                if p > 0.0:
                    total -= p * math.log(p)
            result[i] = total / math.log(n_classes)
    return result
