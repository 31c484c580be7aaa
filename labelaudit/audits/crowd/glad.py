"""GLAD: annotators of different ability, tasks of different ease."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import Beliefs, VoteGraph, spans
from labelaudit.audits.crowd.posterior import CrowdPosterior, unfinished
from labelaudit.kernels.glad import climb_ability, climb_ease
from labelaudit.running import each

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["glad"]

STEPS, ENOUGH = 100, 1e-4
CLIMBS = 2


@dataclass(frozen=True, slots=True)
class _Parameters:
    ability: Floats
    ease: Floats
    softplus: float
    """Sum of log(1 + exp(s)) over all votes."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """Votes in both orders: which task, annotator and label each one has."""

    graph: VoteGraph
    task_of_vote: npt.NDArray[np.int32]
    label_by_worker: npt.NDArray[np.int32]
    worker_votes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, graph: VoteGraph) -> _Sides:
        votes, pairs = graph.votes, graph.pairs
        tasks = np.arange(votes.n_tasks, dtype=np.int32)
        return cls(
            graph,
            np.repeat(tasks, np.diff(votes.task_start)),
            np.repeat(pairs.label, np.diff(pairs.start)),
            pairs.start[pairs.worker_start],
        )


def glad(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit abilities and ease by Newton steps inside expectation-maximisation.

    Stops when no posterior moves by 1e-4, or after 100 steps. `bound` is the log posterior
    density of abilities and ease and never falls. `worker_quality` is the probability of a
    right vote on a task of middling ease, sigmoid(ability * e).
    """
    del seed  # starts from the vote share
    sides = _Sides.of(VoteGraph.of(votes, on))
    graph = sides.graph
    q = graph.vote_share()
    at = _Parameters(np.ones(votes.n_workers), np.ones(votes.n_tasks), 0.0)
    beliefs = Beliefs.before(q)
    bound: list[float] = []
    moved = np.inf
    while moved >= ENOUGH and len(bound) < STEPS:
        at = _climbed(sides, q, at)
        beliefs, level = _beliefs(graph, at)
        bound.append(level + _log_prior_density(at))
        moved = float(np.abs(beliefs.q - q).max(initial=0.0))
        q = beliefs.q
    quality = 1.0 / (1.0 + np.exp(-at.ability * np.e))
    return CrowdPosterior(
        "glad",
        q,
        beliefs.log_q,
        quality,
        None,
        len(bound),
        moved < ENOUGH,
        np.array(bound),
        unfinished(moved, ENOUGH, STEPS),
    )


def _log_prior_density(at: _Parameters) -> float:
    return float(-0.5 * (((at.ability - 1.0) ** 2).sum() + ((at.ease - 1.0) ** 2).sum()))


def _climbed(sides: _Sides, q: Floats, at: _Parameters) -> _Parameters:
    """M-step: raise the expected log posterior, abilities and ease in turn."""
    graph = sides.graph
    votes, pairs, on = graph.votes, graph.pairs, graph.on
    by_task = q[sides.task_of_vote, votes.label]
    by_worker = q[pairs.task, sides.label_by_worker]
    ability, ease, softplus = at.ability, at.ease, at.softplus
    for _ in range(CLIMBS):
        climb = partial(
            _climb_ability, sides.worker_votes, pairs.task, np.exp(ease), by_worker, ability
        )
        ability = np.concatenate(list(each(climb, spans(sides.worker_votes, 16), on)))
        ascend = partial(_climb_ease, votes.task_start, votes.worker, ability, by_task, ease)
        parts = list(each(ascend, spans(votes.task_start, 16), on))
        ease = np.concatenate([part[0] for part in parts])
        softplus = float(np.concatenate([part[1] for part in parts]).sum())
    return _Parameters(ability, ease, softplus)


def _climb_ability(
    start: npt.NDArray[np.int64],
    task: npt.NDArray[np.int32],
    slope: Floats,
    credit: Floats,
    ability: Floats,
    span: tuple[int, int],
) -> Floats:
    first, last = span
    return climb_ability(start[first : last + 1], task, slope, credit, ability[first:last])


def _climb_ease(
    start: npt.NDArray[np.int64],
    worker: npt.NDArray[np.int32],
    ability: Floats,
    credit: Floats,
    ease: Floats,
    span: tuple[int, int],
) -> tuple[Floats, Floats]:
    first, last = span
    return climb_ease(start[first : last + 1], worker, ability, credit, ease[first:last])


def _beliefs(graph: VoteGraph, at: _Parameters) -> tuple[Beliefs, float]:
    """E-step: a vote's log-odds are s + log(K - 1). Return the log-evidence as well."""
    votes, others = graph.votes, np.log(max(graph.votes.n_classes - 1, 1))
    able = graph.weighed(at.ability[graph.pairs.worker])
    scores = able * np.exp(at.ease)[:, None]
    if others > 0:
        scores += others * graph.vote_counts()
    found = graph.beliefs(scores)
    silent = at.softplus + others * votes.n_votes + votes.n_tasks * np.log(votes.n_classes)
    return found, found.level - float(silent)
