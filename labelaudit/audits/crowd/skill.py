"""Votes weighed by skill: once (Wawa), or until the labels stop changing (zero-based skill)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph, on_grid
from labelaudit.audits.crowd.posterior import TIE, CrowdPosterior

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["wawa", "zbs"]

ROUNDS = 100


def _winners(q: Floats) -> Floats:
    """Give each task's best class 1, or equal parts to equal ones: no class code decides."""
    best = q >= q.max(axis=1, initial=0.0, keepdims=True) - TIE
    parts: Floats = best / best.sum(axis=1, keepdims=True)
    return parts


def _agreement(graph: VoteGraph, q: Floats) -> Floats:
    """Return the share (W,) of each annotator's votes that equal the winners of q."""
    winners = on_grid(_winners(q), graph.votes.n_votes)
    right = graph.pairs.per_worker(graph.credit(winners))
    return right / np.maximum(graph.pairs.votes_of_worker, 1)


def _weighed_by(graph: VoteGraph, skill: Floats) -> Floats:
    return graph.shares(graph.weighed(skill[graph.pairs.worker]))


def wawa(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Weigh each vote by its annotator's agreement with the majority."""
    del seed  # nothing is drawn
    graph = VoteGraph.of(votes, on)
    skill = _agreement(graph, graph.vote_share())
    return CrowdPosterior("wawa", _weighed_by(graph, skill), None, skill, iterations=1)


def zbs(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Weigh votes by agreement with the labels these weights give, until the labels stop."""
    del seed  # nothing is drawn
    graph = VoteGraph.of(votes, on)
    q = graph.vote_share()
    skill = _agreement(graph, q)
    for step in range(1, ROUNDS + 1):
        before, q = _winners(q), _weighed_by(graph, skill)
        skill = _agreement(graph, q)
        if np.array_equal(before, _winners(q)):
            return CrowdPosterior("zbs", q, None, skill, iterations=step)
    note = f"The labels still change after {ROUNDS} rounds; those of the last round are given."
    return CrowdPosterior("zbs", q, None, skill, iterations=ROUNDS, converged=False, notes=(note,))
