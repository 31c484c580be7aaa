"""One aggregation from votes to numbers: labels, annotators, agreement, certificate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.agreement import LEVELS, Patterns, check_level, measured
from labelaudit.audits.crowd.methods import METHODS, fitted
from labelaudit.audits.crowd.next_votes import average_accuracy
from labelaudit.audits.crowd.pieces import Right, TaskPiece, described, known_found
from labelaudit.audits.crowd.shards import Largest, Outcome, Shard
from labelaudit.audits.crowd.soft_labels import KINDS, soft_field
from labelaudit.audits.crowd.tables import comparisons, rated
from labelaudit.audits.crowd.top_two import recover_pairs
from labelaudit.audits.crowd.votes_graph import Meetings, shape_of
from labelaudit.audits.crowd.would_majority_do import certified
from labelaudit.audits.settings import one_of
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.agreement import Agreement
    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.fitting import CrowdFit
    from labelaudit.audits.crowd.tables import WorkerTable
    from labelaudit.audits.crowd.top_two import TopTwo
    from labelaudit.audits.crowd.votes_graph import VotesShape
    from labelaudit.audits.crowd.would_majority_do import MajorityCertificate

    Floats = npt.NDArray[np.float64]

__all__ = ["EXTRAS", "SOFT", "Aggregated", "CrowdSettings", "aggregate_votes"]

SOFT = tuple(
    dict.fromkeys((*KINDS, "auto", "top-two", "one-coin", "hierarchical-dawid-skene", "ebcc"))
)
"""Ways to make label distributions: those of ``soft_labels``, and posteriors of other methods."""

EXTRAS = ("confusion", "soft", "top-two")
"""What is computed only when it is asked for."""

MANY = 1 << 40
"""More votes than any task has."""
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
    crowd : Crowd
        The votes.
    result : CrowdFit
    workers : WorkerTable
    confused : (K, K) float64
        Expected number of votes for each class (columns) on tasks of each class (rows).
    agreement : Agreement
    certificate : MajorityCertificate
    shape : VotesShape
    typical : float
        Accuracy of an average annotator.
    soft : Field or None
        (N, K) label distributions.
    pairs : TopTwo or None
    right : Right or None
        How many known labels are found without knowing any; None where none is known.
    warnings : tuple of str
    """

    crowd: Crowd
    result: CrowdFit
    workers: WorkerTable
    confused: Floats
    agreement: Agreement
    certificate: MajorityCertificate
    shape: VotesShape
    typical: float
    soft: Field | None
    pairs: TopTwo | None
    right: Right | None
    warnings: tuple[str, ...]

    def pieces(self) -> Iterator[TaskPiece]:
        """Describe the tasks, shard by shard in their order."""
        return described(self.crowd, self.result, self.typical, self.soft, self.pairs)


def aggregate_votes(
    crowd: Crowd,
    settings: CrowdSettings,
    *,
    numbers: Floats | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Aggregated:
    """Aggregate votes, and describe tasks, annotators and their agreement.

    Parameters
    ----------
    crowd : Crowd
    settings : CrowdSettings
    numbers : (K,) float64 or None
        What the classes stand for; needed for agreement at the interval level.
    progress : callable or None
        Called with the stage, how many stages are done, and how many there are.

    Raises
    ------
    UsageError
        If agreement is asked for at the interval level, and the classes are no numbers.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    check_level(settings.level, numbers, crowd.n_classes)
    seed = settings.seed
    tell(settings.method, 0, 5)
    result = fitted(settings.method, crowd, seed)
    tell("tasks and workers", 1, 5)
    by_class = crowd.pairs.votes_of_label(crowd.n_classes)
    _, (*met, meetings, patterns, fewest, most) = crowd.over(partial(_looked_at, by_class))
    rating = _rating(crowd, result, seed)
    workers, confused = rated(crowd, rating, (met[0], met[1]))
    shape = shape_of(meetings, crowd.pairs, crowd.n_classes)
    tell("agreement", 2, 5)
    lengths = (-int(fewest.value), int(most.value)) if meetings.tasks else (0, 0)
    agreed = measured(patterns, lengths, (settings.level,), numbers, seed)
    tell("certificate", 3, 5)
    certificate = certified(crowd, seed)
    tell("soft labels", 4, 5)
    return Aggregated(
        crowd=crowd,
        result=result,
        workers=workers,
        confused=confused,
        agreement=agreed,
        certificate=certificate,
        shape=shape,
        typical=average_accuracy(rating.worker_quality, workers.n_votes, crowd.n_classes),
        soft=_soft(crowd, result, settings),
        pairs=_pairs(crowd, settings),
        right=_right(crowd, settings),
        warnings=(*shape.warnings, *_about_method(crowd, settings, result)),
    )


def _looked_at(by_class: npt.NDArray[np.int64], shard: Shard) -> Outcome:
    """Look at who voted on what: what agreement and the shape of the votes are made of."""
    votes = shard.graph.votes
    counts = shard.graph.vote_counts()
    lengths = np.diff(votes.task_start)
    asked = lengths[lengths > 0]
    return Outcome(
        (),
        (
            *comparisons(shard).sums,
            Meetings.of(votes, counts),
            Patterns.of(counts.astype(np.int64), by_class),
            Largest(float(-asked.min(initial=MANY))),
            Largest(float(asked.max(initial=0))),
        ),
    )


def _rating(crowd: Crowd, result: CrowdFit, seed: int) -> CrowdFit:
    """Return the posterior by which annotators are rated.

    An average of posteriors is less sure than its members have reason to be, so that it rates
    everybody too low; its best model of annotators is the hierarchical one.
    """
    if result.method != "auto":
        return result
    return fitted("hierarchical-dawid-skene", crowd, seed)


def _about_method(crowd: Crowd, settings: CrowdSettings, result: CrowdFit) -> Iterator[str]:
    """Yield what keeps the labels from being those that the method's name promises."""
    classes = crowd.n_classes
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


def _soft(crowd: Crowd, result: CrowdFit, settings: CrowdSettings) -> Field | None:
    if "soft" not in settings.extras:
        return None
    if settings.soft == "top-two":
        return crowd.spread(recover_pairs(crowd.block(), on=crowd.threads).soft_labels())
    if settings.soft in KINDS:
        return soft_field(crowd, settings.soft, {result.method: result}, settings.seed)
    if settings.soft == result.method:
        return result.posterior
    return fitted(settings.soft, crowd, settings.seed).posterior


def _right(crowd: Crowd, settings: CrowdSettings) -> Right | None:
    """Label the tasks once more as if no label were known: with them, it could but agree."""
    if not crowd.known:
        return None
    return known_found(crowd, settings.method, settings.seed)


def _pairs(crowd: Crowd, settings: CrowdSettings) -> TopTwo | None:
    if settings.method == "top-two" or "top-two" in settings.extras:
        return recover_pairs(crowd.block(), on=crowd.threads)
    return None
