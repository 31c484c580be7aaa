"""Top-two recovery, task by task: the best pair of answers, and who knew it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["choose_pairs", "share_pairs"]


@kernel
def _add_evidence(
    worker: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    odds: npt.NDArray[np.float64],
    share: float,
    evidence: npt.NDArray[np.float64],
) -> None:
    """Sum the votes' log-ratios for being the first (row 0) and the second answer (row 1).

    Terms are multiples of 2**-40, so their sums are exact in any order.
    """
    evidence[:] = 0.0
    for v in range(worker.shape[0]):
        first = np.log1p(odds[worker[v]] * share)
        second = np.log1p(odds[worker[v]] * (1.0 - share))
        evidence[0, label[v]] += np.rint(first * 2.0**40) / 2.0**40
        evidence[1, label[v]] += np.rint(second * 2.0**40) / 2.0**40


@kernel
def _best_except(values: npt.NDArray[np.float64], left_out: int, tie: float) -> tuple[int, int]:
    """Return the lowest index within ``tie`` of the largest value, and how many are that near."""
    top = -np.inf
    for c in range(values.shape[0]):
        if c != left_out:
            top = max(top, values[c])
    best, many = -1, 0
    for c in range(values.shape[0]):
        if c != left_out and values[c] >= top - tie:
            many += 1
            if best < 0:
                best = c
    return best, many


@kernel
def _mass_of_pairs(evidence: npt.NDArray[np.float64], top: int, best: float) -> float:
    """Return the sum of ``exp(evidence[0, c] + evidence[1, d] - best)`` over all pairs c != d.

    ``top`` has the largest second evidence. Its pairs are summed one by one, because taking it
    out of the sum of all seconds would cancel.
    """
    mass, others = 0.0, 0.0
    for d in range(evidence.shape[1]):
        if d != top:
            mass += np.exp(evidence[0, top] + evidence[1, d] - best)
            others += np.exp(evidence[1, d] - evidence[1, top])
    for c in range(evidence.shape[1]):
        if c != top:
            seconds = 1.0 + others - np.exp(evidence[1, c] - evidence[1, top])
            mass += np.exp(evidence[0, c] + evidence[1, top] - best) * seconds
    return mass


@kernel
def choose_pairs(
    start: npt.NDArray[np.int64],
    worker: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    gold: npt.NDArray[np.int32],
    odds: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
    n_classes: int,
    tie: float,
) -> tuple[
    npt.NDArray[np.int32],
    npt.NDArray[np.bool_],
    npt.NDArray[np.float64],
    npt.NDArray[np.float64],
]:
    """Return each task's best (first, second), tied seconds, confidence, and first-answer scores.

    The score of a first answer is the log-likelihood of its best pair. ``odds`` is K p / (1 - p)
    by worker, ``share`` is q by task; the first answer is the gold one where that is known.
    """
    n = start.shape[0] - 1
    pair = np.empty((n, 2), dtype=np.int32)
    tied = np.empty(n, dtype=np.bool_)
    confidence = np.empty(n)
    score = np.empty((n, n_classes))
    evidence = np.empty((2, n_classes))
    for i in range(n):
        own = slice(start[i], start[i + 1])
        _add_evidence(worker[own], label[own], odds, share[i], evidence)
        best, _ = _best_except(evidence[1], -1, 0.0)
        runner, _ = _best_except(evidence[1], best, 0.0)
        for c in range(n_classes):
            score[i, c] = evidence[0, c] + evidence[1, runner if c == best else best]
        first = gold[i]
        if first < 0:
            first, _ = _best_except(score[i], -1, tie)
        second, many = _best_except(evidence[1], first, tie)
        pair[i, 0], pair[i, 1], tied[i] = first, second, many > 1
        highest = score[i].max()
        chosen = evidence[0, first] + evidence[1, second] - highest
        confidence[i] = np.exp(chosen) / _mass_of_pairs(evidence, best, highest)
    return pair, tied, confidence, score


@kernel
def share_pairs(
    start: npt.NDArray[np.int64],
    worker: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    pair: npt.NDArray[np.int32],
    odds: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return P(the voter knew) by vote, its sums by task for (first, second), log-evidence by task.

    Probabilities are multiples of 2**-30 and logarithms of 2**-40, so that their sums are exact.
    """
    n = start.shape[0] - 1
    knew = np.zeros(worker.shape[0])
    known = np.zeros((n, 2))
    level = np.zeros(n)
    for i in range(n):
        for v in range(start[i], start[i + 1]):
            for side in range(2):
                if label[v] == pair[i, side]:
                    ratio = odds[worker[v]] * (share[i] if side == 0 else 1.0 - share[i])
                    knew[v] = np.rint(ratio / (1.0 + ratio) * 2.0**30) / 2.0**30
                    known[i, side] += knew[v]
                    level[i] += np.rint(np.log1p(ratio) * 2.0**40) / 2.0**40
    return knew, known, level
