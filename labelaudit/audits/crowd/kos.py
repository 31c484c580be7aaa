"""Message passing between tasks and annotators, after Karger, Oh and Shah.

"Budget-Optimal Task Allocation for Reliable Crowdsourcing Systems" has answers of +1 and -1. Here
a vote for class l is the vector e_l - 1/K, which with two classes is the paper's algorithm and
with more treats all classes alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import VoteGraph, exact_total, on_grid
from labelaudit.audits.crowd.posterior import TIE, CrowdPosterior

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["kos"]

ROUNDS = 20
STILL = 1e-2
"""Messages that move less than this share of the largest one are taken as converged."""
BETTER_THAN_CHANCE = 0.5
CERTAIN = 1e-9


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where each vote's messages come from: its task, its annotator, its (task, label) cell."""

    graph: VoteGraph
    task: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]

    @classmethod
    def of(cls, graph: VoteGraph) -> _Edges:
        task = np.repeat(np.arange(graph.votes.n_tasks), np.diff(graph.votes.task_start))
        return cls(graph, task, task * graph.votes.n_classes + graph.votes.label)

    def to_tasks(self, trust: Floats) -> Floats:
        """Sum the trusted vote vectors of each task: (N, K), rows sum to 0."""
        tasks, classes = self.graph.votes.n_tasks, self.graph.votes.n_classes
        trust = on_grid(trust, self.graph.most_votes)
        backed = np.bincount(self.cell, trust, tasks * classes).reshape(tasks, classes)
        centred: Floats = backed - backed.sum(axis=1, keepdims=True) / classes
        return centred

    def to_workers(self, scores: Floats, trust: Floats) -> Floats:
        """Say how far each annotator's other votes agree with the other votes there: (V,)."""
        votes = self.graph.votes
        own = trust * (1.0 - 1.0 / votes.n_classes)
        agree = scores.ravel()[self.cell] - own
        agree = on_grid(agree, int(self.graph.pairs.votes_of_worker.max(initial=1)))
        by_worker = np.bincount(votes.worker, agree, votes.n_workers)
        others: Floats = by_worker[votes.worker] - agree
        return others


def _pass_messages(edges: _Edges) -> tuple[Floats, Floats, float]:
    """Return scores (N, K), trust by vote (V,), and how far trust moved in the last round."""
    trust = np.ones(edges.graph.votes.n_votes)
    moved = np.inf
    for _ in range(ROUNDS):
        after = edges.to_workers(edges.to_tasks(trust), trust)
        largest = np.abs(after).max(initial=0.0)
        if largest == 0.0:
            return edges.to_tasks(trust), trust, np.inf
        after = after / largest
        moved = float(np.abs(after - trust).max())
        trust = after
    return edges.to_tasks(trust), trust, moved


def _best(scores: Floats) -> Floats:
    """Return (N, K): 1 for the best class, shared evenly among equals."""
    best = (scores >= scores.max(axis=1, keepdims=True, initial=-np.inf) - TIE).astype(np.float64)
    shared: Floats = best / best.sum(axis=1, keepdims=True)
    return shared


def _agreement_with_majority(graph: VoteGraph, scores: Floats) -> float:
    """Return the chance-corrected share of equal labels, tasks with ties left out (1 if all)."""
    labels, majority = _best(scores), _best(graph.vote_counts())
    clear = (labels.max(axis=1) == 1.0) & (majority.max(axis=1) == 1.0)
    if not clear.any():
        return 1.0
    same = (labels[clear] == majority[clear]).all(axis=1)
    chance = 1.0 / graph.votes.n_classes
    return (float(same.mean()) - chance) / (1.0 - chance)


def _log_odds_per_trust(graph: VoteGraph, trust: Floats, accuracy: Floats) -> float:
    """Return the least-squares slope of annotators' log-odds of being right over trust."""
    right = np.clip(accuracy, CERTAIN, 1.0 - CERTAIN)
    odds = np.log(right) - np.log1p(-right) + np.log(graph.votes.n_classes - 1)
    trust = on_grid(trust, graph.votes.n_votes)
    by_worker = np.bincount(graph.votes.worker, trust, graph.votes.n_workers)
    squares = on_grid(trust**2, graph.votes.n_votes)
    level = exact_total(on_grid(odds * by_worker, graph.votes.n_workers))
    return max(float(level / exact_total(squares)), 0.0)


def _softened(graph: VoteGraph, scores: Floats, trust: Floats) -> CrowdPosterior:
    """Turn scores into probabilities on the scale of the annotators' measured accuracies."""
    labels = np.rint(_best(scores) * graph.units) / graph.units
    accuracy, _ = one_coin_accuracy(graph, labels)
    scores = scores * _log_odds_per_trust(graph, trust, accuracy)
    unreached = np.ptp(scores, axis=1) <= TIE
    scores[unreached] = np.log(np.maximum(graph.vote_share()[unreached], CERTAIN))
    beliefs = graph.beliefs(scores)
    quality, _ = one_coin_accuracy(graph, beliefs.q)
    return CrowdPosterior("kos", beliefs.q, beliefs.log_q, quality, iterations=ROUNDS)


def _fallback(graph: VoteGraph, why: str) -> CrowdPosterior:
    share = graph.vote_share()
    quality, _ = one_coin_accuracy(graph, share)
    note = f"KOS {why}: the vote shares are given instead."
    return CrowdPosterior(
        "kos", share, None, quality, iterations=ROUNDS, converged=False, notes=(note,)
    )


def kos(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Pass 20 rounds of messages, started from equal trust in all votes.

    Where the messages do not settle, or settle on labels that have little to do with the
    majority's, the vote shares are given.
    """
    del seed  # starts from equal trust
    graph = VoteGraph.of(votes, on)
    if votes.n_classes < 2 or votes.n_votes == 0:
        return _fallback(graph, "needs two classes and some votes")
    scores, trust, moved = _pass_messages(_Edges.of(graph))
    if moved > STILL:
        return _fallback(graph, f"has not converged after {ROUNDS} rounds")
    if _agreement_with_majority(graph, scores) < BETTER_THAN_CHANCE:
        return _fallback(graph, "agrees with the majority hardly more than chance would")
    return _softened(graph, scores, trust)
