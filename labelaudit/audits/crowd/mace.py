"""MACE: each vote copies the truth or is drawn from its annotator's own habit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.dirichlet import expected_log, expected_log_of_pairs
from labelaudit.audits.crowd.graph import Beliefs, VoteGraph
from labelaudit.audits.crowd.posterior import CrowdPosterior, unfinished
from labelaudit.audits.crowd.signatures import Signatures, mixed, uniform

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["mace"]

STARTS, STEPS, ENOUGH = 10, 50, 1e-4
COPY_PRIOR, HABIT_PRIOR = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class _Fit:
    beliefs: Beliefs
    copied: Floats
    bound: Floats
    moved: float


def mace(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit by variational Bayes from ten starts and keep the one with the best bound.

    The first start copies as the vote shares say, the others at random. `worker_quality` is the
    competence: the expected share of an annotator's votes that copy the truth.
    """
    graph = VoteGraph.of(votes, on)
    best = max((_fit(graph, copied) for copied in _starts(graph, seed)), key=_last_bound)
    q = best.beliefs.q
    given = graph.pairs.votes_of_worker
    copied = graph.pairs.per_worker(best.copied)
    competence = (copied + COPY_PRIOR) / (given + 2.0 * COPY_PRIOR)
    return CrowdPosterior(
        "mace",
        q,
        best.beliefs.log_q,
        competence,
        None,
        len(best.bound),
        best.moved < ENOUGH,
        best.bound,
        unfinished(best.moved, ENOUGH, STEPS),
    )


def _last_bound(fit: _Fit) -> float:
    return float(fit.bound[-1])


def _starts(graph: VoteGraph, seed: int) -> Iterator[Floats]:
    """Yield expected numbers of copying votes of each pair (U,)."""
    pairs = graph.pairs
    yield graph.credit(graph.vote_share())
    marks = Signatures.of(graph, seed)
    pair = mixed(marks.worker[pairs.worker] ^ mixed(marks.label[pairs.label]))
    for start in range(1, STARTS):
        yield uniform(mixed(pair + np.uint64(start))) * np.diff(pairs.start)


def _fit(graph: VoteGraph, copied: Floats) -> _Fit:
    q = graph.vote_share()
    beliefs = Beliefs.before(q)
    bound: list[float] = []
    moved = np.inf
    while moved >= ENOUGH and len(bound) < STEPS:
        copy, habit, gap = _expected(graph, copied)
        beliefs = _beliefs(graph, copy, habit)
        bound.append(beliefs.level - gap)
        moved = float(np.abs(beliefs.q - q).max(initial=0.0))
        q = beliefs.q
        copied = graph.credit(q) * copy / (copy + habit)
    return _Fit(beliefs, copied, np.array(bound), moved)


def _expected(graph: VoteGraph, copied: Floats) -> tuple[Floats, Floats, float]:
    """Return for each pair the expected weights of copying and of habit, and their divergence."""
    pairs = graph.pairs
    drawn = np.maximum(np.diff(pairs.start) - copied, 0.0)
    ways = np.stack([pairs.per_worker(copied), pairs.per_worker(drawn)], axis=1)
    way, way_gap = expected_log(ways, COPY_PRIOR)
    total = HABIT_PRIOR * graph.votes.n_classes
    everywhere = np.ones((len(drawn), 1), dtype=bool)
    habit, habit_gap = expected_log_of_pairs(
        pairs, drawn[:, None], (HABIT_PRIOR, everywhere), total
    )
    copy = np.exp(way[pairs.worker, 0])
    return copy, np.exp(way[pairs.worker, 1] + habit[:, 0]), way_gap + habit_gap


def _beliefs(graph: VoteGraph, copy: Floats, habit: Floats) -> Beliefs:
    found = graph.beliefs(graph.weighed(np.log1p(copy / habit)))
    silent = float(np.log(habit) @ np.diff(graph.pairs.start))
    even = graph.votes.n_tasks * np.log(graph.votes.n_classes)
    return replace(found, level=found.level + silent - float(even))
