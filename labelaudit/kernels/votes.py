"""Sums over votes: of scores by task, of posteriors by (annotator, label) pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["normalise_rows", "pair_credit", "sum_rows", "tasks_by_pair", "weigh_votes"]


@kernel
def tasks_by_pair(
    task_start: npt.NDArray[np.int64],
    pair: npt.NDArray[np.int32],
    pair_start: npt.NDArray[np.int64],
) -> npt.NDArray[np.int32]:
    """Return the task of each vote, votes sorted by (pair, task)."""
    place = pair_start.copy()
    task = np.empty(pair.shape[0], dtype=np.int32)
    for i in range(task_start.shape[0] - 1):
        for v in range(task_start[i], task_start[i + 1]):
            task[place[pair[v]]] = i
            place[pair[v]] += 1
    return task


@kernel
def sum_rows(
    start: npt.NDArray[np.int64],
    index: npt.NDArray[np.int32],
    table: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return for each group g the sum of ``table[index[start[g]:start[g + 1]]]``.

    Two rows are taken at a time: that halves the stores, and the time where the table does not
    fit the cache.
    """
    columns = table.shape[1]
    out = np.zeros((start.shape[0] - 1, columns))
    for g in range(start.shape[0] - 1):
        into = out[g]
        v = start[g]
        while v + 1 < start[g + 1]:
            one, two = table[index[v]], table[index[v + 1]]
            for c in range(columns):
                into[c] += one[c] + two[c]
            v += 2
        if v < start[g + 1]:
            one = table[index[v]]
            for c in range(columns):
                into[c] += one[c]
    return out


@kernel
def normalise_rows(
    scores: npt.NDArray[np.float64], units: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return softmax of each row, rounded to multiples of 1 / units, and each row's log-sum-exp.

    The terms of a row's sum are rounded to multiples of 2**-40: such sums are exact, so that the
    order of the classes leaves no trace.
    """
    q = np.empty_like(scores)
    level = np.empty(scores.shape[0])
    for i in range(scores.shape[0]):
        top = scores[i, 0]
        for c in range(scores.shape[1]):
            top = max(top, scores[i, c])
        total = 0.0
        for c in range(scores.shape[1]):
            q[i, c] = np.exp(scores[i, c] - top)
            total += np.rint(q[i, c] * 2.0**40) / 2.0**40
        level[i] = top + np.log(total)
        for c in range(scores.shape[1]):
            q[i, c] = np.rint(q[i, c] / total * units) / units
    return q, level


@kernel
def weigh_votes(
    start: npt.NDArray[np.int64],
    pair: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    weight: npt.NDArray[np.float64],
    n_classes: int,
) -> npt.NDArray[np.float64]:
    """Return for each task the summed weight, by pair, of the votes for each class."""
    out = np.zeros((start.shape[0] - 1, n_classes))
    for i in range(start.shape[0] - 1):
        for v in range(start[i], start[i + 1]):
            out[i, label[v]] += weight[pair[v]]
    return out


@kernel
def pair_credit(
    start: npt.NDArray[np.int64],
    pair: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    q: npt.NDArray[np.float64],
    n_pairs: int,
) -> npt.NDArray[np.float64]:
    """Return for each pair the sum over these tasks' votes of the posterior of the vote's label.

    Task by task, because posteriors are many and pairs are few: the other way round takes three
    times as long on a million votes.
    """
    out = np.zeros(n_pairs)
    for i in range(start.shape[0] - 1):
        for v in range(start[i], start[i + 1]):
            out[pair[v]] += q[i, label[v]]
    return out
