"""How often each class is given with which probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.tags import tally_tags
from labelaudit.summaries.exact import ExactSum

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import TagBlock

__all__ = ["BINS", "TagTally", "bin_logits", "bins_of", "unit"]

_OCTAVES = 14
_PER_OCTAVE = 8
_FIRST = (127 - _OCTAVES) * _PER_OCTAVE
_SIDE = (126 * _PER_OCTAVE) - _FIRST
BINS = 2 * _SIDE + 1
"""Bins of the probability: eight to each halving of it, or of what is left to 1."""


def bins_of(probs: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Return in which bin each probability lies: the exponent and three bits of a float32.

    Parameters
    ----------
    probs : (n, K) float
        In 0..1 or NaN, whose bin has no meaning.
    """
    near = np.minimum(probs, 1 - probs).astype(np.float32)
    bins = (near.view(np.int32) >> 20) - np.int32(_FIRST)
    np.clip(bins, 0, _SIDE, out=bins)
    placed: npt.NDArray[np.uint8] = np.where(probs > 0.5, BINS - 1 - bins, bins).astype(np.uint8)
    return placed


def bin_logits() -> npt.NDArray[np.float64]:
    """(B,) float64 logit in the middle of each bin."""
    bits = ((np.arange(_SIDE + 1, dtype=np.int32) + _FIRST) << 20) + (1 << 19)
    low = bits.view(np.float32).astype(np.float64)
    low[-1] = 0.5
    logits = np.log(low / (1.0 - low))
    return np.concatenate([logits, -logits[-2::-1]])


@dataclass(frozen=True, slots=True)
class TagTally:
    """Cells of each class by what is given and by the bin of the probability.

    Attributes
    ----------
    counts : (K, 2, BINS + 1) int64
        The last bin is of cells whose probability is not known.
    sums : (K, 2, 2) int64
        Sums of the probability of what is given: high and low parts, as in ``ExactSum``.
    rows, whole, ones : int
        Rows that take part; those all of whose probabilities are known; those of them whose
        probabilities sum to 1.
    """

    counts: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]
    rows: int
    whole: int
    ones: int

    @classmethod
    def empty(cls, n_classes: int) -> TagTally:
        """Return the tally of no rows."""
        counts = np.zeros((n_classes, 2, BINS + 1), np.int64)
        return cls(counts, np.zeros((n_classes, 2, 2), np.int64), 0, 0, 0)

    def with_block(self, block: TagBlock) -> TagTally:
        """Return the tally with the rows of a block added; its arrays are those of this one."""
        probs = block.probs
        tally_tags(block.given, probs, bins_of(probs), unit(probs), self.counts, self.sums)
        used = np.ones(len(block), np.bool_) if block.status is None else block.status == 0
        sums = probs.sum(axis=1, dtype=np.float64)
        near = np.abs(sums - 1.0) <= 1e-3
        whole = used & ~np.isnan(sums)
        return TagTally(
            self.counts,
            self.sums,
            self.rows + int(np.count_nonzero(used)),
            self.whole + int(np.count_nonzero(whole)),
            self.ones + int(np.count_nonzero(whole & near)),
        )

    def __add__(self, other: TagTally) -> TagTally:
        return TagTally(
            self.counts + other.counts,
            self.sums + other.sums,
            self.rows + other.rows,
            self.whole + other.whole,
            self.ones + other.ones,
        )

    @property
    def known(self) -> npt.NDArray[np.int64]:
        """(K, 2) int64 cells of known probability, by given."""
        known: npt.NDArray[np.int64] = self.counts[:, :, :-1].sum(axis=2)
        return known

    @property
    def unknown(self) -> npt.NDArray[np.int64]:
        """(K, 2) int64 cells of unknown probability, by given."""
        return self.counts[:, :, -1]

    def means(self) -> npt.NDArray[np.float64]:
        """(K, 2) float64 mean probability of what is given; NaN without cells."""
        count = self.known
        mean = np.full(count.shape, np.nan)
        total = ExactSum(self.sums[:, :, 0], self.sums[:, :, 1]).value()
        np.divide(total, count, out=mean, where=count > 0)
        return mean


def unit(probs: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return the number 1 in the type of the probabilities, in which the rest to 1 is taken."""
    return np.ones(1, probs.dtype)
