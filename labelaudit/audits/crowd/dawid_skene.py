"""Dawid and Skene (1979): a confusion matrix for each annotator, by expectation-maximisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import Beliefs, VoteGraph
from labelaudit.audits.crowd.posterior import Confusion, CrowdPosterior, unfinished

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["class_prior", "confusion_prior", "dawid_skene"]

DIAGONAL, ELSEWHERE = 2.0, 0.5
STEPS, ENOUGH = 100, 1e-5


def confusion_prior(n_classes: int) -> Floats:
    """Return the (K, K) pseudo-votes: 2 right ones and half a wrong one of each kind."""
    prior = np.full((n_classes, n_classes), ELSEWHERE)
    np.fill_diagonal(prior, DIAGONAL)
    return prior


def class_prior(q: Floats) -> Floats:
    """Return the class frequencies (K,) with one pseudo-task of each class."""
    prior: Floats = (q.sum(axis=0) + 1.0) / (q.shape[0] + q.shape[1])
    return prior


def _estimated(graph: VoteGraph, q: Floats) -> Confusion:
    """M-step: confusion counts of the posterior, with the same pseudo-votes for everyone."""
    k = graph.votes.n_classes
    flat = (graph.votes.n_workers, k)
    return Confusion(
        graph.pairs,
        graph.pair_counts(q),
        np.broadcast_to(DIAGONAL, flat),
        np.broadcast_to(ELSEWHERE, flat),
        np.ones((k, k)),
    )


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


def dawid_skene(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit annotators' confusion matrices and the tasks' classes in turn.

    Stops when no posterior moves by 1e-5, or after 100 steps. `bound` is the log posterior
    density of the parameters and never falls.
    """
    del seed  # starts from the vote share
    graph = VoteGraph.of(votes, on)
    q = graph.vote_share()
    bound: list[float] = []
    moved = np.inf
    beliefs = Beliefs.before(q)
    channel = _estimated(graph, q)
    while moved >= ENOUGH and len(bound) < STEPS:
        prior = class_prior(q)
        table = channel.log_of_pairs()
        beliefs = graph.beliefs(np.log(prior) + graph.task_scores(table))
        bound.append(beliefs.level + _log_prior_density(channel, table, prior))
        moved = float(np.abs(beliefs.q - q).max(initial=0.0))
        q = beliefs.q
        channel = _estimated(graph, q)
    quality, _ = one_coin_accuracy(graph, q)
    return CrowdPosterior(
        "dawid-skene",
        q,
        beliefs.log_q,
        quality,
        channel,
        len(bound),
        moved < ENOUGH,
        np.array(bound),
        unfinished(moved, ENOUGH, STEPS),
    )
