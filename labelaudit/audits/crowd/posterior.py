"""What every aggregation method returns, and the shape that every method has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.audits.crowd.pairs import PairIndex, VotePairs
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

__all__ = [
    "TIE",
    "Confusion",
    "CrowdMethod",
    "CrowdPosterior",
    "consensus",
    "no_bound",
    "unfinished",
]

TIE = 1e-9
"""Posteriors (or log-posteriors) closer than this count as equal; the lowest class code wins."""


def no_bound() -> npt.NDArray[np.float64]:
    """Return the empty bound history of a method that has no bound."""
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Confusion matrices of all annotators, kept only for labels that each of them used.

    ``P(w gives l | true k) = (counts + prior) / row sum`` with the prior pseudo-counts
    ``diagonal[w, k]`` where l = k and ``spread[w, k] * base[k, l]`` elsewhere.

    Attributes
    ----------
    pairs : PairIndex
        Which (annotator, label) pair each row of ``counts`` belongs to.
    counts : (U, K) float64
        Expected number of votes of pair u on tasks of true class k.
    diagonal, spread : (W, K) float64
    base : (K, K) float64
    """

    pairs: PairIndex | VotePairs
    counts: npt.NDArray[np.float64]
    diagonal: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    base: npt.NDArray[np.float64]

    @classmethod
    def even(
        cls,
        crowd: Crowd,
        counts: npt.NDArray[np.float64],
        right: float,
        wrong: float,
    ) -> Confusion:
        """Give everyone the same pseudo-votes: for the true class, and for each other one."""
        k = crowd.n_classes
        everyone = (crowd.n_workers, k)
        diagonal, spread = (np.broadcast_to(votes, everyone) for votes in (right, wrong))
        return cls(crowd.pairs, counts, diagonal, spread, np.ones((k, k)))

    @property
    def credit(self) -> npt.NDArray[np.float64]:
        """(U,) expected number of right votes of each pair."""
        right: npt.NDArray[np.float64] = self.counts[np.arange(len(self.counts)), self.pairs.label]
        return right

    def concentration(self, worker: int) -> npt.NDArray[np.float64]:
        """Return the (K, K) counts plus pseudo-counts of one annotator (rows: true class)."""
        known: npt.NDArray[np.float64] = self._concentrations(worker, worker + 1)[0]
        return known

    def prior_of_pairs(self) -> npt.NDArray[np.float64]:
        """Return the (U, K) pseudo-counts of the labels that were used."""
        known = self.spread[self.pairs.worker] * self.base.T[self.pairs.label]
        rows = np.arange(len(known))
        known[rows, self.pairs.label] = self.diagonal[self.pairs.worker, self.pairs.label]
        return known

    def row_sums(self) -> npt.NDArray[np.float64]:
        """Return (W, K): all counts and pseudo-counts of an annotator on tasks of one class."""
        beside = self.base.sum(axis=1) - np.diagonal(self.base)
        pseudo: npt.NDArray[np.float64] = self.diagonal + self.spread * beside
        return pseudo + self.pairs.per_worker(self.counts)

    def log_of_pairs(self) -> npt.NDArray[np.float64]:
        """Return (U, K): log P(annotator of pair u gives label of pair u | true class)."""
        rows = np.log(self.row_sums())
        seen: npt.NDArray[np.float64] = np.log(self.counts + self.prior_of_pairs())
        return seen - rows[self.pairs.worker]

    def of(self, worker: int) -> npt.NDArray[np.float64]:
        """Return the (K, K) confusion matrix of one annotator: rows true, columns given."""
        shares: npt.NDArray[np.float64] = self.dense(worker, worker + 1)[0]
        return shares

    def dense(self, first: int, last: int) -> npt.NDArray[np.float64]:
        """Return the confusion matrices of annotators first:last, (last - first, K, K)."""
        known = self._concentrations(first, last)
        shares: npt.NDArray[np.float64] = known / known.sum(axis=2, keepdims=True)
        return shares

    def _concentrations(self, first: int, last: int) -> npt.NDArray[np.float64]:
        known: npt.NDArray[np.float64] = self.spread[first:last, :, None] * self.base
        classes = np.arange(len(self.base))
        known[:, classes, classes] = self.diagonal[first:last]
        used = slice(self.pairs.worker_start[first], self.pairs.worker_start[last])
        known[self.pairs.worker[used] - first, :, self.pairs.label[used]] += self.counts[used]
        return known


@dataclass(frozen=True, slots=True)
class CrowdPosterior:
    """What one method makes of some votes.

    Attributes
    ----------
    method : str
        Name of the method.
    posterior : (N, K) float64
        Probability of each class for each task; rows sum to 1.
    log_posterior : (N, K) float64 or None
        The same before rounding to 0 and 1, for ranking second answers; None: take the log.
    worker_quality : (W,) float64
        Estimated probability of a right vote, unless the method's page says otherwise.
    confusion : Confusion or None
        The method's own confusion matrices, where its model has them.
    iterations : int
    converged : bool
        False where the steps ran out (in auto: those of EBCC); methods with a fixed number of
        steps say True.
    bound : (steps,) float64
        The objective after each step, never falling; empty where there is none.
    notes : tuple of str
        What a reader of the result must know, one sentence each.
    undecided : (N,) bool or None
        Tasks for which the method declines a label (unanimous, super-majority).
    """

    method: str
    posterior: npt.NDArray[np.float64]
    log_posterior: npt.NDArray[np.float64] | None
    worker_quality: npt.NDArray[np.float64]
    confusion: Confusion | None = None
    iterations: int = 0
    converged: bool = True
    bound: npt.NDArray[np.float64] = field(default_factory=no_bound)
    notes: tuple[str, ...] = ()
    undecided: npt.NDArray[np.bool_] | None = None


class CrowdMethod(Protocol):
    """The shape of every aggregation method."""

    def __call__(
        self, votes: VoteBlock, *, seed: int = 0, on: Executor | None = None
    ) -> CrowdPosterior:
        """Aggregate the votes; the same seed gives the same bytes on any executor."""


def unfinished(moved: float, enough: float, steps: int) -> tuple[str, ...]:
    """Return the note that a method ran out of steps, or no note."""
    if moved < enough:
        return ()
    return (f"Stopped after {steps} steps with posteriors still moving by {moved:.1g}.",)


def consensus(posterior: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Return the most probable class of each row, (N,) int32; ties go to the lowest code.

    Two probabilities tie when they differ by at most ``TIE``, so that rounding never decides.
    """
    if posterior.shape[0] == 0:
        return np.empty(0, dtype=np.int32)
    best = posterior.max(axis=1, keepdims=True)
    labels: npt.NDArray[np.int32] = np.argmax(posterior >= best - TIE, axis=1).astype(np.int32)
    return labels
