"""How often tags are given together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labelaudit.summaries.sparse_counts import SparseCounts

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MOST_DENSE", "PairCounts", "TagPairs"]

MOST_DENSE = 512
"""With more classes, rows annotated for some classes only are left out: no K x K array is made."""

_MOST_PAIRS = 1 << 22


class PairCounts(NamedTuple):
    """Counts of pairs (a, b), of the rows annotated for both: (m,) int64 each."""

    rows: npt.NDArray[np.int64]
    n_first: npt.NDArray[np.int64]
    n_second: npt.NDArray[np.int64]
    n_both: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TagPairs:
    """Rows given both of two tags, and what is needed to judge that number.

    Attributes
    ----------
    n_classes : int
        K.
    complete : int
        Rows annotated for every class.
    given : (K,) int64
        Complete rows given each tag.
    both : SparseCounts
        Rows, complete or not, given both a < b, by ``a * K + b``.
    annotated : (K, K) int64 or None
        Rows that are not complete, annotated for both; None if there are none, or K is too large.
    given_there : (K, K) int64 or None
        Those of them given the first tag.
    left_out : int
        Rows that are not complete and were left out, because K is too large.
    """

    n_classes: int
    complete: int
    given: npt.NDArray[np.int64]
    both: SparseCounts
    annotated: npt.NDArray[np.int64] | None
    given_there: npt.NDArray[np.int64] | None
    left_out: int

    @classmethod
    def of(cls, given: npt.NDArray[np.int8]) -> TagPairs:
        """Summarize rows.

        Parameters
        ----------
        given : (n, K) int8
            1 given, 0 annotated without, negative: not annotated.
        """
        n_classes = given.shape[1]
        missing = (given < 0).sum(axis=1)
        whole, partly = missing == 0, (missing > 0) & (missing < n_classes)
        annotated = given_there = None
        counted = whole
        if n_classes <= MOST_DENSE and partly.any():
            there = (given[partly] >= 0).astype(np.float32)
            # Sums of ones below 2**24 are exact in float32, in whatever order they are added.
            annotated = _products(there, there)
            given_there = _products((given[partly] > 0).astype(np.float32), there)
            counted = whole | partly
        tags = given[counted] > 0
        left = 0 if n_classes <= MOST_DENSE else int(partly.sum())
        complete = int(whole.sum())
        sums = (given[whole] > 0).sum(axis=0, dtype=np.int64)
        return cls(n_classes, complete, sums, _pairs(tags), annotated, given_there, left)

    def __add__(self, other: TagPairs) -> TagPairs:
        return TagPairs(
            self.n_classes,
            self.complete + other.complete,
            self.given + other.given,
            self.both + other.both,
            _added(self.annotated, other.annotated),
            _added(self.given_there, other.given_there),
            self.left_out + other.left_out,
        )

    def counts(self, first: npt.NDArray[np.integer], second: npt.NDArray[np.integer]) -> PairCounts:
        """Return the counts of pairs of different classes."""
        a, b = np.asarray(first, np.int64), np.asarray(second, np.int64)
        n_both = self.both.at(np.minimum(a, b) * self.n_classes + np.maximum(a, b))
        rows, n_a, n_b = np.full(a.shape, self.complete), self.given[a], self.given[b]
        if self.annotated is not None and self.given_there is not None:
            rows = rows + self.annotated[a, b]
            n_a, n_b = n_a + self.given_there[a, b], n_b + self.given_there[b, a]
        return PairCounts(rows, n_a, n_b, n_both)

    def totals(self) -> npt.NDArray[np.int64]:
        """(K,) int64: rows counted that are given each tag."""
        if self.given_there is None:
            return self.given
        return self.given + np.diagonal(self.given_there)


def _products(
    left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Return ``left.T @ right`` of zeros and ones, in parts short enough to be exact."""
    total = np.zeros((left.shape[1], right.shape[1]), np.int64)
    for start in range(0, len(left), 1 << 16):
        part = slice(start, start + (1 << 16))
        total += (left[part].T @ right[part]).astype(np.int64)
    return total


def _added(
    one: npt.NDArray[np.int64] | None, other: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.int64] | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _pairs(tags: npt.NDArray[np.bool_]) -> SparseCounts:
    """Count pairs of tags a < b given in one row."""
    n_classes = tags.shape[1]
    length = tags.sum(axis=1, dtype=np.int64)
    ends = np.cumsum(length * (length - 1) // 2)
    found = SparseCounts(np.zeros(0, np.int64), np.zeros(0, np.int64))
    start = 0
    while start < len(tags):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + _MOST_PAIRS, side="right")), start + 1)
        keys = _pair_keys(tags[start:stop], n_classes)
        found += SparseCounts.of_keys(keys, np.ones(len(keys), np.int64))
        start = stop
    return found


def _pair_keys(tags: npt.NDArray[np.bool_], n_classes: int) -> npt.NDArray[np.int64]:
    """Return ``a * K + b`` for every pair of tags a < b of every row."""
    rows, classes = np.nonzero(tags)
    place = np.arange(len(rows))
    last = np.searchsorted(rows, rows, side="right")
    followers = last - place - 1
    first = np.repeat(place, followers)
    starts = np.cumsum(followers) - followers
    second = first + 1 + np.arange(len(first)) - np.repeat(starts, followers)
    keys: npt.NDArray[np.int64] = classes[first] * n_classes + classes[second]
    return keys
