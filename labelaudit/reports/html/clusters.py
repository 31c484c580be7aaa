"""Which classes to show, and in which order, so that those that are confused stand together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Cells", "block"]


@dataclass(frozen=True, slots=True)
class Cells:
    """Some cells of a K x K matrix.

    Attributes
    ----------
    n_classes : int
    row, column : (m,) int
    value : (m,) float
    """

    n_classes: int
    row: npt.NDArray[np.integer]
    column: npt.NDArray[np.integer]
    value: npt.NDArray[np.number]

    def dense(self, classes: list[int]) -> npt.NDArray[np.float64]:
        """Return the block of these classes, in their order."""
        place = np.full(self.n_classes, -1)
        place[classes] = np.arange(len(classes))
        row, column = place[self.row], place[self.column]
        inside = (row >= 0) & (column >= 0)
        matrix = np.zeros((len(classes), len(classes)))
        matrix[row[inside], column[inside]] = self.value[inside]
        return matrix


def block(cells: Cells, most: int) -> list[int]:
    """Return the classes of the most confused block, confused ones beside each other.

    All classes if there are no more than ``most``; otherwise those of the largest cells off the
    diagonal. Pairs are taken from the most confused down, both ways together, and the chains of
    classes they belong to are joined at the ends that confuse most: agglomeration by single
    linkage, with the leaves in order.
    """
    pairs = _pairs(cells)
    chosen = list(range(cells.n_classes))
    if cells.n_classes > most:
        chosen = []
        for first, second, _ in pairs:
            new = [each for each in (first, second) if each not in chosen]
            if len(chosen) + len(new) > most:
                break
            chosen += new
    inside = set(chosen)
    chains = {each: [each] for each in sorted(chosen)}
    for first, second, _ in pairs:
        if first in inside and second in inside and chains[first] is not chains[second]:
            chain = _linked(chains[first], chains[second], first, second)
            chains.update(dict.fromkeys(chain, chain))
    order: dict[int, None] = {}
    for each in sorted(chosen):
        order.update(dict.fromkeys(chains[each]))
    return list(order)


def _pairs(cells: Cells) -> list[tuple[int, int, float]]:
    """List unordered pairs with what is confused both ways, most first."""
    off = (cells.row != cells.column) & (cells.value > 0)
    low = np.minimum(cells.row[off], cells.column[off]).astype(np.int64)
    high = np.maximum(cells.row[off], cells.column[off]).astype(np.int64)
    keys, inverse = np.unique(low * cells.n_classes + high, return_inverse=True)
    weight = np.bincount(inverse, weights=cells.value[off], minlength=len(keys))
    order = np.argsort(-weight, kind="stable")
    first, second = np.divmod(keys[order], cells.n_classes)
    return list(zip(first.tolist(), second.tolist(), weight[order].tolist(), strict=True))


def _linked(one: list[int], other: list[int], first: int, second: int) -> list[int]:
    """Join two chains so that ``first`` of one and ``second`` of the other are near."""
    if 2 * one.index(first) < len(one) - 1:
        one.reverse()
    if 2 * other.index(second) > len(other) - 1:
        other.reverse()
    return one + other
