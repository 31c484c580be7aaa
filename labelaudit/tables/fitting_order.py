"""Which of two class orders the probabilities fit, where the dictionary alone does not say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.blocks import LabelBlock, Partition

__all__ = ["fits_sorted_better"]

HEAD_ROWS = 20_000
DEVIATIONS = 3.0


def fits_sorted_better(
    partitions: Sequence[Partition[LabelBlock]], categories: Sequence[str]
) -> bool:
    """Say whether the names in sorted order fit the probabilities better than as they stand.

    That is so if the most probable class is the given label in more of the first 20,000 rows, by
    three standard deviations: if neither fits, each row that tells the two apart says one or the
    other with the same chance.

    Parameters
    ----------
    partitions : sequence of Partition of LabelBlock
        Label k is the k-th category.
    categories : sequence of str
    """
    names = sorted(categories)
    place = np.array([names.index(name) for name in categories], np.int32)
    standing = in_order = 0
    for partition in partitions:
        if partition.first_row >= HEAD_ROWS:
            break
        for block in partition.blocks():
            rows = slice(0, max(HEAD_ROWS - block.first_row, 0))
            labels = block.labels[rows]
            used = np.flatnonzero(labels >= 0)
            labels, best = labels[used], block.probs[rows][used].argmax(axis=1)
            standing += int(np.count_nonzero(best == labels))
            in_order += int(np.count_nonzero(best == place[labels]))
            if block.first_row + len(block) >= HEAD_ROWS:
                break
    return in_order - standing > DEVIATIONS * math.sqrt(in_order + standing)
