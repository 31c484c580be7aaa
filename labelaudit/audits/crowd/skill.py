"""Votes weighed by skill: once (Wawa), or until the labels stop changing (zero-based skill)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.fitting import CrowdFit, on_block, vote_share
from labelaudit.audits.crowd.posterior import TIE
from labelaudit.audits.crowd.shards import Largest, Outcome

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.audits.crowd.shards import Shard
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["fit_wawa", "fit_zbs", "wawa", "zbs"]

ROUNDS = 100


def _winners(q: Floats) -> Floats:
    """Give each task's best class 1, or equal parts to equal ones: no class code decides."""
    best = q >= q.max(axis=1, initial=0.0, keepdims=True) - TIE
    parts: Floats = best / best.sum(axis=1, keepdims=True)
    return parts


def _first(units: float, shard: Shard, q: Floats) -> Outcome:
    """Add up by pair how often votes equal the winners, in multiples of ``1 / units``."""
    return Outcome((), (shard.credit(np.rint(_winners(q) * units) / units),))


def _again(units: float, weight: Floats, shard: Shard, before: Floats) -> Outcome:
    """Weigh votes, and say whether a winner has changed."""
    q = shard.graph.shares(shard.weighed(weight))
    same = np.array_equal(_winners(before), _winners(q))
    return Outcome((q,), (*_first(units, shard, q).sums, Largest(float(not same))))


def _units(crowd: Crowd) -> float:
    """Return a grid on which the sum of a share of each vote is exact."""
    return float(2.0 ** (51 - max(crowd.n_votes - 1, 0).bit_length()))


def _skill(crowd: Crowd, credit: Floats) -> Floats:
    """Return the share (W,) of each annotator's votes that equal the winners."""
    right = crowd.pairs.per_worker(credit)
    return right / np.maximum(crowd.pairs.votes_of_worker, 1)


def _round(crowd: Crowd, skill: Floats, before: Field) -> tuple[Field, Floats, bool]:
    """Return the shares that skills give, the skills that follow, and whether labels changed."""
    weight = crowd.on_grid(skill[crowd.pairs.worker])
    (q,), (credit, changed) = crowd.over(partial(_again, _units(crowd), weight), before)
    return q, _skill(crowd, credit), changed.value > 0


def _start(crowd: Crowd) -> tuple[Field, Floats]:
    q = crowd.computed(vote_share)
    _, (credit,) = crowd.over(partial(_first, _units(crowd)), q)
    return q, _skill(crowd, credit)


def fit_wawa(crowd: Crowd, seed: int) -> CrowdFit:
    """Weigh each vote by its annotator's agreement with the majority."""
    del seed  # nothing is drawn
    share, skill = _start(crowd)
    q, _, _ = _round(crowd, skill, share)
    return CrowdFit("wawa", q, None, skill, iterations=1)


def fit_zbs(crowd: Crowd, seed: int) -> CrowdFit:
    """Weigh votes by agreement with the labels these weights give, until the labels stop."""
    del seed  # nothing is drawn
    q, skill = _start(crowd)
    for step in range(1, ROUNDS + 1):
        q, skill, changed = _round(crowd, skill, q)
        if not changed:
            return CrowdFit("zbs", q, None, skill, iterations=step)
    note = f"The labels still change after {ROUNDS} rounds; those of the last round are given."
    return CrowdFit("zbs", q, None, skill, iterations=ROUNDS, converged=False, notes=(note,))


def wawa(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Weigh each vote by its annotator's agreement with the majority."""
    return on_block(fit_wawa, votes, seed, on)


def zbs(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Weigh votes by agreement with the labels these weights give, until the labels stop."""
    return on_block(fit_zbs, votes, seed, on)
