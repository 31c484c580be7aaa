"""Which labels are wrong, and how many: the audit of a single-label table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.distribution import quality_bins
from labelaudit.audits.flagging import flags_of
from labelaudit.audits.joint import cells_of
from labelaudit.audits.preparing import prepare
from labelaudit.audits.ranking import Ranking, ranked_rows, scores_of
from labelaudit.audits.second import SecondPlan, second_reading
from labelaudit.findings import FILTERS, LabelAudit
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.audits.confident import ConfidentLearning
    from labelaudit.audits.flagging import Flags
    from labelaudit.audits.preparing import Prepared
    from labelaudit.audits.rows import Rows
    from labelaudit.audits.second import SecondReading
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.findings import Problem

__all__ = ["Audited", "audit_labels"]


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit, with what was wrong with the rows that were left out, and what is odd.

    Attributes
    ----------
    audit : LabelAudit
    flagged, left_out : int64
        Row numbers, ascending; ``flagged`` has all of them, however few are ranked.
    problems : tuple of Problem
    warnings : tuple of str
    model : ChannelModel or None
        The fitted channel, where rcp was asked for.
    """

    audit: LabelAudit
    flagged: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.int64]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    model: ChannelModel | None = None


def audit_labels(rows: Rows, settings: AuditSettings) -> Audited:
    """Audit the labels of a single-label table.

    Raises
    ------
    InvalidDataError
        If rows cannot be used and ``settings.skip_invalid`` is off, or if all labels are one.
    ClassOrderError
        If the probabilities seem to be in another class order.
    NothingToAuditError
        If no row can be used.
    """
    prepared = prepare(rows, settings)
    confident, model = prepared.confident, prepared.model
    plan = SecondPlan(
        n_rows=rows.n_rows,
        left_out=np.flatnonzero(~confident.evidence.valid),
        margins=prepared.margins.emptied(),
        unsettled=prepared.unsettled,
        model=model,
        face_score=prepared.face_score,
        thresholds=confident.to_take_off(settings.compat) if settings.adjust else None,
    )
    second = second_reading(rows.partitions, plan, rows.told("scoring"))
    margins = prepared.margins + second.margins
    by_noise_rate = margins.flags(rows.n_rows)
    flags = flags_of(confident, second, model, by_noise_rate, settings.compat, rows.on)
    ranking = _ranking(settings, prepared, second, flags)
    audit = replace(
        _audit(settings, confident, flags, ranking),
        notes=model.notes if model else (),
        readings=1 + second.read,
        calibration=prepared.calibration,
        reliability=prepared.reliability,
        quality=quality_bins(
            ranking.scores.quality,
            confident.evidence.labels,
            ranking.is_issue,
            second,
            len(confident.counts),
        ),
        informative=model is None or model.informative,
    )
    return Audited(
        audit,
        np.flatnonzero(flags.by_rule[settings.method]),
        plan.left_out,
        prepared.problems,
        prepared.warnings + _doubts(model),
        model,
    )


def _doubts(model: ChannelModel | None) -> tuple[str, ...]:
    if model is None or model.informative:
        return ()
    sentence = (
        "The probabilities say nothing about the labels beyond how common they are, so nothing "
        "is flagged: check that rows and probabilities belong together."
    )
    return (sentence,)


def _ranking(
    settings: AuditSettings, prepared: Prepared, second: SecondReading, flags: Flags
) -> Ranking:
    evidence = prepared.confident.evidence
    return Ranking(
        evidence,
        prepared.entropy,
        scores_of(settings.ranking, evidence, prepared.entropy, second),
        second.channel if settings.ranking == "rcp" else None,
        flags.by_rule[settings.method],
        flags.at_face_value,
        flags.by_rule,
    )


def _audit(
    settings: AuditSettings, confident: ConfidentLearning, flags: Flags, ranking: Ranking
) -> LabelAudit:
    evidence, n_classes = confident.evidence, len(confident.counts)
    flagged = np.flatnonzero(ranking.is_issue)
    given = evidence.labels[flagged]
    suggested, _ = ranking.suggestions(flagged)
    quality = SelfConfidence.of(evidence.labels, ranking.scores.quality, n_classes)
    mean = np.full(n_classes, np.nan)
    np.divide(quality.total.value(), quality.count, out=mean, where=quality.count > 0)
    # What a row would be if its label is wrong: the suggestion, or the best other class.
    alternative = np.where(suggested >= 0, suggested, evidence.best_class[flagged])
    return LabelAudit(
        method=settings.method,
        score=settings.ranking,
        rows=len(evidence.labels),
        valid_rows=int(confident.counts.sum()),
        counts=confident.counts,
        thresholds=confident.thresholds,
        confident_joint=confident.joint,
        calibrated_joint=confident.calibrated,
        error_rate=flags.error_rate,
        n_issues=len(flagged),
        flagged={
            name: int(np.count_nonzero(flags.by_rule[name]))
            for name in FILTERS
            if name in flags.by_rule
        },
        class_issues=np.bincount(given, minlength=n_classes),
        class_suggested=np.bincount(suggested[suggested >= 0], minlength=n_classes),
        alternatives=cells_of(given, alternative.astype(np.int32), n_classes),
        mean_quality=_mean_of_all(quality),
        class_quality=mean,
        issues=ranked_rows(ranking, settings.every_row, settings.top),
        notes=(),
        readings=1,
        calibration={},
    )


def _mean_of_all(sums: SelfConfidence) -> float:
    whole = ExactSum(sums.total.high.sum(keepdims=True), sums.total.low.sum(keepdims=True))
    return float(whole.value()[0]) / int(sums.count.sum())
