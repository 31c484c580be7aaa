"""Which labels are wrong, and how many: the audit of a single-label table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.filters import as_bits
from labelaudit.audits.flagging import flags_of, tied_at_cut
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
    """

    audit: LabelAudit
    flagged: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.int64]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


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
        scorer=prepared.scorer,
        thresholds=confident.to_take_off(settings.compat) if settings.adjust else None,
    )
    second = second_reading(rows.partitions, plan, rows.told("scoring"))
    margins = prepared.margins + second.margins
    by_noise_rate = (
        tied_at_cut(margins, confident.pruned, rows.partitions, rows.on)
        if settings.compat
        else margins.flags(rows.n_rows)
    )
    flags = flags_of(confident, second, model, by_noise_rate, settings.compat, rows.on)
    ranking = _ranking(settings, prepared, second, flags)
    audit = replace(
        _audit(settings, confident, flags, ranking),
        notes=model.notes if model else (),
        calibration=prepared.calibration,
    )
    return Audited(
        audit,
        np.flatnonzero(ranking.is_issue),
        plan.left_out,
        prepared.problems,
        prepared.warnings + _doubts(model),
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
    suggested = np.where(
        evidence.contradicted, evidence.best_class, evidence.best_class.dtype.type(-1)
    )
    suggested_prob = evidence.best_prob.astype(np.float32)
    if second.channel is not None and settings.ranking == "rcp":
        found = second.channel.suggested
        agrees = found == evidence.labels
        suggested = np.where(agrees, found.dtype.type(-1), found)
        suggested_prob = np.where(agrees, suggested_prob, second.channel.suggested_prob)
    return Ranking(
        evidence,
        prepared.entropy,
        scores_of(settings.ranking, evidence, prepared.entropy, second),
        suggested,
        suggested_prob,
        flags.by_rule[settings.method],
        flags.at_face_value,
        as_bits(flags.by_rule),
    )


def _audit(
    settings: AuditSettings, confident: ConfidentLearning, flags: Flags, ranking: Ranking
) -> LabelAudit:
    evidence, n_classes = confident.evidence, len(confident.counts)
    issue = ranking.is_issue
    quality = SelfConfidence.of(evidence.labels, ranking.scores.quality, n_classes)
    mean = np.full(n_classes, np.nan)
    np.divide(quality.total.value(), quality.count, out=mean, where=quality.count > 0)
    suggested = ranking.suggested[issue]
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
        n_issues=int(issue.sum()),
        flagged={name: int(flags.by_rule[name].sum()) for name in FILTERS if name in flags.by_rule},
        class_issues=np.bincount(evidence.labels[issue], minlength=n_classes),
        class_suggested=np.bincount(suggested[suggested >= 0], minlength=n_classes),
        alternatives=cells_of(evidence.labels[issue], _alternatives(ranking)[issue], n_classes),
        mean_quality=_mean_of_all(quality),
        class_quality=mean,
        issues=ranked_rows(ranking, settings.every_row, settings.top),
        notes=(),
        readings=2,
        calibration={},
    )


def _alternatives(ranking: Ranking) -> npt.NDArray[np.int32]:
    """Return what each row would be if its label is wrong: the suggestion, or the best other."""
    best = ranking.evidence.best_class
    return np.where(ranking.suggested >= 0, ranking.suggested, best).astype(np.int32)


def _mean_of_all(sums: SelfConfidence) -> float:
    whole = ExactSum(sums.total.high.sum(keepdims=True), sums.total.low.sum(keepdims=True))
    return float(whole.value()[0]) / int(sums.count.sum())
