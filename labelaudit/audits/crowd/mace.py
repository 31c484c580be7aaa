"""MACE: each vote copies the truth or is drawn from its annotator's own habit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.dirichlet import expected_log, expected_log_of_pairs
from labelaudit.audits.crowd.fitting import (
    CrowdFit,
    Weights,
    described,
    log_posterior,
    on_block,
    revised,
    vote_share,
)
from labelaudit.audits.crowd.graph import EVIDENCE
from labelaudit.audits.crowd.posterior import unfinished
from labelaudit.audits.crowd.shards import Shard
from labelaudit.audits.crowd.signatures import Signatures, mixed, uniform

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["fit", "mace"]

STARTS, STEPS, ENOUGH = 10, 50, 1e-4
COPY_PRIOR, HABIT_PRIOR = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class _Fit:
    q: Field
    model: Weights
    copied: Floats
    bound: Floats
    moved: float


def fit(crowd: Crowd, seed: int) -> CrowdFit:
    """Fit from ten starts and keep the one with the best bound."""
    best = max((_fit(crowd, copied) for copied in _starts(crowd, seed)), key=_last_bound)
    copied = crowd.pairs.per_worker(best.copied)
    competence = (copied + COPY_PRIOR) / (crowd.pairs.votes_of_worker + 2.0 * COPY_PRIOR)
    return CrowdFit(
        "mace",
        best.q,
        crowd.computed(partial(log_posterior, best.model, 1)),
        competence,
        None,
        len(best.bound),
        best.moved < ENOUGH,
        best.bound,
        unfinished(best.moved, ENOUGH, STEPS),
    )


def mace(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit by variational Bayes from ten starts and keep the one with the best bound.

    The first start copies as the vote shares say, the others at random. `worker_quality` is the
    competence: the expected share of an annotator's votes that copy the truth.
    """
    return on_block(fit, votes, seed, on)


def _last_bound(found: _Fit) -> float:
    return float(found.bound[-1])


def _starts(crowd: Crowd, seed: int) -> Iterator[Floats]:
    """Yield expected numbers of copying votes of each pair (U,)."""
    pairs = crowd.pairs
    _, (_, credit) = crowd.over(partial(described, Shard.credit), crowd.computed(vote_share))
    yield credit
    marks = Signatures.of(crowd, seed)
    pair = mixed(marks.worker[pairs.worker] ^ mixed(marks.label[pairs.label]))
    for start in range(1, STARTS):
        yield uniform(mixed(pair + np.uint64(start))) * pairs.votes


def _fit(crowd: Crowd, copied: Floats) -> _Fit:
    q = crowd.computed(vote_share)
    bound: list[float] = []
    moved = np.inf
    model = Weights(np.zeros_like(copied))
    even = crowd.n_tasks * np.log(crowd.n_classes)
    while moved >= ENOUGH and len(bound) < STEPS:
        copy, habit, gap = _expected(crowd, copied)
        model = Weights(crowd.on_grid(np.log1p(copy / habit)))
        (q,), (_, credit, evidence, most) = crowd.over(
            partial(revised, model, Shard.credit), against=q
        )
        silent = float(np.log(habit) @ crowd.pairs.votes)
        bound.append(evidence / EVIDENCE + silent - float(even) - gap)
        moved = most.value
        copied = credit * copy / (copy + habit)
    return _Fit(q, model, copied, np.array(bound), moved)


def _expected(crowd: Crowd, copied: Floats) -> tuple[Floats, Floats, float]:
    """Return for each pair the expected weights of copying and of habit, and their divergence."""
    pairs = crowd.pairs
    drawn = np.maximum(pairs.votes - copied, 0.0)
    ways = np.stack([pairs.per_worker(copied), pairs.per_worker(drawn)], axis=1)
    way, way_gap = expected_log(ways, COPY_PRIOR)
    total = HABIT_PRIOR * crowd.n_classes
    everywhere = np.ones((len(drawn), 1), dtype=bool)
    habit, habit_gap = expected_log_of_pairs(
        pairs, drawn[:, None], (HABIT_PRIOR, everywhere), total
    )
    copy = np.exp(way[pairs.worker, 0])
    return copy, np.exp(way[pairs.worker, 1] + habit[:, 0]), way_gap + habit_gap
