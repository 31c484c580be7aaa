"""Dawid-Skene in which each annotator starts from the crowd's confusion at his own accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import PRIOR_VOTES, one_coin_accuracy
from labelaudit.audits.crowd.dawid_skene import class_prior, confusion_prior
from labelaudit.audits.crowd.graph import Beliefs, VoteGraph, exact_total
from labelaudit.audits.crowd.posterior import Confusion, CrowdPosterior

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["channel_given", "hierarchical_beliefs", "hierarchical_dawid_skene"]

STEPS = 3
CERTAIN = 1e-9


def _logit(p: Floats) -> Floats:
    p = np.clip(p, CERTAIN, 1.0 - CERTAIN)
    odds: Floats = np.log(p) - np.log1p(-p)
    return odds


def _crowd_confusion(graph: VoteGraph, counts: Floats) -> Floats:
    """Add all annotators' counts up, with pseudo-votes, into one (K, K) confusion matrix."""
    total = confusion_prior(graph.votes.n_classes)
    for label in range(len(total)):
        total[:, label] += exact_total(counts[graph.pairs.label == label])
    shares: Floats = total / total.sum(axis=1, keepdims=True)
    return shares


def channel_given(graph: VoteGraph, q: Floats) -> Confusion:
    """M-step: counts plus four votes of M_w, the crowd's confusion moved to w's accuracy."""
    counts = graph.pair_counts(q)
    crowd = _crowd_confusion(graph, counts)
    accuracy, mean = one_coin_accuracy(graph, q)
    right = np.diagonal(crowd)
    own = _logit(accuracy)[:, None] - _logit(np.array([mean]))
    diagonal = 1.0 / (1.0 + np.exp(-(_logit(right)[None, :] + own)))
    spread = (1.0 - diagonal) / np.maximum(1.0 - right, CERTAIN)
    return Confusion(graph.pairs, counts, PRIOR_VOTES * diagonal, PRIOR_VOTES * spread, crowd)


def hierarchical_beliefs(graph: VoteGraph) -> tuple[Beliefs, Confusion]:
    """Return the beliefs after three steps from the vote share, and the channel behind them."""
    beliefs, channel = _step(graph, graph.vote_share())
    for _ in range(STEPS - 1):
        beliefs, channel = _step(graph, beliefs.q)
    return beliefs, channel


def _step(graph: VoteGraph, q: Floats) -> tuple[Beliefs, Confusion]:
    channel = channel_given(graph, q)
    scores = np.log(class_prior(q)) + graph.task_scores(channel.log_of_pairs())
    return graph.beliefs(scores), channel


def hierarchical_dawid_skene(
    votes: VoteBlock, *, seed: int = 0, on: Executor | None = None
) -> CrowdPosterior:
    """Take three steps: more make the posterior surer, not better."""
    del seed  # starts from the vote share
    graph = VoteGraph.of(votes, on)
    beliefs, channel = hierarchical_beliefs(graph)
    quality, _ = one_coin_accuracy(graph, beliefs.q)
    return CrowdPosterior(
        "hierarchical-dawid-skene", beliefs.q, beliefs.log_q, quality, channel, STEPS
    )
