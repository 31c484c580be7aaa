"""Confident learning: thresholds, the class each row counts for, the joint, what to prune."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import compat, joint
from labelaudit.audits.filters import RowEvidence
from labelaudit.kernels.joint import UNDECIDED, confident_classes
from labelaudit.kernels.rows import LEADING
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from labelaudit.audits.facts import RowFacts
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.findings import JointCells
    from labelaudit.summaries.self_confidence import SelfConfidence

__all__ = [
    "ConfidentLearning",
    "by_leading",
    "confident_class_of_rows",
    "confident_learning",
    "decide",
    "reach_of",
]

SLACK = 1e-6
"""A probability this far below its threshold still reaches it."""


@dataclass(frozen=True, slots=True)
class ConfidentLearning:
    """What confident learning says of all rows (Northcutt, Jiang, Chuang 2021).

    Attributes
    ----------
    evidence : RowEvidence
    counts : (K,) int64
        Rows of each given class.
    thresholds : (K,) float64
        NaN for a class without rows.
    joint, calibrated : JointCells
        The confident joint, as counted and as scaled to all rows.
    pruned : JointCells
        Rows that pruning may take from each cell; on the diagonal, rows that stay.
    """

    evidence: RowEvidence
    counts: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]
    joint: JointCells
    calibrated: JointCells
    pruned: JointCells

    def to_take_off(self, compat_rules: bool) -> npt.NDArray[np.float64]:
        """(K,) float64 thresholds to take off the probabilities for adjusted scores.

        A class without rows has none: it is given the highest of the others, so that its
        probability stays as it is.
        """
        if compat_rules:
            return compat.thresholds_of_all(self.thresholds)
        return np.where(np.isnan(self.thresholds), np.nanmax(self.thresholds), self.thresholds)


def confident_learning(
    facts: RowFacts,
    confidence: SelfConfidence,
    settings: AuditSettings,
    partitions: Iterable[Partition[LabelBlock]],
    on: Executor | None = None,
) -> ConfidentLearning:
    """Count every row for the class that the model is confident of.

    Parameters
    ----------
    facts : RowFacts
    confidence : SelfConfidence
        Of all rows.
    settings : AuditSettings
    partitions : iterable of Partition
        Read again for the few rows that their leading classes do not settle.
    """
    counts, thresholds = confidence.count, confidence.thresholds()
    most_probable = settings.compat or settings.collision == "cleanlab"
    decided = decide(facts, reach_of(thresholds), most_probable, partitions, on)
    # The peer counts one row for a class that has none; ours takes no part.
    present = np.ones(len(counts), np.bool_) if settings.compat else counts > 0
    cells = joint.confident_joint(facts.labels, decided, present)
    calibrate = compat.calibrated if settings.compat else joint.calibrated
    calibrated = calibrate(cells, counts)
    return ConfidentLearning(
        RowEvidence.of(facts, decided),
        counts,
        thresholds,
        cells,
        calibrated,
        joint.prune_counts(
            calibrated, counts, settings.min_examples_per_class, settings.frac_noise
        ),
    )


def reach_of(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(K,) float64 what a class's probability must be at least; infinite without threshold."""
    return np.where(np.isnan(thresholds), np.inf, thresholds - SLACK)


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
        From ``reach_of``.
    most_probable : bool
        Count a row above several thresholds for the most probable class of all.
    partitions : iterable of Partition

    Returns
    -------
    (N,) int32
    """
    result = by_leading(facts.classes, facts.leading, reach, most_probable)
    open_rows = np.flatnonzero((result == UNDECIDED) & (facts.labels >= 0))
    if len(open_rows):
        again = partial(_settle, rows=open_rows, reach=reach, most_probable=most_probable)
        result[open_rows] = np.concatenate(list(each(again, partitions, on)))
    return result


def by_leading(
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    reach: npt.NDArray[np.float64],
    most_probable: bool,
) -> npt.NDArray[np.int32]:
    """(N,) int32: what the leading classes, (N, 3), say of every row; maybe ``UNDECIDED``."""
    result = np.empty(len(classes), np.int32)
    lowest = float(reach.min()) if len(reach) > LEADING else np.inf
    confident_classes(classes, leading, reach, lowest, most_probable, result)
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
