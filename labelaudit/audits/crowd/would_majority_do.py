"""Would majority vote have done? The certificate for the annotators and votes at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.certificate import (
    best_with_binary_annotators,
    best_with_one_coin_annotators,
)
from labelaudit.audits.crowd.dawid_skene import class_prior
from labelaudit.audits.crowd.graph import VoteGraph, exact_total, on_grid
from labelaudit.audits.crowd.hierarchical import hierarchical_beliefs
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.signatures import Signatures
from labelaudit.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.posterior import Confusion
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

__all__ = ["MajorityCertificate", "majority_certificate"]

DRAWS, FEWEST_DRAWS = 100, 10
MOST_WORK = 20_000_000_000
"""Numbers added over all draws: about a minute. Beyond it, fewer draws are made."""
DENSE = 1 << 20
SURE, TINY = 1e-9, 1e-300
NEGLIGIBLE, SMALL = 0.005, 0.02


@dataclass(frozen=True, slots=True)
class MajorityCertificate:
    """How good majority vote is under the hierarchical model of the annotators.

    Attributes
    ----------
    tasks : int
        Tasks with votes.
    tied : int
        Tasks whose majority is a tie; the shares of equal labels leave them out.
    pattern_share : float
        Share of the tasks whose own annotators make majority vote the best rule for every
        pattern of votes without a tie. NaN without tasks or with one class.
    same_share : float
        Share of the untied tasks on which majority vote gives the model's most probable class.
        NaN without such tasks.
    same_low, same_high : float
        95 % interval of that share, confusion matrices drawn from their posterior.
    draws : int
    expected_gain : float
        Mean over tasks of the posterior of the most probable class less that of the majority's
        (of equals: their mean): what the model expects to gain in accuracy. A model's opinion,
        weakly tied to real gains.
    """

    tasks: int
    tied: int
    pattern_share: float
    same_share: float
    same_low: float
    same_high: float
    draws: int
    expected_gain: float

    @property
    def sentence(self) -> str:
        """A sentence or two for a report; they name the model, whose opinion they are."""
        if np.isnan(self.same_share):
            return "Whether majority vote would have done cannot be said: no task has a majority."
        if self.expected_gain < NEGLIGIBLE:
            verdict = "would have done"
        elif self.expected_gain < SMALL:
            verdict = "would nearly have done"
        else:
            verdict = "is not enough here"
        ends = (self.same_share, self.same_low, self.same_high)
        same = f"{percent(min(ends))} to {percent(max(ends))}"
        return (
            f"By a hierarchical Dawid-Skene model of the workers, majority vote {verdict}: it "
            f"gives the model's best label on {same} of the tasks without a tie"
            f"{self._proof}. {self._expectation}"
        )

    @property
    def _proof(self) -> str:
        if np.isnan(self.pattern_share):
            return ""
        if self.pattern_share == 0.0:
            return " (whatever the votes, it is provably so for the workers of no task)"
        return (
            " (whatever the votes, it is provably the model's best rule for the workers of "
            f"{percent(self.pattern_share)} of all tasks)"
        )

    @property
    def _expectation(self) -> str:
        points = f"{100 * self.expected_gain:.1f}"
        if points in ("0.0", "-0.0"):
            return "That model expects no more accuracy from weighing votes."
        return (
            f"That model expects weighing votes to gain {points} points of accuracy; real gains "
            "are mostly smaller."
        )


def majority_certificate(
    votes: VoteBlock, *, seed: int = 0, on: Executor | None = None
) -> MajorityCertificate:
    """Compare majority vote with the best rule under the hierarchical Dawid-Skene model.

    Gold labels help to fit the model and are ignored when rules are compared.
    """
    graph = VoteGraph.of(votes, on)
    asked = np.diff(votes.task_start) > 0
    if not asked.any():
        nothing = float("nan")
        return MajorityCertificate(0, 0, nothing, nothing, nothing, nothing, 0, 0.0)
    beliefs, channel = hierarchical_beliefs(graph)
    prior = class_prior(beliefs.q)
    counts = graph.vote_counts()
    most = counts == counts.max(axis=1, keepdims=True)
    untied = asked & (most.sum(axis=1) == 1)
    majority = consensus(counts)
    best = consensus(beliefs.log_q)
    same = float((best == majority)[untied].mean()) if untied.any() else float("nan")
    drawn = _drawn_shares(graph, channel, prior, untied, majority, seed)
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (same, same)
    return MajorityCertificate(
        int(asked.sum()),
        int((asked & ~untied).sum()),
        _pattern_share(graph, channel, prior),
        same,
        float(low),
        float(high),
        len(drawn),
        _expected_gain(beliefs.log_q[asked], most[asked]),
    )


def _expected_gain(log_q: Floats, most: Flags) -> float:
    q = np.exp(log_q)
    gain = q.max(axis=1) - (q * most).sum(axis=1) / most.sum(axis=1)
    return float(exact_total(on_grid(gain, len(gain))) / len(gain))


def _pattern_share(graph: VoteGraph, channel: Confusion, prior: Floats) -> float:
    """Group tasks by their number of votes and put each group's annotators to the closed form."""
    votes = graph.votes
    if votes.n_classes < 2:
        return float("nan")
    right = _right_by_class(channel, votes.n_workers, votes.n_classes)
    if votes.n_classes > 2:
        right = np.clip((right * prior).sum(axis=1), SURE, 1.0 - SURE)
    lengths = np.diff(votes.task_start)
    certain = 0
    for length in np.unique(lengths[lengths > 0]):
        starts = votes.task_start[:-1][lengths == length]
        group = right[votes.worker[starts[:, None] + np.arange(length)]]
        test = best_with_binary_annotators if group.ndim == 3 else best_with_one_coin_annotators
        certain += int(test(group, prior).sum())
    return certain / int((lengths > 0).sum())


def _right_by_class(channel: Confusion, workers: int, classes: int) -> Floats:
    """Return each annotator's probability of a right vote by true class, (W, K)."""
    right = np.empty((workers, classes))
    step = max(DENSE // classes**2, 1)
    for first in range(0, workers, step):
        last = min(first + step, workers)
        right[first:last] = np.diagonal(channel.dense(first, last), axis1=1, axis2=2)
    return np.clip(right, SURE, 1.0 - SURE)


def _drawn_shares(
    graph: VoteGraph,
    channel: Confusion,
    prior: Floats,
    untied: Flags,
    majority: npt.NDArray[np.int32],
    seed: int,
) -> Floats:
    """Return by draw the share of untied tasks whose most probable class is the majority's."""
    if not untied.any():
        return np.empty(0)
    work = graph.votes.n_votes * len(prior) + 20 * channel.counts.size
    draws = min(max(MOST_WORK // work, FEWEST_DRAWS), DRAWS)
    shares = np.empty(draws)
    for draw, log_pairs in enumerate(_drawn_logs(graph, channel, seed, draws)):
        best = consensus(np.log(prior) + graph.task_scores(log_pairs))
        shares[draw] = (best == majority)[untied].mean()
    return shares


def _drawn_logs(graph: VoteGraph, channel: Confusion, seed: int, draws: int) -> Iterator[Floats]:
    """Draw log P(label of pair | true class), (U, K), rows of confusion from their Dirichlets.

    Numbers are drawn in an order of annotators and classes that depends on the votes alone, so
    that names have no part in the result. Labels that an annotator never gave count together.
    """
    names, pairs = Signatures.of(graph, seed), channel.pairs
    order = np.lexsort((names.label[pairs.label], names.worker[pairs.worker]))
    workers, classes = np.argsort(names.worker, kind="stable"), np.argsort(names.label)
    # A generator takes another path for a shape that is off in the last bit: round both.
    used = np.rint((channel.counts + channel.prior_of_pairs()) * 2.0**30) / 2.0**30
    unused = channel.row_sums() - pairs.per_worker(used)
    unused = np.maximum(np.rint(unused * 2.0**20) / 2.0**20, 0.0)
    random = np.random.default_rng(seed)
    seen, unseen = np.empty_like(used), np.empty_like(unused)
    for _ in range(draws):
        seen[np.ix_(order, classes)] = random.standard_gamma(used[np.ix_(order, classes)])
        unseen[np.ix_(workers, classes)] = random.standard_gamma(unused[np.ix_(workers, classes)])
        total = pairs.per_worker(seen) + unseen
        yield np.log(np.maximum(seen, TINY)) - np.log(np.maximum(total, TINY))[pairs.worker]
