"""Counts of few of very many things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["SparseCounts"]


@dataclass(frozen=True, slots=True)
class SparseCounts:
    """How often each key was counted; memory grows with the keys that were.

    Attributes
    ----------
    keys : (m,) int64
        Ascending, each once.
    counts : (m,) int64
        Above 0.
    """

    keys: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of_dense(cls, counts: npt.NDArray[np.int64], first: int = 0) -> SparseCounts:
        """Keep the counts above 0 of an array whose first key is ``first``."""
        places = np.flatnonzero(counts)
        return cls(places + first, counts[places])

    @classmethod
    def of_keys(cls, keys: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> SparseCounts:
        """Add up counts of keys in any order, each any number of times."""
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
        starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
        return cls(keys[starts], np.add.reduceat(counts, starts) if len(starts) else counts)

    @classmethod
    def joined(cls, parts: Sequence[SparseCounts]) -> SparseCounts:
        """Put parts one behind the other; the keys of each are above those of the one before."""
        empty = np.zeros(0, np.int64)
        return cls(
            np.concatenate([empty, *(part.keys for part in parts)]),
            np.concatenate([empty, *(part.counts for part in parts)]),
        )

    def __add__(self, other: SparseCounts) -> SparseCounts:
        if np.array_equal(self.keys, other.keys):
            return SparseCounts(self.keys, self.counts + other.counts)
        return SparseCounts.of_keys(
            np.concatenate([self.keys, other.keys]), np.concatenate([self.counts, other.counts])
        )

    def at(self, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Look counts up; 0 for a key that was never counted."""
        if not len(self.keys):
            return np.zeros(keys.shape, np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.counts[place], 0)
