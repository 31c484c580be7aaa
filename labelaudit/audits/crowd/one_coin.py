"""One number per annotator: the probability of a right vote, mistakes spread evenly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import PRIOR_VOTES, one_coin_accuracy
from labelaudit.audits.crowd.graph import Beliefs, VoteGraph
from labelaudit.audits.crowd.posterior import CrowdPosterior, unfinished

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["coin_beliefs", "one_coin", "one_step"]

STEPS, ENOUGH = 100, 1e-5
CERTAIN = 1e-9


def coin_beliefs(graph: VoteGraph, accuracy: Floats) -> Beliefs:
    """E-step with uniform classes: each vote weighs log(p / ((1 - p) / (K - 1)))."""
    p = np.clip(accuracy, CERTAIN, 1.0 - CERTAIN)
    wrong = np.log1p(-p) - np.log(max(graph.votes.n_classes - 1, 1))
    beliefs = graph.beliefs(graph.weighed((np.log(p) - wrong)[graph.pairs.worker]))
    silent = float(wrong @ graph.pairs.votes_of_worker)
    return replace(beliefs, level=beliefs.level + silent)


def one_step(graph: VoteGraph) -> tuple[Beliefs, Floats]:
    """Weigh the votes once by accuracies taken from the vote shares: beliefs and accuracies."""
    accuracy, _ = one_coin_accuracy(graph, graph.vote_share())
    return coin_beliefs(graph, accuracy), accuracy


def one_coin(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit annotators' accuracies and the tasks' classes in turn.

    The Beta prior of the accuracies is worth four votes at the mean vote share of the given
    labels, and stays where it starts, so that `bound` never falls.
    """
    del seed  # starts from the vote share
    graph = VoteGraph.of(votes, on)
    q = graph.vote_share()
    accuracy, mean = one_coin_accuracy(graph, q)
    bound: list[float] = []
    moved = np.inf
    beliefs = Beliefs.before(q)
    while moved >= ENOUGH and len(bound) < STEPS:
        beliefs = coin_beliefs(graph, accuracy)
        bound.append(beliefs.level + _log_prior_density(accuracy, mean))
        moved = float(np.abs(beliefs.q - q).max(initial=0.0))
        q = beliefs.q
        accuracy, _ = one_coin_accuracy(graph, q, mean)
    return CrowdPosterior(
        "one-coin",
        q,
        beliefs.log_q,
        accuracy,
        None,
        len(bound),
        moved < ENOUGH,
        np.array(bound),
        unfinished(moved, ENOUGH, STEPS),
    )


def _log_prior_density(accuracy: Floats, mean: float) -> float:
    p = np.clip(accuracy, CERTAIN, 1.0 - CERTAIN)
    right, wrong = PRIOR_VOTES * mean, PRIOR_VOTES * (1.0 - mean)
    return float((right * np.log(p) + wrong * np.log1p(-p)).sum())
