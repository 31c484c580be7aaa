"""The two sums that aggregation is made of, over chunks of tasks or of pairs, on any executor.

Posteriors and log-probabilities are rounded to a grid so fine that results do not feel it and so
coarse that their sums are exact. Results are then the same bits for every order of rows, tasks
and annotators; without that, expectation-maximisation started in a symmetric place amplifies the
last bit of a sum into another label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.pairs import VotePairs
from labelaudit.kernels.votes import normalise_rows, pair_credit, sum_rows, weigh_votes
from labelaudit.running import each, total

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Span = tuple[int, int]

__all__ = [
    "EVIDENCE",
    "Beliefs",
    "VoteGraph",
    "exact_total",
    "log_of_classes",
    "on_grid",
    "spans",
]

EVIDENCE = 2.0**30
"""Log-evidence is summed in units of its reciprocal."""

CHUNK = 1 << 20
"""Numbers read per chunk: large beside the cost of handing a chunk to a thread, small beside a
core's share of a big table."""


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Posteriors after an E-step.

    Attributes
    ----------
    q : (N, C) float64
        Rounded to the grid; one-hot where gold is known.
    scores : (N, C) float64
        Log-posteriors up to a constant of each row, gold ignored.
    evidence : int
        Sum of the tasks' log-evidence in units of 2**-30: exact, whatever the order of tasks.
    """

    q: Floats
    scores: Floats
    evidence: int

    @property
    def level(self) -> float:
        """Sum of the tasks' log-evidence."""
        return self.evidence / EVIDENCE

    @classmethod
    def before(cls, q: Floats) -> Beliefs:
        """Take vote shares for beliefs that no step has touched yet."""
        return cls(q, np.log(np.maximum(q, 1e-300)), 0)

    @property
    def log_q(self) -> Floats:
        """(N, C) unrounded log-posteriors."""
        return log_of_classes(self.scores, 1)


def log_of_classes(scores: Floats, subtypes: int) -> Floats:
    """Return unrounded log-posteriors of classes, (N, C / subtypes), from ``Beliefs.scores``."""
    tasks, columns = scores.shape
    parts = scores.reshape(tasks, columns // subtypes, subtypes)
    log_sum = np.logaddexp.reduce(parts, axis=2)
    log_q: Floats = log_sum - np.logaddexp.reduce(log_sum, axis=1)[:, None]
    return log_q


def on_grid(values: Floats, terms: int) -> Floats:
    """Round values so that the sum of any ``terms`` of them is exact."""
    largest = float(np.abs(values).max(initial=0.0))
    bits = 51 - max(int(np.ceil(np.log2(max(largest * max(terms, 1), 1.0)))), 0)
    return np.rint(values * 2.0**bits) / 2.0**bits


def exact_total(values: Floats) -> Floats:
    """Sum on-grid values over the first axis to the same bits in whatever order they come."""
    coarse = np.rint(values * 256.0) / 256.0
    whole: Floats = coarse.sum(axis=0) + (values - coarse).sum(axis=0)
    return whole


def spans(start: npt.NDArray[np.int64], columns: int, least: int = 1) -> list[Span]:
    """Cut groups into runs (first, last) of about ``CHUNK`` numbers each, by the data alone."""
    size = max(CHUNK // max(columns, 1), least)
    cost = start + np.arange(len(start))
    targets = np.arange(0, cost[-1], size)
    edges = np.unique(np.append(np.searchsorted(cost, targets), len(start) - 1)).tolist()
    return list(pairwise(edges)) or [(0, 0)]


@dataclass(frozen=True, slots=True)
class VoteGraph:
    """Votes, seen from the tasks and from the (annotator, label) pairs.

    Attributes
    ----------
    votes : VoteBlock
    pairs : VotePairs
    units : float
        Posteriors are multiples of ``1 / units``: sums over all tasks, or over all votes of one
        annotator, are exact.
    on : Executor or None
        Where chunks are computed.
    """

    votes: VoteBlock
    pairs: VotePairs
    units: float
    on: Executor | None

    @classmethod
    def of(cls, votes: VoteBlock, on: Executor | None = None) -> VoteGraph:
        """Group the votes of a block by pair."""
        pairs = VotePairs.of(votes)
        most = max(votes.n_tasks, int(pairs.votes_of_worker.max(initial=1)))
        return cls(votes, pairs, 2.0 ** (52 - most.bit_length()), on)

    def _filled(
        self, shape: tuple[int, ...], function: Callable[[Span], Floats], runs: list[Span]
    ) -> Floats:
        if len(runs) == 1:
            return function(runs[0])
        out = np.zeros(shape)
        for (first, last), part in zip(runs, each(function, runs, self.on), strict=True):
            out[first:last] = part
        return out

    def task_scores(self, table: Floats) -> Floats:
        """Sum for each task the (U, C) table over its votes' pairs: (N, C)."""
        return self.summed(on_grid(table, self.most_votes))

    def summed(self, table: Floats) -> Floats:
        """Sum for each task a (U, C) table that is on the grid: (N, C)."""
        starts = self.votes.task_start
        job = partial(_sum, starts, self.pairs.of_vote, table)
        shape = (self.votes.n_tasks, table.shape[1])
        return self._filled(shape, job, spans(starts, table.shape[1]))

    def pair_counts(self, q: Floats) -> Floats:
        """Sum for each pair the posteriors (N, C) of its votes' tasks: (U, C)."""
        job = partial(_sum, self.pairs.start, self.pairs.task, q)
        shape = (len(self.pairs.label), q.shape[1])
        return self._filled(shape, job, spans(self.pairs.start, q.shape[1]))

    def weighed(self, weight: Floats) -> Floats:
        """Sum for each task and class the (U,) weights of the votes for it: (N, K)."""
        return self.backed(on_grid(weight, self.most_votes))

    def backed(self, weight: Floats) -> Floats:
        """Sum (U,) weights that are on the grid for each task and class: (N, K)."""
        votes = self.votes
        job = partial(
            _weigh, votes.task_start, self.pairs.of_vote, votes.label, weight, votes.n_classes
        )
        return self._filled((votes.n_tasks, votes.n_classes), job, spans(votes.task_start, 4))

    def credit(self, q: Floats) -> Floats:
        """Sum for each pair the posterior of its label over its votes' tasks: (U,).

        Sums of on-grid values are exact, so chunks may be added up.
        """
        votes, n_pairs = self.votes, len(self.pairs.label)
        job = partial(_credit, votes.task_start, self.pairs.of_vote, votes.label, q, n_pairs)
        return total(job, spans(votes.task_start, 4, n_pairs), self.on)

    def beliefs(self, scores: Floats, subtypes: int = 1) -> Beliefs:
        """Normalise (N, K * subtypes) scores; where gold is known only its class remains."""
        runs = spans(np.arange(len(scores) + 1), scores.shape[1])
        parts = list(each(partial(_normalise, scores, self.units), runs, self.on))
        q = np.concatenate([part[0] for part in parts])
        level = np.concatenate([part[1] for part in parts])
        known = np.flatnonzero(self.votes.gold >= 0)
        if len(known):
            clamped = scores[known].reshape(len(known), -1, subtypes)
            others = np.arange(clamped.shape[1]) != self.votes.gold[known][:, None]
            clamped[others] = -np.inf
            q[known], level[known] = normalise_rows(clamped.reshape(len(known), -1), self.units)
        return Beliefs(q, scores, _exact_units(level))

    def vote_share(self) -> Floats:
        """Return the start of every method: (N, K) vote shares; even without votes."""
        return self.shares(self.vote_counts())

    def vote_counts(self) -> Floats:
        """Count the votes for each class on each task: (N, K)."""
        return self.backed(np.ones(len(self.pairs.label)))

    def shares(self, counts: Floats) -> Floats:
        """Divide (N, K) weights by their sums, rounded so that sums over tasks are exact."""
        return self.rounded(self.divided(counts))

    def divided(self, counts: Floats) -> Floats:
        """Divide (N, K) weights by their sums, rows without weight evenly; gold is one-hot."""
        totals = counts.sum(axis=1, keepdims=True)
        even = 1.0 / self.votes.n_classes
        q: Floats = np.where(totals > 0, counts / np.where(totals > 0, totals, 1.0), even)
        known = np.flatnonzero(self.votes.gold >= 0)
        q[known] = 0.0
        q[known, self.votes.gold[known]] = 1.0
        return q

    def rounded(self, q: Floats) -> Floats:
        """Round posteriors to multiples of ``1 / units``."""
        rounded: Floats = np.rint(q * self.units) / self.units
        return rounded

    @property
    def most_votes(self) -> int:
        """The largest number of votes on a task."""
        return int(np.diff(self.votes.task_start).max(initial=1))


def _exact_units(level: Floats) -> int:
    """Sum numbers in units of ``1 / EVIDENCE``, in two halves so that no sum overflows."""
    units = np.rint(level * EVIDENCE).astype(np.int64)
    high, low = int((units >> 26).sum()), int((units & ((1 << 26) - 1)).sum())
    return (high << 26) + low


def _sum(
    start: npt.NDArray[np.int64], index: npt.NDArray[np.int32], table: Floats, span: Span
) -> Floats:
    return sum_rows(start[span[0] : span[1] + 1], index, table)


def _weigh(
    start: npt.NDArray[np.int64],
    pair: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    weight: Floats,
    n_classes: int,
    span: Span,
) -> Floats:
    return weigh_votes(start[span[0] : span[1] + 1], pair, label, weight, n_classes)


def _credit(
    start: npt.NDArray[np.int64],
    pair: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    q: Floats,
    n_pairs: int,
    span: Span,
) -> Floats:
    first, last = span
    return pair_credit(start[first : last + 1], pair, label, q[first:last], n_pairs)


def _normalise(scores: Floats, units: float, span: Span) -> tuple[Floats, Floats]:
    return normalise_rows(scores[span[0] : span[1]], units)
