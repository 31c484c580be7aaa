"""The confident joint and what follows from it, over its non-zero cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.compat import sums_of_given
from labelaudit.findings import JointCells

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "calibrated",
    "confident_joint",
    "diagonal",
    "off_diagonal_total",
    "prune_counts",
    "true_totals",
]

ROUNDING = 1e-6


def _from_codes(
    codes: npt.NDArray[np.int64], count: npt.NDArray[np.int64], n_classes: int
) -> JointCells:
    return JointCells(
        n_classes,
        (codes // n_classes).astype(np.int32),
        (codes % n_classes).astype(np.int32),
        count.astype(np.int64),
    )


def diagonal(cells: JointCells) -> npt.NDArray[np.int64]:
    """(K,) int64 counts of rows whose given label is confirmed."""
    result = np.zeros(cells.n_classes, np.int64)
    on = cells.given == cells.true
    result[cells.given[on]] = cells.count[on]
    return result


def off_diagonal_total(cells: JointCells) -> int:
    """Rows counted for another class than the given one."""
    return int(cells.count[cells.given != cells.true].sum())


def true_totals(cells: JointCells) -> npt.NDArray[np.int64]:
    """(K,) int64 rows counted for each true class."""
    totals = np.zeros(cells.n_classes, np.int64)
    np.add.at(totals, cells.true, cells.count)
    return totals


def confident_joint(cells: JointCells, present: npt.NDArray[np.bool_]) -> JointCells:
    """Make the confident joint of counted rows (Northcutt, Jiang, Chuang 2021, eq. 1).

    Parameters
    ----------
    cells : JointCells
        Rows by given label and confident class.
    present : (K,) bool
        Classes whose diagonal entry is at least 1, so that no class is all error.
    """
    return _with_diagonal(cells, np.where(present, np.maximum(diagonal(cells), 1), 0))


def _with_diagonal(cells: JointCells, values: npt.NDArray[np.int64]) -> JointCells:
    off = cells.given != cells.true
    on = np.flatnonzero(values)
    k = cells.n_classes
    codes = np.concatenate([cells.given[off].astype(np.int64) * k + cells.true[off], on * (k + 1)])
    count = np.concatenate([cells.count[off], values[on]])
    order = np.argsort(codes)
    return _from_codes(codes[order], count[order], k)


def calibrated(cells: JointCells, counts: npt.NDArray[np.int64]) -> JointCells:
    """Scale each given class to its number of rows, in whole rows (eq. 2).

    Largest remainders are rounded up, in exact integers. Where only some of equal remainders could
    be, none is and the diagonal takes the rest: so the result does not depend on class order.

    Parameters
    ----------
    cells : JointCells
        The confident joint.
    counts : (K,) int64
        Rows of each given class.
    """
    totals = np.bincount(cells.given, weights=cells.count, minlength=cells.n_classes)
    product = cells.count * counts[cells.given]
    share = totals.astype(np.int64)[cells.given]
    whole, remainder = product // share, product % share
    missing = np.where(totals > 0, counts - _sums(whole, cells), 0)
    up = _rounded_up(remainder, missing, cells)
    whole += up
    on = cells.given == cells.true
    whole[on] += (missing - _sums(up, cells))[cells.given[on]]
    kept = whole > 0
    return JointCells(cells.n_classes, cells.given[kept], cells.true[kept], whole[kept])


def _sums(values: npt.NDArray[np.integer | np.bool_], cells: JointCells) -> npt.NDArray[np.int64]:
    """(K,) int64: add up whole numbers of each given class."""
    return np.bincount(cells.given, values, cells.n_classes).astype(np.int64)


def _rounded_up(
    remainder: npt.NDArray[np.int64], missing: npt.NDArray[np.int64], cells: JointCells
) -> npt.NDArray[np.bool_]:
    """Choose the cells with the ``missing`` largest remainders of each given class."""
    classes = np.flatnonzero(missing)
    if not len(classes):
        return np.zeros(len(remainder), np.bool_)
    # One whole number for class and remainder: one sort does for all classes.
    above = int(remainder.max()) + 1
    ordered = np.sort(cells.given * np.int64(above) + remainder)
    end = np.searchsorted(cells.given, classes, "right")
    cut = np.full(cells.n_classes, above, np.int64)
    cut[classes] = ordered[end - missing[classes]] - classes * above
    enough = _sums(remainder >= cut[cells.given], cells) <= missing
    return remainder >= (cut + ~enough)[cells.given]


def prune_counts(
    cells: JointCells,
    counts: npt.NDArray[np.int64],
    least: int,
    fraction: float,
    compat: bool = False,
) -> JointCells:
    """Count the rows that pruning may take from each cell; on the diagonal, those that stay.

    Parameters
    ----------
    cells : JointCells
        The calibrated joint.
    counts : (K,) int64
        Rows of each given class; a class with no more than ``least`` is left alone.
    least : int
        Rows of each given class that stay. What the diagonal lacks is taken evenly from the other
        non-zero cells of the class.
    fraction : float
        Share of what is then off the diagonal that may be taken.
    compat : bool
        Add up what stays as the peer does, which may lose a row to rounding.
    """
    k = cells.n_classes
    off = cells.given != cells.true
    on = diagonal(cells).astype(np.float64)
    lacking = np.maximum(least - on, 0.0)
    others = np.bincount(cells.given[off], minlength=k)
    given = cells.given[off]
    amount = np.maximum(cells.count[off] - lacking[given] / np.maximum(others, 1)[given], 0.0)
    taken = amount * fraction
    left = amount - taken
    if compat:
        stays = np.maximum(on, least) + sums_of_given(given, cells.true[off], left, k)
    else:  # what is whole but for the last digits is whole
        stays = np.floor(np.maximum(on, least) + np.bincount(given, left, k) + ROUNDING)
    open_class = counts > least
    whole = np.where(open_class[given], taken, 0.0).astype(np.int64)
    pruned = JointCells(k, given[whole > 0], cells.true[off][whole > 0], whole[whole > 0])
    return _with_diagonal(pruned, np.where(open_class, stays, counts).astype(np.int64))
