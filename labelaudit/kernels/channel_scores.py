"""The recalibrated channel posterior: scored rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["leading_three", "score_columns", "score_rows", "three_sums"]


@kernel
def leading_three(row: npt.NDArray[np.float32]) -> tuple[float, float, float, int, int, int]:
    """Find the three largest entries of a row; of equal ones the lowest place first.

    Parameters
    ----------
    row : (K,) float32
        Not negative.

    Returns
    -------
    (float, float, float, int, int, int)
        The entries, their places; -1 where there are fewer than three.
    """
    p1 = p2 = p3 = -1.0
    k1 = k2 = k3 = -1
    for k in range(len(row)):
        p = row[k]
        # One branch that is seldom taken, selections inside: no insertion loop to mispredict.
        if p > p3:
            first, second = p > p1, p > p2
            p3 = p2 if second else p
            k3 = k2 if second else k
            p2 = p1 if first else (p if second else p2)
            k2 = k1 if first else (k if second else k2)
            p1 = p if first else p1
            k1 = k if first else k1
    return p1, p2, p3, k1, k2, k3


@kernel
def three_sums(
    row: npt.NDArray[np.float32], other: npt.NDArray[np.float64], twice: npt.NDArray[np.float64]
) -> tuple[float, float, float]:
    """Sum a row, its products with a channel, and its squares' with another, in one go.

    Four sums each that do not wait for each other.

    Parameters
    ----------
    row : (K,) float32
    other, twice : (K,) float64

    Returns
    -------
    (float, float, float)
    """
    n = len(row)
    whole = n // 4 * 4
    s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = u0 = u1 = u2 = u3 = 0.0
    for k in range(0, whole, 4):
        p0, p1 = np.float64(row[k]), np.float64(row[k + 1])
        p2, p3 = np.float64(row[k + 2]), np.float64(row[k + 3])
        s0, s1, s2, s3 = s0 + p0, s1 + p1, s2 + p2, s3 + p3
        t0 += p0 * other[k]
        t1 += p1 * other[k + 1]
        t2 += p2 * other[k + 2]
        t3 += p3 * other[k + 3]
        u0 += p0 * (p0 * twice[k])
        u1 += p1 * (p1 * twice[k + 1])
        u2 += p2 * (p2 * twice[k + 2])
        u3 += p3 * (p3 * twice[k + 3])
    s, t, u = (s0 + s2) + (s1 + s3), (t0 + t2) + (t1 + t3), (u0 + u2) + (u1 + u3)
    for k in range(whole, n):
        p0 = np.float64(row[k])
        s, t, u = s + p0, t + p0 * other[k], u + p0 * (p0 * twice[k])
    return s, t, u


@kernel
def score_rows(
    sharp: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    others: npt.NDArray[np.float64],
    owns: npt.NDArray[np.float64],
    numbers: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int32],
) -> None:
    """Score rows under two channels.

    Parameters
    ----------
    sharp : (n, K) float32
        exp(h), h the recalibrated log-probabilities up to a number for each row. The given
        label's entry is lost.
    labels : (n,) int32
        Rows with a negative label are left out: sums 0, class -1.
    others : (2, K, K) or (2, 1, K) float64
        As ``other`` in ``channel_counts``, for exp(h) and exp(2 h).
    owns : (2, K) float64
        As ``own`` there.
    numbers : (n, 6) float64
        Filled: the sum of exp(h) times the channel over the other classes, and of exp(2 h); the
        given label's softmax(h); the three largest of softmax(h), -1 where there are fewer
        classes.
    classes : (n, 4) int32
        Filled: most probable true class; the classes of those three; lowest class first among
        equals.
    """
    for i in range(len(labels)):
        y = labels[i]
        if y < 0:
            for place in range(3):
                numbers[i, place] = 0.0
                numbers[i, place + 3] = -1.0
            for place in range(4):
                classes[i, place] = -1
            continue
        row, other, twice = sharp[i], others[0, y % others.shape[1]], others[1, y % others.shape[1]]
        p1, p2, p3, k1, k2, k3 = leading_three(row)
        given = np.float64(row[y])
        row[y] = 0.0
        total, rest, rest_twice = three_sums(row, other, twice)
        total += given
        kept = given * owns[0, y]
        suggested = y
        if kept <= rest:  # one of the others may be more probable
            best = kept
            for k in range(len(row)):
                weight = row[k] * other[k]
                if weight > best or (weight == best and k < suggested):
                    best, suggested = weight, k
        numbers[i, 0] = rest
        numbers[i, 1] = rest_twice
        numbers[i, 2] = given / total
        numbers[i, 3] = p1 / total
        numbers[i, 4] = p2 / total if k2 >= 0 else -1.0
        numbers[i, 5] = p3 / total if k3 >= 0 else -1.0
        classes[i, 0], classes[i, 1], classes[i, 2], classes[i, 3] = suggested, k1, k2, k3


@kernel
def score_columns(
    sharp: npt.NDArray[np.float32],
    bits: npt.NDArray[np.int32],
    given: npt.NDArray[np.uint32],
    others: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    sums: npt.NDArray[np.float64],
    leading: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int32],
) -> None:
    """Do what ``score_rows`` does, for rows of few classes that stand side by side.

    Parameters
    ----------
    sharp : (K, n) float32
        As there, but the given label's entry is kept.
    bits : (K, n) int32
        The same bytes: of numbers that are not negative, those of the larger are larger.
    given : (n,) uint32
        Labels; no row is left out.
    others : (2, K, K) float64
    own : (K,) float64
        Of the first channel.
    sums : (3, n) float64
        Room, all 0.
    leading : (3, n) int64
        Room, all -1.
    numbers : (n, 6) float64
    classes : (n, 4) int32
    """
    n_classes, n = sharp.shape
    for k in range(n_classes):
        lower = np.int64(n_classes - 1 - k)
        for i in range(n):
            # No branch, whose way nobody could foretell: the larger of two keys has the larger
            # probability, or the lower class.
            key = (np.int64(bits[k, i]) << 32) | lower
            second = min(leading[0, i], key)
            leading[0, i] = max(leading[0, i], key)
            third = min(leading[1, i], second)
            leading[1, i] = max(leading[1, i], second)
            leading[2, i] = max(leading[2, i], third)
        for i in range(n):
            p, y = np.float64(sharp[k, i]), given[i]
            sums[0, i] += p * others[0, y, k]
            sums[1, i] += p * p * others[1, y, k]
            sums[2, i] += p
    for i in range(n):
        y, rest, total = given[i], sums[0, i], sums[2, i]
        best, suggested = sharp[y, i] * own[y], np.int64(y)
        if best <= rest:  # one of the others may be more probable
            for k in range(n_classes):
                weight = sharp[k, i] * others[0, y, k]
                if weight > best or (weight == best and k < suggested):
                    best, suggested = weight, np.int64(k)
        numbers[i, 0], numbers[i, 1], numbers[i, 2] = rest, sums[1, i], sharp[y, i] / total
        classes[i, 0] = suggested
        for place in range(3):
            key = leading[place, i]
            found = n_classes - 1 - (key & 0xFFFFFFFF)
            numbers[i, place + 3] = -1.0 if key < 0 else sharp[found, i] / total
            classes[i, place + 1] = -1 if key < 0 else found
