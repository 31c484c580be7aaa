"""Vote shares, and the labels on which the voters agree well enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.posterior import TIE, CrowdPosterior

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

__all__ = ["majority", "super_majority", "unanimous"]

TWO_THIRDS = 2.0 / 3.0


def majority(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Take the vote shares as the posterior."""
    del seed  # nothing is drawn
    return _shared("majority", VoteGraph.of(votes, on), None)


def unanimous(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Take the vote shares, and a label only where all votes agree."""
    del seed  # nothing is drawn
    return _shared("unanimous", VoteGraph.of(votes, on), 1.0)


def super_majority(
    votes: VoteBlock, *, seed: int = 0, on: Executor | None = None
) -> CrowdPosterior:
    """Take the vote shares, and a label only where at least two thirds of the votes agree."""
    del seed  # nothing is drawn
    return _shared("super-majority", VoteGraph.of(votes, on), TWO_THIRDS)


def _shared(name: str, graph: VoteGraph, needed: float | None) -> CrowdPosterior:
    q = graph.divided(graph.vote_counts())
    undecided: npt.NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()
    if needed is not None:
        silent = np.diff(graph.votes.task_start) == 0
        undecided = (q.max(axis=1, initial=0.0) < needed - TIE) | (silent & (graph.votes.gold < 0))
        notes = (
            f"{int(undecided.sum())} of {graph.votes.n_tasks} tasks are left without a label.",
        )
    quality, _ = one_coin_accuracy(graph, graph.rounded(q))
    return CrowdPosterior(name, q, None, quality, notes=notes, undecided=undecided)
