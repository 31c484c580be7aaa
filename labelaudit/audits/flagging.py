"""Which rows each rule flags, and how many labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import compat, joint
from labelaudit.audits.channel import count, error_interval
from labelaudit.audits.confident import reach_of
from labelaudit.audits.filters import lowest, lowest_of_each_class, with_vetoes
from labelaudit.findings import ErrorRate, Estimate
from labelaudit.kernels.joint import confident_classes
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.audits.confident import ConfidentLearning
    from labelaudit.audits.second import SecondReading
    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.findings import JointCells
    from labelaudit.summaries.margins import LowestMargins

__all__ = ["Flags", "flags_of", "tied_at_cut"]


@dataclass(frozen=True, slots=True)
class Flags:
    """Rows that are flagged, and how many labels are estimated to be wrong.

    Attributes
    ----------
    by_rule : dict of str to (N,) bool
    at_face_value : (N,) bool
        Flagged with the probabilities taken at face value.
    error_rate : ErrorRate
    """

    by_rule: dict[str, npt.NDArray[np.bool_]]
    at_face_value: npt.NDArray[np.bool_]
    error_rate: ErrorRate


def flags_of(
    confident: ConfidentLearning,
    second: SecondReading,
    model: ChannelModel | None,
    by_noise_rate: npt.NDArray[np.bool_],
    compat_rules: bool,
) -> Flags:
    """Flag rows by every rule that was prepared for.

    Parameters
    ----------
    confident : ConfidentLearning
    second : SecondReading
    model : ChannelModel or None
        None where rcp was not asked for.
    by_noise_rate : (N,) bool
        Rows among the lowest margins of any cell.
    compat_rules : bool
    """
    evidence = confident.evidence
    valid = evidence.valid
    n_valid = int(valid.sum())
    select = compat.lowest_of_each_class if compat_rules else lowest_of_each_class
    wanted = confident.counts - joint.diagonal(confident.pruned)
    by_class = select(evidence, wanted)
    by_rule = with_vetoes(evidence, by_class, by_noise_rate)
    face, face_squares, *sharp = second.doubt.value().tolist()
    at_face_value = lowest(second.face_score, valid, round(face))
    if model is None or second.channel is None:
        n = joint.off_diagonal_total(confident.calibrated)
        most = _estimate(n, float(n), float(n), n_valid)
    else:
        twice, twice_squares = sharp
        n = _rcp_count(confident, second, twice, n_valid) if model.informative else 0
        by_rule["rcp"] = lowest(second.channel.score, valid, n)
        most = _estimate(n, twice, twice_squares, n_valid)
    face_value = _estimate(min(face, n), face, face_squares, n_valid)
    return Flags(by_rule, at_face_value, ErrorRate(face_value, most))


def _estimate(errors: float, doubt: float, squares: float, rows: int) -> Estimate:
    low, high = error_interval(errors, doubt, squares, rows)
    return Estimate(errors / rows, low, high)


def _rcp_count(
    confident: ConfidentLearning, second: SecondReading, twice: float, n_valid: int
) -> int:
    """Average the doubt at twice the sharpness and the confident joint after recalibration.

    A row that its three leading classes do not settle is not counted in that joint.
    """
    if second.channel is None or second.recalibrated is None:
        return 0
    counts = second.recalibrated.count
    reach = reach_of(second.recalibrated.thresholds())
    decided = confident_classes(second.channel.classes, second.channel.leading, reach, False)
    cells = joint.confident_joint(confident.evidence.labels, decided, counts > 0)
    return count(twice, joint.off_diagonal_total(joint.calibrated(cells, counts)), n_valid)


def tied_at_cut(
    margins: LowestMargins,
    pruned: JointCells,
    partitions: Iterable[Partition[LabelBlock]],
    on: Executor | None = None,
) -> npt.NDArray[np.bool_]:
    """(N,) bool: rows whose margin is at or below the cut of any cell, as the peer prunes.

    Of rows that tie at a cut we prune the first, the peer prunes all.
    """
    cuts = np.full((pruned.n_classes, pruned.n_classes), -np.inf)
    given = np.repeat(np.arange(pruned.n_classes), np.diff(margins.given_start))
    cuts[given, margins.other] = margins.cuts()
    return np.concatenate(list(each(partial(_at_or_below, cuts=cuts), partitions, on)))


def _at_or_below(
    partition: Partition[LabelBlock], cuts: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    flags = [np.empty(0, np.bool_)]
    for block in partition.blocks():
        given = np.maximum(block.labels, 0)
        probs = block.probs
        own = np.take_along_axis(probs, given[:, None], axis=1)
        below = (own - probs) <= cuts[given]
        flags.append(below.any(axis=1) & (block.labels >= 0))
    return np.concatenate(flags)
