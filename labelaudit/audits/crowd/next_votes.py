"""Which tasks are most worth one more vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["NextVotes", "average_accuracy", "next_votes", "ranked", "worth"]


@dataclass(frozen=True, slots=True)
class NextVotes:
    """What one more vote by an average annotator is expected to bring.

    Attributes
    ----------
    error_reduction : (N,) float64
        Expected fall of the probability that the label is wrong; 0 where one vote cannot change
        the label.
    information : (N,) float64
        Mutual information between the vote and the true class, in nats.
    order : (N,) int64
        Tasks, most worthwhile first: by error_reduction, then information, then task.
    """

    error_reduction: Floats
    information: Floats
    order: npt.NDArray[np.int64]


def average_accuracy(
    worker_quality: Floats, votes_of_worker: npt.NDArray[np.int64], n_classes: int
) -> float:
    """Return the mean accuracy over votes, kept between chance and 0.999.

    Annotators of unknown quality (NaN) are left out; with none left it is halfway between chance
    and 1.
    """
    chance = 1.0 / max(n_classes, 1)
    known = ~np.isnan(worker_quality) & (votes_of_worker > 0)
    if not known.any():
        return (1.0 + chance) / 2.0
    mean = np.average(worker_quality[known], weights=votes_of_worker[known])
    return float(np.clip(mean, chance, 0.999))


def next_votes(posterior: Floats, accuracy: float) -> NextVotes:
    """Rank tasks by what one more vote would bring.

    The vote is right with probability ``accuracy`` and otherwise any wrong class, so that after
    a vote for l the posterior is proportional to q_k a (k = l) or q_k (1 - a) / (K - 1). The
    reduction is sum_l max_k P(k, l) - max_k q_k. A task that is sure to be a toss-up between
    indistinguishable classes still counts: posteriors do not know that more votes will not help.

    Parameters
    ----------
    posterior : (N, K) float64
    accuracy : float
        Inside [1 / K, 1).
    """
    reduction, information = worth(posterior, accuracy)
    tasks = np.arange(len(posterior))
    return NextVotes(reduction, information, ranked(reduction, information, tasks))


def worth(posterior: Floats, accuracy: float) -> tuple[Floats, Floats]:
    """Return error reduction and information of one more vote on each task, as ``NextVotes``."""
    tasks, classes = posterior.shape
    if classes < 2 or tasks == 0:
        return np.zeros(tasks), np.zeros(tasks)
    wrong = (1.0 - accuracy) / (classes - 1)
    # After a vote for l the best class is l, or the one that was best before.
    best = posterior.max(axis=1)
    after = np.maximum(posterior * accuracy, best[:, None] * wrong).sum(axis=1)
    reduction = np.maximum(after - best, 0.0)
    reduction[reduction < 1e-12] = 0.0
    vote = posterior * accuracy + (1.0 - posterior) * wrong
    of_truth = -accuracy * np.log(accuracy) - (1.0 - accuracy) * np.log(wrong)
    return reduction, np.maximum(-(vote * np.log(vote)).sum(axis=1) - of_truth, 0.0)


def ranked(
    reduction: Floats, information: Floats, task: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the places of some tasks, most worthwhile first; equals by task."""
    return np.lexsort((task, -_rounded(information), -_rounded(reduction)))


def _rounded(values: Floats) -> Floats:
    """Round to 1e-9, so that differences of rounding do not rank tasks."""
    return np.round(values, 9)
