"""Rows with several tags: with errors of both kinds, or with tags that nobody gave."""

import numpy as np

__all__ = ["PROPENSITIES", "expit", "given_in_part", "made", "named"]

PROPENSITIES = np.array([0.9, 0.6, 0.3, 0.1])


def made(seed=0, n=600, k=6, width=np.float64):
    """Tags of random frequency, a twentieth of them turned round, and what a model might say."""
    rng = np.random.default_rng(seed)
    true = rng.random((n, k)) < rng.uniform(0.1, 0.5, k)
    logits = 3 * (2 * true - 1) + rng.normal(0, 1.7, (n, k))
    wrong = rng.random((n, k)) < 0.05
    probs = (1 / (1 + np.exp(-logits))).astype(width)
    return np.where(wrong, ~true, true).astype(np.float64), probs, wrong


def named(n_classes):
    return [f"c{k}" for k in range(n_classes)]


def expit(x):
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


def given_in_part(n=20_000, k=2, seed=0, propensities=PROPENSITIES, slope=2.0):
    """True tags, given tags, their true probability, and groups."""
    rng = np.random.default_rng(seed)
    f = expit(slope * rng.normal(size=(n, k)) - 1.0)
    truly = rng.random((n, k)) < f
    group = rng.integers(0, len(propensities), n).astype(np.int32)
    given = truly & (rng.random((n, k)) < propensities[group][:, None])
    return truly, given.astype(np.int8), f, group
