"""The common direction of all annotators, from the votes alone: a sparse power iteration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import on_grid

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.graph import VoteGraph

    Floats = npt.NDArray[np.float64]

__all__ = ["Direction", "reliability_direction", "split_scores", "vote_density"]

ROUNDS, ENOUGH = 500, 1e-7


@dataclass(frozen=True, slots=True)
class Direction:
    """Leading left singular vector of the votes, one split per class side by side.

    Attributes
    ----------
    worker : (W,) float64
        Unit length, negative entries set to 0; 0 for annotators without votes.
    density : float
        Share of the (annotator, task) cells that hold a vote.
    iterations : int
    converged : bool
    """

    worker: Floats
    density: float
    iterations: int
    converged: bool


def vote_density(graph: VoteGraph) -> float:
    """Return V / (N W), counting only tasks and annotators that have votes."""
    tasks = int(np.count_nonzero(np.diff(graph.votes.task_start)))
    workers = int(np.count_nonzero(graph.pairs.votes_of_worker))
    return graph.votes.n_votes / max(tasks * workers, 1)


def split_scores(graph: VoteGraph, worker: Floats, density: float) -> Floats:
    """Return A_c' u for all tasks and splits, (N, K); 0 for tasks without votes.

    A_c holds -1 for votes of class c, +1 for other votes, and less density (K - 2) / K
    everywhere. That shift has rank one, so it is never written out.
    """
    backed = graph.weighed(worker[graph.pairs.worker])
    classes = graph.votes.n_classes
    shift = density * (classes - 2) / classes * math.fsum(worker)
    scores: Floats = backed.sum(axis=1, keepdims=True) - 2.0 * backed - shift
    scores[np.diff(graph.votes.task_start) == 0] = 0.0
    return scores


def _apply(graph: VoteGraph, worker: Floats, density: float) -> Floats:
    """Multiply by the sum over classes of A_c A_c'."""
    classes = graph.votes.n_classes
    longest = max(graph.votes.n_tasks, int(graph.pairs.votes_of_worker.max(initial=1)))
    scores = on_grid(split_scores(graph, worker, density), (classes + 2) * longest)
    per_task = scores.sum(axis=1)
    back = graph.pairs.per_worker(graph.credit(per_task[:, None] - 2.0 * scores))
    back -= density * (classes - 2) / classes * float(per_task.sum())
    back[graph.pairs.votes_of_worker == 0] = 0.0
    return back


def _unit(vector: Floats) -> Floats:
    length = math.sqrt(math.fsum(vector**2))
    return on_grid(vector / length, len(vector)) if length > 0.0 else vector


def reliability_direction(graph: VoteGraph) -> Direction:
    """Find the direction by power iteration from the all-ones vector.

    Jeong and Chung take one singular vector per split of ordered classes and average them. Here
    each class is split from the rest and one vector is fitted to all splits together, which
    knows no order of the classes and does not weaken where splits disagree.
    """
    density = vote_density(graph)
    worker = _unit((graph.pairs.votes_of_worker > 0).astype(np.float64))
    moved, step = np.inf, 0
    while moved > ENOUGH * np.abs(worker).max(initial=0.0) and step < ROUNDS:
        after = _unit(_apply(graph, worker, density))
        moved = float(np.abs(after - worker).max(initial=0.0))
        worker = after
        step += 1
    if math.fsum(worker) < 0.0:
        worker = -worker
    return Direction(_unit(np.maximum(worker, 0.0)), density, step, step < ROUNDS)
