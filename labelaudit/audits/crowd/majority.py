"""Vote shares, and the labels on which the voters agree well enough."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import accuracy_of
from labelaudit.audits.crowd.fitting import CrowdFit, on_block
from labelaudit.audits.crowd.posterior import TIE
from labelaudit.audits.crowd.shards import Outcome

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.audits.crowd.shards import Shard
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = [
    "fit",
    "fit_super_majority",
    "fit_unanimous",
    "majority",
    "super_majority",
    "unanimous",
    "voted",
]

TWO_THIRDS = 2.0 / 3.0


def voted(shard: Shard) -> Floats:
    """Return the vote shares, unrounded: (n, K)."""
    return shard.graph.divided(shard.graph.vote_counts())


def fit(crowd: Crowd, seed: int) -> CrowdFit:
    """Take the vote shares as the posterior."""
    del seed  # nothing is drawn
    return _shared("majority", crowd, 0.0)


def fit_unanimous(crowd: Crowd, seed: int) -> CrowdFit:
    """Take the vote shares, and a label only where all votes agree."""
    del seed  # nothing is drawn
    return _shared("unanimous", crowd, 1.0)


def fit_super_majority(crowd: Crowd, seed: int) -> CrowdFit:
    """Take the vote shares, and a label only where at least two thirds of the votes agree."""
    del seed  # nothing is drawn
    return _shared("super-majority", crowd, TWO_THIRDS)


def _shared(name: str, crowd: Crowd, needed: float) -> CrowdFit:
    q = crowd.computed(voted)
    _, (credit, left) = crowd.over(partial(_weigh, needed), q)
    notes = (f"{left} of {crowd.n_tasks} tasks are left without a label.",) if needed else ()
    undecided = crowd.computed(partial(_undecided, needed), q) if needed else None
    quality, _ = accuracy_of(crowd.pairs, credit)
    return CrowdFit(name, q, None, quality, notes=notes, undecided=undecided)


def _weigh(needed: float, shard: Shard, q: Floats) -> Outcome:
    left = int(_undecided(needed, shard, q).sum()) if needed else 0
    return Outcome((), (shard.credit(shard.graph.rounded(q)), left))


def _undecided(needed: float, shard: Shard, q: Floats) -> npt.NDArray[np.bool_]:
    votes = shard.graph.votes
    silent = np.diff(votes.task_start) == 0
    left: npt.NDArray[np.bool_] = (q.max(axis=1, initial=0.0) < needed - TIE) | (
        silent & (votes.gold < 0)
    )
    return left


def majority(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Take the vote shares as the posterior."""
    return on_block(fit, votes, seed, on)


def unanimous(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Take the vote shares, and a label only where all votes agree."""
    return on_block(fit_unanimous, votes, seed, on)


def super_majority(
    votes: VoteBlock, *, seed: int = 0, on: Executor | None = None
) -> CrowdPosterior:
    """Take the vote shares, and a label only where at least two thirds of the votes agree."""
    return on_block(fit_super_majority, votes, seed, on)
