"""Skills from pairwise agreement alone, robust to annotators who answer to mislead.

After Ma and Olshevsky, "Adversarial Crowdsourcing Through Robust Rank-One Matrix Completion": if
a is right with skill s_a (1: always, 0: as often as chance), the chance-corrected agreement
C_ab = K / (K - 1) agree_ab - 1 / (K - 1) has expectation s_a s_b. Only annotators who share tasks
have an entry, and each entry weighs as many votes as it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import VoteGraph, exact_total, on_grid
from labelaudit.audits.crowd.overlap import overlaps
from labelaudit.audits.crowd.posterior import CrowdPosterior

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.overlap import Overlaps
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["mmsr"]

ROUNDS, ENOUGH = 100, 1e-4
TRIMMING = 20
"""Rounds in which the trimmed entries are chosen anew; without an end they may alternate."""
TRIMMED = 0.1
"""Share of each annotator's entries left out at either end, if they are beyond the estimate."""
PRIOR_VOTES = 4.0


@dataclass(frozen=True, slots=True)
class _Entries:
    """Both directions of each pair of annotators: row, column, C and its number of votes.

    ``right`` and ``known`` (W,) are the sum and the number of an annotator's C with gold labels,
    a partner whose skill is 1.
    """

    row: npt.NDArray[np.int32]
    column: npt.NDArray[np.int32]
    value: Floats
    votes: Floats
    first: npt.NDArray[np.int64]
    degree: npt.NDArray[np.int64]
    right: Floats
    known: Floats

    @classmethod
    def of(cls, pairs: Overlaps, votes: VoteBlock) -> _Entries:
        classes = votes.n_classes
        value = (classes * pairs.agreement - 1.0) / (classes - 1)
        row = np.concatenate([pairs.first, pairs.second])
        degree = np.bincount(row, minlength=votes.n_workers)
        return cls(
            row,
            np.concatenate([pairs.second, pairs.first]),
            np.tile(value, 2),
            np.tile(pairs.shared.astype(np.float64), 2),
            np.cumsum(degree) - degree,
            degree,
            *_agreement_with_gold(votes),
        )

    def sums(self, terms: Floats) -> Floats:
        """Add the entries of each row up: (W,)."""
        total = np.bincount(self.row, on_grid(terms, len(terms)), len(self.degree))
        return total.astype(np.float64)

    def kept(self, skill: Floats) -> npt.NDArray[np.bool_]:
        """Leave out the entries that argue for the most extreme skills on either side."""
        other = skill[self.column]
        weight = self.votes * other**2
        implied = self.value / np.where(other == 0.0, 1.0, other)
        rank = np.empty(len(implied), dtype=np.int64)
        rank[np.lexsort((weight, implied, self.row))] = np.arange(len(implied))
        rank -= self.first[self.row]
        degree, own = self.degree[self.row], skill[self.row]
        many = (TRIMMED * degree).astype(np.int64)
        low = (rank < many) & (implied < own)
        high = (rank >= degree - many) & (implied > own)
        return ~(low | high)


def _agreement_with_gold(votes: VoteBlock) -> tuple[Floats, Floats]:
    gold = np.repeat(votes.gold, np.diff(votes.task_start))
    known = np.bincount(votes.worker[gold >= 0], minlength=votes.n_workers).astype(np.float64)
    right = np.bincount(votes.worker[gold == votes.label], minlength=votes.n_workers)
    return (votes.n_classes * right - known) / (votes.n_classes - 1), known


def _weighted_mean(values: Floats, weight: Floats) -> float:
    total = exact_total(on_grid(values * weight, len(values)))
    return float(total / max(float(weight.sum()), 1.0))


def _step(
    entries: _Entries, skill: Floats, kept: npt.NDArray[np.bool_], given: Floats, lowest: float
) -> Floats:
    """Fit each skill to the kept entries by least squares, with four votes at the mean skill."""
    other = skill[entries.column]
    weight = entries.votes * other**2
    evidence = entries.right + entries.sums(
        np.where(kept, entries.votes * entries.value * other, 0.0)
    )
    total = entries.known + entries.sums(np.where(kept, weight, 0.0))
    prior = PRIOR_VOTES * max(_weighted_mean(skill**2, given), 1e-9)
    fitted = (evidence + prior * _weighted_mean(skill, given)) / (total + prior)
    # Half a step: with full ones, two groups of annotators can trade estimates for ever.
    return 0.5 * (skill + np.clip(fitted, lowest, 1.0))


def _fit(entries: _Entries, given: Floats, classes: int) -> tuple[Floats, int, bool]:
    """Start with everyone equally better than chance; signs come out of the fit."""
    mean = float((entries.value * entries.votes).sum() / max(float(entries.votes.sum()), 1.0))
    skill = np.full(len(given), np.sqrt(max(mean, 0.01)))
    kept = np.ones(len(entries.row), dtype=bool)
    for step in range(1, ROUNDS + 1):
        if step <= TRIMMING:
            kept = entries.kept(skill)
        after = _step(entries, skill, kept, given, -1.0 / (classes - 1))
        moved = float(np.abs(after - skill).max(initial=0.0))
        skill = after
        if moved < ENOUGH:
            return skill, step, True
    return skill, ROUNDS, False


def mmsr(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit skills to the pairwise agreement, then weigh votes by their log-odds of being right."""
    del seed  # starts from equal skills
    graph = VoteGraph.of(votes, on)
    pairs, classes = overlaps(graph), votes.n_classes
    if classes < 2 or (len(pairs.shared) == 0 and votes.gold.max(initial=-1) < 0):
        share = graph.vote_share()
        note = "M-MSR needs two classes, and gold or shared tasks: the vote shares are given."
        quality, _ = one_coin_accuracy(graph, share)
        return CrowdPosterior("mmsr", share, None, quality, converged=False, notes=(note,))
    given = graph.pairs.votes_of_worker.astype(np.float64)
    entries = _Entries.of(pairs, votes)
    skill, steps, converged = _fit(entries, given, classes)
    margin = min(1.0 / np.sqrt(max(votes.n_tasks, 1)), 0.25)
    skill = np.clip(skill, margin - 1.0 / (classes - 1), 1.0 - margin)
    right = skill * (classes - 1) / classes + 1.0 / classes
    weight = np.log(right) - np.log1p(-right) + np.log(classes - 1)
    beliefs = graph.beliefs(graph.weighed(weight[graph.pairs.worker]))
    notes = pairs.notes
    if not converged:
        notes = (*notes, f"M-MSR still moves after {ROUNDS} rounds; the last one is given.")
    return CrowdPosterior(
        "mmsr", beliefs.q, beliefs.log_q, right, None, steps, converged, notes=notes
    )
