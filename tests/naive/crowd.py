"""Slow, obvious twins of the crowd methods: dense arrays, one formula per line.

Votes are three equal-length integer arrays (task, worker, label) and the sizes n, w, k.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import psi

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Votes(NamedTuple):
    task: Ints
    worker: Ints
    label: Ints
    n: int
    w: int
    k: int


def softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def majority(votes: Votes) -> Floats:
    counts = np.zeros((votes.n, votes.k))
    np.add.at(counts, (votes.task, votes.label), 1.0)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1), 1.0 / votes.k)


def confusion_counts(votes: Votes, q: Floats) -> Floats:
    counts = np.zeros((votes.w, votes.k, votes.k))
    for i, w, label in zip(votes.task, votes.worker, votes.label, strict=True):
        counts[w, :, label] += q[i]
    return counts


def expect(votes: Votes, log_prior: Floats, log_pi: Floats) -> Floats:
    scores = np.tile(log_prior, (votes.n, 1))
    for i, w, label in zip(votes.task, votes.worker, votes.label, strict=True):
        scores[i] += log_pi[w, :, label]
    return softmax(scores)


def clamp(q: Floats, gold: Ints | None) -> Floats:
    if gold is not None:
        known = gold >= 0
        q = q.copy()
        q[known] = np.eye(q.shape[1])[gold[known]]
    return q


def dawid_skene(votes: Votes, steps: int, gold: Ints | None = None) -> Floats:
    a = np.full((votes.k, votes.k), 0.5) + 1.5 * np.eye(votes.k)
    q = clamp(majority(votes), gold)
    for _ in range(steps):
        pi = confusion_counts(votes, q) + a
        pi /= pi.sum(axis=2, keepdims=True)
        nu = (q.sum(axis=0) + 1) / (votes.n + votes.k)
        new = clamp(expect(votes, np.log(nu), np.log(pi)), gold)
        moved = np.abs(new - q).max(initial=0.0)
        q = new
        if moved < 1e-5:
            break
    return q


def worker_accuracy(votes: Votes, q: Floats) -> tuple[Floats, float]:
    credit = q[votes.task, votes.label]
    pbar = credit.mean() if len(credit) else 1.0
    right = np.bincount(votes.worker, credit, votes.w)
    return (right + 4 * pbar) / (np.bincount(votes.worker, minlength=votes.w) + 4), float(pbar)


def one_coin(votes: Votes, steps: int, gold: Ints | None = None) -> Floats:
    q = clamp(majority(votes), gold)
    for _ in range(steps):
        p, _ = worker_accuracy(votes, q)
        p = np.clip(p, 1e-9, 1 - 1e-9)
        scores = np.zeros((votes.n, votes.k))
        for i, w, label in zip(votes.task, votes.worker, votes.label, strict=True):
            scores[i] += np.log((1 - p[w]) / max(votes.k - 1, 1))
            scores[i, label] += np.log(p[w]) - np.log((1 - p[w]) / max(votes.k - 1, 1))
        q = clamp(softmax(scores), gold)
    return q


def logit(p: Floats) -> Floats:
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return np.log(p) - np.log1p(-p)


def hierarchical_dawid_skene(votes: Votes, steps: int = 3, gold: Ints | None = None) -> Floats:
    k = votes.k
    a = np.full((k, k), 0.5) + 1.5 * np.eye(k)
    q = clamp(majority(votes), gold)
    for _ in range(steps):
        counts = confusion_counts(votes, q)
        p, pbar = worker_accuracy(votes, q)
        p = np.clip(p, 1e-9, 1 - 1e-9)
        pbar = float(np.clip(pbar, 1e-9, 1 - 1e-9))
        pop = counts.sum(axis=0) + a
        pop /= pop.sum(axis=1, keepdims=True)
        diag = np.diagonal(pop)
        shift = logit(p) - logit(np.array(pbar))
        m_diag = 1 / (1 + np.exp(-(logit(diag)[None, :] + shift[:, None])))
        m = (1 - m_diag)[:, :, None] * (pop / np.maximum(1 - diag, 1e-9)[:, None])[None]
        m[:, np.arange(k), np.arange(k)] = m_diag
        pi = counts + 4 * m
        pi /= pi.sum(axis=2, keepdims=True)
        nu = (q.sum(axis=0) + 1) / (votes.n + k)
        q = clamp(expect(votes, np.log(nu), np.log(pi)), gold)
    return q


def ebcc(
    votes: Votes, start: npt.NDArray[np.float64], steps: int = 300, gold: Ints | None = None
) -> Floats:
    """`start` is the split z of each task over (class, subtype), shape (n, k, g)."""
    k, g = votes.k, start.shape[2]
    z = start
    q = z.sum(axis=2)
    for _ in range(steps):
        eta = 0.1 + z.sum(axis=0)
        nu = 1 + z.sum(axis=(0, 2))
        mu = np.ones((votes.w, k, g, k)) + 3 * np.eye(k)[None, :, None, :]
        for i, w, label in zip(votes.task, votes.worker, votes.label, strict=True):
            mu[w, :, :, label] += z[i]
        e_pi = psi(mu) - psi(mu.sum(axis=3, keepdims=True))
        prior = (psi(nu) - psi(nu.sum()))[:, None] + psi(eta) - psi(eta.sum(axis=1, keepdims=True))
        log_z = np.tile(prior, (votes.n, 1, 1))
        for i, w, label in zip(votes.task, votes.worker, votes.label, strict=True):
            log_z[i] += e_pi[w, :, :, label]
        if gold is not None:
            known = gold >= 0
            log_z[known] += np.log(np.eye(k)[gold[known]] + 1e-300)[:, :, None]
        z = softmax(log_z.reshape(votes.n, k * g)).reshape(votes.n, k, g)
        new = z.sum(axis=2)
        moved = np.abs(new - q).max(initial=0.0)
        q = new
        if moved < 1e-4:
            break
    return q
