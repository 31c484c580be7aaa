"""One aggregation from votes to numbers: labels, annotators, agreement, certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.agreement import LEVELS, agreement
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.methods import METHODS, method
from labelaudit.audits.crowd.next_votes import average_accuracy, next_votes
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.soft_labels import KINDS, soft_labels
from labelaudit.audits.crowd.tables import task_table, worker_table
from labelaudit.audits.crowd.top_two import recover_pairs
from labelaudit.audits.crowd.votes_graph import votes_shape
from labelaudit.audits.crowd.would_majority_do import majority_certificate
from labelaudit.audits.settings import one_of
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.agreement import Agreement
    from labelaudit.audits.crowd.next_votes import NextVotes
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.audits.crowd.tables import TaskTable, WorkerTable
    from labelaudit.audits.crowd.top_two import TopTwo
    from labelaudit.audits.crowd.votes_graph import VotesShape
    from labelaudit.audits.crowd.would_majority_do import MajorityCertificate
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["EXTRAS", "SOFT", "Aggregated", "CrowdSettings", "aggregate_votes"]

SOFT = tuple(
    dict.fromkeys((*KINDS, "auto", "top-two", "one-coin", "hierarchical-dawid-skene", "ebcc"))
)
"""Ways to make label distributions: those of ``soft_labels``, and posteriors of other methods."""

EXTRAS = ("confusion", "soft", "top-two")
"""What is computed only when it is asked for."""

_LEAST_CLASSES = {"kos": 2, "mmsr": 2, "top-two": 3}


@dataclass(frozen=True, slots=True)
class CrowdSettings:
    """Choices for one aggregation.

    Attributes
    ----------
    method : str
        One of ``METHODS``.
    soft : str
        One of ``SOFT``.
    level : str
        Level of measurement of the labels, for alpha: one of ``LEVELS``.
    seed : int
    extras : tuple of str
        Of ``EXTRAS``.
    """

    method: str = "auto"
    soft: str = "average"
    level: str = "nominal"
    seed: int = 0
    extras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of("method", self.method, tuple(METHODS))
        one_of("way to make soft labels", self.soft, SOFT)
        one_of("level of measurement", self.level, LEVELS)
        seed: object = self.seed
        if not (isinstance(seed, Integral) and int(seed) >= 0):
            raise UsageError(f"The seed is {seed!r}.", "Give a whole number, 0 or more.")
        for extra in self.extras:
            one_of("table", extra, EXTRAS)


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The numbers of an aggregation, before names are put to them.

    Attributes
    ----------
    result : CrowdPosterior
    tasks : TaskTable
    workers : WorkerTable
    confused : (K, K) float64
        Expected number of votes for each class (columns) on tasks of each class (rows).
    agreement : Agreement
    certificate : MajorityCertificate
    shape : VotesShape
    next_votes : NextVotes
    soft : (N, K) float64 or None
    pairs : TopTwo or None
    unaided : (N,) int32 or None
        The labels that the method gives when no label is known; -1 where it declines. None
        without known labels.
    warnings : tuple of str
    """

    result: CrowdPosterior
    tasks: TaskTable
    workers: WorkerTable
    confused: Floats
    agreement: Agreement
    certificate: MajorityCertificate
    shape: VotesShape
    next_votes: NextVotes
    soft: Floats | None
    pairs: TopTwo | None
    unaided: npt.NDArray[np.int32] | None
    warnings: tuple[str, ...]


def aggregate_votes(
    votes: VoteBlock,
    settings: CrowdSettings,
    *,
    numbers: Floats | None = None,
    on: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Aggregated:
    """Aggregate votes, and describe tasks, annotators and their agreement.

    Parameters
    ----------
    votes : VoteBlock
    settings : CrowdSettings
    numbers : (K,) float64 or None
        What the classes stand for; needed for agreement at the interval level.
    on : Executor or None
    progress : callable or None
        Called with the stage, how many stages are done, and how many there are.

    Raises
    ------
    UsageError
        If agreement is asked for at the interval level, and the classes are no numbers.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    seed = settings.seed
    tell(settings.method, 0, 5)
    result = method(settings.method)(votes, seed=seed, on=on)
    tell("tasks and workers", 1, 5)
    rated = _rating(votes, result, seed, on)
    workers = worker_table(votes, rated, on)
    shape = votes_shape(votes)
    tell("agreement", 2, 5)
    agreed = agreement(votes, levels=(settings.level,), numbers=numbers, seed=seed, on=on)
    tell("certificate", 3, 5)
    certificate = majority_certificate(votes, seed=seed, on=on)
    tell("soft labels", 4, 5)
    typical = average_accuracy(rated.worker_quality, workers.n_votes, votes.n_classes)
    return Aggregated(
        result=result,
        tasks=task_table(votes, result, on),
        workers=workers,
        confused=_confused(votes, rated.posterior, on),
        agreement=agreed,
        certificate=certificate,
        shape=shape,
        next_votes=next_votes(result.posterior, typical),
        soft=_soft(votes, result, settings, on),
        pairs=_pairs(votes, settings, on),
        unaided=_unaided(votes, settings, on),
        warnings=(*shape.warnings, *_about_method(votes, settings, result)),
    )


def _rating(
    votes: VoteBlock, result: CrowdPosterior, seed: int, on: Executor | None
) -> CrowdPosterior:
    """Return the posterior by which annotators are rated.

    An average of posteriors is less sure than its members have reason to be, so that it rates
    everybody too low; its best model of annotators is the hierarchical one.
    """
    if result.method != "auto":
        return result
    return method("hierarchical-dawid-skene")(votes, seed=seed, on=on)


def _about_method(
    votes: VoteBlock, settings: CrowdSettings, result: CrowdPosterior
) -> Iterator[str]:
    """Yield what keeps the labels from being those that the method's name promises."""
    classes = votes.n_classes
    if classes == 1:
        yield "All votes are for one class: there is nothing to decide."
    for name in dict.fromkeys((settings.method, *settings.extras)):
        if 1 < classes < _LEAST_CLASSES.get(name, 1):
            yield f"{name} is for three classes or more, and there are two: use one-coin."
    late = not result.converged and result.method != "auto"  # a late member is but a note
    if late and not result.notes:
        yield (
            f"{result.method} has not converged after {result.iterations} steps: the labels are "
            "those of the last step."
        )
    if late or classes < _LEAST_CLASSES.get(settings.method, 1):
        yield from result.notes


def _confused(votes: VoteBlock, q: Floats, on: Executor | None) -> Floats:
    graph = VoteGraph.of(votes, on)
    counts = graph.pair_counts(graph.rounded(q))
    confused = np.zeros((votes.n_classes, votes.n_classes))
    order = np.argsort(graph.pairs.label, kind="stable")
    labels, first = np.unique(graph.pairs.label[order], return_index=True)
    if len(labels):
        confused[:, labels] = np.add.reduceat(counts[order], first, axis=0).T
    return confused


def _soft(
    votes: VoteBlock, result: CrowdPosterior, settings: CrowdSettings, on: Executor | None
) -> Floats | None:
    if "soft" not in settings.extras:
        return None
    if settings.soft == "top-two":
        return recover_pairs(votes, on=on).soft_labels()
    known = {result.method: result}
    if settings.soft in KINDS:
        return soft_labels(votes, kind=settings.soft, known=known, seed=settings.seed, on=on)
    if settings.soft == result.method:
        return result.posterior
    return method(settings.soft)(votes, seed=settings.seed, on=on).posterior


def _unaided(
    votes: VoteBlock, settings: CrowdSettings, on: Executor | None
) -> npt.NDArray[np.int32] | None:
    """Label the tasks once more as if no label were known: with them, it could but agree."""
    if not (votes.gold >= 0).any():
        return None
    unknown = replace(votes, gold=np.full_like(votes.gold, -1))
    result = method(settings.method)(unknown, seed=settings.seed, on=on)
    labels = consensus(result.posterior)
    if result.undecided is not None:
        labels[result.undecided] = -1
    return labels


def _pairs(votes: VoteBlock, settings: CrowdSettings, on: Executor | None) -> TopTwo | None:
    if settings.method == "top-two" or "top-two" in settings.extras:
        return recover_pairs(votes, on=on)
    return None
