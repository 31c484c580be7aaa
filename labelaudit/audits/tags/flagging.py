"""Which cells each rule flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import compat, joint
from labelaudit.audits.tags.cuts import Keyed, sortable
from labelaudit.findings import JointCells

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.audits.tags.cuts import Cuts
    from labelaudit.audits.tags.pieces import Piece, Pieces
    from labelaudit.blocks import Partition, TagBlock

__all__ = [
    "Flagging",
    "TagFlags",
    "calibrated_joint",
    "cells_to_rank",
    "flag_cells",
    "ranked_cells",
    "wanted_cells",
]


@dataclass(frozen=True, slots=True)
class Flagging:
    """What is needed to flag cells.

    Attributes
    ----------
    lines, face : (K, 2, 2) float64
        As in ``TagModel``.
    cuts : Cuts
        Of the groups that ``ranked_cells`` puts cells into.
    """

    lines: npt.NDArray[np.float64]
    face: npt.NDArray[np.float64]
    cuts: Cuts

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class TagFlags:
    """What is known of the picked cells.

    Attributes
    ----------
    by_rule : dict of str to (m,) bool
    contradicted : (m,) bool
        The opposite of what is given is more probable.
    log_odds : (m,) float64
        Logit of the quality by the model.
    suggests, at_face_value : (m,) bool
        The opposite is more probable by the model, or by the channel at face value.
    """

    by_rule: dict[str, npt.NDArray[np.bool_]]
    contradicted: npt.NDArray[np.bool_]
    log_odds: npt.NDArray[np.float64]
    suggests: npt.NDArray[np.bool_]
    at_face_value: npt.NDArray[np.bool_]


def calibrated_joint(
    counted: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    compat_rules: bool,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Raise diagonals to 1, then scale each class's joint to its cells.

    Parameters
    ----------
    counted : (K, 2, 2) int64
    known : (K, 2) int64
        Cells by given.
    compat_rules : bool

    Returns
    -------
    (K, 2, 2) int64, twice
        The joint and the calibrated joint.
    """
    counted = counted.copy()
    for y in range(2):
        least = 1 if compat_rules else np.minimum(known[:, y], 1)
        counted[:, y, y] = np.maximum(counted[:, y, y], least)
    if compat_rules:
        scaled = [
            _square(compat.calibrated(_cells(one[None]), counts))[0]
            for one, counts in zip(counted, known, strict=True)
        ]
        return counted, np.array(scaled)
    return counted, _square(joint.calibrated(_cells(counted), known.ravel()))


def _cells(square: npt.NDArray[np.int64]) -> JointCells:
    """Return K problems of two classes as one of 2 K classes, of which no two problems meet."""
    k, given, true = np.nonzero(square)
    return JointCells(
        2 * len(square),
        (2 * k + given).astype(np.int32),
        (2 * k + true).astype(np.int32),
        square[k, given, true],
    )


def _square(cells: JointCells) -> npt.NDArray[np.int64]:
    square = np.zeros((cells.n_classes // 2, 2, 2), np.int64)
    square[cells.given // 2, cells.given % 2, cells.true % 2] = cells.count
    return square


def wanted_cells(
    calibrated: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    off: npt.NDArray[np.int64],
    errors: npt.NDArray[np.int64],
    settings: AuditSettings,
) -> npt.NDArray[np.int64]:
    """Say how many cells of each group of ``ranked_cells`` the rules flag, if all are opposed.

    Parameters
    ----------
    calibrated : (K, 2, 2) int64
    known : (K, 2) int64
    off : (K,) int64
        Cells off the diagonal of the joint.
    errors : (K,) int64
        What rcp flags.
    settings : AuditSettings

    Returns
    -------
    (6 K,) int64
    """
    pruned = _square(
        joint.prune_counts(
            _cells(calibrated),
            known.ravel(),
            settings.min_examples_per_class,
            settings.frac_noise,
            settings.compat,
        )
    )
    by_class = known - np.stack([pruned[:, 0, 0], pruned[:, 1, 1]], axis=1)
    if settings.compat:
        by_class = np.minimum(by_class, known - 1)
    by_noise_rate = np.stack([pruned[:, 0, 1], pruned[:, 1, 0]], axis=1)
    return np.concatenate([by_class.ravel(), by_noise_rate.ravel(), off, errors])


def ranked_cells(piece: Piece, lines: npt.NDArray[np.float64]) -> Iterator[Keyed]:
    """Yield the picked cells by what rules rank them by, in groups counted as 6 K in a row.

    By class and given, for pruning by class; the same for pruning by noise rate; by class, with
    the probability of what is given; by class, with the log-odds of the model. Every rule but rcp
    flags only cells that are contradicted, so all that it can flag are among those that are picked.
    """
    n_classes, tag = len(lines), piece.tag.astype(np.int64)
    places = piece.places(n_classes)
    own = sortable(piece.contradiction().own)
    yield Keyed(2 * tag + piece.given, own, places)
    yield Keyed(2 * n_classes + 2 * tag + piece.given, own, places)
    yield Keyed(4 * n_classes + tag, own, places)
    yield Keyed(5 * n_classes + tag, sortable(_along(lines, piece)), places)


def cells_to_rank(
    partition: Partition[TagBlock], pieces: Pieces, lines: npt.NDArray[np.float64]
) -> Iterator[Keyed]:
    """Yield the picked cells of a partition as ``ranked_cells`` does."""
    for piece in pieces.of(partition):
        yield from ranked_cells(piece, lines)


def flag_cells(piece: Piece, flagging: Flagging) -> TagFlags:
    """Flag the picked cells by every rule."""
    told = piece.contradiction()
    by_class, by_noise_rate, lowest, rcp = (
        flagging.cuts.below(cells) for cells in ranked_cells(piece, flagging.lines)
    )
    low = lowest & told.opposed
    log_odds = _along(flagging.lines, piece)
    by_rule = {
        "prune_by_class": by_class & told.opposed,
        "prune_by_noise_rate": by_noise_rate & told.opposed,
        "both": by_class & by_noise_rate & told.opposed,
        "confident_learning": told.off,
        "predicted_neq_given": told.opposed,
        "low_self_confidence": low,
        "low_normalized_margin": low,
        "rcp": rcp,
    }
    suggests = told.contradicted | (log_odds < 0.0)
    face = _along(flagging.face, piece)
    return TagFlags(by_rule, told.contradicted, log_odds, suggests, face < 0.0)


def _along(lines: npt.NDArray[np.float64], piece: Piece) -> npt.NDArray[np.float64]:
    """(m,) what the line of each cell's class and given says at its logit."""
    inside = np.clip(piece.prob.astype(np.float64), 1e-6, 1.0 - 1e-6)
    line = lines[piece.tag, piece.given]
    values: npt.NDArray[np.float64] = line[:, 0] * np.log(inside / (1.0 - inside)) + line[:, 1]
    return values
