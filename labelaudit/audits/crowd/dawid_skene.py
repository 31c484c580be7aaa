"""Dawid and Skene (1979): a confusion matrix for each annotator, by expectation-maximisation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import accuracy_of
from labelaudit.audits.crowd.fitting import (
    CrowdFit,
    Tables,
    described,
    log_posterior,
    on_block,
    revised,
    vote_share,
)
from labelaudit.audits.crowd.graph import EVIDENCE
from labelaudit.audits.crowd.posterior import Confusion, unfinished
from labelaudit.audits.crowd.shards import Shard

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["class_prior", "confusion_prior", "dawid_skene", "fit"]

DIAGONAL, ELSEWHERE = 2.0, 0.5
STEPS, ENOUGH = 100, 1e-5


def confusion_prior(n_classes: int) -> Floats:
    """Return the (K, K) pseudo-votes: 2 right ones and half a wrong one of each kind."""
    prior = np.full((n_classes, n_classes), ELSEWHERE)
    np.fill_diagonal(prior, DIAGONAL)
    return prior


def class_prior(mass: Floats, n_tasks: int) -> Floats:
    """Return the class frequencies (K,) with one pseudo-task of each class.

    ``mass`` (K,) is the expected number of tasks of each class.
    """
    prior: Floats = (mass + 1.0) / (n_tasks + len(mass))
    return prior


def _estimated(crowd: Crowd, counts: Floats) -> Confusion:
    """M-step: confusion counts of the posterior, with the same pseudo-votes for everyone."""
    return Confusion.even(crowd, counts, DIAGONAL, ELSEWHERE)


def _log_prior_density(channel: Confusion, table: Floats, prior: Floats) -> float:
    """Sum A log pi over all entries and log nu, the part of the bound that is not the votes'.

    Entries of labels that an annotator never gave are A / row sum: they need no table.
    """
    pairs, k = channel.pairs, len(prior)
    given = np.zeros(channel.diagonal.shape)
    given[pairs.worker, pairs.label] = 1.0
    kinds = given.sum(axis=1, keepdims=True)
    even, extra = ELSEWHERE * np.log(ELSEWHERE), DIAGONAL * np.log(DIAGONAL)
    own = k * even + (extra - even) - even * kinds - (extra - even) * given
    weight = DIAGONAL + ELSEWHERE * (k - 1) - ELSEWHERE * kinds - (DIAGONAL - ELSEWHERE) * given
    never = (own - weight * np.log(channel.row_sums()))[kinds[:, 0] > 0]
    diagonal = table[np.arange(len(table)), pairs.label].sum()
    used = ELSEWHERE * table.sum() + (DIAGONAL - ELSEWHERE) * diagonal
    return float(used + never.sum() + np.log(prior).sum())


def fit(crowd: Crowd, seed: int = 0) -> CrowdFit:
    """Fit annotators' confusion matrices and the tasks' classes in turn, a pass for each step."""
    del seed  # starts from the vote share
    q = crowd.computed(vote_share)
    _, (mass, counts) = crowd.over(partial(described, Shard.pair_counts), q)
    channel = _estimated(crowd, counts)
    bound: list[float] = []
    moved = np.inf
    model = Tables(np.zeros(crowd.n_classes), np.zeros_like(counts))
    while moved >= ENOUGH and len(bound) < STEPS:
        prior, table = class_prior(mass, crowd.n_tasks), channel.log_of_pairs()
        own = _log_prior_density(channel, table, prior)
        model = Tables(np.log(prior), crowd.on_grid(table))
        (q,), sums = crowd.over(partial(revised, model, Shard.pair_counts), against=q)
        mass, counts, evidence, most = sums
        bound.append(evidence / EVIDENCE + own)
        moved, channel = most.value, _estimated(crowd, counts)
    quality, _ = accuracy_of(crowd.pairs, channel.credit)
    return CrowdFit(
        "dawid-skene",
        q,
        crowd.computed(partial(log_posterior, model, 1)),
        quality,
        channel,
        len(bound),
        moved < ENOUGH,
        np.array(bound),
        unfinished(moved, ENOUGH, STEPS),
    )


def dawid_skene(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit annotators' confusion matrices and the tasks' classes in turn.

    Stops when no posterior moves by 1e-5, or after 100 steps. `bound` is the log posterior
    density of the parameters and never falls.
    """
    return on_block(fit, votes, seed, on)
