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
    "complaints",
    "entropies",
    "leading_classes",
    "leading_classes_single",
    "leading_classes_wide",
    "sampled_rows",
    "unsound_rows",
]

NARROW = 32
TILE_NUMBERS = 1 << 16

LEADING = 3
"""How many leading classes are kept of a row between readings."""

MINUS_ONE = int(np.array(-1.0, np.float32).view(np.int32))
"""The bits of -1 in single precision."""

NO_SIGN = np.int32(0x7FFFFFFF)
NOTHING = np.int32(0)

STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)

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


def complaints(probs: npt.NDArray[np.floating], tolerance: float) -> npt.NDArray[np.uint8]:
    """Name what is wrong with rows whose sum is off or that have an entry outside [0, 1].

    Parameters
    ----------
    probs : (n, K) float
    tolerance : float
        How far a row's sum may be from 1.

    Returns
    -------
    (n,) uint8
        Indices into ``STATUSES``.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        total = probs.sum(axis=1, dtype=np.float64)
        exponentials = np.exp(np.minimum(probs, 1.0, dtype=np.float64)).sum(axis=1)
        highest, lowest = probs.max(axis=1), probs.min(axis=1)
        tests = {
            "nan": np.isnan(lowest),
            "infinite": highest == np.inf,
            "log_probabilities": (highest <= 0.0) & (np.abs(exponentials - 1.0) <= tolerance),
            "minus_infinite": lowest == -np.inf,
            "negative": lowest < 0.0,
            "percent": np.abs(total - 100.0) <= 100.0 * tolerance + 0.1,
            "above_one": highest > 1.0 + tolerance,
        }
    names = [STATUSES.index(name.removeprefix("minus_")) for name in tests]
    found = np.select(list(tests.values()), names, STATUSES.index("wrong_sum"))
    return found.astype(np.uint8)


@kernel
def unsound_rows(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.floating],
    tolerance: float,
    unsound: npt.NDArray[np.bool_],
) -> None:
    """Find rows of probabilities that are no distribution.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are not looked at.
    probs : (n, K) float
    tolerance : float
        How far a row's sum may be from 1.
    unsound : (n,) bool
        Filled.
    """
    n_classes = probs.shape[1]
    whole = n_classes - n_classes % 4
    zero, most, units = probs.dtype.type(0.0), probs.dtype.type(1.5), probs.dtype.type(2.0**30)
    close = (tolerance - 1e-6) * 2.0**30 - n_classes
    for i in range(len(labels)):
        # Whole numbers are added up in any order, so many at a time: of nearly all rows the sum of
        # rounded probabilities says enough.
        inside = count = 0
        for k in range(n_classes):
            p = probs[i, k]
            is_inside = (p >= zero) & (p <= most)
            inside += is_inside
            count += int(np.int32(p * units if is_inside else zero))
        if inside == n_classes and abs(count - 2**30) <= close:
            unsound[i] = False
            continue
        # Four sums do not wait for each other: more than twice as fast as one.
        total = second = third = fourth = np.float64(0.0)
        for k in range(0, whole, 4):
            total += probs[i, k]
            second += probs[i, k + 1]
            third += probs[i, k + 2]
            fourth += probs[i, k + 3]
        for k in range(whole, n_classes):
            total += probs[i, k]
        total += second + third + fourth
        negative = 0
        for k in range(n_classes):
            negative += probs[i, k] < 0.0
        # Written so that NaN, which no comparison holds for, is unsound.
        sound = negative == 0 and abs(total - 1.0) <= tolerance
        unsound[i] = labels[i] >= 0 and not sound


@kernel
def leading_classes(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.floating],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    given: npt.NDArray[np.floating],
) -> None:
    """Find the three most probable classes of every row; of equal ones the lowest class first.

    Parameters
    ----------
    labels : (n,) int32
    probs : (n, K) float
    classes : (n, 3) int
        Filled, most probable first; -1 where there are fewer than three classes.
    leading : (n, 3) float, type of ``probs``
        Filled with their probabilities; -1 where there are fewer than three classes.
    given : (n,) float, type of ``probs``
        Filled with the probability of the given label; 0 for a row that is left out.
    """
    for i in range(len(labels)):
        p1 = p2 = p3 = -1.0
        k1 = k2 = k3 = -1
        for k in range(probs.shape[1]):
            p = probs[i, k]
            # One branch that is seldom taken, selections inside: mispredicted branches are what
            # this loop would spend its time on (1.2 to 2 times slower as an insertion loop).
            if p > p3:
                first, second = p > p1, p > p2
                p3 = p2 if second else p
                k3 = k2 if second else k
                p2 = p1 if first else (p if second else p2)
                k2 = k1 if first else (k if second else k2)
                p1 = p if first else p1
                k1 = k if first else k1
        classes[i, 0], classes[i, 1], classes[i, 2] = k1, k2, k3
        leading[i, 0], leading[i, 1], leading[i, 2] = p1, p2, p3
        given[i] = probs[i, labels[i]] if labels[i] >= 0 else 0.0


@kernel
def leading_classes_single(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.int32],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.int32],
    given: npt.NDArray[np.int32],
) -> None:
    """Find the three most probable classes, as ``leading_classes`` does, in single precision.

    The bits of floats that are not negative are in the order of their values, so probability and
    class fit into one integer of 64 bits, and three minima and maxima sort one more entry in
    without a branch: 6 times as fast for 10 classes.

    Parameters
    ----------
    labels : (n,) int32
    probs : (n, K) int32
        Bits of probabilities in single precision. Of a row with one that is negative or NaN the
        result has no meaning.
    classes : (n, 3) int
        Filled.
    leading : (n, 3) int32
        Filled with bits.
    given : (n,) int32
        Filled with bits.
    """
    for i in range(len(labels)):
        k1 = k2 = k3 = -1
        for k in range(probs.shape[1]):
            # Zero may have a sign. Of equal probabilities the lowest class is the greatest key.
            key = (int(probs[i, k] & 0x7FFFFFFF) << 32) | (0x7FFFFFFF - k)
            lower = min(k1, key)
            k1 = max(k1, key)
            lowest = min(k2, lower)
            k2 = max(k2, lower)
            k3 = max(k3, lowest)
        for place in range(3):
            found = 0x7FFFFFFF - (k1 & 0xFFFFFFFF) if k1 >= 0 else -1
            classes[i, place] = found
            leading[i, place] = probs[i, found] if k1 >= 0 else MINUS_ONE
            k1, k2 = k2, k3
        given[i] = probs[i, labels[i]] if labels[i] >= 0 else 0


@kernel
def leading_classes_wide(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.int32],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.int32],
    given: npt.NDArray[np.int32],
) -> None:
    """Find the three most probable classes, as ``leading_classes_single`` does, of very many.

    The three greatest of all are in stretches whose greatest are not below the third greatest of
    these: few stretches have to be looked at closely.

    Parameters
    ----------
    labels, probs, classes, leading, given
        As for ``leading_classes_single``.
    """
    peaks = np.empty((probs.shape[1] + 31) // 32, np.int32)
    for i in range(len(labels)):
        first = second = third = -1
        for stretch in range(len(peaks)):
            part = probs[i, 32 * stretch : 32 * stretch + 32]
            peak = NOTHING
            for k in range(len(part)):
                peak = max(peak, part[k] & NO_SIGN)
            peaks[stretch] = peak
            value = int(peak)
            third = max(third, min(second, value))
            second = max(second, min(first, value))
            first = max(first, value)
        k1 = k2 = k3 = -1
        for stretch in range(len(peaks)):
            if peaks[stretch] >= third and peaks[stretch] > (k3 >> 32):
                for k in range(32 * stretch, min(32 * stretch + 32, probs.shape[1])):
                    value = int(probs[i, k] & NO_SIGN)
                    if value >= third:
                        key = (value << 32) | (0x7FFFFFFF - k)
                        lower = min(k1, key)
                        k1 = max(k1, key)
                        lowest = min(k2, lower)
                        k2 = max(k2, lower)
                        k3 = max(k3, lowest)
        for place in range(3):
            found = 0x7FFFFFFF - (k1 & 0xFFFFFFFF) if k1 >= 0 else -1
            classes[i, place] = found
            leading[i, place] = probs[i, found] if k1 >= 0 else MINUS_ONE
            k1, k2 = k2, k3
        given[i] = probs[i, labels[i]] if labels[i] >= 0 else 0


def entropies(
    probs: npt.NDArray[np.floating],
    wanted: npt.NDArray[np.bool_],
    entropy: npt.NDArray[np.floating],
) -> None:
    """Entropy of the wanted rows as a share of the most it can be, ln K; 0 for the others.

    In the precision of what is filled. numpy takes many logarithms at once, which takes a quarter
    of the time of a loop.

    Parameters
    ----------
    probs : (n, K) float
    wanted : (n,) bool
    entropy : (n,) float
        Filled.
    """
    n_classes = probs.shape[1]
    entropy[:] = 0.0
    rows = np.flatnonzero(wanted)
    step = max(1, TILE_NUMBERS // n_classes)
    for start in range(0, len(rows) if n_classes > 1 else 0, step):
        part = slice(start, start + step)
        place = part if len(rows) == len(probs) else rows[part]
        some = probs[place].astype(entropy.dtype, copy=False)
        terms = some * np.log(some + np.finfo(entropy.dtype).tiny)  # so that there is one of 0
        # Rows of few classes are too short for vector instructions: by columns then.
        sums = terms.sum(axis=1) if n_classes >= NARROW else np.ascontiguousarray(terms.T).sum(0)
        entropy[place] = np.clip((0.0 - sums) / math.log(n_classes), 0.0, 1.0)


@kernel
def sampled_rows(
    labels: npt.NDArray[np.int32],
    key: np.uint64,
    bound: np.uint64,
    rows: npt.NDArray[np.int64],
) -> int:
    """Choose rows that are not left out by a hash of their numbers, as ``sample_hash`` says.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are not chosen.
    key : uint64
        The first row's number + splitmix64(seed).
    bound : uint64
        Rows with a hash up to this are chosen.
    rows : (n,) int64
        Filled with the places of the chosen ones, ascending.

    Returns
    -------
    int
        How many are chosen.
    """
    n = 0
    for i in range(len(labels)):
        x = key + np.uint64(i) + STEP
        x = (x ^ (x >> np.uint64(30))) * FIRST_FACTOR
        x = (x ^ (x >> np.uint64(27))) * SECOND_FACTOR
        if labels[i] >= 0 and (x ^ (x >> np.uint64(31))) <= bound:
            rows[n] = i
            n += 1
    return n
