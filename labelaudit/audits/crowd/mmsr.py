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
from labelaudit.kernels.votes_overlap import keep_middle

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
    """Both directions of each pair of annotators, by row: column, C and its number of votes.

    Entries of annotator w are ``start[w]:start[w + 1]``. ``right`` and ``known`` (W,) are the sum
    and the number of an annotator's C with gold labels, a partner whose skill is 1.
    """

    start: npt.NDArray[np.int64]
    column: npt.NDArray[np.int32]
    value: Floats
    votes: npt.NDArray[np.int32]
    right: Floats
    known: Floats

    @classmethod
    def of(cls, pairs: Overlaps, votes: VoteBlock) -> _Entries:
        row = np.concatenate([pairs.first, pairs.second])
        order = np.argsort(row, kind="stable")
        start = np.zeros(votes.n_workers + 1, dtype=np.int64)
        np.cumsum(np.bincount(row, minlength=votes.n_workers), out=start[1:])
        pair = order % len(pairs.first)
        value = (votes.n_classes * pairs.agreement - 1.0) / (votes.n_classes - 1)
        column = np.concatenate([pairs.second, pairs.first])[order]
        gold = _agreement_with_gold(votes)
        return cls(start, column, value[pair], pairs.shared[pair], *gold)

    def sums(self, terms: Floats) -> Floats:
        """Add the entries of each row up: (W,)."""
        total = np.zeros(len(self.start) - 1)
        busy = np.flatnonzero(np.diff(self.start))
        if len(busy):
            total[busy] = np.add.reduceat(on_grid(terms, len(terms)), self.start[busy])
        return total

    def kept(self, skill: Floats) -> npt.NDArray[np.bool_]:
        """Leave out the entries that argue for the most extreme skills on either side."""
        other = skill[self.column]
        implied = self.value / np.where(other == 0.0, 1.0, other)
        return keep_middle(self.start, implied, skill, TRIMMED)


def _agreement_with_gold(votes: VoteBlock) -> tuple[Floats, Floats]:
    gold = np.repeat(votes.gold, np.diff(votes.task_start))
    known = np.bincount(votes.worker[gold >= 0], minlength=votes.n_workers).astype(np.float64)
    right = np.bincount(votes.worker[gold == votes.label], minlength=votes.n_workers)
    return (votes.n_classes * right - known) / (votes.n_classes - 1), known


def _weighted_mean(values: Floats, weight: Floats | npt.NDArray[np.int32]) -> float:
    total = exact_total(on_grid(values * weight, len(values)))
    return float(total / max(float(weight.sum()), 1.0))


def _step(
    entries: _Entries, skill: Floats, kept: npt.NDArray[np.bool_], given: Floats, lowest: float
) -> Floats:
    """Fit each skill to the kept entries by least squares, with four votes at the mean skill."""
    other = skill[entries.column]
    weight = np.where(kept, entries.votes * other, 0.0)
    evidence = entries.right + entries.sums(weight * entries.value)
    total = entries.known + entries.sums(weight * other)
    prior = PRIOR_VOTES * max(_weighted_mean(skill**2, given), 1e-9)
    fitted = (evidence + prior * _weighted_mean(skill, given)) / (total + prior)
    # Half a step: with full ones, two groups of annotators can trade estimates for ever.
    return 0.5 * (skill + np.clip(fitted, lowest, 1.0))


def _fit(entries: _Entries, given: Floats, classes: int) -> tuple[Floats, int, bool]:
    """Start with everyone equally better than chance; signs come out of the fit."""
    mean = _weighted_mean(entries.value, entries.votes)
    skill = np.full(len(given), np.sqrt(max(mean, 0.01)))
    kept = np.ones(len(entries.column), dtype=bool)
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
