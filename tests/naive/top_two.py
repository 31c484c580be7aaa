"""Top-two recovery with dense matrices and singular value decompositions.

``ordered`` is the paper's own first stage, which cuts the classes as ordered thresholds;
``one_versus_rest`` is ours. Votes are equal-length arrays (task, worker, label); every annotator
and every task has votes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Votes(NamedTuple):
    task: Ints
    worker: Ints
    label: Ints
    n: int
    w: int
    k: int


class FirstStage(NamedTuple):
    pair: Ints
    p: Floats
    q: Floats


def splits(votes: Votes, minus: Floats) -> list[Floats]:
    """One dense (w, n) matrix per row of `minus`: -1 where the label is in the row, else +1."""
    density = len(votes.task) / (votes.n * votes.w)
    found = []
    for row in minus:
        table = np.zeros((votes.w, votes.n))
        table[votes.worker, votes.task] = np.where(row[votes.label] > 0, -1.0, 1.0)
        found.append(table - density * (votes.k - 2 * row.sum()) / votes.k)
    return found


def leading(table: Floats) -> Floats:
    u = np.linalg.svd(table, full_matrices=False)[0][:, 0]
    return u if u.sum() > 0 else -u


def first_stage(votes: Votes, d: Floats) -> FirstStage:
    """Pairs, reliabilities and confusion probabilities from the (n, k) table D."""
    order = np.argsort(d, axis=1, kind="stable")
    inside = (votes.label == order[votes.task, 0]) | (votes.label == order[votes.task, 1])
    share = np.bincount(votes.worker, inside) / np.bincount(votes.worker)
    p = np.clip((share - 2 / votes.k) / (1 - 2 / votes.k), 0.001, 0.999)
    q = np.clip(1 / votes.k - d.min(axis=1) / np.linalg.norm(p), 0.501, 0.999)
    return FirstStage(order[:, :2], p, q)


def ordered(votes: Votes) -> FirstStage:
    """Jeong and Chung, stage 1."""
    density = len(votes.task) / (votes.n * votes.w)
    tables = splits(votes, np.tril(np.ones((votes.k, votes.k)))[:-1])
    u = np.clip(np.mean([leading(table) for table in tables], axis=0), 0, 1)
    edges = np.zeros((votes.n, 1))
    w = np.hstack([edges, *((table.T @ u / (2 * density))[:, None] for table in tables), edges])
    return first_stage(votes, np.diff(w, axis=1))


def direction(votes: Votes) -> Floats:
    """Leading left singular vector of all one-versus-rest splits side by side."""
    u = np.clip(leading(np.hstack(splits(votes, np.eye(votes.k)))), 0, None)
    return u / np.linalg.norm(u)


def one_versus_rest(votes: Votes) -> FirstStage:
    density = len(votes.task) / (votes.n * votes.w)
    u = direction(votes)
    tables = splits(votes, np.eye(votes.k))
    return first_stage(votes, np.stack([t.T @ u / (2 * density) for t in tables], axis=1))


def second_stage(votes: Votes, p: Floats, q: Floats) -> Ints:
    """The most likely ordered pair of each task given p and q, by trying all."""
    first, second = np.zeros((2, votes.n, votes.k))
    odds = votes.k * p[votes.worker] / (1 - p[votes.worker])
    np.add.at(first, (votes.task, votes.label), np.log(odds * q[votes.task] + 1))
    np.add.at(second, (votes.task, votes.label), np.log(odds * (1 - q[votes.task]) + 1))
    both = first[:, :, None] + second[:, None, :]
    both[:, np.arange(votes.k), np.arange(votes.k)] = -np.inf
    best = both.reshape(votes.n, -1).argmax(axis=1)
    return np.stack(np.divmod(best, votes.k), axis=1)
