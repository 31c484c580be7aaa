"""The recalibrated channel posterior: products in a fixed order, soft counts, scored rows."""

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
    "leading_three",
    "mixed",
    "power_sums",
    "rate_errors",
    "renew_channel",
    "sample_hash",
    "score_columns",
    "score_rows",
    "three_sums",
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
def rate_errors(
    probs: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    other: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
) -> float:
    """Sum what ``channel_counts`` sums, where one row of the channel serves all labels.

    Parameters
    ----------
    probs : (n, K) float32
        Distribution over true classes, without the label. That of the given class is set to 0
        while its row is looked at.
    labels : (n,) int32
    other, own : (K,) float64

    Returns
    -------
    float
        Sum over rows of the posterior probability that the label is wrong.
    """
    n, wrong = len(labels), 0.0
    for start in range(0, n, 4):
        # Four sums that do not wait for each other; what is behind the last row is counted off.
        i0, i1, i2, i3 = start, min(start + 1, n - 1), min(start + 2, n - 1), min(start + 3, n - 1)
        kept0, kept1 = probs[i0, labels[i0]], probs[i1, labels[i1]]
        kept2, kept3 = probs[i2, labels[i2]], probs[i3, labels[i3]]
        for i in range(start, min(start + 4, n)):
            probs[i, labels[i]] = 0.0
        rest0 = rest1 = rest2 = rest3 = 0.0
        for k in range(len(other)):
            rest0 += probs[i0, k] * other[k]
            rest1 += probs[i1, k] * other[k]
            rest2 += probs[i2, k] * other[k]
            rest3 += probs[i3, k] * other[k]
        rests, kept = (rest0, rest1, rest2, rest3), (kept0, kept1, kept2, kept3)
        for i in range(start, min(start + 4, n)):
            y, rest = labels[i], rests[i - start]
            probs[i, y] = kept[i - start]
            wrong += rest * (1.0 / (rest + kept[i - start] * own[y]))
    return wrong


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
        p0, p1, p2, p3 = row[k], row[k + 1], row[k + 2], row[k + 3]
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
        s, t, u = s + row[k], t + row[k] * other[k], u + row[k] * (row[k] * twice[k])
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
        given = row[y]
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
