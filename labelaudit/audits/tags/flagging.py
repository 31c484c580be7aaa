"""Which cells each rule flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import compat, joint
from labelaudit.audits.filters import NUDGE
from labelaudit.findings import JointCells

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.audits.tags.judging import Picked
    from labelaudit.audits.tags.model import TagModel

__all__ = ["TagFlags", "calibrated_joint", "flag_cells"]


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


def flag_cells(
    judged: Picked,
    calibrated: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    model: TagModel,
    settings: AuditSettings,
) -> TagFlags:
    """Flag the picked cells by every rule.

    Every rule but rcp flags only cells that are contradicted, so all that it can flag are among
    those that are picked.

    Parameters
    ----------
    judged : Picked
    calibrated : (K, 2, 2) int64
    known : (K, 2) int64
    model : TagModel
    settings : AuditSettings
    """
    prob, given, tag = judged.prob, judged.given, judged.tag
    one = prob.dtype.type(1.0)
    own = np.where(given == 1, prob, one - prob)
    other = np.where(given == 1, one - prob, prob)
    contradicted = np.where(given == 1, other >= own, other > own)
    helped = own + prob.dtype.type(NUDGE)
    opposed = contradicted & np.where(given == 1, other >= helped, other > helped)
    ascending = np.argsort(own, kind="stable")
    by_rule = _pruned(judged, ascending, calibrated, known, settings)
    by_rule = {name: mask & opposed for name, mask in by_rule.items()}
    off = (judged.confident >= 0) & (judged.confident != given) & opposed
    few = np.bincount(tag[off], minlength=len(known))
    lowest = _rank(ascending, tag) < few[tag]
    logit = _logits(prob)
    log_odds = model.lines[tag, given, 0] * logit + model.lines[tag, given, 1]
    face = model.face[tag, given, 0] * logit + model.face[tag, given, 1]
    by_rule |= {
        "confident_learning": off,
        "predicted_neq_given": opposed,
        "low_self_confidence": lowest,
        "low_normalized_margin": lowest,
        "rcp": _rank(np.argsort(log_odds, kind="stable"), tag) < model.errors[tag],
    }
    suggests = contradicted | (log_odds < 0.0)
    return TagFlags(by_rule, contradicted, log_odds, suggests, face < 0.0)


def _pruned(
    judged: Picked,
    ascending: npt.NDArray[np.intp],
    calibrated: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    settings: AuditSettings,
) -> dict[str, npt.NDArray[np.bool_]]:
    """Flag the cells with the lowest probability of what is given, as many as may be pruned."""
    counts = known.ravel()
    pruned = _square(
        joint.prune_counts(
            _cells(calibrated), counts, settings.min_examples_per_class, settings.frac_noise
        )
    )
    group = 2 * judged.tag.astype(np.int64) + judged.given
    by_class = known - np.stack([pruned[:, 0, 0], pruned[:, 1, 1]], axis=1)
    if settings.compat:
        by_class = np.minimum(by_class, known - 1)
    by_noise_rate = np.stack([pruned[:, 0, 1], pruned[:, 1, 0]], axis=1)
    rank = _rank(ascending, group)
    first, second = rank < by_class.ravel()[group], rank < by_noise_rate.ravel()[group]
    return {
        "prune_by_class": first,
        "prune_by_noise_rate": second,
        "both": first & second,
    }


def _rank(ascending: npt.NDArray[np.intp], group: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return the place of each cell among those of its group.

    Parameters
    ----------
    ascending : (m,) int64
        Cells in the order of (score, row).
    group : (m,) int
    """
    sizes = np.bincount(group)
    # Numbers of 16 bits are sorted by counting them.
    narrow = group.astype(np.int16) if len(sizes) < 2**15 else group
    order = ascending[np.argsort(narrow[ascending], kind="stable")]
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - start
    return rank


def _logits(prob: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    inside = np.clip(prob.astype(np.float64), 1e-6, 1.0 - 1e-6)
    logits: npt.NDArray[np.float64] = np.log(inside / (1.0 - inside))
    return logits
