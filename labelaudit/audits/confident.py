"""Which class each row confidently counts for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.joint import UNDECIDED, confident_classes
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from labelaudit.audits.facts import RowFacts
    from labelaudit.blocks import LabelBlock, Partition

__all__ = ["SLACK", "confident_class_of_rows", "decide"]

SLACK = 1e-6
"""A probability this far below its threshold still reaches it."""


def decide(
    facts: RowFacts,
    reach: npt.NDArray[np.float64],
    most_probable: bool,
    partitions: Iterable[Partition[LabelBlock]],
    on: Executor | None = None,
) -> npt.NDArray[np.int32]:
    """Decide the confident class of every row; ``EMPTY`` where no class reaches its threshold.

    The three leading classes settle nearly all rows. Rows that they do not settle are read again,
    so the result is exact.

    Parameters
    ----------
    facts : RowFacts
    reach : (K,) float64
        Thresholds less ``SLACK``; infinite for a class without threshold.
    most_probable : bool
        Count a row above several thresholds for the most probable class of all.
    partitions : iterable of Partition

    Returns
    -------
    (N,) int32
    """
    result = confident_classes(facts.classes, facts.leading, reach, most_probable)
    open_rows = np.flatnonzero((result == UNDECIDED) & (facts.labels >= 0))
    if len(open_rows):
        again = partial(_settle, rows=open_rows, reach=reach, most_probable=most_probable)
        result[open_rows] = np.concatenate(list(each(again, partitions, on)))
    return result


def _settle(
    partition: Partition[LabelBlock],
    rows: npt.NDArray[np.int64],
    reach: npt.NDArray[np.float64],
    most_probable: bool,
) -> npt.NDArray[np.int32]:
    settled = [np.empty(0, np.int32)]
    for block in partition.blocks():
        low, high = np.searchsorted(rows, (block.first_row, block.first_row + len(block)))
        if low < high:
            probs = block.probs[rows[low:high] - block.first_row]
            settled.append(confident_class_of_rows(probs, reach, most_probable))
    return np.concatenate(settled)


def confident_class_of_rows(
    probs: npt.NDArray[np.floating], reach: npt.NDArray[np.float64], most_probable: bool
) -> npt.NDArray[np.int32]:
    """Decide from all probabilities of the rows, (n, K), which class each counts for."""
    inside = probs >= reach
    members = inside.sum(axis=1)
    found = np.where(inside, probs, -1.0).argmax(axis=1)
    if most_probable:
        found = np.where(members > 1, probs.argmax(axis=1), found)
    return np.where(members > 0, found, -1).astype(np.int32)
