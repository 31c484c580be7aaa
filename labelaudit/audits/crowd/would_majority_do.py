"""Would majority vote have done? The certificate for the annotators and votes at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.certificate import (
    best_with_binary_annotators,
    best_with_one_coin_annotators,
)
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.graph import log_of_classes
from labelaudit.audits.crowd.hierarchical import hierarchy
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.shards import Outcome
from labelaudit.audits.crowd.signatures import Signatures
from labelaudit.summaries.exact import ExactSum
from labelaudit.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Field
    from labelaudit.audits.crowd.fitting import Tables
    from labelaudit.audits.crowd.graph import VoteGraph
    from labelaudit.audits.crowd.hierarchical import Hierarchy
    from labelaudit.audits.crowd.posterior import Confusion
    from labelaudit.audits.crowd.shards import Shard
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

__all__ = ["MajorityCertificate", "certified", "majority_certificate"]

DRAWS, FEWEST_DRAWS = 100, 10
MOST_WORK = 20_000_000_000
"""Numbers added over all draws: about a minute. Beyond it, fewer draws are made."""
DENSE = 1 << 20
TOGETHER = 1 << 21
"""Numbers of drawn tables that are compared in one pass."""
NOBODY = -1
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
        if np.isnan(self.pattern_share) or self.pattern_share == 0.0:
            return ""
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
    return certified(Crowd.of(votes, on), seed)


def certified(crowd: Crowd, seed: int) -> MajorityCertificate:
    """Compare majority vote with the best rule, as ``majority_certificate``."""
    nothing = float("nan")
    if not crowd.n_votes:
        return MajorityCertificate(0, 0, nothing, nothing, nothing, nothing, 0, 0.0)
    model = hierarchy(crowd)
    right = _right(model.channel, model.prior)
    compare = partial(_compared, model.model, model.prior, right)
    (majority,), (counted, gain) = crowd.over(compare)
    tasks, untied, same, certain = counted.tolist()
    drawn = _drawn_shares(crowd, model, majority, untied, seed)
    share = same / untied if untied else nothing
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (share, share)
    return MajorityCertificate(
        tasks,
        tasks - untied,
        nothing if right is None else certain / tasks,
        share,
        float(low),
        float(high),
        len(drawn),
        float(gain.value() / tasks),
    )


def _compared(model: Tables, prior: Floats, right: Floats | None, shard: Shard) -> Outcome:
    """Compare majority vote with the model's best label, task by task.

    Kept is the majority, ``NOBODY`` on ties and without votes. Summed are tasks with votes, those
    without a tie, those of them where the two are equal, those where majority is proven best, and
    the expected gain.
    """
    graph = shard.graph
    counts = graph.vote_counts()
    asked = np.diff(graph.votes.task_start) > 0
    most = counts == counts.max(axis=1, keepdims=True)
    untied = asked & (most.sum(axis=1) == 1)
    majority = np.where(untied, consensus(counts), NOBODY).astype(np.int32)
    log_q = log_of_classes(model.scores(shard), 1)
    same = int((consensus(log_q) == majority).sum())
    proven = 0 if right is None else _proven(graph, right, prior)
    counted = np.array([int(asked.sum()), int(untied.sum()), same, proven])
    return Outcome((majority,), (counted, ExactSum.of(_gain(log_q[asked], most[asked]))))


def _gain(log_q: Floats, most: Flags) -> Floats:
    q = np.exp(log_q)
    gain: Floats = q.max(axis=1) - (q * most).sum(axis=1) / most.sum(axis=1)
    return gain


def _right(channel: Confusion, prior: Floats) -> Floats | None:
    """Return each annotator's probability of a right vote, by class where there are two."""
    if len(prior) < 2:
        return None
    workers = len(channel.pairs.worker_start) - 1
    right = _right_by_class(channel, workers, len(prior))
    return right if len(prior) == 2 else np.clip((right * prior).sum(axis=1), SURE, 1.0 - SURE)


def _proven(graph: VoteGraph, right: Floats, prior: Floats) -> int:
    """Group tasks by their number of votes and put each group's annotators to the closed form."""
    votes = graph.votes
    lengths = np.diff(votes.task_start)
    certain = 0
    for length in np.unique(lengths[lengths > 0]):
        starts = votes.task_start[:-1][lengths == length]
        group = right[votes.worker[starts[:, None] + np.arange(length)]]
        test = best_with_binary_annotators if group.ndim == 3 else best_with_one_coin_annotators
        certain += int(test(group, prior).sum())
    return certain


def _right_by_class(channel: Confusion, workers: int, classes: int) -> Floats:
    """Return each annotator's probability of a right vote by true class, (W, K)."""
    right = np.empty((workers, classes))
    step = max(DENSE // classes**2, 1)
    for first in range(0, workers, step):
        last = min(first + step, workers)
        right[first:last] = np.diagonal(channel.dense(first, last), axis1=1, axis2=2)
    return np.clip(right, SURE, 1.0 - SURE)


def _drawn_shares(
    crowd: Crowd, model: Hierarchy, majority: Field, untied: int, seed: int
) -> Floats:
    """Return by draw the share of untied tasks whose most probable class is the majority's."""
    if not untied:
        return np.empty(0)
    size = model.channel.counts.size
    work = crowd.n_votes * crowd.n_classes + 20 * size
    draws = min(max(MOST_WORK // work, FEWEST_DRAWS), DRAWS)
    tables = _drawn_logs(crowd, model.channel, seed, draws)
    at_once = 1 if len(crowd.recipes) == 1 else max(TOGETHER // max(size, 1), 1)
    same: list[int] = []
    while some := [crowd.on_grid(table) for table in islice(tables, at_once)]:
        _, (counted,) = crowd.over(partial(_redrawn, np.log(model.prior), some), majority)
        same += counted.tolist()
    return np.array(same) / untied


def _redrawn(
    log_prior: Floats, tables: list[Floats], shard: Shard, majority: npt.NDArray[np.int32]
) -> Outcome:
    """Count for each draw the tasks whose most probable class is the majority's."""
    labels = (consensus(log_prior + shard.scores(table)) for table in tables)
    return Outcome((), (np.array([int((label == majority).sum()) for label in labels]),))


def _drawn_logs(crowd: Crowd, channel: Confusion, seed: int, draws: int) -> Iterator[Floats]:
    """Draw log P(label of pair | true class), (U, K), rows of confusion from their Dirichlets.

    Numbers are drawn in an order of annotators and classes that depends on the votes alone, so
    that names have no part in the result. Labels that an annotator never gave count together.
    """
    names, pairs = Signatures.of(crowd, seed), channel.pairs
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
