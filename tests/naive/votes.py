"""Twins of the sums over votes: one vote at a time."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


def tasks_by_pair(task_start: Ints, pair: Ints, pair_start: Ints) -> Ints:
    task = [i for i in range(len(task_start) - 1) for _ in range(task_start[i], task_start[i + 1])]
    return np.array([i for _, i in sorted(zip(pair.tolist(), task, strict=True))], dtype=np.int32)


def sum_rows(start: Ints, index: Ints, table: Floats) -> Floats:
    groups = [index[a:b] for a, b in itertools.pairwise(start)]
    return np.array([table[group].sum(axis=0) for group in groups]).reshape(-1, table.shape[1])


def normalise_rows(scores: Floats, units: float) -> tuple[Floats, Floats]:
    level = np.logaddexp.reduce(scores, axis=1)
    return np.round(np.exp(scores - level[:, None]) * units) / units, level


def weigh_votes(start: Ints, pair: Ints, label: Ints, weight: Floats, n_classes: int) -> Floats:
    out = np.zeros((len(start) - 1, n_classes))
    for i, (a, b) in enumerate(itertools.pairwise(start)):
        for k in range(n_classes):
            out[i, k] = sum(weight[pair[v]] for v in range(a, b) if label[v] == k)
    return out


def pair_credit(start: Ints, pair: Ints, label: Ints, q: Floats, n_pairs: int) -> Floats:
    task = np.repeat(np.arange(len(start) - 1), np.diff(start))
    out = [
        [q[i, k] for i, u, k in zip(task, pair, label, strict=True) if u == p]
        for p in range(n_pairs)
    ]
    return np.array([sum(values) for values in out], dtype=np.float64)
