"""The common direction of all annotators, from the votes alone: a sparse eigenvector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import exact_total, on_grid

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.graph import VoteGraph

    Floats = npt.NDArray[np.float64]

__all__ = ["Direction", "reliability_direction", "split_scores", "vote_density"]

ROUNDS, ENOUGH = 200, 1e-7
NOTHING = 1e-3
"""Directions with less than this outside of the others would bring in more rounding than news."""


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


def _dot(a: Floats, b: Floats) -> float:
    return float(exact_total(on_grid(a * b, len(a))))


def _unit(vector: Floats) -> Floats:
    length = math.sqrt(_dot(vector, vector))
    return on_grid(vector / length, len(vector)) if length > 0.0 else vector


def _with(
    basis: list[tuple[Floats, Floats]], vector: Floats, image: Floats
) -> list[tuple[Floats, Floats]]:
    """Add what a unit vector has outside of an orthonormal basis; images follow along."""
    for other, its_image in basis:
        along = _dot(vector, other)
        vector, image = vector - along * other, image - along * its_image
    length = math.sqrt(_dot(vector, vector))
    if length < NOTHING:
        return basis
    return [*basis, (vector / length, image / length)]


def _best_in(basis: list[tuple[Floats, Floats]]) -> Floats:
    """Return the coordinates of the vector in the span that the matrix stretches most."""
    projected = np.array([[_dot(a, image) for a, _ in basis] for _, image in basis])
    found: Floats = np.linalg.eigh((projected + projected.T) / 2.0)[1][:, -1]
    return found if found[0] >= 0.0 else -found


def reliability_direction(graph: VoteGraph) -> Direction:
    """Find the direction, starting from the all-ones vector.

    Jeong and Chung take one singular vector per split of ordered classes and average them. Here
    each class is split from the rest and one vector is fitted to all splits together, which
    knows no order of the classes and does not weaken where splits disagree.

    Each round takes the best vector in the span of the last one, its residual and the last move
    (Knyazev 2001): as cheap as a power iteration, and faster where tasks were handed out in
    batches and annotators hardly mix.
    """
    density = vote_density(graph)
    worker = _unit((graph.pairs.votes_of_worker > 0).astype(np.float64))
    move = np.zeros_like(worker), np.zeros_like(worker)
    step, converged = 0, False
    image = _apply(graph, worker, density)
    while not converged and step < ROUNDS:
        step += 1
        level = _dot(worker, image)
        residual = image - level * worker
        converged = math.sqrt(_dot(residual, residual)) <= ENOUGH * level
        residual = _unit(residual)
        basis = _with([(worker, image)], residual, _apply(graph, residual, density))
        basis = _with(basis, *move)
        share = _best_in(basis)
        moved = np.stack([share[j] * np.stack(basis[j]) for j in range(len(basis))])
        worker, image = moved.sum(axis=0)
        move = _scaled(moved[1:].sum(axis=0))
    if math.fsum(worker) < 0.0:
        worker = -worker
    return Direction(_unit(np.maximum(worker, 0.0)), density, step, converged)


def _scaled(move: Floats) -> tuple[Floats, Floats]:
    """Scale a vector and its image, (2, W), to a vector of unit length."""
    length = math.sqrt(_dot(move[0], move[0]))
    vector, image = move / length if length > 0.0 else move
    return vector, image
