"""What methods of the expectation-maximisation family share: a model, its steps, its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.graph import log_of_classes
from labelaudit.audits.crowd.posterior import CrowdPosterior, no_bound
from labelaudit.audits.crowd.shards import Outcome, Shard

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Field
    from labelaudit.audits.crowd.graph import Beliefs
    from labelaudit.audits.crowd.posterior import Confusion
    from labelaudit.audits.crowd.shards import OfPairs
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = [
    "CrowdFit",
    "Fit",
    "Model",
    "Tables",
    "Weights",
    "described",
    "log_posterior",
    "on_block",
    "revised",
    "vote_counts",
    "vote_share",
]


class Model(Protocol):
    """What a method believes of annotators; picklable."""

    def scores(self, shard: Shard) -> Floats:
        """Return log-posteriors of the tasks of a shard, up to a constant of each."""

    def of(self, shard: Shard) -> Beliefs:
        """Return what it says of the tasks of a shard."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Confusion: each vote adds the log-probabilities of its pair.

    Attributes
    ----------
    log_prior : (C,) float64
    table : (U, C) float64
        On the crowd's grid.
    subtypes : int
        Columns to each class.
    """

    log_prior: Floats
    table: Floats
    subtypes: int = 1

    def scores(self, shard: Shard) -> Floats:
        """Return log-posteriors of the tasks of a shard, up to a constant of each."""
        return self.log_prior + shard.scores(self.table)

    def of(self, shard: Shard) -> Beliefs:
        """Return what it says of the tasks of a shard."""
        return shard.graph.beliefs(self.scores(shard), self.subtypes)


@dataclass(frozen=True, slots=True)
class Weights:
    """Each vote adds the weight of its pair, (U,) on the grid, to its class; classes are alike."""

    weight: Floats

    def scores(self, shard: Shard) -> Floats:
        """Return log-posteriors of the tasks of a shard, up to a constant of each."""
        return shard.weighed(self.weight)

    def of(self, shard: Shard) -> Beliefs:
        """Return what it says of the tasks of a shard."""
        return shard.graph.beliefs(self.scores(shard))


def vote_share(shard: Shard) -> Floats:
    """Return the start of every method, (n, K)."""
    return shard.graph.vote_share()


def vote_counts(shard: Shard) -> Floats:
    """Return the votes for each class, (n, K)."""
    return shard.graph.vote_counts()


def described(learn: Callable[[Shard, Floats], OfPairs], shard: Shard, q: Floats) -> Outcome:
    """M-step: the expected number of tasks of each class, and what is learnt of the pairs."""
    return Outcome((), (q.sum(axis=0), learn(shard, q)))


def revised(model: Model, learn: Callable[[Shard, Floats], OfPairs], shard: Shard) -> Outcome:
    """E-step, then M-step: what the model believes, and what follows.

    Posteriors of classes are kept. Sums are those of ``described`` and the log-evidence in its
    units.
    """
    beliefs = model.of(shard)
    classes = shard.graph.votes.n_classes
    q = beliefs.q
    if q.shape[1] != classes:
        q = q.reshape(len(q), classes, q.shape[1] // classes).sum(axis=2)
    sums = described(learn, shard, beliefs.q).sums
    return Outcome((q,), (*sums, beliefs.evidence))


def log_posterior(model: Model, subtypes: int, shard: Shard) -> Floats:
    """Return unrounded log-posteriors, (n, K)."""
    return log_of_classes(model.scores(shard), subtypes)


@dataclass(frozen=True, slots=True)
class CrowdFit:
    """What one method makes of the votes, shard by shard; else as ``CrowdPosterior``.

    Attributes
    ----------
    method : str
    posterior : Field
        (N, K) float64.
    log_posterior : Field or None
        (N, K) float64.
    worker_quality : (W,) float64
    confusion : Confusion or None
    iterations : int
    converged : bool
    bound : (steps,) float64
    notes : tuple of str
    undecided : Field or None
        (N,) bool.
    """

    method: str
    posterior: Field
    log_posterior: Field | None
    worker_quality: Floats
    confusion: Confusion | None = None
    iterations: int = 0
    converged: bool = True
    bound: Floats = field(default_factory=no_bound)
    notes: tuple[str, ...] = ()
    undecided: Field | None = None

    @classmethod
    def spread(cls, crowd: Crowd, found: CrowdPosterior) -> CrowdFit:
        """Cut the result of a method that needs all votes at once into shards."""
        return cls(
            found.method,
            crowd.spread(found.posterior),
            None if found.log_posterior is None else crowd.spread(found.log_posterior),
            found.worker_quality,
            found.confusion,
            found.iterations,
            found.converged,
            found.bound,
            found.notes,
            None if found.undecided is None else crowd.spread(found.undecided),
        )

    def gathered(self, crowd: Crowd) -> CrowdPosterior:
        """Return the result with arrays of all tasks."""

        def whole(values: Field | None) -> Any:
            return None if values is None else crowd.gathered(values)

        return CrowdPosterior(
            self.method,
            whole(self.posterior),
            whole(self.log_posterior),
            self.worker_quality,
            self.confusion,
            self.iterations,
            self.converged,
            self.bound,
            self.notes,
            whole(self.undecided),
        )


class Fit(Protocol):
    """The shape of methods that pass over shards."""

    def __call__(self, crowd: Crowd, seed: int) -> CrowdFit:
        """Aggregate; the same seed gives the same bytes for every way to cut the votes."""


def on_block(fit: Fit, votes: VoteBlock, seed: int, on: Executor | None) -> CrowdPosterior:
    """Aggregate votes that are in memory by a method that passes over shards."""
    crowd = Crowd.of(votes, on)
    return fit(crowd, seed).gathered(crowd)
