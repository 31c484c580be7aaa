"""EBCC: correlated annotators through hidden subtypes of each class, by variational Bayes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.dirichlet import expected_log, expected_log_of_pairs
from labelaudit.audits.crowd.graph import Beliefs, VoteGraph
from labelaudit.audits.crowd.posterior import Confusion, CrowdPosterior, unfinished
from labelaudit.audits.crowd.signatures import Signatures, mixed, uniform

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["ENOUGH", "STEPS", "SUBTYPES", "Subtyped", "ebcc", "first_split", "fit"]

SUBTYPES = 10
STEPS, ENOUGH = 300, 1e-4
SUBTYPE_PRIOR = 0.1
RIGHT, WRONG = 4.0, 1.0


@dataclass(frozen=True, slots=True)
class Subtyped:
    """A fit: posterior `q` (N, K) and `log_q`, the bound's history, the last move of q."""

    q: Floats
    log_q: Floats
    bound: Floats
    moved: float


def first_split(graph: VoteGraph, seed: int, subtypes: int = SUBTYPES) -> Floats:
    """Split each task's vote share by a Dirichlet(1) draw over subtypes: (N, K * G).

    The draw is hashed from the votes themselves, so it follows tasks and classes when they are
    renamed or permuted.
    """
    marks = Signatures.of(graph, seed)
    parts = mixed(marks.label[:, None] + mixed(np.arange(1, subtypes + 1, dtype=np.uint64)))
    split = -np.log(uniform(mixed(marks.task[:, None, None] ^ parts[None])))
    split *= (graph.vote_share() / split.sum(axis=2))[:, :, None]
    return graph.rounded(split.reshape(len(split), parts.size))


def fit(graph: VoteGraph, z: Floats, subtypes: int = SUBTYPES) -> Subtyped:
    """Alternate expected parameters and posteriors of (class, subtype), from a first split."""
    q = _by_class(z, subtypes)
    beliefs = Beliefs.before(z)
    bound: list[float] = []
    moved = np.inf
    while moved >= ENOUGH and len(bound) < STEPS:
        prior, prior_gap = _expected_prior(z.sum(axis=0), subtypes)
        table, table_gap = _expected_channel(graph, graph.pair_counts(z), subtypes)
        beliefs = graph.beliefs(prior + graph.task_scores(table), subtypes)
        bound.append(beliefs.level - prior_gap - table_gap)
        z, before, q = beliefs.q, q, _by_class(beliefs.q, subtypes)
        moved = float(np.abs(q - before).max(initial=0.0))
    return Subtyped(q, beliefs.log_of_classes(subtypes), np.array(bound), moved)


def _by_class(z: Floats, subtypes: int) -> Floats:
    """Sum subtypes away: (N, K * G) to (N, K)."""
    total: Floats = z.reshape(len(z), z.shape[1] // subtypes, subtypes).sum(axis=2)
    return total


def _expected_prior(mass: Floats, subtypes: int) -> tuple[Floats, float]:
    """Return E[log P(class, subtype)], (K * G,), and the divergence from its prior."""
    split = mass.reshape(-1, subtypes)
    classes, class_gap = expected_log(split.sum(axis=1)[None, :], 1.0)
    within, within_gap = expected_log(split, SUBTYPE_PRIOR)
    return (classes.T + within).ravel(), class_gap + within_gap


def _expected_channel(graph: VoteGraph, counts: Floats, subtypes: int) -> tuple[Floats, float]:
    """Return E[log P(label of pair | class, subtype)], (U, K * G), and its divergence."""
    k = graph.votes.n_classes
    right = np.repeat(graph.pairs.label[:, None] == np.arange(k), subtypes, axis=1)
    total = RIGHT + WRONG * (k - 1)
    return expected_log_of_pairs(graph.pairs, counts, (RIGHT, right), total)


def ebcc(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit ten subtypes per class from a start hashed from the votes and the seed.

    Stops when no posterior moves by 1e-4, or after 300 steps. `bound` is the variational bound
    of the evidence and never falls.
    """
    graph = VoteGraph.of(votes, on)
    found = fit(graph, first_split(graph, seed))
    quality, _ = one_coin_accuracy(graph, found.q)
    return CrowdPosterior(
        "ebcc",
        found.q,
        found.log_q,
        quality,
        _channel(graph, found.q),
        len(found.bound),
        found.moved < ENOUGH,
        found.bound,
        unfinished(found.moved, ENOUGH, STEPS),
    )


def _channel(graph: VoteGraph, q: Floats) -> Confusion:
    """Return confusion matrices with subtypes summed away and the method's prior votes."""
    k = graph.votes.n_classes
    flat = (graph.votes.n_workers, k)
    return Confusion(
        graph.pairs,
        graph.pair_counts(q),
        np.broadcast_to(RIGHT, flat),
        np.broadcast_to(WRONG, flat),
        np.ones((k, k)),
    )
