"""Which rows each rule flags, and how many labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import compat, joint
from labelaudit.audits.channel import count, drawn_interval, error_interval
from labelaudit.audits.confident import by_leading, reach_of
from labelaudit.audits.filters import lowest, lowest_of_each_class
from labelaudit.audits.hygiene import FEW_ROWS
from labelaudit.findings import ErrorRate, Estimate
from labelaudit.running import Executor, together

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.audits.confident import ConfidentLearning
    from labelaudit.audits.second import SecondReading

__all__ = ["Flags", "flags_of"]


@dataclass(frozen=True, slots=True)
class Flags:
    """Rows that are flagged, and how many labels are estimated to be wrong.

    Attributes
    ----------
    by_rule : dict of str to (N,) bool
    at_face_value : (N,) bool
        Among the worst rows, as many as are wrong at face value.
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
    on: Executor | None = None,
) -> Flags:
    """Flag rows by every rule that was prepared for.

    The seven filters are those of Northcutt, Jiang, Chuang 2021, section 3.2.

    Parameters
    ----------
    confident : ConfidentLearning
    second : SecondReading
    model : ChannelModel or None
        None where rcp was not asked for.
    by_noise_rate : (N,) bool
        Rows among the lowest margins of any cell, as many as pruning may take from it.
    compat_rules : bool
    on : Executor, optional
    """
    evidence = confident.evidence
    valid = evidence.valid
    veto = evidence.opposed()
    counted_off = (evidence.confident >= 0) & (evidence.confident != evidence.labels) & veto
    n_off = int(np.count_nonzero(counted_off))
    face = float(second.doubt.value()[0])
    select, few = lowest_of_each_class, lowest
    if compat_rules:
        select, few = compat.lowest_of_each_class, compat.lowest
    wanted = confident.counts - joint.diagonal(confident.pruned)
    by_class, low_confidence, low_margin, at_face_value = together(
        on,
        partial(select, evidence, wanted),
        lambda: few(evidence.given_prob, valid, n_off),
        lambda: few(evidence.margins(), valid, n_off),
        lambda: lowest(second.face_score, valid, round(face)),
    )
    by_rule = {
        "prune_by_class": by_class & veto,
        "prune_by_noise_rate": by_noise_rate & veto,
        "both": by_class & by_noise_rate & veto,
        "confident_learning": counted_off,
        "predicted_neq_given": veto,
        "low_self_confidence": low_confidence,
        "low_normalized_margin": low_margin,
    }
    most = _most(confident, second, model)
    if model is not None and second.channel is not None:
        by_rule["rcp"] = lowest(second.channel.score, valid, most.errors)
    rate = ErrorRate(_face_value(second, most), most.estimate())
    return Flags(by_rule, at_face_value, rate)


@dataclass(frozen=True, slots=True)
class _Count:
    """A number of errors among rows, and the doubts it came from."""

    errors: int
    doubt: float
    squares: float
    rows: int

    def estimate(self) -> Estimate:
        low, high = error_interval(self.errors, self.doubt, self.squares, self.rows)
        return Estimate(self.errors / self.rows, low, high)


def _most(
    confident: ConfidentLearning, second: SecondReading, model: ChannelModel | None
) -> _Count:
    """Count errors if the model is as sharp as it can be; by the confident joint without rcp."""
    n_valid = int(confident.counts.sum())
    if model is None:
        n = joint.off_diagonal_total(confident.calibrated)
        return _Count(n, float(n), float(n), n_valid)
    _, _, twice, squares = second.doubt.value().tolist()
    n = _rcp_count(confident, second, twice, n_valid) if model.informative else 0
    return _Count(n, twice, squares, n_valid)


def _face_value(second: SecondReading, most: _Count) -> Estimate:
    """Estimate the share of errors at face value, which is no more than the most."""
    face, squares = second.doubt.value()[:2].tolist()
    low, high = drawn_interval(min(face, most.errors), squares, most.rows)
    ceiling = most.estimate()
    return Estimate(
        min(face, most.errors) / most.rows, min(low, ceiling.low), min(high, ceiling.high)
    )


def _rcp_count(
    confident: ConfidentLearning, second: SecondReading, twice: float, n_valid: int
) -> int:
    """Average the doubt at twice the sharpness and the confident joint after recalibration.

    A row that its three leading classes do not settle is not counted in that joint. The threshold
    of a class of a few rows is a guess, and where those rows are wrong, or the model never saw the
    class, it is so low that right rows of other classes pass it; such a class gets none.
    """
    if second.channel is None or second.recalibrated is None:
        return 0
    counts = second.recalibrated.count
    reach = reach_of(second.recalibrated.thresholds())
    enough = counts >= FEW_ROWS
    if np.count_nonzero(enough) > 1:
        reach = np.where(enough, reach, np.inf)
    decided = by_leading(second.channel.classes, second.channel.leading, reach, False)
    cells = joint.confident_joint(confident.evidence.labels, decided, counts > 0)
    return count(twice, joint.off_diagonal_total(joint.calibrated(cells, counts)), n_valid)
