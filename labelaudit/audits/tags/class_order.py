"""Whether the probabilities are in the order of the classes, in multi-label data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.hygiene import ORDER_CLASSES, ORDER_GAIN, other_order
from labelaudit.errors import ClassOrderError
from labelaudit.wording import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.blocks import TagBlock

__all__ = ["TopTags", "demand_tag_order"]


@dataclass(frozen=True, slots=True)
class TopTags:
    """Which column is the most probable one in rows that are given a class.

    Attributes
    ----------
    table : (K, K) int64
        Rows by most probable column, and class given; empty with very many classes.
    rows : int
        Rows that are given any class, and whose most probable column is known.
    """

    table: npt.NDArray[np.int64]
    rows: int

    @classmethod
    def empty(cls, n_classes: int) -> TopTags:
        """Return the counts of no rows."""
        size = n_classes if n_classes <= ORDER_CLASSES else 0
        return cls(np.zeros((size, size), np.int64), 0)

    def with_block(self, block: TagBlock) -> TopTags:
        """Return the counts with the rows of a block added."""
        size = len(self.table)
        if not size:
            return self
        row, tag = np.nonzero(block.given == 1)
        probs = block.probs
        if np.isnan(probs.sum()):
            probs = np.where(np.isnan(probs), -np.inf, probs)
        top = probs.argmax(axis=1)
        known = probs[np.arange(len(block)), top] >= 0.0
        row, tag = row[known[row]], tag[known[row]]
        table = np.bincount(top[row] * size + tag, minlength=size * size).reshape(size, size)
        rows = np.count_nonzero(np.diff(row, prepend=-1))
        return TopTags(self.table + table, self.rows + int(rows))

    def __add__(self, other: TopTags) -> TopTags:
        return TopTags(self.table + other.table, self.rows + other.rows)


def demand_tag_order(tops: TopTags, classes: Sequence[str]) -> None:
    """Raise if another order of the columns of probabilities fits the labels far better.

    As with one label a row: a permutation is looked for under which the most probable class is
    given in 20 points more of the rows.

    Raises
    ------
    ClassOrderError
        With the better order.
    """
    table, rows = tops.table, tops.rows
    if not table.any():
        return
    agreeing = int(np.trace(table))
    enough = max(ORDER_GAIN * rows, 2.0 * math.sqrt(rows) + len(classes))
    if table.max(axis=1).sum() - agreeing < enough:
        return
    from scipy.optimize import linear_sum_assignment

    column, label = linear_sum_assignment(table, maximize=True)
    better = int(table[column, label].sum())
    if better - agreeing >= enough:
        shares = percent(agreeing / rows), percent(better / rows)
        error = other_order(tuple(classes[k] for k in label), *shares, "among the given labels")
        raise ClassOrderError(
            error.found,
            f"{error.remedy.removesuffix('.')}; with a column of 0 and 1 for each class, put the "
            "columns of probabilities in their order.",
        )
