"""What to say about each task and each annotator, once a method has spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.fitting import CrowdFit
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.hierarchical import channel_of
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.shards import OfPairs, Outcome, Shard

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.pairs import PairIndex
    from labelaudit.audits.crowd.posterior import Confusion, CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int32]

__all__ = [
    "NONE",
    "TaskTable",
    "WorkerTable",
    "comparisons",
    "rated",
    "task_table",
    "tasks_of",
    "wilson",
    "worker_table",
]

NONE = -1
"""The class code of no class at all."""

Z95 = 1.959963984540054
TINY = 1e-300
DENSE = 1 << 20
"""Numbers of confusion matrices that are written out at once."""


@dataclass(frozen=True, slots=True)
class TaskTable:
    """One row per task; classes as codes, ``NONE`` where there is none.

    Attributes
    ----------
    label, runner_up : (N,) int32
        The most probable class (lowest code of equals; ``NONE`` where the method declines), and
        the next by log-posterior.
    confidence, runner_up_confidence : (N,) float64
        Posterior of the two.
    n_votes : (N,) int64
    agreement : (N,) float64
        Share of the votes that equal the most probable class; NaN without votes.
    entropy : (N,) float64
        Entropy of the posterior, in nats.
    tie : (N,) bool
        Whether two or more classes share the most votes.
    majority_label : (N,) int32
        The class with most votes (lowest code of equals); ``NONE`` without votes.
    """

    label: Codes
    confidence: Floats
    runner_up: Codes
    runner_up_confidence: Floats
    n_votes: npt.NDArray[np.int64]
    agreement: Floats
    entropy: Floats
    tie: npt.NDArray[np.bool_]
    majority_label: Codes


@dataclass(frozen=True, slots=True)
class WorkerTable:
    """One row per annotator.

    Attributes
    ----------
    n_votes : (W,) int64
    accuracy, accuracy_low, accuracy_high : (W,) float64
        Expected share of right votes and its 95 % Wilson interval; NaN, 0, 1 without votes.
    agreement : (W,) float64
        Share of the other votes on the same tasks that are equal; NaN where nobody else voted.
    spammer_score : (W,) float64
        0: votes say nothing about the class; 1: votes identify it (Raykar and Yu 2012).
    worst_true, worst_given : (W,) int32
        The mistake expected most often; ``NONE`` where less than half a vote is expected wrong.
    bias : (W,) float64
        By how much the most overused class is given more often than it is expected to be right.
    bias_label : (W,) int32
        That class; ``NONE`` without votes.
    confusion : Confusion
        The method's confusion matrices; the hierarchical estimate where it has none.
    """

    n_votes: npt.NDArray[np.int64]
    accuracy: Floats
    accuracy_low: Floats
    accuracy_high: Floats
    agreement: Floats
    spammer_score: Floats
    worst_true: Codes
    worst_given: Codes
    bias: Floats
    bias_label: Codes
    confusion: Confusion


def task_table(votes: VoteBlock, result: CrowdPosterior, on: Executor | None = None) -> TaskTable:
    """Describe each task of some votes as a method's posterior sees it."""
    shard = Shard(VoteGraph.of(votes, on))
    return tasks_of(shard, result.posterior, result.log_posterior, result.undecided)


def tasks_of(
    shard: Shard,
    q: Floats,
    log_q: Floats | None,
    undecided: npt.NDArray[np.bool_] | None,
) -> TaskTable:
    """Describe the tasks of a shard by their posterior, as ``CrowdPosterior`` has it."""
    counts = shard.graph.vote_counts()
    n_votes = np.diff(shard.graph.votes.task_start)
    rows, label = np.arange(len(q)), consensus(q)
    second = _runner_up(q, log_q, label)
    given = counts[rows, label]
    most = counts.max(axis=1, initial=0.0)
    named = label if undecided is None else np.where(undecided, NONE, label)
    return TaskTable(
        label=named.astype(np.int32),
        confidence=q[rows, label],
        runner_up=second,
        runner_up_confidence=np.where(second == NONE, 0.0, q[rows, second]),
        n_votes=n_votes,
        agreement=np.where(n_votes > 0, given / np.maximum(n_votes, 1), np.nan),
        entropy=_entropy(q),
        tie=(n_votes > 0) & ((counts == most[:, None]).sum(axis=1) > 1),
        majority_label=np.where(n_votes > 0, consensus(counts), NONE).astype(np.int32),
    )


def _entropy(q: Floats) -> Floats:
    entropy: Floats = -np.sum(q * np.log(np.where(q > 0, q, 1.0)), axis=1)
    return np.maximum(entropy, 0.0)


def _runner_up(q: Floats, log_q: Floats | None, label: Codes) -> Codes:
    """Return the best class but one, ranked by log-posterior where the method kept it."""
    if q.shape[1] < 2:
        return np.full(len(label), NONE, dtype=np.int32)
    others = np.log(np.maximum(q, TINY)) if log_q is None else log_q.copy()
    others[np.arange(len(label)), label] = -np.inf
    return consensus(others)


def worker_table(
    votes: VoteBlock, result: CrowdPosterior, on: Executor | None = None
) -> WorkerTable:
    """Describe each annotator as a method's posterior sees his votes."""
    crowd = Crowd.of(votes, on)
    met = crowd.over(comparisons)[1]
    return rated(crowd, CrowdFit.spread(crowd, result), met)[0]


def rated(crowd: Crowd, result: CrowdFit, met: tuple[Floats, Floats]) -> tuple[WorkerTable, Floats]:
    """Describe each annotator as a method's posterior sees his votes.

    ``met`` is what ``comparisons`` adds up to. Also returned: the expected number of votes for
    each class (columns) on tasks of each class (rows), (K, K).
    """
    _, (counts,) = crowd.over(_expected, result.posterior)
    pairs = crowd.pairs
    n_votes, own = pairs.votes_of_worker, counts[np.arange(len(counts)), pairs.label]
    right = pairs.per_worker(own)
    low, high = wilson(right, n_votes)
    confusion = result.confusion or channel_of(pairs, counts)
    worst_true, worst_given = _worst_pair(pairs, counts)
    bias, bias_label = _bias(pairs, counts)
    table = WorkerTable(
        n_votes=n_votes,
        accuracy=_share(right, n_votes),
        accuracy_low=low,
        accuracy_high=high,
        agreement=_share(pairs.per_worker(met[1]), pairs.per_worker(met[0])),
        spammer_score=_spammer_score(confusion),
        worst_true=worst_true,
        worst_given=worst_given,
        bias=bias,
        bias_label=bias_label,
        confusion=confusion,
    )
    return table, _confused(pairs, counts)


def _expected(shard: Shard, q: Floats) -> Outcome:
    return Outcome((), (shard.pair_counts(shard.graph.rounded(q)),))


def _confused(pairs: PairIndex, counts: Floats) -> Floats:
    confused = np.zeros((counts.shape[1], counts.shape[1]))
    order = np.argsort(pairs.label, kind="stable")
    labels, first = np.unique(pairs.label[order], return_index=True)
    if len(labels):
        confused[:, labels] = np.add.reduceat(counts[order], first, axis=0).T
    return confused


def comparisons(shard: Shard) -> Outcome:
    """Count by pair the other votes on the same tasks, and those of them that are equal."""
    graph = shard.graph
    others = (np.diff(graph.votes.task_start) - 1).astype(np.float64)[:, None]
    met = OfPairs(shard.place, graph.pair_counts(others)[:, 0])
    return Outcome((), (met, shard.credit(graph.vote_counts() - 1.0)))


def _share(part: Floats, whole: npt.NDArray[np.int64] | Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def wilson(right: Floats, given: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the 95 % interval of a share (Wilson 1927): from 0 to 1 where nothing was given."""
    n = np.maximum(given, 1)
    share = right / n
    middle = share + Z95**2 / (2 * n)
    reach = Z95 * np.sqrt(share * (1 - share) / n + Z95**2 / (4.0 * n * n))
    low = np.clip((middle - reach) / (1 + Z95**2 / n), 0.0, 1.0)
    high = np.clip((middle + reach) / (1 + Z95**2 / n), 0.0, 1.0)
    return np.where(given > 0, low, 0.0), np.where(given > 0, high, 1.0)


def _spammer_score(confusion: Confusion) -> Floats:
    """Sum over k < k' and l of (pi_kl - pi_k'l)^2 / (K (K - 1)); 0 where K = 1."""
    n_workers, k = confusion.diagonal.shape
    step = max(DENSE // (k * k), 1)
    score = np.zeros(n_workers)
    for first in range(0, n_workers if k > 1 else 0, step):
        pi = confusion.dense(first, min(first + step, n_workers))
        spread = k * (pi**2).sum(axis=(1, 2)) - (pi.sum(axis=1) ** 2).sum(axis=1)
        score[first : first + step] = np.maximum(spread, 0.0) / (k * (k - 1))
    return score


def _worst_pair(pairs: PairIndex, counts: Floats) -> tuple[Codes, Codes]:
    """Find each annotator's mistake (true, given) with the highest expected count."""
    wrong = counts.copy()
    wrong[np.arange(len(wrong)), pairs.label] = 0.0
    true = consensus(wrong)
    worst = wrong[np.arange(len(wrong)), true]
    order = np.lexsort((true, pairs.label, -worst, pairs.worker))
    first = order[np.unique(pairs.worker[order], return_index=True)[1]]
    first = first[worst[first] >= 0.5]
    out = np.full((2, len(pairs.worker_start) - 1), NONE, dtype=np.int32)
    out[:, pairs.worker[first]] = true[first], pairs.label[first]
    return out[0], out[1]


def _bias(pairs: PairIndex, counts: Floats) -> tuple[Floats, Codes]:
    """Find the class that each annotator gives most in excess of its expected share."""
    n_votes = pairs.votes_of_worker
    excess = -pairs.per_worker(counts)
    excess[pairs.worker, pairs.label] += pairs.votes
    most = _share(excess.max(axis=1, initial=0.0), n_votes)
    label = np.where(n_votes > 0, consensus(excess), NONE).astype(np.int32)
    return most, label
