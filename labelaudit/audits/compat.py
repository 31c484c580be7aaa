"""How cleanlab 2.9 counts and cuts, where it differs from ours.

For people who compare results or replace one tool by the other. Checked against the library's own
output, never taken from its code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import JointCells

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["calibrated", "sums_of_given", "thresholds_of_all"]


def thresholds_of_all(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give a class without rows the threshold 2, which no probability reaches."""
    return np.where(np.isnan(thresholds), 2.0, thresholds)


def calibrated(cells: JointCells, counts: npt.NDArray[np.int64]) -> JointCells:
    """Scale each given class to its number of rows, rounding each cell to the nearest even.

    Where a class's total is off by d, d cells are moved by one: up where most was rounded away, or
    down where most was added; of equal ones the highest class goes up, the lowest down.
    """
    k = cells.n_classes
    table = np.zeros((k, k))
    table[cells.given, cells.true] = cells.count
    # All K x K cells, zeros too: the last digits of their sum decide which way a half is rounded.
    share = (table.T / np.maximum(table.sum(axis=1), 1.0) * counts).T
    share = share / share.sum() * counts.sum()
    whole = np.rint(share)
    for row, exact, total in zip(whole, share, counts.tolist(), strict=True):
        _keep_total(row, exact, total)
    given, true = np.nonzero(whole > 0)
    return JointCells(
        k, given.astype(np.int32), true.astype(np.int32), whole[given, true].astype(np.int64)
    )


def sums_of_given(
    given: npt.NDArray[np.int32],
    true: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    n_classes: int,
) -> npt.NDArray[np.float64]:
    """(K,) float64: add up values of cells by given class, zeros of all other cells among them.

    They decide in which order numpy adds, and so whether a sum is whole.
    """
    table = np.zeros((n_classes, n_classes))
    table[given, true] = values
    sums: npt.NDArray[np.float64] = table.sum(axis=1)
    return sums


def _keep_total(whole: npt.NDArray[np.float64], share: npt.NDArray[np.float64], total: int) -> None:
    off = total - int(whole.sum())
    if off == 0:
        return
    order = np.argsort(share - whole)  # not stable: ties go where the peer's sort puts them
    moved = order[::-1][:off] if off > 0 else order[:-off]
    whole[moved] += np.sign(off)
