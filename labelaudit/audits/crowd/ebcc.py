"""EBCC: correlated annotators through hidden subtypes of each class, by variational Bayes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import accuracy_of
from labelaudit.audits.crowd.dirichlet import expected_log, expected_log_of_pairs
from labelaudit.audits.crowd.fitting import (
    CrowdFit,
    Tables,
    described,
    log_posterior,
    on_block,
    revised,
)
from labelaudit.audits.crowd.graph import EVIDENCE
from labelaudit.audits.crowd.posterior import Confusion, unfinished
from labelaudit.audits.crowd.shards import Outcome, Shard
from labelaudit.audits.crowd.signatures import Signatures, mixed, uniform

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.pairs import PairIndex
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Words = npt.NDArray[np.uint64]

__all__ = ["ENOUGH", "STEPS", "SUBTYPES", "Subtyped", "ebcc", "first_split", "fit", "fitted"]

SUBTYPES = 10
STEPS, ENOUGH = 300, 1e-4
SUBTYPE_PRIOR = 0.1
RIGHT, WRONG = 4.0, 1.0


@dataclass(frozen=True, slots=True)
class Subtyped:
    """A fit: posterior `q` (N, K), the model behind it, the bound's history, q's last move."""

    q: Field
    model: Tables
    bound: Floats
    moved: float


def first_split(crowd: Crowd, seed: int, subtypes: int = SUBTYPES) -> Field:
    """Split each task's vote share by a Dirichlet(1) draw over subtypes: (N, K * G).

    The draw is hashed from the votes themselves, so it follows tasks and classes when they are
    renamed or permuted.
    """
    marks = Signatures.of(crowd, seed)
    parts = mixed(marks.label[:, None] + mixed(np.arange(1, subtypes + 1, dtype=np.uint64)))
    return crowd.computed(partial(_split, parts), marks.task)


def _split(parts: Words, shard: Shard, task: Words) -> Floats:
    split = -np.log(uniform(mixed(task[:, None, None] ^ parts[None])))
    split *= (shard.graph.vote_share() / split.sum(axis=2))[:, :, None]
    return shard.graph.rounded(split.reshape(len(split), parts.size))


def fitted(crowd: Crowd, z: Field, subtypes: int = SUBTYPES) -> Subtyped:
    """Alternate expected parameters and posteriors of (class, subtype), from a first split."""
    (q,), (mass, counts) = crowd.over(partial(_began, subtypes), z)
    bound: list[float] = []
    moved = np.inf
    model = Tables(np.zeros_like(mass), np.zeros_like(counts), subtypes)
    while moved >= ENOUGH and len(bound) < STEPS:
        prior, prior_gap = _expected_prior(mass, subtypes)
        table, table_gap = _expected_channel(crowd.pairs, counts, subtypes)
        model = Tables(prior, crowd.on_grid(table), subtypes)
        (q,), sums = crowd.over(partial(revised, model, Shard.pair_counts), against=q)
        mass, counts, evidence, most = sums
        bound.append(evidence / EVIDENCE - prior_gap - table_gap)
        moved = most.value
    return Subtyped(q, model, np.array(bound), moved)


def _began(subtypes: int, shard: Shard, z: Floats) -> Outcome:
    return Outcome((_by_class(z, subtypes),), described(Shard.pair_counts, shard, z).sums)


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


def _expected_channel(pairs: PairIndex, counts: Floats, subtypes: int) -> tuple[Floats, float]:
    """Return E[log P(label of pair | class, subtype)], (U, K * G), and its divergence."""
    k = counts.shape[1] // subtypes
    right = np.repeat(pairs.label[:, None] == np.arange(k), subtypes, axis=1)
    total = RIGHT + WRONG * (k - 1)
    return expected_log_of_pairs(pairs, counts, (RIGHT, right), total)


def fit(crowd: Crowd, seed: int) -> CrowdFit:
    """Fit ten subtypes per class from a start hashed from the votes and the seed."""
    found = fitted(crowd, first_split(crowd, seed))
    _, (_, counts) = crowd.over(partial(described, Shard.pair_counts), found.q)
    channel = Confusion.even(crowd, counts, RIGHT, WRONG)  # subtypes are summed away
    return CrowdFit(
        "ebcc",
        found.q,
        crowd.computed(partial(log_posterior, found.model, SUBTYPES)),
        accuracy_of(crowd.pairs, channel.credit)[0],
        channel,
        len(found.bound),
        found.moved < ENOUGH,
        found.bound,
        unfinished(found.moved, ENOUGH, STEPS),
    )


def ebcc(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit ten subtypes per class from a start hashed from the votes and the seed.

    Stops when no posterior moves by 1e-4, or after 300 steps. `bound` is the variational bound
    of the evidence and never falls.
    """
    return on_block(fit, votes, seed, on)
