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

    from labelaudit.audits.filters import RowEvidence

__all__ = ["calibrated", "lowest", "lowest_of_each_class", "thresholds_of_all"]


def thresholds_of_all(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give a class without rows the threshold 2, which no probability reaches."""
    return np.where(np.isnan(thresholds), 2.0, thresholds)


def calibrated(cells: JointCells, counts: npt.NDArray[np.int64]) -> JointCells:
    """Scale each given class to its number of rows, rounding each cell to the nearest even.

    Where a class's total is off by d, d cells are moved by one: up where most was rounded away, or
    down where most was added; of equal ones the highest class goes up, the lowest down.
    """
    totals = np.bincount(cells.given, weights=cells.count, minlength=cells.n_classes)
    share = cells.count / totals[cells.given] * counts[cells.given]
    share = share / share.sum() * counts.sum()
    whole = np.rint(share)
    start = np.searchsorted(cells.given, np.arange(cells.n_classes + 1))
    for k in range(cells.n_classes):
        part = slice(start[k], start[k + 1])
        _keep_total(whole[part], share[part], cells.true[part], int(counts[k]), cells.n_classes)
    kept = whole > 0
    return JointCells(
        cells.n_classes, cells.given[kept], cells.true[kept], whole[kept].astype(np.int64)
    )


def _keep_total(
    whole: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
    true: npt.NDArray[np.int32],
    total: int,
    n_classes: int,
) -> None:
    off = total - int(whole.sum())
    if off == 0:
        return
    lost = np.zeros(n_classes)
    lost[true] = share - whole
    order = np.argsort(lost)  # not stable, as the peer's: ties go where its sort puts them
    moved = order[::-1][:off] if off > 0 else order[:-off]
    whole[np.isin(true, moved)] += np.sign(off)


def lowest_of_each_class(
    evidence: RowEvidence, wanted: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Flag for each class the rows with the lowest P(given); one row of each class stays.

    Of rows that tie at the cut, those are flagged that numpy's default sort puts first.
    """
    labels, scores = evidence.labels, evidence.given_prob
    flags = np.zeros(len(labels), np.bool_)
    for k in np.flatnonzero(wanted > 0):
        rows = np.flatnonzero(labels == k)
        flags[rows[np.argsort(scores[rows])[: min(int(wanted[k]), len(rows) - 1)]]] = True
    return flags


def lowest(
    scores: npt.NDArray[np.floating], among: npt.NDArray[np.bool_], n: int
) -> npt.NDArray[np.bool_]:
    """Flag the n rows with the lowest scores, those that numpy's default sort puts first."""
    rows = np.flatnonzero(among)
    flags = np.zeros(len(scores), np.bool_)
    flags[rows[np.argsort(scores[rows])[:n]]] = True
    return flags
