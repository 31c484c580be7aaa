"""The rules that flag rows, from a few numbers of each row and the pruning counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import FILTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from labelaudit.audits.facts import RowFacts

__all__ = ["RowEvidence", "as_bits", "lowest", "lowest_of_each_class"]

AT_ONCE = 1 << 16
MANY_CLASSES = 256
NUDGE = 1e-6
"""What the given class is helped by when it is asked whether it is the most probable one."""


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """What the filters look at, for each of N rows.

    Attributes
    ----------
    labels : (N,) int32
        Negative for a row that is left out; no filter flags it.
    given_prob, best_prob : (N,) float
        Probability of the given class and of the best other one.
    best_class : (N,) int16 or int32
        The best other class; of equal ones the lowest.
    contradicted : (N,) bool
        Rows whose most probable class is another one.
    confident : (N,) int32
        The class the row counts for in the confident joint, or negative.
    """

    labels: npt.NDArray[np.int32]
    given_prob: npt.NDArray[np.floating]
    best_prob: npt.NDArray[np.floating]
    best_class: npt.NDArray[np.signedinteger]
    contradicted: npt.NDArray[np.bool_]
    confident: npt.NDArray[np.int32]

    @classmethod
    def of(cls, facts: RowFacts, confident: npt.NDArray[np.int32]) -> RowEvidence:
        """Take from the leading classes the best one that is not the given one."""
        n = len(facts)
        prob, best = np.empty_like(facts.given_prob), np.empty(n, facts.classes.dtype)
        contradicted = np.empty(n, np.bool_)
        for part in _parts(n):
            labels, classes, leading = facts.labels[part], facts.classes[part], facts.leading[part]
            agrees = classes[:, 0] == labels
            prob[part] = np.where(agrees, leading[:, 1], leading[:, 0])
            best[part] = np.where(agrees, classes[:, 1], classes[:, 0])
            contradicted[part] = ~agrees & (labels >= 0)
        return cls(facts.labels, facts.given_prob, prob, best, contradicted, confident)

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """(N,) bool: rows that are not left out."""
        return self.labels >= 0

    def opposed(self) -> npt.NDArray[np.bool_]:
        """(N,) bool: contradicted rows that stay so after helping the given class a little."""
        result = np.empty(len(self.labels), np.bool_)
        for part in _parts(len(result)):
            given, best = self.given_prob[part] + self.given_prob.dtype.type(NUDGE), self.best_prob
            tied = (given == best[part]) & (self.best_class[part] < self.labels[part])
            result[part] = self.contradicted[part] & ((best[part] > given) | tied)
        return result

    def margins(self) -> npt.NDArray[np.floating]:
        """(N,) float P(given) - P(best other)."""
        result: npt.NDArray[np.floating] = self.given_prob - self.best_prob
        return result


def lowest(
    scores: npt.NDArray[np.floating], among: npt.NDArray[np.bool_], n: int
) -> npt.NDArray[np.bool_]:
    """Flag the n rows with the lowest (score, row) among some rows.

    Parameters
    ----------
    scores : (N,) float
    among : (N,) bool
    n : int
    """
    flags = np.zeros(len(scores), np.bool_)
    n = min(n, int(np.count_nonzero(among)))
    if n > 0:
        flags[_n_lowest(scores, among, n)] = True
    return flags


def _n_lowest(
    scores: npt.NDArray[np.floating], among: npt.NDArray[np.bool_], n: int
) -> npt.NDArray[np.intp]:
    bound = _bound(scores[::64][among[::64]], n)
    low = _rows(len(scores), lambda part: among[part] & (scores[part] <= bound))
    if len(low) < n:
        low = np.flatnonzero(among)
    candidates = scores[low]
    cut = np.partition(candidates, n - 1)[n - 1]
    below = low[candidates < cut]
    return np.concatenate([below, low[candidates == cut][: n - len(below)]])


def _parts(n: int) -> Iterator[slice]:
    """Yield slices of n rows: what is worked out for some at a time stays in the cache."""
    return (slice(start, min(start + AT_ONCE, n)) for start in range(0, n, AT_ONCE))


def _rows(n: int, chosen: Callable[[slice], npt.NDArray[np.bool_]]) -> npt.NDArray[np.intp]:
    """Return the rows that are chosen, asking for some at a time."""
    found = [part.start + np.flatnonzero(chosen(part)) for part in _parts(n)]
    return np.concatenate([np.empty(0, np.intp), *found])


def _bound(some: npt.NDArray[np.floating], n: int) -> float:
    """Guess, from every 64th score, what the n lowest do not exceed.

    Comparing all scores with it takes a tenth of the time of partitioning them.
    """
    place = n // 64 + 4 * math.isqrt(n // 64) + 8
    return math.inf if place >= len(some) else float(np.partition(some, place)[place])


def lowest_of_each_class(
    evidence: RowEvidence, wanted: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Flag for each class k the ``wanted[k]`` rows given it with the lowest (P(given), row)."""
    labels, scores = evidence.labels, evidence.given_prob
    flags = np.zeros(len(labels), np.bool_)
    low = _likely_lowest(labels, scores, wanted)
    start = np.searchsorted(labels[low], np.arange(len(wanted) + 1))
    for k in np.flatnonzero(wanted > 0).tolist():
        rows = low[start[k] : start[k + 1]]
        if len(rows) < wanted[k]:
            rows = np.flatnonzero(labels == k)
        n = min(int(wanted[k]), len(rows))
        if n == 0:
            continue
        flags[rows[_n_lowest(scores[rows], np.ones(len(rows), np.bool_), n)]] = True
    return flags


def _likely_lowest(
    labels: npt.NDArray[np.int32],
    scores: npt.NDArray[np.floating],
    wanted: npt.NDArray[np.int64],
) -> npt.NDArray[np.intp]:
    """Return rows by class, ascending, that the wanted ones are most likely among."""
    bounds = np.full(len(wanted), math.inf)
    if len(wanted) <= MANY_CLASSES:
        some_labels, some_scores = labels[::64], scores[::64]
        for k, n in enumerate(wanted.tolist()):
            bounds[k] = _bound(some_scores[some_labels == k], n) if n else -math.inf
    # A row that is left out takes the bound of class 0, and sorts below it by its own label.
    low = _rows(len(scores), lambda part: scores[part] <= bounds[np.maximum(labels[part], 0)])
    narrow = labels[low].astype(np.int16) if len(wanted) < 2**15 else labels[low]
    return low[np.argsort(narrow, kind="stable")]


def as_bits(masks: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint8]:
    """Put masks into one (N,) uint8, bit i for the i-th of ``FILTERS``."""
    bits = np.zeros(len(next(iter(masks.values()))), np.uint8)
    for name, mask in masks.items():
        bits |= mask.astype(np.uint8) << np.uint8(FILTERS.index(name))
    return bits
