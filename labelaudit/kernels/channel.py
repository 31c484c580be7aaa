"""The recalibrated channel posterior: products in a fixed order, and soft counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "add_product",
    "channel_counts",
    "hash_offset",
    "mixed",
    "other_sums",
    "power_sums",
    "renew_channel",
    "sample_hash",
]


def sample_hash(first_row: int, n: int, seed: int) -> npt.NDArray[np.uint64]:
    """Hash row numbers, so that a sample or a fold depends on the row and not on the layout.

    Parameters
    ----------
    first_row : int
        Number of the first row in the whole input.
    n : int
        How many consecutive rows.
    seed : int

    Returns
    -------
    (n,) uint64
        splitmix64 (Steele, Lea, Flood 2014) of row + splitmix64(seed).
    """
    rows = np.arange(first_row, first_row + n, dtype=np.uint64)
    return mixed(rows + np.uint64(hash_offset(seed)))


def hash_offset(seed: int) -> int:
    """Return what is added to row numbers before they are hashed: splitmix64(seed)."""
    return int(mixed(np.array([seed % 2**64], np.uint64))[0])


def mixed(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return splitmix64's successor of every number of an array."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def add_product(
    left: npt.NDArray[np.floating], right: npt.NDArray[np.floating], out: npt.NDArray[np.floating]
) -> None:
    """Add ``left @ right`` to ``out``; every entry's terms are added in the order of ``right``.

    A library's product sums in an order that depends on the shapes and the threads; here a row
    of the result is the same bytes whichever other rows are computed with it.

    Parameters
    ----------
    left : (n, m) float32 or float64
    right : (m, K) the same
    out : (n, K) the same
        Changed in place.
    """
    n, m = left.shape
    width = right.shape[1]
    for start in range(0, m, 64):
        stop = min(m, start + 64)
        whole = start + (stop - start) // 4 * 4
        for i in range(0, n - 1, 2):
            # Two rows at a time, and four terms for each load and store of a sum: 5 times as fast
            # as one and one.
            x, y, x_sums, y_sums = left[i], left[i + 1], out[i], out[i + 1]
            for f in range(start, whole, 4):
                x0, x1, x2, x3 = x[f], x[f + 1], x[f + 2], x[f + 3]
                y0, y1, y2, y3 = y[f], y[f + 1], y[f + 2], y[f + 3]
                r0, r1, r2, r3 = right[f], right[f + 1], right[f + 2], right[f + 3]
                for k in range(width):
                    total = ((x_sums[k] + x0 * r0[k]) + x1 * r1[k]) + x2 * r2[k]
                    x_sums[k] = total + x3 * r3[k]
                    total = ((y_sums[k] + y0 * r0[k]) + y1 * r1[k]) + y2 * r2[k]
                    y_sums[k] = total + y3 * r3[k]
        for i in range(n):
            # What is left: some terms of the pairs, all terms of a last row without another.
            for f in range(whole if i < n // 2 * 2 else start, stop):
                for k in range(width):
                    out[i, k] += left[i, f] * right[f, k]


@kernel
def other_sums(
    probs: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64],
    sums: npt.NDArray[np.float64],
) -> None:
    """Sum weighted probabilities over the classes that are not the given one.

    Parameters
    ----------
    probs : (n, K) float
        That of the given class is set to 0 while its row is looked at.
    labels : (n,) int32
    weights : (K,) float64
    sums : (n,) float64
        Filled.
    """
    n = len(labels)
    for start in range(0, n, 4):
        # Four sums that do not wait for each other; what is behind the last row is done again.
        i0, i1, i2, i3 = start, min(start + 1, n - 1), min(start + 2, n - 1), min(start + 3, n - 1)
        kept0, kept1 = probs[i0, labels[i0]], probs[i1, labels[i1]]
        kept2, kept3 = probs[i2, labels[i2]], probs[i3, labels[i3]]
        for i in range(start, min(start + 4, n)):
            probs[i, labels[i]] = 0.0
        rest0 = rest1 = rest2 = rest3 = 0.0
        for k in range(len(weights)):
            rest0 += probs[i0, k] * weights[k]
            rest1 += probs[i1, k] * weights[k]
            rest2 += probs[i2, k] * weights[k]
            rest3 += probs[i3, k] * weights[k]
        sums[i0], sums[i1], sums[i2], sums[i3] = rest0, rest1, rest2, rest3
        probs[i0, labels[i0]], probs[i1, labels[i1]] = kept0, kept1
        probs[i2, labels[i2]], probs[i3, labels[i3]] = kept2, kept3


@kernel
def channel_counts(
    probs: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    first: int,
    other: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
) -> float:
    """Add each row's posterior over true classes, short of the channel, to its label's counts.

    The entry of given label j and true class k times the channel's is the posterior's.

    Parameters
    ----------
    probs : (n, K) float32
        Distribution over true classes, without the label; of any sum.
    labels : (n,) int32
    first : int
        The label that the first of the counts is of.
    other : (K, K) float64
        Probability of the given label (row) for each true class; 0 on the diagonal.
    own : (K,) float64
        The same where the true class is the given label.
    counts : (L, K) float64
        Changed in place.

    Returns
    -------
    float
        Sum over rows of the posterior probability that the label is wrong.
    """
    wrong, n_classes = 0.0, probs.shape[1]
    whole = n_classes // 8 * 8
    for i in range(len(labels)):
        y = labels[i]
        row, weights, sums = probs[i], other[y], counts[y - first]
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        for k in range(0, whole, 8):
            # Eight sums that do not wait for each other: 3 times as fast as one.
            s0 += row[k] * weights[k]
            s1 += row[k + 1] * weights[k + 1]
            s2 += row[k + 2] * weights[k + 2]
            s3 += row[k + 3] * weights[k + 3]
            s4 += row[k + 4] * weights[k + 4]
            s5 += row[k + 5] * weights[k + 5]
            s6 += row[k + 6] * weights[k + 6]
            s7 += row[k + 7] * weights[k + 7]
        rest = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
        for k in range(whole, n_classes):
            rest += row[k] * weights[k]
        scale = 1.0 / (rest + row[y] * own[y])
        for k in range(n_classes):
            sums[k] += row[k] * scale
        wrong += rest * scale
    return wrong


@kernel
def renew_channel(
    counts: npt.NDArray[np.float64],
    before: npt.NDArray[np.float64],
    first: int,
    given: npt.NDArray[np.float64],
    true: npt.NDArray[np.float64],
    flat: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
    moved: npt.NDArray[np.float64],
) -> None:
    """Make rows of a channel of soft counts and a prior.

    Parameters
    ----------
    counts : (L, K) float64
        Changed in place to ``counts share + given true + flat``; 0 for the given label.
    before : (L, K) float64
        The channel as it was.
    first : int
        The label that the first row is of.
    given : (L,) float64
    true, flat, share : (K,) float64
    moved : (K,) float64
        The largest change of an entry, where it is larger than what stands there.
    """
    for j in range(len(counts)):
        row, old, factor, y = counts[j], before[j], given[j], first + j
        most = moved[y]
        for k in range(len(share)):
            entry = row[k] * share[k] + (factor * true[k] + flat[k])
            change = abs(entry - old[k])
            row[k] = entry
            moved[k] = max(moved[k], change)
        row[y], moved[y] = 0.0, most


@kernel
def power_sums(
    of_z: npt.NDArray[np.float32],
    of_g: npt.NDArray[np.float32],
    pairs: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    whole: npt.NDArray[np.float64],
    mean: npt.NDArray[np.float64],
) -> None:
    """Add up products of two sorts of powers over classes, as they are and weighted.

    Parameters
    ----------
    of_z, of_g : (A, K, n) and (B, K, n) float32
    pairs : (P, 2) int64
        Which are multiplied.
    weights : (K, n) float64
    whole, mean : (P, n) float64
        Sums are added to these.
    """
    for p in range(len(pairs)):
        z, g, sums, weighted = of_z[pairs[p, 0]], of_g[pairs[p, 1]], whole[p], mean[p]
        for k in range(len(weights)):
            for i in range(len(sums)):
                product = np.float64(z[k, i]) * g[k, i]
                sums[i] += product
                weighted[i] += product * weights[k, i]
