"""Confident learning: thresholds, the class each row counts for, the joint, what to prune."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import compat, joint
from labelaudit.audits.facts import facts_of
from labelaudit.audits.filters import Contested, RowEvidence, contested_of
from labelaudit.kernels.joint import confident_classes
from labelaudit.kernels.rows import LEADING
from labelaudit.summaries.pair_counts import PairCounts

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.ground import Ground, Stretch
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.findings import JointCells
    from labelaudit.summaries.self_confidence import SelfConfidence

__all__ = [
    "ConfidentLearning",
    "Decide",
    "Decided",
    "Settle",
    "by_leading",
    "confident_class_of_rows",
    "confident_learning",
    "reach_of",
]

SLACK = 1e-6
"""A probability this far below its threshold still reaches it."""


@dataclass(frozen=True, slots=True)
class ConfidentLearning:
    """What confident learning says of all rows (Northcutt, Jiang, Chuang 2021).

    Attributes
    ----------
    counts : (K,) int64
        Rows of each given class.
    thresholds : (K,) float64
        NaN for a class without rows.
    joint, calibrated : JointCells
        The confident joint, as counted and as scaled to all rows.
    pruned : JointCells
        Rows that pruning may take from each cell; on the diagonal, rows that stay.
    counted_off : int
        Rows counted for another class, whose most probable class is not the given one either.
    contested : int
        Rows of which another class is at least as probable as the given one.
    """

    counts: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]
    joint: JointCells
    calibrated: JointCells
    pruned: JointCells
    counted_off: int
    contested: int

    def to_take_off(self, compat_rules: bool) -> npt.NDArray[np.float64]:
        """(K,) float64 thresholds to take off the probabilities for adjusted scores.

        A class without rows has none: it is given the highest of the others, so that its
        probability stays as it is.
        """
        if compat_rules:
            return compat.thresholds_of_all(self.thresholds)
        return np.where(np.isnan(self.thresholds), np.nanmax(self.thresholds), self.thresholds)


def confident_learning(
    ground: Ground, confidence: SelfConfidence, settings: AuditSettings
) -> ConfidentLearning:
    """Count every row for the class that the model is confident of.

    The three leading classes settle nearly all rows. Rows that they do not settle are read again,
    so the result is exact. What is found of contested rows is kept.

    Parameters
    ----------
    ground : Ground
        Where the facts of all rows are.
    confidence : SelfConfidence
        Of all rows.
    settings : AuditSettings
    """
    counts, thresholds = confidence.count, confidence.thresholds()
    most_probable = settings.compat or settings.collision == "cleanlab"
    reach = reach_of(thresholds)
    decided = reduce(add, ground.take(Decide(reach, most_probable)))
    if decided.open:
        settle = Settle(reach, most_probable)
        decided = reduce(add, ground.read(settle, "settling", decided.open), decided)
    # The peer counts one row for a class that has none; ours takes no part.
    present = np.ones(len(counts), np.bool_) if settings.compat else counts > 0
    cells = joint.confident_joint(decided.cells.cells(), present)
    calibrate = compat.calibrated if settings.compat else joint.calibrated
    calibrated = calibrate(cells, counts)
    return ConfidentLearning(
        counts,
        thresholds,
        cells,
        calibrated,
        joint.prune_counts(
            calibrated,
            counts,
            settings.min_examples_per_class,
            settings.frac_noise,
            settings.compat,
        ),
        decided.off,
        decided.contested,
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """What some rows count for.

    Attributes
    ----------
    cells : PairCounts
        By given and confident class.
    off : int
        Rows counted for another class, whose most probable class is not the given one either.
    contested : int
    open : tuple of int
        First rows of the pieces with rows that must be read again.
    """

    cells: PairCounts
    off: int
    contested: int
    open: tuple[int, ...]

    @classmethod
    def none(cls, n_classes: int) -> Decided:
        """Return the sums of no rows."""
        return cls(PairCounts.none(n_classes), 0, 0, ())

    def __add__(self, more: Decided) -> Decided:
        return Decided(
            self.cells + more.cells,
            self.off + more.off,
            self.contested + more.contested,
            (*self.open, *more.open),
        )


def _counted_off(evidence: RowEvidence) -> int:
    return int(np.count_nonzero(evidence.counted_off(evidence.opposed())))


@dataclass(frozen=True, slots=True)
class Decide:
    """The step that decides rows by their leading classes, and keeps their evidence.

    Attributes
    ----------
    reach : (K,) float64
        From ``reach_of``.
    most_probable : bool
        Count a row above several thresholds for the most probable class of all.
    """

    reach: npt.NDArray[np.float64]
    most_probable: bool

    def __call__(self, stretch: Stretch) -> Decided:
        """Decide the rows of some pieces."""
        sums = Decided.none(len(self.reach))
        for piece in stretch.pieces:
            facts = facts_of(piece)
            found = by_leading(facts.classes, facts.leading, self.reach, self.most_probable)
            contested = Contested.of(facts, found)
            contested.keep(piece)
            sums = sums + Decided(
                PairCounts.of(facts.labels, found, len(self.reach)),
                _counted_off(contested.evidence),
                len(contested.evidence.rows),
                (piece.first_row,) if len(contested.undecided) else (),
            )
        return sums


@dataclass(frozen=True, slots=True)
class Settle:
    """The step that reads rows again which their leading classes do not settle.

    Attributes
    ----------
    reach, most_probable
        As in ``Decide``.
    """

    reach: npt.NDArray[np.float64]
    most_probable: bool

    def __call__(self, stretch: Stretch) -> Decided:
        """Settle the rows of a partition; the sums hold only these."""
        sums = Decided.none(len(self.reach))
        for piece, blocks in stretch.read():
            facts, contested = facts_of(piece), contested_of(piece)
            rows = contested.undecided
            confident = np.empty(len(rows), np.int32)
            for place, block in blocks:
                here = slice(*np.searchsorted(rows, [place.start, place.stop]).tolist())
                probs = block.probs[rows[here] - place.start]
                confident[here] = confident_class_of_rows(probs, self.reach, self.most_probable)
            contested.settled(confident).keep(piece)
            cells = PairCounts.of(facts.labels[rows], confident, len(self.reach))
            off = _counted_off(RowEvidence.of(facts, rows, confident))
            sums = sums + Decided(cells, off, 0, ())
        return sums


def reach_of(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(K,) float64 what a class's probability must be at least; infinite without threshold."""
    return np.where(np.isnan(thresholds), np.inf, thresholds - SLACK)


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
