"""Loops over the cells of multi-label blocks, each class a problem of two classes of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["fit_tags", "pick_tags", "score_tags", "tally_tags"]


@kernel
def tally_tags(
    given: npt.NDArray[np.int8],
    probs: npt.NDArray[np.floating],
    bins: npt.NDArray[np.uint8],
    one: npt.NDArray[np.floating],
    counts: npt.NDArray[np.int64],
    sums: npt.NDArray[np.int64],
) -> None:
    """Count the cells of each class, and sum the probability of what is given, exactly.

    Parameters
    ----------
    given : (n, K) int8
        1, 0, or -1 for a cell that takes no part.
    probs : (n, K) float
        NaN where unknown.
    bins : (n, K) uint8
        In which of B bins each probability lies.
    one : (1,) float of the type of ``probs``
        The number 1.
    counts : (K, 2, B + 1) int64
        Added to: cells by class, given and bin; the last for cells of unknown probability.
    sums : (K, 2, 2) int64
        Added to: high and low parts of the sums by class and given, as in ``ExactSum``.
    """
    n, n_classes = given.shape
    unknown = counts.shape[2] - 1
    for i in range(n):
        for k in range(n_classes):
            y = given[i, k]
            if y >= 0:
                p = probs[i, k]
                if math.isnan(p):
                    counts[k, y, unknown] += 1
                else:
                    counts[k, y, bins[i, k]] += 1
                    units = np.int64(np.rint((p if y == 1 else one[0] - p) * 2.0**52))
                    sums[k, y, 0] += units >> 26
                    sums[k, y, 1] += units & 67108863


@kernel
def fit_tags(
    counts: npt.NDArray[np.int64],
    logits: npt.NDArray[np.float64],
    believed: npt.NDArray[np.float64],
    steps: int,
) -> npt.NDArray[np.float64]:
    """Fit for each class a calibrated curve seen through a channel of two error rates.

    P(truly present) = f = 1 / (1 + exp(-(a z + b))); a present class is missing from the labels
    with the rate m, an absent one is given with the rate x. Expectation-maximisation, with one
    Newton step on (a, b) in each step.

    Parameters
    ----------
    counts : (K, 2, B) int64
        Cells by class, given, and bin.
    logits : (B,) float64
        The logit z of each bin.
    believed : (6,) float64
        Mean and weight (in cells) of the belief in m; in x, its mean as a share of the odds of the
        class; weight of the belief in a = 1 and b = 0; whether a and b move at all (0 or 1).
    steps : int

    Returns
    -------
    (K, 4) float64
        a, b, m, x.
    """
    n_classes = counts.shape[0]
    fitted = np.empty((n_classes, 4))
    for k in range(n_classes):
        whole, positive = counts[k].sum(), counts[k, 1].sum()
        mean_x = min(max(believed[2] * positive / max(whole - positive, 1), 1e-9), 0.5)
        a, b, m, x = 1.0, 0.0, believed[0], mean_x
        for _ in range(steps):
            missed, extra, present, g0, g1, h00, h01, h11 = _expected(counts[k], logits, a, b, m, x)
            m = (missed + believed[0] * believed[1]) / (present + believed[1])
            x = (extra + mean_x * believed[3]) / (whole - present + believed[3])
            m, x = min(max(m, 1e-9), 0.9), min(max(x, 1e-9), 0.9)
            h00 += believed[4]
            h11 += believed[4]
            g0 -= believed[4] * b
            g1 -= believed[4] * (a - 1.0)
            determinant = h00 * h11 - h01 * h01
            if believed[5] > 0.0 and determinant > 0.0:
                b = min(max(b + (g0 * h11 - g1 * h01) / determinant, -10.0), 10.0)
                a = min(max(a + (g1 * h00 - g0 * h01) / determinant, 0.05), 5.0)
        fitted[k, 0], fitted[k, 1], fitted[k, 2], fitted[k, 3] = a, b, m, x
    return fitted


@kernel
def _expected(
    counts: npt.NDArray[np.int64],
    logits: npt.NDArray[np.float64],
    a: float,
    b: float,
    m: float,
    x: float,
) -> tuple[float, float, float, float, float, float, float, float]:
    """Expect errors and true positives; gradient and curvature of the curve's likelihood."""
    missed = extra = present = g0 = g1 = h00 = h01 = h11 = 0.0
    for j in range(len(logits)):
        without, with_it = counts[0, j], counts[1, j]
        cells = without + with_it
        if cells > 0:
            z = logits[j]
            f = 1.0 / (1.0 + math.exp(-(a * z + b)))
            w1 = with_it * (f * (1.0 - m) / (f * (1.0 - m) + (1.0 - f) * x))
            w0 = without * (f * m / (f * m + (1.0 - f) * (1.0 - x)))
            missed += w0
            extra += with_it - w1
            present += w1 + w0
            rest, weight = w1 + w0 - cells * f, cells * f * (1.0 - f)
            g0 += rest
            g1 += rest * z
            h00 += weight
            h01 += weight * z
            h11 += weight * z * z
    return missed, extra, present, g0, g1, h00, h01, h11


@kernel
def pick_tags(
    given: npt.NDArray[np.int8],
    probs: npt.NDArray[np.floating],
    bins: npt.NDArray[np.uint8],
    one: npt.NDArray[np.floating],
    reach: npt.NDArray[np.float64],
    cuts: npt.NDArray[np.int64],
    joint: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
) -> int:
    """Count the confident joint of each class, and pick the cells to look at.

    Parameters
    ----------
    given, probs, bins, one
        As in ``tally_tags``.
    reach : (K, 2) float64
        What the probabilities of absent and present must be at least to be confident.
    cuts : (K, 2) int64
        A cell is picked if it is absent and its bin is at least, or present and its bin at most
        the cut of its class; or if the opposite is more probable.
    joint : (K, 2, 2) int64
        Added to: cells by class, given and confident; where neither is, none.
    found : (n * K,) int64
        Filled in: place of the cells that are picked, times 4, plus 1 for confident of absent, 2
        for confident of present.

    Returns
    -------
    int
        How many cells are picked.
    """
    n, n_classes = given.shape
    picked = 0
    for i in range(n):
        for k in range(n_classes):
            y = given[i, k]
            p = probs[i, k]
            if y < 0 or math.isnan(p):
                continue
            q = one[0] - p
            in_absent, confident = q >= reach[k, 0], 0
            if p >= reach[k, 1] and (not in_absent or p > q):
                confident = 2
            elif in_absent:
                confident = 1
            if confident > 0:
                joint[k, y, confident - 1] += 1
            beyond = bins[i, k] <= cuts[k, 1] if y == 1 else bins[i, k] >= cuts[k, 0]
            if beyond or (p > q) != (y == 1):
                found[picked] = (i * n_classes + k) * 4 + confident
                picked += 1
    return picked


@kernel
def score_tags(
    given: npt.NDArray[np.int8],
    probs: npt.NDArray[np.floating],
    one: npt.NDArray[np.floating],
    lines: npt.NDArray[np.float64],
    shape: npt.NDArray[np.float64],
    sums: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Score rows by the qualities of their cells.

    Parameters
    ----------
    given, probs, one
        As in ``tally_tags``.
    lines : (K, 6) float64
        Slope and offset of the logit of the quality of absent and of present; then what is added
        to the probabilities of absent and present before they are shared out anew. A slope of NaN
        leaves the class out.
    shape : (3,) float64
        What the quality is: 0 by ``lines``, 1 the probability of what is given, 2 its confidence
        weighted by entropy. How a row's qualities become one: 0 softmin, 1 moving average from
        the best to the worst. The temperature, or the weight of the newest.
    sums : (K, 3) int64
        Added to: number of qualities, high and low parts of their sum.

    Returns
    -------
    (n,) float64
        NaN for a row without a quality.
    """
    n, n_classes = given.shape
    rows = np.empty(n)
    scores = np.empty(n_classes)
    for i in range(n):
        m = 0
        for k in range(n_classes):
            y, p = given[i, k], probs[i, k]
            if y >= 0 and not math.isnan(p) and not math.isnan(lines[k, 0]):
                s = _quality(y, np.float64(one[0] - p), np.float64(p), lines[k], shape[0])
                units = np.int64(np.rint(s * 2.0**52))
                sums[k, 0] += 1
                sums[k, 1] += units >> 26
                sums[k, 2] += units & 67108863
                scores[m] = s
                m += 1
        rows[i] = _of_row(scores[:m], shape[1], shape[2]) if m > 0 else np.nan
    return rows


@kernel
def _quality(y: int, p0: float, p1: float, line: npt.NDArray[np.float64], kind: float) -> float:
    """Quality of a cell with these probabilities of absent and present."""
    if kind == 0.0:
        low = min(max(p1, 1e-6), 1.0 - 1e-6)
        z = math.log(low / (1.0 - low))
        return 1.0 / (1.0 + math.exp(-(line[2 * y] * z + line[2 * y + 1])))
    p0 += line[4]
    p1 += line[5]
    own = (p1 if y == 1 else p0) / (p0 + p1)
    if kind == 1.0:
        return own
    w = 0.0
    if 0.0 < own < 1.0:
        entropy = -(own * math.log(own) + (1.0 - own) * math.log(1.0 - own)) / math.log(2.0)
        w = entropy / max(own, 1e-6)
    return 1.0 - w / 2.0 if w < 1e-8 else math.log1p(w) / w


@kernel
def _of_row(scores: npt.NDArray[np.float64], kind: float, setting: float) -> float:
    """Softmin or moving average of qualities."""
    if kind == 0.0:
        top = total = 0.0
        for s in scores:
            weight = math.exp((1.0 - s) / setting)
            top += s * weight
            total += weight
        return top / total
    ordered = np.sort(scores)
    e: float = ordered[-1]
    for j in range(len(ordered) - 2, -1, -1):
        e = setting * ordered[j] + (1.0 - setting) * e
    return e
