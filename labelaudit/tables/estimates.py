"""What an audit estimates, as tables: classes, joint, confused pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.findings import JointCells, LabelAudit

__all__ = ["classes_table", "joint_table", "pairs_table"]


def _share(part: npt.NDArray[np.number], whole: npt.NDArray[np.number]) -> npt.NDArray[np.float64]:
    """Divide; NaN where there is no whole."""
    result = np.full(len(part), np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def _floats(values: npt.NDArray[np.float64]) -> pa.Array:
    """NaN is "there is none" here, and null says so in every format."""
    return pa.array(values, mask=np.isnan(values))


def _sums(cells: JointCells, side: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    totals = np.zeros(cells.n_classes, np.int64)
    np.add.at(totals, side, cells.count)
    return totals


def _counts_at(
    cells: JointCells, given: npt.NDArray[np.int32], true: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64]:
    """Look up counts of pairs, 0 where there is none."""
    if len(cells.count) == 0:
        return np.zeros(len(given), np.int64)
    known = cells.given.astype(np.int64) * cells.n_classes + cells.true
    wanted = given.astype(np.int64) * cells.n_classes + true
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, cells.count[place], 0)


def classes_table(audit: LabelAudit, values: pa.Array) -> pa.Table:
    """Describe each class, in class order.

    Parameters
    ----------
    audit : LabelAudit
    values : pyarrow.Array
        (K,) the label of each class, as in the input.
    """
    cells = audit.calibrated_joint
    given, true = _sums(cells, cells.given), _sums(cells, cells.true)
    on = cells.given == cells.true
    confirmed = np.zeros(cells.n_classes, np.int64)
    confirmed[cells.given[on]] = cells.count[on]
    total = given.sum()
    return pa.table(
        {
            "class": values,
            "rows": pa.array(audit.counts),
            "threshold": _floats(audit.thresholds),
            "issues": pa.array(audit.class_issues),
            "suggested": pa.array(audit.class_suggested),
            "given_noise": _floats(_share(given - confirmed, given)),
            "true_noise": _floats(_share(true - confirmed, true)),
            "prior_given": pa.array(given / total),
            "prior_true": pa.array(true / total),
            "mean_quality": _floats(audit.class_quality),
        }
    )


def joint_table(audit: LabelAudit, values: pa.Array) -> pa.Table:
    """List the non-zero cells of the joint of given and true labels, in class order.

    ``joint`` is the share of all rows, ``given_if_true`` the noise matrix P(given | true),
    ``true_if_given`` its inverse (Northcutt, Jiang, Chuang 2021, section 3.1).
    """
    cells, counted = audit.calibrated_joint, audit.confident_joint
    given, true = _sums(cells, cells.given), _sums(cells, cells.true)
    return pa.table(
        {
            "given": values.take(pa.array(cells.given)),
            "true": values.take(pa.array(cells.true)),
            "count": pa.array(_counts_at(counted, cells.given, cells.true)),
            "calibrated": pa.array(cells.count),
            "joint": pa.array(cells.count / cells.count.sum()),
            "given_if_true": _floats(_share(cells.count, true[cells.true])),
            "true_if_given": _floats(_share(cells.count, given[cells.given])),
        }
    )


def pairs_table(audit: LabelAudit, values: pa.Array) -> pa.Table:
    """List pairs of given and true class by how many rows are estimated to confuse them.

    ``share`` is of the rows with the given label, ``issues`` how many of the flagged rows
    would be of the pair.
    """
    cells = audit.calibrated_joint
    off = np.flatnonzero(cells.given != cells.true)
    off = off[np.argsort(-cells.count[off], kind="stable")]
    given, true = cells.given[off], cells.true[off]
    issues = _counts_at(audit.alternatives, given, true)
    return pa.table(
        {
            "given": values.take(pa.array(given)),
            "true": values.take(pa.array(true)),
            "estimated": pa.array(cells.count[off]),
            "share": _floats(_share(cells.count[off], audit.counts[given])),
            "issues": pa.array(issues),
        }
    )
