"""From the first reading to all that the scoring of rows needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from labelaudit.audits import hygiene
from labelaudit.audits.channel import ChannelModel, fit, sample_bound
from labelaudit.audits.confident import confident_learning
from labelaudit.audits.face import face_sample_bound, fit_face_value
from labelaudit.audits.facts import ReadingPlan
from labelaudit.audits.ground import FEW_ROWS
from labelaudit.audits.reading import ReadFacts
from labelaudit.kernels.rows import LEADING
from labelaudit.running import Here, beside

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labelaudit.audits.confident import ConfidentLearning
    from labelaudit.audits.face import FaceValue
    from labelaudit.audits.facts import Sample
    from labelaudit.audits.ground import Ground
    from labelaudit.audits.reading import FirstSums
    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.distributions import Reliability
    from labelaudit.findings import Problem

__all__ = ["Prepared", "keeps_further", "look_at_rows", "prepare"]

MANY_CLASSES = 256
"""Of more classes than this, many cells have too few rows, and ask for all margins there are."""


def look_at_rows(
    ground: Ground, rows: Rows, settings: AuditSettings
) -> tuple[FirstSums, tuple[Problem, ...]]:
    """Read all rows once, and list what is wrong with them."""
    thorough = ("low_self_confidence", "low_normalized_margin", "rcp")
    bound = sample_bound if _wants_channel(settings) else face_sample_bound
    n_classes = len(rows.classes)
    plan = ReadingPlan(
        n_rows=rows.n_rows,
        n_classes=n_classes,
        sample_bound=bound(rows.n_rows, n_classes, rows.n_members),
        seed=settings.seed,
        every_entropy=settings.every_row
        or settings.method in thorough
        or settings.ranking in ("rcp", "confidence_weighted_entropy"),
        exact_entropy=settings.ranking == "confidence_weighted_entropy",
        further=keeps_further(settings, n_classes),
    )
    first: FirstSums = reduce(add, ground.read(ReadFacts(plan), "reading"))
    return first, hygiene.row_problems(first.complaints, first.rows, rows.numbered)


def keeps_further(settings: AuditSettings, n_classes: int) -> bool:
    """Say whether the first reading keeps further classes, which may spare a second one."""
    again = _wants_channel(settings) or settings.adjust
    return LEADING < n_classes <= MANY_CLASSES and not again


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before rows are scored.

    Attributes
    ----------
    confident : ConfidentLearning
    model : ChannelModel or None
        Where rcp was asked for.
    face : FaceValue or None
        Where it was not.
    calibration : dict of str to float
    reliability : Reliability
    fitted_rows : int
        Rows that the channel, or that at face value, was fitted on.
    left_out : (m,) int64
        Rows that cannot be used, ascending.
    problems : tuple of Problem
    warnings : tuple of str
    """

    confident: ConfidentLearning
    model: ChannelModel | None
    face: FaceValue | None
    calibration: dict[str, float]
    reliability: Reliability
    fitted_rows: int
    left_out: npt.NDArray[np.int64]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def prepare(ground: Ground, rows: Rows, settings: AuditSettings) -> Prepared:
    """Read all rows once, refuse what cannot be audited, and learn what scoring needs.

    Raises
    ------
    InvalidDataError, ClassOrderError, NothingToAuditError
        As ``audit_labels`` says.
    """
    first, problems = look_at_rows(ground, rows, settings)
    if not settings.skip_invalid:
        hygiene.demand_no_problems(problems)
    counts, agreement = first.confidence.count, first.agreement.cells()
    hygiene.demand_two_labels(counts, rows.classes)
    hygiene.demand_class_order(agreement, rows.classes)
    sample = first.sample

    def fit_face() -> FaceValue | None:
        if _wants_channel(settings):
            return None
        return fit_face_value(sample, counts, on)

    def measure() -> tuple[Any, ...]:
        warnings = hygiene.warnings_about(agreement, counts, rows.classes)
        return *hygiene.calibration(sample, len(counts)), warnings

    # Few rows take less time one thing after the other: threads would wait for each other.
    on = Here() if rows.n_rows <= FEW_ROWS else rows.on
    with beside(fit_face, on) as fitted, beside(measure, on) as measured:
        confident = confident_learning(ground, first.confidence, settings)
        face = fitted.result()
        calibration, reliability, warnings = measured.result()
    return Prepared(
        confident,
        _fit(sample, settings, counts, rows) if face is None else None,
        face,
        calibration,
        reliability,
        len(sample.labels),
        first.left_out,
        problems,
        warnings,
    )


def _fit(
    sample: Sample, settings: AuditSettings, counts: npt.NDArray[np.int64], rows: Rows
) -> ChannelModel:
    total = int(counts.sum())
    return fit(sample.labels, sample.members, sample.rows, settings.seed, counts, total, rows.on)


def _wants_channel(settings: AuditSettings) -> bool:
    return "rcp" in (settings.method, settings.ranking)
