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

__all__ = [
    "LEVELS",
    "Agreement",
    "Alpha",
    "Patterns",
    "agreement",
    "check_level",
    "measured",
    "votes_per_task",
]

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
class Patterns:
    """Different vote counts of tasks with two votes or more, and how many tasks have each.

    Tasks with equal counts are interchangeable, so resampling tasks is drawing the patterns from
    a multinomial: as exact, much faster, and blind to the order of tasks. Patterns are sorted by
    ``key``, which knows them by their counts; patterns of several shards are added with ``+``.

    Attributes
    ----------
    key : (2, P) uint64
    tasks, votes : (P,) int64
    start : (P + 1,) int64
        Entries of pattern j are ``start[j]:start[j + 1]``.
    label, count : (E,) int32
        Classes that occur in a pattern, and their votes.
    n_classes : int
    """

    key: npt.NDArray[np.uint64]
    tasks: Ints
    votes: Ints
    start: Ints
    label: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    n_classes: int

    @classmethod
    def of(cls, counts: Ints, by_class: Ints) -> Patterns:
        """Take the (n, K) vote counts of some tasks; ``by_class`` (K,) counts all votes."""
        votes = counts.sum(axis=1)
        pairable = counts[votes > 1]
        codes = np.arange(counts.shape[1], dtype=np.uint64)
        words = pairable.astype(np.uint64)
        # Renaming classes must not reorder patterns: the first key knows classes by their votes.
        alike = (words * mixed(by_class.astype(np.uint64))).sum(axis=1, dtype=np.uint64)
        same = (words * mixed(mixed(codes))).sum(axis=1, dtype=np.uint64)
        key = np.stack([alike, same])
        order, first, tasks = _distinct(key, np.ones(len(pairable), np.int64))
        distinct = pairable[order[first]]
        pattern, label = np.nonzero(distinct)
        return cls(
            key[:, order[first]],
            tasks,
            votes[votes > 1][order[first]],
            np.searchsorted(pattern, np.arange(len(distinct) + 1)).astype(np.int64),
            label.astype(np.int32),
            distinct[pattern, label].astype(np.int32),
            counts.shape[1],
        )

    def __add__(self, other: Patterns) -> Patterns:
        key = np.concatenate([self.key, other.key], axis=1)
        order, first, tasks = _distinct(key, np.concatenate([self.tasks, other.tasks]))
        chosen = order[first]
        start = np.concatenate([self.start[:-1], other.start[:-1] + self.start[-1]])
        length = np.concatenate([np.diff(self.start), np.diff(other.start)])[chosen]
        ends = np.concatenate([[0], np.cumsum(length)])
        entry = np.repeat(start[chosen] - ends[:-1], length) + np.arange(ends[-1])
        return Patterns(
            key[:, chosen],
            tasks,
            np.concatenate([self.votes, other.votes])[chosen],
            ends.astype(np.int64),
            np.concatenate([self.label, other.label])[entry],
            np.concatenate([self.count, other.count])[entry],
            self.n_classes,
        )

    @property
    def pattern(self) -> Ints:
        """(E,) the pattern of each entry."""
        return np.repeat(np.arange(len(self.votes)), np.diff(self.start))

    def class_votes(self, weight: Ints) -> Floats:
        """Count the votes for each class, (K,), when pattern j stands for weight[j] tasks."""
        each = (np.repeat(weight, np.diff(self.start)) * self.count).astype(np.float64)
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


def _distinct(key: npt.NDArray[np.uint64], tasks: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the order of the keys, where different ones begin in it, and their tasks."""
    order = np.lexsort((key[1], key[0]))
    ranked = key[:, order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (ranked[:, 1:] != ranked[:, :-1]).any(axis=0)
    first = np.flatnonzero(new)
    added = np.add.reduceat(tasks[order], first) if len(first) else np.empty(0, np.int64)
    return order, first, added


def _values(level: str, votes: Floats, numbers: Floats | None) -> Floats:
    """Return the number of each class: its own, or its mid-rank among all votes.

    Krippendorff's ordinal difference, the votes from one class up to the other less half of
    both, is the difference of their mid-ranks, so ordinal is interval on ranks.
    """
    if level == "interval" and numbers is not None:
        return numbers - float(numbers @ votes) / max(float(votes.sum()), 1.0)
    return np.cumsum(votes) - votes / 2.0 - float(votes.sum()) / 2.0


def _alpha(patterns: Patterns, weight: Ints, level: str, numbers: Floats | None) -> float:
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


def _with_interval(patterns: Patterns, level: str, numbers: Floats | None, seed: int) -> Alpha:
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


def _fleiss_kappa(patterns: Patterns, lengths: tuple[int, int], votes: int) -> float | None:
    if lengths[0] != lengths[1] or lengths[0] < 2:
        return None
    share = patterns.class_votes(patterns.tasks) / float(votes)
    chance = float((share**2).sum())
    if np.count_nonzero(share) < 2:
        return float("nan")
    return (_pairwise(patterns) - chance) / (1.0 - chance)


def _pairwise(patterns: Patterns) -> float:
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
        check_level(level, given, votes.n_classes)
    graph = VoteGraph.of(votes, on)
    by_class = graph.pairs.index.votes_of_label(votes.n_classes)
    patterns = Patterns.of(graph.vote_counts().astype(np.int64), by_class)
    return measured(patterns, votes_per_task(votes), levels, given, seed)


def votes_per_task(votes: VoteBlock) -> tuple[int, int]:
    """Return the fewest and the most votes on a task that has some; 0 without any."""
    lengths = np.diff(votes.task_start)
    asked = lengths[lengths > 0]
    return (int(asked.min()), int(asked.max())) if len(asked) else (0, 0)


def measured(
    patterns: Patterns,
    lengths: tuple[int, int],
    levels: tuple[str, ...],
    numbers: Floats | None,
    seed: int,
) -> Agreement:
    """Measure agreement from patterns, and the fewest and the most votes on a task."""
    # With equally many votes everywhere, at least two, all votes are in patterns.
    votes = int(patterns.tasks @ patterns.votes)
    return Agreement(
        tuple(_with_interval(patterns, level, numbers, seed) for level in levels),
        _fleiss_kappa(patterns, lengths, votes),
        _pairwise(patterns),
        int(patterns.tasks.sum()),
    )


def check_level(level: str, numbers: Floats | None, classes: int) -> None:
    """Refuse a level of measurement that does not exist, or that the classes do not have."""
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
