"""How far annotators agree, beyond chance: Krippendorff's alpha and Fleiss' kappa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.signatures import mixed
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

__all__ = ["LEVELS", "Agreement", "Alpha", "agreement"]

LEVELS = ("nominal", "ordinal", "interval")
REPLICATES, FEWEST_REPLICATES = 1000, 200
MOST_WORK = 30_000_000
"""Pattern entries times replicates: a few seconds. Beyond it, fewer replicates are drawn."""


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha at one level of measurement, and its 95 % interval.

    Attributes
    ----------
    level : str
        One of ``LEVELS``.
    value, low, high : float
        1: perfect agreement, 0: chance, below 0: less than chance; NaN where all votes are the
        same or no task has two. The interval is the percentile bootstrap over tasks.
    replicates : int
    """

    level: str
    value: float
    low: float
    high: float
    replicates: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far annotators agree.

    Attributes
    ----------
    alphas : tuple of Alpha
        In the order asked for.
    fleiss_kappa : float or None
        None unless all tasks have the same number of votes, at least two; NaN where all votes
        are the same.
    pairwise : float
        Share of all pairs of votes on the same task that are equal; NaN without such pairs.
    pairable_tasks : int
        Tasks with at least two votes. The others say nothing about agreement.
    """

    alphas: tuple[Alpha, ...]
    fleiss_kappa: float | None
    pairwise: float
    pairable_tasks: int


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Different vote counts of tasks with two votes or more, and how many tasks have each.

    Tasks with equal counts are interchangeable, so resampling tasks is drawing the patterns from
    a multinomial: as exact, much faster, and blind to the order of tasks. Entries are the classes
    that occur in a pattern, sorted by pattern.
    """

    tasks: Ints
    votes: Ints
    pattern: Ints
    label: Ints
    count: Ints
    n_classes: int

    @classmethod
    def of(cls, counts: Ints) -> _Patterns:
        pairable = counts[counts.sum(axis=1) > 1]
        by_class = counts.sum(axis=0).astype(np.uint64)
        codes = np.arange(counts.shape[1], dtype=np.uint64)
        # Renaming classes must not reorder patterns: the first key knows classes by their votes.
        alike = (pairable.astype(np.uint64) * mixed(by_class)).sum(axis=1)
        same = (pairable.astype(np.uint64) * mixed(mixed(codes))).sum(axis=1)
        keys = np.stack([alike, same], axis=1)
        _, first, tasks = np.unique(keys, axis=0, return_index=True, return_counts=True)
        distinct = pairable[first]
        pattern, label = np.nonzero(distinct)
        count = distinct[pattern, label]
        return cls(tasks, distinct.sum(axis=1), pattern, label, count, counts.shape[1])

    def class_votes(self, weight: Ints) -> Floats:
        """Count the votes for each class, (K,), when pattern j stands for weight[j] tasks."""
        each = (weight[self.pattern] * self.count).astype(np.float64)
        return np.bincount(self.label, each, self.n_classes).astype(np.float64)

    def spread(self, value: Floats) -> Floats:
        """Return by pattern the sum of (value - value')**2 over ordered pairs, over votes - 1."""
        here, size = value[self.label], len(self.votes)
        linear = np.bincount(self.pattern, self.count * here, size)
        square = np.bincount(self.pattern, self.count * here**2, size)
        return 2.0 * (self.votes * square - linear**2) / (self.votes - 1)

    def differing(self) -> Floats:
        """Return by pattern the number of ordered pairs that differ, over votes - 1."""
        equal = np.bincount(self.pattern, self.count.astype(np.float64) ** 2, len(self.votes))
        return (self.votes.astype(np.float64) ** 2 - equal) / (self.votes - 1)


def _values(level: str, votes: Floats, numbers: Floats | None) -> Floats:
    """Return the number of each class: its own, or its mid-rank among all votes.

    Krippendorff's ordinal difference, the votes from one class up to the other less half of
    both, is the difference of their mid-ranks, so ordinal is interval on ranks.
    """
    if level == "interval" and numbers is not None:
        return numbers - float(numbers @ votes) / max(float(votes.sum()), 1.0)
    return np.cumsum(votes) - votes / 2.0 - float(votes.sum()) / 2.0


def _alpha(patterns: _Patterns, weight: Ints, level: str, numbers: Floats | None) -> float:
    votes = patterns.class_votes(weight)
    total = float(votes.sum())
    if level == "nominal":
        within, chance = patterns.differing(), total**2 - float((votes**2).sum())
    else:
        value = _values(level, votes, numbers)
        within = patterns.spread(value)
        chance = 2.0 * (total * float((votes * value**2).sum()) - float((votes * value).sum()) ** 2)
    if np.count_nonzero(votes) < 2 or chance <= 0.0:
        return float("nan")
    return 1.0 - (total - 1.0) * float((weight * within).sum()) / chance


def _with_interval(patterns: _Patterns, level: str, numbers: Floats | None, seed: int) -> Alpha:
    value = _alpha(patterns, patterns.tasks, level, numbers)
    if np.isnan(value):
        return Alpha(level, value, value, value, 0)
    work = MOST_WORK // len(patterns.count)
    replicates = min(max(work, FEWEST_REPLICATES), REPLICATES)
    tasks, random = int(patterns.tasks.sum()), np.random.default_rng(seed)
    drawn = np.array(
        [
            _alpha(patterns, random.multinomial(tasks, patterns.tasks / tasks), level, numbers)
            for _ in range(replicates)
        ]
    )
    varied = drawn[~np.isnan(drawn)]
    low, high = np.quantile(varied, (0.025, 0.975)) if len(varied) else (value, value)
    return Alpha(level, value, float(low), float(high), replicates)


def _fleiss_kappa(patterns: _Patterns, lengths: Ints) -> float | None:
    asked = lengths[lengths > 0]
    if len(asked) == 0 or asked.min() != asked.max() or asked[0] < 2:
        return None
    share = patterns.class_votes(patterns.tasks) / float(asked.sum())
    chance = float((share**2).sum())
    if np.count_nonzero(share) < 2:
        return float("nan")
    return (_pairwise(patterns) - chance) / (1.0 - chance)


def _pairwise(patterns: _Patterns) -> float:
    pairs = patterns.votes.astype(np.float64) * (patterns.votes - 1)
    differ = patterns.differing() * (patterns.votes - 1)
    total = float((patterns.tasks * pairs).sum())
    return 1.0 - float((patterns.tasks * differ).sum()) / total if total else float("nan")


def agreement(
    votes: VoteBlock,
    *,
    levels: tuple[str, ...] = ("nominal",),
    numbers: npt.ArrayLike | None = None,
    seed: int = 0,
    on: Executor | None = None,
) -> Agreement:
    """Measure agreement at the levels of measurement asked for.

    Parameters
    ----------
    votes : VoteBlock
    levels : tuple of str
        Of ``LEVELS``; ordinal takes the order of the class codes for the order of the classes.
    numbers : (K,) float or None
        What the classes stand for; needed for the interval level.
    seed : int
        For the bootstrap.
    on : Executor or None

    Raises
    ------
    UsageError
        For a level that does not exist, or interval without numbers.
    """
    given = None if numbers is None else np.asarray(numbers, dtype=np.float64)
    for level in levels:
        _check(level, given, votes.n_classes)
    counts = VoteGraph.of(votes, on).vote_counts().astype(np.int64)
    patterns = _Patterns.of(counts)
    return Agreement(
        tuple(_with_interval(patterns, level, given, seed) for level in levels),
        _fleiss_kappa(patterns, np.diff(votes.task_start)),
        _pairwise(patterns),
        int(patterns.tasks.sum()),
    )


def _check(level: str, numbers: Floats | None, classes: int) -> None:
    if level not in LEVELS:
        raise UsageError(
            f"There is no level of measurement '{level}'.", f"Choose of {', '.join(LEVELS)}."
        )
    if level != "interval":
        return
    if numbers is None or numbers.shape != (classes,):
        raise UsageError(
            "Alpha at the interval level needs a number for each class.",
            "Use classes that are numbers, or the ordinal level.",
        )
    if not np.isfinite(numbers).all():
        raise UsageError("A class stands for a number that is not finite.", "Give finite numbers.")
