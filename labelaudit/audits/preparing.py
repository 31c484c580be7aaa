"""From the first reading to all that the second one needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from labelaudit.audits import hygiene
from labelaudit.audits.channel import ChannelModel, fit, sample_bound
from labelaudit.audits.confident import confident_learning
from labelaudit.audits.face import face_sample_bound, fit_face_value
from labelaudit.audits.facts import ReadingPlan, first_reading
from labelaudit.running import Executor, together, total
from labelaudit.summaries.margins import LowestMargins
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labelaudit.audits.confident import ConfidentLearning
    from labelaudit.audits.facts import FirstReading, RowFacts
    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.distributions import Reliability
    from labelaudit.findings import Problem

__all__ = ["Prepared", "look_at_rows", "prepare"]

FEW_ROWS = 100_000


def look_at_rows(rows: Rows, settings: AuditSettings) -> tuple[FirstReading, tuple[Problem, ...]]:
    """Read all rows once, and list what is wrong with them."""
    thorough = ("low_self_confidence", "low_normalized_margin", "rcp")
    bound = sample_bound if _wants_channel(settings) else face_sample_bound
    plan = ReadingPlan(
        n_rows=rows.n_rows,
        n_classes=len(rows.classes),
        sample_bound=bound(rows.n_rows, len(rows.classes), rows.n_members),
        seed=settings.seed,
        every_entropy=settings.every_row
        or settings.method in thorough
        or settings.ranking in ("rcp", "confidence_weighted_entropy"),
        exact_entropy=settings.ranking == "confidence_weighted_entropy",
    )
    first = first_reading(rows.partitions, plan, rows.told("reading"))
    return first, hygiene.row_problems(first.facts, rows.numbered)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known between the readings; the leading classes of the rows are let go.

    Attributes
    ----------
    confident : ConfidentLearning
    entropy : (N,) float
    margins : LowestMargins
        Of the rows whose leading classes settle them.
    unsettled : (N,) bool
        The other rows.
    model : ChannelModel or None
        Where rcp was asked for.
    face_score : (N,) float64 or None
        Logarithm of the label quality at face value, where it was not.
    calibration : dict of str to float
    reliability : Reliability
    problems : tuple of Problem
    warnings : tuple of str
    """

    confident: ConfidentLearning
    entropy: npt.NDArray[np.floating]
    margins: LowestMargins
    unsettled: npt.NDArray[np.bool_]
    model: ChannelModel | None
    face_score: npt.NDArray[np.float64] | None
    calibration: dict[str, float]
    reliability: Reliability
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def prepare(rows: Rows, settings: AuditSettings) -> Prepared:
    """Read all rows once, refuse what cannot be audited, and learn what the second reading needs.

    Raises
    ------
    InvalidDataError, ClassOrderError, NothingToAuditError
        As ``audit_labels`` says.
    """
    first, problems = look_at_rows(rows, settings)
    facts, sample, classes = first.facts, first.sample, rows.classes
    if not settings.skip_invalid:
        hygiene.demand_no_problems(problems)
    confidence = SelfConfidence.of(facts.labels, facts.given_prob, len(classes))
    counts = confidence.count
    hygiene.demand_two_labels(counts, classes)
    agreement = hygiene.agreement(facts, len(classes))
    hygiene.demand_class_order(agreement, classes)

    def learn() -> ConfidentLearning:
        return confident_learning(facts, confidence, settings, rows.partitions)

    def measure() -> tuple[Any, ...]:
        face = None if _wants_channel(settings) else fit_face_value(sample, settings.seed, counts)
        warnings = hygiene.warnings_about(agreement, counts, classes)
        return face, *hygiene.calibration(sample, len(counts)), warnings

    found: list[Any] = together(rows.on, learn, measure)
    confident, (face, calibration, reliability, warnings) = found
    margins, unsettled = _margins_so_far(facts, confident, rows.on)
    model = _fit(first, settings, counts, rows) if face is None else None
    return Prepared(
        confident,
        facts.entropy,
        margins,
        unsettled,
        model,
        face.scores(facts, rows.on) if face else None,
        calibration,
        reliability,
        problems,
        warnings,
    )


def _fit(
    first: FirstReading, settings: AuditSettings, counts: npt.NDArray[np.int64], rows: Rows
) -> ChannelModel:
    sample, total = first.sample, int(counts.sum())
    return fit(sample.labels, sample.members, sample.rows, settings.seed, counts, total, rows.on)


def _wants_channel(settings: AuditSettings) -> bool:
    return "rcp" in (settings.method, settings.ranking)


def _margins_so_far(
    facts: RowFacts, confident: ConfidentLearning, on: Executor
) -> tuple[LowestMargins, npt.NDArray[np.bool_]]:
    """Find the lowest margins of each cell among leading classes, and who must be read again."""
    margins = LowestMargins.wanted(confident.pruned)
    # Of contradicted rows nearly always enough: the other margins need no look then.
    for negative in (True, False):
        if negative or (margins.bounds() >= 0.0).any():
            margins = margins + total(
                partial(_leading_margins, facts, margins.emptied(), negative), _halves(facts), on
            )
    unsettled = margins.unsettled(facts)
    return margins.without(unsettled), unsettled


def _halves(facts: RowFacts) -> list[slice]:
    step = max(-(-len(facts) // 2), FEW_ROWS)
    return [slice(start, min(start + step, len(facts))) for start in range(0, len(facts), step)]


def _leading_margins(
    facts: RowFacts, pattern: LowestMargins, negative: bool, part: slice
) -> LowestMargins:
    margins = pattern.emptied()
    margins.take_leading(facts, part, negative)
    return margins
